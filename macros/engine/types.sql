{#- dbt.type_float() is 32 bits on DuckDB and Spark. -#}
{% macro type_double() -%}
    {{ adapter.dispatch('type_double', 'sales_kpis')() }}
{%- endmacro %}

{% macro default__type_double() -%}
    double
{%- endmacro %}

{% macro type_probability() -%}
    decimal(12, 10)
{%- endmacro %}

{#- A converted amount in cents; wide enough for decimal(18, 2) times the largest rate. -#}
{% macro type_amount() -%}
    decimal(26, 2)
{%- endmacro %}

{% macro type_exchange_rate() -%}
    decimal(20, 12)
{%- endmacro %}
