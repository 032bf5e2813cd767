with
{%- for table_name in crm_export_contract() %}

raw_{{ table_name }} as (
    select * from {{ ref('sales_kpis', 'base_crm__' ~ table_name) }}
),
{%- endfor %}

rejected_lines as (
    select * from {{ ref('sales_kpis', 'base_crm_export__rejected_lines') }}
),

used_deals as (
    select * from {{ ref('sales_kpis', 'fct_deals') }} where exclusion_reason is null
),

used_stages as (
    select * from {{ ref('sales_kpis', 'dim_pipeline_stages') }}
),

used_deal_changes as (
    select * from {{ ref('sales_kpis', 'stg_crm__deal_changes') }} where exclusion_reason is null
),

used_accounts as (
    select * from {{ ref('sales_kpis', 'dim_accounts') }}
),

used_sales_reps as (
    select * from {{ ref('sales_kpis', 'dim_sales_reps') }}
),

used_rep_teams as (
    select * from {{ ref('sales_kpis', 'stg_crm__rep_teams') }} where exclusion_reason is null
),

used_leads as (
    select * from {{ ref('sales_kpis', 'fct_leads') }} where exclusion_reason is null
),

used_activities as (
    select * from {{ ref('sales_kpis', 'fct_activities') }}
),

used_quotas as (
    select * from {{ ref('sales_kpis', 'fct_quotas') }}
),

used_sales_spend as (
    select * from {{ ref('sales_kpis', 'stg_crm__sales_spend') }} where exclusion_reason is null
),

used_fx_rates as (
    select * from {{ ref('sales_kpis', 'stg_crm__fx_rates') }} where exclusion_reason is null
),

excluded_records as (
    select * from {{ ref('sales_kpis', 'audit_excluded_records') }}
),

warnings as (
    select * from {{ ref('sales_kpis', 'audit_warnings') }}
),

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
),

-- What came in, counted where it is read
raw_counts as (
    {%- for table_name in crm_export_contract() %}
    select
        source_system,
        '{{ table_name }}' as table_name,
        count(*) as records
    from raw_{{ table_name }}
    group by source_system

    union all
    {% endfor %}
    select
        source_system,
        table_name,
        count(*) as records
    from rejected_lines
    group by source_system, table_name
),

-- What is used, counted where it is used
used_counts as (
    select
        source_system,
        'deals' as table_name,
        count(*) as records
    from used_deals
    group by source_system

    union all

    select
        source_system,
        'stages' as table_name,
        count(*) as records
    from used_stages
    group by source_system

    union all

    select
        used_deal_changes.source_system,
        'deal_changes' as table_name,
        count(*) as records
    from used_deal_changes
    inner join as_of on used_deal_changes.changed_at < as_of.as_of_end_at
    group by used_deal_changes.source_system

    union all

    select
        source_system,
        'accounts' as table_name,
        count(*) as records
    from used_accounts
    group by source_system

    union all

    select
        source_system,
        'sales_reps' as table_name,
        count(*) as records
    from used_sales_reps
    group by source_system

    union all

    select
        used_rep_teams.source_system,
        'rep_teams' as table_name,
        count(*) as records
    from used_rep_teams
    inner join as_of on used_rep_teams.valid_from <= as_of.as_of_date
    group by used_rep_teams.source_system

    union all

    select
        source_system,
        'leads' as table_name,
        count(*) as records
    from used_leads
    group by source_system

    union all

    select
        source_system,
        'activities' as table_name,
        count(*) as records
    from used_activities
    group by source_system

    union all

    select
        source_system,
        'quotas' as table_name,
        count(*) as records
    from used_quotas
    group by source_system

    union all

    select
        used_sales_spend.source_system,
        'sales_spend' as table_name,
        count(*) as records
    from used_sales_spend
    inner join as_of on used_sales_spend.spend_month <= as_of.as_of_date
    group by used_sales_spend.source_system

    union all

    select
        used_fx_rates.source_system,
        'fx_rates' as table_name,
        count(*) as records
    from used_fx_rates
    inner join as_of on used_fx_rates.rate_date <= as_of.as_of_date
    group by used_fx_rates.source_system
),

counted as (
    select
        source_system,
        table_name,
        records as raw_records,
        0 as used_records,
        0 as excluded_records,
        0 as warnings
    from raw_counts

    union all

    select
        source_system,
        table_name,
        0 as raw_records,
        records as used_records,
        0 as excluded_records,
        0 as warnings
    from used_counts

    union all

    select
        source_system,
        table_name,
        0 as raw_records,
        0 as used_records,
        1 as excluded_records,
        0 as warnings
    from excluded_records

    union all

    select
        source_system,
        table_name,
        0 as raw_records,
        0 as used_records,
        0 as excluded_records,
        1 as warnings
    from warnings
)

select
    source_system,
    table_name,
    cast(sum(raw_records) as bigint) as raw_records,
    cast(sum(used_records) as bigint) as used_records,
    cast(sum(excluded_records) as bigint) as excluded_records,
    cast(sum(warnings) as bigint) as warnings,
    sum(raw_records) = sum(used_records) + sum(excluded_records) as is_reconciled
from counted
group by source_system, table_name
