{{ config(materialized='view') }}

{{ united_records('fx_rates') }}
