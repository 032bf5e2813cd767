with

sales_cycle_length as (
    select * from {{ ref('sales_kpis', 'kpi_sales_cycle_length') }}
),

win_rate as (
    select * from {{ ref('sales_kpis', 'kpi_win_rate') }}
),

average_deal_size as (
    select * from {{ ref('sales_kpis', 'kpi_average_deal_size') }}
),

lead_conversion_rate as (
    select * from {{ ref('sales_kpis', 'kpi_lead_conversion_rate') }}
),

lead_response_time as (
    select * from {{ ref('sales_kpis', 'kpi_lead_response_time') }}
),

pipeline_velocity as (
    select * from {{ ref('sales_kpis', 'kpi_pipeline_velocity') }}
),

pipeline_coverage as (
    select * from {{ ref('sales_kpis', 'kpi_pipeline_coverage') }}
),

stage_conversion as (
    select * from {{ ref('sales_kpis', 'kpi_stage_conversion') }}
),

quota_attainment as (
    select * from {{ ref('sales_kpis', 'kpi_quota_attainment') }}
),

forecast_accuracy as (
    select * from {{ ref('sales_kpis', 'kpi_forecast_accuracy') }}
),

customer_acquisition_cost as (
    select * from {{ ref('sales_kpis', 'kpi_customer_acquisition_cost') }}
),

lead_generation as (
    select * from {{ ref('sales_kpis', 'kpi_lead_generation') }}
),

periods as (
    select * from {{ ref('sales_kpis', 'dim_periods') }}
),

headlines as (
    {{ scorecard_rows('sales_cycle_length') }}
    union all
    {{ scorecard_rows('win_rate') }}
    union all
    {{ scorecard_rows('average_deal_size') }}
    union all
    {{ scorecard_rows('lead_conversion_rate') }}
    union all
    {{ scorecard_rows('lead_response_time') }}
    union all
    {{ scorecard_rows('pipeline_velocity') }}
    union all
    {{ scorecard_rows('pipeline_coverage') }}
    union all
    {{ scorecard_rows('stage_conversion') }}
    union all
    {{ scorecard_rows('quota_attainment') }}
    union all
    {{ scorecard_rows('forecast_accuracy') }}
    union all
    {{ scorecard_rows('customer_acquisition_cost') }}
    union all
    {{ scorecard_rows('lead_generation') }}
),

compared as (
    select
        headlines.*,
        previous_periods.headline_value as previous_period_value,
        previous_years.headline_value as previous_year_value
    from headlines
    inner join periods
        on
            headlines.period_grain = periods.period_grain
            and headlines.period_start_date = periods.period_start_date
    left join headlines as previous_periods
        on
            headlines.kpi_name = previous_periods.kpi_name
            and headlines.dimension = previous_periods.dimension
            and headlines.member_id = previous_periods.member_id
            and headlines.period_grain = previous_periods.period_grain
            and periods.previous_period_start_date = previous_periods.period_start_date
    left join headlines as previous_years
        on
            headlines.kpi_name = previous_years.kpi_name
            and headlines.dimension = previous_years.dimension
            and headlines.member_id = previous_years.member_id
            and headlines.period_grain = previous_years.period_grain
            and periods.previous_year_start_date = previous_years.period_start_date
)

select
    kpi_name,
    kpi_label,
    period_grain,
    period_start_date,
    period_end_date,
    period_label,
    is_complete,
    dimension,
    member_id,
    member_name,
    member_sort,
    numerator,
    denominator,
    headline_value as value,
    unit,
    '{{ var("reporting_currency") | upper }}' as reporting_currency,
    higher_is_better,
    definition_version,
    previous_period_value,
    previous_year_value,
    -- A running period against a whole one would always look like a fall
    case when is_complete then headline_value - previous_period_value end as change_from_previous_period,
    case when is_complete then headline_value - previous_year_value end as change_from_previous_year
from compared
