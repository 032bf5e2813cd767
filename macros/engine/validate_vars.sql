{#- Stops the run with one line where a var cannot mean anything. Yields no SQL. -#}
{% macro validate_vars() -%}
    {%- set date_pattern = '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' -%}
    {%- for name in ['as_of_date', 'earliest_date'] -%}
        {%- set value = var(name) | string -%}
        {%- if value and not modules.re.match(date_pattern, value) -%}
            {{ exceptions.raise_compiler_error("var " ~ name ~ ": '" ~ value ~ "' is not a date; write it as 'YYYY-MM-DD', in quotes") }}
        {%- endif -%}
    {%- endfor -%}
    {%- if var('fiscal_year_start_month') | string not in ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'] -%}
        {{ exceptions.raise_compiler_error("var fiscal_year_start_month: '" ~ var('fiscal_year_start_month') ~ "' is not a month; give a number from 1 to 12") }}
    {%- endif -%}
    {%- if var('pipeline_snapshot_grain') not in ['month', 'week', 'day'] -%}
        {{ exceptions.raise_compiler_error("var pipeline_snapshot_grain: '" ~ var('pipeline_snapshot_grain') ~ "' is not one of month, week, day") }}
    {%- endif -%}
    {%- for name, least in {'lead_conversion_window_days': 0, 'cac_lag_months': 0}.items() -%}
        {%- if not modules.re.match('^[0-9]+$', var(name) | string) -%}
            {{ exceptions.raise_compiler_error("var " ~ name ~ ": '" ~ var(name) ~ "' is not a whole number of at least " ~ least) }}
        {%- endif -%}
    {%- endfor -%}
    {%- if not modules.re.match('^[0-9]+([.][0-9]+)?$', var('lead_response_sla_hours') | string) -%}
        {{ exceptions.raise_compiler_error("var lead_response_sla_hours: '" ~ var('lead_response_sla_hours') ~ "' is not a number of hours") }}
    {%- endif -%}
    {%- if not modules.re.match('^[A-Za-z0-9_+/-]+$', var('reporting_timezone') | string) -%}
        {{ exceptions.raise_compiler_error("var reporting_timezone: '" ~ var('reporting_timezone') ~ "' is not a time zone name such as 'Europe/Berlin'") }}
    {%- endif -%}
{%- endmacro %}
