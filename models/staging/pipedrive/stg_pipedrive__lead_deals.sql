{{ config(enabled=sales_kpis.is_source_on('pipedrive'), materialized='view') }}

with

leads as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__leads') }}
),

deals as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__deals') }}
),

archived_deals as (
    select * from {{ ref('sales_kpis', 'base_pipedrive__deals_archived') }}
),

all_deals as (
    select * from deals
    union all
    select * from archived_deals
),

deals_once as (
    select
        {{ reference_id('id') }} as deal_id,
        max(lead_id) as lead_id,
        min(add_time) as deal_created_at
    from all_deals
    group by {{ reference_id('id') }}
),

-- Pipedrive keeps no link between a lead and its deal: a custom field of the lead or of the deal has to name the other
links as (
    select
        id as lead_id,
        {{ reference_id('converted_deal_id') }} as deal_id,
        1 as preference
    from leads
    where converted_deal_id is not null
    union all
    select
        lead_id,
        deal_id,
        2 as preference
    from deals_once
    where lead_id is not null
),

ranked as (
    select
        links.lead_id,
        links.deal_id,
        deals_once.deal_created_at,
        row_number() over (
            partition by links.lead_id order by links.preference, deals_once.deal_created_at, links.deal_id
        ) as link_rank
    from links
    left join deals_once on links.deal_id = deals_once.deal_id
)

select
    lead_id,
    deal_id,
    deal_created_at
from ranked
where link_rank = 1
