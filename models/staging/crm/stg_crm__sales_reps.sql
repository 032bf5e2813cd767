with

raw_sales_reps as (
    select * from {{ ref('sales_kpis', 'base_crm__sales_reps') }}
),

typed as (
    select
        raw_sales_reps.source_system,
        raw_sales_reps.rep_id,
        raw_sales_reps.name as rep_name,
        raw_sales_reps.email,
        raw_sales_reps.team,
        raw_sales_reps.manager_id,
        {{ parse_date('raw_sales_reps.hired_date') }} as hired_date,
        {{ parse_boolean('raw_sales_reps.is_active') }} as is_active,
        {{ parse_timestamp('raw_sales_reps.updated_at') }} as updated_at,
        {{ parse_timestamp('raw_sales_reps.loaded_at') }} as loaded_at,
        {{ row_as_text('sales_reps', 'raw_sales_reps') }} as record_text,
        {{ unreadable_values('raw_sales_reps', {
            'hired_date': parse_date('raw_sales_reps.hired_date'),
            'is_active': parse_boolean('raw_sales_reps.is_active'),
            'updated_at': parse_timestamp('raw_sales_reps.updated_at'),
            'loaded_at': parse_timestamp('raw_sales_reps.loaded_at'),
        }) }} as unreadable_values
    from raw_sales_reps
),

checked as (
    select
        *,
        case when rep_id is null then 'missing_value|rep_id' end as problem
    from typed
),

ranked as (
    select
        *,
        row_number() over (
            partition by source_system, rep_id, problem
            order by
                updated_at desc nulls last,
                loaded_at desc nulls last,
                record_text desc,
                unreadable_values desc nulls first
        ) as version_rank
    from checked
)

select
    source_system,
    rep_id,
    rep_name,
    email,
    team,
    manager_id,
    is_active,
    hired_date,
    updated_at,
    loaded_at,
    unreadable_values,
    {{ exclusion_columns() }}
from ranked
