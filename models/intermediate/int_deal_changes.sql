with

changes as (
    select * from {{ ref('sales_kpis', 'stg_crm__deal_changes') }} where exclusion_reason is null
),

moments as (
    select
        source_system,
        deal_id,
        field,
        changed_at,
        count(*) as changes,
        min(old_value) as old_value,
        min(new_value) as new_value
    from changes
    group by source_system, deal_id, field, changed_at
),

-- The rare case from here on: one field changed more than once at one instant
contested as (
    select
        changes.source_system,
        changes.deal_id,
        changes.field,
        changes.changed_at,
        changes.change_id,
        {{ parse_decimal('changes.change_id', 38, 0) }} as change_number,
        coalesce(changes.old_value, '') as old_value,
        coalesce(changes.new_value, '') as new_value
    from changes
    inner join moments
        on
            changes.source_system = moments.source_system
            and changes.deal_id = moments.deal_id
            and changes.field = moments.field
            and changes.changed_at = moments.changed_at
    where moments.changes > 1
),

-- Numbers count as numbers only where every change of the instant has one
described as (
    select
        *,
        count(*) over moment = count(change_id) over moment as has_change_ids,
        count(*) over moment = count(change_number) over moment as has_change_numbers
    from contested
    window moment as (partition by source_system, deal_id, field, changed_at)
),

ranked as (
    select
        *,
        rank() over (
            partition by source_system, deal_id, field, changed_at
            order by case when has_change_numbers then change_number end desc, change_id desc
        ) as id_rank,
        row_number() over (
            partition by source_system, deal_id, field, changed_at
            order by
                case when has_change_ids and has_change_numbers then change_number end desc,
                case when has_change_ids then change_id end desc,
                new_value desc,
                old_value desc
        ) as rank_from_last
    from described
),

-- A chain a -> b -> c leaves a once more than it arrives there, and arrives at c once more than it leaves it
steps as (
    select
        source_system,
        deal_id,
        field,
        changed_at,
        new_value as visited_value,
        1 as arrivals
    from contested
    union all
    select
        source_system,
        deal_id,
        field,
        changed_at,
        old_value as visited_value,
        -1 as arrivals
    from contested
),

visited_values as (
    select
        source_system,
        deal_id,
        field,
        changed_at,
        visited_value,
        sum(arrivals) as arrivals
    from steps
    group by source_system, deal_id, field, changed_at, visited_value
),

chains as (
    select
        source_system,
        deal_id,
        field,
        changed_at,
        case when count(*) filter (where arrivals < 0) = 1 then max(visited_value) filter (where arrivals < 0) end
            as first_value,
        case when count(*) filter (where arrivals > 0) = 1 then max(visited_value) filter (where arrivals > 0) end
            as last_value
    from visited_values
    group by source_system, deal_id, field, changed_at
),

winners as (
    select
        source_system,
        deal_id,
        field,
        changed_at,
        bool_and(has_change_ids) and count(*) filter (where id_rank = 1) = 1 as is_decided_by_id,
        min_by(new_value, rank_from_last) as latest_new_value,
        min_by(old_value, rank_from_last) as latest_old_value,
        max_by(old_value, rank_from_last) as earliest_old_value,
        max(new_value) as greatest_new_value
    from ranked
    group by source_system, deal_id, field, changed_at
),

resolved as (
    select
        winners.source_system,
        winners.deal_id,
        winners.field,
        winners.changed_at,
        coalesce(
            chains.first_value,
            case when winners.is_decided_by_id then winners.earliest_old_value else winners.latest_old_value end
        ) as old_value,
        case
            when winners.is_decided_by_id then winners.latest_new_value
            else coalesce(chains.last_value, winners.greatest_new_value)
        end as new_value
    from winners
    inner join chains
        on
            winners.source_system = chains.source_system
            and winners.deal_id = chains.deal_id
            and winners.field = chains.field
            and winners.changed_at = chains.changed_at
)

select
    source_system,
    deal_id,
    field,
    changed_at,
    old_value,
    new_value
from moments
where changes = 1

union all

select
    source_system,
    deal_id,
    field,
    changed_at,
    nullif(old_value, '') as old_value,
    nullif(new_value, '') as new_value
from resolved
