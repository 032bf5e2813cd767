with

input_tables as (
    select * from {{ ref('sales_kpis', 'base_crm__tables') }} where is_source
)

select
    source_system,
    coalesce(bool_or(is_present and table_name = 'deal_changes'), false) as has_deal_log,
    coalesce(bool_or(is_present and table_name = 'activities'), false) as has_activities
from input_tables
group by source_system
