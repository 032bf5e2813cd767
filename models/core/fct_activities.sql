with

activities as (
    select * from {{ ref('sales_kpis', 'stg_crm__activities') }} where exclusion_reason is null
),

as_of as (
    select * from {{ ref('sales_kpis', 'int_as_of') }}
)

select
    activities.source_system,
    activities.activity_id,
    activities.activity_type,
    activities.direction,
    case
        when activities.owner_id is null then 'unknown'
        else activities.source_system || '|' || activities.owner_id
    end as sales_rep_id,
    activities.lead_id,
    activities.deal_id,
    activities.is_completed,
    activities.is_automated,
    {{ utc_as_local_date('activities.occurred_at') }} as occurred_date,
    activities.occurred_at
from activities
inner join as_of on activities.occurred_at < as_of.as_of_end_at
