with

leads as (
    select * from {{ ref('sales_kpis', 'stg_crm__leads') }} where exclusion_reason is null
),

activities as (
    select * from {{ ref('sales_kpis', 'fct_activities') }}
),

sales_reps as (
    select * from {{ ref('sales_kpis', 'dim_sales_reps') }}
),

sales_rep_teams as (
    select * from {{ ref('sales_kpis', 'dim_sales_rep_teams') }}
),

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
),

sources as (
    select * from {{ ref('sales_kpis', 'int_sources') }}
),

-- What happened to a lead after the as-of date has not happened yet
known_leads as (
    select
        leads.source_system,
        leads.lead_id,
        coalesce(leads.lead_source, 'unknown') as lead_source,
        coalesce(leads.segment, 'unknown') as segment,
        coalesce(leads.region, 'unknown') as region,
        coalesce(leads.source_system || '|' || leads.owner_id, 'unknown') as sales_rep_id,
        coalesce(leads.owner_id, 'unknown') as owner_id,
        leads.lead_status,
        leads.created_date,
        leads.created_at,
        case when leads.qualified_at < as_of.as_of_end_at then leads.qualified_at end as qualified_at,
        case when leads.converted_at < as_of.as_of_end_at then leads.converted_at end as converted_at,
        case
            when leads.converted_at is null or leads.converted_at < as_of.as_of_end_at then leads.converted_deal_id
        end as converted_deal_id,
        case
            when leads.is_deleted then 'deleted'
            when leads.merged_into_lead_id is not null then 'merged'
        end as exclusion_reason
    from leads
    inner join as_of on leads.created_at < as_of.as_of_end_at
),

dated_leads as (
    select
        *,
        {{ utc_as_local_date('qualified_at') }} as qualified_date,
        {{ utc_as_local_date('converted_at') }} as converted_date
    from known_leads
),

first_responses as (
    select
        known_leads.source_system,
        known_leads.lead_id,
        min(activities.occurred_at) as first_response_at
    from known_leads
    inner join activities
        on
            known_leads.source_system = activities.source_system
            and known_leads.lead_id = activities.lead_id
            and known_leads.created_at <= activities.occurred_at
    where activities.is_completed and not activities.is_automated and activities.direction = 'outbound'
    group by known_leads.source_system, known_leads.lead_id
),

measured as (
    select
        dated_leads.*,
        first_responses.first_response_at,
        {{ whole_seconds_between('dated_leads.created_at', 'first_responses.first_response_at') }} as response_seconds,
        {{ dbt.datediff('dated_leads.created_date', 'dated_leads.converted_date', 'day') }}
            as days_to_convert
    from dated_leads
    left join first_responses
        on
            dated_leads.source_system = first_responses.source_system
            and dated_leads.lead_id = first_responses.lead_id
),

judged as (
    select
        *,
        coalesce(
            converted_deal_id is not null
            and days_to_convert between 0 and {{ var('lead_conversion_window_days') }},
            false
        ) as is_converted_in_time
    from measured
)

select
    judged.source_system,
    judged.lead_id,
    judged.lead_status,
    judged.sales_rep_id,
    coalesce(sales_reps.sales_rep_name, judged.owner_id) as sales_rep_name,
    coalesce(creation_teams.sales_team, 'unknown') as sales_team,
    coalesce(qualification_teams.sales_team, 'unknown') as qualification_sales_team,
    judged.segment,
    judged.region,
    judged.lead_source,
    judged.created_at,
    judged.created_date,
    judged.first_response_at,
    judged.response_seconds,
    judged.qualified_at,
    judged.qualified_date,
    judged.converted_at,
    judged.converted_date,
    judged.converted_deal_id,
    judged.exclusion_reason,
    {{ counted('judged.exclusion_reason is null') }} as new_leads,
    {{ counted('judged.exclusion_reason is null and judged.qualified_at is not null') }} as qualified_leads,
    {{ counted('judged.exclusion_reason is null and judged.is_converted_in_time') }} as converted_leads,
    cast(
        case when judged.exclusion_reason is null and judged.is_converted_in_time then judged.days_to_convert else 0 end
        as {{ dbt.type_bigint() }}
    ) as total_days_to_convert,
    case
        when sources.has_activities
            then {{ counted('judged.exclusion_reason is null and judged.first_response_at is not null') }}
    end as responded_leads,
    case
        when sources.has_activities
            then cast(
                case when judged.exclusion_reason is null then coalesce(judged.response_seconds, 0) else 0 end
                as {{ dbt.type_bigint() }}
            )
    end as total_response_seconds,
    case
        when sources.has_activities
            then {{ counted(
                'judged.exclusion_reason is null and judged.response_seconds <= '
                ~ var('lead_response_sla_hours') ~ ' * 3600'
            ) }}
    end as leads_within_sla
from judged
inner join sources on judged.source_system = sources.source_system
left join sales_reps on judged.sales_rep_id = sales_reps.sales_rep_id
left join sales_rep_teams as creation_teams
    on
        judged.sales_rep_id = creation_teams.sales_rep_id
        and judged.created_date >= creation_teams.valid_from
        and judged.created_date < creation_teams.valid_to
left join sales_rep_teams as qualification_teams
    on
        judged.sales_rep_id = qualification_teams.sales_rep_id
        and judged.qualified_date >= qualification_teams.valid_from
        and judged.qualified_date < qualification_teams.valid_to
