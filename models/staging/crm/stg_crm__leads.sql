{#- A date before all others is a placeholder for none -#}
{% set qualified_at %}
        case
            when {{ utc_as_local_date(parse_timestamp('raw_leads.qualified_at')) }} >= {{ earliest_date() }}
                then {{ parse_timestamp('raw_leads.qualified_at') }}
        end
{%- endset %}

with

raw_leads as (
    select * from {{ ref('sales_kpis', 'base_crm__leads') }}
),

typed as (
    select
        raw_leads.source_system,
        raw_leads.lead_id,
        raw_leads.owner_id,
        raw_leads.source as lead_source,
        raw_leads.segment,
        raw_leads.region,
        raw_leads.status as lead_status,
        raw_leads.converted_deal_id,
        raw_leads.converted_account_id,
        raw_leads.merged_into_lead_id,
        {{ parse_boolean('raw_leads.is_deleted') }} as is_deleted,
        {{ parse_timestamp('raw_leads.created_at') }} as created_at,
        {{ qualified_at }} as qualified_at,
        {{ parse_timestamp('raw_leads.converted_at') }} as converted_at,
        {{ parse_timestamp('raw_leads.updated_at') }} as updated_at,
        {{ parse_timestamp('raw_leads.loaded_at') }} as loaded_at,
        raw_leads.created_at as created_at_text,
        {{ row_as_text('leads', 'raw_leads') }} as record_text,
        {{ unreadable_values('raw_leads', {
            'is_deleted': parse_boolean('raw_leads.is_deleted'),
            'qualified_at': qualified_at,
            'converted_at': parse_timestamp('raw_leads.converted_at'),
            'updated_at': parse_timestamp('raw_leads.updated_at'),
            'loaded_at': parse_timestamp('raw_leads.loaded_at'),
        }) }} as unreadable_values
    from raw_leads
),

checked as (
    select
        *,
        {{ utc_as_local_date('created_at') }} as created_date,
        case
            when lead_id is null then 'missing_value|lead_id'
            when created_at_text is null then 'missing_value|created_at'
            when created_at is null then 'invalid_value|created_at'
            when {{ utc_as_local_date('created_at') }} < {{ earliest_date() }} then 'invalid_value|created_at'
        end as problem
    from typed
),

ranked as (
    select
        *,
        row_number() over (
            partition by source_system, lead_id, problem
            order by
                updated_at desc nulls last,
                loaded_at desc nulls last,
                record_text desc,
                unreadable_values desc nulls first
        ) as version_rank
    from checked
)

select
    source_system,
    lead_id,
    owner_id,
    lead_source,
    segment,
    region,
    lead_status,
    converted_deal_id,
    converted_account_id,
    merged_into_lead_id,
    is_deleted,
    created_date,
    created_at,
    qualified_at,
    converted_at,
    updated_at,
    loaded_at,
    unreadable_values,
    {{ exclusion_columns() }}
from ranked
