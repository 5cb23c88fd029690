"""Which metrics are kept: those of every loaded plugin, together where they count the same records by the same day."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import InstrumentedAttribute

from core.declarations import Metric
from core.plugin_manager import PluginManager

KEPT = "jinlin_figures"


def aggregate(metric: Metric) -> Any:
    """What a metric comes to over the rows of its model for which its conditions hold, in stored parts."""
    if metric.once_per is not None:
        return _where(sa.func.count(sa.distinct(metric.once_per)), metric)
    if metric.amount is not None:
        return sa.func.coalesce(sa.type_coerce(_where(sa.func.sum(metric.amount), metric), sa.BigInteger), 0)
    return _where(sa.func.count(), metric)


def _where(function: Any, metric: Metric) -> Any:
    return function.filter(*metric.where) if metric.where else function


@dataclass(frozen=True, eq=False)
class Group:
    """Metrics that count the records of one model by one of its days; its statements are made once."""

    model: type
    day: InstrumentedAttribute[date]
    metrics: tuple[Metric, ...]

    @cached_property
    def summed(self) -> tuple[Metric, ...]:
        """Those whose longer periods are sums of days."""
        return tuple(m for m in self.metrics if m.once_per is None)

    @cached_property
    def distinct(self) -> tuple[Metric, ...]:
        """Those that count once per person."""
        return tuple(m for m in self.metrics if m.once_per is not None)

    @cached_property
    def columns(self) -> tuple[Any, ...]:
        """What of a record decides in which cells it may count: its day, then whom it counts once."""
        return (self.day, *(m.once_per for m in self.distinct))

    @cached_property
    def dimensions(self) -> tuple[Any, ...]:
        """The columns by which any of the sums is broken down, each once."""
        return tuple({d.column.key: d.column for m in self.summed for d in m.by}.values())

    @cached_property
    def sums(self) -> Any:
        """Of some `days` of a `community`: day, dimensions, then a number for each of `summed`."""
        return self._sums(self._some_days)

    @cached_property
    def counts(self) -> Any:
        """Of some `days`: day, then a number for each of `distinct`."""
        return self._counts(self._some_days)

    @cached_property
    def present(self) -> dict[str, Any]:
        """By metric: which of some `subjects` are counted from `first` to `last`, and on which day first."""
        return {m.name: self.present_at_all(m).where(m.once_per.in_(sa.bindparam("subjects", expanding=True)))
                for m in self.distinct}

    def all_sums(self) -> Any:
        """As `sums`, of every day."""
        return self._sums(self.day.is_not(None))

    def all_counts(self) -> Any:
        """As `counts`, of every day."""
        return self._counts(self.day.is_not(None))

    def present_at_all(self, metric: Metric) -> Any:
        """Everybody whom a metric counts from `first` to `last`, and on which day first."""
        return sa.select(metric.once_per, sa.func.min(self.day)).where(
            self._owned, metric.once_per.is_not(None),
            self.day.between(sa.bindparam("first"), sa.bindparam("last")), *metric.where).group_by(metric.once_per)

    def present_ever(self, metric: Metric) -> Any:
        """Everybody whom a metric counts, and on which day first, for each month."""
        return sa.select(metric.once_per, sa.func.min(self.day)).where(
            self._owned, metric.once_per.is_not(None), self.day.is_not(None), *metric.where,
        ).group_by(metric.once_per, sa.extract("year", self.day), sa.extract("month", self.day))

    @property
    def _owned(self) -> Any:
        return self.model.community_id == sa.bindparam("community")

    @property
    def _some_days(self) -> Any:
        return self.day.in_(sa.bindparam("days", expanding=True))

    def _sums(self, days: Any) -> Any:
        return sa.select(self.day, *self.dimensions, *map(aggregate, self.summed)).where(
            self._owned, days).group_by(self.day, *self.dimensions)

    def _counts(self, days: Any) -> Any:
        return sa.select(self.day, *map(aggregate, self.distinct)).where(self._owned, days).group_by(self.day)


class Kept:
    """The groups of an app, and by model."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self.metrics = {part.name: part for metric in metrics for part in metric.counted}
        found: dict[tuple[type, str], list[Metric]] = {}
        for metric in self.metrics.values():
            found.setdefault((metric.model, metric.day.key), []).append(metric)
        self.groups = [Group(model, metrics[0].day, tuple(metrics)) for (model, _day), metrics in found.items()]
        self.by_model: dict[type, list[Group]] = {}
        for group in self.groups:
            self.by_model.setdefault(group.model, []).append(group)

    def holds(self, metric: Metric) -> bool:
        """Whether the figures of this very metric are kept."""
        return self.metrics.get(metric.name) is metric


def kept() -> Kept:
    """The metrics of the plugins that work in this app, whether they are on in a community or not."""
    manager: PluginManager = current_app.extensions["jinlin_plugins"]
    names = tuple(manager.names)
    known = current_app.extensions.get(KEPT)
    if known is None or known[0] != names:  # a plugin without its tables is left out after the start
        known = current_app.extensions[KEPT] = (names, Kept(metric for _plugin, metric in manager.metrics()))
    return known[1]


def month_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def last_of(month: date) -> date:
    """The last day of a month."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
