{% set fiscal_prefix = 'FY' if var('fiscal_year_start_month') | int > 1 else '' %}

with

dates as (
    select * from {{ ref('sales_kpis', 'dim_dates') }}
),

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
),

periods as (
    select distinct
        'month' as period_grain,
        month_start_date as period_start_date,
        cast(month_start_date + interval 1 month - interval 1 day as date) as period_end_date,
        cast(month_start_date - interval 1 month as date) as previous_period_start_date,
        substr(cast(month_start_date as {{ dbt.type_string() }}), 1, 7) as period_label
    from dates

    union all

    select distinct
        'quarter' as period_grain,
        quarter_start_date as period_start_date,
        cast(quarter_start_date + interval 3 month - interval 1 day as date) as period_end_date,
        cast(quarter_start_date - interval 3 month as date) as previous_period_start_date,
        '{{ fiscal_prefix }}' || fiscal_year || ' Q' || fiscal_quarter as period_label
    from dates

    union all

    select distinct
        'year' as period_grain,
        year_start_date as period_start_date,
        cast(year_start_date + interval 12 month - interval 1 day as date) as period_end_date,
        cast(year_start_date - interval 12 month as date) as previous_period_start_date,
        '{{ fiscal_prefix }}' || fiscal_year as period_label
    from dates
)

select
    periods.period_grain,
    periods.period_start_date,
    periods.period_end_date,
    periods.previous_period_start_date,
    cast(periods.period_start_date - interval 12 month as date) as previous_year_start_date,
    periods.period_label,
    periods.period_end_date <= as_of.as_of_date as is_complete
from periods
inner join as_of on periods.period_start_date <= as_of.as_of_date
