{% snapshot snap_crm__deals %}

{{ config(
    enabled=sales_kpis.snapshot_sources() | length > 0,
    strategy='check',
    unique_key=['source_system', 'deal_id'],
    check_cols=sales_kpis.logged_fields() | list,
    hard_deletes='ignore'
) }}

{#- Each run adds the deals whose logged fields are not as the last one found them. It captures data, as a loader does,
    and so is the one place beside int_as_of that reads the clock. -#}
select
    source_system,
    deal_id,
    {%- for field in sales_kpis.logged_fields() %}
    cast({{ field }} as {{ dbt.type_string() }}) as {{ field }},
    {%- endfor %}
    updated_at,
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp) as seen_at
from {{ ref('sales_kpis', 'stg_crm__deals') }}
where
    exclusion_reason is null
    and source_system in ('{{ sales_kpis.snapshot_sources() | join("', '") }}')

{% endsnapshot %}
