"""Who is missing which days, and the words for the group chat that ask for them."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from core.admin.figures.reading import Board
from core.areas.models import Area
from core.declarations import Metric
from core.metrics.missing import Missing, chat_text, short_days


@dataclass(frozen=True)
class Lack:
    """The days of the period for which a community has neither records nor a zero report of a metric."""

    area: Area
    metric: Metric
    days: tuple[date, ...]

    @property
    def text(self) -> str:
        """11-03、11-05."""
        return short_days(list(self.days))


def lacks_of(board: Board) -> list[Lack]:
    """By metric, then in the order of the tree."""
    return [
        Lack(line.area, metric, line.days.missing) for _plugin, metric in board.metrics if metric.daily
        for line in board.of(metric) if line.parts is not None and line.days is not None and line.days.missing
    ]


def reminder(lacks: list[Lack]) -> str:
    """A text to copy: what is missing where; no names of people."""
    by_metric: dict[str, list[Lack]] = {}
    for lack in lacks:
        by_metric.setdefault(lack.metric.name, []).append(lack)
    return "\n\n".join(chat_text(each[0].metric.title, [Missing(lack.area.name, list(lack.days)) for lack in each])
                       for each in by_metric.values())
