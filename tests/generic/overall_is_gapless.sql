{% test overall_is_gapless(model) %}

with

overall as (
    select * from {{ model }} where dimension = 'overall'
),

first_periods as (
    select
        period_grain,
        min(period_start_date) as first_period_start_date
    from overall
    group by period_grain
)

select periods.*
from {{ ref('sales_kpis', 'dim_periods') }} as periods
inner join first_periods
    on
        periods.period_grain = first_periods.period_grain
        and periods.period_start_date >= first_periods.first_period_start_date
left join overall
    on
        periods.period_grain = overall.period_grain
        and periods.period_start_date = overall.period_start_date
where overall.period_start_date is null

{% endtest %}
