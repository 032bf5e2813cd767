with

deals as (
    select * from {{ ref('sales_kpis', 'int_deals_reconciled') }}
),

history as (
    select * from {{ ref('sales_kpis', 'int_deal_history') }} where valid_to is null
),

visits as (
    select * from {{ ref('sales_kpis', 'int_stage_visits') }} where exited_at is null
),

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
),

closed as (
    select
        deals.*,
        deals.current_outcome in ('won', 'lost') as is_closed,
        history.stage_id,
        history.stage_key,
        history.is_stage_known,
        history.deal_pipeline_id,
        history.amount,
        history.currency,
        coalesce(deals.current_probability, history.probability) as probability,
        history.forecast_category,
        history.is_deleted,
        case when visits.outcome in ('won', 'lost') then visits.entered_at end as closed_at,
        -- A closed deal belongs to whoever owned it when it entered its closed stage
        case when visits.outcome in ('won', 'lost') then visits.owner_id else history.owner_id end as owner_id,
        case
            when coalesce(deals.current_outcome, 'open') = 'open' then null
            when deals.current_close_date is not null then deals.current_close_date
            when not deals.is_closing_only_in_row then {{ utc_as_local_date('visits.entered_at') }}
        end as closed_date
    from deals
    inner join history on deals.source_system = history.source_system and deals.deal_id = history.deal_id
    inner join visits on deals.source_system = visits.source_system and deals.deal_id = visits.deal_id
)

select
    closed.source_system,
    closed.deal_id,
    closed.deal_name,
    closed.account_id,
    closed.owner_id,
    closed.deal_pipeline_id,
    closed.stage_id,
    closed.stage_key,
    closed.deal_type,
    closed.lead_source,
    closed.forecast_category,
    closed.currency,
    closed.amount,
    closed.probability,
    coalesce(closed.current_outcome, 'open') as outcome,
    closed.has_deal_log,
    closed.is_stage_missing,
    closed.is_closing_only_in_row,
    case when not coalesce(closed.is_closed, false) then closed.current_close_date end as expected_close_date,
    closed.created_date,
    closed.created_at,
    closed.closed_date,
    closed.closed_at,
    case
        when closed.is_stage_missing then 'missing_value'
        when closed.is_closed and closed.closed_date is null then 'missing_value'
        when closed.is_deleted then 'deleted'
        when closed.merged_into_deal_id is not null then 'merged'
        when closed.current_outcome is null then 'unknown_stage'
        when closed.closed_date > as_of.as_of_date then 'closed_in_future'
        when closed.closed_date < closed.created_date then 'closed_before_created'
    end as exclusion_reason
from closed
cross join as_of
