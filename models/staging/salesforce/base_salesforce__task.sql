{{ config(enabled=sales_kpis.is_source_on('salesforce'), materialized='view') }}

{{ sales_kpis.raw_records('salesforce', 'task') }}
