"""The canteen's books: days that are closed, reversals, and the day that a meal is booked on."""
from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from core.api import ValidationError
from plugins.canteen.ledger import days
from plugins.canteen.ledger.books import book_day, reverse_meal, void_meal
from plugins.canteen.ledger.models import ClosedDay, Tally, TallyMode, TallySource
from plugins.canteen.ledger.takings import Clerk
from plugins.canteen.models import Diner, Meal, Source, Way
from plugins.canteen.services import kinds_of, record_meal
from tests.plugins.canteen_people import BY_SCRIPT, COUNTER, add_diner, kind_id, meals, once

TODAY, FRIDAY, OCTOBER = date(2026, 11, 23), date(2026, 11, 20), date(2026, 10, 30)
NOON = datetime(2026, 11, 23, 3, 42, tzinfo=UTC)  # Monday 11:42 in Beijing
CLERK = Clerk("王敏", NOON, "staff.upper")
MEALS = "/upper/canteen/meals/"


def close(session: Any, *closed: date) -> None:
    """Close days that came to nothing."""
    session.add_all(ClosedDay(
        day=day, named=0, unnamed=0, expected_cash=Decimal(0), counted_cash=Decimal(0), expected_code=Decimal(0),
        counted_code=Decimal(0), closed_by="王敏", closed_at=NOON) for day in closed)
    session.flush()


def eaten(session: Any, day: date, reason: str = "停电") -> Meal:
    """A lunch of the first diner."""
    source = Source.COUNTER if day == TODAY else Source.BACK_ENTRY
    return record_meal(session, session.scalar(sa.select(Diner)), day, kinds_of(session)[1], Way.DINE_IN, "王敏", NOON,
                       source=source, reason=reason, account="staff.upper")


@pytest.mark.parametrize(("day", "closed", "locked", "booked"), [
    (FRIDAY, (), False, FRIDAY),
    (FRIDAY, (FRIDAY,), False, TODAY),
    (OCTOBER, (OCTOBER,), False, date(2026, 10, 31)),
    (OCTOBER, (OCTOBER,), True, TODAY),
    (OCTOBER, (), True, TODAY),
    (TODAY, (TODAY,), False, TODAY),
])
def test_what_comes_late_goes_to_the_books_that_are_still_open(place, monkeypatch, day, closed, locked, booked):
    monkeypatch.setattr(days, "is_locked", lambda _session, asked: locked and asked == day)
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        close(session, *closed)
        assert book_day(session, day, TODAY) == booked


def test_a_meal_of_a_closed_day_is_entered_with_a_reason_and_booked_later(place):
    add_diner(place, "张秀英")
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        close(session, FRIDAY, TODAY)
        with pytest.raises(ValidationError, match="2026-11-23"):
            eaten(session, TODAY, reason="")
        meal = eaten(session, FRIDAY)
        assert (meal.day, meal.booked_on) == (FRIDAY, TODAY)


def test_a_meal_of_a_closed_day_is_reversed_not_voided(place):
    add_diner(place, "张秀英")
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        meal = eaten(session, FRIDAY)
        close(session, FRIDAY)
        with pytest.raises(ValidationError, match="2026-11-20"):
            void_meal(session, meal, "staff.upper", "记错了", CLERK)
        row = reverse_meal(session, meal, "记错了", "王敏", NOON, "staff.upper")
        assert (row.day, row.booked_on, row.reverses_id, meal.reversed_on) == (FRIDAY, TODAY, meal.id, TODAY)
        assert row.standard_price == row.self_pay == Decimal("-15.00")
        assert session.scalar(sa.select(sa.func.sum(Meal.self_pay))) == 0
        assert session.scalar(sa.select(sa.func.count()).select_from(Meal).where(*Meal.counts())) == 0
        assert eaten(session, FRIDAY).booked_on == TODAY  # and it may be recorded anew


