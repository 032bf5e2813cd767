with

input_tables as (
    select * from {{ ref('sales_kpis', 'base_crm__tables') }} where is_source
),

inputs as (
    select * from {{ ref('sales_kpis', 'int_inputs') }}
),

found as (
    select
        source_system,
        coalesce(bool_or(is_present and table_name = 'deal_changes'), false) as has_deal_log,
        coalesce(bool_or(is_present and table_name = 'activities'), false) as has_activities,
        max(history_began_at) filter (where table_name = 'deal_changes') as history_began_at
    from input_tables
    group by source_system
)

select
    found.source_system,
    inputs.has_quotas,
    inputs.has_sales_spend,
    found.has_deal_log,
    found.has_activities,
    found.history_began_at,
    -- The state just before this date's first instant is known, that before the day of the first snapshot is not
    cast({{ utc_as_local_date('found.history_began_at') }} + interval 1 day as date) as history_known_from
from found
cross join inputs
