{{ config(materialized='table') }}

{{ sales_kpis.crm_export_tables() }}
