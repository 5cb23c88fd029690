"""What the demonstration states about its figures: opening balances, a closure, a zero report, a closed month."""
from __future__ import annotations

from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.calendar.models import Closure
from core.declarations import Metric
from core.metrics.reporting_models import Correction, MetricOpening, ZeroReport

MEALS, CANTEEN = "canteen.meals", "canteen"
BALANCES = {  # community → since when, meals until the records of the demonstration begin, their source
    "jiaojia": (date(2021, 6, 1), 55_000, "纸质台账（2021年6月开业至启用系统前），存社区档案柜"),
    "zhongfu": (date(2023, 9, 1), 18_600, "纸质台账与每月结算表"),
    "jinghangjiayuan": (date(2022, 3, 1), 31_250, "原记录软件导出的月报"),
    "jianshenglu": (date(2024, 5, 6), 12_480, "纸质签到表"),
}
QUIET_DAYS = {"jiaojia": 15, "jianshenglu": 20}  # days before today without a meal: signed as zero; closed


def state(session: Session, slug: str, metrics: list[Metric], today: date, at: datetime) -> None:
    """For a community that has been filled; figures of modules that are not there are left out."""
    meals = next((metric for metric in metrics if metric.name == MEALS), None)
    if slug not in BALANCES or meals is None:
        return
    named = meals.counted[0]
    first = session.scalar(sa.select(sa.func.min(named.day)).where(*named.where))
    since, number, source = BALANCES[slug]
    session.add(MetricOpening(metric=MEALS, since=since, until=first - timedelta(days=1), parts=number, source=source,
                              entered_by="王敏", account=f"manager.{slug}", at=at))
    quiet = today - timedelta(days=QUIET_DAYS.get(slug, 0))
    if slug == "jiaojia":
        session.add(ZeroReport(metric=MEALS, day=quiet, note="停电，当天没有开餐", signed_by="焦家社区工作人员",
                               account=f"staff.{slug}", at=at - timedelta(days=14)))
    elif slug == "jianshenglu":
        session.add(Closure(plugin=CANTEEN, starts_on=quiet - timedelta(days=1), ends_on=quiet, reason="厨房设备检修"))
    else:
        _correct(session, named, today, at, slug)


def _correct(session: Session, named: Metric, today: date, at: datetime, slug: str) -> None:
    """Two changes of last month, one with its reason and one that still waits for it."""
    month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    for day, fewer, reason in ((month.replace(day=12), 2, "漏记补录：纸质签到表"), (month.replace(day=20), 1, None)):
        new = session.scalar(sa.select(sa.func.count()).select_from(named.model).where(named.day == day, *named.where))
        if new and new > fewer:
            session.add(Correction(month=month, day=day, metric=named.name, old=new - fewer, new=new, reason=reason,
                                   changed_by=f"staff.{slug}", at=at - timedelta(hours=3)))
