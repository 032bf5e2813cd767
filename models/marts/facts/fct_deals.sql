with

deals as (
    select * from {{ ref('sales_kpis', 'int_deals_concluded') }}
),

leads as (
    select * from {{ ref('sales_kpis', 'fct_leads') }} where exclusion_reason is null and converted_deal_id is not null
),

activities as (
    select * from {{ ref('sales_kpis', 'fct_activities') }} where is_completed and not is_automated
),

accounts as (
    select * from {{ ref('sales_kpis', 'dim_accounts') }}
),

sales_reps as (
    select * from {{ ref('sales_kpis', 'dim_sales_reps') }}
),

sales_rep_teams as (
    select * from {{ ref('sales_kpis', 'dim_sales_rep_teams') }}
),

pipelines as (
    select * from {{ ref('sales_kpis', 'dim_pipelines') }}
),

stages as (
    select * from {{ ref('sales_kpis', 'dim_pipeline_stages') }}
),

fx_rates as (
    select * from {{ ref('sales_kpis', 'int_fx_rates_daily') }}
),

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
),

-- Several leads converted to one deal: the earliest speaks for it
converted_leads as (
    select
        source_system,
        converted_deal_id as deal_id,
        lead_id,
        lead_source,
        created_at,
        row_number() over (
            partition by source_system, converted_deal_id order by created_at, lead_id
        ) as lead_rank
    from leads
),

deal_activities as (
    select
        source_system,
        deal_id,
        min(occurred_at) as first_activity_at
    from activities
    where deal_id is not null
    group by source_system, deal_id
),

lead_activities as (
    select
        source_system,
        lead_id,
        min(occurred_at) as first_activity_at
    from activities
    where lead_id is not null
    group by source_system, lead_id
),

contacted as (
    select
        deals.*,
        coalesce(deals.source_system || '|' || deals.owner_id, 'unknown') as sales_rep_id,
        coalesce(deals.source_system || '|' || deals.deal_pipeline_id, 'unknown') as pipeline_id,
        coalesce(deals.lead_source, nullif(converted_leads.lead_source, 'unknown'), 'unknown') as known_lead_source,
        converted_leads.lead_id,
        coalesce(deals.closed_date, as_of.as_of_date) as placed_date,
        least(
            deals.created_at,
            coalesce(converted_leads.created_at, deals.created_at),
            coalesce(deal_activities.first_activity_at, deals.created_at),
            coalesce(lead_activities.first_activity_at, deals.created_at)
        ) as first_contact_at
    from deals
    cross join as_of
    left join converted_leads
        on
            deals.source_system = converted_leads.source_system
            and deals.deal_id = converted_leads.deal_id
            and converted_leads.lead_rank = 1
    left join deal_activities
        on
            deals.source_system = deal_activities.source_system
            and deals.deal_id = deal_activities.deal_id
    left join lead_activities
        on
            converted_leads.source_system = lead_activities.source_system
            and converted_leads.lead_id = lead_activities.lead_id
),

described as (
    select
        contacted.source_system,
        contacted.deal_id,
        contacted.deal_name,
        contacted.account_id,
        coalesce(accounts.account_name, contacted.account_id) as account_name,
        contacted.lead_id,
        contacted.sales_rep_id,
        coalesce(sales_reps.sales_rep_name, contacted.owner_id, 'unknown') as sales_rep_name,
        coalesce(sales_rep_teams.sales_team, 'unknown') as sales_team,
        contacted.pipeline_id,
        coalesce(pipelines.pipeline_name, contacted.deal_pipeline_id, 'unknown') as pipeline_name,
        contacted.stage_key as stage_id,
        coalesce(stages.stage_name, contacted.stage_id) as stage_name,
        coalesce(accounts.segment, 'unknown') as segment,
        coalesce(accounts.region, 'unknown') as region,
        contacted.known_lead_source as lead_source,
        coalesce(contacted.deal_type, 'unknown') as deal_type,
        contacted.outcome,
        contacted.forecast_category,
        contacted.probability,
        contacted.created_at,
        contacted.created_date,
        contacted.first_contact_at,
        {{ utc_as_local_date('contacted.first_contact_at') }} as first_contact_date,
        contacted.expected_close_date,
        contacted.closed_at,
        contacted.closed_date,
        contacted.currency,
        contacted.amount as amount_in_currency,
        {{ in_reporting_currency('contacted.amount', 'contacted.currency', 'fx_rates.rate') }} as amount,
        contacted.has_deal_log,
        contacted.exclusion_reason,
        contacted.exclusion_reason is null and contacted.outcome = 'won' as is_won,
        contacted.exclusion_reason is null and contacted.outcome in ('won', 'lost') as is_closed
    from contacted
    left join accounts
        on
            contacted.source_system = accounts.source_system
            and contacted.account_id = accounts.account_id
    left join sales_reps on contacted.sales_rep_id = sales_reps.sales_rep_id
    left join sales_rep_teams
        on
            contacted.sales_rep_id = sales_rep_teams.sales_rep_id
            and contacted.placed_date >= sales_rep_teams.valid_from
            and contacted.placed_date < sales_rep_teams.valid_to
    left join pipelines on contacted.pipeline_id = pipelines.pipeline_id
    left join stages on contacted.stage_key = stages.stage_key
    left join fx_rates
        on contacted.currency = fx_rates.currency and contacted.placed_date = fx_rates.rate_date
),

measured as (
    select
        *,
        case
            when is_closed
                then
                    cast(
                        {{ dbt.datediff('first_contact_date', 'closed_date', 'day') }}
                        as bigint
                    )
        end as cycle_days,
        -- An account becomes a customer once, with its first won deal
        case
            when is_won and account_id is not null
                then row_number() over (
                    partition by source_system, account_id, is_won
                    order by closed_date, created_at, deal_id
                )
        end as won_deal_number
    from described
)

select
    source_system,
    deal_id,
    deal_name,
    account_id,
    account_name,
    lead_id,
    sales_rep_id,
    sales_rep_name,
    sales_team,
    pipeline_id,
    pipeline_name,
    stage_id,
    stage_name,
    segment,
    region,
    lead_source,
    deal_type,
    outcome,
    forecast_category,
    probability,
    created_at,
    created_date,
    first_contact_at,
    first_contact_date,
    expected_close_date,
    closed_at,
    closed_date,
    cycle_days,
    currency,
    amount_in_currency,
    amount,
    has_deal_log,
    exclusion_reason,
    {{ counted("exclusion_reason is null and outcome = 'open'") }} as open_deals,
    {{ counted('is_closed') }} as closed_deals,
    {{ counted('is_won') }} as won_deals,
    {{ counted('is_won and amount is not null') }} as won_deals_with_amount,
    {{ counted('is_won and amount is null') }} as won_deals_without_amount,
    {{ counted('is_won and account_id is null') }} as won_deals_without_account,
    {{ counted('won_deal_number = 1') }} as new_customers,
    case when is_won then coalesce(amount, 0) else 0 end as won_amount,
    case when is_closed then coalesce(amount, 0) else 0 end as closed_amount,
    case when is_won then cycle_days else 0 end as total_cycle_days,
    case when is_closed then cycle_days else 0 end as total_closed_cycle_days
from measured
