{#- Instants are UTC timestamps without a zone. A conversion costs 70 times a cast: only staging and facts do it,
    once per record, and a warehouse that reports in UTC pays nothing. -#}

{% macro utc_as_local_date(instant) -%}
    {%- if var('reporting_timezone') | upper in ('UTC', 'ETC/UTC', 'GMT') -%}
        cast({{ instant }} as date)
    {%- else -%}
        {{ adapter.dispatch('utc_as_local_date', 'sales_kpis')(instant) }}
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__utc_as_local_date(instant) -%}
    cast(timezone('{{ var("reporting_timezone") }}', timezone('UTC', {{ instant }})) as date)
{%- endmacro %}


{#- The UTC instant at which a date begins in the reporting time zone. -#}
{% macro local_midnight_as_utc(date) -%}
    {%- if var('reporting_timezone') | upper in ('UTC', 'ETC/UTC', 'GMT') -%}
        cast({{ date }} as timestamp)
    {%- else -%}
        {{ adapter.dispatch('local_midnight_as_utc', 'sales_kpis')(date) }}
    {%- endif -%}
{%- endmacro %}

{#- Where clocks go back over midnight, DuckDB takes the second midnight of that date: the hour before it leads to the
    first. -#}
{% macro duckdb__local_midnight_as_utc(date) -%}
    least(
        timezone('UTC', timezone('{{ var("reporting_timezone") }}', cast({{ date }} as timestamp))),
        timezone('UTC', timezone('{{ var("reporting_timezone") }}', cast({{ date }} as timestamp) - interval 1 hour))
        + interval 1 hour
    )
{%- endmacro %}


{#- Seconds from one instant to a later one, cut to whole seconds. -#}
{% macro whole_seconds_between(earlier, later) -%}
    {{ adapter.dispatch('whole_seconds_between', 'sales_kpis')(earlier, later) }}
{%- endmacro %}

{#- date_sub counts full seconds; date_diff would count the boundaries crossed. -#}
{% macro duckdb__whole_seconds_between(earlier, later) -%}
    date_sub('second', {{ earlier }}, {{ later }})
{%- endmacro %}


{#- Every date from one to another, one row each. -#}
{% macro date_series(first_date, last_date) -%}
    {{ adapter.dispatch('date_series', 'sales_kpis')(first_date, last_date) }}
{%- endmacro %}

{% macro duckdb__date_series(first_date, last_date) -%}
    cast(unnest(generate_series({{ first_date }}, {{ last_date }}, interval 1 day)) as date)
{%- endmacro %}


{#- The first day of every month that a span of dates touches, one row each. -#}
{% macro month_series(first_date, last_date) -%}
    {{ adapter.dispatch('month_series', 'sales_kpis')(first_date, last_date) }}
{%- endmacro %}

{% macro duckdb__month_series(first_date, last_date) -%}
    cast(
        unnest(generate_series(date_trunc('month', {{ first_date }}), {{ last_date }}, interval 1 month)) as date
    )
{%- endmacro %}
