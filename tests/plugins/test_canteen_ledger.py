"""Prepaid accounts, takings, closing a day, tallies, seats: through the pages, by several at once."""
from __future__ import annotations

import re
import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from core.api import ConfirmationNeeded, ValidationError, save_settings
from plugins.canteen.ledger.books import named_meals, reverse_meal, void_meal
from plugins.canteen.ledger.closing import close_day, day_sums, open_days
from plugins.canteen.ledger.models import Account, ClosedDay, Entry, EntryKind, Method, Tally, TallyMode, TallySource
from plugins.canteen.ledger.takings import Clerk, balance_of, refund, reverse_entry, taken, top_up
from plugins.canteen.ledger.tallies import add_tally, void_tally
from plugins.canteen.models import Diner, Meal, Source, Way
from plugins.canteen.services import kinds_of, record_meal
from tests.plugins.canteen_people import BY_SCRIPT, COUNTER, add_diner, kind_id, meals, once

TODAY, FRIDAY = date(2026, 11, 23), date(2026, 11, 20)
NOON = datetime(2026, 11, 23, 3, 42, tzinfo=UTC)  # Monday 11:42 in Beijing
CLERK = Clerk("王敏", NOON, "staff.upper")
NOTHING = {Method.CASH: Decimal(0), Method.CODE: Decimal(0)}
CLOSING, TALLIES = "/upper/canteen/closing/", "/upper/canteen/tallies/"


def takes_money(place: Any, **more: Any) -> None:
    """Turn it on in upper."""
    with place.app.app_context(), place.session("upper", writes=True) as session:
        save_settings(session, place.ids["upper"], "canteen", {"takes_money": True, "usual_method": "cash", **more})


def diner_with(place: Any, name: str, balance: str) -> tuple[int, int]:
    """(resident, diner) with an account."""
    number = add_diner(place, name)
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        diner = session.scalars(sa.select(Diner).where(Diner.resident_id == number)).one()
        if Decimal(balance):
            top_up(session, diner, Decimal(balance), Method.CASH, CLERK)
        return number, diner.id


def record(browser: Any, **values: Any) -> Any:
    """Ask the counter to record a meal."""
    return browser.post(f"{COUNTER}record/", {"once": once(), **values}, headers=BY_SCRIPT)


def entries(place: Any) -> list[tuple[str, str, Decimal, Decimal]]:
    """(kind, method, amount, change of the balance) of all entries."""
    with place.app.app_context(), place.session("upper") as session:
        return [(e.kind.value, e.method.value, e.amount, e.balance_change)
                for e in session.scalars(sa.select(Entry).order_by(Entry.id))]


def at_once(*works: Any) -> None:
    """Run them all in threads that start together."""
    start = threading.Barrier(len(works))

    def run(work: Any) -> None:
        start.wait()
        work()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def lunch(session: Any, day: date = TODAY, diner: Diner | None = None, **more: Any) -> Meal:
    """A guest's or a diner's lunch."""
    source = Source.COUNTER if day == TODAY else Source.BACK_ENTRY
    return record_meal(session, diner, day, kinds_of(session)[1], Way.DINE_IN, "王敏", NOON, source=source,
                       reason="停电", **more)


# -- money --------------------------------------------------------------------------------------------


def test_where_no_money_is_taken_nothing_changes(place):
    number, browser = add_diner(place, "张秀英"), place.browser("staff.upper")
    assert "data-pay" not in browser.get(COUNTER).get_data(as_text=True)
    assert record(browser, resident=number, kind=kind_id(place, "午餐"), pay="cash").status_code == 200
    assert entries(place) == [] and len(meals(place)) == 1


def test_the_balance_pays_while_it_suffices_then_the_usual_way(place):
    takes_money(place)
    number, _diner = diner_with(place, "张秀英", "20")
    browser = place.browser("staff.upper")
    found = browser.get(f"{COUNTER}find/?q=zxy", headers=BY_SCRIPT).get_json()["html"]
    assert "20.00" in found
    assert "5.00" in record(browser, resident=number, kind=kind_id(place, "午餐")).get_json()["done"]
    assert record(browser, resident=number, kind=kind_id(place, "晚餐"), confirmed="hours").status_code == 200
    assert record(browser, guest="1", kind=kind_id(place, "午餐"), pay="code").status_code == 200
    assert entries(place)[1:] == [("meal", "account", Decimal(15), Decimal(-15)), ("meal", "cash", Decimal(12), 0),
                                  ("meal", "code", Decimal(15), 0)]


