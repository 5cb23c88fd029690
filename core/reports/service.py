"""Issuing a report: a snapshot with a hash, a new version each time, and what changed since the one before."""
from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.metrics.periods import Period
from core.reports.models import Report

MOST_LISTED = 200
WHAT = ("number", "before", "ever", "residents")  # of a row of a report
NOTHING = dict.fromkeys(WHAT)


@dataclass(frozen=True)
class Change:
    """A number that is another one than in the version before; None where there was or is none.

    `what`: of the period ("number"), of the same days a year before ("before"), or since the beginning ("ever") where
    the period alone does not explain it; and once a community its "residents".
    """

    what: str
    title: str
    area: str
    old: int | None
    new: int | None
    parts: int


def canonical(content: dict[str, Any]) -> bytes:
    """The content as text in one form only: JSON with sorted keys, without blanks, UTF-8."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest_of(content: dict[str, Any]) -> str:
    """SHA-256 of the canonical text, in hexadecimal digits."""
    return hashlib.sha256(canonical(content)).hexdigest()


def is_unchanged(report: Report) -> bool:
    """Whether the snapshot is still what was issued."""
    return digest_of(report.content) == report.digest


def latest(session: Session, area_id: int, period: Period) -> Report | None:
    """The last version of an area's report of this period."""
    return session.scalar(
        sa.select(Report).where(Report.area_id == area_id, Report.kind == period.kind, Report.start == period.start)
        .order_by(Report.version.desc()).limit(1)
    )


def version_of(session: Session, area_id: int, period: Period, version: int) -> Report | None:
    """One version of an area's report of this period."""
    return session.scalar(sa.select(Report).where(
        Report.area_id == area_id, Report.kind == period.kind, Report.start == period.start, Report.version == version
    ))


def issued(session: Session, area_id: int) -> list[Report]:
    """Every version that the area has issued, the latest period and version first."""
    return list(session.scalars(
        sa.select(Report).where(Report.area_id == area_id)
        .order_by(Report.start.desc(), Report.end.desc(), Report.version.desc()).limit(MOST_LISTED)
    ))


def issue(session: Session, area_id: int, period: Period, content: dict[str, Any], by: str, at: datetime) -> Report:
    """Keep the content as the next version; where nothing has changed, the last one still holds and is given."""
    before = latest(session, area_id, period)
    digest = digest_of(content)
    if before is not None and before.digest == digest:
        return before
    report = Report(area_id=area_id, kind=period.kind, start=period.start, end=period.end, content=content,
                    version=before.version + 1 if before else 1, digest=digest, issued_by=by, issued_at=at)
    session.add(report)
    session.flush()
    return report


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """The numbers that differ, in the order of the newer report."""
    before = {metric["name"]: metric for metric in old["metrics"]}
    names = [metric["name"] for metric in new["metrics"]]
    gone = [metric for metric in old["metrics"] if metric["name"] not in names]
    found = [change for metric in new["metrics"] for change in _compared(before.get(metric["name"]), metric)]
    found += [change for metric in gone for change in _compared(metric, None)]
    residents = {change.area: change for change in reversed(found) if change.what == "residents"}
    return [change for change in found if change.what != "residents" or residents[change.area] is change]


def _compared(old: dict[str, Any] | None, new: dict[str, Any] | None) -> Iterator[Change]:
    shown = new or old or {}
    was, is_ = ({row["area"]: row for row in metric["rows"]} if metric else {} for metric in (old, new))
    for area in dict.fromkeys((*was, *is_)):
        before, now = was.get(area, NOTHING), is_.get(area, NOTHING)
        more = {what: (now[what] or 0) - (before[what] or 0) for what in ("number", "ever")}
        for what in WHAT:
            if before[what] != now[what] and not (what == "ever" and more["ever"] == more["number"]):
                yield Change(what, shown["title"], area, before[what], now[what],
                             1 if what == "residents" else shown["parts"])
