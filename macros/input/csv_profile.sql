{#- How a CSV file is written, found from the file itself without guessing from samples: encoding, delimiter, header,
    and whether quoted line breaks occur. None for a file without a header. DuckDB only, like all macros for files. -#}
{% macro csv_profile(table_name, path, size) -%}
    {#- Files up to 16 MB are split into lines in memory, which keeps line numbers exact whatever the line ends are.
        Larger ones go through DuckDB's parallel reader, which knows UTF-8 alone. -#}
    {%- set csv = {
        'path': path, 'encoding': 'utf-8', 'in_memory': size <= 16 * 1024 * 1024, 'delimiter': ',', 'header': [],
        'header_lines': 0, 'has_quoted_line_breaks': false
    } -%}
    {%- if not csv.in_memory -%}
        {%- set fault = sales_kpis.csv_reader_fault(csv) -%}
        {%- if fault and size > 256 * 1024 * 1024 -%}
            {%- do sales_kpis.crm_export_stop(
                'the file ' ~ path ~ ' is larger than 256 MB and its line ' ~ fault.line_number ~ ' is ' ~ fault.problem
                ~ '; export it as UTF-8 text, or as Parquet.'
            ) -%}
        {%- endif -%}
        {%- do csv.update({'in_memory': fault is not none}) -%}
    {%- endif -%}
    {%- if csv.in_memory -%}
        {%- do csv.update({'encoding': sales_kpis.csv_encoding(path)}) -%}
    {%- endif -%}
    {%- do csv.update(sales_kpis.csv_header(table_name, csv)) -%}
    {%- if not csv.header -%}
        {{- return(none) -}}
    {%- endif -%}
    {#- A line with an odd number of quotes may open a quoted value that goes on in the next line. -#}
    {%- set odd_lines = run_query(
        "select count(*) from (" ~ sales_kpis.csv_lines(csv)
        ~ ") as lines where contains(line, '\"') and len(string_split(line, '\"')) % 2 = 0"
    ) -%}
    {%- do csv.update({'has_quoted_line_breaks': odd_lines.columns[0].values()[0] | int > 0}) -%}
    {{- return(csv) -}}
{%- endmacro %}


{#- The first line that DuckDB's reader cannot take, or none. -#}
{% macro csv_reader_fault(csv) -%}
    {%- do run_query('drop table if exists temp.crm_export_reader_scans') -%}
    {%- do run_query('drop table if exists temp.crm_export_reader_faults') -%}
    {%- do run_query(
        'select sum(strlen(line)) from (' ~ sales_kpis.csv_lines(
            csv, "ignore_errors = true, store_rejects = true, rejects_scan = 'crm_export_reader_scans', "
            ~ "rejects_table = 'crm_export_reader_faults', rejects_limit = 1"
        ) ~ ') as lines'
    ) -%}
    {%- set faults = run_query(
        'select line, cast(error_type as varchar) from crm_export_reader_faults limit 1'
    ).rows -%}
    {%- if faults | length == 0 -%}
        {{- return(none) -}}
    {%- endif -%}
    {{- return({
        'line_number': faults[0][0],
        'problem': 'not UTF-8 text' if 'ENCODING' in faults[0][1] else 'longer than 64 MB'
    }) -}}
{%- endmacro %}


{#- UTF-16 announces itself by a byte-order mark; what is not valid UTF-8 is taken for Windows-1252, the Latin-1 of
    spreadsheets. -#}
{% macro csv_encoding(path) -%}
    {%- set found = run_query(
        "select case hex(content[1:2]) when 'FFFE' then 'utf-16le' when 'FEFF' then 'utf-16be' "
        ~ "else case when try(decode(content)) is null then 'latin-1' else 'utf-8' end end from read_blob("
        ~ sales_kpis.sql_text(path) ~ ')'
    ) -%}
    {{- return(found.columns[0].values()[0]) -}}
{%- endmacro %}


{#- Delimiter, column names and number of lines of the header: the first line that is not blank. The delimiter is the
    one that yields the most names of the contract. -#}
{% macro csv_header(table_name, csv) -%}
    {%- set known = sales_kpis.crm_export_contract()[table_name].columns + ['loaded_at'] -%}
    {%- set delimiters = [',', ';', '\t', '|'] -%}
    {%- set state = namespace(text='', lines=0, is_open=true) -%}
    {#- The x keeps a name such as 2024 text. -#}
    {%- for row in run_query("select 'x' || line from (" ~ sales_kpis.csv_lines(csv) ~ ') as lines limit 20').rows -%}
        {%- if state.is_open -%}
            {%- set line = (row[0] or 'x')[1:] -%}
            {%- set state.lines = state.lines + 1 -%}
            {%- if not state.text and line | lower | trim in ['sep=,', 'sep=;', 'sep=|', 'sep='] -%}
                {#- A hint for spreadsheets, no header. -#}
            {%- else -%}
                {%- set state.text = state.text ~ ('\n' if state.text else '') ~ line -%}
            {%- endif -%}
            {%- set state.is_open = not state.text | trim or state.text.count('"') % 2 == 1 -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set best = namespace(delimiter=',', names=[], score=-1) -%}
    {%- for delimiter in delimiters if state.text | trim -%}
        {%- set split = run_query(
            "select 'x' || unnest(" ~ sales_kpis.csv_fields('header', delimiter) ~ ') from (select '
            ~ sales_kpis.sql_text(state.text) ~ ' as header) as header_line'
        ) -%}
        {%- set names = [] -%}
        {%- set hits = [] -%}
        {%- for name in split.columns[0].values() -%}
            {%- do names.append(name[1:]) -%}
            {%- if sales_kpis.normal_column_name(name[1:]) in known -%}{%- do hits.append(name) -%}{%- endif -%}
        {%- endfor -%}
        {%- set score = (hits | length) * 10000 + names | length -%}
        {%- if score > best.score -%}
            {%- set best.delimiter = delimiter -%}
            {%- set best.names = names -%}
            {%- set best.score = score -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return({'delimiter': best.delimiter, 'header': best.names, 'header_lines': state.lines}) -}}
{%- endmacro %}
