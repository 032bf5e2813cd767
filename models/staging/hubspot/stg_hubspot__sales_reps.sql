{{ config(enabled=sales_kpis.is_source_on('hubspot'), materialized='view') }}

with

live_owners as (
    select * from {{ ref('sales_kpis', 'base_hubspot__owner') }}
),

archived_owners as (
    select * from {{ ref('sales_kpis', 'base_hubspot__owner_archived') }}
),

owner_teams as (
    select * from {{ ref('sales_kpis', 'base_hubspot__owner_team') }}
),

teams as (
    select * from {{ ref('sales_kpis', 'base_hubspot__team') }}
),

all_owners as (
    select
        *,
        'false' as is_archived
    from live_owners
    union all
    select
        *,
        'true' as is_archived
    from archived_owners
),

unnested_teams as (
    select
        owner_id,
        {{ json_items('teams') }} as team
    from all_owners
),

memberships as (
    select
        coalesce(owner_teams.owner_id, all_owners.owner_id) as owner_id,
        owner_teams.team_id,
        coalesce(owner_teams.team_name, teams.name) as team_name,
        owner_teams.is_primary
    from owner_teams
    left join all_owners on owner_teams.owner_row_id = all_owners.row_id
    left join teams on owner_teams.team_id = teams.team_id
    union all
    select
        owner_id,
        {{ json_field('team', 'id') }} as team_id,
        {{ json_field('team', 'name') }} as team_name,
        {{ json_field('team', 'primary') }} as is_primary
    from unnested_teams
),

chosen_teams as (
    select
        owner_id,
        coalesce(team_name, team_id) as team
    from memberships
    qualify
        row_number() over (
            partition by owner_id
            order by case when {{ parse_boolean('is_primary') }} then 1 else 2 end, length(team_id), team_id
        ) = 1
)

select
    'hubspot' as source_system,
    all_owners.owner_id as rep_id,
    coalesce(nullif(concat_ws(' ', all_owners.first_name, all_owners.last_name), ''), all_owners.email) as name,
    all_owners.email,
    coalesce(all_owners.team, chosen_teams.team) as team,
    cast(null as varchar) as manager_id,
    cast(null as varchar) as hired_date,
    case
        when all_owners.is_archived = 'true' or {{ parse_boolean('all_owners.is_deleted') }} then 'false'
        else coalesce(all_owners.is_active, 'true')
    end as is_active,
    {{ epoch_as_instant('all_owners.updated_at') }} as updated_at,
    {{ epoch_as_instant('all_owners.loaded_at') }} as loaded_at
from all_owners
left join chosen_teams on all_owners.owner_id = chosen_teams.owner_id
