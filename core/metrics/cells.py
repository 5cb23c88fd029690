"""The cells of figures: what a community's records come to, what is kept, and what of it has to change.

All of it is of one community, through the connection of its session: the caller holds the community's lock.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from core.declarations import Metric
from core.metrics.groups import Group, last_of, month_of
from core.metrics.models import MetricFigure, MetricPresence
from core.metrics.periods import PeriodKind, period_of

LOCKS = 0x6A6C << 48  # "jl": the locks of communities, beside any other advisory lock of the database
PIECE = 500  # days or people in one statement; of more everything is asked
NEW_IN = (PeriodKind.MONTH, PeriodKind.QUARTER, PeriodKind.YEAR, PeriodKind.ALL)

Key = tuple[str, PeriodKind, date]  # metric, DAY or MONTH, (first) day


@dataclass
class Figure:
    """A number in stored parts, and the same by dimension and value."""

    number: int = 0
    split: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, number: int, values: Mapping[str, str]) -> None:
        """Count some more, which have these values (dimension → value)."""
        self.number += number
        for name, value in values.items():
            of_values = self.split.setdefault(name, {})
            of_values[value] = of_values.get(value, 0) + number

    def plus(self, other: Figure, times: int = 1) -> Figure:
        """The sum of two; no value stands with 0 in it."""
        made = Figure(self.number + times * other.number)
        for name in {*self.split, *other.split}:
            mine, others = self.split.get(name, {}), other.split.get(name, {})
            sums = {v: mine.get(v, 0) + times * others.get(v, 0) for v in {*mine, *others}}
            if some := {value: number for value, number in sums.items() if number}:
                made.split[name] = some
        return made


NOTHING = Figure()
Figures = dict[Key, Figure]
Presence = set[tuple[int, date]]  # (whom, the first day in each month)


def lock(connection: sa.Connection, community: int) -> None:
    """Wait until nobody else keeps figures of this community, until the end of the transaction.

    What is read after it holds all that the others committed (READ COMMITTED). On SQLite who writes is alone already.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(LOCK, {"key": LOCKS + community})


LOCK = sa.select(sa.func.pg_advisory_xact_lock(sa.bindparam("key", type_=sa.BigInteger)))


# -- what the records come to -------------------------------------------------------------------------


def of_days(connection: sa.Connection, community: int, group: Group, days: Collection[date] | None) -> Figures:
    """The cells of these days as the records say now; None is every day."""
    some = days is not None and len(days) <= PIECE
    values = {"community": community, "days": sorted(days)} if some else {"community": community}
    found: Figures = {}
    if group.summed:
        for row in connection.execute(group.sums if some else group.all_sums(), values):
            _add_sums(found, group, row)
    if group.distinct:
        for day, *numbers in connection.execute(group.counts if some else group.all_counts(), values):
            found.update({(m.name, PeriodKind.DAY, day): Figure(n)
                          for m, n in zip(group.distinct, numbers, strict=True) if n})
    wanted = None if some or days is None else set(days)
    return {key: tidy for key, figure in found.items()
            if (wanted is None or key[2] in wanted) and (tidy := figure.plus(NOTHING)) != NOTHING}


def _add_sums(found: Figures, group: Group, row: sa.Row[Any]) -> None:
    day, *rest = row
    values = {column.key: text_of(value) for column, value in zip(group.dimensions, rest, strict=False)}
    for metric, number in zip(group.summed, rest[len(group.dimensions):], strict=True):
        if number:
            figure = found.setdefault((metric.name, PeriodKind.DAY, day), Figure())
            figure.add(int(number), {d.name: values[d.column.key] for d in metric.by})


def text_of(value: Any) -> str:
    """A value of a dimension as the key in a split; nothing is ""."""
    return "" if value is None else str(value)


def value_of(column: Any, text: str) -> Any:
    """The same back again: a Choice, the id of a record, or a text."""
    if not text:
        return None
    if isinstance(column.type, sa.Enum) and column.type.enum_class:
        return column.type.enum_class(text)
    return int(text) if isinstance(column.type, sa.Integer) else text


def present(
    connection: sa.Connection, community: int, group: Group, metric: Metric, wanted: Mapping[date, set[int]]
) -> Presence:
    """Which of these people are counted in each month, and when first, as the records say now."""
    found: Presence = set()
    for month, subjects in wanted.items():
        values = {"community": community, "first": month, "last": last_of(month)}
        if len(subjects) > PIECE:
            rows = connection.execute(group.present_at_all(metric), values)
        else:
            rows = connection.execute(group.present[metric.name], {**values, "subjects": sorted(subjects)})
        found |= {(subject, day) for subject, day in rows if subject in subjects}
    return found


def new_ones(name: str, presence: Iterable[tuple[int, date]]) -> Counter[Key]:
    """How many come on which day for the first time in its month, its quarter, its year, and at all."""
    days: dict[int, list[date]] = {}
    for subject, day in presence:
        days.setdefault(subject, []).append(day)
    found: Counter[Key] = Counter()
    for mine in days.values():
        for kind in NEW_IN:
            firsts: dict[date | None, date] = {}
            for day in mine:
                start = period_of(kind, day).start
                firsts[start] = min(day, firsts.get(start, day))
            found.update((new_in(name, kind), PeriodKind.DAY, day) for day in firsts.values())
    return found


