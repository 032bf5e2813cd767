{{ config(enabled=sales_kpis.is_source_on('salesforce'), materialized='view') }}

with

quotas as (
    select * from {{ ref('sales_kpis', 'base_salesforce__forecasting_quota') }}
),

forecasting_types as (
    select * from {{ ref('sales_kpis', 'base_salesforce__forecasting_type') }}
),

-- Amounts are added up below: each quota once, as it is now. Quotas of quantities are no money.
versions as (
    select
        *,
        row_number() over (
            partition by id
            order by
                {{ parse_timestamp(instant_as_text('coalesce(fivetran_start, system_modstamp)')) }} desc nulls last,
                {{ parse_timestamp(instant_as_text('loaded_at')) }} desc nulls last
        ) as version_rank
    from quotas
),

amount_quotas as (
    select *
    from versions
    where
        version_rank = 1
        and not {{ salesforce_is_gone('versions') }}
        and coalesce({{ parse_boolean('is_amount') }}, true)
),

-- Several forecasting types can hold a quota of the same user and month
counted_types as (
    select
        amount_quotas.forecasting_type_id,
        count(*) as quotas
    from amount_quotas
    left join forecasting_types on amount_quotas.forecasting_type_id = forecasting_types.id
    where
        {{ sql_text(var('salesforce_forecasting_type')) }}
        in ('', amount_quotas.forecasting_type_id, coalesce(forecasting_types.developer_name, ''))
    group by amount_quotas.forecasting_type_id
),

-- Unless the var chooses, the type with the most quotas; of equals, the first id
chosen_type as (
    select forecasting_type_id
    from counted_types
    order by quotas desc, forecasting_type_id asc
    limit 1
),

chosen_quotas as (
    select amount_quotas.*
    from amount_quotas
    inner join chosen_type
        on amount_quotas.forecasting_type_id is not distinct from chosen_type.forecasting_type_id
)

-- Within a type a month's quota can be split, by product family or territory
select
    'salesforce' as source_system,
    quota_owner_id as rep_id,
    {{ date_as_text('start_date') }} as quota_month,
    case
        when count(*) = 1 then max(quota_amount)
        else cast(sum({{ parse_decimal('quota_amount') }}) as {{ dbt.type_string() }})
    end as amount,
    currency_iso_code as currency,
    max({{ instant_as_text('loaded_at') }}) as loaded_at
from chosen_quotas
group by quota_owner_id, {{ date_as_text('start_date') }}, currency_iso_code
