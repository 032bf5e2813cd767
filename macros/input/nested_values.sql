{#- Whether a column of this type holds values within values. -#}
{% macro is_nested_type(data_type) -%}
    {{- return(adapter.dispatch('is_nested_type', 'sales_kpis')(data_type)) -}}
{%- endmacro %}

{% macro duckdb__is_nested_type(data_type) -%}
    {%- set type = data_type | upper -%}
    {{- return(
        type == 'JSON' or type.startswith(('STRUCT', 'MAP', 'UNION')) or type.endswith(']')
    ) -}}
{%- endmacro %}


{#- A value within nested text, as text, by the names that lead to it. NULL where there is none. -#}
{% macro nested_value(text, path) -%}
    {{- return(adapter.dispatch('nested_value', 'sales_kpis')(text, path)) -}}
{%- endmacro %}

{% macro duckdb__nested_value(text, path) -%}
    {{- return(
        'case when json_valid(' ~ text ~ ') then json_extract_string(' ~ text ~ ", '$.\"" ~ path | join('"."') ~ "\"') end"
    ) -}}
{%- endmacro %}


{#- The elements of nested text that is a list, one row each, as text; stands in the list of a select. Numbers of a list
    of numbers, JSON of a list of objects. -#}
{% macro nested_elements(text) -%}
    {{- return(adapter.dispatch('nested_elements', 'sales_kpis')(text)) -}}
{%- endmacro %}

{% macro duckdb__nested_elements(text) -%}
    {{- return(
        'unnest(case when json_valid(' ~ text ~ ') then cast(json_extract_string(' ~ text ~ ", '$[*]') as varchar[]) end)"
    ) -}}
{%- endmacro %}


{#- When a record was loaded, as text: dlt writes seconds since 1970. -#}
{% macro load_time(text) -%}
    {{- return(adapter.dispatch('load_time', 'sales_kpis')(text)) -}}
{%- endmacro %}

{% macro duckdb__load_time(text) -%}
    {{- return(
        'case when regexp_full_match(' ~ text ~ ", '[0-9]{9,10}([.][0-9]+)?') "
        ~ 'then cast(make_timestamp(cast(cast(' ~ text ~ ' as double) * 1000000 as bigint)) as varchar) else ' ~ text ~ ' end'
    ) -}}
{%- endmacro %}
