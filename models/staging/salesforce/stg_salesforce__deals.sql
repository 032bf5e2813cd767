{{ config(enabled=sales_kpis.is_source_on('salesforce'), materialized='view') }}

with

opportunities as (
    select * from {{ ref('sales_kpis', 'base_salesforce__opportunity') }}
),

close_date_changes as (
    select * from {{ ref('sales_kpis', 'stg_salesforce__deal_changes') }} where field = 'close_date'
),

-- The log may know the instant of a closing whose date Salesforce wrote in UTC
last_close_dates as (
    select
        deal_id,
        max_by(new_value, ({{ parse_timestamp('changed_at') }}, change_id)) as close_date
    from close_date_changes
    group by deal_id
),

described as (
    select
        opportunities.*,
        {{ date_as_text('opportunities.close_date') }} as close_date_text,
        last_close_dates.close_date as logged_close_date
    from opportunities
    left join last_close_dates on opportunities.id = last_close_dates.deal_id
)

select
    'salesforce' as source_system,
    id as deal_id,
    name,
    account_id,
    owner_id,
    record_type_id as pipeline_id,
    stage_name as stage_id,
    amount,
    currency_iso_code as currency,
    {{ percentage_as_text('probability') }} as probability,
    type as deal_type,
    lead_source,
    {{ salesforce_forecast_category('forecast_category') }} as forecast_category,
    {{ instant_as_text('created_date') }} as created_at,
    case
        when substr(logged_close_date, 1, 10) = close_date_text then logged_close_date
        else close_date_text
    end as close_date,
    case when {{ salesforce_is_gone('described') }} then 'true' else is_deleted end as is_deleted,
    cast(null as {{ dbt.type_string() }}) as merged_into_deal_id,
    -- Of several versions in Fivetran's history mode the one that started last counts
    {{ instant_as_text('coalesce(fivetran_start, system_modstamp)') }} as updated_at,
    {{ instant_as_text('loaded_at') }} as loaded_at
from described
