with

sales_reps as (
    select * from {{ ref('sales_kpis', 'stg_crm__sales_reps') }} where exclusion_reason is null
),

rep_teams as (
    select * from {{ ref('sales_kpis', 'stg_crm__rep_teams') }} where exclusion_reason is null
),

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
),

known_teams as (
    select rep_teams.*
    from rep_teams
    inner join as_of on rep_teams.valid_from <= as_of.as_of_date
),

-- Before the first known team: that one
dated_teams as (
    select
        source_system,
        rep_id,
        team,
        case
            when row_number() over (partition by source_system, rep_id order by valid_from) = 1
                then cast('0001-01-01' as date)
            else valid_from
        end as valid_from,
        coalesce(
            lead(valid_from) over (partition by source_system, rep_id order by valid_from),
            cast('9999-12-31' as date)
        ) as valid_to
    from known_teams
),

undated_teams as (
    select
        sales_reps.source_system,
        sales_reps.rep_id,
        sales_reps.team,
        cast('0001-01-01' as date) as valid_from,
        cast('9999-12-31' as date) as valid_to
    from sales_reps
    left join known_teams
        on sales_reps.source_system = known_teams.source_system and sales_reps.rep_id = known_teams.rep_id
    where sales_reps.team is not null and known_teams.rep_id is null
),

unioned as (
    select * from dated_teams
    union all
    select * from undated_teams
)

select
    source_system || '|' || rep_id as sales_rep_id,
    source_system,
    rep_id,
    team as sales_team,
    valid_from,
    valid_to
from unioned
