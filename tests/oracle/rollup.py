"""Periods, and the one way in which every mart adds its components up by period and member.

Source of the rules: "Periods" and "Rows and columns of a KPI mart" in `docs/kpis.md`.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

GRAINS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, order=True)
class Period:
    """A month, quarter or year; `end` is its last day."""

    grain: str
    start: date
    end: date
    label: str

    def keys(self, as_of):
        """The period's key columns; complete when it ended on or before `as_of`."""
        return {
            "period_grain": self.grain,
            "period_start_date": self.start,
            "period_end_date": self.end,
            "period_label": self.label,
            "is_complete": self.end <= as_of,
        }


def add_months(day, months):
    """First day of the month that lies `months` after the month of `day`."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def period_of(day, grain, fiscal_year_start_month):
    """The Period of that grain that contains `day`."""
    month = day.replace(day=1)
    months_into_year = (day.month - fiscal_year_start_month) % 12
    year_start = add_months(month, -months_into_year)
    start = add_months(month, -(months_into_year % GRAINS[grain]))
    end = add_months(start, GRAINS[grain]) - timedelta(days=1)
    is_fiscal = fiscal_year_start_month != 1
    year = f"FY{(add_months(year_start, 12) - timedelta(days=1)).year}" if is_fiscal else str(year_start.year)
    labels = {
        "month": f"{start:%Y-%m}",
        "quarter": f"{year} Q{months_into_year // 3 + 1}",
        "year": year,
    }
    return Period(grain, start, end, labels[grain])


def following(period, fiscal_year_start_month):
    """The Period after `period`."""
    return period_of(period.end + timedelta(days=1), period.grain, fiscal_year_start_month)


def periods_until(first_day, last_day, fiscal_year_start_month):
    """Every Period of every grain from the one with `first_day` to the one with `last_day`."""
    found = []
    for grain in GRAINS:
        period = period_of(first_day, grain, fiscal_year_start_month)
        while period.start <= last_day:
            found.append(period)
            period = following(period, fiscal_year_start_month)
    return found


def ratio(numerator, denominator):
    """float quotient; None when either is None or the denominator is 0."""
    if numerator is None or not denominator:
        return None
    return float(numerator) / float(denominator)


def percentile(values, share):
    """Linearly interpolated percentile of floats (share 0..1), as a float; None of nothing."""
    ordered = sorted(float(value) for value in values)
    if not ordered:
        return None
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def median(values):
    """Median of the values as a float; None of nothing."""
    return percentile(values, 0.5)


def is_money(component):
    """Whether a component is an amount of money; `won_deals_with_amount` counts deals."""
    return "_amount" in component and not component.startswith("won_deals_")


class Tally:
    """Sums components by period and member and yields a mart's rows.

    dimensions: the KPI's own ones (`overall` and `source_system` are always added). components: additive
    columns (money is Decimal, counts are int). is_null(component, dimension, member_id): whether a
    component cannot be known for a member. is_something(samples): whether the samples of a member make a row where
    its components do not.
    """

    def __init__(
        self,
        facts,
        dimensions,
        components,
        is_null=lambda component, dimension, member_id: False,
        is_something=lambda samples: False,
    ):
        self.facts = facts
        self.dimensions = ("overall", "source_system", *dimensions)
        self.components = components
        self.is_null = is_null
        self.is_something = is_something
        self.first_month = facts.config.fiscal_year_start_month
        self.sums = defaultdict(self._zeros)
        self.samples = defaultdict(lambda: defaultdict(list))

    def _zeros(self):
        return {name: Decimal(0) if is_money(name) else 0 for name in self.components}

    def periods_of(self, day):
        """The periods (one per grain) that contain `day`, but for those that start after the as-of date."""
        if day.year > self.facts.as_of.year + 1:
            return []
        periods = (period_of(day, grain, self.first_month) for grain in GRAINS)
        return [period for period in periods if period.start <= self.facts.as_of]

    def add(self, day, members, **amounts):
        """Add to the periods that contain `day`, for each of the members; None adds nothing."""
        for period in self.periods_of(day):
            self.add_to(period, members, **amounts)

    def add_to(self, period, members, **amounts):
        """Add to one period."""
        for dimension in self.dimensions:
            if period.start <= self.facts.as_of and dimension in members:
                sums = self.sums[period, dimension, members[dimension]]
                for name, amount in amounts.items():
                    sums[name] += amount or 0

    def sample(self, day, members, name, value):
        """Keep one value of a distribution for the periods that contain `day`."""
        for period in self.periods_of(day):
            for dimension in self.dimensions:
                if dimension in members:
                    self.samples[period, dimension, members[dimension]][name].append(value)

    def rows(self, finish, extra_keys=lambda dimension, member_id: {}):
        """List of row dicts: keys, extra keys, components, then what `finish(row, samples)` returns.

        A member has a row where a component is not zero; `overall` in every period from the first such one to
        that of the as-of date.
        """
        cells = set(self._spine()) | {
            cell for cell in self.sums if cell[1] != "overall" and self._counts(cell)
        }
        rows = []
        for cell in sorted(cells):
            period, dimension, member_id = cell
            row = period.keys(self.facts.as_of) | {
                "dimension": dimension,
                "member_id": member_id,
                "member_name": self.facts.member_name(dimension, member_id),
            }
            row |= extra_keys(dimension, member_id) | self._components(cell)
            rows.append(row | finish(row, self.samples.get(cell, defaultdict(list))))
        return rows

    def _components(self, cell):
        sums = self.sums[cell] if cell in self.sums else self._zeros()
        return {name: None if self.is_null(name, *cell[1:]) else sums[name] for name in self.components}

    def _counts(self, cell):
        samples = self.samples.get(cell, {})
        return any(self._components(cell).values()) or self.is_something(samples)

    def _spine(self):
        counted = [cell[0] for cell in self.sums if cell[1] == "overall" and self._counts(cell)]
        for grain in GRAINS:
            starts = [period.start for period in counted if period.grain == grain]
            if starts:
                for period in periods_until(min(starts), self.facts.as_of, self.first_month):
                    if period.grain == grain:
                        yield period, "overall", "all"
