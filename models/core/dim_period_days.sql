with

dates as (
    select * from {{ ref('sales_kpis', 'dim_dates') }}
),

periods as (
    select * from {{ ref('sales_kpis', 'dim_periods') }}
),

placed as (
    select
        date_day,
        'month' as period_grain,
        month_start_date as period_start_date
    from dates

    union all

    select
        date_day,
        'quarter' as period_grain,
        quarter_start_date as period_start_date
    from dates

    union all

    select
        date_day,
        'year' as period_grain,
        year_start_date as period_start_date
    from dates
)

select
    placed.date_day,
    periods.period_grain,
    periods.period_start_date,
    periods.period_end_date,
    periods.is_complete
from placed
inner join periods
    on
        placed.period_grain = periods.period_grain
        and placed.period_start_date = periods.period_start_date
