{{ config(materialized='view') }}

{{ united_records('activities') }}
