{#- 'files', 'tables' or 'seeds': where the records of crm_export come from, by the vars alone. -#}
{% macro crm_export_kind() -%}
    {%- set path = var('crm_export_path', '') -%}
    {%- set schema = var('crm_export_schema', '') -%}
    {%- if path and schema -%}
        {{- exceptions.raise_compiler_error(
            "crm_export: both crm_export_path ('" ~ path ~ "') and crm_export_schema ('" ~ schema
            ~ "') are set; set one and leave the other empty."
        ) -}}
    {%- endif -%}
    {{- return('files' if path else ('tables' if schema else 'seeds')) -}}
{%- endmacro %}


{#- False where the vars switch a table off. Quotas, spend and rates serve the other sources too: where a path or a
    schema is given they are read even if crm_export itself is not among the sources. -#}
{% macro crm_export_reads(table_name) -%}
    {%- set is_source_on = 'crm_export' in var('crm_sources', ['crm_export']) -%}
    {%- set serves_all = sales_kpis.crm_export_contract()[table_name].get('serves_all_sources', false) -%}
    {{- return(is_source_on or (serves_all and sales_kpis.crm_export_kind() != 'seeds')) -}}
{%- endmacro %}


{#- A view over a file would parse the file again for every reader. -#}
{% macro crm_export_materialization() -%}
    {{- return('table' if sales_kpis.crm_export_kind() == 'files' else 'view') -}}
{%- endmacro %}


{#- Stops a build with one line. Other commands (compile, docs, ls) go on: they have to work without any input. -#}
{% macro crm_export_stop(message) -%}
    {%- if execute and flags.WHICH in ['build', 'run', 'retry', 'show'] -%}
        {{- exceptions.raise_compiler_error('crm_export: ' ~ message) -}}
    {%- endif -%}
{%- endmacro %}


{#- For `dbt source freshness`: the newest loaded_at of an input table. A table that is absent, or does not say when its
    records arrived, cannot be late; the log says so. -#}
{% macro crm_export_newest_load(relation) -%}
    {%- set column_names = [] -%}
    {%- if execute and sales_kpis.relation_exists(relation) -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- do column_names.append(column.name | lower) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if 'loaded_at' in column_names -%}
        select max({{ dbt.safe_cast('loaded_at', api.Column.translate_type('timestamp')) }}) from {{ relation }}
    {%- else -%}
        {%- set message = 'crm_export: ' ~ relation.identifier ~ ' has no loaded_at; its freshness is not known.' -%}
        {%- do log(message, info=true) -%}
        select {{ dbt.current_timestamp() }}
    {%- endif -%}
{%- endmacro %}
