{{ config(materialized='table') }}

{{ united_tables() }}
