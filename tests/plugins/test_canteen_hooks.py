"""What the canteen tells the rest of the house: to-dos, a resident's latest meals, settings, demonstration."""
from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from flask import g
from werkzeug.datastructures import MultiDict

from core.api import Area, Resident, beijing, save_settings, set_name, settings_of
from plugins.canteen import plugin
from plugins.canteen.ledger.models import Tally, TallyMode, TallySource
from plugins.canteen.models import Card, Diner, Meal, Price
from plugins.canteen.services import add_default_kinds, kinds_of, opening_day
from tests.plugins.canteen_people import BY_SCRIPT, COUNTER, add_diner, once, record

TODAY = date(2026, 11, 23)


def todos(place):
    """(kind, text, url) of the workbench's lines at 11:42."""
    with place.app.test_request_context(), place.session("upper") as session:
        community = session.scalar(sa.select(Area).where(Area.slug == "upper"))
        return [(t.kind, str(t.text), t.url) for t in plugin.todo_items(session, community, TODAY)]


def test_a_meal_that_is_served_and_not_recorded_waits_on_the_workbench(place):
    assert [(kind, text[:12] and ("午餐" in text)) for kind, text, _url in todos(place)] == [
        ("warn", False), ("warn", True)]  # breakfast is over, lunch is being served, dinner has not begun
    place.browser("staff.upper").post(COUNTER + "record/", {"guest": 1, "once": once()}, headers=BY_SCRIPT)
    assert ["午餐" in text for _kind, text, _url in todos(place)] == [False]


def test_a_paper_list_of_a_meal_is_a_record_of_it(place):
    with place.app.app_context(), place.session("upper", writes=True) as session:
        breakfast, lunch = kinds_of(session)[:2]
        session.add_all(Tally(
            day=TODAY, kind_id=kind.id, mode=TallyMode.WHOLE, source=TallySource.PAPER, number=40, unnamed=40,
            recorded_by="王敏", recorded_at=place.clock(), voided_at=voided)
            for kind, voided in ((breakfast, None), (lunch, place.clock())))
    assert ["午餐" in text for _kind, text, _url in todos(place) if "还没有登记" in text] == [True]


def test_a_meal_without_a_price_is_an_alarm_with_a_link(place):
    with place.app.app_context(), place.session("upper", writes=True) as session:
        session.delete(session.scalar(sa.select(Price).where(Price.kind_id == kinds_of(session)[1].id)))
    assert ("bad", "/upper/canteen/prices/new/") in [(kind, url) for kind, _text, url in todos(place)]


def test_a_resident_has_his_latest_meals_on_his_page_without_the_void_ones(place):
    number, browser = add_diner(place, "张秀英"), place.browser("staff.upper")
    record(browser, resident=number)
    with place.app.test_request_context("/upper/"), place.session("upper") as session:
        resident = session.scalar(sa.select(Resident).where(Resident.id == number))
        g.slug = "upper"  # as the gate sets it
        (entry,) = plugin.resident_timeline(session, resident)
        assert entry.day == TODAY and "15.00" in entry.title and "/upper/canteen/meals/details/" in entry.url
        meal = session.scalar(sa.select(Meal.id))
    browser.post(COUNTER + "undo/", {"meal": meal}, headers=BY_SCRIPT)
    with place.app.app_context(), place.session("upper") as session:
        assert list(plugin.resident_timeline(session, session.scalar(sa.select(Resident)))) == []


@pytest.mark.parametrize(("typed", "valid"), [
    ({"opened_on": "2026-09-01", "seats": "80"}, True), ({}, True), ({"opened_on": "soon"}, False),
    ({"seats": "-1"}, False),
])
def test_the_settings_are_checked(place, typed, valid):
    with place.app.test_request_context():
        assert plugin.settings_form()(MultiDict(typed)).validate() is valid


def test_the_opening_day_is_read_from_the_settings(place):
    with place.app.app_context(), place.session("upper", writes=True) as session:
        assert opening_day(session, place.ids["upper"]) is None
        save_settings(session, place.ids["upper"], "canteen", {"opened_on": "2026-09-01"})
        assert opening_day(session, place.ids["upper"]) == date(2026, 9, 1)


def test_switching_on_again_makes_no_second_set_of_meals(place):
    with place.app.app_context(), place.session("upper", writes=True) as session:
        add_default_kinds(session, TODAY)
        assert len(kinds_of(session)) == 3


def _people(session, many=90):
    session.info["quiet"] = True
    for number in range(many):
        resident = Resident(birth_date=date(1935 + number % 40, 1 + number % 12, 3), compound="盛世小区")
        set_name(resident, "张王李赵"[number % 4] + "秀建玉"[number % 3] + "英国珍"[number // 4 % 3])
        session.add(resident)
    session.flush()


def _demonstrate(place, slug):
    with place.app.app_context(), place.session(slug, writes=True) as session:
        _people(session)
        plugin.demo_records(session, session.scalar(sa.select(Area).where(Area.slug == slug)), TODAY)


def test_the_demonstration_shows_two_months_and_a_lunch_under_way(place):
    _demonstrate(place, "upper")
    with place.app.app_context(), place.session("upper") as session:
        diners = session.scalar(sa.select(sa.func.count()).select_from(Diner))
        assert 60 <= diners <= 120 and session.scalar(sa.select(sa.func.count()).select_from(Card)) > 20
        days = dict(session.execute(sa.select(Meal.day, sa.func.count()).group_by(Meal.day)).all())
        assert len(days) == 61 and max(days) == TODAY and min(days) == TODAY - timedelta(days=60)
        assert 0 < days[TODAY] < days[TODAY - timedelta(days=3)]
        weekday = session.scalars(sa.select(Meal).where(Meal.day == TODAY)).all()
        assert all(beijing(m.recorded_at).date() == TODAY and m.recorded_at <= place.clock() for m in weekday)
        assert all(m.standard_price == m.self_pay + m.government + m.other_aid for m in weekday)
        assert {m.rule.name for m in weekday if m.rule} and all(m.rule is None or m.self_pay < 15 for m in weekday)
        opened = settings_of(session, place.ids["upper"], "canteen")["opened_on"]
        assert date.fromisoformat(opened) < min(days)


def test_the_demonstration_is_the_same_each_time(place):
    def told():
        with place.app.app_context(), place.session("upper", writes=True) as session:
            _people(session, 20)
            plugin.demo_records(session, session.scalar(sa.select(Area).where(Area.slug == "upper")), TODAY)
            rows = [tuple(row) for row in session.execute(sa.select(Meal.day, Meal.way).order_by(Meal.id))]
            session.rollback()
            return rows

    assert told() == told()
