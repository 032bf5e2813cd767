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

-- When the first and the last thing happened that a table tells of
events as (
    select
        source_system,
        'deals' as table_name,
        min(least(created_at, closed_at)) as oldest_event_at,
        max(greatest(created_at, closed_at)) as newest_event_at
    from deals
    group by source_system

    union all

    select
        source_system,
        'deal_changes' as table_name,
        min(changed_at) as oldest_event_at,
        max(changed_at) as newest_event_at
    from known_changes
    group by source_system

    union all

    select
        source_system,
        'leads' as table_name,
        min(created_at) as oldest_event_at,
        max(greatest(created_at, qualified_at, converted_at)) as newest_event_at
    from leads
    group by source_system

    union all

    select
        source_system,
        'activities' as table_name,
        min(occurred_at) as oldest_event_at,
        max(occurred_at) as newest_event_at
    from activities
    group by source_system

    union all

    select
        source_system,
        'quotas' as table_name,
        min(cast(quota_month as timestamp)) as oldest_event_at,
        max(cast(quota_month as timestamp)) as newest_event_at
    from quotas
    group by source_system

    union all

    select
        source_system,
        'sales_spend' as table_name,
        min(cast(spend_month as timestamp)) as oldest_event_at,
        max(cast(spend_month as timestamp)) as newest_event_at
    from known_spend
    group by source_system
),

-- The columns without which a KPI cannot count a record
columns_counted as (
    select
        source_system,
        'deals' as table_name,
        'amount' as column_name,
        count(*) as records,
        count(*) filter (where amount is null) as empty_records
    from deals
    group by source_system

    union all

    select
        source_system,
        'deals' as table_name,
        'close_date' as column_name,
        count(*) as records,
        count(*) filter (where expected_close_date is null) as empty_records
    from deals
    where outcome = 'open'
    group by source_system

    union all

    select
        source_system,
        'deals' as table_name,
        'probability' as column_name,
        count(*) as records,
        count(*) filter (where probability is null) as empty_records
    from deals
    where outcome = 'open'
    group by source_system

    union all

    select
        source_system,
        'deals' as table_name,
        'owner_id' as column_name,
        count(*) as records,
        count(*) filter (where sales_rep_id = 'unknown') as empty_records
    from deals
    group by source_system

    union all

    select
        source_system,
        'deals' as table_name,
        'account_id' as column_name,
        count(*) as records,
        count(*) filter (where account_id is null) as empty_records
    from deals
    group by source_system

    union all

    select
        source_system,
        'deal_changes' as table_name,
        'stage_id' as column_name,
        count(*) as records,
        count(*) filter (where not has_complete_log) as empty_records
    from logged_deals
    group by source_system

    union all

    select
        source_system,
        'leads' as table_name,
        'converted_at' as column_name,
        count(*) as records,
        count(*) filter (where converted_at is null) as empty_records
    from leads
    where converted_deal_id is not null
    group by source_system

    union all

    select
        source_system,
        'activities' as table_name,
        'direction' as column_name,
        count(*) as records,
        count(*) filter (where direction is null) as empty_records
    from activities
    where lead_id is not null and activity_type in ('call', 'email')
    group by source_system

    union all

    select
        source_system,
        'quotas' as table_name,
        'amount' as column_name,
        count(*) as records,
        count(*) filter (where quota_amount is null) as empty_records
    from quotas
    group by source_system

    union all

    select
        source_system,
        'sales_spend' as table_name,
        'amount' as column_name,
        count(*) as records,
        count(*) filter (where amount is null) as empty_records
    from known_spend
    group by source_system
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
