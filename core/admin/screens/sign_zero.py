"""签零报告: ticking the days on which nothing happened, seeing them named, signing."""
from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core.admin.gate import visit
from core.admin.once import create_once, new_key
from core.admin.page import Page
from core.admin.saving import clean_reason
from core.admin.screens.figure_words import metrics_here
from core.clock import now, today
from core.declarations import Metric
from core.errors import ValidationError
from core.extensions import db
from core.metrics.reporting import next_month
from core.metrics.reporting_models import ZeroReport
from core.metrics.zeros import sign_zeros, signable

LONGEST_DAY = 10  # characters of 2026-11-03


class SignZeroPage(Page):
    """Two steps: which days, and once again with everything named."""

    slug = "sign-zero"
    title = _l("Sign a zero report")
    icon = "check"
    in_menu = False
    always_on = True
    menu_action = "create"

    @expose("/", methods=("GET", "POST"))
    def index(self) -> ResponseReturnValue:
        """Tick the days, see them named, sign."""
        month = _month(request.values.get("month", "")) or today().replace(day=1)
        if request.method == "POST":
            try:
                ticked = self._signed_days()
                if request.form.get("sure") != "1":
                    return self._ask(ticked, month)
                return self._sign(ticked)
            except ValidationError as error:
                db.session.rollback()
                return self._page(month, str(error)), 422
        return self._page(month)

    def _page(self, month: date, error: str | None = None) -> str:
        first = (month - timedelta(days=1)).replace(day=1)
        last = next_month(month) - timedelta(days=1)
        area = visit().area
        offers = [SimpleNamespace(metric=metric, title=str(metric.title), days=signable(
            db.session(), metric, area.id, first, last, now())) for metric in metrics_here(daily=True)]
        later = next_month(month) if month < today().replace(day=1) else None
        return self.render(
            "manage/zero.html", title=_("Sign a zero report"), offers=[o for o in offers if o.days], error=error,
            ticked=set(request.form.getlist("days")), note=request.form.get("note", ""), month=f"{month:%Y-%m}",
            span=f"{first.isoformat()} – {min(last, today()).isoformat()}",
            cancel_url=self.get_url("figures_zero_reports.index_view"),
            earlier=self.get_url(".index", month=f"{first:%Y-%m}"),
            later=later and self.get_url(".index", month=f"{later:%Y-%m}"))

    def _signed_days(self) -> list[tuple[Metric, list[date]]]:
        """The days by figure; what this page never offered is refused."""
        known = {metric.name: metric for metric in metrics_here(daily=True)}
        found: dict[str, list[date]] = {}
        for value in request.form.getlist("days"):
            name, _bar, text = value.partition("|")
            try:
                found.setdefault(known[name].name, []).append(date.fromisoformat(text[:LONGEST_DAY]))
            except (KeyError, ValueError):
                raise ValidationError(_("Please choose from the list."), "days") from None
        if not found:
            raise ValidationError(_("Please tick at least one day."), "days")
        return [(known[name], sorted(set(days))) for name, days in found.items()]

    def _note(self) -> str | None:
        return clean_reason(request.form.get("note", "")) or None

    def _ask(self, ticked: list[tuple[Metric, list[date]]], month: date) -> str:
        """Once again with everything named; nothing is signed yet."""
        user = visit().user
        names = [_("%(title)s: %(day)s", title=metric.title, day=day.isoformat())
                 for metric, days in ticked for day in days]
        return self.render(
            "admin/confirm.html", title=_("Sign a zero report"), action=self.get_url(".index"),
            question=_("%(who)s states for %(area)s: on these days nothing happened, nothing is missing.",
                       who=user.name, area=visit().area.name), names=names, submit_label=_("Sign"),
            hidden=[("sure", "1"), ("once", new_key()), ("note", self._note() or ""), ("month", f"{month:%Y-%m}"),
                    *(("days", f"{metric.name}|{day.isoformat()}") for metric, days in ticked for day in days)],
            cancel_url=self.get_url(".index", month=f"{month:%Y-%m}"))

    def _sign(self, ticked: list[tuple[Metric, list[date]]]) -> ResponseReturnValue:
        user, area_id, note = visit().user, visit().area.id, self._note()

        def make() -> ZeroReport:
            rows = [row for metric, days in ticked for row in sign_zeros(
                db.session(), metric, area_id, days, by=user.name, account=user.username, note=note, at=now())]
            return rows[0]

        create_once(db.session(), ZeroReport, request.form.get("once", ""), make)
        count = sum(len(days) for _metric, days in ticked)
        flash(ngettext("The zero report of %(num)s day is signed.", "The zero reports of %(num)s days are signed.",
                       count), "success")
        return redirect(self.get_url("figures_zero_reports.index_view"))


def _month(text: str) -> date | None:
    try:
        return date.fromisoformat(f"{text[:7]}-01")
    except ValueError:
        return None
