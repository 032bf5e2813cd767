{#- The fields of a deal whose changes are followed, and the type of each. -#}
{% macro logged_fields() -%}
    {{ return({
        'stage_id': dbt.type_string(),
        'pipeline_id': dbt.type_string(),
        'owner_id': dbt.type_string(),
        'currency': dbt.type_string(),
        'forecast_category': dbt.type_string(),
        'amount': 'decimal(18, 2)',
        'probability': sales_kpis.type_probability(),
        'close_date': 'date',
        'is_deleted': 'boolean',
    }) }}
{%- endmacro %}

{% macro logged_fields_in_sql() -%}
    ('{{ sales_kpis.logged_fields() | join("', '") }}')
{%- endmacro %}


{#- A value of the change log, read as the type of its field and written back as text. -#}
{% macro parse_logged_value(text) -%}
    case lower(raw_deal_changes.field)
        when 'amount' then cast({{ sales_kpis.parse_decimal(text) }} as {{ dbt.type_string() }})
        when 'close_date' then cast({{ sales_kpis.parse_date(text) }} as {{ dbt.type_string() }})
        when 'probability'
            then cast(
                {{ sales_kpis.parse_probability(text, 'probability_scales.is_percent') }} as {{ dbt.type_string() }}
            )
        when 'is_deleted' then cast({{ sales_kpis.parse_boolean(text) }} as {{ dbt.type_string() }})
        when 'currency' then upper({{ text }})
        when 'forecast_category' then lower({{ text }})
        else {{ text }}
    end
{%- endmacro %}
