"""What people state about figures: signed zeros, opening balances, and why a closed month changed."""
from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import wtforms as wt
from flask import flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from wtforms import validators as check

from core.admin.forms import AmountField, plain_text
from core.admin.gate import visit
from core.admin.listing import RowAction, Tool
from core.admin.once import create_once, new_key
from core.admin.query import ListArguments, SpecialFilter
from core.admin.saving import clean_reason
from core.admin.screen import Screen
from core.admin.screens.figure_words import in_units, metric_choices, metric_named, metric_title, metrics_here
from core.admin.values import NONE
from core.clock import now, today
from core.declarations import Metric
from core.errors import ConfirmationNeeded, ValidationError
from core.extensions import db
from core.metrics.figures import by_day
from core.metrics.opening_entry import make_opening
from core.metrics.reporting import next_month
from core.metrics.reporting_models import Correction, MetricOpening, ZeroReport
from core.metrics.zeros import sign_zeros, signable

TAG = Markup('<span class="tag {}">{}</span>')
LONGEST_DAY = 10  # characters of 2026-11-03


class AboutFigures(Screen):
    """What the three lists share."""

    always_on = True

    def cell_metric(self, record: Any) -> str:
        """The figure's title."""
        return metric_title(record.metric)


class ZeroReportScreen(AboutFigures):
    """零报告: the days for which somebody signed that nothing happened."""

    model = ZeroReport
    slug = "zero-reports"
    title = _l("Zero reports")
    icon = "check"
    column_list = ("day", "metric", "state", "signed_by", "at", "note")
    column_labels = {"state": _l("State")}
    detail_list = ("day", "metric", "signed_by", "account", "at", "note", "voided_at", "voided_by", "void_reason")
    lead_columns = 4
    filter_by = ("day", "voided")
    default_order = ("-day",)
    empty_text = _l("No zero report has been signed. Where nothing happened on an open day, sign one.")

    def actions(self) -> set[str]:
        """Signing is creating."""
        return super().actions() | {"create"}

    def tools(self, arguments: ListArguments) -> list[Tool]:
        """签零报告 in place of 新增."""
        tools = super().tools(arguments)
        return [Tool(_("Sign a zero report"), t.url, primary=True, icon="check") if t.primary else t for t in tools]

    def prepare(self, rows: list[ZeroReport]) -> None:
        """What the records of those days come to by now."""
        g.overridden = {}
        for name in {row.metric for row in rows}:
            days = [row.day for row in rows if row.metric == name]
            if (metric := metric_named(name)) is not None:
                found = by_day(db.session(), metric, min(days), max(days))
                g.overridden |= {(community, name, day): number for (community, day), number in found.items() if number}

    def cell_state(self, record: ZeroReport) -> Markup:
        """Valid, void, or overridden by records that were entered later."""
        if record.voided_at is not None:
            return TAG.format("", _("Void"))
        number = g.get("overridden", {}).get((record.community_id, record.metric, record.day))
        if number:
            return TAG.format("warn", _("Overridden: %(number)s", number=in_units(record.metric, number)))
        return TAG.format("ok", _("Signed"))

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> ResponseReturnValue:
        """Tick the days, see them named, sign."""
        month = _month(request.values.get("month", "")) or today().replace(day=1)
        if request.method == "POST":
            try:
                ticked = self._ticked()
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
            span=f"{first.isoformat()} – {min(last, today()).isoformat()}", cancel_url=self.get_url(".index_view"),
            earlier=self.get_url(".create_view", month=f"{first:%Y-%m}"),
            later=later and self.get_url(".create_view", month=f"{later:%Y-%m}"))

    def _ticked(self) -> list[tuple[Metric, list[date]]]:
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
            "admin/confirm.html", title=_("Sign a zero report"), action=self.get_url(".create_view"),
            question=_("%(who)s states for %(area)s: on these days nothing happened, nothing is missing.",
                       who=user.name, area=visit().area.name), names=names, submit_label=_("Sign"),
            hidden=[("sure", "1"), ("once", new_key()), ("note", self._note() or ""), ("month", f"{month:%Y-%m}"),
                    *(("days", f"{metric.name}|{day.isoformat()}") for metric, days in ticked for day in days)],
            cancel_url=self.get_url(".create_view", month=f"{month:%Y-%m}"))

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
        return redirect(self.get_url(".index_view"))


def _month(text: str) -> date | None:
    try:
        return date.fromisoformat(f"{text[:7]}-01")
    except ValueError:
        return None


