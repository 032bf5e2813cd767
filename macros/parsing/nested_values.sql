{#- Values that loaders leave as they came from an API: numbers that stand for instants, and lists inside one value.
    Each macro takes an SQL expression of trimmed text and yields NULL, or no row, for what cannot be read. -#}

{#- An instant given as milliseconds or (with a fraction, or not) seconds since 1970, written as ISO 8601 in UTC; any
    other text as it is. -#}
{% macro epoch_as_instant(text) -%}
    {{- return(adapter.dispatch('epoch_as_instant', 'sales_kpis')(text)) -}}
{%- endmacro %}

{% macro duckdb__epoch_as_instant(text) -%}
    {%- set milliseconds = 'cast(epoch_ms(try_cast(' ~ text ~ " as bigint)) as varchar) || 'Z'" -%}
    {%- set microseconds = 'cast(try_cast(' ~ text ~ ' as decimal(24, 6)) * 1000000 as bigint)' -%}
    {%- set seconds = 'cast(make_timestamp(' ~ microseconds ~ ") as varchar) || 'Z'" -%}
    {{- return(
        'case when ' ~ text ~ " like '%-%' then " ~ text
        ~ ' when regexp_full_match(' ~ text ~ ", '[0-9]{12,14}') then " ~ milliseconds
        ~ ' when regexp_full_match(' ~ text ~ ", '[0-9]{9,11}([.][0-9]*)?') then " ~ seconds
        ~ ' else ' ~ text ~ ' end'
    ) -}}
{%- endmacro %}


{#- The items of a JSON list as text, one row each; no row where the text is no JSON list. -#}
{% macro json_items(text) -%}
    {{ adapter.dispatch('json_items', 'sales_kpis')(text) }}
{%- endmacro %}

{% macro duckdb__json_items(text) -%}
    unnest(case when json_valid({{ text }}) then json_extract_string({{ text }}, '$[*]') end)
{%- endmacro %}


{#- The text of one field of a JSON object, by its path (`label`, `metadata.probability`); blank is NULL. -#}
{% macro json_field(text, path) -%}
    {{ adapter.dispatch('json_field', 'sales_kpis')(text, path) }}
{%- endmacro %}

{% macro duckdb__json_field(text, path) -%}
    nullif(trim(json_extract_string({{ text }}, '$.{{ path }}')), '')
{%- endmacro %}


{#- The parts of a text between separators, trimmed, one row each. -#}
{% macro separated_items(text, separator) -%}
    {{ adapter.dispatch('separated_items', 'sales_kpis')(text, separator) }}
{%- endmacro %}

{% macro duckdb__separated_items(text, separator) -%}
    trim(unnest(string_split({{ text }}, {{ sales_kpis.sql_text(separator) }})))
{%- endmacro %}
