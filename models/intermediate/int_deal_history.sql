{% set fields = logged_fields() %}

with

deals as (
    select * from {{ ref('sales_kpis', 'int_deals_reconciled') }}
),

changes as (
    select * from {{ ref('sales_kpis', 'int_deal_changes') }}
),

stage_lookup as (
    select * from {{ ref('sales_kpis', 'int_stage_lookup') }}
),

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
),

known_changes as (
    select changes.*
    from changes
    inner join as_of on changes.changed_at < as_of.as_of_end_at
),

events as (
    select
        source_system,
        deal_id,
        created_at as valid_from,
        {%- for field in fields %}
        initial_{{ field }} as {{ field }},
        {%- endfor %}
        0 as event_rank,
        created_at as changed_at
    from deals

    union all

    -- A change at or before the creation sets the initial value
    select
        known_changes.source_system,
        known_changes.deal_id,
        greatest(known_changes.changed_at, deals.created_at) as valid_from,
        {%- for field in fields %}
        case when known_changes.field = '{{ field }}' then coalesce(known_changes.new_value, '') end as {{ field }},
        {%- endfor %}
        1 as event_rank,
        known_changes.changed_at
    from known_changes
    inner join deals on known_changes.source_system = deals.source_system and known_changes.deal_id = deals.deal_id
    -- A closing that only the row knows is the deal's last word on its stage
    where
        known_changes.field <> 'stage_id'
        or deals.added_closing_at is null
        or known_changes.changed_at <= deals.added_closing_at

    union all

    select
        source_system,
        deal_id,
        added_closing_at as valid_from,
        {%- for field in fields %}
        {{ 'added_closing_stage_id' if field == 'stage_id' else 'null' }} as {{ field }},
        {%- endfor %}
        2 as event_rank,
        added_closing_at as changed_at
    from deals
    where added_closing_at is not null
),

-- The one pass over the log: each event carries every field's latest value; '' stands for an empty one
filled as (
    select
        source_system,
        deal_id,
        valid_from,
        {%- for field in fields %}
        {{ last_known(field) }} over deal_events as {{ field }},
        {%- endfor %}
        lead(valid_from) over deal_events as valid_to
    from events
    window deal_events as (
        partition by source_system, deal_id
        order by valid_from, event_rank, changed_at
        rows between unbounded preceding and current row
    )
),

-- Of several events at one instant the last counts
states as (
    select
        source_system,
        deal_id,
        {%- for field, type in fields.items() %}
        cast(nullif({{ field }}, '') as {{ type }}) as {{ field }},
        {%- endfor %}
        valid_from,
        valid_to
    from filled
    where valid_to is null or valid_to > valid_from
),

named_fields as (
    select
        {%- for field in fields %}
        bool_or(field = '{{ field }}') as has_{{ field }},
        {%- endfor %}
        source_system
    from known_changes
    group by source_system
),

-- A closed deal's row was overwritten at its end: what its source never logs is not known for its past. Its currency
-- is kept: none would mean the reporting currency, and two currencies are never added.
placed as (
    select
        states.*,
        deals.current_stage_pipeline_id,
        deals.has_deal_log
        and coalesce(deals.current_outcome in ('won', 'lost'), false)
        and coalesce(stage_lookup.outcome, 'open') = 'open' as is_past_of_closed_deal
    from states
    inner join deals on states.source_system = deals.source_system and states.deal_id = deals.deal_id
    left join stage_lookup
        on
            states.source_system = stage_lookup.source_system
            and coalesce(states.pipeline_id, '') = stage_lookup.deal_pipeline_id
            and states.stage_id = stage_lookup.stage_id
),

emptied as (
    select
        placed.source_system,
        placed.deal_id,
        placed.valid_from,
        placed.valid_to,
        placed.stage_id,
        placed.is_deleted,
        placed.currency,
        placed.current_stage_pipeline_id,
        {%- for field in ['pipeline_id', 'owner_id', 'forecast_category', 'amount', 'close_date'] %}
        case
            when placed.is_past_of_closed_deal and not coalesce(named_fields.has_{{ field }}, false) then null
            else placed.{{ field }}
        end as {{ field }},
        {%- endfor %}
        -- Probabilities that are never logged are the stage's, in the past of open deals too
        case when coalesce(named_fields.has_probability, false) then placed.probability end as probability
    from placed
    left join named_fields on placed.source_system = named_fields.source_system
)

select
    emptied.source_system,
    emptied.deal_id,
    emptied.valid_from,
    emptied.valid_to,
    emptied.stage_id,
    emptied.pipeline_id,
    emptied.owner_id,
    emptied.currency,
    emptied.forecast_category,
    emptied.amount,
    emptied.close_date,
    emptied.is_deleted,
    -- A deal without a pipeline has its stage's; while that is unknown, the one of its current stage
    case
        when emptied.pipeline_id is not null then emptied.pipeline_id
        when stage_lookup.stage_key is not null then stage_lookup.stage_pipeline_id
        else emptied.current_stage_pipeline_id
    end as deal_pipeline_id,
    coalesce(stage_lookup.stage_key, 'unknown') as stage_key,
    stage_lookup.stage_key is not null as is_stage_known,
    coalesce(stage_lookup.outcome, 'open') as outcome,
    coalesce(emptied.probability, stage_lookup.stage_probability) as probability
from emptied
left join stage_lookup
    on
        emptied.source_system = stage_lookup.source_system
        and coalesce(emptied.pipeline_id, '') = stage_lookup.deal_pipeline_id
        and emptied.stage_id = stage_lookup.stage_id
