{{ config(enabled=sales_kpis.is_source_on('hubspot'), materialized='view') }}

{{ sales_kpis.raw_records('hubspot', 'engagement_note') }}
