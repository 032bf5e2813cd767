with

input_tables as (
    select * from {{ ref('sales_kpis', 'base_crm_export__tables') }}
),

inputs as (
    select * from {{ ref('sales_kpis', 'int_inputs') }}
)

select
    input_tables.source_system,
    inputs.has_quotas,
    inputs.has_sales_spend,
    coalesce(bool_or(input_tables.is_present and input_tables.table_name = 'deal_changes'), false) as has_deal_log
from input_tables
cross join inputs
group by input_tables.source_system, inputs.has_quotas, inputs.has_sales_spend
