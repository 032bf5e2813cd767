{#- One KPI's rows of the scorecard, told by the meta of its mart: label, headline, numerator, denominator, unit,
    higher_is_better, definition_version. kpi is the mart's name without kpi_ and the name of the CTE that reads it. -#}
{% macro scorecard_rows(kpi) -%}
    {%- set meta = sales_kpis.meta_of('kpi_' ~ kpi) -%}
    select
        '{{ kpi }}' as kpi_name,
        '{{ meta.label }}' as kpi_label,
        period_grain,
        period_start_date,
        period_end_date,
        period_label,
        is_complete,
        dimension,
        member_id,
        member_name,
        member_sort,
        cast({{ meta.numerator or 'null' }} as decimal(38, 2)) as numerator,
        cast({{ meta.denominator or 'null' }} as decimal(38, 2)) as denominator,
        cast({{ meta.headline or 'null' }} as {{ sales_kpis.type_double() }}) as headline_value,
        '{{ meta.unit }}' as unit,
        {{ 'true' if meta.higher_is_better else 'false' }} as higher_is_better,
        cast({{ meta.definition_version or 1 }} as {{ dbt.type_int() }}) as definition_version
    from {{ kpi }}
{%- endmacro %}
