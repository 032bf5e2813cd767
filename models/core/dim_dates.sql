{% set months_before_fiscal_year = var('fiscal_year_start_month') | int - 1 %}

with

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
),

-- Room on both sides for fiscal years, and for quotas of months to come
days as (
    select
        {{ date_series(
            "date_trunc('year', " ~ earliest_date() ~ ") - interval 1 year",
            "date_trunc('year', as_of_date) + interval 3 year - interval 1 day"
        ) }} as date_day
    from as_of
),

-- Shifted back so that the fiscal year begins in January, months fall into their fiscal quarters and years
placed as (
    select
        date_day,
        cast(date_trunc('month', date_day) as date) as month_start_date,
        cast(
            date_trunc('month', date_day) - interval {{ months_before_fiscal_year }} month as date
        ) as shifted_month
    from days
)

select
    date_day,
    month_start_date,
    cast(
        date_trunc('quarter', shifted_month) + interval {{ months_before_fiscal_year }} month as date
    ) as quarter_start_date,
    cast(
        date_trunc('year', shifted_month) + interval {{ months_before_fiscal_year }} month as date
    ) as year_start_date,
    cast(extract(quarter from shifted_month) as {{ dbt.type_int() }}) as fiscal_quarter,
    cast(extract(year from shifted_month) as {{ dbt.type_int() }})
    + {{ 1 if months_before_fiscal_year else 0 }} as fiscal_year
from placed
