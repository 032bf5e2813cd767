with

input_tables as (
    select * from {{ ref('sales_kpis', 'base_crm__tables') }} where is_source
),

inputs as (
    select * from {{ ref('sales_kpis', 'int_inputs') }}
)

select
    input_tables.source_system,
    inputs.has_quotas,
    inputs.has_sales_spend,
    coalesce(bool_or(input_tables.is_present and input_tables.table_name = 'deal_changes'), false) as has_deal_log,
    coalesce(bool_or(input_tables.is_present and input_tables.table_name = 'activities'), false) as has_activities
from input_tables
cross join inputs
group by input_tables.source_system, inputs.has_quotas, inputs.has_sales_spend
