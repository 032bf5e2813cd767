{#- Text to typed values. Each macro takes an SQL expression of trimmed text (blank already NULL) and yields
    NULL for what cannot be read: nothing here stops a run. -#}

{% macro parse_timestamp(text) -%}
    {{ adapter.dispatch('parse_timestamp', 'sales_kpis')(text) }}
{%- endmacro %}

{#- A cast to TIMESTAMP ignores an offset, so text with one goes through TIMESTAMPTZ. The pattern keeps out what
    DuckDB would guess at ('2024-01-01 garbage', 'infinity', '2024/1/1'). -#}
{% macro duckdb__parse_timestamp(text) -%}
    case
        when regexp_full_match({{ text }}, '\d{4}-\d{2}-\d{2}')
            then {{ sales_kpis.local_midnight_as_utc("try_cast(" ~ text ~ " as date)") }}
        when regexp_full_match({{ text }}, '\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|UTC))?')
            then try_cast(regexp_extract({{ text }}, '^[0-9T:. -]*[0-9]') as timestamp)
        when regexp_full_match(
            {{ text }}, '\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)? ?[+-]\d{2}(:?\d{2})?'
        )
            {#- DuckDB reads an offset only behind seconds, and without a space before it #}
            then timezone(
                'UTC',
                try_cast(
                    regexp_replace(
                        regexp_replace({{ text }}, ' ?([+-]\d{2}(:?\d{2})?)$', '\1'),
                        '([T ]\d{2}:\d{2})([+-])', '\1:00\2'
                    ) as timestamptz
                )
            )
    end
{%- endmacro %}


{#- A date column: a bare date is that date; an instant is its date in the reporting time zone. -#}
{% macro parse_date(text) -%}
    {{ adapter.dispatch('parse_date', 'sales_kpis')(text) }}
{%- endmacro %}

{% macro duckdb__parse_date(text) -%}
    case
        when regexp_full_match({{ text }}, '\d{4}-\d{2}-\d{2}') then try_cast({{ text }} as date)
        else {{ sales_kpis.utc_as_local_date(sales_kpis.parse_timestamp(text)) }}
    end
{%- endmacro %}


{#- A decimal: digits, a point, an exponent; no thousands separators, currency signs or names of numbers. -#}
{% macro parse_decimal(text, precision=18, scale=2) -%}
    {{ adapter.dispatch('parse_decimal', 'sales_kpis')(text, precision, scale) }}
{%- endmacro %}

{% macro duckdb__parse_decimal(text, precision, scale) -%}
    case
        when regexp_full_match({{ text }}, '[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?')
            then try_cast({{ text }} as decimal({{ precision }}, {{ scale }}))
    end
{%- endmacro %}


{#- A whole number; '10.0' is one, '10.5' is not. -#}
{% macro parse_integer(text) -%}
    case
        when {{ sales_kpis.parse_decimal(text, 18, 6) }} = floor({{ sales_kpis.parse_decimal(text, 18, 6) }})
            then cast({{ sales_kpis.parse_decimal(text, 18, 6) }} as {{ dbt.type_bigint() }})
    end
{%- endmacro %}


{% macro parse_boolean(text) -%}
    case
        when lower({{ text }}) in ('true', 't', 'yes', '1') then true
        when lower({{ text }}) in ('false', 'f', 'no', '0') then false
    end
{%- endmacro %}


{#- Outside 0..1 is no probability: NULL. -#}
{% macro parse_probability(text, is_percent) -%}
    case
        when
            {{ sales_kpis.parse_decimal(text, 24, 12) }} / case when {{ is_percent }} then 100 else 1 end
            between 0 and 1
            then cast(
                {{ sales_kpis.parse_decimal(text, 24, 12) }}
                * case when {{ is_percent }} then cast(0.01 as decimal(3, 2)) else cast(1 as decimal(3, 2)) end
                as {{ sales_kpis.type_probability() }}
            )
    end
{%- endmacro %}
