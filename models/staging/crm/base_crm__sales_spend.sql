{{ config(materialized='view') }}

{{ united_records('sales_spend') }}
