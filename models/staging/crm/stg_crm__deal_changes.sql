with

raw_deal_changes as (
    select * from {{ ref('sales_kpis', 'base_crm__deal_changes') }}
),

probability_scales as (
    select
        source_system,
        coalesce(
            {{ is_percent_scale('old_value') }} or {{ is_percent_scale('new_value') }}, false
        ) as is_percent
    from raw_deal_changes
    where lower(field) = 'probability'
    group by source_system
),

-- Values become text in one spelling, so that 100 and 100.00 are the same amount whatever wrote them
typed as (
    select
        raw_deal_changes.source_system,
        raw_deal_changes.change_id,
        raw_deal_changes.deal_id,
        lower(raw_deal_changes.field) as field,
        {{ parse_logged_value('raw_deal_changes.old_value') }} as old_value,
        {{ parse_logged_value('raw_deal_changes.new_value') }} as new_value,
        {{ parse_timestamp('raw_deal_changes.changed_at') }} as changed_at,
        {{ parse_timestamp('raw_deal_changes.loaded_at') }} as loaded_at,
        raw_deal_changes.changed_at as changed_at_text,
        {{ row_as_text('deal_changes', 'raw_deal_changes') }} as record_text,
        {{ unreadable_values('raw_deal_changes', {
            'old_value': parse_logged_value('raw_deal_changes.old_value'),
            'new_value': parse_logged_value('raw_deal_changes.new_value'),
            'loaded_at': parse_timestamp('raw_deal_changes.loaded_at'),
        }) }} as unreadable_values
    from raw_deal_changes
    left join probability_scales on raw_deal_changes.source_system = probability_scales.source_system
),

checked as (
    select
        *,
        case
            when deal_id is null then 'missing_value|deal_id'
            when field is null then 'missing_value|field'
            when changed_at_text is null then 'missing_value|changed_at'
            when changed_at is null then 'invalid_value|changed_at'
            when {{ utc_as_local_date('changed_at') }} < {{ earliest_date() }} then 'invalid_value|changed_at'
        end as problem
    from typed
),

ranked as (
    select
        *,
        row_number() over (
            partition by record_text, problem
            order by loaded_at desc nulls last, unreadable_values desc nulls first
        ) as version_rank
    from checked
)

select
    source_system,
    change_id,
    deal_id,
    field,
    old_value,
    new_value,
    changed_at,
    unreadable_values,
    {{ exclusion_columns(later_reason="case when field not in " ~ logged_fields_in_sql() ~ " then 'other_field' end") }}
from ranked
