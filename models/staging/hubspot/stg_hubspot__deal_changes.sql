{{ config(enabled=sales_kpis.is_source_on('hubspot'), materialized='view') }}

with

property_history as (
    select * from {{ ref('sales_kpis', 'base_hubspot__deal_property_history') }}
),

stage_entries as (
    select * from {{ ref('sales_kpis', 'base_hubspot__deal_stage') }}
),

-- HubSpot logs every property of a deal, most of them calculated: only those that are followed are read
followed_changes as (
    select
        deal_id,
        {{ hubspot_logged_field('property_name') }} as field,
        value,
        changed_at,
        loaded_at
    from property_history
    where {{ hubspot_logged_field('property_name') }} is not null
),

-- Fivetran's list of stage entries says the same again; it is needed where the history is not loaded
other_stage_entries as (
    select
        stage_entries.deal_id,
        'stage_id' as field,
        stage_entries.stage_id as value,
        stage_entries.changed_at,
        stage_entries.loaded_at
    from stage_entries
    left join followed_changes
        on stage_entries.deal_id = followed_changes.deal_id and followed_changes.field = 'stage_id'
    where followed_changes.deal_id is null
),

changes as (
    select * from followed_changes
    union all
    select * from other_stage_entries
),

timed_changes as (
    select
        deal_id,
        field,
        case
            when field = 'close_date' then {{ epoch_as_instant('value') }}
            else value
        end as new_value,
        {{ epoch_as_instant('changed_at') }} as changed_at,
        {{ parse_timestamp(epoch_as_instant('changed_at')) }} as changed_instant,
        {{ epoch_as_instant('loaded_at') }} as loaded_at
    from changes
),

-- One row per instant, so that a reload of the same versions does not make a value its own predecessor
instants as (
    select
        deal_id,
        field,
        changed_instant,
        max(new_value) as new_value
    from timed_changes
    group by deal_id, field, changed_instant
),

preceded_instants as (
    select
        deal_id,
        field,
        changed_instant,
        lag(new_value) over (partition by deal_id, field order by changed_instant) as old_value
    from instants
)

select
    'hubspot' as source_system,
    cast(null as varchar) as change_id,
    timed_changes.deal_id,
    timed_changes.field,
    preceded_instants.old_value,
    timed_changes.new_value,
    timed_changes.changed_at,
    timed_changes.loaded_at
from timed_changes
left join preceded_instants
    on
        timed_changes.deal_id = preceded_instants.deal_id
        and timed_changes.field = preceded_instants.field
        and timed_changes.changed_instant = preceded_instants.changed_instant
