{{ config(materialized=sales_kpis.crm_export_materialization()) }}

{{ sales_kpis.crm_export_base('activities') }}
