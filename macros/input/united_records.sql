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
    since its quotas, spend and rates serve all sources; is_source tells. -#}
{% macro united_tables() -%}
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
{%- endmacro %}
