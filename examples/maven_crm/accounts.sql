-- Accounts have no id but their name. Their sector is the segment, since the KPIs know no industry.
copy (
    with

    accounts as (
        select
            account,
            office_location,
            case sector when 'technolgy' then 'technology' else sector end as sector
        from read_csv(getvariable('raw_folder') || '/accounts.csv', all_varchar = true, header = true)
    )

    select
        account as account_id,
        account as name,
        sector as segment,
        sector as industry,
        case office_location when 'Philipines' then 'Philippines' else office_location end as region
    from accounts
    order by account_id
) to (getvariable('out_folder') || '/accounts.csv') (header);
