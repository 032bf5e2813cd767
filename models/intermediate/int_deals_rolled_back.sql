{% set fields = logged_fields() %}

with

deals as (
    select * from {{ ref('sales_kpis', 'stg_crm__deals') }} where exclusion_reason is null
),

changes as (
    select * from {{ ref('sales_kpis', 'int_deal_changes') }}
),

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
),

-- '' stands for an empty value, NULL for no change after the as-of date
values_before_later_changes as (
    select
        {%- for field in fields %}
        min_by(coalesce(changes.old_value, ''), changes.changed_at) filter (
            where changes.field = '{{ field }}'
        ) as {{ field }},
        {%- endfor %}
        changes.source_system,
        changes.deal_id
    from changes
    inner join as_of on changes.changed_at >= as_of.as_of_end_at
    group by changes.source_system, changes.deal_id
)

select
    deals.source_system,
    deals.deal_id,
    deals.deal_name,
    deals.account_id,
    deals.deal_type,
    deals.lead_source,
    deals.merged_into_deal_id,
    {%- for field in fields %}
    nullif(
        coalesce(values_before_later_changes.{{ field }}, cast(deals.{{ field }} as {{ dbt.type_string() }})), ''
    ) as {{ field }},
    {%- endfor %}
    deals.created_date,
    deals.created_at
from deals
inner join as_of on deals.created_at < as_of.as_of_end_at
left join values_before_later_changes
    on
        deals.source_system = values_before_later_changes.source_system
        and deals.deal_id = values_before_later_changes.deal_id
