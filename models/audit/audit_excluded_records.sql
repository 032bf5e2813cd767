with

rejected_lines as (
    select * from {{ ref('sales_kpis', 'base_crm_export__rejected_lines') }}
),

deals as (
    select * from {{ ref('sales_kpis', 'stg_crm__deals') }}
),

concluded_deals as (
    select * from {{ ref('sales_kpis', 'int_deals_concluded') }} where exclusion_reason is not null
),

stages as (
    select * from {{ ref('sales_kpis', 'stg_crm__stages') }}
),

deal_changes as (
    select * from {{ ref('sales_kpis', 'stg_crm__deal_changes') }}
),

accounts as (
    select * from {{ ref('sales_kpis', 'stg_crm__accounts') }}
),

sales_reps as (
    select * from {{ ref('sales_kpis', 'stg_crm__sales_reps') }}
),

rep_teams as (
    select * from {{ ref('sales_kpis', 'stg_crm__rep_teams') }}
),

leads as (
    select * from {{ ref('sales_kpis', 'stg_crm__leads') }}
),

known_leads as (
    select * from {{ ref('sales_kpis', 'fct_leads') }} where exclusion_reason is not null
),

activities as (
    select * from {{ ref('sales_kpis', 'stg_crm__activities') }}
),

quotas as (
    select * from {{ ref('sales_kpis', 'stg_crm__quotas') }}
),

sales_spend as (
    select * from {{ ref('sales_kpis', 'stg_crm__sales_spend') }}
),

fx_rates as (
    select * from {{ ref('sales_kpis', 'stg_crm__fx_rates') }}
),

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
),

excluded as (
    select
        source_system,
        table_name,
        'line ' || line_number as record_id,
        'invalid_value' as exclusion_reason,
        cast(null as {{ dbt.type_string() }}) as exclusion_column,
        problem || ': ' || line_text as record_text
    from rejected_lines

    union all

    {{ excluded_from('deals', 'deal_id', 'deals.created_at >= as_of.as_of_end_at') }}

    union all

    select
        source_system,
        'deals' as table_name,
        deal_id as record_id,
        exclusion_reason,
        case exclusion_reason
            when 'missing_value' then case when is_stage_missing then 'stage_id' else 'close_date' end
            when 'deleted' then 'is_deleted'
            when 'merged' then 'merged_into_deal_id'
            when 'unknown_stage' then 'stage_id'
            else 'close_date'
        end as exclusion_column,
        case exclusion_reason
            when 'unknown_stage' then coalesce(stage_id, '')
            when 'closed_in_future' then cast(closed_date as {{ dbt.type_string() }})
            when 'closed_before_created' then cast(closed_date as {{ dbt.type_string() }})
        end as record_text
    from concluded_deals

    union all

    {{ excluded_from('stages', "coalesce(pipeline_id, '') || '|' || coalesce(stage_id, '')") }}

    union all

    {{ excluded_from('deal_changes', 'coalesce(change_id, deal_id)', 'deal_changes.changed_at >= as_of.as_of_end_at') }}

    union all

    {{ excluded_from('accounts', 'account_id', 'accounts.created_at >= as_of.as_of_end_at') }}

    union all

    {{ excluded_from('sales_reps', 'rep_id') }}

    union all

    {{ excluded_from('rep_teams', 'rep_id', 'rep_teams.valid_from > as_of.as_of_date') }}

    union all

    {{ excluded_from('leads', 'lead_id', 'leads.created_at >= as_of.as_of_end_at') }}

    union all

    select
        source_system,
        'leads' as table_name,
        lead_id as record_id,
        exclusion_reason,
        case exclusion_reason when 'deleted' then 'is_deleted' else 'merged_into_lead_id' end as exclusion_column,
        cast(null as {{ dbt.type_string() }}) as record_text
    from known_leads

    union all

    {{ excluded_from('activities', 'activity_id', 'activities.occurred_at >= as_of.as_of_end_at') }}

    union all

    {{ excluded_from('quotas', "rep_id || '|' || quota_month") }}

    union all

    {{ excluded_from(
        'sales_spend', "coalesce(spend_id, spend_month || '|' || category)", 'sales_spend.spend_month > as_of.as_of_date'
    ) }}

    union all

    {{ excluded_from('fx_rates', "currency || '|' || rate_date", 'fx_rates.rate_date > as_of.as_of_date') }}
)

select
    source_system,
    table_name,
    record_id,
    exclusion_reason,
    exclusion_column,
    record_text,
    table_name || coalesce('.' || exclusion_column, '') || ' of record ' || coalesce(record_id, '(no id)') || ': '
    || case exclusion_reason
        when 'missing_value' then 'no value; fill it in the CRM'
        when 'invalid_value' then 'cannot be read or lies outside what is possible; correct it in the CRM or the export'
        when 'duplicate' then 'another version of this record counts; export each record once'
        when 'other_field' then 'a change of a field that no KPI uses; nothing to do'
        when 'other_currency' then 'a rate into another currency than the reporting one; nothing to do'
        when 'created_in_future' then 'dated after the as-of date; correct the date, or wait for it'
        when 'deleted' then 'deleted in the CRM; nothing to do'
        when 'merged' then 'merged into another record in the CRM; nothing to do'
        when 'unknown_stage' then 'its stage is not in stages; add the stage with its outcome'
        when 'closed_in_future' then 'closed after the as-of date; correct the close date'
        when 'closed_before_created' then 'closed before it was created; correct one of the two dates'
    end as message
from excluded
