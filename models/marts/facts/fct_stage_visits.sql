with

visits as (
    select * from {{ ref('sales_kpis', 'int_stage_visits') }}
),

deals as (
    select * from {{ ref('sales_kpis', 'fct_deals') }} where has_deal_log
),

stages as (
    select * from {{ ref('sales_kpis', 'dim_pipeline_stages') }}
),

sources as (
    select * from {{ ref('sales_kpis', 'int_sources') }}
),

-- Inner join: a stage that no longer exists separates visits, but is none itself
placed as (
    select
        visits.source_system,
        visits.deal_id,
        visits.entered_at,
        visits.exited_at,
        {{ utc_as_local_date('visits.entered_at') }} as entered_date,
        {{ utc_as_local_date('visits.exited_at') }} as exited_date,
        {{ whole_seconds_between('visits.entered_at', 'visits.exited_at') }} as seconds_in_stage,
        visits.stage_key as stage_id,
        stages.stage_name,
        stages.stage_order,
        stages.outcome,
        stages.pipeline_id,
        stages.pipeline_name,
        row_number() over (
            partition by visits.source_system, visits.deal_id, visits.stage_key order by visits.entered_at
        ) as entry_number,
        max(case when stages.outcome = 'open' then stages.stage_order end) over (
            partition by visits.source_system, visits.deal_id, stages.pipeline_id
            order by visits.entered_at
            rows between 1 following and unbounded following
        ) as furthest_later_stage_order,
        max(case when stages.outcome = 'won' then 1 else 0 end) over (
            partition by visits.source_system, visits.deal_id
            order by visits.entered_at
            rows between 1 following and unbounded following
        ) as is_won_later
    from visits
    inner join stages on visits.stage_key = stages.stage_key
),

judged as (
    select
        placed.*,
        deals.deal_name,
        deals.sales_rep_id,
        deals.sales_rep_name,
        deals.sales_team,
        deals.segment,
        deals.region,
        deals.lead_source,
        deals.deal_type,
        deals.exclusion_reason,
        deals.outcome as deal_outcome,
        -- Of a visit that was under way when the log began, nobody knows the entry
        deals.exclusion_reason is null
        and placed.outcome = 'open'
        and coalesce(placed.entered_at >= sources.history_began_at, true) as is_counted,
        coalesce(placed.is_won_later = 1 or placed.furthest_later_stage_order > placed.stage_order, false)
            as is_advanced
    from placed
    inner join deals on placed.source_system = deals.source_system and placed.deal_id = deals.deal_id
    left join sources on placed.source_system = sources.source_system
)

select
    source_system,
    deal_id,
    entered_at,
    exited_at,
    entered_date,
    exited_date,
    deal_name,
    stage_id,
    stage_name,
    stage_order,
    outcome,
    pipeline_id,
    pipeline_name,
    sales_rep_id,
    sales_rep_name,
    sales_team,
    segment,
    region,
    lead_source,
    deal_type,
    deal_outcome,
    entry_number,
    seconds_in_stage,
    exclusion_reason,
    {{ counted('is_counted and entry_number = 1') }} as entered_deals,
    {{ counted('is_counted and entry_number = 1 and is_advanced') }} as advanced_deals,
    {{ counted("is_counted and entry_number = 1 and not is_advanced and deal_outcome = 'open'") }} as undecided_deals,
    {{ counted('is_counted and exited_at is not null') }} as completed_visits,
    cast(case when is_counted then coalesce(seconds_in_stage, 0) else 0 end as {{ dbt.type_bigint() }})
        as total_seconds_in_stage
from judged
