{{ config(enabled=sales_kpis.is_source_on('pipedrive'), materialized='view') }}

with

stages as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__stages') }}
),

pipelines as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__pipelines') }}
),

deals as (
    select * from {{ ref('sales_kpis', 'stg_pipedrive__deals') }}
),

deal_log as (
    select * from {{ ref('sales_kpis', 'stg_pipedrive__deal_log') }} where field = 'pipeline_id'
),

open_stages as (
    select
        *,
        {{ reference_id('id') }} as stage_id,
        {{ reference_id('pipeline_id') }} as stage_pipeline_id
    from stages
),

-- A deal can be won in a pipeline that has since been deleted
named_pipelines as (
    select
        {{ reference_id('id') }} as pipeline_id,
        name as pipeline_name
    from pipelines
    union all
    select
        stage_pipeline_id as pipeline_id,
        pipeline_name
    from open_stages
    union all
    select
        pipeline_id,
        cast(null as {{ dbt.type_string() }}) as pipeline_name
    from deals
    union all
    select
        old_value as pipeline_id,
        cast(null as {{ dbt.type_string() }}) as pipeline_name
    from deal_log
    union all
    select
        new_value as pipeline_id,
        cast(null as {{ dbt.type_string() }}) as pipeline_name
    from deal_log
),

all_pipelines as (
    select
        pipeline_id,
        max(pipeline_name) as pipeline_name
    from named_pipelines
    where pipeline_id is not null
    group by pipeline_id
),

last_stages as (
    select
        all_pipelines.pipeline_id,
        all_pipelines.pipeline_name,
        coalesce(max({{ parse_integer('open_stages.order_nr') }}), 0) as last_stage_order,
        max(open_stages.loaded_at) as loaded_at
    from all_pipelines
    left join open_stages on all_pipelines.pipeline_id = open_stages.stage_pipeline_id
    group by all_pipelines.pipeline_id, all_pipelines.pipeline_name
),

-- Pipedrive's own ids are numbers, so that these two are free in every pipeline
closed_stages as (
    select
        *,
        'won' as stage_id,
        'Won' as stage_name,
        1 as steps_after_last,
        '1' as probability
    from last_stages
    union all
    select
        *,
        'lost' as stage_id,
        'Lost' as stage_name,
        2 as steps_after_last,
        '0' as probability
    from last_stages
)

select
    'pipedrive' as source_system,
    open_stages.stage_pipeline_id as pipeline_id,
    all_pipelines.pipeline_name,
    open_stages.stage_id,
    open_stages.name as stage_name,
    open_stages.order_nr as stage_order,
    {{ percent_as_share('open_stages.deal_probability') }} as probability,
    'open' as outcome,
    open_stages.loaded_at
from open_stages
left join all_pipelines on open_stages.stage_pipeline_id = all_pipelines.pipeline_id

union all

select
    'pipedrive' as source_system,
    pipeline_id,
    pipeline_name,
    stage_id,
    stage_name,
    cast(last_stage_order + steps_after_last as {{ dbt.type_string() }}) as stage_order,
    probability,
    stage_id as outcome,
    loaded_at
from closed_stages
