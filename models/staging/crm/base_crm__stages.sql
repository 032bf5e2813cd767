{{ config(materialized='view') }}

{{ united_records('stages') }}
