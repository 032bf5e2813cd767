{{ config(enabled=sales_kpis.is_source_on('salesforce'), materialized='table') }}

{{ sales_kpis.raw_contract_tables('salesforce') }}
