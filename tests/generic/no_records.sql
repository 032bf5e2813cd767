{% test no_records(model, condition) %}

select *
from {{ model }}
where {{ condition }}

{% endtest %}
