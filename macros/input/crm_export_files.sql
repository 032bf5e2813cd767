{#- The file of a contract table in the input folder, as path and size, or none. -#}
{% macro crm_export_find_file(table_name, stops) -%}
    {{- return(adapter.dispatch('crm_export_find_file', 'sales_kpis')(table_name, stops)) -}}
{%- endmacro %}

{% macro default__crm_export_find_file(table_name, stops) -%}
    {%- do sales_kpis.crm_export_stop(
        'only DuckDB reads files; load them into tables and set crm_export_schema in place of crm_export_path.'
    ) -%}
    {{- return(none) -}}
{%- endmacro %}

{% macro duckdb__crm_export_find_file(table_name, stops) -%}
    {%- set folder = modules.re.sub('(?<=.)[/\\\\]+$', '', var('crm_export_path')) -%}
    {#- Brackets, stars and question marks in the folder's name are no pattern. -#}
    {%- set pattern = modules.re.sub('([\\[*?])', '[\\1]', folder) ~ '/*' -%}
    {%- set listed = run_query(
        "select regexp_extract(file, '[^/\\\\]*$') as file_name from glob(" ~ sales_kpis.sql_text(pattern)
        ~ ") where lower(file_name) in ('" ~ table_name ~ ".csv', '" ~ table_name ~ ".parquet') order by file_name"
    ) -%}
    {%- set file_names = listed.columns[0].values() | list -%}
    {%- if not file_names -%}
        {{- return(none) -}}
    {%- elif file_names | length > 1 and stops -%}
        {%- do sales_kpis.crm_export_stop(
            "the folder '" ~ folder ~ "' holds more than one file for the table '" ~ table_name ~ "': "
            ~ file_names | join(', ') ~ '; keep one.'
        ) -%}
    {%- endif -%}
    {%- set path = folder ~ '/' ~ file_names[0] -%}
    {%- set found = run_query('select size from read_blob(' ~ sales_kpis.sql_text(path) ~ ')') -%}
    {{- return({'path': path, 'size': found.columns[0].values()[0] | int}) -}}
{%- endmacro %}


{#- The same file as crm_export_input describes its input. -#}
{% macro crm_export_file(table_name, stops) -%}
    {%- set file = sales_kpis.crm_export_find_file(table_name, stops) -%}
    {%- if file is none -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set path = file.path -%}
    {%- set is_csv = path[-4:] | lower == '.csv' -%}
    {%- set csv = sales_kpis.csv_profile(table_name, path, file.size) if file.size > 0 and is_csv else none -%}
    {%- if file.size == 0 or (is_csv and csv is none) -%}
        {%- if stops -%}
            {%- do sales_kpis.crm_export_stop(
                'the file ' ~ path ~ ' is empty: it lacks the required columns '
                ~ sales_kpis.crm_export_contract()[table_name].required_columns | join(', ')
                ~ '. Write at least a header line, or remove the file if you have no such table.'
            ) -%}
        {%- endif -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set columns = [] -%}
    {%- if is_csv -%}
        {%- for name in csv.header -%}
            {%- do columns.append({'name': name, 'text': 'fields[' ~ loop.index ~ ']'}) -%}
        {%- endfor -%}
        {%- set relation = '(' ~ sales_kpis.csv_records(csv) ~ ') as csv_records' -%}
    {%- else -%}
        {%- set relation = 'read_parquet(' ~ sales_kpis.sql_text(path) ~ ')' -%}
        {%- for column in run_query('describe select * from ' ~ relation).rows -%}
            {%- do columns.append({
                'name': column[0] | string,
                'text': sales_kpis.column_as_text(sales_kpis.quoted_name(column[0] | string), column[1])
            }) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return({
        'is_present': true, 'relation': relation,
        'fields': sales_kpis.crm_export_fields(table_name, 'the file ' ~ path, columns, stops),
        'where': sales_kpis.csv_is_readable(csv) if is_csv else none, 'csv': csv
    }) -}}
{%- endmacro %}
