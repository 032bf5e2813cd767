{% test headline_is_ratio(model) %}

{%- set meta = sales_kpis.meta_of(model.identifier) -%}

select *
from {{ model }}
where
    {{ meta.headline or 'null' }} is distinct from
    cast({{ meta.numerator or 'null' }} as {{ sales_kpis.type_double() }})
    / nullif({{ meta.denominator or 'null' }}, 0) / {{ meta.numerator_per_unit or 1 }}
    and abs(
        coalesce({{ meta.headline or 'null' }}, 0)
        - coalesce(
            cast({{ meta.numerator or 'null' }} as {{ sales_kpis.type_double() }})
            / nullif({{ meta.denominator or 'null' }}, 0) / {{ meta.numerator_per_unit or 1 }},
            -1e300
        )
    ) > 1e-9 * abs(coalesce({{ meta.headline or 'null' }}, 1))

{% endtest %}
