{{ config(enabled=sales_kpis.is_source_on('salesforce'), materialized='view') }}

with

dated_rates as (
    select * from {{ ref('sales_kpis', 'base_salesforce__dated_conversion_rate') }}
),

currency_types as (
    select * from {{ ref('sales_kpis', 'base_salesforce__currency_type') }}
),

-- The rates of CurrencyType hold for all time, for currencies that have no dated ones
all_rates as (
    select
        iso_code,
        conversion_rate,
        {{ date_as_text('start_date') }} as start_date,
        {{ salesforce_is_gone('dated_rates') }} or coalesce({{ parse_boolean('is_deleted') }}, false) as is_gone,
        {{ instant_as_text('coalesce(fivetran_start, system_modstamp)') }} as updated_at,
        {{ instant_as_text('loaded_at') }} as loaded_at
    from dated_rates
    union all
    select
        currency_types.iso_code,
        currency_types.conversion_rate,
        '{{ var("earliest_date") }}' as start_date,
        {{ salesforce_is_gone('currency_types') }} as is_gone,
        {{ instant_as_text('coalesce(currency_types.fivetran_start, currency_types.system_modstamp)') }} as updated_at,
        {{ instant_as_text('currency_types.loaded_at') }} as loaded_at
    from currency_types
    left join dated_rates on currency_types.iso_code = dated_rates.iso_code
    where dated_rates.iso_code is null
),

typed_rates as (
    select
        iso_code,
        conversion_rate,
        start_date,
        {{ parse_date('start_date') }} as starts_on,
        cast({{ parse_decimal('conversion_rate', 24, 9) }} as {{ type_double() }}) as units_per_corporate,
        is_gone,
        loaded_at,
        row_number() over (
            partition by iso_code, start_date
            order by
                {{ parse_timestamp('updated_at') }} desc nulls last,
                {{ parse_timestamp('loaded_at') }} desc nulls last
        ) as version_rank
    from all_rates
),

current_rates as (
    select *
    from typed_rates
    where version_rank = 1 and not is_gone
),

-- A rate ends where the next one of its currency starts
rates as (
    select
        *,
        coalesce(lead(starts_on) over (partition by iso_code order by starts_on), cast('9999-12-31' as date)) as ends_on
    from current_rates
    where starts_on is not null and units_per_corporate > 0
),

corporate_currency as (
    select coalesce(max(iso_code) filter (where {{ parse_boolean('is_corporate') }}), 'corporate') as iso_code
    from currency_types
),

reporting_currency as (
    select
        '{{ var("reporting_currency") | upper }}' as iso_code,
        count(*) > 0 as has_rates
    from rates
    where upper(iso_code) = '{{ var("reporting_currency") | upper }}'
),

-- What the rates lead to: the reporting currency by its own rates, or the corporate one, which is 1 on every day, where
-- the two are the same or Salesforce does not know the reporting currency
targets as (
    select
        reporting_currency.iso_code,
        rates.units_per_corporate,
        rates.starts_on,
        rates.ends_on
    from rates
    inner join reporting_currency on upper(rates.iso_code) = reporting_currency.iso_code
    cross join corporate_currency
    where reporting_currency.iso_code <> corporate_currency.iso_code
    union all
    select
        corporate_currency.iso_code,
        cast(1 as {{ type_double() }}) as units_per_corporate,
        cast('0001-01-01' as date) as starts_on,
        cast('9999-12-31' as date) as ends_on
    from corporate_currency
    cross join reporting_currency
    where corporate_currency.iso_code = reporting_currency.iso_code or not reporting_currency.has_rates
),

-- Salesforce divides an amount by its currency's rate to get the corporate amount, and multiplies by the other one's
converted as (
    select
        rates.iso_code,
        targets.iso_code as to_currency,
        greatest(rates.starts_on, targets.starts_on) as starts_on,
        least(rates.ends_on, targets.ends_on) as ends_on,
        targets.units_per_corporate / rates.units_per_corporate as rate,
        rates.loaded_at
    from rates
    inner join targets on rates.starts_on < targets.ends_on and rates.ends_on > targets.starts_on
    where upper(rates.iso_code) <> targets.iso_code
)

select
    'salesforce' as source_system,
    iso_code as currency,
    -- A first rate that starts long ago still holds on the earliest date
    cast(
        case when ends_on > {{ earliest_date() }} then greatest(starts_on, {{ earliest_date() }}) else starts_on end
        as {{ dbt.type_string() }}
    ) as rate_date,
    cast(rate as {{ dbt.type_string() }}) as rate,
    to_currency,
    loaded_at
from converted

union all

-- What cannot be read is passed on for staging to list
select
    'salesforce' as source_system,
    iso_code as currency,
    start_date as rate_date,
    conversion_rate as rate,
    cast(null as {{ dbt.type_string() }}) as to_currency,
    loaded_at
from current_rates
where iso_code is null or starts_on is null or coalesce(units_per_corporate, 0) <= 0
