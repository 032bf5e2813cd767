with

sales_reps as (
    select * from {{ ref('sales_kpis', 'stg_crm__sales_reps') }} where exclusion_reason is null
)

select
    source_system || '|' || rep_id as sales_rep_id,
    source_system,
    rep_id,
    coalesce(rep_name, rep_id) as sales_rep_name,
    email,
    team as current_sales_team,
    source_system || '|' || manager_id as manager_sales_rep_id,
    is_active,
    hired_date
from sales_reps
