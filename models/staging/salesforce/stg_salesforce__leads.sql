{{ config(enabled=sales_kpis.is_source_on('salesforce'), materialized='view') }}

with

leads as (
    select * from {{ ref('sales_kpis', 'base_salesforce__lead') }}
)

select
    'salesforce' as source_system,
    id as lead_id,
    {{ instant_as_text('created_date') }} as created_at,
    -- A queue (00G) is nobody
    case when substr(owner_id, 1, 3) <> '00G' then owner_id end as owner_id,
    lead_source as source,
    segment,
    region,
    status,
    {{ date_as_text('qualified_date') }} as qualified_at,
    {{ date_as_text('converted_date') }} as converted_at,
    converted_opportunity_id as converted_deal_id,
    converted_account_id,
    case when {{ salesforce_is_gone('leads') }} then 'true' else is_deleted end as is_deleted,
    master_record_id as merged_into_lead_id,
    {{ instant_as_text('coalesce(fivetran_start, system_modstamp)') }} as updated_at,
    {{ instant_as_text('loaded_at') }} as loaded_at
from leads
