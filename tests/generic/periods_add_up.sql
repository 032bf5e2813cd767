{% test periods_add_up(model) %}

{#- A column's adds_over_periods is true, or `complete` where months add up to complete quarters and years only. -#}
{%- set columns = sales_kpis.columns_with_meta(model.identifier, 'adds_over_periods') -%}

with

mart as (
    select * from {{ model }}
),

compared as (
    select
        longer.period_grain,
        longer.period_start_date,
        longer.is_complete,
        longer.dimension,
        longer.member_id,
        {%- for column in columns %}
        longer.{{ column }},
        coalesce(sum(months.{{ column }}), 0) as months_{{ column }},
        {%- endfor %}
        count(months.period_start_date) as months
    from mart as longer
    left join mart as months
        on
            months.period_grain = 'month'
            and longer.dimension = months.dimension
            and longer.member_id = months.member_id
            and months.period_start_date between longer.period_start_date and longer.period_end_date
    where longer.period_grain <> 'month'
    group by
        longer.period_grain,
        longer.period_start_date,
        longer.is_complete,
        longer.dimension,
        longer.member_id
        {%- for column in columns %},
        longer.{{ column }}
        {%- endfor %}
)

select *
from compared
where
    false
    {%- for column, over in columns.items() %}
    or ({{ column }} <> months_{{ column }}{{ ' and is_complete' if over == 'complete' }})
    {%- endfor %}

{% endtest %}
