with

raw_deals as (
    select * from {{ ref('sales_kpis', 'base_crm__deals') }}
),

probability_scales as (
    select
        source_system,
        {{ is_percent_scale('probability') }} as is_percent
    from raw_deals
    group by source_system
),

typed as (
    select
        raw_deals.source_system,
        raw_deals.deal_id,
        raw_deals.name as deal_name,
        raw_deals.account_id,
        raw_deals.owner_id,
        raw_deals.pipeline_id,
        raw_deals.stage_id,
        upper(raw_deals.currency) as currency,
        raw_deals.deal_type,
        raw_deals.lead_source,
        lower(raw_deals.forecast_category) as forecast_category,
        raw_deals.merged_into_deal_id,
        {{ parse_decimal('raw_deals.amount') }} as amount,
        {{ parse_probability('raw_deals.probability', 'probability_scales.is_percent') }} as probability,
        {{ parse_date('raw_deals.close_date') }} as close_date,
        {{ parse_boolean('raw_deals.is_deleted') }} as is_deleted,
        {{ parse_timestamp('raw_deals.created_at') }} as created_at,
        {{ parse_timestamp('raw_deals.updated_at') }} as updated_at,
        {{ parse_timestamp('raw_deals.loaded_at') }} as loaded_at,
        raw_deals.created_at as created_at_text,
        {{ row_as_text('deals', 'raw_deals') }} as record_text,
        {{ unreadable_values('raw_deals', {
            'amount': parse_decimal('raw_deals.amount'),
            'probability': parse_probability('raw_deals.probability', 'probability_scales.is_percent'),
            'close_date': parse_date('raw_deals.close_date'),
            'is_deleted': parse_boolean('raw_deals.is_deleted'),
            'updated_at': parse_timestamp('raw_deals.updated_at'),
            'loaded_at': parse_timestamp('raw_deals.loaded_at'),
        }) }} as unreadable_values
    from raw_deals
    inner join probability_scales on raw_deals.source_system = probability_scales.source_system
),

checked as (
    select
        *,
        {{ utc_as_local_date('created_at') }} as created_date,
        case
            when deal_id is null then 'missing_value|deal_id'
            when created_at_text is null then 'missing_value|created_at'
            when created_at is null then 'invalid_value|created_at'
            when {{ utc_as_local_date('created_at') }} < {{ earliest_date() }} then 'invalid_value|created_at'
        end as problem
    from typed
),

ranked as (
    select
        *,
        row_number() over (
            partition by source_system, deal_id, problem
            -- A version without a stage counts only where none has one
            order by
                case when stage_id is null then 1 else 0 end,
                updated_at desc nulls last,
                loaded_at desc nulls last,
                record_text desc,
                unreadable_values desc nulls first
        ) as version_rank
    from checked
)

select
    source_system,
    deal_id,
    deal_name,
    account_id,
    owner_id,
    pipeline_id,
    stage_id,
    deal_type,
    lead_source,
    forecast_category,
    currency,
    merged_into_deal_id,
    amount,
    probability,
    is_deleted,
    close_date,
    created_date,
    created_at,
    updated_at,
    loaded_at,
    unreadable_values,
    {{ exclusion_columns() }}
from ranked
