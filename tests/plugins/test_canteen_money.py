"""The canteen's money after the fact: late meals of settled months, their reversals, and ways out of refusals."""
from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa

from core.api import LifeState, Resident, save_settings
from plugins.canteen.ledger.books import reverse_meal
from plugins.canteen.ledger.closing import open_days
from plugins.canteen.ledger.days import late_among
from plugins.canteen.ledger.models import Entry, Tally
from plugins.canteen.settlement.lines import first_of
from plugins.canteen.settlement.models import Settlement, SettlementState
from tests.plugins.canteen_people import BY_SCRIPT, COUNTER, add_diner, add_resident, kind_id, meals, once, record
from tests.plugins.canteen_rules import keep
from tests.plugins.test_canteen_books import MEALS, close, eaten
from tests.plugins.test_canteen_ledger import CLOSING, TALLIES, diner_with, entries, takes_money
from tests.plugins.test_canteen_subsidies import counting

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


@pytest.mark.parametrize(("day", "refused"), [("2026-11-09", False), ("2026-11-10", True), ("2026-11-23", True)])
def test_what_somebody_ate_before_dying_is_entered_from_the_paper_list(place, day, refused):
    number = add_diner(place, "张秀英", state=LifeState.DECEASED, state_on=date(2026, 11, 10))
    browser = place.browser("staff.upper")
    back = {"back": "1", "day": day, "back_reason": "纸质名单", "kind": kind_id(place, "午餐")}
    found = browser.get(f"{COUNTER}find/", query_string={"q": "zxy", **back}, headers=BY_SCRIPT).get_json()["html"]
    assert ("data-why" in found) is refused
    assert (record(browser, resident=number, **back).status_code == 422) is refused


@pages
def test_who_moved_later_is_not_asked_about(place):
    number = add_diner(place, "张秀英", state=LifeState.MOVED, state_on=date(2026, 11, 10))
    browser, kind = place.browser("staff.upper"), kind_id(place, "午餐")
    answers = [record(browser, resident=number, back="1", day=day, back_reason="纸质名单", kind=kind).status_code
               for day in ("2026-11-10", "2026-11-09")]
    assert answers == [409, 200]


@pages
def test_a_sitting_before_the_opening_is_not_counted_and_one_of_long_ago_asked_about(place):
    with place.app.app_context(), place.session("upper", writes=True) as session:
        save_settings(session, place.ids["upper"], "canteen", {"opened_on": "2026-09-01"})
    browser = place.browser("staff.upper")
    form = {"kind": kind_id(place, "午餐"), "mode": "added", "source": "paper", "way": "dine_in", "number": "３０"}
    before = browser.post(f"{TALLIES}new/", {**form, "day": "2026-08-31", "once": once()})
    assert before.status_code == 422 and "2026-09-01" in before.get_data(as_text=True)
    asked = browser.post(f"{TALLIES}new/", {**form, "day": "2026-09-02", "once": once()})
    assert asked.status_code == 200 and 'value="old"' in asked.get_data(as_text=True)
    assert browser.post(f"{TALLIES}new/", {**form, "day": "2026-09-02", "once": once(), "confirmed": "old"}
                        ).status_code == 302
    with place.app.app_context(), place.session("upper") as session:
        assert session.scalars(sa.select(Tally.unnamed)).all() == [30]


@pages
def test_an_amount_is_read_as_it_is_typed_or_refused(place):
    takes_money(place)
    _resident, diner = diner_with(place, "张秀英", "0")
    browser = place.browser("staff.upper")

    def pay_in(typed):
        form = {"amount": typed, "method": "cash", "once": once()}
        return browser.post(f"/upper/canteen/account/pay-in/?id={diner}", form).status_code

    refused = ["", ".", "0", "-5", "1.005", "10000.01", "1e3", "1_000", "NaN", "Infinity", "12元", "９" * 30]
    assert {typed: pay_in(typed) for typed in refused} == dict.fromkeys(refused, 422)
    assert [pay_in(typed) for typed in ("１２．５０", "12。5", "１，２００", " 8 ")] == [302] * 4
    assert [row[2] for row in entries(place)] == [Decimal(amount) for amount in ("12.50", "12.50", "1200", "8")]


