with

rates as (
    select * from {{ ref('sales_kpis', 'stg_crm__fx_rates') }} where exclusion_reason is null
),

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
),

known_rates as (
    select
        rates.currency,
        rates.rate,
        rates.rate_date,
        as_of.as_of_date,
        lead(rates.rate_date) over (partition by rates.currency order by rates.rate_date) as next_rate_date
    from rates
    inner join as_of on rates.rate_date <= as_of.as_of_date
)

-- A rate holds until the next one: spread over days, a conversion is a plain join
select
    currency,
    rate,
    {{ date_series('rate_date', 'coalesce(next_rate_date - interval 1 day, as_of_date)') }} as rate_date
from known_rates
