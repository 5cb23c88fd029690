"""The figures at a glance: a card for each metric."""
from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _

from core.admin.figures.lines import Line
from core.admin.figures.links import figure_url, page_url
from core.admin.figures.reading import Board


@dataclass(frozen=True)
class Card:
    """A metric of the whole area: what it is (a link to its page), the number (a link to its records), the rest."""

    label: str
    page_url: str
    value: str
    unit: str
    url: str | None
    note: str
    line: Line


def cards_of(board: Board) -> list[Card]:
    """In the order of the plugins and their metrics."""
    cards = []
    for _plugin, metric in board.metrics:
        line = board.whole(metric)
        url = None if line.parts is None else figure_url(metric, board.asked, board.area, line.opening)
        cards.append(Card(str(metric.title), page_url(metric, board.asked, board.area), line.text, str(metric.unit),
                          url, _note(line), line))
    return cards


def _note(line: Line) -> str:
    """Per 1,000, and against last year."""
    parts = []
    if line.per_thousand is not None:
        parts.append(_("%(number)s per 1,000", number=line.per_thousand_text))
    parts.append(_("%(change)s on last year", change=line.change_text))
    return " · ".join(parts)
