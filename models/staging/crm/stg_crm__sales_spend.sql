with

raw_sales_spend as (
    select * from {{ ref('sales_kpis', 'base_crm__sales_spend') }}
),

typed as (
    select
        raw_sales_spend.source_system,
        raw_sales_spend.spend_id,
        lower(raw_sales_spend.category) as category,
        raw_sales_spend.lead_source,
        upper(raw_sales_spend.currency) as currency,
        {{ parse_decimal('raw_sales_spend.amount') }} as amount,
        cast(date_trunc('month', {{ parse_date('raw_sales_spend.spend_month') }}) as date) as spend_month,
        {{ parse_timestamp('raw_sales_spend.loaded_at') }} as loaded_at,
        raw_sales_spend.spend_month as spend_month_text,
        raw_sales_spend.amount as amount_text,
        {{ row_as_text('sales_spend', 'raw_sales_spend') }} as record_text,
        {{ unreadable_values('raw_sales_spend', {
            'amount': parse_decimal('raw_sales_spend.amount'),
            'loaded_at': parse_timestamp('raw_sales_spend.loaded_at'),
        }) }} as unreadable_values
    from raw_sales_spend
),

checked as (
    select
        *,
        case
            when spend_month_text is null then 'missing_value|spend_month'
            when category is null then 'missing_value|category'
            when amount_text is null then 'missing_value|amount'
            when spend_month is null then 'invalid_value|spend_month'
            when spend_month < {{ earliest_date() }} then 'invalid_value|spend_month'
            -- Neither sales nor marketing: it cannot be counted as acquisition spend
            when category not in ('sales', 'marketing') then 'invalid_value|category'
        end as problem
    from typed
),

ranked as (
    select
        *,
        row_number() over (
            partition by record_text, problem
            order by loaded_at desc nulls last, unreadable_values desc nulls first
        ) as version_rank
    from checked
)

select
    source_system,
    spend_id,
    spend_month,
    category,
    lead_source,
    currency,
    amount,
    loaded_at,
    unreadable_values,
    {{ exclusion_columns() }}
from ranked
