{% set dimensions = ['sales_rep', 'sales_team', 'pipeline', 'segment', 'region', 'lead_source', 'deal_type'] %}

with

-- Open deals are in neither component
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
        sum(closed_deals) as closed_deals,
        sum(won_amount) as won_amount,
        sum(closed_amount) as closed_amount
    from closed_in_period
    group by {{ by_dimension(dimensions) }}
),

reported as (
    {{ kpi_rows('measured', components=['won_deals', 'closed_deals', 'won_amount', 'closed_amount']) }}
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
    cast(closed_deals as bigint) as closed_deals,
    cast(won_amount as decimal(38, 2)) as won_amount,
    cast(closed_amount as decimal(38, 2)) as closed_amount,
    {{ divide('won_amount', 'closed_amount') }} as value_win_rate,
    {{ divide('won_deals', 'closed_deals') }} as win_rate
from reported
