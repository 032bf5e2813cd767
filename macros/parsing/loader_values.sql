{#- How loaders write what a CRM holds: text in, text in a spelling that the staging layer reads. What is not in such a
    spelling stays as it is: staging judges it. -#}

{#- An instant: milliseconds or seconds since 1970 become ISO text in UTC. -#}
{% macro instant_as_text(text) -%}
    {{ adapter.dispatch('instant_as_text', 'sales_kpis')(text) }}
{%- endmacro %}

{% macro duckdb__instant_as_text(text) -%}
    case
        when regexp_full_match({{ text }}, '\d{12,13}')
            then cast(make_timestamp(cast({{ text }} as bigint) * 1000) as varchar)
        when regexp_full_match({{ text }}, '\d{9,10}(\.\d+)?')
            then cast(make_timestamp(cast(cast({{ text }} as double) * 1000000 as bigint)) as varchar)
        else {{ text }}
    end
{%- endmacro %}


{#- A date that a loader wrote as midnight: a date has no time zone, so it must not move to the day before. -#}
{% macro date_as_text(text) -%}
    {{ adapter.dispatch('date_as_text', 'sales_kpis')(text) }}
{%- endmacro %}

{% macro duckdb__date_as_text(text) -%}
    regexp_replace(
        {{ sales_kpis.instant_as_text(text) }},
        '^(\d{4}-\d{2}-\d{2})[T ]00:00(:00(\.0+)?)?( ?(Z|UTC|[+-]00(:?00)?))?$', '\1'
    )
{%- endmacro %}


{#- A percentage as a share. What lies outside 0-100 keeps a percent sign: as a number it would make its whole table look
    like percentages. -#}
{% macro percentage_as_text(text) -%}
    case
        when {{ sales_kpis.parse_decimal(text, 24, 12) }} between 0 and 100
            then cast(cast({{ sales_kpis.parse_decimal(text, 24, 12) }} * 0.01 as decimal(24, 12)) as {{ dbt.type_string() }})
        when {{ sales_kpis.parse_decimal(text, 24, 12) }} is not null then {{ text }} || '%'
        else {{ text }}
    end
{%- endmacro %}
