{{ config(enabled=sales_kpis.is_source_on('salesforce'), materialized='view') }}

with

tasks as (
    select * from {{ ref('sales_kpis', 'base_salesforce__task') }}
),

events as (
    select * from {{ ref('sales_kpis', 'base_salesforce__event') }}
),

email_messages as (
    select * from {{ ref('sales_kpis', 'base_salesforce__email_message') }}
),

leads as (
    select * from {{ ref('sales_kpis', 'base_salesforce__lead') }} where converted_contact_id is not null
),

opportunities as (
    select * from {{ ref('sales_kpis', 'base_salesforce__opportunity') }}
),

inbound_mails as (
    select distinct activity_id
    from email_messages
    where {{ parse_boolean('incoming') }}
),

-- What somebody does or has done
described_tasks as (
    select
        tasks.*,
        case
            when lower(tasks.task_subtype) = 'call' or lower(tasks.type) = 'call' or tasks.call_type is not null
                then 'call'
            when lower(tasks.task_subtype) in ('email', 'listemail') or lower(tasks.type) = 'email' then 'email'
            when lower(tasks.type) = 'meeting' then 'meeting'
            else 'task'
        end as activity_type,
        inbound_mails.activity_id is not null or lower(tasks.call_type) = 'inbound' as is_inbound,
        -- A series is only the pattern of its tasks
        coalesce(
            {{ salesforce_is_gone('tasks') }} or {{ parse_boolean('tasks.is_deleted') }}
            or {{ parse_boolean('tasks.is_recurrence') }},
            false
        ) as is_no_activity
    from tasks
    left join inbound_mails on tasks.id = inbound_mails.activity_id
),

completed_tasks as (
    select
        *,
        case
            when is_no_activity then 'false'
            else coalesce(is_closed, case when lower(status) = 'completed' then 'true' else 'false' end)
        end as is_completed
    from described_tasks
),

-- What stands in a calendar: it took place if it was over when Salesforce was last read
instants as (
    select loaded_at from tasks
    union all
    select loaded_at from events
    union all
    select loaded_at from opportunities
),

newest_load as (
    select max({{ parse_timestamp(instant_as_text('loaded_at')) }}) as loaded_at
    from instants
),

dated_events as (
    select
        events.*,
        newest_load.loaded_at as newest_load_at,
        case
            when {{ parse_boolean('events.is_all_day_event') }}
                then coalesce({{ date_as_text('events.activity_date') }}, {{ date_as_text('events.start_date_time') }})
            else coalesce(
                {{ instant_as_text('events.start_date_time') }}, {{ date_as_text('events.activity_date') }}
            )
        end as started_at
    from events
    cross join newest_load
),

judged_events as (
    select
        *,
        coalesce(
            {{ salesforce_is_gone('dated_events') }} or {{ parse_boolean('is_deleted') }}
            or {{ parse_boolean('is_recurrence') }}
            or coalesce(
                {{ parse_timestamp(instant_as_text('end_date_time')) }}, {{ parse_timestamp('started_at') }}
            ) > newest_load_at,
            false
        ) as is_no_activity
    from dated_events
),

activities as (
    select
        id as activity_id,
        activity_type,
        -- Calls and mails are logged by whoever made them, unless something says the contrary
        case
            when direction is not null then direction
            when lower(call_type) = 'internal' then null
            when is_inbound then 'inbound'
            when activity_type in ('call', 'email') then 'outbound'
        end as direction,
        case
            when {{ parse_boolean('is_completed') }}
                then coalesce({{ instant_as_text('completed_date_time') }}, {{ date_as_text('activity_date') }})
            else {{ date_as_text('activity_date') }}
        end as occurred_at,
        is_completed,
        coalesce(is_automated, case when lower(task_subtype) = 'listemail' then 'true' end) as is_automated,
        owner_id,
        who_id,
        what_id,
        created_date,
        {{ instant_as_text('coalesce(fivetran_start, loaded_at)') }} as loaded_at
    from completed_tasks
    union all
    select
        id as activity_id,
        'meeting' as activity_type,
        direction,
        started_at as occurred_at,
        case when is_no_activity then 'false' else 'true' end as is_completed,
        is_automated,
        owner_id,
        who_id,
        what_id,
        created_date,
        {{ instant_as_text('coalesce(fivetran_start, loaded_at)') }} as loaded_at
    from judged_events
),

dated_activities as (
    select
        activity_id,
        activity_type,
        direction,
        coalesce(occurred_at, {{ instant_as_text('created_date') }}) as occurred_at,
        {{ parse_timestamp("coalesce(occurred_at, " ~ instant_as_text('created_date') ~ ")") }} as happened_at,
        is_completed,
        is_automated,
        owner_id,
        who_id,
        what_id,
        loaded_at
    from activities
),

converted_leads as (
    select
        id as lead_id,
        converted_contact_id,
        {{ parse_timestamp(instant_as_text('created_date')) }} as created_at,
        {{ parse_date(date_as_text('converted_date')) }} as converted_date
    from leads
),

-- A conversion moves the lead's activities to its contact. What happened between the lead's creation and its conversion
-- was done on the lead.
moved_activities as (
    select
        dated_activities.activity_id,
        max_by(converted_leads.lead_id, (converted_leads.created_at, converted_leads.lead_id)) as lead_id
    from dated_activities
    inner join converted_leads
        on
            dated_activities.who_id = converted_leads.converted_contact_id
            and dated_activities.happened_at >= converted_leads.created_at
            and {{ utc_as_local_date('dated_activities.happened_at') }} <= converted_leads.converted_date
    group by dated_activities.activity_id
)

select
    'salesforce' as source_system,
    dated_activities.activity_id,
    dated_activities.activity_type as type,
    dated_activities.direction,
    dated_activities.occurred_at,
    dated_activities.is_completed,
    dated_activities.is_automated,
    case when substr(dated_activities.owner_id, 1, 3) <> '00G' then dated_activities.owner_id end as owner_id,
    -- The first three characters of an id name its object
    case
        when substr(dated_activities.who_id, 1, 3) = '00Q' then dated_activities.who_id
        else moved_activities.lead_id
    end as lead_id,
    case when substr(dated_activities.what_id, 1, 3) = '006' then dated_activities.what_id end as deal_id,
    dated_activities.loaded_at
from dated_activities
left join moved_activities on dated_activities.activity_id = moved_activities.activity_id