@pages
def test_the_second_click_of_an_undo_finds_it_done(place):
    takes_money(place)
    resident, _diner = diner_with(place, "张秀英", "20")
    browser = place.browser("staff.upper")
    record(browser, resident=resident, kind=kind_id(place, "午餐"))
    meal = {"meal": meals(place)[0]["id"]}
    first, second = (browser.post(f"{COUNTER}undo/", meal, headers=BY_SCRIPT) for _click in range(2))
    assert first.status_code == second.status_code == 200
    assert first.get_json()["done"] == second.get_json()["done"]
    assert sum(row[3] for row in entries(place)) == 20 and len(entries(place)) == 3


def test_the_counter_says_what_each_will_pay_before_it_is_recorded(place):
    """For those found, in two statements more at most; and that is what is recorded."""
    numbers = {name: add(place, name) for name, add in
               (("张秀英", add_resident), ("张秀兰", add_diner), ("张秀珍", add_diner))}
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        keep(session, name="每月一餐", amount="3", meals_a_month=1, age_from=70)
        session.get_one(Resident, numbers["张秀珍"]).birth_date = date(1960, 1, 1)
    browser, kind = place.browser("staff.upper"), kind_id(place, "午餐")
    record(browser, resident=numbers["张秀兰"], kind=kind, back="1", day="2026-11-20", back_reason="纸质名单")
    html = browser.get(f"{COUNTER}find/?q=zhangxiu&kind={kind}", headers=BY_SCRIPT).get_json()["html"]
    said = dict(re.findall(r'data-who="(.*?)".*?class="pays">\D*([\d.]+)', html, re.DOTALL))
    assert said == {"张秀英": "12.00", "张秀兰": "15.00", "张秀珍": "15.00"}
    for number in numbers.values():
        assert record(browser, resident=number, kind=kind).status_code == 200
    assert {m["name"]: f"{m['paid']:.2f}" for m in meals(place) if m["day"] == date(2026, 11, 23)} == said
    html = browser.get(f"{COUNTER}find/?q=zhangxiu&kind={kind}", headers=BY_SCRIPT).get_json()["html"]
    assert "pays" not in html  # they have eaten


def test_recording_a_meal_reads_the_settings_once(place):
    takes_money(place, seats=40)
    add_diner(place, "张秀英")
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        with counting(session) as statements:
            eaten(session, date(2026, 11, 23))
        assert sum("plugin_settings" in statement for statement in statements) == 1


@pages
def test_amounts_of_an_exported_list_are_numbers_also_below_zero(place):
    takes_money(place)
    resident, _diner = diner_with(place, "张秀英", "20")
    browser = place.browser("staff.upper")
    record(browser, resident=resident, kind=kind_id(place, "午餐"))
    browser.post(f"{COUNTER}undo/", {"meal": meals(place)[0]["id"]}, headers=BY_SCRIPT)
    sheet = openpyxl.load_workbook(io.BytesIO(browser.post("/upper/canteen/entries/export/xlsx/").data)).active
    _title, heads, *rows = sheet.iter_rows(values_only=True)
    at = heads.index("金额")
    assert [row[at] for row in rows] == [-15, 15, 20] and rows[0][0] == "2026-000003"
    text = browser.post("/upper/canteen/entries/export/csv/").get_data(as_text=True)
    assert ",-15.00," in text


def test_what_another_community_closed_or_settled_is_open_here(place):
    with place.app.test_request_context(), place.session("lower", writes=True) as session:
        close(session, MONDAY)
        settle(session, TUESDAY.replace(month=9), SettlementState.PAID)
        assert late_among(session, [MONDAY, TUESDAY, TUESDAY.replace(month=9)]) == {MONDAY, TUESDAY.replace(month=9)}
    with place.app.test_request_context(), place.session("upper") as session:
        assert late_among(session, [MONDAY, TUESDAY, TUESDAY.replace(month=9)]) == set()
