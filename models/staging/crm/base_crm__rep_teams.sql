{{ config(materialized='view') }}

{{ united_records('rep_teams') }}
