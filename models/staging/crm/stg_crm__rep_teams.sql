with

raw_rep_teams as (
    select * from {{ ref('sales_kpis', 'base_crm__rep_teams') }}
),

typed as (
    select
        raw_rep_teams.source_system,
        raw_rep_teams.rep_id,
        raw_rep_teams.team,
        {{ parse_date('raw_rep_teams.valid_from') }} as valid_from,
        {{ parse_timestamp('raw_rep_teams.loaded_at') }} as loaded_at,
        raw_rep_teams.valid_from as valid_from_text,
        {{ row_as_text('rep_teams', 'raw_rep_teams') }} as record_text,
        {{ unreadable_values('raw_rep_teams', {'loaded_at': parse_timestamp('raw_rep_teams.loaded_at')}) }}
            as unreadable_values
    from raw_rep_teams
),

checked as (
    select
        *,
        case
            when rep_id is null then 'missing_value|rep_id'
            when team is null then 'missing_value|team'
            when valid_from_text is null then 'missing_value|valid_from'
            when valid_from is null then 'invalid_value|valid_from'
            when valid_from < {{ earliest_date() }} then 'invalid_value|valid_from'
        end as problem
    from typed
),

ranked as (
    select
        *,
        row_number() over (
            partition by source_system, rep_id, valid_from, problem
            order by loaded_at desc nulls last, record_text desc, unreadable_values desc nulls first
        ) as version_rank
    from checked
)

select
    source_system,
    rep_id,
    team,
    valid_from,
    loaded_at,
    unreadable_values,
    {{ exclusion_columns() }}
from ranked
