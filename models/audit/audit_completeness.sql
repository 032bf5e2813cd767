with

input_tables as (
    select * from {{ ref('sales_kpis', 'base_crm__tables') }} where is_source
),

deals as (
    select * from {{ ref('sales_kpis', 'fct_deals') }} where exclusion_reason is null
),

reconciled_deals as (
    select * from {{ ref('sales_kpis', 'int_deals_reconciled') }}
),

reconciliation as (
    select * from {{ ref('sales_kpis', 'audit_reconciliation') }}
),

changes as (
    select * from {{ ref('sales_kpis', 'stg_crm__deal_changes') }} where exclusion_reason is null
),

leads as (
    select * from {{ ref('sales_kpis', 'fct_leads') }} where exclusion_reason is null
),

activities as (
    select * from {{ ref('sales_kpis', 'fct_activities') }}
),

quotas as (
    select * from {{ ref('sales_kpis', 'fct_quotas') }}
),

sales_spend as (
    select * from {{ ref('sales_kpis', 'stg_crm__sales_spend') }} where exclusion_reason is null
),

sources as (
    select * from {{ ref('sales_kpis', 'int_sources') }}
),

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
),

known_changes as (
    select changes.*
    from changes
    inner join as_of on changes.changed_at < as_of.as_of_end_at
),

known_spend as (
    select sales_spend.*
    from sales_spend
    inner join as_of on sales_spend.spend_month <= as_of.as_of_date
),

log_starts as (
    select
        source_system,
        min(changed_at) as log_starts_at
    from known_changes
    group by source_system
),

-- What changed before the log's first row left no trace, nor did a closing that only the row knows
logged_deals as (
    select
        deals.source_system,
        deals.deal_id,
        coalesce(deals.created_at >= coalesce(sources.history_began_at, log_starts.log_starts_at), false)
        and not reconciled_deals.is_closing_only_in_row as has_complete_log
    from deals
    inner join reconciled_deals
        on deals.source_system = reconciled_deals.source_system and deals.deal_id = reconciled_deals.deal_id
    inner join sources on deals.source_system = sources.source_system
    left join log_starts on deals.source_system = log_starts.source_system
    where deals.has_deal_log
),

-- When the things happened that a table tells of
event_times as (
    select
        source_system,
        'deals' as table_name,
        least(created_at, closed_at) as began_at,
        greatest(created_at, closed_at) as ended_at
    from deals

    union all

    select source_system, 'deal_changes' as table_name, changed_at as began_at, changed_at as ended_at
    from known_changes

    union all

    select
        source_system,
        'leads' as table_name,
        created_at as began_at,
        greatest(created_at, qualified_at, converted_at) as ended_at
    from leads

    union all

    select source_system, 'activities' as table_name, occurred_at as began_at, occurred_at as ended_at
    from activities

    union all

    select
        source_system,
        'quotas' as table_name,
        cast(quota_month as timestamp) as began_at,
        cast(quota_month as timestamp) as ended_at
    from quotas

    union all

    select
        source_system,
        'sales_spend' as table_name,
        cast(spend_month as timestamp) as began_at,
        cast(spend_month as timestamp) as ended_at
    from known_spend
),

events as (
    select
        source_system,
        table_name,
        min(began_at) as oldest_event_at,
        max(ended_at) as newest_event_at
    from event_times
    group by source_system, table_name
),

-- The columns without which a KPI cannot count a record
needed_values as (
    select source_system, 'deals' as table_name, 'amount' as column_name, amount is null as is_empty
    from deals

    union all

    select source_system, 'deals' as table_name, 'close_date' as column_name, expected_close_date is null as is_empty
    from deals
    where outcome = 'open'

    union all

    select source_system, 'deals' as table_name, 'probability' as column_name, probability is null as is_empty
    from deals
    where outcome = 'open'

    union all

    select source_system, 'deals' as table_name, 'owner_id' as column_name, sales_rep_id = 'unknown' as is_empty
    from deals

    union all

    select source_system, 'deals' as table_name, 'account_id' as column_name, account_id is null as is_empty
    from deals

    union all

    select source_system, 'deal_changes' as table_name, 'stage_id' as column_name, not has_complete_log as is_empty
    from logged_deals

    union all

    select source_system, 'leads' as table_name, 'converted_at' as column_name, converted_at is null as is_empty
    from leads
    where converted_deal_id is not null

    union all

    select source_system, 'activities' as table_name, 'direction' as column_name, direction is null as is_empty
    from activities
    where lead_id is not null and activity_type in ('call', 'email')

    union all

    select source_system, 'quotas' as table_name, 'amount' as column_name, quota_amount is null as is_empty
    from quotas

    union all

    select source_system, 'sales_spend' as table_name, 'amount' as column_name, amount is null as is_empty
    from known_spend
),

columns_counted as (
    select
        source_system,
        table_name,
        column_name,
        count(*) as records,
        count(*) filter (where is_empty) as empty_records
    from needed_values
    group by source_system, table_name, column_name
),

tables_and_columns as (
    select
        input_tables.source_system,
        input_tables.table_name,
        cast(null as {{ dbt.type_string() }}) as column_name,
        coalesce(reconciliation.used_records, 0) as records,
        cast(null as {{ dbt.type_bigint() }}) as empty_records
    from input_tables
    left join reconciliation
        on
            input_tables.source_system = reconciliation.source_system
            and input_tables.table_name = reconciliation.table_name

    union all

    select * from columns_counted
)

select
    input_tables.source_system,
    input_tables.table_name,
    tables_and_columns.column_name,
    input_tables.is_present,
    tables_and_columns.records,
    tables_and_columns.empty_records,
    {{ divide('tables_and_columns.empty_records', 'tables_and_columns.records') }} as empty_share,
    events.oldest_event_at,
    events.newest_event_at,
    case when input_tables.table_name = 'deal_changes' then sources.history_known_from end as history_known_from
from input_tables
inner join tables_and_columns
    on
        input_tables.source_system = tables_and_columns.source_system
        and input_tables.table_name = tables_and_columns.table_name
left join sources on input_tables.source_system = sources.source_system
left join events
    on
        input_tables.source_system = events.source_system
        and input_tables.table_name = events.table_name
