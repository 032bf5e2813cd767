{#- Salesforce as Fivetran, Airbyte and dlt leave it: see raw_tables.sql for what the entries mean. -#}
{% macro salesforce_tables() -%}
    {%- set tables = {
        'opportunity': {
            'feeds': ['deals'],
            'is_required': true,
            'required_columns': ['id', 'stage_name', 'amount', 'created_date', 'close_date'],
            'columns': {
                'id': [],
                'name': [],
                'stage_name': [],
                'amount': [],
                'created_date': [],
                'close_date': [],
                'loaded_at': ['_fivetran_synced', '_airbyte_extracted_at', '_dlt_load_id']
            }
        }
    } -%}
    {{- return({'prefixes': [''], 'contract_tables': ['deals'], 'tables': tables}) -}}
{%- endmacro %}