def new_in(name: str, kind: PeriodKind) -> str:
    """As what the new ones of a distinct metric are kept."""
    return f"{name}:{kind.value}"


def series_of(group: Group) -> list[str]:
    """Everything that is kept of a group, by its name."""
    return [*(metric.name for metric in group.metrics),
            *(new_in(metric.name, kind) for metric in group.distinct for kind in NEW_IN)]


def by_months(days: Figures, group: Group) -> Figures:
    """The sums of days as months; people of different days are no sum."""
    people = {metric.name for metric in group.distinct}
    found: Figures = {}
    for (name, _kind, day), figure in days.items():
        if name not in people:
            key = (name, PeriodKind.MONTH, month_of(day))
            found[key] = found.get(key, NOTHING).plus(figure)
    return found


# -- what is kept -------------------------------------------------------------------------------------

FIGURE, PRESENCE = MetricFigure.__table__, MetricPresence.__table__
_names = sa.bindparam("names", expanding=True)
READ = sa.select(FIGURE.c.metric, FIGURE.c.period, FIGURE.c.day, FIGURE.c.number, FIGURE.c.split).where(
    FIGURE.c.community_id == sa.bindparam("community"), FIGURE.c.metric.in_(_names))
READ_SOME = READ.where(FIGURE.c.period.in_(sa.bindparam("periods", expanding=True)),
                       FIGURE.c.day.in_(sa.bindparam("days", expanding=True)))
THERE = sa.select(PRESENCE.c.subject_id, PRESENCE.c.first_day).where(
    PRESENCE.c.community_id == sa.bindparam("community"), PRESENCE.c.metric == sa.bindparam("name"))
THERE_SOME = THERE.where(PRESENCE.c.subject_id.in_(sa.bindparam("subjects", expanding=True)))
GONE = PRESENCE.delete().where(*(PRESENCE.c[name] == sa.bindparam(f"b_{name}")
                                 for name in ("community_id", "metric", "subject_id", "first_day")))
COME = PRESENCE.insert()


def _upsert(insert: Any) -> Any:
    made = insert(FIGURE)
    return made.on_conflict_do_update(
        index_elements=["community_id", "metric", "period", "day"],
        set_={"number": made.excluded.number, "split": made.excluded.split})


WRITE = {"sqlite": _upsert(sqlite.insert), "postgresql": _upsert(postgresql.insert)}


def read(
    connection: sa.Connection, community: int, names: Iterable[str], keys: Collection[tuple[PeriodKind, date]] | None
) -> Figures:
    """What is kept of these metrics, in the cells of these periods and first days; None is everything."""
    values: dict[str, Any] = {"community": community, "names": sorted(names)}
    statement = READ
    if keys is not None and len(keys) <= PIECE:
        periods, days = {kind for kind, _day in keys}, {day for _kind, day in keys}
        statement, values = READ_SOME, {**values, "periods": sorted(periods), "days": sorted(days)}
    return {(name, period, day): Figure(number, split or {})
            for name, period, day, number, split in connection.execute(statement, values)
            if keys is None or (period, day) in keys}


def there(connection: sa.Connection, community: int, name: str, subjects: Collection[int] | None) -> Presence:
    """The first days that are kept of these people; None is of all."""
    if subjects is None or len(subjects) > PIECE:
        rows = connection.execute(THERE, {"community": community, "name": name})
        return {(subject, day) for subject, day in rows if subjects is None or subject in subjects}
    values = {"community": community, "name": name, "subjects": sorted(subjects)}
    return {(subject, day) for subject, day in connection.execute(THERE_SOME, values)}


def differences(kept: Figures, wanted: Figures) -> dict[Key, tuple[Figure, Figure]]:
    """(kept, wanted) of every cell where they are not the same."""
    return {key: (kept.get(key, NOTHING), wanted.get(key, NOTHING)) for key in {*kept, *wanted}
            if kept.get(key, NOTHING) != wanted.get(key, NOTHING)}


def write(connection: sa.Connection, community: int, figures: Figures) -> None:
    """Keep these."""
    rows = [{"community_id": community, "metric": name, "period": period, "day": day, "number": figure.number,
             "split": figure.split or None, "row_version": 1}
            for (name, period, day), figure in sorted(figures.items(), key=lambda cell: cell[0])]
    if rows:
        connection.execute(WRITE[connection.dialect.name], rows)


def write_presence(
    connection: sa.Connection, community: int, name: str, kept: Presence, wanted: Presence
) -> None:
    """Make those kept that are there and are not kept, and forget the others."""
    if gone := [{"b_community_id": community, "b_metric": name, "b_subject_id": s, "b_first_day": m}
                for s, m in sorted(kept - wanted)]:
        connection.execute(GONE, gone)
    if come := [{"community_id": community, "metric": name, "subject_id": s, "first_day": m, "row_version": 1}
                for s, m in sorted(wanted - kept)]:
        connection.execute(COME, come)
