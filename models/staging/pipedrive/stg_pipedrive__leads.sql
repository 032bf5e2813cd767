{{ config(enabled=sales_kpis.is_source_on('pipedrive'), materialized='view') }}

with

leads as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__leads') }}
),

lead_deals as (
    select * from {{ ref('sales_kpis', 'stg_pipedrive__lead_deals') }}
),

field_options as (
    select * from {{ ref('sales_kpis', 'stg_pipedrive__field_options') }} where entity = 'deal'
),

linked as (
    select
        leads.*,
        lead_deals.deal_id,
        lead_deals.deal_created_at,
        max(case when leads.converted_at is not null then 1 else 0 end) over () = 1 as has_conversion_dates
    from leads
    left join lead_deals on leads.id = lead_deals.lead_id
)

select
    'pipedrive' as source_system,
    linked.id as lead_id,
    linked.add_time as created_at,
    {{ reference_id('linked.owner_id') }} as owner_id,
    coalesce(sources.option_label, linked.source) as source,
    coalesce(segments.option_label, linked.segment) as segment,
    coalesce(regions.option_label, linked.region) as region,
    coalesce(linked.status, case when {{ parse_boolean('linked.is_archived') }} then 'archived' end) as status,
    linked.qualified_at,
    -- Where conversions are not dated, a lead was converted when its deal was created
    coalesce(linked.converted_at, case when not linked.has_conversion_dates then linked.deal_created_at end)
        as converted_at,
    linked.deal_id as converted_deal_id,
    case
        when linked.deal_id is not null
            then coalesce(
                {{ reference_id('linked.organization_id') }}, 'person-' || {{ reference_id('linked.person_id') }}
            )
    end as converted_account_id,
    -- Converting marks a lead as deleted: that is no reason to forget it
    case
        when linked.deal_id is not null then 'false'
        when
            {{ parse_boolean('linked.is_deleted') }}
            or {{ parse_boolean('linked.is_removed') }}
            or not {{ parse_boolean('linked.is_current_version') }}
            then 'true'
        else linked.is_deleted
    end as is_deleted,
    cast(null as {{ dbt.type_string() }}) as merged_into_lead_id,
    linked.update_time as updated_at,
    coalesce(linked.version_from, linked.loaded_at) as loaded_at
from linked
left join field_options as sources
    on
        linked.source = sources.option_id
        and sources.field_key = '{{ pipedrive_field_key("leads.source") }}'
left join field_options as segments
    on
        linked.segment = segments.option_id
        and segments.field_key = '{{ pipedrive_field_key("leads.segment") }}'
left join field_options as regions
    on
        linked.region = regions.option_id
        and regions.field_key = '{{ pipedrive_field_key("leads.region") }}'
