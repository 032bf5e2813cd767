with

stages as (
    select * from {{ ref('sales_kpis', 'dim_pipeline_stages') }} where pipeline_id <> 'unknown'
)

select
    pipeline_id,
    source_system,
    max(pipeline_name) as pipeline_name
from stages
group by pipeline_id, source_system
