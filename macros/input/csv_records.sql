{#- The lines of a CSV file after its header, in the order of the file, as `line`: blank is '', NULL what cannot be
    decoded. reader_options go to read_csv; with_numbers adds line_number, which costs parallel reading. -#}
{% macro csv_lines(csv, reader_options='', with_numbers=false) -%}
    {%- if csv.in_memory -%}
        {{- return(sales_kpis.csv_lines_in_memory(csv)) -}}
    {%- endif -%}
    {#- One column, and a delimiter that no text contains: every line comes whole. -#}
    {%- set query -%}
        select
            {{ 'row_number() over () + ' ~ csv.header_lines ~ ' as line_number,' if with_numbers }}
            coalesce(line, '') as line
        from read_csv(
            {{ sales_kpis.sql_text(csv.path) }}, auto_detect = false, columns = {'line': 'varchar'}, header = false,
            skip = {{ csv.header_lines }}, delim = e'\x01\x02\x03\x04', quote = '', escape = '', strict_mode = false,
            max_line_size = 67108864, buffer_size = 134217728{{ ', ' ~ reader_options if reader_options }}
        )
    {%- endset -%}
    {{- return(query) -}}
{%- endmacro %}


{#- The same for a whole file at once. Other encodings are first written as ASCII with JSON escapes (\u00E9), which
    DuckDB can decode, line by line: one bad line does not spoil the others. -#}
{% macro csv_lines_in_memory(csv) -%}
    {%- set is_utf_8 = csv.encoding == 'utf-8' -%}
    {%- set texts = {
        'utf-8': 'decode(content)',
        'utf-16le': "regexp_replace(hex(content), '(..)(..)', '\\\\u\\2\\1', 'g')",
        'utf-16be': "regexp_replace(hex(content), '(....)', '\\\\u\\1', 'g')",
        'latin-1': "replace(cast(content as varchar), '\\x', '\\u00')"
    } -%}
    {%- set line_feed = 'chr(10)' if is_utf_8 else "'\\u000A'" -%}
    {%- set carriage_return = 'chr(13)' if is_utf_8 else "'\\u000D'" -%}
    {%- set byte_order_mark = 'chr(65279)' if is_utf_8 else "'\\uFEFF'" -%}
    {%- set query -%}
        select
            line_number,
            {{ sales_kpis.csv_decoded_line(csv.encoding) }} as line
        from (
            select unnest(lines) as line, generate_subscripts(lines, 1) as line_number
            from (
                select
                    string_split(
                        replace(
                            replace(file_text, {{ carriage_return }} || {{ line_feed }}, {{ line_feed }}),
                            {{ carriage_return }}, {{ line_feed }}
                        ),
                        {{ line_feed }}
                    ) as lines
                from (
                    select
                        regexp_replace(
                            {{ texts[csv.encoding] }}, '^' || regexp_escape({{ byte_order_mark }}), ''
                        ) as file_text
                    from read_blob({{ sales_kpis.sql_text(csv.path) }})
                ) as file_texts
            ) as split_file
        ) as file_lines
        where line_number > {{ csv.header_lines }}
    {%- endset -%}
    {{- return(query) -}}
{%- endmacro %}


{#- The text of one line with escapes. A line of UTF-8 among others of Latin-1 is taken as what it is. -#}
{% macro csv_decoded_line(encoding) -%}
    {%- if encoding == 'utf-8' -%}
        {{- return('line') -}}
    {%- endif -%}
    {%- set unescaped = "try(json_extract_string('\"' || line || '\"', '$'))" -%}
    {%- if encoding != 'latin-1' -%}
        {{- return(unescaped) -}}
    {%- endif -%}
    {%- set next_byte = '\\\\u00[89AB].' -%}
    {%- set utf_8 = (
        '([^\\\\]|\\\\u00[0-7].|\\\\u00(C[2-9A-F]|D.)' ~ next_byte ~ '|\\\\u00E.(' ~ next_byte ~ '){2}'
        ~ '|\\\\u00F[0-4](' ~ next_byte ~ '){3})*'
    ) -%}
    {%- set windows_codes = (
        '\x80\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8e'
        '\x91\x92\x93\x94\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9e\x9f'
    ) -%}
    {%- set decoded -%}
        case
            when not contains(line, '\u00') then line
            when regexp_full_match(line, '{{ utf_8 }}')
                then try(decode(cast(replace(line, '\u00', '\x') as blob)))
            else translate(
                {{ unescaped }},
                '{{ windows_codes }}',
                '€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ'
            )
        end
    {%- endset -%}
    {{- return(decoded) -}}
{%- endmacro %}


{#- The building blocks of the patterns below, for one delimiter. A quote inside an unquoted value is an ordinary
    character; around a quoted value there may be spaces. -#}
{% macro csv_patterns(delimiter) -%}
    {%- set character = '\\t' if delimiter == '\t' else delimiter -%}
    {%- set quoted = ' *"(?:[^"]|"")*" *' -%}
    {%- set unquoted = ' *[^" ' ~ character ~ '\\n][^' ~ character ~ '\\n]*| *' -%}
    {{- return({
        'delimiter': '[' ~ character ~ ']',
        'field': '(?:' ~ quoted ~ '|' ~ unquoted ~ ')',
        'plain_field': '(?: *"[^"]*" *|[^"' ~ character ~ '\\n]*)',
        'inside': '(?:[^"]|"")*'
    }) -}}
{%- endmacro %}


{#- The values of one record's text as a list, unquoted; NULL where the quotes are broken. -#}
{% macro csv_fields(text, delimiter) -%}
    {%- set pattern = sales_kpis.csv_patterns(delimiter) -%}
    {%- set delimiter_text = 'chr(9)' if delimiter == '\t' else sales_kpis.sql_text(delimiter) -%}
    {%- set fields -%}
        case
            when not contains({{ text }}, '"') then string_split({{ text }}, {{ delimiter_text }})
            {#- Quotes that only enclose: what stands between them is every second part. Far faster than the pattern. #}
            when
                not contains({{ text }}, chr(1))
                and regexp_full_match(
                    {{ text }} || {{ delimiter_text }}, '(?:{{ pattern.plain_field }}{{ pattern.delimiter }})*'
                )
                then list_transform(
                    string_split(
                        array_to_string(
                            list_transform(
                                string_split({{ text }}, '"'),
                                lambda part, position: case
                                    when position % 2 = 0 then replace(part, {{ delimiter_text }}, chr(1)) else part
                                end
                            ),
                            ''
                        ),
                        {{ delimiter_text }}
                    ),
                    lambda field: replace(field, chr(1), {{ delimiter_text }})
                )
            when
                regexp_full_match({{ text }} || {{ delimiter_text }}, '(?:{{ pattern.field }}{{ pattern.delimiter }})*')
                then list_transform(
                    regexp_extract_all(
                        {{ text }} || {{ delimiter_text }}, '({{ pattern.field }}){{ pattern.delimiter }}', 1
                    ),
                    lambda field: case
                        when starts_with(trim(field), '"') then replace(trim(field)[2:-2], '""', '"') else field
                    end
                )
        end
    {%- endset -%}
    {{- return(fields) -}}
{%- endmacro %}


{#- Whether a record has as many values as the header; a delimiter at the end of the line is no value. -#}
{% macro csv_is_readable(csv) -%}
    {%- set count = csv.header | length -%}
    {{- return(
        '(len(fields) = ' ~ count ~ ' or (len(fields) = ' ~ (count + 1)
        ~ ' and trim(fields[' ~ (count + 1) ~ "]) = ''))"
    ) -}}
{%- endmacro %}


{#- The records of a CSV file: text, fields (NULL where it cannot be split) and, if asked for, line_number. Every line
    that is not blank is in exactly one record. -#}
{% macro csv_records(csv, with_numbers=false) -%}
    {%- if csv.has_quoted_line_breaks -%}
        {{- return(sales_kpis.csv_records_over_lines(csv)) -}}
    {%- endif -%}
    {%- set query -%}
        select
            {{ 'line_number,' if with_numbers }}
            line as record_text,
            {{ sales_kpis.csv_fields('line', csv.delimiter) }} as fields
        from ({{ sales_kpis.csv_lines(csv, with_numbers=with_numbers) }}) as lines
        where line is null or trim(line) <> ''
    {%- endset -%}
    {{- return(query) -}}
{%- endmacro %}


{#- The same where values may go on over line breaks. Each line is judged by what it does to a quote that is open, or
    not, before it: `same` leaves it, `flip` fits both, `open` and `close` fit only one and so bring a reader that a
    broken quote misled back on track. The text of the lines stays out of the windows, or they would hold the whole
    file. -#}
{% macro csv_records_over_lines(csv) -%}
    {%- set pattern = sales_kpis.csv_patterns(csv.delimiter) -%}
    {%- set record_start = '(?:' ~ pattern.field ~ pattern.delimiter ~ ')*' -%}
    {%- set opening = record_start ~ ' *"' ~ pattern.inside -%}
    {%- set closing = pattern.inside ~ '" *(?:' ~ pattern.delimiter ~ pattern.field ~ ')*' -%}
    {%- set reopening = pattern.inside ~ '" *' ~ pattern.delimiter ~ opening -%}
    {%- set query -%}
        with numbered_lines as {{ 'materialized' if csv.in_memory else 'not materialized' }} (
            {{ sales_kpis.csv_lines(csv, with_numbers=true) }}
        ),

        judged_lines as (
            select
                line_number,
                line is null or not contains(line, '"')
                or regexp_full_match(line, '{{ pattern.inside }}') as keeps_state,
                contains(line, '"') and regexp_full_match(line, '{{ opening }}') as opens,
                contains(line, '"') and regexp_full_match(line, '{{ closing }}') as closes,
                contains(line, '"') and regexp_full_match(line, '{{ reopening }}') as reopens
            from numbered_lines
        ),

        lines_with_effect as (
            select
                line_number,
                keeps_state or closes or reopens as can_continue,
                case
                    when opens and closes then 'flip'
                    when opens or reopens then 'open'
                    when keeps_state then 'same'
                    else 'close'
                end as effect
            from judged_lines
        ),

        {#- sum(case), for count(*) filter takes quadratic time over a window. #}
        counted_flips as (
            select
                *,
                sum(case effect when 'flip' then 1 else 0 end) over (
                    order by line_number rows unbounded preceding
                ) as flips
            from lines_with_effect
        ),

        lines_with_state as (
            select
                *,
                (
                    flips + coalesce(
                        last_value(
                            case effect when 'open' then flips + 1 when 'close' then flips end ignore nulls
                        ) over (order by line_number rows unbounded preceding),
                        0
                    )
                ) % 2 = 1 as is_open_after
            from counted_flips
        ),

        lines_with_start as (
            select
                line_number,
                is_open_after,
                not (lag(is_open_after, 1, false) over (order by line_number) and can_continue) as starts_record
            from lines_with_state
        ),

        lines_with_record as (
            select
                *,
                sum(case when starts_record then 1 else 0 end) over (
                    order by line_number rows unbounded preceding
                ) as record_number
            from lines_with_start
        ),

        {#- A quote that is never closed would make one value of the rest of the file. #}
        lines_of_long_records as (
            select line_number, record_number
            from lines_with_record
            where is_open_after or not starts_record
            qualify count(*) over (partition by record_number) <= 10000
        ),

        long_records as (
            select
                lines_of_long_records.record_number,
                min(numbered_lines.line_number) as line_number,
                string_agg(numbered_lines.line, chr(10) order by numbered_lines.line_number) as record_text
            from numbered_lines
            inner join lines_of_long_records on numbered_lines.line_number = lines_of_long_records.line_number
            group by lines_of_long_records.record_number
        ),

        split_long_records as (
            select *, {{ sales_kpis.csv_fields('record_text', csv.delimiter) }} as fields
            from long_records
        ),

        {#- Where the quotes of several lines make no record together, each line is one by itself. #}
        single_lines as (
            select line_number, line as record_text
            from numbered_lines
            where
                line_number not in (
                    select lines_of_long_records.line_number
                    from lines_of_long_records
                    inner join split_long_records
                        on lines_of_long_records.record_number = split_long_records.record_number
                    where split_long_records.fields is not null
                )
        )

        select line_number, record_text, fields
        from split_long_records
        where fields is not null
        union all
        select line_number, record_text, {{ sales_kpis.csv_fields('record_text', csv.delimiter) }} as fields
        from single_lines
        where record_text is null or trim(record_text) <> ''
    {%- endset -%}
    {{- return(query) -}}
{%- endmacro %}
