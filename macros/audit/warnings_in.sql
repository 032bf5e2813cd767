{#- One row for each column and value that a record lists as text (column, chr(31), value, chr(30), repeated). Expects
    the CTE <relation>. -#}
{% macro listed_values(
    relation, record_id, list_column='unreadable_values', table_name=none, warning='unreadable_value'
) -%}
    {{ adapter.dispatch('listed_values', 'sales_kpis')(relation, record_id, list_column, table_name or relation, warning) }}
{%- endmacro %}

{% macro duckdb__listed_values(relation, record_id, list_column, table_name, warning) -%}
    select
        source_system,
        '{{ table_name }}' as table_name,
        record_id,
        {{ dbt.split_part('listed_value', 'chr(31)', 1) }} as column_name,
        {{ dbt.split_part('listed_value', 'chr(31)', 2) }} as column_value,
        '{{ warning }}' as warning
    from (
        select
            source_system,
            {{ record_id }} as record_id,
            unnest(string_split({{ list_column }}, chr(30))) as listed_value
        from {{ relation }}
        where {{ list_column }} is not null
    ) as listed
    where listed_value <> ''
{%- endmacro %}


{#- The records whose reference finds no record of any kind, where the table that they refer to is there at all.
    Expects the CTEs <table_name>, input_tables and the one with all records of the referred table. -#}
{% macro orphans_of(table_name, record_id, reference, referred_table, referred_id) -%}
    select distinct
        source_system,
        '{{ table_name }}' as table_name,
        {{ record_id }} as record_id,
        '{{ reference }}' as column_name,
        {{ reference }} as column_value,
        'orphan' as warning
    from {{ table_name }}
    where
        {{ reference }} is not null
        and case
            when {{ table_name }}.source_system in (select source_system from input_tables)
                then {{ table_name }}.source_system in (
                    select source_system from input_tables where table_name = '{{ referred_table }}' and is_present
                )
            -- Quotas may name a source that is not read
            else exists (select 1 from input_tables where table_name = '{{ referred_table }}' and is_present)
        end
        and not exists (
            select 1 from {{ {'accounts': 'account_records', 'sales_reps': 'sales_rep_records', 'deals': 'deal_records', 'leads': 'lead_records'}[referred_table] }} as referred
            where
                referred.source_system = {{ table_name }}.source_system
                and referred.{{ referred_id }} = {{ table_name }}.{{ reference }}
        )
{%- endmacro %}
