{{ config(enabled=sales_kpis.is_source_on('hubspot'), materialized='view') }}

with

calls as (
    select * from {{ ref('sales_kpis', 'base_hubspot__engagement_call') }}
),

emails as (
    select * from {{ ref('sales_kpis', 'base_hubspot__engagement_email') }}
),

meetings as (
    select * from {{ ref('sales_kpis', 'base_hubspot__engagement_meeting') }}
),

tasks as (
    select * from {{ ref('sales_kpis', 'base_hubspot__engagement_task') }}
),

notes as (
    select * from {{ ref('sales_kpis', 'base_hubspot__engagement_note') }}
),

communications as (
    select * from {{ ref('sales_kpis', 'base_hubspot__engagement_communication') }}
),

engagements as (
    select * from {{ ref('sales_kpis', 'base_hubspot__engagement') }}
),

engagement_deals as (
    select * from {{ ref('sales_kpis', 'base_hubspot__engagement_deal') }}
),

engagement_contacts as (
    select * from {{ ref('sales_kpis', 'base_hubspot__engagement_contact') }}
),

contacts as (
    select * from {{ ref('sales_kpis', 'base_hubspot__contact') }}
),

details as (
    select
        'call' as type,
        *
    from calls
    union all
    select
        'email' as type,
        *
    from emails
    union all
    select
        'meeting' as type,
        *
    from meetings
    union all
    select
        'task' as type,
        *
    from tasks
    union all
    select
        'note' as type,
        *
    from notes
    union all
    select
        'communication' as type,
        *
    from communications
),

-- Fivetran's parent table adds types without a table of their own and, before version 3 of the API, times and owners
all_engagements as (
    select
        coalesce(details.engagement_id, engagements.engagement_id) as engagement_id,
        coalesce(details.type, lower(engagements.type)) as type,
        -- The time of a task is when it is due, that of a meeting may be when it was entered
        coalesce(
            details.completed_at, details.started_at, details.occurred_at, engagements.occurred_at
        ) as occurred_at,
        details.direction,
        details.status,
        details.engagement_source,
        details.is_automated,
        coalesce(details.owner_id, engagements.owner_id) as owner_id,
        coalesce(details.is_deleted, engagements.is_deleted) as is_deleted,
        coalesce(details.loaded_at, engagements.loaded_at) as loaded_at
    from details
    full outer join engagements on details.engagement_id = engagements.engagement_id
),

linked_deals as (
    select
        engagement_id,
        deal_id
    from engagement_deals
    union
    select
        engagement_id,
        {{ json_items('deal_ids') }} as deal_id
    from details
),

linked_contacts as (
    select
        engagement_id,
        contact_id
    from engagement_contacts
    union
    select
        engagement_id,
        {{ json_items('contact_ids') }} as contact_id
    from details
),

numbered_deals as (
    select
        engagement_id,
        deal_id,
        row_number() over (partition by engagement_id order by length(deal_id), deal_id) as place
    from linked_deals
),

imported_customers as (
    select distinct contact_id
    from contacts
    where {{ hubspot_is_imported_customer('contacts') }}
),

numbered_contacts as (
    select
        linked_contacts.engagement_id,
        linked_contacts.contact_id,
        row_number() over (
            partition by linked_contacts.engagement_id
            order by length(linked_contacts.contact_id), linked_contacts.contact_id
        ) as place
    from linked_contacts
    left join imported_customers on linked_contacts.contact_id = imported_customers.contact_id
    where imported_customers.contact_id is null
),

-- The first deal beside the first contact, the second beside the second: each of them once for each engagement
places as (
    select
        coalesce(numbered_deals.engagement_id, numbered_contacts.engagement_id) as engagement_id,
        coalesce(numbered_deals.place, numbered_contacts.place) as place,
        numbered_deals.deal_id,
        numbered_contacts.contact_id
    from numbered_deals
    full outer join numbered_contacts
        on
            numbered_deals.engagement_id = numbered_contacts.engagement_id
            and numbered_deals.place = numbered_contacts.place
)

select
    'hubspot' as source_system,
    case
        when places.place > 1 then all_engagements.engagement_id || '-' || cast(places.place as varchar)
        else all_engagements.engagement_id
    end as activity_id,
    all_engagements.type,
    case upper(all_engagements.direction)
        when 'EMAIL' then 'outbound'
        when 'INCOMING_EMAIL' then 'inbound'
        -- A mail that the rep passed on to the CRM
        when 'FORWARDED_EMAIL' then 'inbound'
        else all_engagements.direction
    end as direction,
    {{ epoch_as_instant('all_engagements.occurred_at') }} as occurred_at,
    case
        when {{ parse_boolean('all_engagements.is_deleted') }} then 'false'
        when upper(replace(all_engagements.status, ' ', '_')) in (
            'SCHEDULED', 'RESCHEDULED', 'CANCELED', 'CANCELLED', 'NO_SHOW',
            'NOT_STARTED', 'IN_PROGRESS', 'WAITING', 'DEFERRED',
            'BOUNCED', 'FAILED', 'SENDING',
            'BUSY', 'CALLING_CRM_USER', 'CONNECTING', 'MISSED', 'NO_ANSWER', 'QUEUED', 'RINGING'
        ) then 'false'
        when all_engagements.status is not null then 'true'
    end as is_completed,
    coalesce(
        all_engagements.is_automated,
        case
            when upper(all_engagements.engagement_source) in (
                'AUTOMATION_JOURNEY', 'AUTOMATION_PLATFORM', 'SEQUENCES', 'WORKFLOWS'
            ) then 'true'
        end
    ) as is_automated,
    all_engagements.owner_id,
    places.contact_id as lead_id,
    places.deal_id,
    {{ epoch_as_instant('all_engagements.loaded_at') }} as loaded_at
from all_engagements
left join places on all_engagements.engagement_id = places.engagement_id
