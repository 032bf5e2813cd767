{{ config(enabled=sales_kpis.is_source_on('pipedrive'), materialized='view') }}

{{ sales_kpis.raw_records('pipedrive', 'organization_fields') }}
