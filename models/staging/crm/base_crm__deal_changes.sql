{{ config(materialized='view') }}

{{ united_records('deal_changes') }}
