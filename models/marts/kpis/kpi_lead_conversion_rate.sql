{% set dimensions = ['sales_rep', 'sales_team', 'segment', 'region', 'lead_source'] %}

with

leads as (
    select * from {{ ref('sales_kpis', 'fct_leads') }} where new_leads = 1
),

period_days as (
    select * from {{ ref('sales_kpis', 'dim_period_days') }}
),

periods as (
    select * from {{ ref('sales_kpis', 'dim_periods') }}
),

members as (
    select * from {{ ref('sales_kpis', 'int_kpi_members') }}
),

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
),

created_in_period as (
    select
        period_days.period_grain,
        period_days.period_start_date,
        leads.*
    from leads
    inner join period_days on leads.created_date = period_days.date_day
),

measured as (
    select
        period_grain,
        period_start_date,
        {{ dimension_and_member(dimensions) }},
        sum(converted_leads) as converted_leads,
        sum(new_leads) as new_leads,
        sum(total_days_to_convert) as total_days_to_convert
    from created_in_period
    group by {{ by_dimension(dimensions) }}
),

reported as (
    {{ kpi_rows('measured', components=['converted_leads', 'new_leads', 'total_days_to_convert']) }}
)

select
    reported.period_grain,
    reported.period_start_date,
    reported.period_end_date,
    reported.period_label,
    reported.is_complete,
    reported.dimension,
    reported.member_id,
    reported.member_name,
    cast(reported.member_sort as bigint) as member_sort,
    cast(reported.converted_leads as bigint) as converted_leads,
    cast(reported.new_leads as bigint) as new_leads,
    cast(reported.total_days_to_convert as bigint) as total_days_to_convert,
    -- Every lead of the period has had its whole window
    {{ dbt.dateadd('day', var('lead_conversion_window_days'), 'reported.period_end_date') }} <= as_of.as_of_date
        as is_mature,
    {{ divide('reported.total_days_to_convert', 'reported.converted_leads') }} as average_days_to_convert,
    {{ divide('reported.converted_leads', 'reported.new_leads') }} as lead_conversion_rate
from reported
cross join as_of
