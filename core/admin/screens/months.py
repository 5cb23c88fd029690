"""关账: when days are due and months close; closing one by hand."""
from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import wtforms as wt
from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import validators as check

from core.admin.forms import ScreenForm
from core.admin.gate import visit
from core.admin.listing import Column, Row, RowAction, Tool
from core.admin.screens.office import OfficePage, listing
from core.admin.values import NONE, show
from core.areas.models import Area
from core.clock import now, today
from core.extensions import db
from core.metrics.months import corrections_by_month
from core.metrics.reporting import LATEST_CLOSING, Reporting, close_month, reporting, set_rule

MONTHS_SHOWN = 24
TAG = Markup('<span class="tag {}">{}</span>')


class RuleForm(ScreenForm):
    """What holds from this month on."""

    due_hour = wt.IntegerField(_l("A day is due at (hour)"), [check.InputRequired(), check.NumberRange(min=1, max=23)],
                               description=_l("Before this hour today does not count as missing"))
    closes_on = wt.IntegerField(
        _l("A month closes after day"), [check.Optional(), check.NumberRange(min=1, max=LATEST_CLOSING)],
        description=_l("Of the month after; left empty: months close by hand only"))


class MonthsPage(OfficePage):
    """The months with their state, newest first."""

    slug = "months"
    title = _l("Closing of months")
    icon = "calendar"
    menu_action = "view"
    needs = {"rule": "settings", "close": "settings"}
    above_only = frozenset({"rule", "close"})

    @expose("/")
    def index(self) -> str:
        """Which are closed, since when, by whom; how many corrections each has."""
        area, known = visit().area, reporting(db.session())
        months = _months(today())
        counted = corrections_by_month(db.session(), months[-1], months[0])
        may = not area.is_community and self.may("settings")
        columns = [Column("month", _("Month"), lead=True), Column("state", _("State"), lead=True),
                   Column("how", _("How"), lead=True),
                   Column("corrections", _("Number of corrections"), numeric=True, lead=True)]
        rows = [self._row(area, known, month, counted.get(month, 0), may) for month in months]
        rule = known.rule(area.path, today())
        note = _("A day is due at %(hour)s:00; ", hour=rule.due_hour) + (
            _("a month closes after day %(day)s of the next", day=rule.closes_on) if rule.closes_on
            else _("months close by hand only"))
        tools = [Tool(_("Change the rule"), self.get_url(".rule"), icon="settings")] if may else []
        page = listing(str(self.title), columns, rows, "", tools=tools, note=note)
        return self.render("admin/list.html", listing=page)

    def _row(self, area: Area, known: Reporting, month: date, corrections: int, may: bool) -> Row:
        text = f"{month:%Y-%m}"
        closed = known.is_closed(area.path, month, today())
        state = TAG.format("ok", _("Month closed")) if closed else TAG.format("info", _("Month open"))
        by_hand, last = known.closing(area.path, month), known.closes_after(area.path, month)
        if by_hand is not None:
            how = _("by %(who)s, %(when)s", who=by_hand.closed_by, when=show(by_hand.closed_at))
        else:
            how = NONE if last is None else _("after %(day)s", day=last.isoformat())
        link = Markup('<a href="{}">{}</a>').format(
            self.get_url("figures_corrections.index_view", in_month=month.isoformat()), f"{corrections:,}")
        actions = [RowAction(_("Close"), self.get_url(".close", month=text), "POST", _(
            "Close %(month)s for all communities of %(area)s? Changes of its figures are corrections with a reason "
            "after that. It cannot be opened again.", month=text, area=area.name), True)] \
            if may and not closed and month < today().replace(day=1) else []
        return Row(0, text, [text, state, how, link if corrections else "0"], actions)

    @expose("/rule/", methods=("GET", "POST"))
    def rule(self) -> ResponseReturnValue:
        """From this month on; earlier months keep theirs."""
        here = visit()
        present = reporting(db.session()).rule(here.area.path, today())
        form = RuleForm(request.form if request.method == "POST" else None, due_hour=present.due_hour,
                        closes_on=present.closes_on)

        def save() -> None:
            set_rule(db.session(), here.area, today(), form.due_hour.data, form.closes_on.data, here.user.username,
                     today())
            self.note(_("Set: a day is due at %(hour)s:00, a month closes after day %(day)s", hour=form.due_hour.data,
                        day=form.closes_on.data or NONE))

        if request.method == "POST" and form.validate() and self.attempt(save, form):
            flash(_("The settings have been saved."), "success")
            return redirect(self.get_url(".index"))
        return self.form_page(form, _("Change the rule"), note=_("From this month on; the months before keep theirs"))

    @expose("/close/", methods=("POST",))
    def close(self) -> ResponseReturnValue:
        """By hand, for every community below."""
        month = next((m for m in _months(today()) if f"{m:%Y-%m}" == request.args.get("month")), None)
        if month is None:
            abort(404)
        text = f"{month:%Y-%m}"

        def shut() -> None:
            close_month(db.session(), visit().area, month, visit().user.username, now())
            self.note(_("Closed the month %(month)s", month=text))

        if self.attempt(shut):
            flash(_("%(month)s is closed.", month=text), "success")
        return redirect(self.get_url(".index"))


def _months(day: date) -> list[date]:
    found: list[Any] = [day.replace(day=1)]
    while len(found) < MONTHS_SHOWN:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found
