{% set dimensions = ['lead_source'] %}

with

deals as (
    select * from {{ ref('sales_kpis', 'fct_deals') }} where won_deals = 1
),

sales_spend as (
    select * from {{ ref('sales_kpis', 'fct_sales_spend') }}
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

spent_in_period as (
    select
        period_days.period_grain,
        period_days.period_start_date,
        sales_spend.*
    from sales_spend
    inner join period_days on sales_spend.acquisition_month = period_days.date_day
),

won_in_period as (
    select
        period_days.period_grain,
        period_days.period_start_date,
        deals.*
    from deals
    inner join period_days on deals.closed_date = period_days.date_day
),

measured_spend as (
    select
        period_grain,
        period_start_date,
        {{ dimension_and_member(dimensions) }},
        sum(sales_spend_amount) as sales_spend_amount,
        sum(marketing_spend_amount) as marketing_spend_amount,
        sum(acquisition_spend_amount) as acquisition_spend_amount
    from spent_in_period
    group by {{ by_dimension(dimensions) }}
),

measured_customers as (
    select
        period_grain,
        period_start_date,
        {{ dimension_and_member(dimensions) }},
        sum(new_customers) as new_customers,
        sum(won_deals_without_account) as won_deals_without_account
    from won_in_period
    group by {{ by_dimension(dimensions) }}
),

measured as (
    select
        period_grain,
        period_start_date,
        dimension,
        member_id,
        measured_spend.sales_spend_amount,
        measured_spend.marketing_spend_amount,
        measured_spend.acquisition_spend_amount,
        measured_customers.new_customers,
        measured_customers.won_deals_without_account
    from measured_spend
    full outer join measured_customers using (period_grain, period_start_date, dimension, member_id)
),

reported as (
    {{ kpi_rows(
        'measured',
        components=[
            'sales_spend_amount', 'marketing_spend_amount', 'acquisition_spend_amount', 'new_customers',
            'won_deals_without_account'
        ]
    ) }}
),

-- Without a table of spend the cost is not 0 but unknown
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
        case when inputs.has_sales_spend then reported.sales_spend_amount end as sales_spend_amount,
        case when inputs.has_sales_spend then reported.marketing_spend_amount end as marketing_spend_amount,
        case when inputs.has_sales_spend then reported.acquisition_spend_amount end as acquisition_spend_amount,
        reported.new_customers,
        reported.won_deals_without_account
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
    cast(sales_spend_amount as decimal(38, 2)) as sales_spend_amount,
    cast(marketing_spend_amount as decimal(38, 2)) as marketing_spend_amount,
    cast(acquisition_spend_amount as decimal(38, 2)) as acquisition_spend_amount,
    cast(new_customers as bigint) as new_customers,
    cast(won_deals_without_account as bigint) as won_deals_without_account,
    {{ divide('acquisition_spend_amount', 'new_customers') }} as customer_acquisition_cost
from known
