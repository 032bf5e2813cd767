{#- Two ways to write the same: an empty value that has a meaning of its own, and that meaning spelt out -#}
{% set meanings_of_empty = {'is_deleted': 'false', 'currency': var('reporting_currency') | upper} %}

with

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
),

deals as (
    select * from {{ ref('sales_kpis', 'stg_crm__deals') }} where exclusion_reason is null
),

stages as (
    select * from {{ ref('sales_kpis', 'stg_crm__stages') }} where exclusion_reason is null
),

deal_changes as (
    select stg.*
    from {{ ref('sales_kpis', 'stg_crm__deal_changes') }} as stg
    inner join as_of on stg.changed_at < as_of.as_of_end_at
    where stg.exclusion_reason is null
),

accounts as (
    select stg.*
    from {{ ref('sales_kpis', 'stg_crm__accounts') }} as stg
    inner join as_of on stg.created_at is null or stg.created_at < as_of.as_of_end_at
    where stg.exclusion_reason is null
),

sales_reps as (
    select * from {{ ref('sales_kpis', 'stg_crm__sales_reps') }} where exclusion_reason is null
),

rep_teams as (
    select stg.*
    from {{ ref('sales_kpis', 'stg_crm__rep_teams') }} as stg
    inner join as_of on stg.valid_from <= as_of.as_of_date
    where stg.exclusion_reason is null
),

leads as (
    select * from {{ ref('sales_kpis', 'stg_crm__leads') }} where exclusion_reason is null
),

activities as (
    select stg.*
    from {{ ref('sales_kpis', 'stg_crm__activities') }} as stg
    inner join as_of on stg.occurred_at < as_of.as_of_end_at
    where stg.exclusion_reason is null
),

quotas as (
    select * from {{ ref('sales_kpis', 'stg_crm__quotas') }} where exclusion_reason is null
),

sales_spend as (
    select stg.*
    from {{ ref('sales_kpis', 'stg_crm__sales_spend') }} as stg
    inner join as_of on stg.spend_month <= as_of.as_of_date
    where stg.exclusion_reason is null
),

used_leads as (
    select * from {{ ref('sales_kpis', 'fct_leads') }} where exclusion_reason is null
),

account_records as (
    select * from {{ ref('sales_kpis', 'stg_crm__accounts') }}
),

sales_rep_records as (
    select * from {{ ref('sales_kpis', 'stg_crm__sales_reps') }}
),

deal_records as (
    select * from {{ ref('sales_kpis', 'stg_crm__deals') }}
),

lead_records as (
    select * from {{ ref('sales_kpis', 'stg_crm__leads') }}
),

used_deals as (
    select * from {{ ref('sales_kpis', 'fct_deals') }} where exclusion_reason is null
),

used_quotas as (
    select * from {{ ref('sales_kpis', 'fct_quotas') }}
),

snapshots as (
    select * from {{ ref('sales_kpis', 'fct_pipeline_snapshots') }} where is_missing_fx_rate
),

rolled_back_deals as (
    select * from {{ ref('sales_kpis', 'int_deals_rolled_back') }}
),

reconciled_deals as (
    select * from {{ ref('sales_kpis', 'int_deals_reconciled') }}
),

sources as (
    select * from {{ ref('sales_kpis', 'int_sources') }}
),

current_states as (
    select * from {{ ref('sales_kpis', 'int_deal_history') }} where valid_to is null
),

changes as (
    select * from {{ ref('sales_kpis', 'int_deal_changes') }}
),

fx_rates as (
    select * from {{ ref('sales_kpis', 'int_fx_rates_daily') }}
),

used_fx_rates as (
    select stg.*
    from {{ ref('sales_kpis', 'stg_crm__fx_rates') }} as stg
    inner join as_of on stg.rate_date <= as_of.as_of_date
    where stg.exclusion_reason is null
),

input_tables as (
    select * from {{ ref('sales_kpis', 'base_crm__tables') }}
),

unreadable as (
    {{ listed_values('deals', 'deal_id') }}
    union all
    {{ listed_values('stages', "coalesce(pipeline_id, '') || '|' || stage_id") }}
    union all
    {{ listed_values('deal_changes', 'coalesce(change_id, deal_id)') }}
    union all
    {{ listed_values('accounts', 'account_id') }}
    union all
    {{ listed_values('sales_reps', 'rep_id') }}
    union all
    {{ listed_values('rep_teams', 'rep_id') }}
    union all
    {{ listed_values('leads', 'lead_id') }}
    union all
    {{ listed_values('activities', 'activity_id') }}
    union all
    {{ listed_values('quotas', "rep_id || '|' || quota_month") }}
    union all
    {{ listed_values('sales_spend', "coalesce(spend_id, spend_month || '|' || category)") }}
    union all
    {{ listed_values('used_fx_rates', "currency || '|' || rate_date", table_name='fx_rates') }}
),

orphans as (
    {{ orphans_of('deals', 'deal_id', 'account_id', 'accounts', 'account_id') }}
    union all
    {{ orphans_of('deals', 'deal_id', 'owner_id', 'sales_reps', 'rep_id') }}
    union all
    {{ orphans_of('deal_changes', 'coalesce(change_id, deal_id)', 'deal_id', 'deals', 'deal_id') }}
    union all
    {{ orphans_of('rep_teams', 'rep_id', 'rep_id', 'sales_reps', 'rep_id') }}
    union all
    {{ orphans_of('leads', 'lead_id', 'owner_id', 'sales_reps', 'rep_id') }}
    union all
    {{ orphans_of('leads', 'lead_id', 'converted_deal_id', 'deals', 'deal_id') }}
    union all
    {{ orphans_of('activities', 'activity_id', 'deal_id', 'deals', 'deal_id') }}
    union all
    {{ orphans_of('activities', 'activity_id', 'lead_id', 'leads', 'lead_id') }}
    union all
    {{ orphans_of('quotas', "rep_id || '|' || quota_month", 'rep_id', 'sales_reps', 'rep_id') }}
),

