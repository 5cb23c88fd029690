"""What the kitchen gives to the canteen's hooks: its screens, and what is missing today for the workbench."""
from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from core.api import Todo, beijing, is_open
from plugins.canteen.kitchen.book import (
    DayBook,
    Gap,
    Subject,
    asked_of,
    gaps_of,
    read_days,
    serving_is_over,
)
from plugins.canteen.kitchen.demo import demo_records
from plugins.canteen.kitchen.menu_page import MenuPage
from plugins.canteen.kitchen.people import REMINDERS, ending
from plugins.canteen.kitchen.people_pages import DutyPage, MorningPage
from plugins.canteen.kitchen.safety_page import SafetyPage
from plugins.canteen.kitchen.sample_page import SamplePage
from plugins.canteen.kitchen.samples import Kept, in_the_fridge, state_of, until_hours
from plugins.canteen.kitchen.screens import (
    CertificateScreen,
    CookScreen,
    DishScreen,
    DisinfectionScreen,
    MorningCheckScreen,
    PurchaseScreen,
    SampleScreen,
)
from plugins.canteen.services import kinds_of
from plugins.canteen.settings import PLUGIN

__all__ = ["SCREENS", "demo_records", "todo_items"]
SCREENS = [
    SafetyPage, MenuPage, DishScreen, SamplePage, SampleScreen, DutyPage, MorningPage, MorningCheckScreen,
    DisinfectionScreen, PurchaseScreen, CookScreen, CertificateScreen,
]
PLACES = {  # where a gap of a subject is filled
    Subject.MENU: "canteen_menu.edit", Subject.SAMPLES: "canteen_sampling.index",
    Subject.MORNING: "canteen_morning.index", Subject.DISINFECTION: "canteen_disinfection.create_view",
    Subject.CERTIFICATES: "canteen_duty.index",
}


def todo_items(session: Any, community: Any, today: date, at: datetime) -> Iterable[Todo]:
    """What the kitchen's book of today lacks, tomorrow's menu, samples to throw away, certificates that end.

    Nothing before the first record of the kitchen, unless the settings say that there is one. No names: whoever opens
    the workbench reads it.
    """
    asked = asked_of(session, community.id)
    if not asked:
        return
    books = read_days(session, today, today + timedelta(days=1))
    if Subject.MENU in asked:
        yield from _menus(session, community, books, today)
    yield from _gaps(session, community, books[today], asked, at)
    if Subject.SAMPLES in asked:
        yield from _to_throw_away(session, community, at)
    if Subject.CERTIFICATES in asked:
        yield from _certificates(session, community, today)


def _menus(session: Any, community: Any, books: dict[date, DayBook], today: date) -> Iterable[Todo]:
    for day, book in books.items():
        if not book.menu and is_open(session, community.id, PLUGIN, day):
            text = _("Today has no menu.") if day == today else _("Tomorrow has no menu.")
            yield Todo("warn", Subject.MENU.label, text, _url(community, Subject.MENU, day))


def _gaps(session: Any, community: Any, book: DayBook, asked: frozenset[Subject], at: datetime) -> Iterable[Todo]:
    over = serving_is_over(session, book, beijing(at).time())
    for gap in gaps_of(book, kinds_of(session), asked):
        if gap.subject == Subject.DISINFECTION and not over:
            continue  # what is used is washed when the sitting is over
        if gap.subject == Subject.MENU and not book.menu:
            continue  # said for the whole day
        yield Todo("bad" if gap.bad else "warn", gap.subject.label, _without_names(gap, book),
                   _url(community, gap.subject, book.day, kind=gap.kind_id))


def _without_names(gap: Gap, book: DayBook) -> str:
    if gap.subject == Subject.MORNING and book.duties:
        return ngettext("%(num)s person on duty was not checked this morning.",
                        "%(num)s people on duty were not checked this morning.", len(book.unchecked()))
    if gap.subject == Subject.CERTIFICATES:
        return _("Somebody is on duty today without a valid health certificate.")
    return gap.text


def _to_throw_away(session: Any, community: Any, at: datetime) -> Iterable[Todo]:
    until = until_hours(session, community.id)
    states = [state_of(sample, at, until) for sample in in_the_fridge(session)]
    url = url_for("canteen_sampling.index", area=community.slug, _anchor="fridge-list")
    if overdue := states.count(Kept.OVERDUE):
        yield Todo("warn", Subject.SAMPLES.label, ngettext(
            "%(num)s food sample should be gone by now.", "%(num)s food samples should be gone by now.", overdue), url)
    if ready := states.count(Kept.MAY_GO):
        yield Todo("info", Subject.SAMPLES.label, ngettext(
            "%(num)s food sample may be thrown away.", "%(num)s food samples may be thrown away.", ready), url)


def _certificates(session: Any, community: Any, today: date) -> Iterable[Todo]:
    """One line for each step of the reminder."""
    left = [days for _cook, _last, days in ending(session, today)]
    url = url_for("canteen_cooks.index_view", area=community.slug)
    if without := sum(days is None or days < 0 for days in left):
        yield Todo("bad", Subject.CERTIFICATES.label, ngettext(
            "%(num)s person of the kitchen has no valid health certificate.",
            "%(num)s people of the kitchen have no valid health certificate.", without), url)
    steps = zip(sorted(REMINDERS), (-1, *sorted(REMINDERS)), ("bad", "bad", "warn"), strict=False)
    for most, more_than, kind in steps:
        if number := sum(days is not None and more_than < days <= most for days in left):
            yield Todo(kind, Subject.CERTIFICATES.label, ngettext(
                "%(num)s health certificate ends within %(days)s days.",
                "%(num)s health certificates end within %(days)s days.", number, days=most) if most else ngettext(
                "%(num)s health certificate ends today.", "%(num)s health certificates end today.", number), url)


def _url(community: Any, subject: Subject, day: date, kind: int | None = None) -> str:
    more = {"kind": kind} if kind and subject == Subject.SAMPLES else {}
    return url_for(PLACES[subject], area=community.slug, day=day.isoformat(), **more)
