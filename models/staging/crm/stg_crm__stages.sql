with

raw_stages as (
    select * from {{ ref('sales_kpis', 'base_crm__stages') }}
),

probability_scales as (
    select
        source_system,
        {{ is_percent_scale('probability') }} as is_percent
    from raw_stages
    group by source_system
),

typed as (
    select
        raw_stages.source_system,
        raw_stages.pipeline_id,
        raw_stages.pipeline_name,
        raw_stages.stage_id,
        raw_stages.stage_name,
        lower(raw_stages.outcome) as outcome,
        {{ parse_integer('raw_stages.stage_order') }} as stage_order,
        {{ parse_probability('raw_stages.probability', 'probability_scales.is_percent') }} as probability,
        {{ parse_timestamp('raw_stages.loaded_at') }} as loaded_at,
        raw_stages.stage_order as stage_order_text,
        {{ row_as_text('stages', 'raw_stages') }} as record_text,
        {{ unreadable_values('raw_stages', {
            'probability': parse_probability('raw_stages.probability', 'probability_scales.is_percent'),
            'loaded_at': parse_timestamp('raw_stages.loaded_at'),
        }) }} as unreadable_values
    from raw_stages
    inner join probability_scales on raw_stages.source_system = probability_scales.source_system
),

checked as (
    select
        *,
        case
            when stage_id is null then 'missing_value|stage_id'
            when stage_name is null then 'missing_value|stage_name'
            when stage_order_text is null then 'missing_value|stage_order'
            when outcome is null then 'missing_value|outcome'
            when stage_order is null then 'invalid_value|stage_order'
            when outcome not in ('open', 'won', 'lost') then 'invalid_value|outcome'
        end as problem
    from typed
),

ranked as (
    select
        *,
        row_number() over (
            partition by source_system, pipeline_id, stage_id, problem
            order by loaded_at desc nulls last, record_text desc, unreadable_values desc nulls first
        ) as version_rank
    from checked
)

select
    source_system,
    pipeline_id,
    pipeline_name,
    stage_id,
    stage_name,
    outcome,
    stage_order,
    probability,
    loaded_at,
    unreadable_values,
    {{ exclusion_columns() }}
from ranked
