"""What plugins declare: plain data without behaviour."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True)
class PluginInfo:
    """A module as the office sees it; `requires` names plugins that must be on too."""

    title: object
    summary: object
    icon: str = "plug"
    requires: tuple[str, ...] = ()


@dataclass(frozen=True)
class Metric:
    """A number counted from records: its unit (份, 人, …) and what is counted.

    `model` has rows dated by the column `day`; `count` is an aggregate over them, `where` the rows
    that count; `screen` is the endpoint of the list behind the figure, which takes day_from and day_to.
    `daily` says that a community with the plugin on is expected to record something every open day.
    """

    name: str
    title: object
    unit: object
    model: type
    day: Any
    count: Any
    where: tuple[Any, ...] = ()
    screen: str | None = None
    daily: bool = False


@dataclass(frozen=True)
class Todo:
    """A line of the workbench: how urgent (`kind`: bad, warn, info), what, and where to do it."""

    kind: str
    label: object
    text: object
    url: str | None = None


@dataclass(frozen=True)
class Entry:
    """A line of a resident's timeline."""

    day: date
    title: object
    url: str | None = None


@dataclass(frozen=True)
class Sheet:
    """A table that comes in from Excel.

    `columns` are core.exchange.cells.SheetColumn. `find(session, values)` gives the records that a row
    may be (none: new; one: update; several: the person is asked). `apply(session, values, record)`
    creates (record None) or updates in the scoped session and may raise ValidationError.
    """

    name: str
    title: object
    columns: Sequence[Any]
    find: Callable[[Any, dict[str, Any]], list[Any]]
    apply: Callable[[Any, dict[str, Any], Any | None], Any]
    permission: str
    unique_by: tuple[tuple[str, ...], ...] = field(default=())
