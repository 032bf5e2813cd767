{{ config(enabled=sales_kpis.is_source_on('hubspot'), materialized='table') }}

{{ sales_kpis.raw_contract_tables('hubspot') }}
