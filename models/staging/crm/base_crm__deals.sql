{{ config(materialized='view') }}

{{ united_records('deals') }}
