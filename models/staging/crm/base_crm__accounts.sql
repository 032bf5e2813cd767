{{ config(materialized='view') }}

{{ united_records('accounts') }}
