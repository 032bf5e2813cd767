{#- HubSpot as Fivetran, Airbyte and dlt leave it: see raw_tables.sql for what the entries mean. -#}
{% macro hubspot_tables() -%}
    {%- set tables = {
        'deal': {
            'names': ['deal', 'deals'],
            'feeds': ['deals'],
            'is_required': true,
            'required_columns': ['deal_id', 'stage_id', 'amount', 'created_at', 'close_date'],
            'columns': sales_kpis.hubspot_deal_columns()
        },
        'deal_archived': {
            'names': ['deals_archived'],
            'required_columns': ['deal_id', 'created_at'],
            'columns': sales_kpis.hubspot_deal_columns()
        },
        'deal_company': {
            'names': ['deal_company', 'deals__companies', 'companies__deals'],
            'required_columns': ['deal_id', 'company_id'],
            'columns': {
                'deal_id': ['deal_id', 'deals_id', 'value'],
                'company_id': ['company_id', 'companies_id', 'value'],
                'type_id': [],
                'category': [],
                'loaded_at': sales_kpis.hubspot_loaded_at()
            }
        },
        'deal_contact': {
            'names': ['deal_contact', 'deals__contacts', 'contacts__deals'],
            'required_columns': ['deal_id', 'contact_id'],
            'columns': {
                'deal_id': ['deal_id', 'deals_id', 'value'],
                'contact_id': ['contact_id', 'contacts_id', 'value'],
                'loaded_at': sales_kpis.hubspot_loaded_at()
            }
        },
        'merged_deal': {
            'required_columns': ['deal_id', 'merged_deal_id'],
            'columns': {'deal_id': [], 'merged_deal_id': [], 'loaded_at': sales_kpis.hubspot_loaded_at()}
        },
        'deal_pipeline': {
            'names': ['deal_pipeline', 'deal_pipelines', 'pipelines_deals'],
            'feeds': ['stages'],
            'is_required': true,
            'required_columns': ['pipeline_id'],
            'columns': {
                'pipeline_id': ['pipeline_id', 'id'],
                'name': ['label'],
                'stages': [],
                'row_id': ['_dlt_id'],
                'loaded_at': sales_kpis.hubspot_loaded_at()
            }
        },
        'deal_pipeline_stage': {
            'names': ['deal_pipeline_stage', 'pipelines_deals__stages'],
            'feeds': ['stages'],
            'required_without': {'table': 'deal_pipeline', 'column': 'stages'},
            'required_columns': ['stage_id', 'name', 'stage_order', 'probability'],
            'columns': {
                'stage_id': ['stage_id', 'id'],
                'pipeline_id': [],
                'pipeline_row_id': ['_dlt_parent_id'],
                'name': ['label'],
                'stage_order': ['display_order'],
                'probability': ['probability', 'metadata__probability'],
                'is_closed': ['is_closed', 'metadata__is_closed'],
                'is_closed_won': ['closed_won'],
                'loaded_at': sales_kpis.hubspot_loaded_at()
            }
        },
        'deal_property_history': {
            'names': ['deal_property_history', 'deals_property_history'],
            'feeds': ['deal_changes'],
            'required_columns': ['deal_id', 'property_name', 'value', 'changed_at'],
            'columns': {
                'deal_id': ['deal_id', 'object_id'],
                'property_name': ['property_name', 'property', 'name'],
                'value': [],
                'changed_at': ['timestamp'],
                'loaded_at': sales_kpis.hubspot_loaded_at()
            }
        },
        'deal_stage': {
            'feeds': ['deal_changes'],
            'required_columns': ['deal_id', 'stage_id', 'changed_at'],
            'columns': {
                'deal_id': [],
                'stage_id': ['value'],
                'changed_at': ['date_entered'],
                'loaded_at': sales_kpis.hubspot_loaded_at()
            }
        },
        'owner': {
            'names': ['owner', 'owners'],
            'feeds': ['sales_reps'],
            'required_columns': ['owner_id'],
            'columns': sales_kpis.hubspot_owner_columns()
        },
        'owner_archived': {
            'names': ['owners_archived'],
            'required_columns': ['owner_id'],
            'columns': sales_kpis.hubspot_owner_columns()
        },
        'owner_team': {
            'names': ['owner_team', 'owners__teams'],
            'columns': {
                'owner_id': [],
                'owner_row_id': ['_dlt_parent_id'],
                'team_id': ['team_id', 'id'],
                'team_name': ['name'],
                'is_primary': ['is_team_primary', 'primary'],
                'loaded_at': sales_kpis.hubspot_loaded_at()
            }
        },
        'team': {
            'names': ['team', 'teams'],
            'required_columns': ['team_id'],
            'columns': {'team_id': ['id', 'team_id'], 'name': [], 'loaded_at': sales_kpis.hubspot_loaded_at()}
        },
        'company': {
            'names': ['company', 'companies'],
            'feeds': ['accounts'],
            'required_columns': ['company_id'],
            'columns': {
                'company_id': ['id', 'company_id'],
                'name': sales_kpis.hubspot_property('name'),
                'segment': sales_kpis.hubspot_property('segment'),
                'industry': sales_kpis.hubspot_property('industry'),
                'region': sales_kpis.hubspot_property('country'),
                'created_at': sales_kpis.hubspot_property('createdate'),
                'updated_at': sales_kpis.hubspot_property('hs_lastmodifieddate') + ['updated_at'],
                'loaded_at': sales_kpis.hubspot_loaded_at()
            }
        },
        'contact': {
            'names': ['contact', 'contacts'],
            'feeds': ['leads'],
            'required_columns': ['contact_id', 'created_at'],
            'columns': sales_kpis.hubspot_contact_columns()
        },
        'contact_archived': {
            'names': ['contacts_archived'],
            'required_columns': ['contact_id', 'created_at'],
            'columns': sales_kpis.hubspot_contact_columns()
        },
        'engagement': {
            'feeds': ['activities'],
            'required_columns': ['engagement_id', 'type'],
            'columns': {
                'engagement_id': ['id', 'engagement_id'],
                'type': [],
                'occurred_at': ['timestamp'],
                'owner_id': [],
                'is_deleted': ['_fivetran_deleted'],
                'loaded_at': sales_kpis.hubspot_loaded_at()
            }
        },
        'engagement_deal': {
            'required_columns': ['engagement_id', 'deal_id'],
            'columns': {'engagement_id': [], 'deal_id': [], 'loaded_at': sales_kpis.hubspot_loaded_at()}
        },
        'engagement_contact': {
            'required_columns': ['engagement_id', 'contact_id'],
            'columns': {'engagement_id': [], 'contact_id': [], 'loaded_at': sales_kpis.hubspot_loaded_at()}
        }
    } -%}
    {%- for type in ['call', 'email', 'meeting', 'task', 'note', 'communication'] -%}
        {%- do tables.update({
            'engagement_' ~ type: {
                'names': ['engagement_' ~ type, 'engagements_' ~ type ~ 's'],
                'feeds': ['activities'],
                'required_columns': ['engagement_id'],
                'columns': sales_kpis.hubspot_engagement_columns()
            }
        }) -%}
    {%- endfor -%}
    {{- return({
        'prefixes': [''],
        'contract_tables': ['deals', 'stages', 'deal_changes', 'accounts', 'sales_reps', 'leads', 'activities'],
        'tables': tables
    }) -}}
{%- endmacro %}


{#- How the loaders spell a property of an object: Fivetran, Airbyte, dlt. -#}
{% macro hubspot_property(name) -%}
    {{- return(['property_' ~ name, 'properties_' ~ name, name]) -}}
{%- endmacro %}


{#- When a loader wrote a record. dlt's is the id of the load, which is its time in seconds. -#}
{% macro hubspot_loaded_at() -%}
    {{- return(['_fivetran_synced', '_airbyte_extracted_at', '_airbyte_emitted_at', '_dlt_load_id']) -}}
{%- endmacro %}


{% macro hubspot_deal_columns() -%}
    {{- return({
        'deal_id': ['id', 'deal_id'],
        'name': sales_kpis.hubspot_property('dealname'),
        'account_id': sales_kpis.hubspot_property('hs_primary_associated_company'),
        'owner_id': ['owner_id'] + sales_kpis.hubspot_property('hubspot_owner_id'),
        'pipeline_id': ['deal_pipeline_id'] + sales_kpis.hubspot_property('pipeline'),
        'stage_id': ['deal_pipeline_stage_id'] + sales_kpis.hubspot_property('dealstage'),
        'amount': sales_kpis.hubspot_property('amount'),
        'currency': sales_kpis.hubspot_property('deal_currency_code'),
        'probability': sales_kpis.hubspot_property('hs_deal_stage_probability'),
        'deal_type': sales_kpis.hubspot_property('dealtype'),
        'lead_source': sales_kpis.hubspot_property('hs_analytics_source'),
        'forecast_category': sales_kpis.hubspot_property('hs_manual_forecast_category'),
        'created_at': sales_kpis.hubspot_property('createdate'),
        'close_date': sales_kpis.hubspot_property('closedate'),
        'is_deleted': ['is_deleted', 'archived'],
        'is_removed': ['_fivetran_deleted'],
        'archived_at': [],
        'merged_deal_ids': sales_kpis.hubspot_property('hs_merged_object_ids'),
        'company_ids': ['companies'],
        'contact_ids': ['contacts'],
        'updated_at': sales_kpis.hubspot_property('hs_lastmodifieddate') + ['updated_at'],
        'loaded_at': sales_kpis.hubspot_loaded_at()
    }) -}}
{%- endmacro %}


{% macro hubspot_owner_columns() -%}
    {{- return({
        'owner_id': ['owner_id', 'id'],
        'first_name': [],
        'last_name': [],
        'email': [],
        'team': [],
        'teams': [],
        'is_active': [],
        'is_deleted': ['archived', 'is_deleted', '_fivetran_deleted'],
        'row_id': ['_dlt_id'],
        'updated_at': [],
        'loaded_at': sales_kpis.hubspot_loaded_at()
    }) -}}
{%- endmacro %}


{% macro hubspot_contact_columns() -%}
    {{- return({
        'contact_id': ['id', 'contact_id'],
        'owner_id': sales_kpis.hubspot_property('hubspot_owner_id'),
        'company_id': sales_kpis.hubspot_property('associatedcompanyid'),
        'lead_source': sales_kpis.hubspot_property('hs_analytics_source'),
        'segment': sales_kpis.hubspot_property('segment'),
        'region': sales_kpis.hubspot_property('country'),
        'lead_status': sales_kpis.hubspot_property('hs_lead_status'),
        'lifecycle_stage': sales_kpis.hubspot_property('lifecyclestage'),
        'created_at': sales_kpis.hubspot_property('createdate'),
        'became_lead_at': sales_kpis.hubspot_lifecycle_date('lead'),
        'became_marketing_qualified_at': sales_kpis.hubspot_lifecycle_date('marketingqualifiedlead'),
        'became_sales_qualified_at': sales_kpis.hubspot_lifecycle_date('salesqualifiedlead'),
        'became_opportunity_at': sales_kpis.hubspot_lifecycle_date('opportunity'),
        'became_customer_at': sales_kpis.hubspot_lifecycle_date('customer'),
        'first_deal_created_at': sales_kpis.hubspot_property('first_deal_created_date'),
        'is_deleted': ['is_deleted', 'archived'],
        'is_removed': ['_fivetran_deleted'],
        'archived_at': [],
        'merged_contact_ids': sales_kpis.hubspot_property('hs_merged_object_ids'),
        'merged_contacts_and_times': sales_kpis.hubspot_property('hs_calculated_merged_vids'),
        'updated_at': sales_kpis.hubspot_property('lastmodifieddate') + ['updated_at'],
        'loaded_at': sales_kpis.hubspot_loaded_at()
    }) -}}
{%- endmacro %}


{#- The date on which a contact entered a lifecycle stage: older accounts, then newer ones. -#}
{% macro hubspot_lifecycle_date(stage) -%}
    {{- return(
        sales_kpis.hubspot_property('hs_lifecyclestage_' ~ stage ~ '_date')
        + sales_kpis.hubspot_property('hs_v2_date_entered_' ~ stage)
        + sales_kpis.hubspot_property('hs_date_entered_' ~ stage)
    ) -}}
{%- endmacro %}


{#- Of calls, e-mails, meetings, tasks, notes and messages; each type has only some of them. -#}
{% macro hubspot_engagement_columns() -%}
    {{- return({
        'engagement_id': ['engagement_id', 'id'],
        'occurred_at': sales_kpis.hubspot_property('hs_timestamp'),
        'started_at': sales_kpis.hubspot_property('hs_meeting_start_time') + ['start_time'],
        'completed_at': sales_kpis.hubspot_property('hs_task_completion_date') + ['completion_date'],
        'direction':
            sales_kpis.hubspot_property('hs_email_direction') + sales_kpis.hubspot_property('hs_call_direction'),
        'status':
            sales_kpis.hubspot_property('hs_email_status') + sales_kpis.hubspot_property('hs_call_status')
            + sales_kpis.hubspot_property('hs_meeting_outcome') + sales_kpis.hubspot_property('hs_task_status')
            + ['meeting_outcome', 'status'],
        'engagement_source': sales_kpis.hubspot_property('hs_engagement_source'),
        'is_automated': sales_kpis.hubspot_property('is_automated'),
        'owner_id': sales_kpis.hubspot_property('hubspot_owner_id'),
        'is_deleted': ['_fivetran_deleted', 'archived'],
        'deal_ids': ['deals'],
        'contact_ids': ['contacts'],
        'loaded_at': sales_kpis.hubspot_loaded_at()
    }) -}}
{%- endmacro %}


{#- SQL expression: the contract's field that a property of the change log is about, NULL for all others. A field that
    the var hubspot_columns reads from another property is logged under that property's name. -#}
{% macro hubspot_logged_field(property_name) -%}
    {%- set properties = {
        'stage_id': 'dealstage',
        'pipeline_id': 'pipeline',
        'owner_id': 'hubspot_owner_id',
        'currency': 'deal_currency_code',
        'forecast_category': 'hs_manual_forecast_category',
        'amount': 'amount',
        'probability': 'hs_deal_stage_probability',
        'close_date': 'closedate'
    } -%}
    case replace(lower({{ property_name }}), '_', '')
    {%- for field, default_name in properties.items() %}
        {%- set chosen = var('hubspot_columns').get('deal.' ~ field, '') %}
        {%- set is_default = chosen in [''] + sales_kpis.hubspot_deal_columns()[field] %}
        {%- set name = default_name if is_default else modules.re.sub('^(property|properties)_', '', chosen | lower) %}
        when {{ sales_kpis.sql_text(sales_kpis.comparable_name(name)) }} then '{{ field }}'
    {%- endfor %}
    end
{%- endmacro %}


{#- SQL condition: a contact that was a customer from its first day, and never a lead, as an import of customers leaves
    it. -#}
{% macro hubspot_is_imported_customer(contact) -%}
    coalesce(
        {{ sales_kpis.parse_timestamp(sales_kpis.epoch_as_instant(contact ~ '.became_customer_at')) }}
        < {{ dbt.dateadd(
            'day', 1, sales_kpis.parse_timestamp(sales_kpis.epoch_as_instant(contact ~ '.created_at'))
        ) }}
        and coalesce(
            {{ contact }}.became_lead_at,
            {{ contact }}.became_marketing_qualified_at,
            {{ contact }}.became_sales_qualified_at,
            {{ contact }}.became_opportunity_at
        ) is null,
        false
    )
{%- endmacro %}