def test_nothing_is_reversed_twice_nor_without_a_reason(place):
    add_diner(place, "张秀英")
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        meal = eaten(session, FRIDAY)
        close(session, FRIDAY)
        with pytest.raises(ValidationError):
            reverse_meal(session, meal, " 。 "[:1], "王敏", NOON)
        row = reverse_meal(session, meal, "记错了", "王敏", NOON)
        for again in (meal, row):
            with pytest.raises(ValidationError):
                reverse_meal(session, again, "记错了", "王敏", NOON)
            with pytest.raises(ValidationError):
                void_meal(session, again, "staff.upper", "记错了", CLERK)


def test_a_reversal_by_two_at_once_happens_once(place):
    add_diner(place, "张秀英")
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        number = eaten(session, FRIDAY).id
        close(session, FRIDAY)
    browsers, start = [place.browser("staff.upper"), place.browser("manager.upper")], threading.Barrier(2)
    tokens = [browser.token() for browser in browsers]

    def send(browser, token):
        start.wait()
        browser.client.post(f"{MEALS}reverse/?id={number}", data={"reason": "重复登记", "csrf_token": token})

    threads = [threading.Thread(target=send, args=pair) for pair in zip(browsers, tokens, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with place.app.app_context(), place.session("upper") as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Meal)) == 2
        assert session.scalar(sa.select(sa.func.sum(Meal.self_pay))) == 0


def test_the_list_offers_to_reverse_only_what_is_closed(place):
    add_diner(place, "张秀英")
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        closed, still_open = eaten(session, FRIDAY).id, eaten(session, TODAY).id
        close(session, FRIDAY)
    browser = place.browser("staff.upper")
    page = browser.get(MEALS).get_data(as_text=True)
    assert f"reverse/?id={closed}" in page and f"void/?id={closed}" not in page
    assert f"void/?id={still_open}" in page and f"reverse/?id={still_open}" not in page
    browser.post(f"{MEALS}void/?id={closed}", {"reason": "记错了"})
    assert len(meals(place)) == 2
    browser.post(f"{MEALS}reverse/?id={closed}", {"reason": "记错了"})
    assert "reverse/?id=" not in browser.get(MEALS).get_data(as_text=True)
    assert [m["standard"] for m in meals(place)] == [Decimal(15), Decimal(15), Decimal(-15)]
    shown = browser.get(f"{MEALS}?eaten=yes").get_data(as_text=True)
    assert f"details/?id={closed}" not in shown and f"details/?id={still_open}" in shown


def test_the_counter_undoes_nothing_of_a_closed_day(place):
    number, browser = add_diner(place, "张秀英"), place.browser("staff.upper")
    values = {"resident": number, "kind": kind_id(place, "午餐")}
    assert browser.post(f"{COUNTER}record/", {**values, "once": once()}, headers=BY_SCRIPT).status_code == 200
    with place.app.app_context(), place.session("upper", writes=True) as session:
        close(session, TODAY)
    undone = browser.post(f"{COUNTER}undo/", {"meal": meals(place)[0]["id"]}, headers=BY_SCRIPT)
    assert undone.status_code == 422 and "冲销" in undone.get_json()["refused"]
    add_diner(place, "王桂芝")
    refused = browser.post(f"{COUNTER}record/", {"guest": "1", "kind": values["kind"], "once": once()},
                           headers=BY_SCRIPT)
    assert refused.status_code == 422 and len(meals(place)) == 1


def test_the_unnamed_meals_of_a_whole_sitting_follow_the_named_ones(place):
    add_diner(place, "张秀英")
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        lunch = kinds_of(session)[1]
        tally = Tally(day=FRIDAY, kind_id=lunch.id, mode=TallyMode.WHOLE, source=TallySource.PAPER, number=1, unnamed=1,
                      recorded_by="王敏", recorded_at=NOON)
        session.add(tally)
        first = eaten(session, FRIDAY)
        assert tally.unnamed == 0
        guest = record_meal(session, None, FRIDAY, lunch, Way.DINE_IN, "王敏", NOON, source=Source.BACK_ENTRY,
                            reason="停电")
        assert tally.unnamed == 0  # never below zero
        void_meal(session, guest, "staff.upper", "记错了", CLERK)
        assert tally.unnamed == 0
        close(session, FRIDAY)
        reverse_meal(session, first, "记错了", "王敏", NOON)
        assert tally.unnamed == 1
