{{ config(enabled=sales_kpis.is_source_on('pipedrive'), materialized='view') }}

{%- set forecast_key = sales_kpis.pipedrive_field_key('deal_flow.forecast_category', 'deals.forecast_category') %}

with

deal_flow as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__deal_flow') }}
),

deal_history as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__deal_history') }}
),

field_options as (
    select * from {{ ref('sales_kpis', 'stg_pipedrive__field_options') }} where entity = 'deal'
),

flow_changes as (
    select
        {{ reference_id('id') }} as change_id,
        {{ reference_id('item_id') }} as deal_id,
        case lower(field_key)
            when 'value' then 'amount'
            when 'user_id' then 'owner_id'
            when 'pipeline' then 'pipeline_id'
            when 'deleted' then 'is_deleted'
            when '{{ forecast_key | lower }}'
                then 'forecast_category'
            else lower(field_key)
        end as field,
        old_value,
        new_value,
        log_time as changed_at,
        loaded_at
    from deal_flow
),

versions as (
    select
        *,
        {{ parse_timestamp('version_from') }} as began_at,
        coalesce({{ parse_boolean('is_deleted') }}, false) as was_deleted
    from deal_history
    -- One log is enough: the change log also knows several changes of one second
    where not exists (select 1 from deal_flow)
),

logged_fields as (
    select 'status' as field
    union all
    select 'stage_id'
    union all
    select 'pipeline_id'
    union all
    select 'owner_id'
    union all
    select 'amount'
    union all
    select 'currency'
    union all
    select 'probability'
    union all
    select 'expected_close_date'
    union all
    select 'forecast_category'
    union all
    select 'is_deleted'
),

version_values as (
    select
        {{ reference_id('versions.id') }} as deal_id,
        logged_fields.field,
        case logged_fields.field
            when 'status' then versions.status
            when 'stage_id' then versions.stage_id
            when 'pipeline_id' then versions.pipeline_id
            when 'owner_id' then versions.owner_id
            when 'amount' then versions.value
            when 'currency' then versions.currency
            when 'probability' then versions.probability
            when 'expected_close_date' then versions.expected_close_date
            when 'forecast_category' then versions.forecast_category
            when 'is_deleted' then case when versions.was_deleted then 'true' else 'false' end
        end as value,
        versions.version_from,
        versions.began_at,
        versions.loaded_at
    from versions
    cross join logged_fields
),

-- What a version has and the one before it had not was changed when it began
compared_versions as (
    select
        *,
        lag(value) over deal_versions as value_before,
        row_number() over deal_versions as version_number
    from version_values
    window deal_versions as (partition by deal_id, field order by began_at)
),

all_changes as (
    select
        change_id,
        deal_id,
        field,
        old_value,
        new_value,
        changed_at,
        loaded_at
    from flow_changes
    union all
    select
        cast(null as {{ dbt.type_string() }}) as change_id,
        deal_id,
        field,
        value_before as old_value,
        value as new_value,
        version_from as changed_at,
        loaded_at
    from compared_versions
    where version_number > 1 and value is distinct from value_before
)

select
    all_changes.change_id,
    all_changes.deal_id,
    all_changes.field,
    {{ pipedrive_logged_value('all_changes.old_value', 'old_options.option_label') }} as old_value,
    {{ pipedrive_logged_value('all_changes.new_value', 'new_options.option_label') }} as new_value,
    all_changes.changed_at,
    all_changes.loaded_at
from all_changes
left join field_options as old_options
    on
        all_changes.field = 'forecast_category'
        and all_changes.old_value = old_options.option_id
        and old_options.field_key = '{{ forecast_key }}'
left join field_options as new_options
    on
        all_changes.field = 'forecast_category'
        and all_changes.new_value = new_options.option_id
        and new_options.field_key = '{{ forecast_key }}'