def test_a_balance_that_does_not_suffice_is_told_and_nothing_recorded(place):
    takes_money(place)
    number, _diner = diner_with(place, "张秀英", "9.99")
    refused = record(place.browser("staff.upper"), resident=number, kind=kind_id(place, "午餐"), pay="account")
    assert refused.status_code == 422 and "9.99" in refused.get_json()["refused"]
    assert meals(place) == []


@pytest.mark.parametrize(("balance", "pay"), [("15", ""), ("0", ""), ("0", "code")])
def test_undoing_gives_the_money_back_the_way_it_came(place, balance, pay):
    takes_money(place)
    number, diner = diner_with(place, "张秀英", balance)
    browser = place.browser("staff.upper")
    record(browser, resident=number, kind=kind_id(place, "午餐"), pay=pay)
    browser.post(f"{COUNTER}undo/", {"meal": meals(place)[0]["id"]}, headers=BY_SCRIPT)
    (_k, method, amount, change), back = entries(place)[-2:]
    assert back == ("reversal", method, -amount, -change)
    with place.app.app_context(), place.session("upper") as session:
        assert balance_of(session, diner) == Decimal(balance)
        assert taken(session, TODAY)[Method.CODE] == 0


def test_voiding_and_reversing_in_the_list_give_it_back_too(place):
    takes_money(place)
    number, diner = diner_with(place, "张秀英", "100")
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        person = session.get_one(Diner, diner)
        today, friday = lunch(session, TODAY, person), lunch(session, FRIDAY, person)
        assert balance_of(session, diner) == Decimal(70)
        void_meal(session, today, "staff.upper", "记错了", CLERK)
        close_day(session, place.ids["upper"], day_sums(session, FRIDAY), NOTHING, "", CLERK)
        reverse_meal(session, friday, "记错了", "王敏", NOON)
        assert balance_of(session, diner) == Decimal(100)
        last = session.scalars(sa.select(Entry).order_by(Entry.id.desc())).first()
        assert (last.kind, last.day) == (EntryKind.REVERSAL, TODAY)  # Friday's drawer is counted


def test_two_counters_never_spend_a_balance_twice(place):
    takes_money(place)
    number, diner = diner_with(place, "张秀英", "20")
    browsers = [place.browser("staff.upper"), place.browser("manager.upper")]
    kinds, answers = [kind_id(place, "午餐"), kind_id(place, "晚餐")], []

    def send(browser, token, kind):
        return lambda: answers.append(browser.client.post(f"{COUNTER}record/", data={
            "resident": number, "kind": kind, "pay": "account", "confirmed": "hours", "once": once(),
            "csrf_token": token}, headers=BY_SCRIPT).status_code)

    at_once(*(send(b, b.token(), k) for b, k in zip(browsers, kinds, strict=True)))
    assert sorted(answers) == [200, 422]
    with place.app.app_context(), place.session("upper") as session:
        assert balance_of(session, diner) in (Decimal(5), Decimal(8))


def test_receipts_have_no_gaps_and_balances_are_the_sums_under_many_hands(place):
    takes_money(place)
    diners = [diner_with(place, name, "30")[1] for name in ("张秀英", "王桂芝")]

    def clerk(seed: int) -> Any:
        def work() -> None:
            chance = Random(seed)
            for _turn in range(6):
                with place.app.test_request_context():
                    try:
                        with place.session("upper", writes=True) as session:
                            diner = session.get_one(Diner, chance.choice(diners))
                            if chance.random() < 0.5:
                                top_up(session, diner, Decimal(chance.randint(1, 900)) / 100, Method.CODE, CLERK)
                            else:
                                refund(session, diner, Decimal(chance.randint(1, 3000)) / 100, Method.CASH, "不吃了",
                                       CLERK)
                            if chance.random() < 0.2:
                                raise ValidationError("changed one's mind")
                    except ValidationError:
                        pass
        return work

    at_once(*(clerk(seed) for seed in range(4)))
    with place.app.app_context(), place.session("upper") as session:
        numbers = list(session.scalars(sa.select(Entry.number).order_by(Entry.number)))
        assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) > 2
        for account in session.scalars(sa.select(Account)):
            total = session.scalar(sa.select(sa.func.sum(Entry.balance_change))
                                   .where(Entry.diner_id == account.diner_id))
            assert account.balance == total >= 0


