"""Douyin corner: what the community shows in public, and whether it has fallen silent."""
from datetime import date, timedelta

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from core.api import Area, Metric, PluginInfo, Todo, hookimpl
from plugins.douyin.models import Account, Column, Stage, WeeklyFigure, Work
from plugins.douyin.screens import AccountScreen, ColumnScreen, WeeklyFigureScreen, WorkScreen
from plugins.douyin.services import silent_accounts


@hookimpl
def plugin_info() -> PluginInfo:
    return PluginInfo(title=_l("Douyin corner"), summary=_l("Accounts, columns, works, weekly figures"), icon="video")


@hookimpl
def register_screens() -> list[type]:
    return [WorkScreen, WeeklyFigureScreen, ColumnScreen, AccountScreen]


@hookimpl
def register_metrics() -> list[Metric]:
    return [Metric("douyin.works", _l("Works published"), _l("works"), Work, Work.published_on,
                   (Work.state == Stage.PUBLISHED, Work.deleted_at.is_(None)), "douyin_works",
                   filters={"state": Stage.PUBLISHED.value})]


@hookimpl
def todo_items(session: Session, community: Area, today: date) -> list[Todo]:
    url = url_for("douyin_works.index_view", area=community.slug)
    return [Todo(kind, _("Douyin corner"), _("%(name)s: nothing new for %(days)s days", name=a.name, days=days), url)
            for a, days, kind in silent_accounts(session, today)]


@hookimpl
def demo_records(session: Session, community: Area, today: date) -> None:
    """A work and figures each week, the last one some days ago."""
    last = today - timedelta(days=11 if community.slug.startswith("j") else 2)
    account = Account(name=f"{community.name}抖音小站", number="demo", opened_on=today - timedelta(days=500))
    columns = [Column(name=name, cadence="每月两期") for name in ("齐悦美食汇", "百姓大舞台", "急救培训会")]
    for week in reversed(range(26)):
        column, monday = columns[week % 3], today - timedelta(days=today.weekday() + 7 * week + 7)
        session.add(Work(name=f"{column.name}（第{26 - week}期）", account=account, column=column,
                         state=Stage.PUBLISHED, published_on=last - timedelta(weeks=week)))
        session.add(WeeklyFigure(account=account, week=monday, followers=900 - 20 * week, plays=600 + week % 9))
