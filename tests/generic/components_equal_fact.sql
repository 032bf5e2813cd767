{% test components_equal_fact(
    model, fact, date_column, components, dimensions, fact_filter='true', team_column='sales_team'
) %}

{#- The plain way to a component, a sum over the fact by month and member, without grouping sets or period tables. -#}
{%- set columns = {'sales_rep': 'sales_rep_id', 'pipeline': 'pipeline_id', 'stage': 'stage_id', 'sales_team': team_column} -%}

with

fact as (
    select * from {{ fact }} where {{ fact_filter }}
),

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
),

from_fact as (
    select
        cast(date_trunc('month', {{ date_column }}) as date) as period_start_date,
        'overall' as dimension,
        'all' as member_id,
        {%- for component, expression in components.items() %}
        sum({{ expression }}) as {{ component }}{{ ',' if not loop.last }}
        {%- endfor %}
    from fact
    group by cast(date_trunc('month', {{ date_column }}) as date)
    {%- for dimension in dimensions %}
    union all
    select
        cast(date_trunc('month', {{ date_column }}) as date) as period_start_date,
        '{{ dimension }}' as dimension,
        {{ columns.get(dimension, dimension) }} as member_id,
        {%- for component, expression in components.items() %}
        sum({{ expression }}) as {{ component }}{{ ',' if not loop.last }}
        {%- endfor %}
    from fact
    group by cast(date_trunc('month', {{ date_column }}) as date), {{ columns.get(dimension, dimension) }}
    {%- endfor %}
),

known as (
    select from_fact.*
    from from_fact
    inner join as_of on from_fact.period_start_date <= as_of.as_of_date
),

from_mart as (
    select *
    from {{ model }}
    where period_grain = 'month' and dimension in ('overall', '{{ dimensions | join("', '") }}')
)

select
    coalesce(known.period_start_date, from_mart.period_start_date) as period_start_date,
    coalesce(known.dimension, from_mart.dimension) as dimension,
    coalesce(known.member_id, from_mart.member_id) as member_id,
    {%- for component in components %}
    known.{{ component }} as fact_{{ component }},
    from_mart.{{ component }} as mart_{{ component }}{{ ',' if not loop.last }}
    {%- endfor %}
from known
full outer join from_mart
    on
        known.period_start_date = from_mart.period_start_date
        and known.dimension = from_mart.dimension
        and known.member_id = from_mart.member_id
where
    false
    {%- for component in components %}
    or (from_mart.dimension is null and known.{{ component }} <> 0)
    or from_mart.{{ component }} <> coalesce(known.{{ component }}, 0)
    {%- endfor %}

{% endtest %}
