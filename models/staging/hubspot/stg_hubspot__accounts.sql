{{ config(enabled=sales_kpis.is_source_on('hubspot'), materialized='view') }}

with

companies as (
    select * from {{ ref('sales_kpis', 'base_hubspot__company') }}
)

select
    'hubspot' as source_system,
    company_id as account_id,
    name,
    segment,
    industry,
    region,
    {{ epoch_as_instant('created_at') }} as created_at,
    {{ epoch_as_instant('updated_at') }} as updated_at,
    {{ epoch_as_instant('loaded_at') }} as loaded_at
from companies
