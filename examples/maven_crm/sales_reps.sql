-- Agents have no id but their name; a team is a regional office. The managers own no deals, and are reps
-- only so that every manager_id has its record.
copy (
    with

    agents as (
        select * from read_csv(getvariable('raw_folder') || '/sales_teams.csv', all_varchar = true, header = true)
    )

    select
        sales_agent as rep_id,
        sales_agent as name,
        regional_office as team,
        manager as manager_id
    from agents
    union all
    select distinct
        manager as rep_id,
        manager as name,
        regional_office as team,
        null as manager_id
    from agents
    order by rep_id
) to (getvariable('out_folder') || '/sales_reps.csv') (header);
