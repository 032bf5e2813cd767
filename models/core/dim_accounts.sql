with

accounts as (
    select * from {{ ref('sales_kpis', 'stg_crm__accounts') }} where exclusion_reason is null
),

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
)

select
    accounts.source_system,
    accounts.account_id,
    accounts.account_name,
    coalesce(accounts.segment, 'unknown') as segment,
    coalesce(accounts.industry, 'unknown') as industry,
    coalesce(accounts.region, 'unknown') as region,
    accounts.created_at
from accounts
inner join as_of on accounts.created_at is null or accounts.created_at < as_of.as_of_end_at
