{#- The id in a reference, as text: 5.0 is 5, and of an object with the whole record ({"id": 5, "name": …}) only the id. -#}
{% macro reference_id(text) -%}
    {{ adapter.dispatch('reference_id', 'sales_kpis')(text) }}
{%- endmacro %}

{% macro duckdb__reference_id(text) -%}
    case
        when starts_with({{ text }}, '{')
            then coalesce({{ sales_kpis.nested_value(text, ['id']) }}, {{ sales_kpis.nested_value(text, ['value']) }})
        when regexp_full_match({{ text }}, '\d+\.0+') then split_part({{ text }}, '.', 1)
        else {{ text }}
    end
{%- endmacro %}


{#- A probability of 0-100 as one of 0-1. What is no such number gets a percent sign, which makes it unreadable and so
    listed: as a bare number above 1 it would turn the scale of the whole table. -#}
{% macro percent_as_share(text) -%}
    case
        when {{ sales_kpis.parse_decimal(text, 24, 12) }} between 0 and 100
            then cast(
                {{ sales_kpis.parse_decimal(text, 24, 12) }} * cast(0.01 as decimal(3, 2)) as {{ dbt.type_string() }}
            )
        else {{ text }} || '%'
    end
{%- endmacro %}
