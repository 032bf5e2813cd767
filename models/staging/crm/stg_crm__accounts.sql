with

raw_accounts as (
    select * from {{ ref('sales_kpis', 'base_crm__accounts') }}
),

typed as (
    select
        raw_accounts.source_system,
        raw_accounts.account_id,
        raw_accounts.name as account_name,
        raw_accounts.segment,
        raw_accounts.industry,
        raw_accounts.region,
        {{ parse_timestamp('raw_accounts.created_at') }} as created_at,
        {{ parse_timestamp('raw_accounts.updated_at') }} as updated_at,
        {{ parse_timestamp('raw_accounts.loaded_at') }} as loaded_at,
        {{ row_as_text('accounts', 'raw_accounts') }} as record_text,
        {{ unreadable_values('raw_accounts', {
            'created_at': parse_timestamp('raw_accounts.created_at'),
            'updated_at': parse_timestamp('raw_accounts.updated_at'),
            'loaded_at': parse_timestamp('raw_accounts.loaded_at'),
        }) }} as unreadable_values
    from raw_accounts
),

checked as (
    select
        *,
        case when account_id is null then 'missing_value|account_id' end as problem
    from typed
),

ranked as (
    select
        *,
        row_number() over (
            partition by source_system, account_id, problem
            order by
                updated_at desc nulls last,
                loaded_at desc nulls last,
                record_text desc,
                unreadable_values desc nulls first
        ) as version_rank
    from checked
)

select
    source_system,
    account_id,
    account_name,
    segment,
    industry,
    region,
    created_at,
    updated_at,
    loaded_at,
    unreadable_values,
    {{ exclusion_columns() }}
from ranked
