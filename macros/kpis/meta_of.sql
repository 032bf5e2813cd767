{#- The meta of one of this project's models, from the graph; empty while dbt only parses. -#}
{% macro meta_of(model_name) -%}
    {%- set found = namespace(meta={}) -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name == model_name and node.package_name == 'sales_kpis' -%}
            {%- set found.meta = node.config.meta -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found.meta) }}
{%- endmacro %}


{#- The columns of a model whose meta has a truthy value for a key, as {column: value}. -#}
{% macro columns_with_meta(model_name, key) -%}
    {%- set found = namespace(columns={}) -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name == model_name and node.package_name == 'sales_kpis' -%}
            {%- for column in node.columns.values() -%}
                {%- set value = column.config.meta.get(key) -%}
                {%- if value -%}
                    {%- do found.columns.update({column.name: value}) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found.columns) }}
{%- endmacro %}
