"""日管控: the food-safety sheet of a day, on the screen and on A4; and the month with its gaps."""
from __future__ import annotations

import calendar
from datetime import date
from typing import Any

from flask import request
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.api import beijing, db, now, today, visit
from plugins.canteen.kitchen.book import DayBook, Gap, Subject, asked_of, first_day, gaps_of, read_days
from plugins.canteen.kitchen.models import Duty
from plugins.canteen.kitchen.pages import KitchenPage, asked_day, named
from plugins.canteen.kitchen.people import certified_on
from plugins.canteen.kitchen.samples import COLOURS, state_of, until_hours
from plugins.canteen.services import kinds_of


class SafetyPage(KitchenPage):
    """The day of the address line, else today."""

    slug = "safety"
    title = _l("Food-safety sheet")
    icon = "shield"

    @expose("/")
    def index(self) -> str:
        """Everything of a day."""
        return self.page("safety", self.title, **self._day())

    @expose("/print/")
    def paper(self) -> str:
        """The same on A4, to be signed."""
        words = self._day()
        return self.page("safety_paper", _("Daily food-safety control"), date_text=words["day"].isoformat(),
                         back_url=self.address(words["day"]), signatures=[
                             _("Food-safety officer:"), _("In charge:"), _("Date:")], **words)

    @expose("/month/")
    def month(self) -> str:
        """Every day of a month with what is missing."""
        session, first = db.session(), self._month()
        last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
        asked, began, kinds = asked_of(session, visit().area.id), first_day(session), kinds_of(session)
        books = read_days(session, first, last)
        rows = [(book, self._gaps(book, asked, kinds, began)) for book in books.values() if book.day <= today()]
        return self.page(
            "safety_month", _("Food safety of the month"), month=first, kinds=kinds, rows=rows, asked=asked,
            subject=Subject, short=self._short,
            totals={one: sum(any(gap.subject == one for gap in gaps) for _book, gaps in rows) for one in Subject},
        )

    def _day(self) -> dict[str, Any]:
        session, day = db.session(), asked_day()
        book, kinds, asked = read_days(session, day, day)[day], kinds_of(session), asked_of(session, visit().area.id)
        at, until = now(), until_hours(session, visit().area.id)
        return {
            "day": day, "book": book, "kinds": kinds, "beijing": beijing, "sees_names": visit().access.sees_names,
            "gaps": self._gaps(book, asked, kinds, first_day(session)), "colours": COLOURS,
            "state": lambda sample: state_of(sample, at, until), "checks": {c.cook_id: c for c in book.checks},
            "faults": book.faults(named), "asked": asked,
        }

    def certified(self, duty: Duty) -> bool:
        """Whether somebody on duty has a certificate that day."""
        return certified_on(duty.cook, duty.day)

    def _gaps(self, book: DayBook, asked: frozenset[Subject], kinds: list[Any], began: date | None) -> list[Gap]:
        """What is missing; days before the first record of the kitchen are asked for nothing."""
        return gaps_of(book, kinds, asked, named) if began and book.day >= began else []

    def _short(self, gaps: list[Gap], subject: Subject) -> list[Gap]:
        return [gap for gap in gaps if gap.subject == subject]

    def _month(self) -> date:
        try:
            month = date.fromisoformat(f"{request.args.get('month', '')}-01")
        except ValueError:
            return asked_day().replace(day=1)
        return month if 2000 < month.year < 2100 else today().replace(day=1)
