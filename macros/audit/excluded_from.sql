{#- The excluded records of one staging model, in the audit's shape. is_in_future says which of the others are dated
    after the as-of date; a table without a date has none. Expects the CTEs <table_name> and as_of. -#}
{% macro excluded_from(table_name, record_id, is_in_future='false') -%}
    select
        {{ table_name }}.source_system,
        '{{ table_name }}' as table_name,
        {{ record_id }} as record_id,
        coalesce({{ table_name }}.exclusion_reason, 'created_in_future') as exclusion_reason,
        nullif({{ table_name }}.exclusion_column, '') as exclusion_column,
        {{ table_name }}.record_text
    from {{ table_name }}
    cross join as_of
    where {{ table_name }}.exclusion_reason is not null or {{ is_in_future }}
{%- endmacro %}