def test_an_account_is_topped_up_refunded_and_corrected_on_its_pages(place):
    takes_money(place)
    _number, diner = diner_with(place, "张秀英", "0")
    browser, url, key = place.browser("staff.upper"), "/upper/canteen/account/", once()
    for _click in range(2):
        sent = browser.post(f"{url}pay-in/?id={diner}", {"amount": "１，２００．５０", "method": "code", "once": key})
        assert sent.status_code == 302
    assert "1,200.50" in browser.get(f"{url}?id={diner}").get_data(as_text=True)
    assert len(entries(place)) == 1
    for values in ({"amount": "1200.51", "reason": "搬家"}, {"amount": "0", "reason": "搬家"}, {"amount": "-5"},
                   {"amount": "1.005", "reason": "搬家"}, {"amount": "5", "reason": ""}, {"amount": "五元"},
                   {"amount": "5", "reason": "搬家", "method": "account"}):
        assert browser.post(f"{url}pay-out/?id={diner}", {"method": "cash", "once": once(), **values}
                            ).status_code == 422
    assert browser.post(f"{url}pay-out/?id={diner}", {"amount": "200.5", "method": "cash", "reason": "搬家",
                                                      "once": once()}).status_code == 302
    with place.app.app_context(), place.session("upper") as session:
        first, second = session.scalars(sa.select(Entry.id).order_by(Entry.id))
    assert "2026-000001" in browser.get(f"/upper/canteen/entries/receipt/?id={first}").get_data(as_text=True)
    browser.post(f"/upper/canteen/entries/reverse/?id={first}", {"reason": "输错了"})
    assert len(entries(place)) == 2  # 1,000 are left: the 1,200.50 cannot go back
    for _click in range(2):
        browser.post(f"/upper/canteen/entries/reverse/?id={second}", {"reason": "输错了"})
    browser.post(f"/upper/canteen/entries/reverse/?id={first}", {"reason": "输错了"})
    assert [e[0] for e in entries(place)] == ["top_up", "refund", "reversal", "reversal"]
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        assert balance_of(session, diner) == 0
        for entry in session.scalars(sa.select(Entry)).all():
            with pytest.raises(ValidationError):
                reverse_entry(session, entry, "再来一次", CLERK)


def test_entries_are_filtered_and_exported_and_names_masked_for_those_who_see_none(place):
    takes_money(place)
    diner_with(place, "张秀英", "30")
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        lunch(session, method=Method.CODE)
    url = "/upper/canteen/entries/"
    keeper, auditor = place.browser("staff.upper"), place.browser("auditor")
    shown = keeper.get(f"{url}?kind=top_up&method=cash&recorded_by=王敏&day_from=2026-11-23").get_data(as_text=True)
    assert "2026-000001" in shown and "2026-000002" not in shown
    exported = keeper.post(f"{url}export/csv/?method=code").get_data().decode("utf-8-sig")
    assert "2026-000002" in exported and "15.00" in exported and "2026-000001" not in exported
    pages = [auditor.get(address).get_data(as_text=True) for address in (url, "/upper/canteen/accounts/")]
    with place.app.app_context(), place.session("upper") as session:
        entry, diner = session.execute(sa.select(Entry.id, Entry.diner_id).order_by(Entry.id)).first()
    pages += [auditor.get(f"{url}receipt/?id={entry}").get_data(as_text=True),
              auditor.get(f"/upper/canteen/account/?id={diner}").get_data(as_text=True)]
    assert all("张**" in page and "秀英" not in page for page in pages)
    for view in ("pay-in", "pay-out"):
        assert auditor.post(f"/upper/canteen/account/{view}/?id={diner}", {"amount": "1"}).status_code == 403
    assert auditor.post(f"{CLOSING}close/", {"day": "2026-11-23"}).status_code == 403


# -- closing a day ----------------------------------------------------------------------------------


def close(browser: Any, **values: Any) -> Any:
    """Fill in the closing form and answer the question."""
    asked = browser.post(f"{CLOSING}close/", {"once": once(), **values})
    if asked.status_code != 200:
        return asked
    sent = dict(re.findall(r'name="(\w+)" value="([^"]*)"', asked.get_data(as_text=True)))
    return browser.post(f"{CLOSING}close/", sent)


