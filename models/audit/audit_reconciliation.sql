with

excluded_records as (
    select * from {{ ref('sales_kpis', 'audit_excluded_records') }}
),

warnings as (
    select * from {{ ref('sales_kpis', 'audit_warnings') }}
),

rejected_lines as (
    select * from {{ ref('sales_kpis', 'base_crm_export__rejected_lines') }}
),

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
),

{# What came in, counted where it is read; what is used, counted where it is used -#}
raw_counts as (
    {%- for table_name in crm_export_contract() %}
    select
        source_system,
        '{{ table_name }}' as table_name,
        count(*) as records
    from {{ ref('sales_kpis', 'base_crm_export__' ~ table_name) }}
    group by source_system
    union all
    {%- endfor %}
    select
        source_system,
        table_name,
        count(*) as records
    from rejected_lines
    group by source_system, table_name
),

used_counts as (
    select source_system, 'deals' as table_name, count(*) as records
    from {{ ref('sales_kpis', 'fct_deals') }} where exclusion_reason is null group by source_system
    union all
    select source_system, 'stages' as table_name, count(*) as records
    from {{ ref('sales_kpis', 'dim_pipeline_stages') }} group by source_system
    union all
    select stg.source_system, 'deal_changes' as table_name, count(*) as records
    from {{ ref('sales_kpis', 'stg_crm__deal_changes') }} as stg
    inner join as_of on stg.changed_at < as_of.as_of_end_at
    where stg.exclusion_reason is null
    group by stg.source_system
    union all
    select source_system, 'accounts' as table_name, count(*) as records
    from {{ ref('sales_kpis', 'dim_accounts') }} group by source_system
    union all
    select source_system, 'sales_reps' as table_name, count(*) as records
    from {{ ref('sales_kpis', 'dim_sales_reps') }} group by source_system
    union all
    select stg.source_system, 'rep_teams' as table_name, count(*) as records
    from {{ ref('sales_kpis', 'stg_crm__rep_teams') }} as stg
    inner join as_of on stg.valid_from <= as_of.as_of_date
    where stg.exclusion_reason is null
    group by stg.source_system
    union all
    select source_system, 'leads' as table_name, count(*) as records
    from {{ ref('sales_kpis', 'fct_leads') }} where exclusion_reason is null group by source_system
    union all
    select source_system, 'activities' as table_name, count(*) as records
    from {{ ref('sales_kpis', 'fct_activities') }} group by source_system
    union all
    select source_system, 'quotas' as table_name, count(*) as records
    from {{ ref('sales_kpis', 'fct_quotas') }} group by source_system
    union all
    select stg.source_system, 'sales_spend' as table_name, count(*) as records
    from {{ ref('sales_kpis', 'stg_crm__sales_spend') }} as stg
    inner join as_of on stg.spend_month <= as_of.as_of_date
    where stg.exclusion_reason is null
    group by stg.source_system
    union all
    select stg.source_system, 'fx_rates' as table_name, count(*) as records
    from {{ ref('sales_kpis', 'stg_crm__fx_rates') }} as stg
    inner join as_of on stg.rate_date <= as_of.as_of_date
    where stg.exclusion_reason is null
    group by stg.source_system
),

counted as (
    select source_system, table_name, records as raw_records, 0 as used_records, 0 as excluded_records, 0 as warnings
    from raw_counts
    union all
    select source_system, table_name, 0, records, 0, 0 from used_counts
    union all
    select source_system, table_name, 0, 0, 1, 0 from excluded_records
    union all
    select source_system, table_name, 0, 0, 0, 1 from warnings
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
