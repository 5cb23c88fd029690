"""Where a figure leads: to the list of exactly the records that it counts, or to its own page."""
from __future__ import annotations

from typing import Any

from flask import current_app, request, url_for

from core.admin.figures.asked import Asked
from core.admin.page import ABOVE, COMMUNITY
from core.areas.models import Area
from core.declarations import Metric
from core.metrics.figures import Span


def list_url(metric: Metric, span: Span, area: Area) -> str | None:
    """The list behind a figure at the area's address; None without one, or without the right to see it."""
    return metric.screen and _list(metric.screen, area, _days(metric.day.key, span) | dict(metric.filters))


def corrections_url(metric: Metric, span: Span, area: Area) -> str | None:
    """The list of what changed in these days after their month was closed."""
    return _list("figures_corrections", area, _days("day", span) | {"metric": metric.name})


def page_url(metric: Metric, asked: Asked, area: Area) -> str:
    """The page of a figure: what it means and what it is made of."""
    return url_for("figures.metric_view", metric=metric.name, area=area.slug, **asked.query)


def figure_url(metric: Metric, asked: Asked, area: Area, opening: int = 0) -> str | None:
    """What a number opens: the list where it has as many rows as the number says, else the figure's own page."""
    if metric.sums or metric.amount is not None or metric.screen is None or opening:
        return page_url(metric, asked, area)
    return list_url(metric, asked.span, area)


class Links:
    """The addresses of a page's figures: made once for a metric, then for each area only its short name is put in."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self._made: dict[tuple[str, bool, bool], str | None] = {}

    def figure(self, metric: Metric, area: Area, opening: int = 0) -> str | None:
        """As `figure_url`."""
        key = metric.name, area.is_community, bool(opening)
        before = f"{request.script_root}/"
        if key not in self._made:
            url = figure_url(metric, self.asked, area, opening)
            self._made[key] = url and url.removeprefix(f"{before}{area.slug}/")
        rest = self._made[key]
        return rest and f"{before}{area.slug}/{rest}"


def _days(name: str, span: Span) -> dict[str, Any]:
    start, end = span
    return {f"{name}_from": start and start.isoformat(), f"{name}_to": end.isoformat()}


def _list(endpoint: str, area: Area, filters: dict[str, Any]) -> str | None:
    screens = (s for _module, found in current_app.extensions["jinlin_screens"] for s in found)
    screen = next((s for s in screens if s.endpoint == endpoint), None)
    if screen is None or (COMMUNITY if area.is_community else ABOVE) not in screen.levels or not screen.may("view"):
        return None
    return url_for(f"{endpoint}.index_view", **filters, area=area.slug)
