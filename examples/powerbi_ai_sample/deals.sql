-- One deal per row of Opportunities.csv; everything stays text, the warehouse types it.
copy (
    with

    opportunities as (
        select * from read_csv(getvariable('raw_folder') || '/Opportunities.csv', all_varchar = true, header = true)
    ),

    campaigns as (
        select * from read_csv(getvariable('raw_folder') || '/Campaigns.csv', all_varchar = true, header = true)
    )

    select
        opportunities."OpportunitySeq" as deal_id,
        opportunities."Topic" as name,
        opportunities."AccountSeq" as account_id,
        opportunities."SystemUserSeq" as owner_id,
        -- Whether a deal is won or lost is a status here, beside the step it was in: the warehouse has a stage for each
        case
            when opportunities."Status" = 'Open' then opportunities."PipelineStep"
            else opportunities."Status"
        end as stage_id,
        opportunities."Value" as amount,
        opportunities."Product Name" as deal_type,
        -- Email, Phone or the like; most deals come from no campaign
        campaigns."Type" as lead_source,
        opportunities."Opportunity Created On" as created_at,
        opportunities."CloseDate" as close_date
    from opportunities
    left join campaigns on opportunities."CampaignSeq" = campaigns."CampaignSeq"
    order by deal_id
) to (getvariable('out_folder') || '/deals.csv') (header);