missing_rates as (
    select
        source_system,
        'deals' as table_name,
        deal_id as record_id,
        currency
    from used_deals
    where amount_in_currency is not null and amount is null

    union

    select
        source_system,
        'deals' as table_name,
        deal_id as record_id,
        currency
    from snapshots

    union

    select
        source_system,
        'quotas' as table_name,
        substr(sales_rep_id, length(source_system) + 2) || '|' || quota_month as record_id,
        currency
    from used_quotas
    where quota_amount_in_currency is not null and quota_amount is null

    union

    select
        sales_spend.source_system,
        'sales_spend' as table_name,
        coalesce(sales_spend.spend_id, sales_spend.spend_month || '|' || sales_spend.category) as record_id,
        sales_spend.currency
    from sales_spend
    left join fx_rates
        on sales_spend.currency = fx_rates.currency and sales_spend.spend_month = fx_rates.rate_date
    where
        sales_spend.amount is not null
        and sales_spend.currency <> '{{ var("reporting_currency") | upper }}'
        and fx_rates.rate is null
),

logged_fields as (
    select
        {%- for field in logged_fields() %}
        bool_or(changes.field = '{{ field }}') as has_{{ field }},
        {%- endfor %}
        changes.source_system,
        changes.deal_id
    from changes
    inner join as_of on changes.changed_at < as_of.as_of_end_at
    group by changes.source_system, changes.deal_id
),

compared_deals as (
    select
        rolled_back_deals.source_system,
        rolled_back_deals.deal_id,
        nullif(
            concat(
                {%- for field in logged_fields() %}
                {%- set empty = "'" ~ meanings_of_empty[field] ~ "'" if field in meanings_of_empty else 'null' %}
                {%- set row_value = 'coalesce(rolled_back_deals.' ~ field ~ ', ' ~ empty ~ ')' %}
                {%- set logged_text = 'cast(current_states.' ~ field ~ ' as ' ~ dbt.type_string() ~ ')' %}
                {%- set logged_value = 'coalesce(' ~ logged_text ~ ', ' ~ empty ~ ')' %}
                case
                    when
                        logged_fields.has_{{ field }} and {{ row_value }} is distinct from {{ logged_value }}
                        {{- ' and rolled_back_deals.probability is not null' if field == 'probability' }}
                        then
                            '{{ field }}' || chr(31) || 'row ' || coalesce({{ row_value }}, '(empty)')
                            || ', log ' || coalesce({{ logged_value }}, '(empty)') || chr(30)
                    else ''
                end,
                {%- endfor %}
                ''
            ),
            ''
        ) as disagreeing_values
    from rolled_back_deals
    inner join logged_fields
        on
            rolled_back_deals.source_system = logged_fields.source_system
            and rolled_back_deals.deal_id = logged_fields.deal_id
    inner join current_states
        on
            rolled_back_deals.source_system = current_states.source_system
            and rolled_back_deals.deal_id = current_states.deal_id
),

disagreements as (
    {{ listed_values('compared_deals', 'deal_id', 'disagreeing_values', 'deals', 'log_disagrees') }}
),

warnings as (
    select * from unreadable

    union all

    select * from orphans

    union all

    select
        source_system,
        table_name,
        record_id,
        'currency' as column_name,
        currency as column_value,
        'missing_fx_rate' as warning
    from missing_rates

    union all

    select * from disagreements

    union all

    select
        reconciled_deals.source_system,
        'deals' as table_name,
        reconciled_deals.deal_id as record_id,
        'stage_id' as column_name,
        reconciled_deals.added_closing_stage_id as column_value,
        'log_incomplete' as warning
    from reconciled_deals
    inner join sources on reconciled_deals.source_system = sources.source_system
    -- No log holds what was closed before it began
    where
        reconciled_deals.has_deal_log
        and reconciled_deals.is_closing_only_in_row
        and coalesce(reconciled_deals.current_close_date >= sources.history_known_from, true)
),

-- An excluded record is listed as such, and needs no warnings. Records that share an id may share a doubt
warnings_of_used_records as (
    select distinct warnings.*
    from warnings
    left join used_deals
        on
            warnings.table_name = 'deals'
            and warnings.source_system = used_deals.source_system
            and warnings.record_id = used_deals.deal_id
    left join used_leads
        on
            warnings.table_name = 'leads'
            and warnings.source_system = used_leads.source_system
            and warnings.record_id = used_leads.lead_id
    where
        warnings.table_name not in ('deals', 'leads')
        or used_deals.deal_id is not null
        or used_leads.lead_id is not null
)

select
    source_system,
    table_name,
    record_id,
    warning,
    column_name,
    column_value,
    table_name || '.' || column_name || ' of record ' || record_id
    || ', value ' || coalesce(column_value, '(empty)') || ': '
    || case warning
        when 'unreadable_value' then 'cannot be read and counts as empty; correct it in the CRM or the export'
        when 'orphan' then 'points to a record that is not in the export; export that record too'
        when 'missing_fx_rate' then 'no exchange rate on or before the date, so no amount; add a rate to fx_rates'
        when 'log_disagrees' then 'the change log ends with another value and is believed; check the export of the log'
        when 'log_incomplete' then 'the change log lacks the closing, which was added at the close date; check the log'
    end as message
from warnings_of_used_records
