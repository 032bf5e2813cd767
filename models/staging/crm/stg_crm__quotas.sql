with

raw_quotas as (
    select * from {{ ref('sales_kpis', 'base_crm__quotas') }}
),

typed as (
    select
        raw_quotas.source_system,
        raw_quotas.rep_id,
        upper(raw_quotas.currency) as currency,
        {{ parse_decimal('raw_quotas.amount') }} as amount,
        cast(date_trunc('month', {{ parse_date('raw_quotas.quota_month') }}) as date) as quota_month,
        {{ parse_timestamp('raw_quotas.loaded_at') }} as loaded_at,
        raw_quotas.quota_month as quota_month_text,
        raw_quotas.amount as amount_text,
        {{ row_as_text('quotas', 'raw_quotas') }} as record_text,
        {{ unreadable_values('raw_quotas', {
            'amount': parse_decimal('raw_quotas.amount'),
            'loaded_at': parse_timestamp('raw_quotas.loaded_at'),
        }) }} as unreadable_values
    from raw_quotas
),

checked as (
    select
        *,
        case
            when rep_id is null then 'missing_value|rep_id'
            when quota_month_text is null then 'missing_value|quota_month'
            when amount_text is null then 'missing_value|amount'
            when quota_month is null then 'invalid_value|quota_month'
            when quota_month < {{ earliest_date() }} then 'invalid_value|quota_month'
        end as problem
    from typed
),

ranked as (
    select
        *,
        row_number() over (
            partition by source_system, rep_id, quota_month, problem
            order by loaded_at desc nulls last, record_text desc, unreadable_values desc nulls first
        ) as version_rank
    from checked
)

select
    source_system,
    rep_id,
    quota_month,
    currency,
    amount,
    loaded_at,
    unreadable_values,
    {{ exclusion_columns() }}
from ranked
