{% set dimensions = ['sales_rep', 'sales_team', 'pipeline', 'segment', 'region', 'lead_source', 'deal_type'] %}

with

deals as (
    select * from {{ ref('sales_kpis', 'fct_deals') }} where won_deals = 1
),

snapshots as (
    select * from {{ ref('sales_kpis', 'fct_pipeline_snapshots') }} where snapshot_type = 'opening'
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

-- Only what the opening knew: its amounts, probabilities, categories, owners and expected dates
forecast_at_opening as (
    select
        periods.period_grain,
        periods.period_start_date,
        snapshots.*
    from snapshots
    inner join periods
        on
            snapshots.snapshot_date = periods.period_start_date
            and snapshots.expected_close_date between periods.period_start_date and periods.period_end_date
),

won_in_period as (
    select
        period_days.period_grain,
        period_days.period_start_date,
        deals.*
    from deals
    inner join period_days on deals.closed_date = period_days.date_day
),

measured_forecast as (
    select
        period_grain,
        period_start_date,
        {{ dimension_and_member(dimensions) }},
        coalesce(sum(forecast_amount), 0) as forecast_amount,
        coalesce(sum(commit_forecast_amount), 0) as commit_forecast_amount
    from forecast_at_opening
    group by {{ by_dimension(dimensions) }}
),

measured_actual as (
    select
        period_grain,
        period_start_date,
        {{ dimension_and_member(dimensions) }},
        sum(won_amount) as actual_amount
    from won_in_period
    group by {{ by_dimension(dimensions) }}
),

measured as (
    select
        period_grain,
        period_start_date,
        dimension,
        member_id,
        measured_forecast.forecast_amount,
        measured_forecast.commit_forecast_amount,
        measured_actual.actual_amount
    from measured_forecast
    full outer join measured_actual using (period_grain, period_start_date, dimension, member_id)
),

reported as (
    {{ kpi_rows('measured', components=['forecast_amount', 'commit_forecast_amount', 'actual_amount']) }}
),

-- A forecast that leaves out a source would be too small
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
        case when not reported.includes_source_without_log then reported.forecast_amount end as forecast_amount,
        case when not reported.includes_source_without_log then reported.commit_forecast_amount end
            as commit_forecast_amount,
        reported.actual_amount
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
    cast(forecast_amount as decimal(38, 12)) as forecast_amount,
    cast(actual_amount as decimal(38, 2)) as actual_amount,
    cast(commit_forecast_amount as decimal(38, 2)) as commit_forecast_amount,
    {{ divide('forecast_amount - actual_amount', 'actual_amount') }} as forecast_bias,
    {{ divide('commit_forecast_amount - actual_amount', 'actual_amount') }} as commit_forecast_bias,
    1 - {{ divide('abs(commit_forecast_amount - actual_amount)', 'actual_amount') }} as commit_forecast_accuracy,
    1 - {{ divide('abs(forecast_amount - actual_amount)', 'actual_amount') }} as forecast_accuracy
from known
