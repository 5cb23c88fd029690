"""What plugins declare: plain data without behaviour."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from core.errors import ValidationError


@dataclass(frozen=True)
class PluginInfo:
    """A module as the office sees it; `requires` names plugins that must be on too."""

    title: object
    summary: object
    icon: str = "plug"
    requires: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dimension:
    """What a figure is broken down by: a column of the metric's model that is a Choice or names another record."""

    name: str
    title: object
    column: Any


@dataclass(frozen=True)
class Metric:
    """A number counted from records: its unit (份, 人, 人次, 场, 小时, 元 …), what counts, and once per what.

    Each row of `model` for which `where` holds (conditions on its own columns) counts on its `day`: as one; or as its
    `amount`, of which `parts` make one unit (100 fen a yuan, 60 minutes an hour); or, with `once_per`, once in a
    period for each value of that column (人数: no sum of shorter periods). A metric may instead be the sum of others
    (`sums`). `definition` says in a sentence what counts and what does not. `screen` is the endpoint of the list
    behind the figure, which filters by that day and by `filters` so that it shows exactly the rows that count; with
    `once_per` the list of whom is counted, filtered by `<day>_from` and `<day>_to` too. `daily`: a community with the
    plugin on is expected to record something on every open day.
    """

    name: str
    title: object
    unit: object
    model: type | None = None
    day: Any = None
    where: tuple[Any, ...] = ()
    screen: str | None = None
    amount: Any = None
    parts: int = 1
    once_per: Any = None
    by: tuple[Dimension, ...] = ()
    sums: tuple[Metric, ...] = ()
    daily: bool = False
    filters: Mapping[str, str] = field(default_factory=dict)
    definition: object = ""

    @property
    def counted(self) -> tuple[Metric, ...]:
        """The metrics that are counted from records: itself, or those that it sums."""
        return tuple(each for part in self.sums for each in part.counted) if self.sums else (self,)


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


class Candidates(list[Any]):
    """Records of which a person must choose which one a row means, even if there is only one."""


class SheetRows(Protocol):
    """A sheet at work on the rows of one file in one session; it may look up at once what all of them need.

    What `check` gives for a row is all that can be wrong with it: `apply` does not raise after that.
    """

    def find(self, values: dict[str, Any]) -> list[Any]:
        """The records that a row may be (none: new; one: update; several, or Candidates: a person is asked)."""

    def check(self, values: dict[str, Any], record: Any | None) -> Iterable[ValidationError]:
        """What is wrong with a row that creates (record None) or updates; `field` is the column's key."""

    def is_new(self, record: Any | None) -> bool:
        """Whether applying it counts as new."""

    def changes(self, values: dict[str, Any], record: Any) -> list[str]:
        """The names of what an update changes."""

    def apply(self, values: dict[str, Any], record: Any | None) -> Any:
        """Create (record None) or update."""


@dataclass(frozen=True)
class Sheet:
    """A table that comes in from Excel.

    `columns` are core.exchange.cells.SheetColumn. Simple sheets give `find(session, values)` and
    `apply(session, values, record)`, which mean what SheetRows says (apply may raise ValidationError); a sheet
    of many rows gives `rows(session, all values)` instead. Rows that agree in all columns of a key of `unique_by`,
    strongest first, are the same thing twice, unless they differ in a stronger one.
    """

    name: str
    title: object
    columns: Sequence[Any]
    find: Callable[[Any, dict[str, Any]], list[Any]] | None = None
    apply: Callable[[Any, dict[str, Any], Any | None], Any] | None = None
    permission: str = ""
    unique_by: tuple[tuple[str, ...], ...] = field(default=())
    rows: Callable[[Any, Sequence[dict[str, Any]]], SheetRows] | None = None
