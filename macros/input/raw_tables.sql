{#- The CRMs whose raw tables can be read. Each describes its tables in a macro of its own:
      prefixes   what a loader may put before a column's name
      tables     raw table -> how to find and read it:
        names             the spellings of its name (its own name, unless given)
        feeds             the contract tables that cannot be known without it
        is_required       whether a build stops where it is missing
        required_without  {table, column}: a build stops where that table exists without that column, which holds the same
        columns           column as its base model yields it -> the spellings of its name (empty: its own)
        required_columns  those of them without which the build stops
        mapped_as         another raw table, whose entries in the var <crm>_columns hold for this one too
        logged_fields     fields of a log, for which the var may give the key under which they are logged
    A spelling with a point (custom_fields.segment) is a value within a nested column, whether the loader left it nested
    or made a column of its own of it (custom_fields__segment). -#}
{% macro crm_adapters() -%}
    {{- return({
        'salesforce': sales_kpis.salesforce_tables(),
        'hubspot': sales_kpis.hubspot_tables(),
        'pipedrive': sales_kpis.pipedrive_tables()
    }) -}}
{%- endmacro %}


{#- A name as it is compared: letter case, underscores and points do not matter, so that StageName, stage_name and
    STAGE_NAME are one name, as are X__c, x__c and x_c. -#}
{% macro comparable_name(name) -%}
    {{- return(name | string | lower | replace('_', '') | replace('.', '')) -}}
{%- endmacro %}


{#- The schema in which a loader has left a CRM's tables. -#}
{% macro raw_schema(crm) -%}
    {{- return(var(crm ~ '_schema')) -}}
{%- endmacro %}


{#- Stops a build with one line about a CRM's raw tables; other commands have to work without any. -#}
{% macro raw_stop(crm, message) -%}
    {%- if execute and flags.WHICH in ['build', 'run', 'retry', 'show', 'snapshot'] -%}
        {{- exceptions.raise_compiler_error(crm ~ ': ' ~ message) -}}
    {%- endif -%}
{%- endmacro %}


{#- The whole of a base model: the records of one raw table as trimmed text, in the columns of its description and in
    their order, whichever loader wrote it. Zero rows where the table is absent, NULL where a column is. -#}
{% macro raw_records(crm, table_name) -%}
    {%- set described = sales_kpis.crm_adapters()[crm].tables[table_name] -%}
    {%- set relation = sales_kpis.find_raw_table(crm, table_name) -%}
    {%- if relation is none and sales_kpis.raw_table_is_required(crm, table_name) -%}
        {%- do sales_kpis.raw_stop(crm,
            "the required table '" ~ table_name ~ "' is missing: the schema '" ~ sales_kpis.raw_schema(crm)
            ~ "' has no table named " ~ described.get('names', [table_name]) | join(' or ')
            ~ '; load it, or name the right schema in the var ' ~ crm ~ '_schema.'
        ) -%}
    {%- endif -%}
    {%- set fields = sales_kpis.find_raw_columns(crm, table_name, relation) if relation else {} %}
select
    {%- for column in described.columns %}
    {{ sales_kpis.trimmed_text(fields[column]) if column in fields else 'cast(null as ' ~ dbt.type_string() ~ ')' }}
        as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- if relation %}
from {{ relation }}
{%- else %}
from (select 1 as nothing) as no_table
where 1 = 0
{%- endif %}
{%- endmacro %}


{#- Whether a build cannot do without a raw table. -#}
{% macro raw_table_is_required(crm, table_name) -%}
    {%- set described = sales_kpis.crm_adapters()[crm].tables[table_name] -%}
    {%- set other = described.get('required_without', none) -%}
    {%- set other_relation = sales_kpis.find_raw_table(crm, other.table) if other else none -%}
    {%- if other_relation -%}
        {{- return(other.column not in sales_kpis.find_raw_columns(crm, other.table, other_relation)) -}}
    {%- endif -%}
    {{- return(described.get('is_required', false)) -}}
{%- endmacro %}


{#- The relation that holds a raw table, by the first spelling of its name that exists; none where there is none. -#}
{% macro find_raw_table(crm, table_name) -%}
    {#- dbt has to see the source while parsing, or it draws no edge. -#}
    {%- set declared = source(crm, table_name) -%}
    {%- if not execute -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set found = {} -%}
    {%- for name in sales_kpis.table_names_in_schema(declared.database, declared.schema) -%}
        {%- do found.update({sales_kpis.comparable_name(name): name}) -%}
    {%- endfor -%}
    {%- for name in sales_kpis.crm_adapters()[crm].tables[table_name].get('names', [table_name])
        if sales_kpis.comparable_name(name) in found -%}
        {{- return(api.Relation.create(
            database=declared.database, schema=declared.schema,
            identifier=found[sales_kpis.comparable_name(name)],
            quote_policy={'database': true, 'schema': true, 'identifier': true}
        )) -}}
    {%- endfor -%}
    {{- return(none) -}}
{%- endmacro %}


{#- Matches the columns that the description names with those of the relation: {column: text expression}. A column
    named in the var <crm>_columns is read from where that var says. Stops where a required column, or one that the
    var names, is missing. -#}
{% macro find_raw_columns(crm, table_name, relation) -%}
    {%- set adapter_description = sales_kpis.crm_adapters()[crm] -%}
    {%- set described = adapter_description.tables[table_name] -%}
    {%- set chosen = var(crm ~ '_columns') -%}
    {%- set place = 'the table ' ~ relation.schema ~ '.' ~ relation.identifier -%}
    {%- set found = {} -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- do found.update({
            sales_kpis.comparable_name(column.name):
                sales_kpis.column_as_text(sales_kpis.quoted_name(column.name), column.dtype)
        }) -%}
    {%- endfor -%}
    {%- set fields = {} -%}
    {%- for column, names in described.columns.items() -%}
        {%- set key = described.get('mapped_as', table_name) ~ '.' ~ column -%}
        {%- set spellings = [chosen[key]] if key in chosen else (names or [column]) -%}
        {%- set tried = [] -%}
        {%- for spelling in spellings -%}
            {%- for prefix in ([''] if key in chosen else adapter_description.prefixes) -%}
                {%- do tried.append(prefix ~ spelling) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- for name in tried if column not in fields and sales_kpis.comparable_name(name) in found -%}
            {%- do fields.update({column: found[sales_kpis.comparable_name(name)]}) -%}
        {%- endfor -%}
        {%- for name in tried if column not in fields and '.' in name
            and sales_kpis.comparable_name(name.split('.')[0]) in found -%}
            {%- do fields.update({column: sales_kpis.nested_value(
                found[sales_kpis.comparable_name(name.split('.')[0])], name.split('.')[1:]
            )}) -%}
        {%- endfor -%}
        {%- if column == 'loaded_at' and column in fields -%}
            {%- do fields.update({column: sales_kpis.load_time(fields.loaded_at)}) -%}
        {%- endif -%}
        {%- if column not in fields and key in chosen and 'mapped_as' not in described -%}
            {%- do sales_kpis.raw_stop(crm,
                place ~ " has no column '" ~ chosen[key] ~ "', which the var " ~ crm ~ "_columns names for '" ~ key
                ~ "'; correct the var."
            ) -%}
        {%- elif column not in fields and column in described.get('required_columns', []) -%}
            {%- do sales_kpis.raw_stop(crm,
                place ~ " lacks the required column '" ~ column ~ "': there is none named " ~ tried | join(' or ')
                ~ '; load it, or name the one that holds it in the var ' ~ crm ~ "_columns: {'" ~ key ~ "': 'its_name'}."
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(fields) -}}
{%- endmacro %}


{#- Stops where the var <crm>_columns names a column that no base model has: a slip of the pen would else change nothing,
    silently. -#}
{% macro check_raw_columns_var(crm) -%}
    {%- set known = [] -%}
    {%- for table_name, described in sales_kpis.crm_adapters()[crm].tables.items() if 'mapped_as' not in described -%}
        {%- for column in (described.columns | list) + described.get('logged_fields', []) -%}
            {%- do known.append(table_name ~ '.' ~ column) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for key in var(crm ~ '_columns') if key not in known -%}
        {%- set columns = [] -%}
        {%- for column in known if column.startswith(key.split('.')[0] ~ '.') -%}
            {%- do columns.append(column) -%}
        {%- endfor -%}
        {%- do sales_kpis.raw_stop(crm,
            'the var ' ~ crm ~ "_columns names '" ~ key ~ "', which is no column that is read here; there are "
            ~ (columns or known) | join(', ') ~ '.'
        ) -%}
    {%- endfor -%}
{%- endmacro %}


{#- The names of the tables and views in a schema, as they are written there. -#}
{% macro table_names_in_schema(database, schema) -%}
    {{- return(adapter.dispatch('table_names_in_schema', 'sales_kpis')(database, schema)) -}}
{%- endmacro %}

{% macro default__table_names_in_schema(database, schema) -%}
    {%- set names = [] -%}
    {%- for relation in adapter.list_relations(database, schema) -%}
        {%- do names.append(relation.identifier) -%}
    {%- endfor -%}
    {{- return(names) -}}
{%- endmacro %}

{#- dbt's list is cached and lower-cased in places; the catalog is neither. -#}
{% macro duckdb__table_names_in_schema(database, schema) -%}
    {%- set listed = run_query(
        'select table_name from system.information_schema.tables where lower(table_catalog) = '
        ~ sales_kpis.sql_text(database | lower) ~ ' and lower(table_schema) = ' ~ sales_kpis.sql_text(schema | lower)
        ~ ' order by table_name'
    ) -%}
    {{- return(listed.columns[0].values() | list) -}}
{%- endmacro %}


{#- For `dbt source freshness`: when a CRM's loader last wrote a table, by the columns that loaders add. -#}
{% macro raw_newest_load(crm, table_name) -%}
    {%- set relation = sales_kpis.find_raw_table(crm, table_name) -%}
    {%- set fields = sales_kpis.find_raw_columns(crm, table_name, relation) if relation else {} -%}
    {%- if 'loaded_at' in fields -%}
        select max({{ sales_kpis.parse_timestamp(sales_kpis.instant_as_text(fields.loaded_at)) }}) from {{ relation }}
    {%- else -%}
        {%- do log(crm ~ ': ' ~ table_name ~ ' does not say when it was loaded; its freshness is not known.', info=true) -%}
        select {{ dbt.current_timestamp() }}
    {%- endif -%}
{%- endmacro %}


{#- One row per contract table of a CRM: whether what it cannot be known without is there. -#}
{% macro raw_contract_tables(crm) -%}
    {%- do sales_kpis.check_raw_columns_var(crm) -%}
    {%- set found = {} -%}
    {%- for table_name, described in sales_kpis.crm_adapters()[crm].tables.items() -%}
        {%- set relation = sales_kpis.find_raw_table(crm, table_name) -%}
        {%- for contract_table in described.get('feeds', []) if relation and contract_table not in found -%}
            {%- do found.update({contract_table: relation.schema ~ '.' ~ relation.identifier}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set missing = [] -%}
    {%- for contract_table, contract in sales_kpis.crm_export_contract().items() %}
    {%- set is_fed = contract_table in sales_kpis.crm_adapters()[crm].contract_tables %}
    {%- if is_fed and contract_table not in found %}{% do missing.append(contract_table) %}{% endif %}
select
    '{{ crm }}' as source_system,
    '{{ contract_table }}' as table_name,
    {{ 'true' if contract.get('is_required', false) else 'false' }} as is_required,
    {{ 'true' if contract_table in found else 'false' }} as is_present,
    cast({{ sales_kpis.sql_text(found[contract_table]) if contract_table in found else 'null' }} as {{ dbt.type_string() }})
        as location
{%- if not loop.last %}
union all
{%- endif %}
    {%- endfor %}
{%- if missing and execute and flags.WHICH in ['build', 'run', 'retry'] -%}
    {%- do log(
        crm ~ ': the schema ' ~ sales_kpis.raw_schema(crm) ~ ' has no tables for ' ~ missing | join(', ')
        ~ '; what needs ' ~ ('them' if missing | length > 1 else 'it') ~ ' comes out empty.', info=true
    ) -%}
{%- endif -%}
{%- endmacro %}
