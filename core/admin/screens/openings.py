"""On which days a community is open: the holidays of the year, its modules' opening days, its own closures."""
from __future__ import annotations

from datetime import date
from typing import Any

import wtforms as wt
from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import validators as check
from wtforms.widgets import CheckboxInput, ListWidget

from core.admin.forms import ScreenForm, choices, plain_text
from core.admin.gate import visit
from core.admin.listing import Column, Row, RowAction, Tool
from core.admin.query import whole
from core.admin.screen import Screen
from core.admin.screens.figure_words import module_choices, module_title
from core.admin.screens.office import OfficePage, chosen, listing, number_of, saved
from core.calendar.holidays import (
    holidays_between,
    keeps_holidays,
    known_year,
    read_notice,
    save_day,
    save_year,
    without_notice,
    written,
    year_wanted,
    years_there,
)
from core.calendar.models import Closure, Holiday, OpeningDays
from core.clock import today
from core.errors import ValidationError
from core.extensions import db

SECTION = _l("Opening days")
TAG = Markup('<span class="tag {}">{}</span>')
WEEKDAYS = (_l("Monday"), _l("Tuesday"), _l("Wednesday"), _l("Thursday"), _l("Friday"), _l("Saturday"), _l("Sunday"))
FIRST_YEAR, LAST_YEAR = 2000, 2099


