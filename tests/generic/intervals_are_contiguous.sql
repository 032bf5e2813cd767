{% test intervals_are_contiguous(model, partition_by, from, to) %}
    with

    intervals as (
        select
            {{ partition_by | join(', ') }},
            {{ from }} as starts_at,
            {{ to }} as ends_at,
            lead({{ from }}) over (partition by {{ partition_by | join(', ') }} order by {{ from }}) as next_starts_at
        from {{ model }}
    )

    select *
    from intervals
    where
        starts_at is null
        or ends_at <= starts_at
        or (next_starts_at is not null and ends_at is distinct from next_starts_at)
{% endtest %}
