{{ config(enabled=sales_kpis.is_source_on('hubspot'), materialized='view') }}

with

pipelines as (
    select * from {{ ref('sales_kpis', 'base_hubspot__deal_pipeline') }}
),

stages as (
    select * from {{ ref('sales_kpis', 'base_hubspot__deal_pipeline_stage') }}
),

unnested_stages as (
    select
        pipeline_id,
        name as pipeline_name,
        loaded_at,
        {{ json_items('stages') }} as stage_object
    from pipelines
),

all_stages as (
    select
        coalesce(stages.pipeline_id, pipelines.pipeline_id) as pipeline_id,
        pipelines.name as pipeline_name,
        stages.stage_id,
        stages.name as stage_name,
        stages.stage_order,
        stages.probability,
        stages.is_closed,
        stages.is_closed_won,
        coalesce(stages.loaded_at, pipelines.loaded_at) as loaded_at
    from stages
    left join pipelines
        on stages.pipeline_id = pipelines.pipeline_id or stages.pipeline_row_id = pipelines.row_id
    union all
    select
        pipeline_id,
        pipeline_name,
        coalesce(
            {{ json_field('stage_object', 'stageId') }}, {{ json_field('stage_object', 'id') }}
        ) as stage_id,
        {{ json_field('stage_object', 'label') }} as stage_name,
        {{ json_field('stage_object', 'displayOrder') }} as stage_order,
        coalesce(
            {{ json_field('stage_object', 'metadata.probability') }},
            {{ json_field('stage_object', 'probability') }}
        ) as probability,
        {{ json_field('stage_object', 'metadata.isClosed') }} as is_closed,
        {{ json_field('stage_object', 'closedWon') }} as is_closed_won,
        loaded_at
    from unnested_stages
)

select
    'hubspot' as source_system,
    pipeline_id,
    pipeline_name,
    stage_id,
    stage_name,
    stage_order,
    probability,
    -- A stage flagged closed that can still be won or lost is open; without a flag, the probability alone decides
    case
        when coalesce(is_closed, is_closed_won, probability) is null then null
        when not {{ parse_boolean('is_closed') }} then 'open'
        when {{ parse_boolean('is_closed_won') }} or {{ parse_decimal('probability') }} = 1 then 'won'
        when {{ parse_decimal('probability') }} = 0 then 'lost'
        else 'open'
    end as outcome,
    {{ epoch_as_instant('loaded_at') }} as loaded_at
from all_stages
