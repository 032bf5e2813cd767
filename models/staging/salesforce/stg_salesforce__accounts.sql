{{ config(enabled=sales_kpis.is_source_on('salesforce'), materialized='view') }}

with

accounts as (
    select * from {{ ref('sales_kpis', 'base_salesforce__account') }}
)

select
    'salesforce' as source_system,
    id as account_id,
    name,
    segment,
    industry,
    region,
    {{ instant_as_text('created_date') }} as created_at,
    {{ instant_as_text('coalesce(fivetran_start, system_modstamp)') }} as updated_at,
    {{ instant_as_text('loaded_at') }} as loaded_at
from accounts