def test_a_day_is_closed_with_what_was_counted(place):
    takes_money(place)
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        lunch(session)
        lunch(session, method=Method.CODE)
    browser, day = place.browser("staff.upper"), TODAY.isoformat()
    page = browser.get(f"{CLOSING}day/?day={day}").get_data(as_text=True)
    assert "15.00" in page and "晚餐" in page  # dinner is still to come
    refused = browser.post(f"{CLOSING}close/", {"day": day, "cash": "14", "code": "15", "once": once()})
    assert refused.status_code == 422 and "-1.00" in refused.get_data(as_text=True)
    question = browser.post(f"{CLOSING}close/", {"day": day, "cash": "14", "code": "15", "note": "找零",
                                                   "once": once()})
    text = question.get_data(as_text=True)
    assert question.status_code == 200 and day in text and "-1.00" in text and "14.00" in text
    assert close(browser, day=day, cash="14", code="15", note="找零").status_code == 302
    with place.app.app_context(), place.session("upper") as session:
        closed = session.scalars(sa.select(ClosedDay)).one()
        assert (closed.named, closed.expected_cash, closed.counted_cash, closed.difference, closed.note) == (
            2, Decimal(15), Decimal(14), Decimal(-1), "找零")
    assert "-1.00" in browser.get(CLOSING).get_data(as_text=True)
    again = close(browser, day=day, cash="15", code="15")
    assert again.status_code == 422


def test_a_day_to_come_is_not_closed_nor_one_on_which_something_came_in_between(place):
    browser = place.browser("staff.upper")
    assert close(browser, day="2026-11-24").status_code == 422
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        sums = day_sums(session, FRIDAY)
        lunch(session, FRIDAY)
        with pytest.raises(ValidationError):
            close_day(session, place.ids["upper"], sums, NOTHING, "", CLERK)


def test_of_two_who_close_a_day_one_wins_and_the_other_is_told(place):
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        lunch(session, FRIDAY)
        seen = day_sums(session, FRIDAY).seen
    browsers, answers = [place.browser("staff.upper"), place.browser("manager.upper")], []

    def send(browser, token):
        return lambda: answers.append(browser.client.post(f"{CLOSING}close/", data={
            "day": FRIDAY.isoformat(), "seen": seen, "sure": "1", "once": once(), "csrf_token": token}))

    at_once(*(send(b, b.token()) for b in browsers))
    assert sorted(a.status_code for a in answers) == [302, 422]
    told = next(a.get_data(as_text=True) for a in answers if a.status_code == 422)
    assert "upper" in told
    with place.app.app_context(), place.session("upper") as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(ClosedDay)) == 1


def test_no_meal_slips_into_a_day_while_it_is_closed(place):
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        lunch(session, FRIDAY)

    def record_some() -> None:
        for _turn in range(6):
            with place.app.test_request_context(), place.session("upper", writes=True) as session:
                lunch(session, FRIDAY)

    def close_it() -> None:
        for _turn in range(60):
            try:
                with place.app.test_request_context(), place.session("upper", writes=True) as session:
                    close_day(session, place.ids["upper"], day_sums(session, FRIDAY), NOTHING, "", CLERK)
                return
            except ValidationError:
                continue

    at_once(record_some, record_some, close_it)
    with place.app.app_context(), place.session("upper") as session:
        closed = session.scalars(sa.select(ClosedDay)).one()
        booked = session.scalar(sa.select(sa.func.count()).select_from(Meal).where(Meal.booked_on == FRIDAY))
        assert closed.named == booked
        assert session.scalar(sa.select(sa.func.count()).select_from(Meal)) == 13


def test_what_is_taken_after_the_close_is_counted_the_next_day(place):
    takes_money(place)
    _number, diner = diner_with(place, "张秀英", "0")
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        close_day(session, place.ids["upper"], day_sums(session, TODAY), NOTHING, "", CLERK)
        assert top_up(session, session.get_one(Diner, diner), Decimal(10), Method.CASH, CLERK).day == \
            TODAY + timedelta(days=1)