class OpeningScreen(AboutFigures):
    """期初数: what figures came to before records began, with the source and who entered it."""

    model = MetricOpening
    slug = "openings"
    title = _l("Opening balances")
    icon = "import"
    column_list = ("metric", "parts", "since", "until", "source", "entered_by", "at")
    detail_list = (*column_list, "account", "voided_at", "voided_by", "void_reason")
    lead_columns = 4
    filter_by = ("voided",)
    form_columns = ("metric", "since", "until", "source")
    form_extra_fields = {
        "metric": wt.SelectField(_l("Figure"), choices=metric_choices),
        "number": AmountField(_l("Opening balance"), [check.InputRequired(), check.NumberRange(min=0, max=10**11)],
                              places=None, description=_l("In the unit of the figure")),
        "source": wt.StringField(_l("Source"), [check.InputRequired(), plain_text, check.Length(max=200)],
                                 description=_l("Such as: paper records 2021 to 2026, kept in the archive")),
        "sure": wt.BooleanField(_l("The balance does not contain these records")),
    }
    default_order = ("id",)
    empty_text = _l("No opening balance. Enter what was counted on paper before the records began here.")

    def form_sections(self, form: wt.Form) -> list[tuple[str, list[wt.Field]]]:
        """The question is there once it has been asked."""
        asked = ("sure",) if form.sure.errors or form.sure.data else ()
        return [("", [form[name] for name in (*asked, "metric", "number", "since", "until", "source")])]

    def new_record(self, form: wt.Form) -> MetricOpening:
        """Through the service."""
        user, metric = visit().user, metric_named(form.metric.data)
        if metric is None:
            raise ValidationError(_("Please choose from the list."), "metric")
        try:
            return make_opening(
                db.session(), metric, form.since.data, form.until.data, Decimal(form.number.data), form.source.data,
                by=user.name, account=user.username, at=now(), today=today(), sure=form.sure.data)
        except ConfirmationNeeded as question:
            raise ValidationError(question.message, "sure") from question

    def cell_parts(self, record: MetricOpening) -> str:
        """In the figure's unit."""
        return in_units(record.metric, record.parts)


def _months() -> list[tuple[str, str]]:
    month, found = today().replace(day=1), []
    for _number in range(36):
        found.append((month.isoformat(), f"{month:%Y-%m}"))
        month = (month - timedelta(days=1)).replace(day=1)
    return found


class CorrectionScreen(AboutFigures):
    """更正: what changed in months that were closed, from → to, with reason."""

    model = Correction
    slug = "corrections"
    title = _l("Corrections of closed months")
    icon = "undo"
    column_list = ("month", "day", "metric", "old", "new", "difference", "reason", "changed_by", "at")
    column_labels = {"difference": _l("Difference")}
    detail_list = ("month", "day", "metric", "old", "new", "reason", "changed_by", "at")
    lead_columns = 3
    filter_by = ("in_month", "explained")
    special_filters = {
        "in_month": SpecialFilter(_l("Month"), _months, lambda month: Correction.month == date.fromisoformat(month)),
        "explained": SpecialFilter(_l("Reason"), lambda: [("0", _("Not stated")), ("1", _("Stated"))],
                                   lambda given: Correction.reason.is_not(None) if given == "1"
                                   else Correction.reason.is_(None)),
    }
    form_columns = ("reason",)
    form_extra_fields = {"reason": wt.StringField(_l("Reason"), [check.InputRequired(), plain_text,
                                                                 check.Length(min=2, max=200)])}
    default_order = ("-at",)
    empty_text = _l("Nothing has changed in a closed month.")

    def actions(self) -> set[str]:
        """They come by themselves; only a reason is written."""
        return super().actions() - {"create"}

    def row_actions(self, record: Correction, in_bin: bool = False) -> list[RowAction]:
        """写原因 where it is missing."""
        label = _("Edit the reason") if record.reason else _("State the reason")
        return [RowAction(label, a.url) if "/edit/" in a.url else a for a in super().row_actions(record, in_bin)]

    def cell_month(self, record: Correction) -> str:
        """2026-10."""
        return f"{record.month:%Y-%m}"

    def cell_old(self, record: Correction) -> str:
        """In the figure's unit."""
        return in_units(record.metric, record.old)

    def cell_new(self, record: Correction) -> str:
        """In the figure's unit."""
        return in_units(record.metric, record.new)

    def cell_difference(self, record: Correction) -> str:
        """With its sign."""
        difference = record.new - record.old
        return f"{'+' if difference > 0 else '−'}{in_units(record.metric, abs(difference))}" if difference else NONE

    def cell_reason(self, record: Correction) -> str | Markup:
        """未说明 until somebody states it."""
        return record.reason or TAG.format("bad", _("Not stated"))
