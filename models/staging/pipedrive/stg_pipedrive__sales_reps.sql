{{ config(enabled=sales_kpis.is_source_on('pipedrive'), materialized='view') }}

with

users as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__users') }}
),

teams as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__teams') }}
),

present_teams as (
    select
        name,
        {{ reference_id('manager_id') }} as manager_id,
        {{ nested_elements('users') }} as user_id
    from teams
    where
        not coalesce({{ parse_boolean('is_deleted') }}, false)
        and coalesce({{ parse_boolean('is_active') }}, true)
),

-- Who is in several teams is counted in the first by name
ranked_teams as (
    select
        *,
        row_number() over (partition by user_id order by name) as team_rank
    from present_teams
)

select
    'pipedrive' as source_system,
    {{ reference_id('users.id') }} as rep_id,
    users.name,
    users.email,
    coalesce(users.team, ranked_teams.name) as team,
    coalesce({{ reference_id('users.manager_id') }}, ranked_teams.manager_id) as manager_id,
    users.hired_date,
    users.is_active,
    users.modified as updated_at,
    users.loaded_at
from users
left join ranked_teams on {{ reference_id('users.id') }} = ranked_teams.user_id and ranked_teams.team_rank = 1
