{#- Finds the input of one contract table and how to read it:
    is_present, relation (to select from), fields (contract column -> text expression), where (which records),
    csv (how the file is written; none for other input).
    Columns are looked up only while executing; without input the table is absent. A faulty input stops the build, once:
    in the base model of its table, not in the models that look at all tables (stops=false). -#}
{% macro crm_export_input(table_name, stops=true) -%}
    {%- set absent = {'is_present': false, 'relation': none, 'fields': {}, 'where': none, 'csv': none} -%}
    {%- set kind = sales_kpis.crm_export_kind() -%}
    {%- if not sales_kpis.crm_export_reads(table_name) -%}
        {{- return(absent) -}}
    {%- elif kind == 'seeds' -%}
        {{- return(sales_kpis.crm_export_seed(table_name)) -}}
    {%- endif -%}
    {#- dbt has to see the source while parsing, or it draws no edge. -#}
    {%- set source_relation = source('crm_export', table_name) if kind == 'tables' else none -%}
    {%- if not execute -%}
        {{- return(absent) -}}
    {%- endif -%}
    {%- if kind == 'tables' -%}
        {%- set input = sales_kpis.crm_export_table(table_name, source_relation, stops) -%}
        {%- set place = "schema '" ~ var('crm_export_schema') ~ "'" -%}
    {%- else -%}
        {%- set input = sales_kpis.crm_export_file(table_name, stops) -%}
        {%- set place = "folder '" ~ var('crm_export_path') ~ "'" -%}
    {%- endif -%}
    {%- set is_required = (
        sales_kpis.crm_export_contract()[table_name].get('is_required', false)
        and 'crm_export' in var('crm_sources', ['crm_export'])
    ) -%}
    {%- if input is none and is_required and stops -%}
        {%- set file_names = table_name ~ '.csv or ' ~ table_name ~ '.parquet' -%}
        {%- set expected = file_names if kind == 'files' else 'table ' ~ table_name -%}
        {%- do sales_kpis.crm_export_stop(
            "the required table '" ~ table_name ~ "' is missing: there is no " ~ expected ~ ' in the ' ~ place
            ~ '; add it, or correct the var crm_export_' ~ ('path' if kind == 'files' else 'schema') ~ '.'
        ) -%}
    {%- endif -%}
    {{- return(input if input is not none else absent) -}}
{%- endmacro %}


{#- Where the table is read from, for people to see, or none where it is absent. -#}
{% macro crm_export_location(table_name) -%}
    {%- set kind = sales_kpis.crm_export_kind() -%}
    {%- if not sales_kpis.crm_export_reads(table_name) -%}
        {{- return(none) -}}
    {%- elif kind == 'seeds' -%}
        {{- return(ref('sales_kpis', 'demo_' ~ table_name).identifier) -}}
    {%- elif kind == 'tables' -%}
        {%- set relation = source('crm_export', table_name) -%}
        {%- set is_present = execute and sales_kpis.relation_exists(relation) -%}
        {{- return(relation.schema ~ '.' ~ relation.identifier if is_present else none) -}}
    {%- endif -%}
    {%- set file = sales_kpis.crm_export_find_file(table_name, stops=false) if execute else none -%}
    {{- return(file.path if file else none) -}}
{%- endmacro %}


{#- The demo company: its columns are known, so nothing is looked up. -#}
{% macro crm_export_seed(table_name) -%}
    {%- set seed = ref('sales_kpis', 'demo_' ~ table_name) -%}
    {%- set fields = {'loaded_at': 'loaded_at'} -%}
    {%- for column in sales_kpis.crm_export_contract()[table_name].columns -%}
        {%- do fields.update({column: column}) -%}
    {%- endfor -%}
    {{- return({
        'is_present': true, 'relation': seed, 'fields': fields, 'where': none, 'csv': none
    }) -}}
{%- endmacro %}


{#- A table of the input schema, or none. -#}
{% macro crm_export_table(table_name, source_relation, stops) -%}
    {%- if not sales_kpis.relation_exists(source_relation) -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set place = 'the table ' ~ source_relation.schema ~ '.' ~ source_relation.identifier -%}
    {%- set columns = [] -%}
    {%- for column in adapter.get_columns_in_relation(source_relation) -%}
        {%- do columns.append({
            'name': column.name, 'text': sales_kpis.column_as_text(sales_kpis.quoted_name(column.name), column.dtype)
        }) -%}
    {%- endfor -%}
    {{- return({
        'is_present': true, 'relation': source_relation,
        'fields': sales_kpis.crm_export_fields(table_name, place, columns, stops), 'where': none, 'csv': none
    }) -}}
{%- endmacro %}


{#- Whether there is such a table. -#}
{% macro relation_exists(relation) -%}
    {{- return(adapter.dispatch('relation_exists', 'sales_kpis')(relation)) -}}
{%- endmacro %}

{% macro default__relation_exists(relation) -%}
    {{- return(adapter.get_relation(relation.database, relation.schema, relation.identifier) is not none) -}}
{%- endmacro %}

{#- dbt refuses a table whose name is written with other capitals; to DuckDB it is the same. -#}
{% macro duckdb__relation_exists(relation) -%}
    {%- set found = run_query(
        'select count(*) from system.information_schema.tables where lower(table_catalog) = '
        ~ sales_kpis.sql_text(relation.database | lower) ~ ' and lower(table_schema) = '
        ~ sales_kpis.sql_text(relation.schema | lower) ~ ' and lower(table_name) = '
        ~ sales_kpis.sql_text(relation.identifier | lower)
    ) -%}
    {{- return(found.columns[0].values()[0] | int > 0) -}}
{%- endmacro %}


{#- A column name as it has to be written, whatever is in it. -#}
{% macro quoted_name(name) -%}
    {{- return('"' ~ (name | replace('"', '""')) ~ '"') -}}
{%- endmacro %}


{#- A column name as it is compared. -#}
{% macro normal_column_name(name) -%}
    {{- return(name | replace('\ufeff', '') | trim | lower) -}}
{%- endmacro %}


{#- Matches the columns found (name, text) with the contract's: letter case, white space around the name and a
    byte-order mark do not matter. Stops where a required column is missing or a needed name stands twice. -#}
{% macro crm_export_fields(table_name, place, columns, stops) -%}
    {%- set contract = sales_kpis.crm_export_contract()[table_name] -%}
    {%- set known = contract.columns + ['loaded_at'] -%}
    {%- set fields = {} -%}
    {%- set found = [] -%}
    {%- for column in columns -%}
        {%- set name = sales_kpis.normal_column_name(column.name) -%}
        {%- do found.append(column.name | trim) -%}
        {%- if name in fields and stops -%}
            {%- do sales_kpis.crm_export_stop(
                place ~ " has more than one column '" ~ name ~ "'; rename or remove all but one."
            ) -%}
        {%- elif name in known -%}
            {%- do fields.update({name: column.text}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set missing = contract.required_columns | reject('in', fields) | list -%}
    {%- if missing and stops -%}
        {%- set found_names = found | join(', ') | replace('\n', ' ') | truncate(300, true) -%}
        {%- do sales_kpis.crm_export_stop(
            place ~ " lacks the required column" ~ ('s ' if missing | length > 1 else ' ') ~ missing | join(', ')
            ~ '; found: ' ~ (found_names or 'none') ~ '. Add the column' ~ ('s' if missing | length > 1 else '')
            ~ ', empty where unknown, or rename the ones that hold it.'
        ) -%}
    {%- endif -%}
    {{- return(fields) -}}
{%- endmacro %}
