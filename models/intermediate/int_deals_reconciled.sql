{% set fields = logged_fields() %}

with

deals as (
    select * from {{ ref('sales_kpis', 'int_deals_rolled_back') }}
),

changes as (
    select * from {{ ref('sales_kpis', 'int_deal_changes') }}
),

sources as (
    select * from {{ ref('sales_kpis', 'int_sources') }}
),

stage_lookup as (
    select * from {{ ref('sales_kpis', 'int_stage_lookup') }}
),

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
),

-- '' stands for an empty value, NULL for no such change
logged as (
    select
        deals.source_system,
        deals.deal_id,
        {%- for field in fields %}
        min_by(coalesce(changes.old_value, ''), changes.changed_at) filter (
            where changes.field = '{{ field }}' and changes.changed_at > deals.created_at
        ) as first_{{ field }},
        {%- endfor %}
        {%- for field in ['stage_id', 'pipeline_id', 'close_date', 'probability'] %}
        max_by(coalesce(changes.new_value, ''), changes.changed_at) filter (
            where changes.field = '{{ field }}'
        ) as last_{{ field }},
        {%- endfor %}
        max(changes.changed_at) filter (where changes.field = 'stage_id') as last_stage_change_at
    from changes
    inner join as_of on changes.changed_at < as_of.as_of_end_at
    inner join deals on changes.source_system = deals.source_system and changes.deal_id = deals.deal_id
    group by deals.source_system, deals.deal_id
),

-- A closing is believed whoever knows it: the log, or only the row
compared as (
    select
        deals.*,
        logged.last_stage_change_at,
        coalesce(logged.last_probability, deals.probability) as current_probability,
        coalesce(logged.last_pipeline_id, deals.pipeline_id, '') as current_pipeline_id,
        cast(nullif(logged.last_close_date, '') as date) as logged_close_date,
        logged.last_close_date is not null as has_close_date_changes,
        cast(deals.close_date as date) as row_close_date,
        {%- for field in fields %}
        coalesce(logged.first_{{ field }}, deals.{{ field }}, '') as initial_{{ field }},
        {%- endfor %}
        row_stages.outcome as row_outcome,
        row_stages.stage_pipeline_id as row_stage_pipeline_id,
        logged_stages.outcome as logged_outcome,
        logged_stages.stage_pipeline_id as logged_stage_pipeline_id
    from deals
    left join logged on deals.source_system = logged.source_system and deals.deal_id = logged.deal_id
    left join stage_lookup as row_stages
        on
            deals.source_system = row_stages.source_system
            and coalesce(logged.last_pipeline_id, deals.pipeline_id, '') = row_stages.deal_pipeline_id
            and deals.stage_id = row_stages.stage_id
    left join stage_lookup as logged_stages
        on
            deals.source_system = logged_stages.source_system
            and coalesce(logged.last_pipeline_id, deals.pipeline_id, '') = logged_stages.deal_pipeline_id
            and logged.last_stage_id = logged_stages.stage_id
),

judged as (
    select
        *,
        last_stage_change_at is not null as has_stage_changes,
        coalesce(row_outcome in ('won', 'lost'), false)
        and coalesce(last_stage_change_at is null or coalesce(logged_outcome, 'open') = 'open', true)
            as is_closing_only_in_row
    from compared
),

-- The row that closed the deal also knows when; otherwise the log has the last word
dated as (
    select
        *,
        case
            when is_closing_only_in_row then coalesce(row_close_date, logged_close_date)
            when has_close_date_changes then logged_close_date
            else row_close_date
        end as current_close_date,
        is_closing_only_in_row or not has_stage_changes as is_row_believed
    from judged
),

closings_to_add as (
    select dated.*
    from dated
    cross join as_of
    where
        dated.is_closing_only_in_row
        and dated.current_close_date between dated.created_date and as_of.as_of_date
),

-- On its closed date, but after the stages entered that day
added_closings as (
    select
        closings_to_add.source_system,
        closings_to_add.deal_id,
        greatest(
            {{ local_midnight_as_utc('closings_to_add.current_close_date') }},
            closings_to_add.created_at,
            max(changes.changed_at)
        ) as added_closing_at
    from closings_to_add
    left join changes
        on
            closings_to_add.source_system = changes.source_system
            and closings_to_add.deal_id = changes.deal_id
            and changes.field = 'stage_id'
            and changes.changed_at
            < {{ local_midnight_as_utc("closings_to_add.current_close_date + interval 1 day") }}
    group by
        closings_to_add.source_system,
        closings_to_add.deal_id,
        closings_to_add.current_close_date,
        closings_to_add.created_at
)

select
    dated.source_system,
    dated.deal_id,
    dated.deal_name,
    dated.account_id,
    dated.deal_type,
    dated.lead_source,
    dated.merged_into_deal_id,
    dated.created_date,
    dated.created_at,
    sources.has_deal_log,
    {%- for field in fields if field != 'stage_id' %}
    dated.initial_{{ field }},
    {%- endfor %}
    -- Nobody knows the stages before a closing that only the row knows
    case
        when dated.is_closing_only_in_row and not dated.has_stage_changes then ''
        else dated.initial_stage_id
    end as initial_stage_id,
    cast(nullif(dated.current_probability, '') as {{ type_probability() }}) as current_probability,
    dated.current_close_date,
    case when dated.is_row_believed then dated.row_outcome else dated.logged_outcome end as current_outcome,
    case
        when dated.is_row_believed then dated.row_stage_pipeline_id else dated.logged_stage_pipeline_id
    end as current_stage_pipeline_id,
    dated.is_closing_only_in_row,
    -- Judged by the row as of then: a stage emptied later was there before
    dated.stage_id is null as is_stage_missing,
    added_closings.added_closing_at,
    case when added_closings.added_closing_at is not null then dated.stage_id end as added_closing_stage_id
from dated
inner join sources on dated.source_system = sources.source_system
left join added_closings
    on dated.source_system = added_closings.source_system and dated.deal_id = added_closings.deal_id
