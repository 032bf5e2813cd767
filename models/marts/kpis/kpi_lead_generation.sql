{% set dimensions = ['sales_rep', 'sales_team', 'segment', 'region', 'lead_source'] %}

with

leads as (
    select * from {{ ref('sales_kpis', 'fct_leads') }} where exclusion_reason is null
),

sales_spend as (
    select * from {{ ref('sales_kpis', 'fct_sales_spend') }}
),

inputs as (
    select * from {{ ref('sales_kpis', 'int_inputs') }}
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

-- A lead qualifies in the team that its owner is in by then
qualified_in_period as (
    select
        period_days.period_grain,
        period_days.period_start_date,
        leads.source_system,
        leads.sales_rep_id,
        leads.qualification_sales_team as sales_team,
        leads.segment,
        leads.region,
        leads.lead_source,
        leads.qualified_leads
    from leads
    inner join period_days on leads.qualified_date = period_days.date_day
),

spent_in_period as (
    select
        period_days.period_grain,
        period_days.period_start_date,
        sales_spend.lead_source,
        sales_spend.marketing_spend_amount
    from sales_spend
    inner join period_days on sales_spend.spend_month = period_days.date_day
),

measured_created as (
    select
        period_grain,
        period_start_date,
        {{ dimension_and_member(dimensions) }},
        sum(new_leads) as new_leads
    from created_in_period
    group by {{ by_dimension(dimensions) }}
),

measured_qualified as (
    select
        period_grain,
        period_start_date,
        {{ dimension_and_member(dimensions) }},
        sum(qualified_leads) as qualified_leads
    from qualified_in_period
    group by {{ by_dimension(dimensions) }}
),

measured_previous as (
    select
        periods.period_grain,
        periods.period_start_date,
        measured_qualified.dimension,
        measured_qualified.member_id,
        measured_qualified.qualified_leads as previous_qualified_leads
    from measured_qualified
    inner join periods
        on
            measured_qualified.period_grain = periods.period_grain
            and measured_qualified.period_start_date = periods.previous_period_start_date
),

-- Spend knows its lead source and nothing else of a lead
measured_spend as (
    select
        period_grain,
        period_start_date,
        case when grouping(lead_source) = 0 then 'lead_source' else 'overall' end as dimension,
        case when grouping(lead_source) = 0 then lead_source else 'all' end as member_id,
        sum(marketing_spend_amount) as marketing_spend_amount
    from spent_in_period
    group by grouping sets ((period_grain, period_start_date), (period_grain, period_start_date, lead_source))
),

measured as (
    select
        period_grain,
        period_start_date,
        dimension,
        member_id,
        measured_created.new_leads,
        measured_qualified.qualified_leads,
        measured_previous.previous_qualified_leads,
        measured_spend.marketing_spend_amount
    from measured_created
    full outer join measured_qualified using (period_grain, period_start_date, dimension, member_id)
    full outer join measured_previous using (period_grain, period_start_date, dimension, member_id)
    full outer join measured_spend using (period_grain, period_start_date, dimension, member_id)
),

reported as (
    {{ kpi_rows(
        'measured',
        components=['new_leads', 'qualified_leads', 'previous_qualified_leads', 'marketing_spend_amount']
    ) }}
),

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
        case when inputs.has_leads then reported.new_leads end as new_leads,
        case when inputs.has_leads then reported.qualified_leads end as qualified_leads,
        case when inputs.has_leads then reported.previous_qualified_leads end as previous_qualified_leads,
        case
            when inputs.has_sales_spend and reported.dimension in ('overall', 'lead_source')
                then reported.marketing_spend_amount
        end as marketing_spend_amount
    from reported
    cross join inputs
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
    cast(qualified_leads as bigint) as qualified_leads,
    cast(previous_qualified_leads as bigint) as previous_qualified_leads,
    {{ divide('qualified_leads - previous_qualified_leads', 'previous_qualified_leads') }} as lead_velocity_rate,
    cast(marketing_spend_amount as decimal(38, 2)) as marketing_spend_amount,
    {{ divide('marketing_spend_amount', 'new_leads') }} as cost_per_lead,
    cast(new_leads as bigint) as new_leads
from known
