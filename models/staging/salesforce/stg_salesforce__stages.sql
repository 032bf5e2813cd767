{{ config(enabled=sales_kpis.is_source_on('salesforce'), materialized='view') }}

with

opportunity_stages as (
    select * from {{ ref('sales_kpis', 'base_salesforce__opportunity_stage') }}
),

opportunities as (
    select * from {{ ref('sales_kpis', 'base_salesforce__opportunity') }}
),

record_types as (
    select * from {{ ref('sales_kpis', 'base_salesforce__record_type') }}
),

listed_stages as (
    select
        api_name as stage_id,
        coalesce(master_label, api_name) as stage_name,
        sort_order as stage_order,
        {{ percentage_as_text('default_probability') }} as probability,
        is_closed,
        is_won,
        {{ instant_as_text('coalesce(fivetran_start, loaded_at)') }} as loaded_at
    from opportunity_stages
),

used_stages as (
    select
        stage_name as stage_id,
        median(cast({{ parse_decimal('probability') }} as {{ type_double() }})) as usual_probability,
        max(is_closed) as is_closed,
        max(is_won) as is_won
    from opportunities
    where stage_name is not null
    group by stage_name
),

last_listed as (
    select coalesce(max({{ parse_integer('stage_order') }}), 0) as stage_order
    from listed_stages
),

-- A stage that the deals use and the list lacks, or the whole list where none was loaded: the deals themselves say what
-- it means. Their probability puts it in order, behind the listed ones.
unlisted_stages as (
    select
        used_stages.stage_id,
        used_stages.stage_id as stage_name,
        cast(
            last_listed.stage_order + row_number() over (
                order by used_stages.is_closed, used_stages.usual_probability, used_stages.stage_id
            ) as {{ dbt.type_string() }}
        ) as stage_order,
        cast(used_stages.usual_probability / 100 as {{ dbt.type_string() }}) as probability,
        used_stages.is_closed,
        used_stages.is_won,
        cast(null as {{ dbt.type_string() }}) as loaded_at
    from used_stages
    cross join last_listed
    left join listed_stages on used_stages.stage_id = listed_stages.stage_id
    where listed_stages.stage_id is null
),

stages as (
    select * from listed_stages
    union all
    select * from unlisted_stages
),

named_pipelines as (
    select
        id as pipeline_id,
        name as pipeline_name
    from record_types
    where coalesce(lower(sobject_type), 'opportunity') = 'opportunity'
    union all
    select
        record_type_id as pipeline_id,
        cast(null as {{ dbt.type_string() }}) as pipeline_name
    from opportunities
    where record_type_id is not null
),

-- Which stages a record type's sales process has, no table says: each has them all. One more row serves the deals
-- without a record type.
pipelines as (
    select
        pipeline_id,
        max(pipeline_name) as pipeline_name
    from named_pipelines
    group by pipeline_id
    union all
    select
        cast(null as {{ dbt.type_string() }}) as pipeline_id,
        cast(null as {{ dbt.type_string() }}) as pipeline_name
)

select
    'salesforce' as source_system,
    pipelines.pipeline_id,
    pipelines.pipeline_name,
    stages.stage_id,
    stages.stage_name,
    stages.stage_order,
    stages.probability,
    case
        when {{ parse_boolean('stages.is_won') }} then 'won'
        when {{ parse_boolean('stages.is_closed') }} then 'lost'
        when not {{ parse_boolean('stages.is_closed') }} then 'open'
    end as outcome,
    stages.loaded_at
from stages
cross join pipelines
