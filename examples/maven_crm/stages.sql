-- The data has no table of stages: these are the four values of deal_stage, in the order of the sale.
copy (
    select stages.*
    from (
        values
        ('Prospecting', 'Prospecting', 1, 'open'),
        ('Engaging', 'Engaging', 2, 'open'),
        ('Won', 'Won', 3, 'won'),
        ('Lost', 'Lost', 4, 'lost')
    ) as stages (stage_id, stage_name, stage_order, outcome)
    order by stage_order
) to (getvariable('out_folder') || '/stages.csv') (header);
