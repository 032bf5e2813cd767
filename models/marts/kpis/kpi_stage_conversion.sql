{% set dimensions = ['pipeline', 'stage'] %}

with

visits as (
    select * from {{ ref('sales_kpis', 'fct_stage_visits') }} where exclusion_reason is null and outcome = 'open'
),

stages as (
    select * from {{ ref('sales_kpis', 'dim_pipeline_stages') }}
),

pipelines as (
    select * from {{ ref('sales_kpis', 'dim_pipelines') }}
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

entered_in_period as (
    select
        period_days.period_grain,
        period_days.period_start_date,
        visits.*
    from visits
    inner join period_days on visits.entered_date = period_days.date_day
),

exited_in_period as (
    select
        period_days.period_grain,
        period_days.period_start_date,
        visits.*
    from visits
    inner join period_days on visits.exited_date = period_days.date_day
),

measured_entries as (
    select
        period_grain,
        period_start_date,
        {{ dimension_and_member(dimensions) }},
        sum(advanced_deals) as advanced_deals,
        sum(entered_deals) as entered_deals,
        sum(undecided_deals) as undecided_deals
    from entered_in_period
    group by {{ by_dimension(dimensions) }}
),

measured_exits as (
    select
        period_grain,
        period_start_date,
        {{ dimension_and_member(dimensions) }},
        sum(completed_visits) as completed_visits,
        sum(total_seconds_in_stage) as total_seconds_in_stage,
        {{ percentile('seconds_in_stage', 0.5) }} / 86400 as median_days_in_stage
    from exited_in_period
    group by {{ by_dimension(dimensions) }}
),

measured as (
    select
        period_grain,
        period_start_date,
        dimension,
        member_id,
        measured_entries.advanced_deals,
        measured_entries.entered_deals,
        measured_entries.undecided_deals,
        measured_exits.completed_visits,
        measured_exits.total_seconds_in_stage,
        measured_exits.median_days_in_stage
    from measured_entries
    full outer join measured_exits using (period_grain, period_start_date, dimension, member_id)
),

reported as (
    {{ kpi_rows(
        'measured',
        components=[
            'advanced_deals', 'entered_deals', 'undecided_deals', 'completed_visits', 'total_seconds_in_stage'
        ],
        companions=['median_days_in_stage']
    ) }}
)

select
    reported.period_grain,
    reported.period_start_date,
    reported.period_end_date,
    reported.period_label,
    reported.is_complete,
    reported.dimension,
    reported.member_id,
    reported.member_name,
    cast(reported.member_sort as bigint) as member_sort,
    coalesce(stages.pipeline_name, pipelines.pipeline_name) as pipeline_name,
    stages.stage_name,
    stages.stage_order,
    cast(reported.advanced_deals as bigint) as advanced_deals,
    cast(reported.entered_deals as bigint) as entered_deals,
    cast(reported.undecided_deals as bigint) as undecided_deals,
    cast(reported.completed_visits as bigint) as completed_visits,
    cast(reported.total_seconds_in_stage as bigint) as total_seconds_in_stage,
    {{ divide('reported.total_seconds_in_stage', 'reported.completed_visits') }} / 86400 as average_days_in_stage,
    reported.median_days_in_stage,
    {{ divide('reported.advanced_deals', 'reported.entered_deals') }} as stage_conversion_rate
from reported
left join stages on reported.dimension = 'stage' and reported.member_id = stages.stage_key
left join pipelines on reported.dimension = 'pipeline' and reported.member_id = pipelines.pipeline_id
