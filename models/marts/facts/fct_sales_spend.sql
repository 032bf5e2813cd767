{% set moved_month = dbt.dateadd('month', var('cac_lag_months'), 'sales_spend.spend_month') %}

with

sales_spend as (
    select * from {{ ref('sales_kpis', 'stg_crm__sales_spend') }} where exclusion_reason is null
),

fx_rates as (
    select * from {{ ref('sales_kpis', 'int_fx_rates_daily') }}
),

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
),

converted as (
    select
        sales_spend.source_system,
        sales_spend.spend_month,
        -- Spend brings customers with a lag, and counts in no cost before that month has begun
        cast(case when {{ moved_month }} <= as_of.as_of_date then {{ moved_month }} end as date) as acquisition_month,
        sales_spend.category,
        coalesce(sales_spend.lead_source, 'unknown') as lead_source,
        coalesce(sales_spend.currency, '{{ var("reporting_currency") | upper }}') as currency,
        sales_spend.amount as amount_in_currency,
        {{ in_reporting_currency('sales_spend.amount', 'sales_spend.currency', 'fx_rates.rate') }} as amount
    from sales_spend
    inner join as_of on sales_spend.spend_month <= as_of.as_of_date
    left join fx_rates
        on sales_spend.currency = fx_rates.currency and sales_spend.spend_month = fx_rates.rate_date
)

select
    source_system,
    spend_month,
    acquisition_month,
    category,
    lead_source,
    currency,
    cast(sum(amount_in_currency) as decimal(38, 2)) as spend_amount_in_currency,
    cast(coalesce(sum(case when category = 'sales' then amount end), 0) as decimal(38, 2)) as sales_spend_amount,
    cast(coalesce(sum(case when category = 'marketing' then amount end), 0) as decimal(38, 2))
        as marketing_spend_amount,
    cast(coalesce(sum(amount), 0) as decimal(38, 2)) as acquisition_spend_amount
from converted
group by source_system, spend_month, acquisition_month, category, lead_source, currency
