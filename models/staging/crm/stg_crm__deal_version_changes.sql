{{ config(enabled=sales_kpis.snapshot_sources() | length > 0, materialized='view') }}

{% set fields = logged_fields() %}

with

versions as (
    select * from {{ ref('sales_kpis', 'base_crm__deal_versions') }}
),

tables as (
    select * from {{ ref('sales_kpis', 'base_crm__tables') }}
    where table_name = 'deal_changes' and history_began_at is not null
),

fields as (
    {%- for field in fields %}
    select '{{ field }}' as field
    {{- ' union all' if not loop.last }}
    {%- endfor %}
),

version_values as (
    select
        versions.source_system,
        versions.deal_id,
        fields.field,
        case fields.field
            {%- for field in fields %}
            when '{{ field }}' then versions.{{ field }}
            {%- endfor %}
        end as value,
        versions.updated_at,
        versions.seen_at
    from versions
    -- A source that has a log of its own needs none from here
    inner join tables on versions.source_system = tables.source_system
    cross join fields
),

compared as (
    select
        *,
        lag(value) over deal_versions as value_before,
        lag(seen_at) over deal_versions as seen_before_at
    from version_values
    window deal_versions as (partition by source_system, deal_id, field order by seen_at)
)

select
    source_system,
    cast(null as {{ dbt.type_string() }}) as change_id,
    deal_id,
    field,
    value_before as old_value,
    value as new_value,
    -- The CRM says when the deal was changed last: believed if that lies between the two looks at it
    cast(
        case when updated_at > seen_before_at and updated_at <= seen_at then updated_at else seen_at end
        as {{ dbt.type_string() }}
    ) as changed_at,
    cast(seen_at as {{ dbt.type_string() }}) as loaded_at
from compared
where seen_before_at is not null and value is distinct from value_before
