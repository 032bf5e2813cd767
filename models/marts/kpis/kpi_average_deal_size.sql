{% set dimensions = ['sales_rep', 'sales_team', 'pipeline', 'segment', 'region', 'lead_source', 'deal_type'] %}

with

deals as (
    select * from {{ ref('sales_kpis', 'fct_deals') }} where won_deals = 1
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

won_in_period as (
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
        sum(won_amount) as won_amount,
        sum(won_deals_with_amount) as won_deals_with_amount,
        sum(won_deals_without_amount) as won_deals_without_amount,
        {{ percentile('amount', 0.5) }} as median_deal_size
    from won_in_period
    group by {{ by_dimension(dimensions) }}
),

reported as (
    {{ kpi_rows(
        'measured',
        components=['won_amount', 'won_deals_with_amount', 'won_deals_without_amount'],
        companions=['median_deal_size']
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
    cast(won_amount as decimal(38, 2)) as won_amount,
    cast(won_deals_with_amount as bigint) as won_deals_with_amount,
    cast(won_deals_without_amount as bigint) as won_deals_without_amount,
    median_deal_size,
    {{ divide('won_amount', 'won_deals_with_amount') }} as average_deal_size
from reported
