"""日结: the days of a month, and the page on which a day is looked at and closed."""
from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core.api import (
    Page,
    ValidationError,
    beijing,
    choices,
    commit,
    create_once,
    db,
    new_key,
    now,
    put_error,
    today,
    visit,
)
from plugins.canteen.ledger.closing import (
    DRAWER,
    DaySums,
    came_later,
    check_counts,
    close_day,
    closed_day,
    day_sums,
    days_between,
    month_of,
)
from plugins.canteen.ledger.forms import CountForm, TallyForm
from plugins.canteen.ledger.models import ClosedDay, Method
from plugins.canteen.ledger.screens import MONEY, here
from plugins.canteen.models import Way
from plugins.canteen.services import kinds_of

NOTHING = {method: Decimal(0) for method in DRAWER}


class ClosingPage(Page):
    """Days open and closed, and closing one."""

    slug = "closing"
    title = _l("Day's close")
    section = MONEY
    icon = "calendar"
    needs = {"close": "create", "close_all": "create"}

    # -- the days of a month --------------------------------------------------------------------

    @expose("/")
    def index(self) -> str:
        """The month asked for, else this one."""
        first, last = month_of(_month(request.args.get("month", "")) or today())
        lines = days_between(db.session(), first, last)
        return self.render("canteen/closing.html", title=str(self.title), month=first, lines=lines, page=self,
                           today=today(), beijing=beijing, idle=self._idle(lines))

    def _idle(self, lines: list[Any]) -> list[date]:
        """Past days that are open and moved no money: they can be closed together."""
        return sorted(line.day for line in lines
                      if line.closed is None and line.day < today() and not line.moves_money)

    @expose("/all/", methods=("POST",))
    def close_all(self) -> ResponseReturnValue:
        """Close the past days without money that the page named; all or none. What is closed already stays so."""
        days = {day for text in request.args.getlist("days") if (day := _day(text))}
        session, clerk = db.session(), here()
        try:
            for day in self._still_idle(days):
                close_day(session, visit().area.id, day_sums(session, day), NOTHING, "", clerk)
            commit(session)
        except ValidationError as error:
            session.rollback()
            flash(str(error), "error")
        else:
            flash(ngettext("%(num)s day is closed.", "%(num)s days are closed.", len(days)), "success")
        return redirect(self.get_url(".index", month=f"{min(days, default=today()):%Y-%m}"))

    def _still_idle(self, days: set[date]) -> list[date]:
        """Those of the days that are open. Raises ValidationError where one is not as the page showed it."""
        lines = days_between(db.session(), min(days), max(days)) if days else []
        idle = self._idle(lines)
        if not days or days - {line.day for line in lines if line.closed} - set(idle):
            raise ValidationError(_("Something was recorded meanwhile. Please look at the sums again."))
        return [day for day in idle if day in days]

    # -- one day ----------------------------------------------------------------------------------

    @expose("/day/")
    def day(self) -> ResponseReturnValue:
        """What a day came to, and the form that closes it."""
        day = _day(request.args.get("day", ""))
        if day is None or day == date.min or day > today():  # before the first day is none
            return redirect(self.get_url(".index"))
        return self._page(day_sums(db.session(), day), CountForm())

    def _page(self, sums: DaySums, form: CountForm) -> str:
        session, closed = db.session(), closed_day(db.session(), sums.day)
        return self.render(
            "canteen/day.html", title=_("Day's close: %(day)s", day=sums.day.isoformat()), sums=sums, page=self,
            form=form, closed=closed, later=came_later(session, closed) if closed else None, ways=list(Way),
            methods=list(Method), drawer=DRAWER, once=new_key, warning="" if closed else self._warning(sums.day),
            tally=self._tally_form(sums.day), beijing=beijing, before=sums.day - timedelta(days=1),
            after=sums.day + timedelta(days=1) if sums.day < today() else None)

    def may_count(self) -> bool:
        """Whether the person may enter numbers of unnamed meals."""
        return visit().access.may(f"{self.plugin}.tallies.create")

    def _tally_form(self, day: date) -> TallyForm:
        form = TallyForm(day=day)
        form.kind.choices = choices((kind.id, kind.name) for kind in kinds_of(db.session()))
        return form

    def _warning(self, day: date) -> str:
        """Meals that are still to come on the day."""
        clock = beijing(now()).time()
        waiting = [kind.name for kind in kinds_of(db.session()) if kind.closes >= clock] if day == today() else []
        return _("Still served today: %(meals)s. What is recorded after the close is a late entry.",
                 meals="、".join(waiting)) if waiting else ""

    @expose("/close/", methods=("POST",))
    def close(self) -> ResponseReturnValue:
        """Close a day: first the question that names it and its sums, then the deed."""
        day = _day(request.form.get("day", "")) or abort(404)
        sums, form = day_sums(db.session(), day), CountForm(request.form)
        if not sums.moves_money:
            del form.cash, form.code
        if not form.validate():
            return self._page(sums, form), 422
        counted = dict(zip(DRAWER, (form.cash.data, form.code.data), strict=True)) if sums.moves_money else NOTHING
        note, seen = form.note.data or "", request.form.get("seen", "")
        try:
            apart = check_counts(sums, counted, note, today())
            if request.form.get("sure") != "1":
                return self._question(sums, counted, apart)
            if seen != sums.seen:
                raise ValidationError(_("Something was recorded meanwhile. Please look at the sums again."))
            create_once(db.session(), ClosedDay, request.form.get("once", ""), lambda: close_day(
                db.session(), visit().area.id, sums, counted, note, here()))
        except ValidationError as error:
            db.session.rollback()
            put_error(form, error)
            return self._page(day_sums(db.session(), day), form), 422
        flash(_("%(day)s is closed.", day=day.isoformat()), "success")
        return redirect(self.get_url(".day", day=day.isoformat()))

    def _question(self, sums: DaySums, counted: dict[Method, Decimal], apart: Decimal) -> str:
        lines = [_("%(count)s meals: %(named)s named, %(unnamed)s unnamed", count=sums.named + sums.unnamed,
                   named=sums.named, unnamed=sums.unnamed)]
        if sums.moves_money:
            lines += [_("%(method)s: %(expected)s yuan expected, %(counted)s counted", method=method.label,
                        expected=f"{sums.money[method]:.2f}", counted=f"{counted[method]:.2f}") for method in DRAWER]
            lines.append(_("Difference: %(amount)s yuan", amount=f"{apart:+.2f}" if apart else "0.00"))
        if warning := self._warning(sums.day):
            lines.append(warning)
        kept = [(k, v) for k, v in request.form.items() if k in ("day", "cash", "code", "note", "once")]
        return self.render(
            "admin/confirm.html", title=_("Close the day"), names=lines, action=self.get_url(".close"),
            question=_("Close %(day)s? A closed day is never opened again: what comes later is a late entry or a "
                       "reversal.", day=sums.day.isoformat()),
            hidden=[*kept, ("seen", sums.seen), ("sure", "1")], submit_label=_("Close the day"),
            cancel_url=self.get_url(".day", day=sums.day.isoformat()))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def _month(text: str) -> date | None:
    return _day(f"{text}-01") if re.fullmatch(r"\d{4}-\d{2}", text) else None
