{% set dimensions = ['sales_rep', 'sales_team', 'pipeline', 'segment', 'region', 'lead_source', 'deal_type'] %}

with

deals as (
    select * from {{ ref('sales_kpis', 'fct_deals') }} where closed_deals = 1
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

closed_in_period as (
    select
        period_days.period_grain,
        period_days.period_start_date,
        deals.*
    from deals
    inner join period_days on deals.closed_date = period_days.date_day
),

measured as (
    select
        period_grain,
        period_start_date,
        {{ dimension_and_member(dimensions) }},
        sum(won_deals) as won_deals,
        sum(total_cycle_days) as total_cycle_days,
        sum(closed_deals) as closed_deals,
        sum(total_closed_cycle_days) as total_closed_cycle_days,
        {{ percentile('case when won_deals = 1 then cycle_days end', 0.5) }} as median_cycle_days,
        {{ percentile('case when won_deals = 1 then cycle_days end', 0.9) }} as p90_cycle_days
    from closed_in_period
    group by {{ by_dimension(dimensions) }}
),

reported as (
    {{ kpi_rows(
        'measured',
        components=['won_deals', 'total_cycle_days', 'closed_deals', 'total_closed_cycle_days'],
        companions=['median_cycle_days', 'p90_cycle_days']
    ) }}
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
    cast(won_deals as bigint) as won_deals,
    cast(total_cycle_days as bigint) as total_cycle_days,
    cast(closed_deals as bigint) as closed_deals,
    cast(total_closed_cycle_days as bigint) as total_closed_cycle_days,
    median_cycle_days,
    p90_cycle_days,
    {{ divide('total_closed_cycle_days', 'closed_deals') }} as average_closed_cycle_days,
    {{ divide('total_cycle_days', 'won_deals') }} as average_sales_cycle_days
from reported
