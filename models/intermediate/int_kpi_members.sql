with

deals as (
    select * from {{ ref('sales_kpis', 'fct_deals') }} where exclusion_reason is null
),

snapshots as (
    select * from {{ ref('sales_kpis', 'fct_pipeline_snapshots') }}
),

visits as (
    select * from {{ ref('sales_kpis', 'fct_stage_visits') }} where exclusion_reason is null
),

leads as (
    select * from {{ ref('sales_kpis', 'fct_leads') }} where exclusion_reason is null
),

quotas as (
    select * from {{ ref('sales_kpis', 'fct_quotas') }}
),

sales_spend as (
    select * from {{ ref('sales_kpis', 'fct_sales_spend') }}
),

sources as (
    select * from {{ ref('sales_kpis', 'int_sources') }}
),

stages as (
    select * from {{ ref('sales_kpis', 'dim_pipeline_stages') }}
),

-- Members of what needs a deal's past, with the source that they come from
found_with_deals as (
    select 'overall' as dimension, 'all' as member_id, 'all' as member_name, source_system from sources
    union
    select 'source_system', source_system, source_system, source_system from sources
    union
    select 'source_system', source_system, source_system, source_system from quotas
    union
    select 'sales_rep', sales_rep_id, sales_rep_name, source_system from deals
    union
    select 'sales_rep', sales_rep_id, sales_rep_name, source_system from snapshots
    union
    select 'sales_rep', sales_rep_id, sales_rep_name, source_system from quotas
    union
    select 'sales_team', sales_team, sales_team, source_system from deals
    union
    select 'sales_team', sales_team, sales_team, source_system from snapshots
    union
    select 'sales_team', period_end_sales_team, period_end_sales_team, source_system from snapshots
    union
    select 'sales_team', sales_team, sales_team, source_system from quotas
    union
    select 'pipeline', pipeline_id, pipeline_name, source_system from deals
    union
    select 'pipeline', pipeline_id, pipeline_name, source_system from snapshots
    union
    select 'segment', segment, segment, source_system from deals
    union
    select 'region', region, region, source_system from deals
    union
    select 'lead_source', lead_source, lead_source, source_system from deals
    union
    select 'deal_type', deal_type, deal_type, source_system from deals
),

-- Members of what needs to know when a new lead was answered
found_with_leads as (
    select 'overall' as dimension, 'all' as member_id, 'all' as member_name, source_system from leads
    union
    select 'source_system', source_system, source_system, source_system from leads
    union
    select 'sales_rep', sales_rep_id, sales_rep_name, source_system from leads
    union
    select 'sales_team', sales_team, sales_team, source_system from leads
    union
    select 'segment', segment, segment, source_system from leads
    union
    select 'region', region, region, source_system from leads
    union
    select 'lead_source', lead_source, lead_source, source_system from leads
),

found_elsewhere as (
    select 'source_system' as dimension, source_system as member_id, source_system as member_name from sales_spend
    union
    select 'sales_team', qualification_sales_team, qualification_sales_team from leads
    union
    select 'pipeline', pipeline_id, pipeline_name from visits
    union
    select 'stage', stage_id, stage_name from visits
    union
    select 'lead_source', lead_source, lead_source from sales_spend
),

found as (
    select
        found_with_deals.dimension,
        found_with_deals.member_id,
        found_with_deals.member_name,
        not coalesce(sources.has_deal_log, true) as is_without_log,
        false as is_without_activities,
        sources.history_known_from
    from found_with_deals
    left join sources on found_with_deals.source_system = sources.source_system

    union all

    select
        found_with_leads.dimension,
        found_with_leads.member_id,
        found_with_leads.member_name,
        false as is_without_log,
        not sources.has_activities as is_without_activities,
        cast(null as date) as history_known_from
    from found_with_leads
    inner join sources on found_with_leads.source_system = sources.source_system

    union all

    select
        dimension,
        member_id,
        member_name,
        false as is_without_log,
        false as is_without_activities,
        cast(null as date) as history_known_from
    from found_elsewhere
),

members as (
    select
        dimension,
        member_id,
        max(member_name) as member_name,
        bool_or(is_without_log) as includes_source_without_log,
        bool_or(is_without_activities) as includes_source_without_activities,
        max(history_known_from) as history_known_from
    from found
    group by dimension, member_id
)

-- Stages sort by pipeline and order, all other members by name, the unknown last
select
    members.dimension,
    members.member_id,
    members.member_name,
    row_number() over (
        partition by members.dimension
        order by
            case when members.member_id = 'unknown' then 1 else 0 end,
            stages.pipeline_name,
            stages.pipeline_id,
            stages.stage_order,
            members.member_name,
            members.member_id
    ) as member_sort,
    members.includes_source_without_log,
    members.includes_source_without_activities,
    members.history_known_from
from members
left join stages on members.dimension = 'stage' and members.member_id = stages.stage_key
