"""What people state about figures: signed zeros, opening balances, and why a closed month changed."""
from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import wtforms as wt
from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import validators as check

from core.admin.forms import AmountField, plain_text
from core.admin.gate import visit
from core.admin.listing import RowAction, Tool
from core.admin.query import ListArguments, SpecialFilter
from core.admin.screen import Screen
from core.admin.screens.figure_words import counted_choices, in_units, metric_choices, metric_named, metric_title
from core.admin.values import NONE
from core.clock import now, today
from core.errors import ConfirmationNeeded, ValidationError
from core.extensions import db
from core.metrics.figures import by_day
from core.metrics.opening_entry import make_opening
from core.metrics.reporting_models import Correction, MetricOpening, ZeroReport

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

    def tools(self, arguments: ListArguments) -> list[Tool]:
        """签零报告 before the rest, for those who may."""
        tools, page = super().tools(arguments), "figures_sign_zero.index"
        may = visit().access.may("figures.sign-zero.create") and self.writable()
        return [Tool(_("Sign a zero report"), self.get_url(page), primary=True, icon="check"), *tools] if may else tools

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


class OpeningScreen(AboutFigures):
    """期初数: what figures came to before records began, with the source and who entered it."""

    model = MetricOpening
    slug = "openings"
    title = _l("Opening balances")
    icon = "import"
    column_list = ("metric", "parts", "estimated", "since", "until", "source", "entered_by", "at")
    detail_list = (*column_list, "account", "voided_at", "voided_by", "void_reason")
    lead_columns = 4
    filter_by = ("voided",)
    form_columns = ("metric", "parts", "estimated", "since", "until", "source")
    form_extra_fields = {
        "metric": wt.SelectField(_l("Figure"), choices=metric_choices),
        "parts": AmountField(_l("Opening balance"), [check.InputRequired(), check.NumberRange(min=0, max=10**11)],
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
        return [("", [form[name] for name in (*asked, *self.form_columns)])]

    def new_record(self, form: wt.Form) -> MetricOpening:
        """Through the service."""
        user, metric = visit().user, metric_named(form.metric.data)
        if metric is None:
            raise ValidationError(_("Please choose from the list."), "metric")
        try:
            return make_opening(
                db.session(), metric, form.since.data, form.until.data, Decimal(form.parts.data), form.source.data,
                by=user.name, account=user.username, at=now(), today=today(), estimated=form.estimated.data,
                sure=form.sure.data)
        except ConfirmationNeeded as question:
            raise ValidationError(question.message, "sure") from question

    def note(self) -> str | None:
        """What a second one does."""
        return super().note() or _("A new balance takes the place of the one that stands; both stay in the list")

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
    filter_by = ("in_month", "day", "metric", "explained")
    special_filters = {
        "metric": SpecialFilter(_l("Figure"), counted_choices, lambda name: Correction.metric == name),
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
