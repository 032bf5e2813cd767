{{ config(enabled=sales_kpis.is_source_on('pipedrive'), materialized='table') }}

{{ sales_kpis.raw_contract_tables('pipedrive') }}
