"""What the workbench reminds of beside the modules' own lines: days that are missing, reasons, next year's holidays."""
from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from core.admin.gate import Visit, manager, sees_plugin
from core.areas.scope import scope_of, session_for
from core.calendar.holidays import keeps_holidays, without_notice, year_wanted
from core.clock import today
from core.declarations import Todo
from core.metrics.missing import missing_days, short_days
from core.metrics.months import unexplained


def reminders(here: Visit) -> list[Todo]:
    """For the area of the address; what the person can do nothing about is left out."""
    with session_for(scope_of(here.area), "reminders of the workbench") as reading:
        return [*_of_community(reading, here)] if here.area.is_community else [*_of_holidays(reading, here)]


def _of_holidays(reading: Session, here: Visit) -> Iterator[Todo]:
    keeps = keeps_holidays(here.area) and here.access.may("manage.holidays.settings")
    if keeps and (year := year_wanted(reading, today())) is not None:
        yield Todo("warn", _("Holidays"), without_notice(year), url_for("manage_holidays.year", year=year))


def _of_community(reading: Session, here: Visit) -> Iterator[Todo]:
    """This month and the last, while they can still be set right without a correction."""
    first = (today().replace(day=1) - timedelta(days=1)).replace(day=1)
    for plugin, metric in manager().metrics():
        if metric.daily and plugin in here.plugins and sees_plugin(here.access, plugin):
            with manager().at_work(plugin, metric.name), reading.begin_nested():
                for each in missing_days(reading, here.area, metric, first, today()):
                    yield Todo("bad", ngettext("%(num)s day missing", "%(num)s days missing", len(each.days)), _(
                        "%(title)s: %(days)s. Enter the records; where there was nothing, sign a zero report.",
                        title=metric.title, days=short_days(each.days)), url_for("figures_sign_zero.index"))
    if here.access.may("figures.corrections.edit") and (number := unexplained(reading)):
        yield Todo("warn", _("Reason missing"), ngettext(
            "%(num)s change of a closed month lacks its reason.", "%(num)s changes of closed months lack their reason.",
            number), url_for("figures_corrections.index_view", explained="0"))
