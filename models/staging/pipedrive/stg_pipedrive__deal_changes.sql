{{ config(enabled=sales_kpis.is_source_on('pipedrive'), materialized='view') }}

with

deal_log as (
    select * from {{ ref('sales_kpis', 'stg_pipedrive__deal_log') }}
),

deals as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__deals') }}
),

archived_deals as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__deals_archived') }}
),

stages as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__stages') }}
),

all_deals as (
    select * from deals
    union all
    select * from archived_deals
),

dated_deals as (
    select
        {{ reference_id('id') }} as deal_id,
        {{ reference_id('stage_id') }} as stage_id,
        expected_close_date,
        lower(status) as status,
        case lower(status)
            when 'won' then coalesce(won_time, close_time)
            when 'lost' then coalesce(lost_time, close_time)
        end as closed_at,
        row_number() over (
            partition by {{ reference_id('id') }}
            order by
                {{ parse_timestamp('update_time') }} desc nulls last,
                coalesce(version_from, loaded_at) desc nulls last
        ) as version_rank
    from all_deals
),

current_deals as (
    select * from dated_deals where version_rank = 1
),

stage_pipelines as (
    select
        {{ reference_id('id') }} as stage_id,
        max({{ reference_id('pipeline_id') }}) as pipeline_id
    from stages
    group by {{ reference_id('id') }}
),

numbered as (
    select
        *,
        row_number() over (
            partition by deal_id
            order by
                {{ parse_timestamp('changed_at') }},
                {{ parse_decimal('change_id', 38, 0) }},
                change_id,
                case field when 'stage_id' then 1 when 'expected_close_date' then 2 when 'status' then 3 else 4 end
        ) as step,
        max(case when field = 'pipeline_id' then 1 else 0 end) over (partition by deal_id) = 1 as has_pipeline_changes,
        field = 'status' and new_value in ('won', 'lost') and coalesce(old_value, 'open') <> 'deleted' as is_closing
    from deal_log
),

-- '' stands for an empty value, NULL for none logged so far. A deal that is deleted keeps its status.
preceded as (
    select
        *,
        {{ last_known("case when field = 'stage_id' then coalesce(new_value, '') end") }} over earlier
            as logged_stage_id,
        {{ last_known("case when field = 'expected_close_date' then coalesce(new_value, '') end") }} over earlier
            as logged_expected_date,
        {{ last_known("case when field = 'status' and new_value in ('open', 'won', 'lost') then new_value end") }}
            over earlier as logged_status,
        {{ last_known("case when is_closing then changed_at end") }} over earlier as logged_closed_at
    from numbered
    window earlier as (partition by deal_id order by step rows between unbounded preceding and 1 preceding)
),

first_values as (
    select
        deal_id,
        min_by(coalesce(old_value, ''), step) filter (where field = 'stage_id') as stage_id,
        min_by(coalesce(old_value, ''), step) filter (where field = 'expected_close_date') as expected_date,
        min_by(
            case when old_value in ('won', 'lost') then old_value else 'open' end, step
        ) filter (where field = 'status' and new_value in ('open', 'won', 'lost')) as status,
        max(step) filter (where is_closing) as last_closing_step
    from numbered
    group by deal_id
),

-- What the deal was just before each change
situated as (
    select
        preceded.*,
        nullif(coalesce(preceded.logged_stage_id, first_values.stage_id, current_deals.stage_id), '') as open_stage_id,
        nullif(
            coalesce(preceded.logged_expected_date, first_values.expected_date, current_deals.expected_close_date), ''
        ) as expected_date,
        coalesce(preceded.logged_status, first_values.status, current_deals.status, 'open') as status_before,
        case
            when preceded.step = first_values.last_closing_step and preceded.new_value = current_deals.status
                then current_deals.closed_at
        end as known_closed_at
    from preceded
    left join first_values on preceded.deal_id = first_values.deal_id
    left join current_deals on preceded.deal_id = current_deals.deal_id
),

judged as (
    select
        *,
        status_before in ('won', 'lost') as was_closed,
        case when new_value in ('open', 'won', 'lost') then new_value else status_before end as status_after,
        coalesce(known_closed_at, changed_at) as closed_at
    from situated
),

status_changes as (
    select * from judged where field = 'status' and status_after <> status_before
),

deletions as (
    select * from judged
    where
        field = 'status'
        and coalesce(old_value = 'deleted', false) <> coalesce(new_value = 'deleted', false)
),

-- Moving into a stage of another pipeline moves the deal there, whether the log says so or not
pipeline_moves as (
    select
        judged.*,
        old_stages.pipeline_id as old_pipeline_id,
        new_stages.pipeline_id as new_pipeline_id
    from judged
    inner join stage_pipelines as old_stages on judged.old_value = old_stages.stage_id
    inner join stage_pipelines as new_stages on judged.new_value = new_stages.stage_id
    where
        judged.field = 'stage_id'
        and not judged.has_pipeline_changes
        and old_stages.pipeline_id <> new_stages.pipeline_id
),

changes as (
    -- Stage and expected date of a closed deal can still change on the board: not what it is in, nor when it closed
    select
        change_id,
        deal_id,
        case
            when field = 'stage_id' and was_closed then 'stage_id_while_closed'
            when field = 'expected_close_date' and was_closed then 'expected_close_date_while_closed'
            when field = 'expected_close_date' then 'close_date'
            else field
        end as field,
        old_value,
        new_value,
        changed_at,
        loaded_at
    from judged

    union all

    select
        change_id,
        deal_id,
        'stage_id' as field,
        case when was_closed then status_before else open_stage_id end as old_value,
        case when status_after in ('won', 'lost') then status_after else open_stage_id end as new_value,
        changed_at,
        loaded_at
    from status_changes

    union all

    -- A closing puts its own date in the place of the expected one, reopening puts that back
    select
        change_id,
        deal_id,
        'close_date' as field,
        case when was_closed then logged_closed_at else expected_date end as old_value,
        case when status_after in ('won', 'lost') then closed_at else expected_date end as new_value,
        changed_at,
        loaded_at
    from status_changes

    union all

    select
        change_id,
        deal_id,
        'is_deleted' as field,
        case when old_value = 'deleted' then 'true' else 'false' end as old_value,
        case when new_value = 'deleted' then 'true' else 'false' end as new_value,
        changed_at,
        loaded_at
    from deletions

    union all

    select
        change_id,
        deal_id,
        'pipeline_id' as field,
        old_pipeline_id as old_value,
        new_pipeline_id as new_value,
        changed_at,
        loaded_at
    from pipeline_moves
)

select
    'pipedrive' as source_system,
    change_id,
    deal_id,
    field,
    old_value,
    new_value,
    changed_at,
    loaded_at
from changes
