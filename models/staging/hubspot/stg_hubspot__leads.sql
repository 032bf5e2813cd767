{{ config(enabled=sales_kpis.is_source_on('hubspot'), materialized='view') }}

with

live_contacts as (
    select * from {{ ref('sales_kpis', 'base_hubspot__contact') }}
),

archived_contacts as (
    select * from {{ ref('sales_kpis', 'base_hubspot__contact_archived') }}
),

live_deals as (
    select * from {{ ref('sales_kpis', 'base_hubspot__deal') }}
),

archived_deals as (
    select * from {{ ref('sales_kpis', 'base_hubspot__deal_archived') }}
),

deal_contacts as (
    select * from {{ ref('sales_kpis', 'base_hubspot__deal_contact') }}
),

unioned_contacts as (
    select
        *,
        'false' as is_archived
    from live_contacts
    union all
    select
        *,
        'true' as is_archived
    from archived_contacts
),

all_contacts as (
    select
        *,
        {{ epoch_as_instant('became_marketing_qualified_at') }} as marketing_qualified_at,
        {{ epoch_as_instant('became_sales_qualified_at') }} as sales_qualified_at
    from unioned_contacts
),

all_deals as (
    select * from live_deals
    union all
    select * from archived_deals
),

linked_deals as (
    select
        contact_id,
        deal_id
    from deal_contacts
    union all
    select
        {{ json_items('contact_ids') }} as contact_id,
        deal_id
    from all_deals
),

-- A lead became the first deal that it was linked to; later ones are further business with the same person
first_deals as (
    select
        linked_deals.contact_id,
        linked_deals.deal_id,
        all_deals.created_at
    from linked_deals
    left join all_deals on linked_deals.deal_id = all_deals.deal_id
    qualify
        row_number() over (
            partition by linked_deals.contact_id
            order by
                {{ parse_timestamp(epoch_as_instant('all_deals.created_at')) }} nulls last,
                length(linked_deals.deal_id), linked_deals.deal_id
        ) = 1
),

-- Both lists name the same merges; the second one adds when, behind a colon
merges as (
    select
        contact_id,
        {{ separated_items('merged_contact_ids', ';') }} as merged_contact_id
    from all_contacts
    union all
    select
        contact_id,
        {{ dbt.split_part(separated_items('merged_contacts_and_times', ';'), "':'", 1) }} as merged_contact_id
    from all_contacts
),

survivors as (
    select
        merged_contact_id,
        max(contact_id) as contact_id
    from merges
    where contact_id <> merged_contact_id
    group by merged_contact_id
)

select
    'hubspot' as source_system,
    all_contacts.contact_id as lead_id,
    {{ epoch_as_instant('all_contacts.created_at') }} as created_at,
    all_contacts.owner_id,
    all_contacts.lead_source as source,
    all_contacts.segment,
    all_contacts.region,
    coalesce(all_contacts.lead_status, all_contacts.lifecycle_stage) as status,
    -- By marketing or by sales, whichever came first
    case
        when
            {{ parse_timestamp('all_contacts.sales_qualified_at') }}
            < {{ parse_timestamp('all_contacts.marketing_qualified_at') }}
            then all_contacts.sales_qualified_at
        else coalesce(all_contacts.marketing_qualified_at, all_contacts.sales_qualified_at)
    end as qualified_at,
    coalesce(
        {{ epoch_as_instant('first_deals.created_at') }},
        {{ epoch_as_instant('all_contacts.first_deal_created_at') }},
        {{ epoch_as_instant('all_contacts.became_opportunity_at') }}
    ) as converted_at,
    first_deals.deal_id as converted_deal_id,
    case when first_deals.deal_id is not null then all_contacts.company_id end as converted_account_id,
    case
        when all_contacts.is_archived = 'true' then 'true'
        when {{ parse_boolean('all_contacts.is_removed') }} then all_contacts.is_removed
        else all_contacts.is_deleted
    end as is_deleted,
    survivors.contact_id as merged_into_lead_id,
    {{ epoch_as_instant('coalesce(all_contacts.archived_at, all_contacts.updated_at)') }} as updated_at,
    {{ epoch_as_instant('all_contacts.loaded_at') }} as loaded_at
from all_contacts
left join first_deals on all_contacts.contact_id = first_deals.contact_id
left join survivors on all_contacts.contact_id = survivors.merged_contact_id
where not {{ hubspot_is_imported_customer('all_contacts') }}
