{{ config(enabled=sales_kpis.is_source_on('hubspot'), materialized='view') }}

with

live_deals as (
    select * from {{ ref('sales_kpis', 'base_hubspot__deal') }}
),

archived_deals as (
    select * from {{ ref('sales_kpis', 'base_hubspot__deal_archived') }}
),

deal_companies as (
    select * from {{ ref('sales_kpis', 'base_hubspot__deal_company') }}
),

merged_deals as (
    select * from {{ ref('sales_kpis', 'base_hubspot__merged_deal') }}
),

all_deals as (
    select
        *,
        'false' as is_archived
    from live_deals
    union all
    select
        *,
        'true' as is_archived
    from archived_deals
),

-- 5 and 6 are HubSpot's own types for a deal's primary company, seen from either side
linked_companies as (
    select
        deal_id,
        company_id,
        case
            when type_id in ('5', '6') and coalesce(category, 'HUBSPOT_DEFINED') = 'HUBSPOT_DEFINED' then 1
            else 2
        end as preference
    from deal_companies
    union all
    select
        deal_id,
        {{ json_items('company_ids') }} as company_id,
        2 as preference
    from all_deals
),

-- Ids are numbers: the shorter one is the lower
chosen_companies as (
    select
        deal_id,
        company_id
    from linked_companies
    qualify row_number() over (partition by deal_id order by preference, length(company_id), company_id) = 1
),

merges as (
    select
        deal_id,
        merged_deal_id
    from merged_deals
    union all
    select
        deal_id,
        {{ separated_items('merged_deal_ids', ';') }} as merged_deal_id
    from all_deals
),

survivors as (
    select
        merged_deal_id,
        max(deal_id) as deal_id
    from merges
    where deal_id <> merged_deal_id
    group by merged_deal_id
)

select
    'hubspot' as source_system,
    all_deals.deal_id,
    all_deals.name,
    coalesce(all_deals.account_id, chosen_companies.company_id) as account_id,
    all_deals.owner_id,
    all_deals.pipeline_id,
    all_deals.stage_id,
    all_deals.amount,
    all_deals.currency,
    all_deals.probability,
    all_deals.deal_type,
    all_deals.lead_source,
    all_deals.forecast_category,
    {{ epoch_as_instant('all_deals.created_at') }} as created_at,
    {{ epoch_as_instant('all_deals.close_date') }} as close_date,
    case
        when all_deals.is_archived = 'true' then 'true'
        when {{ parse_boolean('all_deals.is_removed') }} then all_deals.is_removed
        else all_deals.is_deleted
    end as is_deleted,
    survivors.deal_id as merged_into_deal_id,
    {{ epoch_as_instant('coalesce(all_deals.archived_at, all_deals.updated_at)') }} as updated_at,
    {{ epoch_as_instant('all_deals.loaded_at') }} as loaded_at
from all_deals
left join chosen_companies on all_deals.deal_id = chosen_companies.deal_id
left join survivors on all_deals.deal_id = survivors.merged_deal_id
