{% test unique_combination(model, columns) %}
    {#- NULLs count as equal; without columns the key is empty, and a table may have one row. -#}
    select
        {%- for column in columns %}
        {{ column }},
        {%- endfor %}
        count(*) as occurrences
    from {{ model }}
    {%- if columns %}
    group by {{ columns | join(', ') }}
    {%- endif %}
    having count(*) > 1
{% endtest %}
