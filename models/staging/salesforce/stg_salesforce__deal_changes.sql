{{ config(enabled=sales_kpis.is_source_on('salesforce'), materialized='table') }}

with

snapshots as (
    select * from {{ ref('sales_kpis', 'base_salesforce__opportunity_history') }}
),

field_changes as (
    select * from {{ ref('sales_kpis', 'base_salesforce__opportunity_field_history') }}
),

record_types as (
    select * from {{ ref('sales_kpis', 'base_salesforce__record_type') }}
),

won_stages as (
    select * from {{ ref('sales_kpis', 'stg_salesforce__stages') }} where pipeline_id is null and outcome = 'won'
),

-- OpportunityHistory: each row is the deal as it was after a change
dated_snapshots as (
    select
        *,
        {{ instant_as_text('created_date') }} as changed_at,
        {{ parse_timestamp(instant_as_text('created_date')) }} as happened_at,
        {{ date_as_text('close_date') }} as close_date_text
    from snapshots
),

followed_snapshots as (
    select
        *,
        lag(close_date_text) over (partition by opportunity_id order by happened_at, id) as previous_close_date
    from dated_snapshots
),

won_stage_ids as (
    select distinct stage_id
    from won_stages
),

-- Winning a deal whose close date lies ahead sets that date to today in UTC, which may be tomorrow in the reporting
-- time zone: there the instant is the better date
won_snapshots as (
    select
        followed_snapshots.*,
        case
            when
                won_stage_ids.stage_id is not null
                and followed_snapshots.previous_close_date > followed_snapshots.close_date_text
                and followed_snapshots.close_date_text
                = cast(cast(followed_snapshots.happened_at as date) as {{ dbt.type_string() }})
                then followed_snapshots.changed_at
        end as won_at
    from followed_snapshots
    left join won_stage_ids on followed_snapshots.stage_name = won_stage_ids.stage_id
),

deals_with_snapshots as (
    select distinct opportunity_id
    from snapshots
),

record_type_ids as (
    select
        name,
        max(id) as id
    from record_types
    where coalesce(lower(sobject_type), 'opportunity') = 'opportunity'
    group by name
),

-- OpportunityFieldHistory: one row per change of a tracked field, two where the value is a record: its name and its id
identified_field_changes as (
    select
        field_changes.id,
        field_changes.opportunity_id,
        field_changes.field,
        lower(field_changes.field) as lower_field,
        deals_with_snapshots.opportunity_id is not null as has_snapshots,
        {{ instant_as_text('field_changes.created_date') }} as changed_at,
        case
            when lower(field_changes.field) = 'recordtype' then coalesce(old_types.id, field_changes.old_value)
            else field_changes.old_value
        end as old_value,
        case
            when lower(field_changes.field) = 'recordtype' then coalesce(new_types.id, field_changes.new_value)
            else field_changes.new_value
        end as new_value,
        field_changes.loaded_at
    from field_changes
    left join deals_with_snapshots on field_changes.opportunity_id = deals_with_snapshots.opportunity_id
    left join record_type_ids as old_types on field_changes.old_value = old_types.name
    left join record_type_ids as new_types on field_changes.new_value = new_types.name
),

-- What the snapshots tell is not told again; of the forecast category they miss changes that come alone
named_field_changes as (
    select
        *,
        case
            when lower_field = 'owner' and substr(coalesce(new_value, old_value), 1, 3) = '005' then 'owner_id'
            when lower_field = 'recordtype' and substr(coalesce(new_value, old_value), 1, 3) = '012' then 'pipeline_id'
            when lower_field in ('forecastcategory', 'forecastcategoryname') then 'forecast_category'
            when has_snapshots then null
            when lower_field = 'stagename' then 'stage_id'
            when lower_field = 'closedate' then 'close_date'
            when lower_field = 'currencyisocode' then 'currency'
            when lower_field in ('amount', 'probability') then lower_field
        end as followed_field
    from identified_field_changes
),

-- Every value that either log has seen, in one list
observed_values as (
    select
        id,
        opportunity_id,
        'stage_id' as field,
        stage_name as observed_value,
        null as own_old_value,
        null as won_at,
        changed_at,
        loaded_at
    from won_snapshots
    union all
    select id, opportunity_id, 'amount', amount, null, null, changed_at, loaded_at from won_snapshots
    union all
    select id, opportunity_id, 'currency', currency_iso_code, null, null, changed_at, loaded_at from won_snapshots
    union all
    select id, opportunity_id, 'probability', probability, null, null, changed_at, loaded_at from won_snapshots
    union all
    select id, opportunity_id, 'close_date', close_date, null, won_at, changed_at, loaded_at from won_snapshots
    union all
    select id, opportunity_id, 'forecast_category', forecast_category, null, null, changed_at, loaded_at
    from won_snapshots
    union all
    -- '' keeps an empty old value apart from a snapshot, which has none
    select id, opportunity_id, followed_field, new_value, coalesce(old_value, ''), null, changed_at, loaded_at
    from named_field_changes
    where followed_field is not null
),

spelled_values as (
    select
        id,
        opportunity_id,
        field,
        {{ salesforce_logged_value('field', 'observed_value') }} as observed_value,
        {{ salesforce_logged_value('field', 'own_old_value') }} as own_old_value,
        won_at,
        changed_at,
        {{ parse_timestamp('changed_at') }} as happened_at,
        loaded_at
    from observed_values
),

compared_values as (
    select
        *,
        row_number() over values_of_field as position_in_log,
        lag(observed_value) over values_of_field as previous_value
    from spelled_values
    window values_of_field as (partition by opportunity_id, field order by happened_at, id)
),

-- Most values repeat the one before. The first snapshot is the deal as it was created, not a change.
changed_values as (
    select *
    from compared_values
    where
        (position_in_log = 1 and own_old_value is not null)
        or (position_in_log > 1 and observed_value is distinct from previous_value)
),

-- The value before is what the change before has left, an instant in place of a date included
linked_values as (
    select
        *,
        coalesce(won_at, observed_value) as new_value,
        case
            when lag(position_in_log) over changes_of_field is not null
                then lag(coalesce(won_at, observed_value)) over changes_of_field
            else coalesce(nullif(own_old_value, ''), previous_value)
        end as old_value
    from changed_values
    window changes_of_field as (partition by opportunity_id, field order by happened_at, id)
)

select
    'salesforce' as source_system,
    id as change_id,
    opportunity_id as deal_id,
    field,
    old_value,
    new_value,
    changed_at,
    {{ instant_as_text('loaded_at') }} as loaded_at
from linked_values

union all

-- Changes of other fields, and those that the snapshots have told, under names that staging lists as other fields
select
    'salesforce' as source_system,
    id as change_id,
    opportunity_id as deal_id,
    'OpportunityFieldHistory.' || field as field,
    old_value,
    new_value,
    changed_at,
    {{ instant_as_text('loaded_at') }} as loaded_at
from named_field_changes
where followed_field is null
