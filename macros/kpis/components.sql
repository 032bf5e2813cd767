{#- 1 where a condition holds, 0 where it does not or cannot be told: an additive count. -#}
{% macro counted(condition) -%}
    cast(case when {{ condition }} then 1 else 0 end as {{ dbt.type_bigint() }})
{%- endmacro %}


{#- An amount in the reporting currency, in cents, half away from zero; NULL where its currency has no rate.
    rate is a column of int_fx_rates_daily joined on the currency and the date. -#}
{% macro in_reporting_currency(amount, currency, rate) -%}
    case
        when coalesce({{ currency }}, '{{ var("reporting_currency") | upper }}') = '{{ var("reporting_currency") | upper }}'
            then cast({{ amount }} as {{ sales_kpis.type_amount() }})
        else cast(round(cast({{ amount }} as decimal(18, 2)) * {{ rate }}, 2) as {{ sales_kpis.type_amount() }})
    end
{%- endmacro %}
