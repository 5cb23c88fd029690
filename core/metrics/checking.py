"""Figures against the records: every difference by name, building them anew, and noticing that a definition changed."""
from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.areas.models import Area, AreaKind
from core.areas.scope import scope_of, session_for
from core.declarations import Metric
from core.extensions import db
from core.metrics.cells import (
    Figure,
    Figures,
    Key,
    Presence,
    by_months,
    differences,
    lock,
    new_ones,
    of_days,
    read,
    series_of,
    there,
    write,
    write_presence,
)
from core.metrics.first_entries import rebuild_first_entries
from core.metrics.groups import Group, kept
from core.metrics.models import MetricDefinition
from core.metrics.periods import PeriodKind
from core.migrations.chains import CORE, Chain, chains, plugins

Say = Callable[[str], object]


@dataclass(frozen=True)
class Difference:
    """A cell that is not what the records say; `split`: its number is right, its breakdown is not."""

    community: str
    metric: str
    period: PeriodKind
    day: date
    kept: int
    counted: int
    split: bool = False

    def __str__(self) -> str:
        what = _("by value, ") if self.split else ""
        return _("%(community)s  %(metric)s  %(period)s %(day)s: %(what)skept %(kept)s, counted %(counted)s",
                 community=self.community, metric=self.metric, period=self.period.label, day=self.day.isoformat(),
                 what=what, kept=self.kept, counted=self.counted)


@dataclass
class Found:
    """What a group of metrics comes to in one community, kept and counted."""

    kept: Figures
    counted: Figures
    people_kept: dict[str, Presence]
    people_counted: dict[str, Presence]

    @property
    def changes(self) -> dict[Key, tuple[Figure, Figure]]:
        """(kept, counted) of every cell where they differ."""
        return differences(self.kept, self.counted)


def check(areas: Iterable[Area] | None = None, metrics: Iterable[str] | None = None) -> Iterator[Difference]:
    """Recount everything from the records, community by community; works while others write."""
    for area, group in _work(areas, metrics):
        with session_for(scope_of(area), "figures are compared with their records") as reading:
            found = _find(reading, area.id, group)
        for (name, period, day), (was, is_now) in sorted(found.changes.items()):
            yield Difference(area.name, name, period, day, was.number, is_now.number, was.number == is_now.number)
        for name, people in found.people_counted.items():
            for subject, day in sorted(people ^ found.people_kept[name], key=lambda one: (one[1], one[0])):
                yield Difference(f"{area.name} #{subject}", name, PeriodKind.DAY, day,
                                 int((subject, day) in found.people_kept[name]), int((subject, day) in people))


def rebuild(areas: Iterable[Area] | None = None, metrics: Iterable[str] | None = None, say: Say = lambda _text: None,
            ) -> int:
    """Keep what the records say; returns how many cells were wrong. Each community is a transaction of its own."""
    mended = 0
    for area, group in _work(areas, metrics):
        with session_for(scope_of(area), "figures are built anew", writes=True) as writing:
            found = _find(writing, area.id, group)
            write(writing.connection(), area.id, {key: counted for key, (_was, counted) in found.changes.items()})
            for name, people in found.people_counted.items():
                write_presence(writing.connection(), area.id, name, found.people_kept[name], people)
            for metric in group.metrics:
                rebuild_first_entries(writing, metric, area.id)
        wrong = len(found.changes) + sum(len(p ^ found.people_kept[n]) for n, p in found.people_counted.items())
        if wrong:
            mended += wrong
            say(_("%(community)s  %(metrics)s: %(num)s figures", community=area.name,
                  metrics="、".join(metric.name for metric in group.metrics), num=wrong))
    return mended


def _work(areas: Iterable[Area] | None, metrics: Iterable[str] | None) -> Iterator[tuple[Area, Group]]:
    names = None if metrics is None else set(metrics)
    for area in communities() if areas is None else areas:
        for group in kept().groups:
            some = tuple(m for m in group.metrics if names is None or m.name in names)
            if some:
                yield area, Group(group.model, group.day, some)


def communities(below: str = "/") -> list[Area]:
    """Every community below this path, closed ones too."""
    with session_for(None, "which communities are there") as reading:
        found = reading.scalars(sa.select(Area).where(Area.kind == AreaKind.COMMUNITY, Area.path.startswith(below))
                                .order_by(Area.path)).all()
        reading.expunge_all()
        return list(found)


def _find(session: Session, community: int, group: Group) -> Found:
    connection = session.connection()
    lock(connection, community)
    found = Found({}, of_days(connection, community, group, None), {}, {})
    for metric in group.distinct:
        rows = connection.execute(group.present_ever(metric), {"community": community})
        people = {(subject, day) for subject, day in rows}
        found.people_counted[metric.name] = people
        found.people_kept[metric.name] = there(connection, community, metric.name, None)
        found.counted |= {key: Figure(number) for key, number in new_ones(metric.name, people).items()}
    found.counted |= by_months(found.counted, group)
    found.kept = read(connection, community, series_of(group), None)
    return found


# -- definitions --------------------------------------------------------------------------------------


def outdated() -> list[str]:
    """Metrics whose figures were not built by the definition, and over the migrations, that hold now."""
    with session_for(None, "by which definitions figures were built") as reading:
        built = dict(reading.execute(sa.select(MetricDefinition.metric, MetricDefinition.fingerprint)).all())
    return [name for name, mark in _fingerprints().items() if built.get(name) != mark]


def catch_up(say: Say = lambda _text: None) -> None:
    """Build the figures of new and changed metrics; one that is no more is forgotten, so that it may come back."""
    names, known = outdated(), _fingerprints()
    if names:
        say(_("Figures are built from the records: %(names)s", names="、".join(names)))
        rebuild(metrics=names, say=say)
    loaded = tuple(f"{plugin}." for plugin in plugins().names)
    with session_for(None, "by which definitions figures were built", writes=True) as writing:
        for definition in writing.scalars(sa.select(MetricDefinition)):
            if definition.metric not in known and definition.metric.startswith(loaded):
                writing.delete(definition)
        for name in names:
            writing.merge(MetricDefinition(metric=name, fingerprint=known[name]))


def _fingerprints() -> dict[str, str]:
    with db.engine.connect() as connection:
        tables = set(sa.inspect(connection).get_table_names())
        versions = {chain.name: _version(connection, chain, tables) for chain in chains()}
    return {name: fingerprint(metric, versions.get(_owner(metric))) for name, metric in kept().metrics.items()}


def _owner(metric: Metric) -> str:
    table = metric.model.__tablename__
    return next((name for name in plugins().names if table.startswith(f"{name}_")), CORE)


def _version(connection: sa.Connection, chain: Chain, tables: set[str]) -> str | None:
    """How far the migrations of the records are: one of them may have changed rows."""
    if chain.version_table not in tables:
        return None
    return connection.execute(sa.select(sa.column("version_num")).select_from(sa.table(chain.version_table))).scalar()


def fingerprint(metric: Metric, version: str | None) -> str:
    """Changes when a metric counts other records, by another day, another amount or other dimensions."""
    group = Group(metric.model, metric.day, (metric,))
    made = (group.counts if metric.once_per is not None else group.sums).compile()
    names = [(dimension.name, dimension.column.key) for dimension in metric.by]
    conditions = sorted((key, repr(value)) for key, value in made.params.items())
    return hashlib.sha256(repr((str(made), conditions, names, version)).encode()).hexdigest()
