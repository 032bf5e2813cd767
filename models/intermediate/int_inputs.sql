with

input_tables as (
    select * from {{ ref('sales_kpis', 'base_crm__tables') }}
)

select
    coalesce(bool_or(is_present and table_name = 'leads'), false) as has_leads,
    coalesce(bool_or(is_present and table_name = 'quotas'), false) as has_quotas,
    coalesce(bool_or(is_present and table_name = 'sales_spend'), false) as has_sales_spend
from input_tables
