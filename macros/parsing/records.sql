{#- One record as text: the contract's columns without loaded_at, in their order. It ranks versions of a record that
    nothing else tells apart, and shows an excluded record in the audit. -#}
{% macro row_as_text(table_name, relation) -%}
    concat_ws(
        chr(31), {{ relation }}.source_system
        {%- for column in sales_kpis.contract_columns(table_name) %}, coalesce({{ relation }}.{{ column }}, ''){% endfor -%}
    )
{%- endmacro %}


{#- Lists the values of a record that cannot be read as their type, as column and value: NULL when there are none.
    parsed_columns maps each text column to the expression that reads it. -#}
{% macro unreadable_values(relation, parsed_columns) -%}
    nullif(
        concat(
        {%- for column, parsed in parsed_columns.items() %}
            case
                when {{ relation }}.{{ column }} is not null and {{ parsed }} is null
                    then '{{ column }}' || chr(31) || substr({{ relation }}.{{ column }}, 1, 200) || chr(30)
                else ''
            end{{ ',' if not loop.last }}
        {%- endfor %}
        ),
        ''
    )
{%- endmacro %}


{#- Whether a table writes its probabilities as 0-100: any value above 1 says so. -#}
{% macro is_percent_scale(text) -%}
    coalesce(max({{ sales_kpis.parse_decimal(text, 24, 12) }}) > 1, false)
{%- endmacro %}


{#- The end of every staging model: why a record is not used (NULL: it is), the column at fault, and the record itself
    where it is excluded. Expects `problem` as reason|column and `version_rank`, 1 for the version that counts.
    later_reason is an SQL expression for a reason that ranks below `duplicate`. -#}
{% macro exclusion_columns(later_reason='cast(null as ' ~ dbt.type_string() ~ ')') -%}
    case
        when problem is not null then {{ dbt.split_part('problem', "'|'", 1) }}
        when version_rank > 1 then 'duplicate'
        else {{ later_reason }}
    end as exclusion_reason,
    {{ dbt.split_part('problem', "'|'", 2) }} as exclusion_column,
    case
        when problem is not null or version_rank > 1 or {{ later_reason }} is not null
            then substr(replace(record_text, chr(31), '|'), 1, 500)
    end as record_text
{%- endmacro %}


{% macro earliest_date() -%}
    cast('{{ var("earliest_date") }}' as date)
{%- endmacro %}

