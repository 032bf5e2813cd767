-- Deals name an account by AccountSeq. Its industry is the segment, since the KPIs know no industry.
copy (
    with

    accounts as (
        select
            "AccountSeq" as account_id,
            -- Some names hold two blanks
            regexp_replace("Account Name", '\s+', ' ', 'g') as name,
            case "Industry"
                when 'n/a' then null
                when 'Biotechnology: Commercial Physical & Biological Resarch'
                    then 'Biotechnology: Commercial Physical & Biological Research'
                else "Industry"
            end as industry,
            "Region" as region
        from read_csv(getvariable('raw_folder') || '/Accounts.csv', all_varchar = true, header = true)
    )

    select
        account_id,
        name,
        industry as segment,
        industry,
        region
    from accounts
    order by account_id
) to (getvariable('out_folder') || '/accounts.csv') (header);
