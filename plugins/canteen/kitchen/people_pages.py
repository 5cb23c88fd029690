"""The duty roster of a week and the morning check of a day, each on one page."""
from __future__ import annotations

from datetime import date

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core.api import ValidationError, commit, create_once, db, new_key, now, today, visit
from plugins.canteen.kitchen.menus import days_of, monday_of
from plugins.canteen.kitchen.models import Cook, Duty, MorningCheck
from plugins.canteen.kitchen.pages import KitchenPage, asked_day, named, typed_day
from plugins.canteen.kitchen.people import (
    Checked,
    Shift,
    certified_on,
    change_roster,
    checks_between,
    cooks_of,
    duties_between,
    fever_from,
    record_checks,
    week_before,
    why_not,
)


class DutyPage(KitchenPage):
    """值班表: who works on which day of a week; only those with a valid health certificate."""

    slug = "duty"
    title = _l("Duty roster")
    icon = "columns"
    needs = {"save": "edit"}
    model = Duty  # whose rows this page shows: somebody who cannot be deleted names it

    @expose("/")
    def index(self) -> str:
        """The week; `copy` proposes what the week before had."""
        return self._page()

    @expose("/save/", methods=("POST",))
    def save(self) -> ResponseReturnValue:
        """Put people on duty and take them off: only what was changed in this form, so nobody's change is undone."""
        shown, ticked = (_shifts(request.form.getlist(name)) for name in ("was", "duty"))
        try:
            added, dropped = change_roster(db.session(), ticked - shown, shown - ticked)
            commit(db.session())
        except ValidationError as error:
            db.session.rollback()
            return self._page(str(error), ticked), 422
        flash(_("The roster has been saved: %(added)s added, %(dropped)s taken off.", added=added, dropped=dropped),
              "success")
        return redirect(self.address(asked_day()))

    def _page(self, error: str | None = None, ticked: set[Shift] | None = None) -> str:
        session, days = db.session(), days_of(monday_of(asked_day()))
        stored = {(duty.cook_id, duty.day): duty for duty in duties_between(session, days[0], days[-1])}
        cooks = self._cooks(days[0], set(stored))
        faults = [reason for shift, duty in stored.items() if (reason := why_not(duty.cook, shift[1], named))]
        copied = request.args.get("copy") == "1" and ticked is None
        return self.page(
            "duty", self.title, days=days, cooks=cooks, stored=stored, error=error, faults=faults, copied=copied,
            ticked=self._proposed(days, cooks, set(stored)) if copied else set(stored) if ticked is None else ticked,
            certified=certified_on, may_edit=self.may("edit") and visit().access.sees_names,
            unfit={(c.cook_id, c.day) for c in checks_between(session, days[0], days[-1]) if not c.fit},
        )

    def _cooks(self, first: date, stored: set[Shift]) -> list[Cook]:
        """Who works here that week, and whoever stands on its roster all the same."""
        session, there = db.session(), {cook_id for cook_id, _day in stored}
        return [cook for cook in cooks_of(session) if cook.left_on is None or cook.left_on >= first
                or cook.id in there]

    def _proposed(self, days: list[date], cooks: list[Cook], stored: set[Shift]) -> set[Shift]:
        """The week before, as far as certificates hold."""
        before, known = duties_between(db.session(), *week_before(days)), {cook.id: cook for cook in cooks}
        moved = {(duty.cook_id, self.shifted(duty.day, 7)) for duty in before}
        return stored | {(cook, day) for cook, day in moved if cook in known and why_not(known[cook], day) is None}


def _shifts(texts: list[str]) -> set[Shift]:
    """The ticks of the form: 12:2026-11-23."""
    found = set()
    for text in texts[:2000]:
        number, _colon, day = text.partition(":")
        if number.isascii() and number.isdecimal() and len(number) < 19 and len(day) == 10:
            try:
                found.add((int(number), date.fromisoformat(day)))
            except ValueError:
                continue
    return found


class MorningPage(KitchenPage):
    """晨检: everybody on duty on one page; whoever is unfit is off duty."""

    slug = "morning"
    title = _l("Morning check")
    icon = "check"
    needs = {"record": "create"}

    @expose("/")
    def index(self) -> str:
        """Who is on duty, who was checked."""
        return self._page()

    @expose("/record/", methods=("POST",))
    def record(self) -> ResponseReturnValue:
        """Record the checks of those who came, once."""
        session, area = db.session(), visit().area
        made: list[MorningCheck] = []

        def make() -> MorningCheck:
            day = typed_day()
            on_duty = [duty.cook_id for duty in duties_between(session, day, day)]
            made.extend(record_checks(session, day, [_line(number) for number in on_duty],
                                      fever_from(session, area.id), visit().user.name, now(), today()))
            return made[0]

        try:
            create_once(session, MorningCheck, request.form.get("once", ""), make)
        except ValidationError as error:
            db.session.rollback()
            return self._page(error), 422
        flash(_("The morning check is recorded."), "success")
        if off := sum(not check.fit for check in made):
            flash(ngettext("%(num)s person is unfit and off duty.", "%(num)s people are unfit and off duty.", off),
                  "warning")
        return redirect(self.address(asked_day()))

    def _page(self, error: ValidationError | None = None) -> str:
        session, day = db.session(), asked_day()
        checks = {check.cook_id: check for check in checks_between(session, day, day)}
        duties = duties_between(session, day, day)
        return self.page(
            "morning", self.title, day=day, duties=duties, checks=checks, error=error, once=new_key(),
            typed=request.form if error else {}, why_not=why_not, sees_names=visit().access.sees_names,
            open=[duty for duty in duties if duty.cook_id not in checks],
            may_create=self.may("create") and visit().access.sees_names and day <= today(),
        )


def _line(number: int) -> Checked:
    """What was typed for somebody."""
    form = request.form
    return Checked(number, form.get(f"temperature-{number}", ""), form.get(f"symptoms-{number}", ""),
                   form.get(f"fit-{number}", "1") == "1")
