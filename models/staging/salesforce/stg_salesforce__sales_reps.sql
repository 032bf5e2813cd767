{{ config(enabled=sales_kpis.is_source_on('salesforce'), materialized='view') }}

with

users as (
    select * from {{ ref('sales_kpis', 'base_salesforce__user') }}
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
)

select
    'salesforce' as source_system,
    users.id as rep_id,
    coalesce(users.name, nullif(concat_ws(' ', users.first_name, users.last_name), '')) as name,
    users.email,
    coalesce(users.team, role_names.name) as team,
    users.manager_id,
    {{ date_as_text('users.hired_date') }} as hired_date,
    case when {{ salesforce_is_gone('users') }} then 'false' else users.is_active end as is_active,
    {{ instant_as_text('coalesce(users.fivetran_start, users.system_modstamp)') }} as updated_at,
    {{ instant_as_text('users.loaded_at') }} as loaded_at
from users
left join role_names on users.user_role_id = role_names.id
