{% set dimensions = ['sales_rep', 'sales_team', 'pipeline', 'segment', 'region', 'lead_source', 'deal_type'] %}

with

deals as (
    select * from {{ ref('sales_kpis', 'fct_deals') }} where closed_deals = 1
),

snapshots as (
    select * from {{ ref('sales_kpis', 'fct_pipeline_snapshots') }}
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

-- As a period ends, a team is the one of its last day
open_at_period_end as (
    select
        period_days.period_grain,
        period_days.period_start_date,
        snapshots.source_system,
        snapshots.sales_rep_id,
        snapshots.period_end_sales_team as sales_team,
        snapshots.pipeline_id,
        snapshots.segment,
        snapshots.region,
        snapshots.lead_source,
        snapshots.deal_type,
        snapshots.open_deals
    from snapshots
    inner join period_days
        on
            snapshots.state_date = period_days.date_day
            and (snapshots.state_date = period_days.period_end_date or snapshots.snapshot_type = 'current')
),

measured_closed as (
    select
        period_grain,
        period_start_date,
        {{ dimension_and_member(dimensions) }},
        sum(closed_deals) as closed_deals,
        sum(won_deals) as won_deals,
        sum(won_amount) as won_amount,
        sum(won_deals_with_amount) as won_deals_with_amount,
        sum(total_cycle_days) as total_cycle_days
    from closed_in_period
    group by {{ by_dimension(dimensions) }}
),

measured_open as (
    select
        period_grain,
        period_start_date,
        {{ dimension_and_member(dimensions) }},
        sum(open_deals) as open_deals
    from open_at_period_end
    group by {{ by_dimension(dimensions) }}
),

measured as (
    select
        period_grain,
        period_start_date,
        dimension,
        member_id,
        measured_closed.closed_deals,
        measured_closed.won_deals,
        measured_closed.won_amount,
        measured_closed.won_deals_with_amount,
        measured_closed.total_cycle_days,
        measured_open.open_deals
    from measured_closed
    full outer join measured_open using (period_grain, period_start_date, dimension, member_id)
),

reported as (
    {{ kpi_rows(
        'measured',
        components=[
            'closed_deals', 'won_deals', 'won_amount', 'won_deals_with_amount', 'total_cycle_days', 'open_deals'
        ]
    ) }}
),

divided as (
    select
        *,
        {{ divide('won_deals', 'closed_deals') }} as win_rate,
        {{ divide('won_amount', 'won_deals_with_amount') }} as average_deal_size,
        {{ divide('total_cycle_days', 'won_deals') }} as average_sales_cycle_days
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
    cast(closed_deals as bigint) as closed_deals,
    win_rate,
    average_deal_size,
    average_sales_cycle_days,
    cast(open_deals as bigint) as open_deals,
    {{ divide('open_deals * win_rate * average_deal_size', 'average_sales_cycle_days') }}
        as open_pipeline_velocity_per_day,
    {{ divide('closed_deals * win_rate * average_deal_size', 'average_sales_cycle_days') }}
        as pipeline_velocity_per_day
from divided
