{{ config(enabled=sales_kpis.is_source_on('pipedrive'), materialized='view') }}

with

deal_fields as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__deal_fields') }}
),

organization_fields as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__organization_fields') }}
),

fields as (
    select
        'deal' as entity,
        key as field_key,
        options
    from deal_fields
    union all
    select
        'organization' as entity,
        key as field_key,
        options
    from organization_fields
),

options as (
    select
        entity,
        field_key,
        {{ nested_elements('options') }} as option_text
    from fields
    where options is not null
),

named as (
    select
        entity,
        field_key,
        {{ nested_value('option_text', ['id']) }} as option_id,
        {{ nested_value('option_text', ['label']) }} as option_label
    from options
)

select
    entity,
    field_key,
    option_id,
    max(option_label) as option_label
from named
where option_id is not null
group by entity, field_key, option_id
