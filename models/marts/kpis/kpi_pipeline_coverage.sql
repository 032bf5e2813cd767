{% set dimensions = ['sales_rep', 'sales_team'] %}

with

deals as (
    select * from {{ ref('sales_kpis', 'fct_deals') }} where won_deals = 1
),

snapshots as (
    select * from {{ ref('sales_kpis', 'fct_pipeline_snapshots') }}
),

quotas as (
    select * from {{ ref('sales_kpis', 'fct_quotas') }}
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

-- Amounts of one kind a row: what was open as the period began, its quota, and in the running period what is
-- open now and what is won so far
collected as (
    select
        periods.period_grain,
        periods.period_start_date,
        snapshots.source_system,
        snapshots.sales_rep_id,
        snapshots.sales_team,
        case
            when snapshots.expected_close_date between periods.period_start_date and periods.period_end_date
                then snapshots.opening_pipeline_amount
        end as opening_pipeline_amount,
        case
            when snapshots.expected_close_date < periods.period_start_date
                then snapshots.opening_pipeline_amount
        end as opening_overdue_amount,
        null as quota_amount,
        null as current_pipeline_amount,
        null as won_amount_to_date
    from snapshots
    inner join periods
        on snapshots.snapshot_date = periods.period_start_date and snapshots.snapshot_type = 'opening'

    union all

    select
        period_days.period_grain,
        period_days.period_start_date,
        quotas.source_system,
        quotas.sales_rep_id,
        quotas.sales_team,
        null as opening_pipeline_amount,
        null as opening_overdue_amount,
        quotas.quota_amount,
        null as current_pipeline_amount,
        null as won_amount_to_date
    from quotas
    inner join period_days on quotas.quota_month = period_days.date_day

    union all

    select
        periods.period_grain,
        periods.period_start_date,
        snapshots.source_system,
        snapshots.sales_rep_id,
        snapshots.sales_team,
        null as opening_pipeline_amount,
        null as opening_overdue_amount,
        null as quota_amount,
        snapshots.current_pipeline_amount,
        null as won_amount_to_date
    from snapshots
    inner join periods
        on
            snapshots.snapshot_type = 'current'
            and not periods.is_complete
            and snapshots.expected_close_date between periods.period_start_date and periods.period_end_date

    union all

    select
        period_days.period_grain,
        period_days.period_start_date,
        deals.source_system,
        deals.sales_rep_id,
        deals.sales_team,
        null as opening_pipeline_amount,
        null as opening_overdue_amount,
        null as quota_amount,
        null as current_pipeline_amount,
        deals.won_amount as won_amount_to_date
    from deals
    inner join period_days on deals.closed_date = period_days.date_day and not period_days.is_complete
),

measured as (
    select
        period_grain,
        period_start_date,
        {{ dimension_and_member(dimensions) }},
        coalesce(sum(opening_pipeline_amount), 0) as opening_pipeline_amount,
        coalesce(sum(opening_overdue_amount), 0) as opening_overdue_amount,
        coalesce(sum(quota_amount), 0) as quota_amount,
        coalesce(sum(current_pipeline_amount), 0) as current_pipeline_amount,
        coalesce(sum(won_amount_to_date), 0) as won_amount_to_date
    from collected
    group by {{ by_dimension(dimensions) }}
),

reported as (
    {{ kpi_rows(
        'measured',
        components=[
            'opening_pipeline_amount', 'opening_overdue_amount', 'quota_amount', 'current_pipeline_amount',
            'won_amount_to_date'
        ]
    ) }}
),

-- An opening that leaves out a source would be too small
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
        case when not reported.includes_source_without_log then reported.opening_pipeline_amount end
            as opening_pipeline_amount,
        case when not reported.includes_source_without_log then reported.opening_overdue_amount end
            as opening_overdue_amount,
        case when inputs.has_quotas then reported.quota_amount end as quota_amount,
        case when not reported.is_complete then reported.current_pipeline_amount end as current_pipeline_amount,
        case when not reported.is_complete then reported.won_amount_to_date end as won_amount_to_date,
        case
            when not reported.is_complete and inputs.has_quotas then reported.quota_amount - reported.won_amount_to_date
        end
            as remaining_quota_amount
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
    cast(opening_pipeline_amount as decimal(38, 2)) as opening_pipeline_amount,
    cast(quota_amount as decimal(38, 2)) as quota_amount,
    cast(opening_overdue_amount as decimal(38, 2)) as opening_overdue_amount,
    cast(current_pipeline_amount as decimal(38, 2)) as current_pipeline_amount,
    cast(won_amount_to_date as decimal(38, 2)) as won_amount_to_date,
    cast(remaining_quota_amount as decimal(38, 2)) as remaining_quota_amount,
    -- A quota that is met needs no pipeline
    case when remaining_quota_amount > 0 then {{ divide('current_pipeline_amount', 'remaining_quota_amount') }} end
        as coverage_to_go,
    case when not is_complete and quota_amount > 0 then won_amount_to_date >= quota_amount end as is_attained,
    {{ divide('opening_pipeline_amount', 'quota_amount') }} as pipeline_coverage
from known
