{#- Pipedrive as Fivetran, Airbyte and dlt leave it, API v1 and v2: see raw_tables.sql for what the entries mean.
    Columns without a spelling that Pipedrive knows (segment, deal_type, …) are custom fields, found where a loader names them
    so, or through the var pipedrive_columns. -#}
{% macro pipedrive_tables() -%}
    {%- set loaded_at = ['_fivetran_synced', '_airbyte_extracted_at', '_dlt_load_id'] -%}
    {%- set owner = ['owner_id', 'user_id', 'owner_id.id', 'user_id.id'] -%}
    {%- set deal_columns = {
        'id': [],
        'title': [],
        'status': [],
        'stage_id': [],
        'pipeline_id': [],
        'owner_id': owner,
        'org_id': ['org_id', 'org_id.value'],
        'person_id': ['person_id', 'person_id.value'],
        'value': [],
        'currency': [],
        'probability': [],
        'expected_close_date': [],
        'won_time': [],
        'lost_time': [],
        'close_time': [],
        'add_time': [],
        'update_time': [],
        'is_deleted': ['is_deleted', 'deleted'],
        'is_removed': ['_fivetran_deleted'],
        'deal_type': [],
        'lead_source': [],
        'forecast_category': [],
        'lead_id': [],
        'is_current_version': ['_fivetran_active'],
        'version_from': ['_fivetran_start'],
        'loaded_at': loaded_at
    } -%}
    {%- set field_columns = {'key': ['key', 'field_code'], 'options': [], 'loaded_at': loaded_at} -%}
    {%- set tables = {
        'deals': {
            'names': ['v2_deals', 'deals', 'deal'],
            'feeds': ['deals'],
            'is_required': true,
            'required_columns': ['id', 'status', 'stage_id', 'value', 'add_time'],
            'columns': deal_columns
        },
        'deals_archived': {
            'names': ['deals_archived', 'v2_deals_archived'],
            'mapped_as': 'deals',
            'required_columns': ['id', 'status', 'stage_id', 'value', 'add_time'],
            'columns': deal_columns
        },
        'stages': {
            'names': ['v2_stages', 'stages', 'stage'],
            'feeds': ['stages'],
            'is_required': true,
            'required_columns': ['id', 'name', 'order_nr', 'pipeline_id'],
            'columns': {
                'id': [],
                'name': [],
                'order_nr': [],
                'pipeline_id': [],
                'pipeline_name': [],
                'deal_probability': [],
                'loaded_at': loaded_at
            }
        },
        'pipelines': {
            'names': ['v2_pipelines', 'pipelines', 'pipeline'],
            'required_columns': ['id', 'name'],
            'columns': {'id': [], 'name': [], 'loaded_at': loaded_at}
        },
        'deal_flow': {
            'names': ['deal_flow', 'deals_flow_deal_change'],
            'feeds': ['deal_changes'],
            'required_columns': ['item_id', 'field_key', 'new_value', 'log_time'],
            'logged_fields': ['forecast_category'],
            'columns': {
                'id': [],
                'item_id': ['item_id', 'deal_id'],
                'field_key': [],
                'old_value': [],
                'new_value': [],
                'log_time': ['log_time', 'time'],
                'loaded_at': loaded_at
            }
        },
        'deal_history': {
            'mapped_as': 'deals',
            'feeds': ['deal_changes'],
            'required_columns': ['id', 'status', 'stage_id', 'version_from'],
            'columns': {
                'id': [],
                'status': [],
                'stage_id': [],
                'pipeline_id': [],
                'owner_id': owner,
                'value': [],
                'currency': [],
                'probability': [],
                'expected_close_date': [],
                'is_deleted': ['is_deleted', 'deleted'],
                'forecast_category': [],
                'version_from': ['_fivetran_start'],
                'loaded_at': loaded_at
            }
        },
        'users': {
            'names': ['users', 'user'],
            'feeds': ['sales_reps'],
            'required_columns': ['id'],
            'columns': {
                'id': [],
                'name': [],
                'email': [],
                'team': [],
                'manager_id': [],
                'hired_date': [],
                'is_active': ['active_flag', 'is_active'],
                'modified': ['modified', 'update_time'],
                'loaded_at': loaded_at
            }
        },
        'teams': {
            'names': ['legacy_teams', 'teams', 'team'],
            'required_columns': ['id', 'name', 'users'],
            'columns': {
                'id': [],
                'name': [],
                'manager_id': [],
                'users': [],
                'is_active': ['active_flag', 'is_active'],
                'is_deleted': ['deleted_flag', 'is_deleted'],
                'loaded_at': loaded_at
            }
        },
        'organizations': {
            'names': ['v2_organizations', 'organizations', 'organization'],
            'feeds': ['accounts'],
            'required_columns': ['id'],
            'columns': {
                'id': [],
                'name': [],
                'segment': [],
                'industry': [],
                'region': ['region', 'address_country', 'address.country'],
                'add_time': [],
                'update_time': [],
                'loaded_at': loaded_at
            }
        },
        'persons': {
            'names': ['v2_persons', 'persons', 'person'],
            'required_columns': ['id'],
            'columns': {
                'id': [],
                'name': [],
                'segment': [],
                'region': ['region', 'postal_address_country', 'postal_address.country'],
                'add_time': [],
                'update_time': [],
                'loaded_at': loaded_at
            }
        },
        'leads': {
            'names': ['leads', 'lead', 'lead_history'],
            'feeds': ['leads'],
            'required_columns': ['id', 'add_time'],
            'columns': {
                'id': [],
                'owner_id': ['owner_id', 'owner_id.id'],
                'source': ['source', 'source_name'],
                'segment': [],
                'region': [],
                'status': [],
                'organization_id': ['organization_id', 'org_id'],
                'person_id': [],
                'add_time': [],
                'qualified_at': [],
                'converted_at': [],
                'converted_deal_id': [],
                'is_archived': [],
                'is_deleted': [],
                'is_removed': ['_fivetran_deleted'],
                'update_time': [],
                'is_current_version': ['_fivetran_active'],
                'version_from': ['_fivetran_start'],
                'loaded_at': loaded_at
            }
        },
        'activities': {
            'names': ['v2_activities', 'activities', 'activity'],
            'feeds': ['activities'],
            'required_columns': ['id', 'type', 'done'],
            'columns': {
                'id': [],
                'type': [],
                'done': [],
                'due_date': [],
                'due_time': [],
                'marked_as_done_time': [],
                'add_time': [],
                'owner_id': ['owner_id', 'user_id', 'assigned_to_user_id'],
                'deal_id': [],
                'lead_id': [],
                'direction': [],
                'is_automated': [],
                'is_deleted': [],
                'is_active': ['active_flag'],
                'is_removed': ['_fivetran_deleted'],
                'loaded_at': loaded_at
            }
        },
        'notes': {
            'names': ['notes', 'note'],
            'required_columns': ['id', 'add_time'],
            'columns': {
                'id': [],
                'add_time': [],
                'user_id': ['user_id', 'owner_id'],
                'deal_id': [],
                'lead_id': [],
                'is_active': ['active_flag'],
                'is_removed': ['_fivetran_deleted'],
                'loaded_at': loaded_at
            }
        },
        'deal_fields': {
            'names': ['deal_fields', 'deal_field'],
            'columns': field_columns
        },
        'organization_fields': {
            'names': ['organization_fields', 'organization_field'],
            'columns': field_columns
        }
    } -%}
    {{- return({
        'prefixes': [''],
        'contract_tables': ['deals', 'stages', 'deal_changes', 'accounts', 'sales_reps', 'leads', 'activities'],
        'tables': tables
    }) -}}
{%- endmacro %}
