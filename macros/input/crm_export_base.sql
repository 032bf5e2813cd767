{#- The whole of a base model: the records of one contract table as trimmed text, in the contract's columns, whatever
    the input is. Zero rows where the table is absent. -#}
{% macro crm_export_base(table_name) -%}
{%- set input = sales_kpis.crm_export_input(table_name) -%}
{%- set contract = sales_kpis.crm_export_contract()[table_name] -%}
{%- set columns = contract.columns + ['loaded_at'] -%}
{%- set comma_columns = sales_kpis.decimal_comma_columns(table_name, input) -%}
{%- set no_column = 'cast(null as ' ~ dbt.type_string() ~ ')' -%}
with raw_records as (
    select
        {%- for column in columns %}
        {{ input.fields.get(column, no_column) }} as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    {%- if input.is_present %}
    from {{ input.relation }}
    {%- if input.where %}
    where {{ input.where }}
    {%- endif %}
    {%- else %}
    from (select 1 as nothing) as no_input
    where 1 = 0
    {%- endif %}
),

trimmed_records as {{ 'materialized ' if comma_columns }}(
    select
        {%- for column in columns %}
        {{ sales_kpis.trimmed_text(column) ~ ' as ' if column in input.fields }}{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from raw_records
)
{%- if comma_columns %},

{{ sales_kpis.decimal_comma_records(comma_columns, columns) }}
{%- endif %}

select
    {{ "coalesce(lower(source_system), 'crm_export')" if 'source_system' in columns else "'crm_export'" }} as source_system
    {%- for column in columns if column != 'source_system' %},
    {{ column }}
    {%- endfor %}
from {{ 'records_with_points' if comma_columns else 'trimmed_records' }}
{%- endmacro %}


{#- Which columns may hold decimal commas, each with the condition under which it is a number: only files with
    semicolons are written in a country's number format. -#}
{% macro decimal_comma_columns(table_name, input) -%}
    {%- set contract = sales_kpis.crm_export_contract()[table_name] -%}
    {%- set found = [] -%}
    {%- if input.csv and input.csv.delimiter == ';' -%}
        {%- for column in contract.get('number_columns', []) if column in input.fields -%}
            {%- do found.append({'flag': column ~ '_has_commas', 'columns': [column], 'condition': none}) -%}
        {%- endfor -%}
        {%- for field in contract.get('logged_number_fields', []) -%}
            {%- do found.append({
                'flag': field ~ '_has_commas', 'columns': contract.logged_value_columns,
                'condition': "lower(field) = '" ~ field ~ "'"
            }) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(found) -}}
{%- endmacro %}


{#- Writes decimal commas as points, in those columns in which a comma occurs and does not separate thousands. -#}
{% macro decimal_comma_records(comma_columns, columns) -%}
comma_columns as (
    select
        {%- for entry in comma_columns %}
        {%- set only_numbers = ' filter (where ' ~ entry.condition ~ ')' if entry.condition else '' %}
        coalesce(bool_or(
            {%- for column in entry.columns %}{{ ' or ' if not loop.first }}contains({{ column }}, ','){% endfor -%}
        ){{ only_numbers }}, false)
        and not coalesce(bool_or(
            {%- for column in entry.columns -%}
            {{ ' or ' if not loop.first }}regexp_full_match({{ column }}, '[+-]?[0-9]{1,3}(,[0-9]{3})+[.][0-9]*')
            {%- endfor -%}
        ){{ only_numbers }}, false) as {{ entry.flag }}{{ ',' if not loop.last }}
        {%- endfor %}
    from trimmed_records
),

records_with_points as (
    select
        {%- for column in columns %}
        {%- set entries = [] %}
        {%- for entry in comma_columns if column in entry.columns %}{% do entries.append(entry) %}{% endfor %}
        {%- if entries %}
        case
            {%- for entry in entries %}
            when comma_columns.{{ entry.flag }}{{ ' and ' ~ entry.condition if entry.condition }}
                then {{ sales_kpis.with_decimal_point('trimmed_records.' ~ column) }}
            {%- endfor %}
            else trimmed_records.{{ column }}
        end as {{ column }}
        {%- else %}
        trimmed_records.{{ column }}
        {%- endif %}{{ ',' if not loop.last }}
        {%- endfor %}
    from trimmed_records
    cross join comma_columns
)
{%- endmacro %}


{#- One row per table of the contract: whether the input has it. Says in the log which optional ones are missing. -#}
{% macro crm_export_tables() -%}
{%- set missing = [] -%}
{%- for table_name, contract in sales_kpis.crm_export_contract().items() %}
{%- set location = sales_kpis.crm_export_location(table_name) -%}
{#- A required table that is missing stops its own base model. -#}
{%- if sales_kpis.crm_export_reads(table_name) and not location and not contract.get('is_required', false) -%}
    {%- do missing.append(table_name) -%}
{%- endif %}
select
    'crm_export' as source_system,
    '{{ table_name }}' as table_name,
    {{ 'true' if contract.get('is_required', false) else 'false' }} as is_required,
    {{ 'true' if location else 'false' }} as is_present,
    cast({{ sales_kpis.sql_text(location) if location else 'null' }} as {{ dbt.type_string() }}) as location
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
{%- if missing and execute and flags.WHICH in ['build', 'run', 'retry'] -%}
    {%- do log(
        'crm_export: the input has no ' ~ missing | join(', ') ~ '; what needs '
        ~ ('them' if missing | length > 1 else 'it') ~ ' comes out empty.', info=true
    ) -%}
{%- endif -%}
{%- endmacro %}


{#- The lines of CSV input that could not be read as records, with the reason. -#}
{% macro crm_export_rejected_lines() -%}
{%- set rejected = [] -%}
{%- for table_name in sales_kpis.crm_export_contract() -%}
    {%- set csv = sales_kpis.crm_export_input(table_name, stops=false).csv -%}
    {%- if csv -%}
        {%- set is_rejected = 'not coalesce(' ~ sales_kpis.csv_is_readable(csv) ~ ', false)' -%}
        {%- set found = run_query(
            'select count(*) from (' ~ sales_kpis.csv_records(csv) ~ ') as csv_records where ' ~ is_rejected
        ) -%}
        {%- set rejections = found.columns[0].values()[0] | int -%}
        {%- if rejections > 0 -%}
            {%- do log(
                'crm_export: ' ~ rejections ~ ' record' ~ ('s' if rejections > 1 else '') ~ ' of ' ~ csv.path
                ~ ' could not be read; see base_crm_export__rejected_lines.', info=true
            ) -%}
            {%- do rejected.append({'table_name': table_name, 'csv': csv, 'is_rejected': is_rejected}) -%}
        {%- endif -%}
    {%- endif -%}
{%- endfor -%}
{%- for entry in rejected %}
select
    'crm_export' as source_system,
    '{{ entry.table_name }}' as table_name,
    cast(line_number as {{ dbt.type_bigint() }}) as line_number,
    substr(record_text, 1, 500) as line_text,
    case
        when record_text is null then 'cannot be decoded'
        when fields is null then 'broken quotes'
        when len(fields) < {{ entry.csv.header | length }}
            then 'too few fields: ' || len(fields) || ' of {{ entry.csv.header | length }}'
        else 'too many fields: ' || len(fields) || ' of {{ entry.csv.header | length }}'
    end as problem
from ({{ sales_kpis.csv_records(entry.csv, with_numbers=true) }}) as csv_records
where {{ entry.is_rejected }}
{%- if not loop.last %}
union all
{%- endif %}
{%- else %}
select
    cast(null as {{ dbt.type_string() }}) as source_system,
    cast(null as {{ dbt.type_string() }}) as table_name,
    cast(null as {{ dbt.type_bigint() }}) as line_number,
    cast(null as {{ dbt.type_string() }}) as line_text,
    cast(null as {{ dbt.type_string() }}) as problem
from (select 1 as nothing) as no_rejections
where 1 = 0
{%- endfor %}
{%- endmacro %}
