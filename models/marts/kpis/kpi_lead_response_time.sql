{% set dimensions = ['sales_rep', 'sales_team', 'segment', 'region', 'lead_source'] %}

with

leads as (
    select * from {{ ref('sales_kpis', 'fct_leads') }} where new_leads = 1
),

period_days as (
    select * from {{ ref('sales_kpis', 'dim_period_days') }}
),

periods as (
    select * from {{ ref('sales_kpis', 'dim_periods') }}
),

members as (
    select * from {{ ref('sales_kpis', 'int_kpi_members') }}
),

created_in_period as (
    select
        period_days.period_grain,
        period_days.period_start_date,
        leads.*
    from leads
    inner join period_days on leads.created_date = period_days.date_day
),

measured as (
    select
        period_grain,
        period_start_date,
        {{ dimension_and_member(dimensions) }},
        sum(total_response_seconds) as total_response_seconds,
        sum(responded_leads) as responded_leads,
        sum(new_leads) as new_leads,
        sum(leads_within_sla) as leads_within_sla,
        {{ percentile('response_seconds', 0.5) }} / 3600 as median_lead_response_hours
    from created_in_period
    group by {{ by_dimension(dimensions) }}
),

reported as (
    {{ kpi_rows(
        'measured',
        components=['total_response_seconds', 'responded_leads', 'new_leads', 'leads_within_sla'],
        companions=['median_lead_response_hours']
    ) }}
),

-- Without activities nobody knows whether a lead was answered, and others' answers would be held against all leads
known as (
    select
        reported.period_grain,
        reported.period_start_date,
        reported.period_end_date,
        reported.period_label,
        reported.is_complete,
        reported.dimension,
        reported.member_id,
        reported.member_name,
        reported.member_sort,
        reported.new_leads,
        case when not reported.includes_source_without_activities then reported.total_response_seconds end
            as total_response_seconds,
        case when not reported.includes_source_without_activities then reported.responded_leads end as responded_leads,
        case when not reported.includes_source_without_activities then reported.leads_within_sla end
            as leads_within_sla,
        case when not reported.includes_source_without_activities then reported.median_lead_response_hours end
            as median_lead_response_hours
    from reported
)

select
    period_grain,
    period_start_date,
    period_end_date,
    period_label,
    is_complete,
    dimension,
    member_id,
    member_name,
    cast(member_sort as bigint) as member_sort,
    cast(total_response_seconds as bigint) as total_response_seconds,
    cast(responded_leads as bigint) as responded_leads,
    cast(new_leads as bigint) as new_leads,
    cast(leads_within_sla as bigint) as leads_within_sla,
    median_lead_response_hours,
    {{ divide('responded_leads', 'new_leads') }} as responded_share,
    {{ divide('leads_within_sla', 'new_leads') }} as within_sla_share,
    {{ divide('total_response_seconds', 'responded_leads') }} / 3600 as average_lead_response_hours
from known
