{% set dimensions = ['sales_rep', 'sales_team'] %}

with

deals as (
    select * from {{ ref('sales_kpis', 'fct_deals') }} where won_deals = 1
),

quotas as (
    select * from {{ ref('sales_kpis', 'fct_quotas') }}
),

inputs as (
    select * from {{ ref('sales_kpis', 'int_inputs') }}
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

collected as (
    select
        closed_date as placed_date,
        source_system,
        sales_rep_id,
        sales_team,
        won_amount,
        0 as quota_amount
    from deals

    union all

    select
        quota_month as placed_date,
        source_system,
        sales_rep_id,
        sales_team,
        0 as won_amount,
        quota_amount
    from quotas
),

-- One row per rep, period and team of the rep in that period
by_rep_and_team as (
    select
        period_days.period_grain,
        period_days.period_start_date,
        collected.source_system,
        collected.sales_rep_id,
        collected.sales_team,
        sum(collected.won_amount) as won_amount,
        coalesce(sum(collected.quota_amount), 0) as quota_amount
    from collected
    inner join period_days on collected.placed_date = period_days.date_day
    group by
        period_days.period_grain,
        period_days.period_start_date,
        collected.source_system,
        collected.sales_rep_id,
        collected.sales_team
),

-- A rep who changed teams within the period counts once as a rep, and in each team by what was won and due there
with_rep_totals as (
    select
        *,
        sum(won_amount) over rep_periods as rep_won_amount,
        sum(quota_amount) over rep_periods as rep_quota_amount,
        row_number() over (
            partition by period_grain, period_start_date, sales_rep_id, source_system order by sales_team
        ) = 1 as is_first_row_of_rep
    from by_rep_and_team
    window rep_periods as (partition by period_grain, period_start_date, sales_rep_id, source_system)
),

measured as (
    select
        period_grain,
        period_start_date,
        {{ dimension_and_member(dimensions) }},
        sum(won_amount) as won_amount,
        sum(quota_amount) as quota_amount,
        case
            when grouping(sales_team) = 0 then count(*) filter (where quota_amount > 0)
            else count(*) filter (where is_first_row_of_rep and rep_quota_amount > 0)
        end as reps_with_quota,
        case
            when grouping(sales_team) = 0 then count(*) filter (where quota_amount > 0 and won_amount >= quota_amount)
            else count(*) filter (
                where is_first_row_of_rep and rep_quota_amount > 0 and rep_won_amount >= rep_quota_amount
            )
        end as reps_at_quota
    from with_rep_totals
    group by {{ by_dimension(dimensions) }}
),

reported as (
    {{ kpi_rows('measured', components=['won_amount', 'quota_amount', 'reps_with_quota', 'reps_at_quota']) }}
),

-- Without a table of quotas nobody knows who had one
known as (
    select
        reported.period_grain,
        reported.period_start_date,
        reported.period_end_date,
        reported.period_label,
        reported.is_complete,
        reported.dimension,
        reported.member_id,
        reported.member_name,
        reported.member_sort,
        reported.won_amount,
        case when inputs.has_quotas then reported.quota_amount end as quota_amount,
        case when inputs.has_quotas then reported.reps_with_quota end as reps_with_quota,
        case when inputs.has_quotas then reported.reps_at_quota end as reps_at_quota
    from reported
    cross join inputs
)

select
    period_grain,
    period_start_date,
    period_end_date,
    period_label,
    is_complete,
    dimension,
    member_id,
    member_name,
    cast(member_sort as bigint) as member_sort,
    cast(won_amount as decimal(38, 2)) as won_amount,
    cast(quota_amount as decimal(38, 2)) as quota_amount,
    cast(reps_with_quota as bigint) as reps_with_quota,
    cast(reps_at_quota as bigint) as reps_at_quota,
    {{ divide('won_amount', 'quota_amount') }} as quota_attainment
from known
