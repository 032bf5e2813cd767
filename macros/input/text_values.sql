{#- A text literal, safe for values with apostrophes. -#}
{% macro sql_text(value) -%}
    {{- return("'" ~ (value | string | replace("'", "''")) ~ "'") -}}
{%- endmacro %}


{#- Text without white space at its ends, tabs, line breaks and no-break spaces included; blank becomes NULL. -#}
{% macro trimmed_text(expression) -%}
    {{- return(adapter.dispatch('trimmed_text', 'sales_kpis')(expression)) -}}
{%- endmacro %}

{% macro default__trimmed_text(expression) -%}
    {%- set blanks = "' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(160)" -%}
    {{- return('nullif(trim(both (' ~ blanks ~ ') from ' ~ expression ~ "), '')") -}}
{%- endmacro %}

{#- Most values need no trimming, and looking is cheaper than replacing. -#}
{% macro duckdb__trimmed_text(expression) -%}
    {%- set blank = '[\\s\\v\\p{Z}\\x{FEFF}]+' -%}
    {{- return(
        'case when regexp_full_match(' ~ expression ~ ", '[!-~](.*[!-~])?') then " ~ expression
        ~ ' else nullif(regexp_replace(' ~ expression ~ ", '^" ~ blank ~ '|' ~ blank ~ "$', '', 'g'), '') end"
    ) -}}
{%- endmacro %}


{#- The text of a typed column, written so that it parses again. -#}
{% macro column_as_text(column_name, data_type) -%}
    {{- return(adapter.dispatch('column_as_text', 'sales_kpis')(column_name, data_type)) -}}
{%- endmacro %}

{% macro default__column_as_text(column_name, data_type) -%}
    {{- return('cast(' ~ column_name ~ ' as ' ~ dbt.type_string() ~ ')') -}}
{%- endmacro %}

{#- A plain cast would write instants in the session's time zone, an id that came through a nullable number column as
    5.0, text that was stored as bytes with escapes, and lists in a form that is no JSON. -#}
{% macro duckdb__column_as_text(column_name, data_type) -%}
    {%- set type = data_type | upper -%}
    {%- set as_text = 'cast(' ~ column_name ~ ' as varchar)' -%}
    {%- if type == 'JSON' -%}
        {{- return('(' ~ column_name ~ " ->> '$')") -}}
    {%- elif sales_kpis.is_nested_type(type) -%}
        {{- return('cast(to_json(' ~ column_name ~ ') as varchar)') -}}
    {%- elif type.startswith('VARCHAR') or type in ['TEXT', 'STRING'] -%}
        {{- return(column_name) -}}
    {%- elif type in ['TIMESTAMP WITH TIME ZONE', 'TIMESTAMPTZ'] -%}
        {{- return(
            'case when isfinite(' ~ column_name ~ ') then cast(make_timestamp(epoch_us(' ~ column_name
            ~ ")) as varchar) || '+00' end"
        ) -}}
    {%- elif type in ['DOUBLE', 'FLOAT', 'REAL'] -%}
        {{- return(
            'case when isfinite(' ~ column_name ~ ') and abs(' ~ column_name ~ ') < 1e37 and ' ~ column_name
            ~ ' = trunc(' ~ column_name ~ ') then cast(cast(' ~ column_name ~ ' as hugeint) as varchar) else '
            ~ as_text ~ ' end'
        ) -}}
    {%- elif type in ['BLOB', 'BYTEA', 'BINARY', 'VARBINARY'] -%}
        {{- return('coalesce(try(decode(' ~ column_name ~ ')), ' ~ as_text ~ ')') -}}
    {%- else -%}
        {{- return(as_text) -}}
    {%- endif -%}
{%- endmacro %}


{#- A number with a decimal comma (1.234,56) with a point (1234.56); anything else as it is. -#}
{% macro with_decimal_point(expression) -%}
    {{- return(adapter.dispatch('with_decimal_point', 'sales_kpis')(expression)) -}}
{%- endmacro %}

{% macro duckdb__with_decimal_point(expression) -%}
    {%- set whole_part = '(\\d+|\\d{1,3}([.\\s\\p{Z}]\\d{3})+)' -%}
    {{- return(
        'case when regexp_full_match(' ~ expression ~ ", '[+-]?" ~ whole_part ~ "(,\\d*)?([eE][+-]?\\d+)?') then "
        ~ 'replace(regexp_replace(' ~ expression ~ ", '[.\\s\\p{Z}]', '', 'g'), ',', '.') else " ~ expression ~ ' end'
    ) -}}
{%- endmacro %}
