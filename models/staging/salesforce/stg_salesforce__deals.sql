{{ config(enabled=sales_kpis.is_source_on('salesforce'), materialized='view') }}

with

opportunities as (
    select * from {{ ref('sales_kpis', 'base_salesforce__opportunity') }}
)

select
    'salesforce' as source_system,
    id as deal_id,
    name,
    cast(null as varchar) as account_id,
    cast(null as varchar) as owner_id,
    cast(null as varchar) as pipeline_id,
    stage_name as stage_id,
    amount,
    cast(null as varchar) as currency,
    cast(null as varchar) as probability,
    cast(null as varchar) as deal_type,
    cast(null as varchar) as lead_source,
    cast(null as varchar) as forecast_category,
    created_date as created_at,
    close_date,
    cast(null as varchar) as is_deleted,
    cast(null as varchar) as merged_into_deal_id,
    cast(null as varchar) as updated_at,
    loaded_at
from opportunities
