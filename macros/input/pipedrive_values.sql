{#- The key by which Pipedrive knows a custom field (its hash): the last name of the column that the var pipedrive_columns
    maps, by the first of the given columns that it maps. -#}
{% macro pipedrive_field_key(column, other_column=none) -%}
    {%- set chosen = var('pipedrive_columns') -%}
    {%- set default = column.split('.')[-1] -%}
    {{- return(chosen.get(column, chosen.get(other_column, default)).split('.')[-1]) -}}
{%- endmacro %}


{#- A value of the change log as the deals' columns write it. Expects the column all_changes.field. -#}
{% macro pipedrive_logged_value(text, option_label) -%}
    case
        when all_changes.field in ('stage_id', 'pipeline_id', 'owner_id') then {{ sales_kpis.reference_id(text) }}
        when all_changes.field = 'probability' then {{ sales_kpis.percent_as_share(text) }}
        when all_changes.field in ('status', 'is_deleted') then lower({{ text }})
        else coalesce({{ option_label }}, {{ text }})
    end
{%- endmacro %}
