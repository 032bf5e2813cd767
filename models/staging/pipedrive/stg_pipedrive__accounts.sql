{{ config(enabled=sales_kpis.is_source_on('pipedrive'), materialized='view') }}

with

organizations as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__organizations') }}
),

persons as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__persons') }}
),

deals as (
    select * from {{ ref('sales_kpis', 'stg_pipedrive__deals') }} where account_id like 'person-%'
),

field_options as (
    select * from {{ ref('sales_kpis', 'stg_pipedrive__field_options') }} where entity = 'organization'
),

-- Whoever buys without an organization is a customer in person; all others are contacts
customers as (
    select
        *,
        'person-' || {{ reference_id('id') }} as account_id
    from persons
),

buyers as (
    select distinct account_id from deals
)

select
    'pipedrive' as source_system,
    {{ reference_id('organizations.id') }} as account_id,
    organizations.name,
    coalesce(segments.option_label, organizations.segment) as segment,
    coalesce(industries.option_label, organizations.industry) as industry,
    coalesce(regions.option_label, organizations.region) as region,
    organizations.add_time as created_at,
    organizations.update_time as updated_at,
    organizations.loaded_at
from organizations
left join field_options as segments
    on
        organizations.segment = segments.option_id
        and segments.field_key = '{{ pipedrive_field_key("organizations.segment") }}'
left join field_options as industries
    on
        organizations.industry = industries.option_id
        and industries.field_key = '{{ pipedrive_field_key("organizations.industry") }}'
left join field_options as regions
    on
        organizations.region = regions.option_id
        and regions.field_key = '{{ pipedrive_field_key("organizations.region") }}'

union all

select
    'pipedrive' as source_system,
    customers.account_id,
    customers.name,
    customers.segment,
    cast(null as {{ dbt.type_string() }}) as industry,
    customers.region,
    customers.add_time as created_at,
    customers.update_time as updated_at,
    customers.loaded_at
from customers
inner join buyers on customers.account_id = buyers.account_id
