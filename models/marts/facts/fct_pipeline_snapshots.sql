{% set grain = var('pipeline_snapshot_grain') %}

with

history as (
    select * from {{ ref('sales_kpis', 'int_deal_history') }} where outcome = 'open'
),

deals as (
    select * from {{ ref('sales_kpis', 'fct_deals') }} where exclusion_reason is null
),

dates as (
    select * from {{ ref('sales_kpis', 'dim_dates') }}
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

sources as (
    select * from {{ ref('sales_kpis', 'int_sources') }}
),

-- Openings show the state just before their date begins; the current snapshot, the state as the as-of date ends
snapshot_moments as (
    select
        'opening' as snapshot_type,
        dates.date_day as snapshot_date,
        cast(dates.date_day - interval 1 day as date) as state_date,
        dates.month_start_date as snapshot_month,
        {{ local_midnight_as_utc('dates.date_day') }} as snapshot_at
    from dates
    inner join as_of on dates.date_day <= as_of.as_of_date
    where dates.date_day in (dates.month_start_date, cast(date_trunc('{{ grain }}', dates.date_day) as date))

    union all

    select
        'current' as snapshot_type,
        as_of_date as snapshot_date,
        as_of_date as state_date,
        cast(date_trunc('month', as_of_date) as date) as snapshot_month,
        as_of_end_at as snapshot_at
    from as_of
),

-- A state meets the snapshots of the months that it touches: joining by month spares comparing each state with each
-- snapshot. A day on either side leaves room for time zones.
touched_months as (
    select
        history.source_system,
        history.deal_id,
        history.valid_from,
        history.valid_to,
        {{ month_series(
            "cast(history.valid_from - interval 1 day as date)",
            "cast(coalesce(history.valid_to, as_of.as_of_end_at) + interval 1 day as date)"
        ) }} as month_start_date
    from history
    cross join as_of
),

states_at_snapshots as (
    select
        touched_months.source_system,
        touched_months.deal_id,
        touched_months.valid_from,
        snapshot_moments.snapshot_type,
        snapshot_moments.snapshot_date,
        snapshot_moments.state_date
    from touched_months
    inner join snapshot_moments on touched_months.month_start_date = snapshot_moments.snapshot_month
    where
        touched_months.valid_from < snapshot_moments.snapshot_at
        and (touched_months.valid_to is null or touched_months.valid_to >= snapshot_moments.snapshot_at)
),

snapshots as (
    select
        states_at_snapshots.snapshot_type,
        states_at_snapshots.snapshot_date,
        states_at_snapshots.state_date,
        history.*,
        deals.deal_name,
        deals.account_id,
        deals.account_name,
        deals.segment,
        deals.region,
        deals.lead_source,
        deals.deal_type,
        deals.has_deal_log,
        deals.has_deal_log
        and coalesce(states_at_snapshots.snapshot_date >= sources.history_known_from, true) as is_history_known,
        coalesce(history.source_system || '|' || history.owner_id, 'unknown') as sales_rep_id,
        coalesce(history.source_system || '|' || history.deal_pipeline_id, 'unknown') as pipeline_id_of_deal
    from states_at_snapshots
    inner join history
        on
            states_at_snapshots.source_system = history.source_system
            and states_at_snapshots.deal_id = history.deal_id
            and states_at_snapshots.valid_from = history.valid_from
    inner join deals
        on
            states_at_snapshots.source_system = deals.source_system
            and states_at_snapshots.deal_id = deals.deal_id
    left join sources on states_at_snapshots.source_system = sources.source_system
),

described as (
    select
        snapshots.source_system,
        snapshots.deal_id,
        snapshots.snapshot_type,
        snapshots.snapshot_date,
        snapshots.state_date,
        snapshots.deal_name,
        snapshots.account_id,
        snapshots.account_name,
        snapshots.sales_rep_id,
        coalesce(sales_reps.sales_rep_name, snapshots.owner_id, 'unknown') as sales_rep_name,
        coalesce(snapshot_teams.sales_team, 'unknown') as sales_team,
        coalesce(state_teams.sales_team, 'unknown') as period_end_sales_team,
        snapshots.pipeline_id_of_deal as pipeline_id,
        coalesce(pipelines.pipeline_name, snapshots.deal_pipeline_id, 'unknown') as pipeline_name,
        snapshots.stage_key as stage_id,
        coalesce(stages.stage_name, 'unknown') as stage_name,
        snapshots.segment,
        snapshots.region,
        snapshots.lead_source,
        snapshots.deal_type,
        snapshots.close_date as expected_close_date,
        snapshots.forecast_category,
        snapshots.probability,
        {{ in_reporting_currency('snapshots.amount', 'snapshots.currency', 'fx_rates.rate') }} as amount,
        snapshots.amount is not null as has_amount_in_currency,
        snapshots.currency,
        snapshots.has_deal_log,
        snapshots.is_history_known,
        snapshots.snapshot_type = 'opening' and snapshots.is_stage_known as is_opening_pipeline,
        snapshots.snapshot_type = 'current' and snapshots.is_stage_known as is_current_pipeline
    from snapshots
    left join sales_reps on snapshots.sales_rep_id = sales_reps.sales_rep_id
    left join sales_rep_teams as snapshot_teams
        on
            snapshots.sales_rep_id = snapshot_teams.sales_rep_id
            and snapshots.snapshot_date >= snapshot_teams.valid_from
            and snapshots.snapshot_date < snapshot_teams.valid_to
    left join sales_rep_teams as state_teams
        on
            snapshots.sales_rep_id = state_teams.sales_rep_id
            and snapshots.state_date >= state_teams.valid_from
            and snapshots.state_date < state_teams.valid_to
    left join pipelines on snapshots.pipeline_id_of_deal = pipelines.pipeline_id
    left join stages on snapshots.stage_key = stages.stage_key
    left join fx_rates
        on snapshots.currency = fx_rates.currency and snapshots.snapshot_date = fx_rates.rate_date
)

select
    source_system,
    deal_id,
    snapshot_type,
    snapshot_date,
    state_date,
    deal_name,
    account_id,
    account_name,
    sales_rep_id,
    sales_rep_name,
    sales_team,
    period_end_sales_team,
    pipeline_id,
    pipeline_name,
    stage_id,
    stage_name,
    segment,
    region,
    lead_source,
    deal_type,
    expected_close_date,
    forecast_category,
    probability,
    currency,
    amount,
    has_amount_in_currency and amount is null as is_missing_fx_rate,
    has_deal_log,
    {{ counted('true') }} as open_deals,
    -- What a source without a log, or before it begins, looked like at an opening is not known
    case
        when is_history_known then case when is_opening_pipeline then coalesce(amount, 0) else 0 end
    end as opening_pipeline_amount,
    case
        when is_history_known then case when is_opening_pipeline then coalesce(amount * probability, 0) else 0 end
    end as forecast_amount,
    case
        when is_history_known
            then case when is_opening_pipeline and forecast_category = 'commit' then coalesce(amount, 0) else 0 end
    end as commit_forecast_amount,
    case when is_current_pipeline then coalesce(amount, 0) else 0 end as current_pipeline_amount
from described
