{#- The sources that are switched on, with the adapters' names checked: one line where a name is not known. -#}
{% macro switched_on_sources() -%}
    {%- set names = var('crm_sources') -%}
    {%- set known = ['crm_export'] + (sales_kpis.crm_adapters() | list) -%}
    {%- if names is string or not names -%}
        {{- exceptions.raise_compiler_error(
            "var crm_sources: '" ~ names ~ "' is not a list of sources; write for example ['salesforce', 'hubspot'], of "
            ~ known | join(', ') ~ '.'
        ) -}}
    {%- endif -%}
    {%- for name in names if name not in known -%}
        {{- exceptions.raise_compiler_error(
            "var crm_sources: '" ~ name ~ "' is no source that is known here; use " ~ known | join(', ') ~ '.'
        ) -}}
    {%- endfor -%}
    {{- return(names) -}}
{%- endmacro %}


{#- Whether a source is switched on: what each model of an adapter asks before it is enabled. -#}
{% macro is_source_on(name) -%}
    {{- return(name in sales_kpis.switched_on_sources()) -}}
{%- endmacro %}


{#- The records of one contract table from all sources, as text in the contract's columns. Files and tables in the
    contract's own shape come first: quotas, spend and rates are read from there whatever the sources are. -#}
{% macro united_records(table_name) -%}
    {%- set models = ['base_crm_export__' ~ table_name] -%}
    {%- for name, adapter_tables in sales_kpis.crm_adapters().items() -%}
        {%- if sales_kpis.is_source_on(name) and table_name in adapter_tables.contract_tables -%}
            {%- do models.append('stg_' ~ name ~ '__' ~ table_name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if table_name == 'deal_changes' and sales_kpis.snapshot_sources() -%}
        {%- do models.append('stg_crm__deal_version_changes') -%}
    {%- endif -%}
    {%- for model in models %}
{{ 'union all\n' if not loop.first }}select
    source_system
    {%- for column in sales_kpis.contract_columns(table_name) %},
    {{ column }}
    {%- endfor %},
    loaded_at
from {{ ref('sales_kpis', model) }}
    {%- endfor %}
{%- endmacro %}


{#- One row per source and contract table: whether the source has it. crm_export is listed even where it is not switched on,
    since its quotas, spend and rates serve all sources; is_source tells. A source without a log of its own that the var
    snapshot_deals names has the one that its snapshots make. -#}
{% macro united_tables() -%}
with

source_tables as (
    select
        source_system,
        table_name,
        {{ 'true' if sales_kpis.is_source_on('crm_export') else 'false' }} as is_source,
        is_required,
        is_present,
        location
    from {{ ref('sales_kpis', 'base_crm_export__tables') }}
    {%- for name in sales_kpis.crm_adapters() if sales_kpis.is_source_on(name) %}

    union all

    select
        source_system,
        table_name,
        true as is_source,
        is_required,
        is_present,
        location
    from {{ ref('sales_kpis', 'base_' ~ name ~ '__tables') }}
    {%- endfor %}
)
{%- if not sales_kpis.snapshot_sources() %}

select
    *,
    cast(null as timestamp) as history_began_at
from source_tables
{%- else %},

snapshots as (
    select
        source_system,
        'deal_changes' as table_name,
        min(seen_at) as began_at
    from {{ ref('sales_kpis', 'base_crm__deal_versions') }}
    group by source_system
)

select
    source_tables.source_system,
    source_tables.table_name,
    source_tables.is_source,
    source_tables.is_required,
    source_tables.is_present or snapshots.began_at is not null as is_present,
    case
        when not source_tables.is_present and snapshots.began_at is not null then 'snap_crm__deals'
        else source_tables.location
    end as location,
    case when not source_tables.is_present then snapshots.began_at end as history_began_at
from source_tables
left join snapshots
    on source_tables.source_system = snapshots.source_system and source_tables.table_name = snapshots.table_name
{%- endif %}
{%- endmacro %}
