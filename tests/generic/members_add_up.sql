{% test members_add_up(model) %}

{#- A column's adds_over_members is true for all dimensions, or names those over which it adds. -#}
{%- set columns = sales_kpis.columns_with_meta(model.identifier, 'adds_over_members') -%}

with

mart as (
    select * from {{ model }}
),

dimensions as (
    select distinct dimension from mart where dimension <> 'overall'
),

member_sums as (
    select
        period_grain,
        period_start_date,
        dimension,
        {%- for column in columns %}
        sum({{ column }}) as {{ column }},
        {%- endfor %}
        count(*) as members
    from mart
    group by period_grain, period_start_date, dimension
),

compared as (
    select
        overall.period_grain,
        overall.period_start_date,
        dimensions.dimension,
        {%- for column in columns %}
        overall.{{ column }} as overall_{{ column }},
        coalesce(member_sums.{{ column }}, 0) as {{ column }},
        {%- endfor %}
        member_sums.members
    from mart as overall
    cross join dimensions
    left join member_sums
        on
            overall.period_grain = member_sums.period_grain
            and overall.period_start_date = member_sums.period_start_date
            and dimensions.dimension = member_sums.dimension
    where overall.dimension = 'overall'
)

select *
from compared
where
    false
    {%- for column, over in columns.items() %}
    or (
        overall_{{ column }} <> {{ column }}
        {%- if over is not sameas true %} and dimension in ('{{ over | join("', '") }}'){% endif %}
    )
    {%- endfor %}

{% endtest %}
