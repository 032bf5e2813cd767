with

raw_activities as (
    select * from {{ ref('sales_kpis', 'base_crm__activities') }}
),

typed as (
    select
        raw_activities.source_system,
        raw_activities.activity_id,
        lower(raw_activities.type) as activity_type,
        case
            when lower(raw_activities.direction) in ('outbound', 'inbound') then lower(raw_activities.direction)
        end as direction,
        raw_activities.owner_id,
        raw_activities.lead_id,
        raw_activities.deal_id,
        -- What an export leaves out was done, by a person
        coalesce({{ parse_boolean('raw_activities.is_completed') }}, true) as is_completed,
        coalesce({{ parse_boolean('raw_activities.is_automated') }}, false) as is_automated,
        {{ parse_timestamp('raw_activities.occurred_at') }} as occurred_at,
        {{ parse_timestamp('raw_activities.loaded_at') }} as loaded_at,
        raw_activities.occurred_at as occurred_at_text,
        {{ row_as_text('activities', 'raw_activities') }} as record_text,
        {{ unreadable_values('raw_activities', {
            'direction':
                "case when lower(raw_activities.direction) in ('outbound', 'inbound') then raw_activities.direction end",
            'is_completed': parse_boolean('raw_activities.is_completed'),
            'is_automated': parse_boolean('raw_activities.is_automated'),
            'loaded_at': parse_timestamp('raw_activities.loaded_at'),
        }) }} as unreadable_values
    from raw_activities
),

checked as (
    select
        *,
        case
            when activity_id is null then 'missing_value|activity_id'
            when activity_type is null then 'missing_value|type'
            when occurred_at_text is null then 'missing_value|occurred_at'
            when occurred_at is null then 'invalid_value|occurred_at'
            when {{ utc_as_local_date('occurred_at') }} < {{ earliest_date() }} then 'invalid_value|occurred_at'
        end as problem
    from typed
),

ranked as (
    select
        *,
        row_number() over (
            partition by source_system, activity_id, problem
            order by loaded_at desc nulls last, record_text desc, unreadable_values desc nulls first
        ) as version_rank
    from checked
)

select
    source_system,
    activity_id,
    activity_type,
    direction,
    owner_id,
    lead_id,
    deal_id,
    is_completed,
    is_automated,
    occurred_at,
    loaded_at,
    unreadable_values,
    {{ exclusion_columns() }}
from ranked
