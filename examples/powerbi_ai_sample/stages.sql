-- Each step, such as '1-Qualify', carries its order and has one probability throughout; won and lost are added.
copy (
    with

    opportunities as (
        select * from read_csv(getvariable('raw_folder') || '/Opportunities.csv', all_varchar = true, header = true)
    ),

    stages as (
        select distinct
            "PipelineStep" as stage_id,
            regexp_replace("PipelineStep", '^[0-9]+-', '') as stage_name,
            cast(regexp_extract("PipelineStep", '^[0-9]+') as integer) as stage_order,
            "Probability" as probability,
            'open' as outcome
        from opportunities
        union all
        values
        ('Won', 'Won', 98, '1', 'won'),
        ('Lost', 'Lost', 99, '0', 'lost')
    )

    select * from stages
    order by stage_order
) to (getvariable('out_folder') || '/stages.csv') (header);
