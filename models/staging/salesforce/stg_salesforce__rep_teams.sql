{{ config(enabled=sales_kpis.is_source_on('salesforce'), materialized='view') }}

with

users as (
    select * from {{ ref('sales_kpis', 'base_salesforce__user') }} where fivetran_start is not null
),

user_roles as (
    select * from {{ ref('sales_kpis', 'base_salesforce__user_role') }}
),

role_names as (
    select
        id,
        max_by(name, coalesce(fivetran_start, loaded_at, '')) as name
    from user_roles
    group by id
),

-- Only Fivetran's history mode remembers former roles: each version of a user holds from its start
versions as (
    select
        users.id as rep_id,
        coalesce(users.team, role_names.name) as team,
        {{ instant_as_text('users.fivetran_start') }} as valid_from,
        {{ parse_timestamp(instant_as_text('users.fivetran_start')) }} as started_at,
        {{ instant_as_text('users.loaded_at') }} as loaded_at
    from users
    left join role_names on users.user_role_id = role_names.id
),

compared_versions as (
    select
        *,
        row_number() over (
            partition by rep_id, {{ utc_as_local_date('started_at') }} order by started_at desc
        ) as position_from_evening
    from versions
),

daily_versions as (
    select
        *,
        lag(team) over (partition by rep_id order by started_at) as previous_team
    from compared_versions
    where position_from_evening = 1
)

select
    'salesforce' as source_system,
    rep_id,
    team,
    valid_from,
    loaded_at
from daily_versions
where team is not null and team is distinct from previous_team
