{#- The latest value that is not NULL, as a window function without its `over`. -#}
{% macro last_known(column) -%}
    {{ adapter.dispatch('last_known', 'sales_kpis')(column) }}
{%- endmacro %}

{% macro default__last_known(column) -%}
    last_value({{ column }} ignore nulls)
{%- endmacro %}