class DayForm(ScreenForm):
    """A day of the notice."""

    day = wt.DateField(_l("Day"), [check.InputRequired()])
    name = wt.StringField(_l("Holiday"), [check.InputRequired(), plain_text, check.Length(max=20)])
    is_off = wt.RadioField(_l("What it is"), coerce=lambda value: value in (True, "1"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Words in the language of the page."""
        super().__init__(*args, **kwargs)
        self.is_off.choices = choices([("1", _("Day off")), ("0", _("Make-up workday (a Saturday or Sunday)"))])


class YearForm(ScreenForm):
    """A whole year, pasted."""

    year = wt.IntegerField(_l("Year"), [check.InputRequired(), check.NumberRange(min=FIRST_YEAR, max=LAST_YEAR)])
    text = wt.TextAreaField(_l("Holidays"), [check.InputRequired(), check.Length(max=5000)],
                            render_kw={"rows": 16}, description=_l(
        "Paste the State Council's notice as it is, or cells from Excel (day, name, 休 or 班), or write a line a day "
        "such as “2027-10-01 国庆节 休”, a range as “2027-10-01至2027-10-07 国庆节 休”"))


class HolidaysPage(OfficePage):
    """节假日与调休: one table for everybody, kept at the highest area."""

    slug = "holidays"
    title = _l("Public holidays")
    icon = "calendar"
    section = SECTION
    menu_action = "view"
    needs = {"year": "settings", "day": "settings", "remove": "settings"}

    def may(self, action: str) -> bool:
        """Who sets things up may look too."""
        return super().may(action) or (action == "view" and super().may("settings"))

    def _handle_view(self, name: str, **kwargs: Any) -> ResponseReturnValue | None:
        answer = super()._handle_view(name, **kwargs)
        if name in self.needs and not keeps_holidays(visit().area):
            abort(403)
        return answer

    def _keeps(self) -> bool:
        return keeps_holidays(visit().area) and self.may("settings")

    @expose("/")
    def index(self) -> str:
        """The days of one year."""
        years = years_there(db.session())
        wanted = year_wanted(db.session(), today())
        offered = sorted({*years, today().year, *([wanted] if wanted else [])}, reverse=True)
        year = whole(request.args.get("year"), FIRST_YEAR, LAST_YEAR, today().year)
        if wanted is not None:
            flash(without_notice(wanted), "warning")
        field = chosen("year", _("Year"), [(str(each), str(each)) for each in offered])
        field = type(field)(field.name, field.label, field.kind, str(year), field.options)
        columns = [Column("day", _("Day"), lead=True), Column("weekday", _("Weekday"), lead=True),
                   Column("name", _("Holiday"), lead=True), Column("is_off", _("What it is"), lead=True)]
        rows = [self._row(each) for each in holidays_between(
            db.session(), date(year, 1, 1), date(year, 12, 31)).values()]
        tools = [Tool(_("Enter a year"), self.get_url(".year", year=wanted or year), primary=True, icon="plus"),
                 Tool(_("Add a day"), self.get_url(".day"), icon="plus")] if self._keeps() else []
        note = _("After the State Council's yearly notice; kept by the highest area")
        return self.render("admin/list.html", listing=listing(
            str(self.title), columns, rows, without_notice(year), filters=[field], tools=tools,
            clear_url=self.get_url(".index"), note=note))

    def _row(self, each: Holiday) -> Row:
        kind = TAG.format("ok", _("Day off")) if each.is_off else TAG.format("warn", _("Make-up workday"))
        name, cells = f"{each.day.isoformat()} {each.name}", [each.day.isoformat(),
                                                              str(WEEKDAYS[each.day.weekday()]), each.name, kind]
        actions = [
            RowAction(_("Edit"), self.get_url(".day", id=each.id)),
            RowAction(_("Remove"), self.get_url(".remove", id=each.id), "POST",
                      _("Remove “%(name)s”? It is an ordinary day of the week then.", name=name), True),
        ] if self._keeps() else []
        return Row(each.id, name, cells, actions)

    def _holiday(self) -> Holiday:
        found = db.session.get(Holiday, number_of("id"))
        if found is None:
            abort(404)
        return found

    @expose("/year/", methods=("GET", "POST"))
    def year(self) -> ResponseReturnValue:
        """Paste a year; it takes the place of what stood there for it."""
        year = whole(request.args.get("year"), FIRST_YEAR, LAST_YEAR, today().year)
        there = holidays_between(db.session(), date(year, 1, 1), date(year, 12, 31)).values()
        form = YearForm(request.form if request.method == "POST" else None, year=year,
                        text=written(there or known_year(year)))

        def save() -> None:
            count = save_year(db.session(), form.year.data, read_notice(form.text.data, form.year.data))
            self.note(_("Entered the holidays of %(year)s (%(count)s days)", year=form.year.data, count=count))

        if request.method == "POST" and form.validate() and self.attempt(save, form):
            saved(str(form.year.data))
            return redirect(self.get_url(".index", year=form.year.data))
        return self.form_page(form, _("Enter a year"), note=_("It replaces what stands there for the year"))

    @expose("/day/", methods=("GET", "POST"))
    def day(self) -> ResponseReturnValue:
        """Add or correct one day."""
        row = self._holiday() if "id" in request.args else None
        form = DayForm(request.form if request.method == "POST" else None, day=row.day if row else None,
                       name=row.name if row else None, is_off="1" if row is None or row.is_off else "0")

        def save() -> None:
            made = save_day(db.session(), form.day.data, form.name.data, form.is_off.data, row)
            self.note(_("Set %(day)s (%(name)s) in the holidays", day=made.day.isoformat(), name=made.name))

        if request.method == "POST" and form.validate() and self.attempt(save, form):
            saved(form.day.data.isoformat())
            return redirect(self.get_url(".index", year=form.day.data.year))
        return self.form_page(form, _("Edit: %(name)s", name=row.day.isoformat()) if row else _("Add a day"))

    @expose("/remove/", methods=("POST",))
    def remove(self) -> ResponseReturnValue:
        """Take a day out."""
        row = self._holiday()
        name, year = f"{row.day.isoformat()} {row.name}", row.day.year

        def drop() -> None:
            db.session.delete(row)
            self.note(_("Removed %(name)s from the holidays", name=name))

        if self.attempt(drop):
            flash(_("“%(name)s” has been removed.", name=name), "success")
        return redirect(self.get_url(".index", year=year))


class WeekdaysField(wt.SelectMultipleField):
    """Seven ticks, kept as the digits of the ticked days."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Monday first."""
        super().__init__(*args, choices=lambda: [(str(n), day) for n, day in enumerate(WEEKDAYS, 1)], **kwargs)

    def populate_obj(self, obj: Any, name: str) -> None:
        """"12345"."""
        setattr(obj, name, "".join(sorted(self.data)))


def module_field() -> wt.SelectField:
    """Which module a rule or a closure is about."""
    return wt.SelectField(_l("Module"), choices=module_choices, filters=[lambda value: value or ""])


class ByModule(Screen):
    """What is said of one module of the community, or of all."""

    section = SECTION
    always_on = True

    def cell_plugin(self, record: Any) -> str:
        """The module's title."""
        return module_title(record.plugin)


class OpeningDaysScreen(ByModule):
    """营业日: which weekdays, and whether holidays and make-up workdays count."""

    model = OpeningDays
    slug = "opening-days"
    title = _l("Opening days")
    icon = "clock"
    column_list = ("plugin", "starts_on", "weekdays", "on_holidays", "on_workdays", "note")
    lead_columns = 4
    form_columns = ("plugin", "starts_on", "weekdays", "on_holidays", "on_workdays", "note")
    form_extra_fields = {"plugin": module_field(),
                         "weekdays": WeekdaysField(_l("Weekdays"), [check.InputRequired()])}
    default_order = ("plugin", "-starts_on")
    empty_text = _l("Nothing has been set: every module counts as open every day, weekends and holidays too.")

    def prefill(self) -> dict[str, Any]:
        """Every day, from today on."""
        return {"starts_on": today(), "weekdays": list("1234567")}

    def note(self) -> str | None:
        """What holds without a row."""
        return super().note() or _("On a day that is not open no record is expected")

    def cell_weekdays(self, record: OpeningDays) -> str:
        """Their names, or every day."""
        if record.weekdays == "1234567":
            return _("Every day")
        return "、".join(str(WEEKDAYS[int(digit) - 1]) for digit in record.weekdays if digit in "1234567")


class ClosureScreen(ByModule):
    """休业安排: days on which the community is closed for a reason of its own."""

    model = Closure
    slug = "closures"
    title = _l("Closures")
    icon = "close"
    column_list = ("starts_on", "ends_on", "plugin", "reason")
    lead_columns = 4
    form_columns = ("starts_on", "ends_on", "plugin", "reason")
    form_extra_fields = {"plugin": module_field()}
    default_order = ("-starts_on",)
    empty_text = _l("No closure has been entered. Enter one before a renovation or a holiday of your own.")

    def save(self, record: Closure, form: wt.Form, is_created: bool) -> None:
        """The last day is not before the first."""
        if form.ends_on.data < form.starts_on.data:
            raise ValidationError(_("The last day lies before the first."), "ends_on")
        super().save(record, form, is_created)
