{{ config(materialized='view') }}

{{ united_records('quotas') }}
