with

stages as (
    select * from {{ ref('sales_kpis', 'stg_crm__stages') }} where exclusion_reason is null
),

-- A pipeline is named on each of its stages: where the names differ, the first stage's serves all
pipeline_names as (
    select
        source_system,
        pipeline_id,
        min_by(pipeline_name, (stage_order, stage_id)) filter (where pipeline_name is not null) as pipeline_name
    from stages
    group by source_system, pipeline_id
)

select
    stages.source_system || '|' || coalesce(stages.pipeline_id, 'unknown') || '|' || stages.stage_id as stage_key,
    stages.source_system,
    case
        when stages.pipeline_id is null then 'unknown'
        else stages.source_system || '|' || stages.pipeline_id
    end as pipeline_id,
    case
        when stages.pipeline_id is null then 'unknown'
        else coalesce(pipeline_names.pipeline_name, stages.pipeline_id)
    end as pipeline_name,
    stages.stage_name,
    stages.stage_order,
    stages.outcome,
    stages.probability
from stages
inner join pipeline_names
    on
        stages.source_system = pipeline_names.source_system
        and stages.pipeline_id is not distinct from pipeline_names.pipeline_id
