"""The canteen's money after the fact: late meals of settled months, their reversals, and ways out of refusals."""
from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from plugins.canteen.ledger.books import reverse_meal
from plugins.canteen.ledger.closing import open_days
from plugins.canteen.ledger.models import Entry
from plugins.canteen.settlement.lines import first_of
from plugins.canteen.settlement.models import Settlement, SettlementState
from tests.plugins.canteen_people import add_diner, meals
from tests.plugins.test_canteen_books import MEALS, close, eaten
from tests.plugins.test_canteen_ledger import CLOSING, takes_money

MONDAY, TUESDAY = date(2026, 10, 26), date(2026, 10, 27)
NOON = datetime(2026, 11, 23, 3, 42, tzinfo=UTC)
pages = pytest.mark.parametrize("kind", ["sqlite"])  # pages look alike on both databases


def settle(session: Any, month: date, state: SettlementState) -> Settlement:
    """The month's settlement in a state, as it stands in the table."""
    settlement = session.scalar(sa.select(Settlement).where(Settlement.month == first_of(month)))
    if settlement is None:
        settlement = Settlement(month=first_of(month))
        session.add(settlement)
    settlement.state = state
    session.flush()
    return settlement


def test_a_late_meal_on_an_open_day_of_a_settled_month_is_offered_its_reversal(place):
    add_diner(place, "张秀英")
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        close(session, MONDAY)
        late = eaten(session, MONDAY)
        late.booked_on = TUESDAY  # entered on Tuesday, a day without meals, that nobody had to close
        settle(session, MONDAY, SettlementState.SUBMITTED)
        number = late.id
    browser = place.browser("staff.upper")
    page = browser.get(MEALS).get_data(as_text=True)
    assert f"reverse/?id={number}" in page and f"void/?id={number}" not in page
    assert f"reverse/?id={number}" in browser.get(f"{MEALS}details/?id={number}").get_data(as_text=True)
    browser.post(f"{MEALS}reverse/?id={number}", {"reason": "记错了"})
    assert [m["standard"] for m in meals(place)] == [Decimal(15), Decimal(-15)]


def test_a_late_meal_is_taken_back_in_the_month_that_has_it(place):
    """Entered in November because October was settled; October is sent back before the meal is reversed."""
    add_diner(place, "张秀英")
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        settle(session, MONDAY, SettlementState.SUBMITTED)
        late = eaten(session, MONDAY)
        close(session, MONDAY, late.booked_on)
        settle(session, MONDAY, SettlementState.RETURNED)
        row = reverse_meal(session, late, "记错了", "王敏", NOON)
        assert (late.booked_on, row.booked_on) == (date(2026, 11, 23), date(2026, 11, 23))


def test_the_fee_of_a_late_meal_is_no_money_of_a_settled_month(place):
    takes_money(place)
    add_diner(place, "张秀英")
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        settle(session, MONDAY, SettlementState.PAID)
        eaten(session, MONDAY)
        assert session.scalars(sa.select(Entry.day)).all() == [date(2026, 11, 23)]


def test_a_day_whose_meals_were_all_taken_back_need_not_be_closed(place):
    """The list of days does not show it, so nobody would find it."""
    add_diner(place, "张秀英")
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        reverse_meal(session, eaten(session, MONDAY), "记错了", "王敏", NOON)
        assert open_days(session, MONDAY, MONDAY) == []


@pages
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "2026-02-30", ""])
def test_a_day_that_is_none_leads_back_to_the_month(place, day):
    assert place.browser("staff.upper").get(f"{CLOSING}day/?day={day}").status_code == 302