def test_open_days_wait_on_the_workbench_and_idle_ones_are_closed_together(place):
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        lunch(session, FRIDAY)
        lunch(session, FRIDAY - timedelta(days=1))
        lunch(session)
        assert open_days(session, date(2026, 11, 1), TODAY - timedelta(days=1)) == [date(2026, 11, 19), FRIDAY]
    browser = place.browser("staff.upper")
    assert "2026-11-19" in browser.get("/upper/").get_data(as_text=True)
    offered = browser.get(f"{CLOSING}?month=2026-11").get_data(as_text=True)
    browser.post(f"{CLOSING}all/?month=2026-11")  # names no day
    with place.app.app_context(), place.session("upper") as session:
        assert list(session.scalars(sa.select(ClosedDay.day))) == []
    for _click in range(2):
        browser.post(unescape(re.search(r'formaction="([^"]+/all/[^"]*)"', offered)[1]))
    with place.app.app_context(), place.session("upper") as session:
        assert list(session.scalars(sa.select(ClosedDay.day).order_by(ClosedDay.day))) == [date(2026, 11, 19), FRIDAY]


# -- tallies and seats --------------------------------------------------------------------------------


def count(session: Any, number: int, mode: TallyMode = TallyMode.ADDED, day: date = FRIDAY, **more: Any) -> Tally:
    """A tally of lunch."""
    values = {"reason": "", "confirmed": (), **more}
    return add_tally(session, day, kinds_of(session)[1], mode, TallySource.TICKETS, Way.DINE_IN, number,
                     values["reason"], CLERK, values["confirmed"])


def test_a_sitting_is_counted_as_a_whole_or_in_addition_never_both(place):
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        lunch(session, FRIDAY)
        assert (count(session, 20).unnamed, count(session, 5).unnamed) == (20, 5)
        with pytest.raises(ValidationError):
            count(session, 30, TallyMode.WHOLE)
        whole = count(session, 30, TallyMode.WHOLE, TODAY)
        assert whole.unnamed == 30
        for mode in TallyMode:
            with pytest.raises(ValidationError):
                count(session, 3, mode, TODAY)
        void_tally(session, whole, "staff.upper", "数错了")
        assert count(session, 3, day=TODAY).unnamed == 3


@pytest.mark.parametrize(("number", "day"), [(0, FRIDAY), (-3, FRIDAY), (5001, FRIDAY), (3, date(2026, 11, 24))])
def test_an_impossible_number_or_day_is_refused(place, number, day):
    with (place.app.test_request_context(), place.session("upper", writes=True) as session,
          pytest.raises(ValidationError)):
        count(session, number, day=day)


def test_a_whole_smaller_than_the_named_meals_is_asked(place):
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        for _guest in range(3):
            lunch(session, FRIDAY)
        with pytest.raises(ConfirmationNeeded):
            count(session, 2, TallyMode.WHOLE)
        assert count(session, 2, TallyMode.WHOLE, confirmed=("fewer",)).unnamed == 0


def test_a_closed_day_takes_a_correction_with_a_reason(place):
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        tally = count(session, 20)
        close_day(session, place.ids["upper"], day_sums(session, FRIDAY), NOTHING, "", CLERK)
        with pytest.raises(ValidationError):
            count(session, 5)
        void_tally(session, tally, "staff.upper", "票根数错")
        count(session, 25, reason="票根数错")
        assert session.scalars(sa.select(ClosedDay)).one().unnamed == 20
        assert day_sums(session, FRIDAY).unnamed == 25


def test_numbers_are_entered_on_the_days_page_and_questions_answered_there(place):
    browser = place.browser("staff.upper")
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        lunch(session, FRIDAY)
        lunch(session, FRIDAY)
    values = {"day": FRIDAY.isoformat(), "kind": kind_id(place, "午餐"), "mode": "whole", "source": "paper",
              "way": "dine_in", "number": "１", "to": "day", "once": once()}
    asked = browser.post(f"{TALLIES}new/", values)
    assert asked.status_code == 200 and 'value="fewer"' in asked.get_data(as_text=True)
    for _click in range(2):
        assert browser.post(f"{TALLIES}new/", {**values, "confirmed": "fewer"}).status_code == 302
    with place.app.app_context(), place.session("upper") as session:
        tally = session.scalars(sa.select(Tally)).one()
    assert (tally.number, tally.unnamed) == (1, 0)
    assert browser.post(f"{TALLIES}void/?id={tally.id}", {"reason": "数错了"}).status_code == 302
    with place.app.app_context(), place.session("upper") as session:
        assert session.scalars(sa.select(Tally)).one().void_reason == "数错了"


