with

history as (
    select * from {{ ref('sales_kpis', 'int_deal_history') }}
),

compared as (
    select
        source_system,
        deal_id,
        valid_from,
        stage_key,
        owner_id,
        outcome,
        lag(stage_key) over (partition by source_system, deal_id order by valid_from) as previous_stage_key
    from history
),

-- Consecutive states in one stage are one visit
entries as (
    select *
    from compared
    where previous_stage_key is null or previous_stage_key <> stage_key
)

select
    source_system,
    deal_id,
    stage_key,
    outcome,
    owner_id,
    valid_from as entered_at,
    lead(valid_from) over (partition by source_system, deal_id order by valid_from) as exited_at
from entries
