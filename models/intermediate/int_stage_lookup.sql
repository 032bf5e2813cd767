with

stages as (
    select * from {{ ref('sales_kpis', 'stg_crm__stages') }} where exclusion_reason is null
),

deals as (
    select * from {{ ref('sales_kpis', 'stg_crm__deals') }}
),

deal_changes as (
    select * from {{ ref('sales_kpis', 'stg_crm__deal_changes') }} where field = 'pipeline_id'
),

-- Every pipeline a deal was ever in; '' is no pipeline
deal_pipelines as (
    select
        source_system,
        coalesce(pipeline_id, '') as deal_pipeline_id
    from stages
    union
    select
        source_system,
        coalesce(pipeline_id, '') as deal_pipeline_id
    from deals
    union
    select
        source_system,
        coalesce(old_value, '') as deal_pipeline_id
    from deal_changes
    union
    select
        source_system,
        coalesce(new_value, '') as deal_pipeline_id
    from deal_changes
    union
    select
        source_system,
        '' as deal_pipeline_id
    from stages
),

counted_stages as (
    select
        *,
        count(*) over (partition by source_system, stage_id) as same_id_stages
    from stages
),

-- A stage of the deal's own pipeline first, then one that belongs to no pipeline; a deal without a pipeline takes
-- a stage that only one pipeline has
candidates as (
    select
        deal_pipelines.deal_pipeline_id,
        counted_stages.*,
        row_number() over (
            partition by deal_pipelines.source_system, deal_pipelines.deal_pipeline_id, counted_stages.stage_id
            order by
                case when coalesce(counted_stages.pipeline_id, '') = deal_pipelines.deal_pipeline_id then 0 else 1 end
        ) as preference
    from deal_pipelines
    inner join counted_stages on deal_pipelines.source_system = counted_stages.source_system
    where
        coalesce(counted_stages.pipeline_id, '') = deal_pipelines.deal_pipeline_id
        or (deal_pipelines.deal_pipeline_id <> '' and counted_stages.pipeline_id is null)
        or (deal_pipelines.deal_pipeline_id = '' and counted_stages.same_id_stages = 1)
)

select
    source_system,
    deal_pipeline_id,
    stage_id,
    pipeline_id as stage_pipeline_id,
    source_system || '|' || coalesce(pipeline_id, 'unknown') || '|' || stage_id as stage_key,
    stage_order,
    outcome,
    probability as stage_probability
from candidates
where preference = 1
