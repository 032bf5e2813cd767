{#- The dimension of a KPI and the column of a fact that holds its members. -#}
{% macro dimension_column(dimension) -%}
    {{ return({'sales_rep': 'sales_rep_id', 'pipeline': 'pipeline_id', 'stage': 'stage_id'}.get(dimension, dimension)) }}
{%- endmacro %}


{#- `dimension` and `member_id` of a row that by_dimension() made. -#}
{% macro dimension_and_member(dimensions) -%}
    case
    {%- for dimension in ['source_system'] + dimensions %}
        when grouping({{ sales_kpis.dimension_column(dimension) }}) = 0 then '{{ dimension }}'
    {%- endfor %}
        else 'overall'
    end as dimension,
    case
    {%- for dimension in ['source_system'] + dimensions %}
        when grouping({{ sales_kpis.dimension_column(dimension) }}) = 0 then {{ sales_kpis.dimension_column(dimension) }}
    {%- endfor %}
        else 'all'
    end as member_id
{%- endmacro %}


{#- Groups the facts of a period once as a whole and once by each dimension, in one pass over them. -#}
{% macro by_dimension(dimensions) -%}
    grouping sets (
        (period_grain, period_start_date)
    {%- for dimension in ['source_system'] + dimensions -%}
        , (period_grain, period_start_date, {{ sales_kpis.dimension_column(dimension) }})
    {%- endfor %}
    )
{%- endmacro %}


{#- The rows of a KPI mart, with their keys, their components (0 where there is nothing) and companions: overall from
    the first period with a component that is not 0 to the period of the as-of date, any other member where a
    component is not 0. Expects the mart to import dim_periods as `periods` and int_kpi_members as `members`. -#}
{% macro kpi_rows(measured, components, companions=[]) -%}
    select
        periods.period_grain,
        periods.period_start_date,
        periods.period_end_date,
        periods.period_label,
        periods.is_complete,
        members.dimension,
        members.member_id,
        members.member_name,
        members.member_sort,
        members.includes_source_without_activities,
        members.includes_source_without_log
        or coalesce(periods.period_start_date < members.history_known_from, false) as includes_source_without_log,
        {%- for component in components %}
        coalesce({{ measured }}.{{ component }}, 0) as {{ component }},
        {%- endfor %}
        {%- for companion in companions %}
        {{ measured }}.{{ companion }},
        {%- endfor %}
    from (
        select period_grain, period_start_date, dimension, member_id
        from {{ measured }}
        where {% for component in components %}{{ 'or ' if not loop.first }}{{ component }} <> 0 {% endfor %}

        union

        select
            later_periods.period_grain, later_periods.period_start_date, 'overall' as dimension, 'all' as member_id
        from periods as later_periods
        inner join (
            select period_grain, min(period_start_date) as first_period_start_date
            from {{ measured }}
            where
                dimension = 'overall'
                and ({% for component in components %}{{ 'or ' if not loop.first }}{{ component }} <> 0 {% endfor %})
            group by period_grain
        ) as first_periods
            on
                later_periods.period_grain = first_periods.period_grain
                and later_periods.period_start_date >= first_periods.first_period_start_date
    ) as kept_rows
    inner join periods
        on
            kept_rows.period_grain = periods.period_grain
            and kept_rows.period_start_date = periods.period_start_date
    inner join members
        on kept_rows.dimension = members.dimension and kept_rows.member_id = members.member_id
    left join {{ measured }}
        on
            kept_rows.period_grain = {{ measured }}.period_grain
            and kept_rows.period_start_date = {{ measured }}.period_start_date
            and kept_rows.dimension = {{ measured }}.dimension
            and kept_rows.member_id = {{ measured }}.member_id
{%- endmacro %}


{#- A quotient in double, NULL where there is nothing to divide by. -#}
{% macro divide(numerator, denominator) -%}
    cast({{ numerator }} as {{ sales_kpis.type_double() }}) / nullif({{ denominator }}, 0)
{%- endmacro %}


{#- Percentiles of a double column, interpolated between values; NULL of nothing. -#}
{% macro percentile(value, share) -%}
    {{ adapter.dispatch('percentile', 'sales_kpis')(value, share) }}
{%- endmacro %}

{#- quantile_cont would cut a decimal's median to the decimal's scale. -#}
{% macro duckdb__percentile(value, share) -%}
    quantile_cont(cast({{ value }} as {{ sales_kpis.type_double() }}), {{ share }})
{%- endmacro %}
