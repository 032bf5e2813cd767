{#- The sources whose deals are photographed at each run, since their CRM or loader keeps no log: the var snapshot_deals. -#}
{% macro snapshot_sources() -%}
    {%- set names = var('snapshot_deals') -%}
    {%- set on = sales_kpis.switched_on_sources() -%}
    {%- if names is string or names is not iterable or names | reject('in', on) | list -%}
        {{- exceptions.raise_compiler_error(
            "var snapshot_deals: '" ~ names ~ "' is not a list of sources that are switched on; there are "
            ~ on | join(', ') ~ '.'
        ) -}}
    {%- endif -%}
    {{- return(names) -}}
{%- endmacro %}


{#- The versions of the deals that the snapshot holds; none before its first run, which `dbt build` does in time. -#}
{% macro deal_versions() -%}
    {%- set snapshot = ref('sales_kpis', 'snap_crm__deals') -%}
    {%- set is_there = execute and sales_kpis.relation_exists(snapshot) -%}
    {%- if execute and not is_there and flags.WHICH in ['build', 'run', 'retry'] -%}
        {%- do log(
            'snapshot_deals: there is no snapshot yet; `dbt build`, or `dbt snapshot` before `dbt run`, makes it.', info=true
        ) -%}
    {%- endif %}
select
    {{ 'source_system' if is_there else 'cast(null as ' ~ dbt.type_string() ~ ')' }} as source_system,
    {{ 'deal_id' if is_there else 'cast(null as ' ~ dbt.type_string() ~ ')' }} as deal_id,
    {%- for field in sales_kpis.logged_fields() %}
    {{ field if is_there else 'cast(null as ' ~ dbt.type_string() ~ ')' }} as {{ field }},
    {%- endfor %}
    {{ 'updated_at' if is_there else 'cast(null as timestamp)' }} as updated_at,
    {{ 'seen_at' if is_there else 'cast(null as timestamp)' }} as seen_at
{%- if is_there %}
from {{ snapshot }}
{%- else %}
from (select 1 as nothing) as no_snapshot
where 1 = 0
{%- endif %}
{%- endmacro %}
