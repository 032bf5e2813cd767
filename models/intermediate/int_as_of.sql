{{ validate_vars() }}

{#- The only clock. The default reads the start of the run once, to leave out events dated in the future. -#}
with

deals as (
    select * from {{ ref('sales_kpis', 'stg_crm__deals') }} where exclusion_reason is null
),

deal_changes as (
    select * from {{ ref('sales_kpis', 'stg_crm__deal_changes') }} where exclusion_reason is null
),

accounts as (
    select * from {{ ref('sales_kpis', 'stg_crm__accounts') }} where exclusion_reason is null
),

leads as (
    select * from {{ ref('sales_kpis', 'stg_crm__leads') }} where exclusion_reason is null
),

activities as (
    select * from {{ ref('sales_kpis', 'stg_crm__activities') }} where exclusion_reason is null and is_completed
),

sources as (
    select * from {{ ref('sales_kpis', 'int_sources') }} where not has_deal_log or history_began_at is not null
),

stage_lookup as (
    select * from {{ ref('sales_kpis', 'int_stage_lookup') }} where outcome in ('won', 'lost')
),

run_start as (
    select cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp) as started_at
),

-- Without a log, or before it begins, a closing leaves no change, only its date
closings as (
    select {{ local_midnight_as_utc('deals.close_date') }} as closed_at
    from deals
    inner join sources on deals.source_system = sources.source_system
    inner join stage_lookup
        on
            deals.source_system = stage_lookup.source_system
            and coalesce(deals.pipeline_id, '') = stage_lookup.deal_pipeline_id
            and deals.stage_id = stage_lookup.stage_id
),

events as (
    select created_at as happened_at from deals
    union all
    select changed_at from deal_changes
    union all
    select created_at from accounts
    union all
    select created_at from leads
    union all
    select qualified_at from leads
    union all
    select converted_at from leads
    union all
    select occurred_at from activities
    union all
    select closed_at from closings
),

newest_event as (
    select max(events.happened_at) as happened_at
    from events
    inner join run_start on events.happened_at <= run_start.started_at
),

chosen as (
    {% if var('as_of_date') %}
    select cast('{{ var("as_of_date") }}' as date) as as_of_date
    {% else %}
    select {{ utc_as_local_date('coalesce(newest_event.happened_at, run_start.started_at)') }} as as_of_date
    from run_start
    cross join newest_event
    {% endif %}
)

select
    as_of_date,
    {{ local_midnight_as_utc('as_of_date + interval 1 day') }} as as_of_end_at
from chosen
