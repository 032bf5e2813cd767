"""The state of a deal at any instant, from its row and its change log.

Source of the rules: the log paragraph of `docs/inputs.md` and the "History" and "Deal"
paragraphs of `docs/kpis.md`.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from records import ONE_SECOND, midnight

ONE_DAY = timedelta(days=1)
# The fields that are blanked in the past of a closed deal when the source's log names them for no deal.
EMPTY_WHEN_NEVER_LOGGED = ("amount", "close_date", "owner_id", "forecast_category", "pipeline_id")


# ------------------------------------------------------------ stages


@dataclass(frozen=True)
class Stage:
    """A stage of a source. pipeline_id is None for a stage that serves every pipeline lacking its id."""

    source: str
    pipeline_id: str | None
    stage_id: str
    pipeline_name: str | None
    stage_name: str
    stage_order: Decimal
    probability: Decimal | None
    outcome: str

    @property
    def is_closed(self):
        """Whether the outcome is won or lost."""
        return self.outcome != "open"


class StageBook:
    """Finds the stage a deal is in."""

    def __init__(self, stages):
        self.by_key = {(stage.source, stage.pipeline_id, stage.stage_id): stage for stage in stages}
        self.by_id = {}
        for stage in stages:
            self.by_id.setdefault((stage.source, stage.stage_id), []).append(stage)

    def find(self, source, pipeline_id, stage_id):
        """Stage of the pair, else the one without a pipeline; for a deal without one, the id's only stage.

        None when there is no such stage (stage `unknown`).
        """
        found = self.by_key.get((source, pipeline_id, stage_id)) or self.by_key.get((source, None, stage_id))
        candidates = self.by_id.get((source, stage_id), [])
        if found is None and pipeline_id is None and len(candidates) == 1:
            return candidates[0]
        return found


# ------------------------------------------------------------ the change log


@dataclass(frozen=True)
class Change:
    """What happened to one field of one deal at one instant."""

    changed_at: datetime
    old_value: str | None
    new_value: str | None


def collapse_instant(rows):
    """(old_value, new_value) of several log rows of one field of one deal at one instant.

    rows: list of (change_id, old_value, new_value). The new value is the one of the greatest change_id where every
    row has one and the greatest is unique; else the end of the chain old -> new, if it has a single one; else the
    greatest new_value. The old value is the start of the chain, if it has a single one; else that of the first
    change_id; else that of the row with the greatest new_value.
    """
    if len(rows) == 1:
        return rows[0][1:]
    balance = Counter()
    for _, old, new in rows:
        balance[old] -= 1
        balance[new] += 1
    starts = [value for value, count in balance.items() if count < 0]
    ends = [value for value, count in balance.items() if count > 0]
    old, new = max((row[1:] for row in rows), key=lambda pair: (pair[1] or "", pair[0] or ""))
    new = ends[0] if len(ends) == 1 else new
    ids = [row[0] for row in rows]
    if None not in ids:
        order = int if all(change_id.isdecimal() for change_id in ids) else str
        ordered = sorted(rows, key=lambda row: (order(row[0]), row[0], row[2] or "", row[1] or ""))
        old = ordered[-1][1]
        if ordered[-1][0] != ordered[-2][0]:
            old, new = ordered[0][1], ordered[-1][2]
    return (starts[0] if len(starts) == 1 else old), new


class FieldHistory:
    """One field of one deal: its changes in order (one per instant) and the value in its row.

    Values are raw text; `origin` says in which table the text stands ("deals" or "deal_changes").
    """

    def __init__(self, rows, current):
        at = {}
        for changed_at, change_id, old, new in rows:
            at.setdefault(changed_at, []).append((change_id, old, new))
        self.changes = [Change(moment, *collapse_instant(at[moment])) for moment in sorted(at)]
        self.instants = [change.changed_at for change in self.changes]
        self.current = current

    def at(self, moment):
        """(text, origin) at `moment`, changes at that very instant included."""
        return self._after(bisect_right(self.instants, moment))

    def before(self, moment):
        """(text, origin) just before `moment`."""
        return self._after(bisect_left(self.instants, moment))

    def _after(self, position):
        if position:
            return self.changes[position - 1].new_value, "deal_changes"
        if self.changes:
            return self.changes[0].old_value, "deal_changes"
        return self.current, "deals"

    def row_at(self, cutoff):
        """(text, origin) in the deal's row just before `cutoff`: what the first later change says was there."""
        later = [change for change in self.changes if change.changed_at >= cutoff]
        return (later[0].old_value, "deal_changes") if later else (self.current, "deals")

    def changed_before(self, cutoff):
        """Whether a change is known from before `cutoff`."""
        return bool(self.instants) and self.instants[0] < cutoff

    def with_closing(self, stage_id, created_at, closed_date, zone, cutoff):
        """The log of stages with a closing that only the row knows, at the start of `closed_date`.

        What the log says of later days is dropped; the closing is never before the creation or the last change of
        its day. Where the log has no change before `cutoff`, nobody knows the stage before the closing.
        """
        next_day = midnight(closed_date + ONE_DAY, zone)
        kept = [change for change in self.changes if change.changed_at < min(next_day, cutoff)]
        closed_at = max([midnight(closed_date, zone), created_at] + [change.changed_at for change in kept])
        closing = Change(closed_at, None, stage_id)
        closed = FieldHistory([], None)
        closed.changes = [change for change in kept if change.changed_at < closed_at] + [closing]
        if not closed.changes[:-1] and self.changed_before(cutoff):
            closing = Change(closed_at, self.before(self.instants[0])[0], stage_id)
            closed.changes = [closing]
        closed.instants = [change.changed_at for change in closed.changes]
        return closed


# ------------------------------------------------------------ visits


@dataclass
class Visit:
    """A stay of a deal in one stage (None: stage `unknown`); ended_at is None while it lasts."""

    stage: Stage | None
    started_at: datetime
    ended_at: datetime | None = None

    @property
    def is_open(self):
        """Whether the deal was open during the visit; stage `unknown` is open."""
        return self.stage is None or not self.stage.is_closed

    @property
    def seconds(self):
        """Length of an ended visit in whole seconds, the rest cut off."""
        return (self.ended_at - self.started_at) // ONE_SECOND


def logged_visits(created_at, stage_log, pipeline_log, find_stage, cutoff):
    """List of Visit from the log alone: the first begins at the creation, neighbours in one stage are one."""
    moments = {created_at}
    for log in (stage_log, pipeline_log):
        moments.update(moment for moment in log.instants if created_at < moment < cutoff)
    return merge_visits(
        [
            Visit(find_stage(pipeline_log.at(moment)[0], stage_log.at(moment)[0]), moment)
            for moment in sorted(moments)
        ]
    )


def merge_visits(visits):
    """The visits, neighbours in the same stage joined, each ended where the next one starts."""
    merged = []
    for visit in visits:
        if merged and merged[-1].stage == visit.stage:
            continue
        if merged:
            merged[-1].ended_at = visit.started_at
        merged.append(Visit(visit.stage, visit.started_at))
    return merged


def visit_before(visits, moment):
    """The Visit in force just before `moment`; None before the deal existed."""
    position = bisect_left([visit.started_at for visit in visits], moment)
    return visits[position - 1] if position else None
