{{ config(materialized='view') }}

{{ united_records('leads') }}
