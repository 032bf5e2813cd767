{#- What each KPI needs: required (without it there is no figure) or helpful (without it the figure is another one). -#}
{% set needs = [
    ('sales_cycle_length', 'deals', none, true, ''),
    ('sales_cycle_length', 'leads', none, false, 'first contacts before the deal are not known'),
    ('sales_cycle_length', 'activities', none, false, 'first contacts by call or mail are not known'),
    ('win_rate', 'deals', none, true, ''),
    ('average_deal_size', 'deals', 'amount', true, ''),
    ('lead_conversion_rate', 'leads', none, true, ''),
    ('lead_conversion_rate', 'leads', 'converted_at', true, ''),
    ('lead_response_time', 'leads', none, true, ''),
    ('lead_response_time', 'activities', none, true, ''),
    ('lead_response_time', 'activities', 'direction', true, ''),
    ('pipeline_velocity', 'deals', 'amount', true, ''),
    ('pipeline_velocity', 'leads', none, false, 'first contacts before the deal are not known'),
    ('pipeline_velocity', 'activities', none, false, 'first contacts by call or mail are not known'),
    ('pipeline_coverage', 'deal_changes', 'stage_id', true, ''),
    ('pipeline_coverage', 'deals', 'amount', true, ''),
    ('pipeline_coverage', 'deals', 'close_date', true, ''),
    ('pipeline_coverage', 'quotas', 'amount', true, ''),
    ('stage_conversion', 'deal_changes', 'stage_id', true, ''),
    ('quota_attainment', 'deals', 'amount', true, ''),
    ('quota_attainment', 'deals', 'owner_id', true, ''),
    ('quota_attainment', 'quotas', 'amount', true, ''),
    ('quota_attainment', 'deal_changes', none, false, 'deals are credited to their present owner'),
    ('forecast_accuracy', 'deal_changes', 'stage_id', true, ''),
    ('forecast_accuracy', 'deals', 'amount', true, ''),
    ('forecast_accuracy', 'deals', 'close_date', true, ''),
    ('forecast_accuracy', 'deals', 'probability', true, ''),
    ('customer_acquisition_cost', 'deals', 'account_id', true, ''),
    ('customer_acquisition_cost', 'sales_spend', 'amount', true, ''),
    ('lead_generation', 'leads', none, true, ''),
] %}

with

whole_tables as (
    select * from {{ ref('sales_kpis', 'audit_completeness') }} where column_name is null
),

needed_columns as (
    select * from {{ ref('sales_kpis', 'audit_completeness') }} where column_name is not null
),

needs as (
    {% for kpi_name, table_name, column_name, is_required, what_is_lost in needs -%}
    select
        '{{ kpi_name }}' as kpi_name,
        '{{ table_name }}' as table_name,
        cast({{ "'" ~ column_name ~ "'" if column_name else 'null' }} as {{ dbt.type_string() }}) as column_name,
        {{ 'true' if is_required else 'false' }} as is_required,
        '{{ what_is_lost }}' as what_is_lost
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

judged as (
    select
        whole_tables.source_system,
        needs.kpi_name,
        needs.is_required,
        needs.what_is_lost,
        case
            when whole_tables.records = 0 or needs.column_name is null then needs.table_name
            else needs.table_name || '.' || needs.column_name
        end as needed,
        -- There need be no open deal that lacks a date, but without any conversion or call nothing is known of them
        whole_tables.records = 0
        or coalesce(needed_columns.empty_share = 1, false)
        or (
            needs.column_name is not null
            and needed_columns.column_name is null
            and needs.table_name in ('leads', 'activities')
        ) as is_missing,
        coalesce(needed_columns.empty_share, 0) as empty_share
    from whole_tables
    inner join needs on whole_tables.table_name = needs.table_name
    left join needed_columns
        on
            whole_tables.source_system = needed_columns.source_system
            and needs.table_name = needed_columns.table_name
            and needs.column_name = needed_columns.column_name
),

-- Distinct: a table that is missing lacks all its columns
explained as (
    select distinct
        source_system,
        kpi_name,
        is_required and is_missing as is_impossible,
        (is_missing and not is_required) or empty_share > 0.05 as is_partial,
        case
            when is_missing and is_required then 'no ' || needed
            when is_missing then 'no ' || needed || ': ' || what_is_lost
            when empty_share > 0.05
                then needed || ' is empty in ' || cast(round(100 * empty_share) as {{ dbt.type_int() }}) || ' %'
        end as reason
    from judged
)

select
    source_system,
    kpi_name,
    case
        when bool_or(is_impossible) then 'impossible'
        when bool_or(is_partial) then 'partial'
        else 'trusted'
    end as trust,
    {{ dbt.listagg('reason', "'; '", 'order by reason') }} as reasons
from explained
group by source_system, kpi_name
