-- A manager stands as 'Low, Spencer' and is an owner too, by the name of 'Spencer Low': a team is a manager's.
copy (
    with

    owners as (
        select
            "SystemUserSeq" as rep_id,
            "Sales owner" as name,
            regexp_replace("Manager", '^(.*), (.*)$', '\2 \1') as manager_name
        from read_csv(getvariable('raw_folder') || '/Owners.csv', all_varchar = true, header = true)
    )

    select
        owners.rep_id,
        owners.name,
        owners.manager_name as team,
        -- The managers stand under themselves
        nullif(managers.rep_id, owners.rep_id) as manager_id
    from owners
    left join owners as managers on owners.manager_name = managers.name
    order by owners.rep_id
) to (getvariable('out_folder') || '/sales_reps.csv') (header);