def test_the_stored_unnamed_meals_are_true_after_anything(place):
    chance = Random(7)
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        tally, there = count(session, 6, TallyMode.WHOLE), []
        for _turn in range(40):
            what = chance.random()
            if what < 0.6 or not there:
                there.append(lunch(session, FRIDAY))
            else:
                meal = there.pop(chance.randrange(len(there)))
                if what < 0.8:
                    void_meal(session, meal, "staff.upper", "记错了", CLERK)
                else:
                    reverse_meal(session, meal, "记错了", "王敏", NOON)
            assert tally.unnamed == max(6 - len(there), 0)


def test_the_books_are_true_after_many_hands_at_once(place):
    takes_money(place)
    diners = [diner_with(place, name, "40")[1] for name in ("张秀英", "王桂芝")]
    days, broken = [FRIDAY - timedelta(days=1), FRIDAY, TODAY], []

    def do_something(session: Any, chance: Random) -> None:
        day, dice = chance.choice(days), chance.random()
        meal_ids = list(session.scalars(sa.select(Meal.id).where(*Meal.counts())))
        if dice < 0.5 or not meal_ids:
            lunch(session, day, session.get_one(Diner, chance.choice(diners)) if chance.random() < 0.4 else None)
        elif dice < 0.65:
            void_meal(session, session.get_one(Meal, chance.choice(meal_ids)), "staff.upper", "记错了", CLERK)
        elif dice < 0.8:
            reverse_meal(session, session.get_one(Meal, chance.choice(meal_ids)), "记错了", "王敏", NOON)
        elif dice < 0.93:
            count(session, chance.randint(1, 9), chance.choice(list(TallyMode)), day, reason="更正",
                  confirmed=("fewer",))
        else:
            sums = day_sums(session, day)
            close_day(session, place.ids["upper"], sums, sums.money, "", CLERK)

    def hand(seed: int) -> Any:
        def work() -> None:
            chance = Random(seed)
            for _turn in range(10):
                try:
                    with place.app.test_request_context(), place.session("upper", writes=True) as session:
                        do_something(session, chance)
                except ValidationError:
                    continue  # refused in words: closed, taken, counted already
                except sa.exc.SQLAlchemyError as error:
                    broken.append(error)
        return work

    at_once(*(hand(seed) for seed in range(4)))
    assert broken == []
    with place.app.app_context(), place.session("upper") as session:
        numbers = list(session.scalars(sa.select(Entry.number).order_by(Entry.number)))
        assert numbers == list(range(1, len(numbers) + 1))
        for account in session.scalars(sa.select(Account)):
            assert account.balance == session.scalar(
                sa.select(sa.func.sum(Entry.balance_change)).where(Entry.diner_id == account.diner_id)) >= 0
        for meal in session.scalars(sa.select(Meal).where(Meal.reverses_id.is_(None))):
            paid = session.scalar(sa.select(sa.func.sum(Entry.amount)).where(Entry.meal_id == meal.id))
            assert paid == (0 if meal.voided_at or meal.reversed_on else meal.self_pay)
        for tally in session.scalars(sa.select(Tally).where(Tally.mode == TallyMode.WHOLE)):
            assert tally.unnamed == max(tally.number - named_meals(session, tally.day, tally.kind_id), 0)
        for closed in session.scalars(sa.select(ClosedDay)):
            assert closed.expected_cash == taken(session, closed.day)[Method.CASH]


def test_more_meals_than_seats_times_sittings_are_asked_once(place):
    takes_money(place, takes_money=False, seats=2, sittings=2)
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        count(session, 2)
        lunch(session, FRIDAY)
        lunch(session, FRIDAY)
        with pytest.raises(ConfirmationNeeded) as question:
            lunch(session, FRIDAY)
        assert question.value.question == "seats"
        lunch(session, FRIDAY, confirmed=("seats",))
        lunch(session, FRIDAY)  # the limit was passed before
        with pytest.raises(ConfirmationNeeded):
            count(session, 5, TallyMode.WHOLE, TODAY)
        count(session, 4, TallyMode.WHOLE, TODAY)
        for _named in range(4):
            lunch(session, TODAY)  # they were counted
        with pytest.raises(ConfirmationNeeded):
            lunch(session, TODAY)
