-- One deal per row of sales_pipeline.csv; everything stays text, the warehouse types it.
copy (
    select
        opportunity_id as deal_id,
        account as account_id,
        sales_agent as owner_id,
        deal_stage as stage_id,
        -- A lost deal's 0 is what it brought in; what it was worth is not in the data
        case when deal_stage = 'Won' then close_value end as amount,
        -- The product list says GTX Pro
        case product when 'GTXPro' then 'GTX Pro' else product end as deal_type,
        -- The first date that the data knows; a prospect that nobody has engaged yet has none
        engage_date as created_at,
        close_date
    from read_csv(getvariable('raw_folder') || '/sales_pipeline.csv', all_varchar = true, header = true)
    order by deal_id
) to (getvariable('out_folder') || '/deals.csv') (header);
