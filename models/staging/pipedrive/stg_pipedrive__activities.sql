{{ config(enabled=sales_kpis.is_source_on('pipedrive'), materialized='view') }}

with

activities as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__activities') }}
),

notes as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__notes') }}
),

lead_deals as (
    select * from {{ ref('sales_kpis', 'stg_pipedrive__lead_deals') }}
),

-- Two leads of one deal cannot be told apart by it
deal_leads as (
    select
        deal_id,
        max(lead_id) as lead_id,
        max(deal_created_at) as deal_created_at
    from lead_deals
    group by deal_id
    having count(*) = 1
),

described as (
    select
        {{ reference_id('id') }} as activity_id,
        lower(type) as activity_type,
        direction,
        -- Marking as done is the trace of its taking place; until then there is only the plan, in UTC
        case
            when {{ parse_boolean('done') }} and marked_as_done_time is not null then marked_as_done_time
            when due_date is not null and due_time is not null then substr(due_date, 1, 10) || 'T' || due_time || 'Z'
            when due_date is not null then substr(due_date, 1, 10)
            else add_time
        end as occurred_at,
        case
            when
                {{ parse_boolean('is_deleted') }}
                or {{ parse_boolean('is_removed') }}
                or not {{ parse_boolean('is_active') }}
                then 'false'
            else done
        end as is_completed,
        is_automated,
        {{ reference_id('owner_id') }} as owner_id,
        lead_id,
        {{ reference_id('deal_id') }} as deal_id,
        loaded_at,
        max(case when direction is not null then 1 else 0 end) over () = 1 as has_directions
    from activities
),

written_notes as (
    select
        'note-' || {{ reference_id('id') }} as activity_id,
        'note' as activity_type,
        cast(null as {{ dbt.type_string() }}) as direction,
        add_time as occurred_at,
        case
            when {{ parse_boolean('is_removed') }} or not {{ parse_boolean('is_active') }} then 'false'
            else 'true'
        end as is_completed,
        cast(null as {{ dbt.type_string() }}) as is_automated,
        {{ reference_id('user_id') }} as owner_id,
        lead_id,
        {{ reference_id('deal_id') }} as deal_id,
        loaded_at
    from notes
),

all_activities as (
    select
        activity_id,
        case activity_type when 'deadline' then 'task' when 'lunch' then 'meeting' else activity_type end as type,
        -- What users enter is what they do themselves, unless the company records who called whom
        case when has_directions then direction else 'outbound' end as direction,
        occurred_at,
        is_completed,
        is_automated,
        owner_id,
        lead_id,
        deal_id,
        loaded_at
    from described
    union all
    select
        activity_id,
        activity_type as type,
        direction,
        occurred_at,
        is_completed,
        is_automated,
        owner_id,
        lead_id,
        deal_id,
        loaded_at
    from written_notes
)

select
    'pipedrive' as source_system,
    all_activities.activity_id,
    all_activities.type,
    all_activities.direction,
    all_activities.occurred_at,
    all_activities.is_completed,
    all_activities.is_automated,
    all_activities.owner_id,
    -- Converting a lead moves its activities to the deal: one from before the deal was the lead's
    case
        when all_activities.lead_id is not null then all_activities.lead_id
        when
            {{ parse_timestamp('all_activities.occurred_at') }} < {{ parse_timestamp('deal_leads.deal_created_at') }}
            then deal_leads.lead_id
    end as lead_id,
    all_activities.deal_id,
    all_activities.loaded_at
from all_activities
left join deal_leads on all_activities.deal_id = deal_leads.deal_id
