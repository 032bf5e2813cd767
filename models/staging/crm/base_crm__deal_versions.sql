{{ config(enabled=sales_kpis.snapshot_sources() | length > 0, materialized='view') }}

{{ deal_versions() }}
