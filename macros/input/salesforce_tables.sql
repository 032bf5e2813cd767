{#- Salesforce as Fivetran, Airbyte and dlt leave it: see raw_tables.sql for what the entries mean. Tables and columns have
    the names of the API; Fivetran writes custom fields as x_c, the others as X__c or x__c, which is one name here. -#}
{% macro salesforce_tables() -%}
    {#- Fivetran alone marks what it no longer finds, and in its history mode keeps every version of a record. -#}
    {%- set loader = {
        'loaded_at': ['_fivetran_synced', '_airbyte_extracted_at', '_airbyte_emitted_at', '_dlt_load_id'],
        'fivetran_active': ['_fivetran_active'],
        'fivetran_start': ['_fivetran_start'],
        'fivetran_deleted': ['_fivetran_deleted']
    } -%}
    {%- set record = dict(
        {'is_deleted': [], 'created_date': [], 'system_modstamp': ['system_modstamp', 'last_modified_date']}, **loader
    ) -%}
    {%- set tables = {
        'opportunity': {
            'feeds': ['deals', 'stages'],
            'is_required': true,
            'required_columns': ['id', 'stage_name', 'amount', 'created_date', 'close_date'],
            'columns': dict({
                'id': [], 'name': [], 'account_id': [], 'owner_id': [], 'record_type_id': [], 'stage_name': [],
                'is_closed': [], 'is_won': [], 'amount': [], 'currency_iso_code': [], 'probability': [], 'type': [],
                'lead_source': [], 'forecast_category': ['forecast_category', 'forecast_category_name'],
                'close_date': []
            }, **record)
        },
        'opportunity_stage': {
            'required_columns': ['sort_order', 'is_closed', 'is_won'],
            'columns': dict({
                'api_name': ['api_name', 'master_label'], 'master_label': [], 'sort_order': [], 'is_closed': [],
                'is_won': [], 'default_probability': []
            }, **loader)
        },
        'record_type': {
            'required_columns': ['id'],
            'columns': {'id': [], 'name': [], 'sobject_type': [], 'loaded_at': loader.loaded_at}
        },
        'opportunity_history': {
            'feeds': ['deal_changes'],
            'required_columns': ['id', 'opportunity_id', 'created_date', 'stage_name'],
            'columns': {
                'id': [], 'opportunity_id': [], 'created_date': [], 'stage_name': [], 'amount': [],
                'currency_iso_code': [], 'probability': [], 'close_date': [], 'forecast_category': [],
                'loaded_at': loader.loaded_at
            }
        },
        'opportunity_field_history': {
            'feeds': ['deal_changes'],
            'required_columns': ['id', 'opportunity_id', 'created_date', 'field', 'old_value', 'new_value'],
            'columns': {
                'id': [], 'opportunity_id': [], 'created_date': [], 'field': [], 'old_value': [], 'new_value': [],
                'loaded_at': loader.loaded_at
            }
        },
        'account': {
            'feeds': ['accounts'],
            'required_columns': ['id'],
            'columns': dict({
                'id': [], 'name': [], 'segment': [], 'industry': [], 'region': ['billing_country']
            }, **record)
        },
        'user': {
            'names': ['user', 'sf_user'],
            'feeds': ['sales_reps', 'rep_teams'],
            'required_columns': ['id'],
            'columns': dict({
                'id': [], 'name': [], 'first_name': [], 'last_name': [], 'email': [], 'user_role_id': [], 'team': [],
                'manager_id': [], 'hired_date': [], 'is_active': []
            }, **record)
        },
        'user_role': {
            'required_columns': ['id', 'name'],
            'columns': dict({'id': [], 'name': []}, **loader)
        },
        'lead': {
            'feeds': ['leads'],
            'required_columns': ['id', 'created_date'],
            'columns': dict({
                'id': [], 'owner_id': [], 'lead_source': [], 'segment': [], 'region': ['country'], 'status': [],
                'qualified_date': [], 'converted_date': [], 'converted_opportunity_id': [], 'converted_account_id': [],
                'converted_contact_id': [], 'master_record_id': []
            }, **record)
        },
        'task': {
            'feeds': ['activities'],
            'required_columns': ['id'],
            'columns': dict({
                'id': [], 'owner_id': [], 'who_id': [], 'what_id': [], 'task_subtype': [], 'type': [], 'call_type': [],
                'direction': [], 'status': [], 'is_closed': [], 'is_recurrence': [], 'is_automated': [],
                'activity_date': [], 'completed_date_time': []
            }, **record)
        },
        'event': {
            'feeds': ['activities'],
            'required_columns': ['id'],
            'columns': dict({
                'id': [], 'owner_id': [], 'who_id': [], 'what_id': [], 'direction': [], 'is_recurrence': [],
                'is_all_day_event': [], 'is_automated': [], 'activity_date': [], 'start_date_time': ['start_date_time',
                'activity_date_time'], 'end_date_time': []
            }, **record)
        },
        'email_message': {
            'required_columns': ['activity_id', 'incoming'],
            'columns': {'activity_id': [], 'incoming': []}
        },
        'forecasting_quota': {
            'feeds': ['quotas'],
            'required_columns': ['id', 'quota_owner_id', 'quota_amount', 'start_date'],
            'columns': dict({
                'id': [], 'quota_owner_id': [], 'start_date': [], 'quota_amount': [], 'currency_iso_code': [],
                'is_amount': [], 'forecasting_type_id': []
            }, **record)
        },
        'forecasting_type': {
            'required_columns': ['id'],
            'columns': {'id': [], 'developer_name': []}
        },
        'dated_conversion_rate': {
            'feeds': ['fx_rates'],
            'required_columns': ['iso_code', 'conversion_rate', 'start_date'],
            'columns': dict({'id': [], 'iso_code': [], 'conversion_rate': [], 'start_date': []}, **record)
        },
        'currency_type': {
            'feeds': ['fx_rates'],
            'required_columns': ['iso_code', 'conversion_rate'],
            'columns': dict({'iso_code': [], 'conversion_rate': [], 'is_corporate': []}, **record)
        }
    } -%}
    {{- return({
        'prefixes': [''],
        'contract_tables': [
            'deals', 'stages', 'deal_changes', 'accounts', 'sales_reps', 'rep_teams', 'leads', 'activities', 'quotas',
            'fx_rates'
        ],
        'tables': tables
    }) -}}
{%- endmacro %}


{#- A forecast category in one spelling, whether the API's name (BestCase, Forecast) or the label (Best Case, Commit). -#}
{% macro salesforce_forecast_category(text) -%}
    case lower(replace({{ text }}, ' ', ''))
        when 'forecast' then 'commit'
        when 'bestcase' then 'best_case'
        when 'mostlikely' then 'most_likely'
        else lower({{ text }})
    end
{%- endmacro %}


{#- Whether a record is gone: deleted in Salesforce, no longer found by the loader, or in Fivetran's history mode a version
    that is over. Where a newer version exists, that one counts anyway; where none does, the record was deleted. -#}
{% macro salesforce_is_gone(relation) -%}
    (
        coalesce({{ sales_kpis.parse_boolean(relation ~ '.fivetran_deleted') }}, false)
        or not coalesce({{ sales_kpis.parse_boolean(relation ~ '.fivetran_active') }}, true)
    )
{%- endmacro %}


{#- A value of a deal's log in the contract's spelling; `field` names the SQL column that holds the contract's field. -#}
{% macro salesforce_logged_value(field, text) -%}
    case {{ field }}
        when 'probability' then {{ sales_kpis.percentage_as_text(text) }}
        when 'close_date' then {{ sales_kpis.date_as_text(text) }}
        when 'forecast_category' then {{ sales_kpis.salesforce_forecast_category(text) }}
        else {{ text }}
    end
{%- endmacro %}
