with

raw_fx_rates as (
    select * from {{ ref('sales_kpis', 'base_crm__fx_rates') }}
),

typed as (
    select
        raw_fx_rates.source_system,
        upper(raw_fx_rates.currency) as currency,
        coalesce(upper(raw_fx_rates.to_currency), '{{ var("reporting_currency") | upper }}') as to_currency,
        {{ parse_date('raw_fx_rates.rate_date') }} as rate_date,
        {{ parse_decimal('raw_fx_rates.rate', 20, 12) }} as rate,
        {{ parse_timestamp('raw_fx_rates.loaded_at') }} as loaded_at,
        raw_fx_rates.rate_date as rate_date_text,
        raw_fx_rates.rate as rate_text,
        {{ row_as_text('fx_rates', 'raw_fx_rates') }} as record_text,
        {{ unreadable_values('raw_fx_rates', {'loaded_at': parse_timestamp('raw_fx_rates.loaded_at')}) }}
            as unreadable_values
    from raw_fx_rates
),

checked as (
    select
        *,
        case
            when currency is null then 'missing_value|currency'
            when rate_date_text is null then 'missing_value|rate_date'
            when rate_text is null then 'missing_value|rate'
            when rate_date is null then 'invalid_value|rate_date'
            when rate_date < {{ earliest_date() }} then 'invalid_value|rate_date'
            -- A rate of nothing would turn money into nothing
            when rate is null or rate <= 0 then 'invalid_value|rate'
        end as problem
    from typed
),

ranked as (
    select
        *,
        row_number() over (
            partition by currency, to_currency, rate_date, problem
            order by loaded_at desc nulls last, record_text desc, unreadable_values desc nulls first
        ) as version_rank
    from checked
)

select
    source_system,
    currency,
    to_currency,
    rate_date,
    rate,
    loaded_at,
    unreadable_values,
    {{ exclusion_columns(
        later_reason="case when to_currency <> '" ~ var('reporting_currency') | upper ~ "' then 'other_currency' end"
    ) }}
from ranked
