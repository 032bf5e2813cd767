{#- The one place that knows the tables and columns of the input contract; everything that reads input asks here.
    number_columns may come with decimal commas; logged_* say where the log holds such numbers. -#}
{% macro crm_export_contract() -%}
    {%- set contract = {
        'deals': {
            'is_required': true,
            'required_columns': ['deal_id', 'stage_id', 'amount', 'created_at', 'close_date'],
            'columns': [
                'deal_id', 'name', 'account_id', 'owner_id', 'pipeline_id', 'stage_id', 'amount', 'currency',
                'probability', 'deal_type', 'lead_source', 'forecast_category', 'created_at', 'close_date',
                'is_deleted', 'merged_into_deal_id', 'updated_at'
            ],
            'number_columns': ['amount', 'probability']
        },
        'stages': {
            'is_required': true,
            'required_columns': ['stage_id', 'stage_name', 'stage_order', 'outcome'],
            'columns': [
                'pipeline_id', 'pipeline_name', 'stage_id', 'stage_name', 'stage_order', 'probability', 'outcome'
            ],
            'number_columns': ['stage_order', 'probability']
        },
        'deal_changes': {
            'required_columns': ['deal_id', 'field', 'new_value', 'changed_at'],
            'columns': ['change_id', 'deal_id', 'field', 'old_value', 'new_value', 'changed_at'],
            'logged_value_columns': ['old_value', 'new_value'],
            'logged_number_fields': ['amount', 'probability']
        },
        'accounts': {
            'required_columns': ['account_id'],
            'columns': ['account_id', 'name', 'segment', 'industry', 'region', 'created_at', 'updated_at']
        },
        'sales_reps': {
            'required_columns': ['rep_id'],
            'columns': ['rep_id', 'name', 'email', 'team', 'manager_id', 'hired_date', 'is_active', 'updated_at']
        },
        'rep_teams': {
            'required_columns': ['rep_id', 'team', 'valid_from'],
            'columns': ['rep_id', 'team', 'valid_from']
        },
        'leads': {
            'required_columns': ['lead_id', 'created_at'],
            'columns': [
                'lead_id', 'created_at', 'owner_id', 'source', 'segment', 'region', 'status', 'qualified_at',
                'converted_at', 'converted_deal_id', 'converted_account_id', 'is_deleted', 'merged_into_lead_id',
                'updated_at'
            ]
        },
        'activities': {
            'required_columns': ['activity_id', 'type', 'occurred_at'],
            'columns': [
                'activity_id', 'type', 'direction', 'occurred_at', 'is_completed', 'is_automated', 'owner_id',
                'lead_id', 'deal_id'
            ]
        },
        'quotas': {
            'serves_all_sources': true,
            'required_columns': ['rep_id', 'quota_month', 'amount'],
            'columns': ['rep_id', 'quota_month', 'amount', 'currency', 'source_system'],
            'number_columns': ['amount']
        },
        'sales_spend': {
            'serves_all_sources': true,
            'required_columns': ['spend_month', 'category', 'amount'],
            'columns': ['spend_month', 'category', 'lead_source', 'amount', 'currency', 'spend_id', 'source_system'],
            'number_columns': ['amount']
        },
        'fx_rates': {
            'serves_all_sources': true,
            'required_columns': ['currency', 'rate_date', 'rate'],
            'columns': ['currency', 'rate_date', 'rate', 'to_currency'],
            'number_columns': ['rate']
        }
    } -%}
    {{- return(contract) -}}
{%- endmacro %}


{#- The contract's columns of a table, in its order, as its base model yields them: without source_system, which comes
    first in every table, and without loaded_at. -#}
{% macro contract_columns(table_name) -%}
    {{- return(sales_kpis.crm_export_contract()[table_name].columns | reject('equalto', 'source_system') | list) -}}
{%- endmacro %}
