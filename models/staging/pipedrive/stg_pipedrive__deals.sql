{{ config(enabled=sales_kpis.is_source_on('pipedrive'), materialized='view') }}

with

deals as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__deals') }}
),

archived_deals as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__deals_archived') }}
),

stages as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__stages') }}
),

field_options as (
    select * from {{ ref('sales_kpis', 'stg_pipedrive__field_options') }} where entity = 'deal'
),

-- An archived deal is as good as any other: archiving only takes it off the board
all_deals as (
    select * from deals
    union all
    select * from archived_deals
),

referenced as (
    select
        *,
        {{ reference_id('id') }} as deal_id,
        {{ reference_id('org_id') }} as organization_id,
        {{ reference_id('person_id') }} as contact_id,
        {{ reference_id('owner_id') }} as user_id,
        {{ reference_id('stage_id') }} as open_stage_id,
        {{ reference_id('pipeline_id') }} as deal_pipeline_id,
        lower(status) as deal_status
    from all_deals
),

stage_pipelines as (
    select
        {{ reference_id('id') }} as open_stage_id,
        max({{ reference_id('pipeline_id') }}) as pipeline_id
    from stages
    group by {{ reference_id('id') }}
)

select
    'pipedrive' as source_system,
    referenced.deal_id,
    referenced.title as name,
    coalesce(referenced.organization_id, 'person-' || referenced.contact_id) as account_id,
    referenced.user_id as owner_id,
    coalesce(referenced.deal_pipeline_id, stage_pipelines.pipeline_id) as pipeline_id,
    -- Won and lost are a status, beside which a deal keeps its stage: here they are stages of their own
    case
        when referenced.deal_status in ('won', 'lost') then referenced.deal_status
        else referenced.open_stage_id
    end as stage_id,
    referenced.value as amount,
    referenced.currency,
    {{ percent_as_share('referenced.probability') }} as probability,
    coalesce(deal_types.option_label, referenced.deal_type) as deal_type,
    coalesce(lead_sources.option_label, referenced.lead_source) as lead_source,
    coalesce(forecast_categories.option_label, referenced.forecast_category) as forecast_category,
    referenced.add_time as created_at,
    case
        when referenced.deal_status = 'won' then coalesce(referenced.won_time, referenced.close_time)
        when referenced.deal_status = 'lost' then coalesce(referenced.lost_time, referenced.close_time)
        else referenced.expected_close_date
    end as close_date,
    -- API v1 has a status for it, v2 a flag; a loader marks what is gone, or ends its last version
    case
        when
            referenced.deal_status = 'deleted'
            or {{ parse_boolean('referenced.is_deleted') }}
            or {{ parse_boolean('referenced.is_removed') }}
            or not {{ parse_boolean('referenced.is_current_version') }}
            then 'true'
        else referenced.is_deleted
    end as is_deleted,
    cast(null as {{ dbt.type_string() }}) as merged_into_deal_id,
    referenced.update_time as updated_at,
    -- A version of a row arrived when it began
    coalesce(referenced.version_from, referenced.loaded_at) as loaded_at
from referenced
left join stage_pipelines on referenced.open_stage_id = stage_pipelines.open_stage_id
left join field_options as deal_types
    on
        referenced.deal_type = deal_types.option_id
        and deal_types.field_key = '{{ pipedrive_field_key("deals.deal_type") }}'
left join field_options as lead_sources
    on
        referenced.lead_source = lead_sources.option_id
        and lead_sources.field_key = '{{ pipedrive_field_key("deals.lead_source") }}'
left join field_options as forecast_categories
    on
        referenced.forecast_category = forecast_categories.option_id
        and forecast_categories.field_key = '{{ pipedrive_field_key("deals.forecast_category") }}'
