"""Who is missing which days, and the text that the street copies into its group chat."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.areas.models import Area
from core.areas.service import areas_below
from core.declarations import Metric
from core.metrics.expectations import DayState, states

SHORTEST_RUN = 3  # so many days in a row are written as a range


@dataclass(frozen=True)
class Missing:
    """A community with the days that it has neither recorded nor signed."""

    community: str
    days: list[date]


def missing_days(
    session: Session, area: Area, metric: Metric, start: date, end: date, *, at: datetime | None = None
) -> list[Missing]:
    """The communities of the area (or itself) that miss days, in the order of the tree."""
    communities = areas_below(session, area, communities=True)
    found = states(session, metric, communities, start, end, at=at)
    by_place = {c.id: Missing(c.name, []) for c in communities}
    for (community_id, day), state in found.items():
        if state is DayState.MISSING:
            by_place[community_id].days.append(day)
    return [each for each in by_place.values() if each.days]


def chat_text(title: object, missing: Iterable[Missing]) -> str:
    """Ready to be copied: the figure, then month by month who lacks which days; "" where nobody lacks any."""
    lines: dict[date, list[str]] = {}
    for each in missing:
        for month, days in groupby(each.days, key=lambda day: day.replace(day=1)):
            lines.setdefault(month, []).append(
                _("%(community)s lacks %(days)s", community=each.community, days=short_days(list(days))))
    if not lines:
        return ""
    told = [_("Month %(month)s: %(who)s.", month=month.month, who="；".join(lines[month])) for month in sorted(lines)]
    return "\n".join([_("[%(title)s]", title=title), *told, _(
        "Please enter what is missing before the end of work today; where there was nothing, sign a zero report. "
        "Thank you.")])


def short_days(days: list[date]) -> str:
    """11-03、11-05、11-08 to 11-12."""
    runs: list[list[date]] = []
    for day in days:
        if runs and day - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    parts = []
    for run in runs:
        if len(run) >= SHORTEST_RUN:
            parts.append(_("%(first)s to %(last)s", first=f"{run[0]:%m-%d}", last=f"{run[-1]:%m-%d}"))
        else:
            parts += [f"{day:%m-%d}" for day in run]
    return "、".join(parts)
