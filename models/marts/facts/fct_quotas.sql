with

quotas as (
    select * from {{ ref('sales_kpis', 'stg_crm__quotas') }} where exclusion_reason is null
),

sales_reps as (
    select * from {{ ref('sales_kpis', 'dim_sales_reps') }}
),

sales_rep_teams as (
    select * from {{ ref('sales_kpis', 'dim_sales_rep_teams') }}
),

fx_rates as (
    select * from {{ ref('sales_kpis', 'int_fx_rates_daily') }}
),

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
),

sources as (
    select * from {{ ref('sales_kpis', 'int_sources') }}
),

-- Quotas that do not come with the deals stand against those of all sources
all_sources as (
    select bool_and(has_deal_log) as has_deal_log from sources
),

-- Quotas are set ahead: months to come convert at the latest rate known
dated_quotas as (
    select
        quotas.source_system,
        quotas.source_system || '|' || quotas.rep_id as sales_rep_id,
        quotas.rep_id,
        quotas.quota_month,
        quotas.currency,
        quotas.amount,
        least(quotas.quota_month, as_of.as_of_date) as rate_date
    from quotas
    cross join as_of
)

select
    dated_quotas.source_system,
    dated_quotas.sales_rep_id,
    coalesce(sales_reps.sales_rep_name, dated_quotas.rep_id) as sales_rep_name,
    coalesce(sales_rep_teams.sales_team, 'unknown') as sales_team,
    dated_quotas.quota_month,
    dated_quotas.currency,
    dated_quotas.amount as quota_amount_in_currency,
    {{ in_reporting_currency('dated_quotas.amount', 'dated_quotas.currency', 'fx_rates.rate') }} as quota_amount,
    coalesce(sources.has_deal_log, all_sources.has_deal_log) as has_deal_log
from dated_quotas
cross join all_sources
left join sources on dated_quotas.source_system = sources.source_system
left join sales_reps on dated_quotas.sales_rep_id = sales_reps.sales_rep_id
left join sales_rep_teams
    on
        dated_quotas.sales_rep_id = sales_rep_teams.sales_rep_id
        and dated_quotas.quota_month >= sales_rep_teams.valid_from
        and dated_quotas.quota_month < sales_rep_teams.valid_to
left join fx_rates
    on dated_quotas.currency = fx_rates.currency and dated_quotas.rate_date = fx_rates.rate_date
