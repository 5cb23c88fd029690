"""Usual meals, pauses, orders until the set hour, and what the kitchen counts."""
from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa

from core.api import ConfirmationNeeded, LifeState, ValidationError
from plugins.canteen.models import Diner, MealKind, Way
from plugins.canteen.orders.kitchen import count_meals, late_changes, notes_of
from plugins.canteen.orders.models import LateChange, MealOrder, Pause
from plugins.canteen.orders.services import (
    PauseValues,
    closing_of,
    count_day,
    save_pause,
    save_usual,
    set_order,
    usual_of,
)
from tests.plugins.canteen_orders import TODAY, TOMORROW, at_work, closes, diner_id, expected, regular
from tests.plugins.canteen_people import add_diner, find, kind_id

NOON = datetime(2026, 11, 23, 3, 42, tzinfo=UTC)  # Monday 11:42 in Beijing
AFTER = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # 16:00, when orders for Tuesday close
PLANS, PAUSES, COUNT = "/upper/canteen/plans/", "/upper/canteen/pauses/", "/upper/canteen/count/"


def order(session: Any, diner: int, day: date, way: Way | None, at: datetime = NOON, kind: str = "午餐", **values: Any):
    meal = session.scalars(sa.select(MealKind).where(MealKind.name == kind)).one()
    return set_order(session, session.get_one(Diner, diner), meal, day, way, by="王敏", at=at, **values)


def pause(session: Any, diner: int, start: date, end: date | None, at: datetime = NOON, orders_too: bool = False):
    made = Pause()
    save_pause(session, made, PauseValues(session.get_one(Diner, diner), start, end, "住院"), "王敏", at,
               orders_too=orders_too)
    return made


# -- who is expected ------------------------------------------------------------------------------


def test_usual_meals_orders_and_pauses_go_together(place):
    """An order beats the usual meal of that day; a pause takes out what is usual, on its first and last day too."""
    number, other = regular(place, "王秀英", days=(1, 2, 3)), regular(place, "李桂芳", kind="早餐")
    with at_work(place) as session:
        order(session, number, TOMORROW, Way.DINE_IN)
        order(session, number, TOMORROW, Way.TAKE_AWAY, kind="晚餐")
        order(session, number, date(2026, 11, 25), None)
        pause(session, other, date(2026, 11, 25), date(2026, 11, 26))
        pause(session, other, date(2026, 12, 1), None)
    days = {day: expected(place, date(2026, 11, day)) for day in range(23, 31)}
    assert days[24] == [("李桂芳", "早餐", "delivery", False), ("王秀英", "午餐", "dine_in", True),
                        ("王秀英", "晚餐", "take_away", True)]
    assert [[name for name, *_rest in days[day]] for day in (23, 25, 26, 27, 30)] == [
        ["李桂芳"], [], ["王秀英"], ["李桂芳"], ["李桂芳"]]
    assert [name for day in (date(2026, 12, 1), date(2027, 6, 1)) for name, *_rest in expected(place, day)] == [
        "王秀英", "王秀英"]
    with at_work(place) as session:
        session.get_one(MealKind, kind_id(place, "早餐")).deleted_at = NOON
    assert expected(place, TODAY) == []  # what is no longer served is not cooked


def test_an_order_and_a_pause_ask_for_each_other(place):
    number, other = regular(place, "王秀英"), regular(place, "李桂芳")
    with at_work(place) as session:
        pause(session, number, TOMORROW, None)
        with pytest.raises(ConfirmationNeeded) as asked:
            order(session, number, TOMORROW, Way.DINE_IN)
        assert asked.value.question == "paused"
        order(session, number, TOMORROW, Way.DINE_IN, confirmed=("paused",))
        order(session, other, TOMORROW, Way.DINE_IN)
        with pytest.raises(ValidationError) as refused:
            pause(session, other, TODAY, None)
        assert refused.value.field == "orders_too" and "11-24 午餐" in str(refused.value)
        pause(session, other, TODAY, None, orders_too=True)
    assert expected(place, TOMORROW) == [("王秀英", "午餐", "dine_in", True)]


def test_whoever_is_gone_falls_out_at_once(place):
    gone = {state: regular(place, name) for name, state in (
        ("王秀英", LifeState.DECEASED), ("李桂芳", LifeState.MOVED), ("赵春生", "resident"), ("钱建国", "diner"))}
    with at_work(place) as session:
        for state, number in gone.items():
            order(session, number, TOMORROW, Way.DINE_IN)
            diner = session.get_one(Diner, number)
            if isinstance(state, LifeState):
                diner.resident.state, diner.resident.state_on = state, TODAY
            else:
                (diner if state == "diner" else diner.resident).deleted_at = NOON
    assert expected(place, TOMORROW) == expected(place, TODAY) == []
    for number in gone.values():
        with at_work(place) as session, pytest.raises(ValidationError):
            order(session, number, date(2026, 11, 25), Way.DINE_IN)


def test_a_diner_with_usual_meals_goes_to_the_bin_and_comes_back(place):
    number, manager = regular(place, "王秀英"), place.browser("manager.upper")
    assert manager.post(f"/upper/canteen/diners/delete/?id={number}").status_code == 302
    assert expected(place, TOMORROW) == []
    manager.post(f"/upper/canteen/diners/restore/?id={number}")
    assert len(expected(place, TOMORROW)) == 1


# -- the set hour ---------------------------------------------------------------------------------


def test_orders_are_taken_until_the_communitys_hour_and_the_kitchen_looks_at_the_next_day_from_it_on(place):
    number, here = regular(place, "王秀英"), place.ids["upper"]
    second = timedelta(seconds=1)
    with at_work(place) as session:
        order(session, number, TOMORROW, Way.DINE_IN, at=AFTER - second)
        with pytest.raises(ValidationError) as refused:
            order(session, number, TOMORROW, None, at=AFTER)
        assert "2026-11-23 16:00" in str(refused.value)
        order(session, number, TOMORROW + timedelta(days=1), None, at=AFTER)
        assert [count_day(session, here, at) for at in (AFTER - second, AFTER)] == [TODAY, TOMORROW]
    closes(place, "09:30", "same_day")
    with at_work(place) as session:
        assert f"{closing_of(session, here, TOMORROW):%Y-%m-%d %H:%M}" == "2026-11-24 09:30"
        order(session, number, TOMORROW, None, at=AFTER)
        assert [count_day(session, here, at) for at in (AFTER - timedelta(hours=9), AFTER)] == [TODAY, TODAY]


def test_a_managers_exception_wants_a_reason_and_stands_apart(place):
    number = regular(place, "王秀英")
    with at_work(place) as session:
        for answers in ({}, {"confirmed": ("late",)}, {"confirmed": ("late",), "reason": " "}):
            with pytest.raises(ConfirmationNeeded) as asked:
                order(session, number, TOMORROW, None, at=AFTER, may_except=True, **answers)
            assert asked.value.question == "late"
        order(session, number, TOMORROW, None, at=AFTER, may_except=True, confirmed=("late",), reason="住院")
        [late] = late_changes(session, TOMORROW, AFTER)
        assert (late.name, late.kind, late.reason) == ("王秀英", "午餐", "住院")
        change = session.scalars(sa.select(LateChange)).one()
        assert (change.before, change.after) == (Way.DELIVERY, None)


def test_what_is_over_or_far_away_is_refused_and_what_stands_already_changes_nothing(place):
    number = regular(place, "王秀英", days=())
    over = datetime(2026, 11, 23, 5, 1, tzinfo=UTC)  # lunch ends at 13:00
    with at_work(place) as session:
        for day, at in ((TODAY - timedelta(days=1), NOON), (TODAY + timedelta(days=93), NOON), (TODAY, over)):
            with pytest.raises(ValidationError):
                order(session, number, day, Way.DINE_IN, at=at, may_except=True, confirmed=("late",), reason="特批")
        first = order(session, number, TOMORROW, Way.DINE_IN)
        assert order(session, number, TOMORROW, Way.DINE_IN) is first
        with pytest.raises(ValidationError):
            order(session, number, TOMORROW + timedelta(days=1), None)  # there is nothing to call off
        assert session.scalar(sa.select(sa.func.count()).select_from(MealOrder)) == 1


def test_a_change_of_the_week_holds_from_the_first_open_day_and_overwrites_nobodys(place):
    number = regular(place, "王秀英", days=range(7), way=Way.DINE_IN)
    lunch = kind_id(place, "午餐")
    with at_work(place) as session:
        diner = session.get_one(Diner, number)
        seen = usual_of(session, diner)
        grid = {(1, lunch): Way.DELIVERY, (2, lunch): Way.DELIVERY}
        assert save_usual(session, diner, grid, seen, AFTER) == date(2026, 11, 25)
        assert usual_of(session, diner) == grid
        assert save_usual(session, diner, grid, seen, AFTER) == date(2026, 11, 25)  # sent twice
        with pytest.raises(ValidationError):
            save_usual(session, diner, {(3, lunch): Way.DINE_IN}, seen, NOON)
        assert usual_of(session, diner) == grid
    ways = [[way for _n, _k, way, _o in expected(place, TODAY + timedelta(days=n))] for n in (0, 1, 2, 3, 8)]
    assert ways == [["dine_in"], ["dine_in"], ["delivery"], [], ["delivery"]]


# -- pauses ---------------------------------------------------------------------------------------


def test_pauses_end_after_they_begin_and_do_not_overlap(place):
    number = regular(place, "王秀英")
    with at_work(place) as session:
        pause(session, number, date(2026, 12, 1), date(2026, 12, 5))
        for start, end, field in (
            (date(2026, 11, 25), date(2026, 11, 24), "ends_on"), (date(2026, 12, 5), None, "starts_on"),
            (date(2026, 11, 20), date(2026, 12, 1), "starts_on"),
        ):
            with pytest.raises(ValidationError) as refused:
                pause(session, number, start, end)
            assert refused.value.field == field


def test_pauses_and_deaths_after_the_hour_stand_apart(place):
    ill, back, dead = regular(place, "王秀英"), regular(place, "李桂芳"), regular(place, "赵春生")
    with at_work(place) as session:
        gone = pause(session, back, date(2026, 11, 24), None).id
    with at_work(place) as session:
        pause(session, ill, TODAY, None, at=AFTER)
        gone = session.get_one(Pause, gone)
        gone.deleted_at, gone.deleted_by = AFTER + timedelta(minutes=5), "王敏"
        person = session.get_one(Diner, dead).resident
        person.state, person.state_on = LifeState.DECEASED, TODAY
    with at_work(place) as session:
        assert [c.day for c in session.scalars(sa.select(LateChange).order_by(LateChange.day))] == [TODAY, TOMORROW]
        assert [(late.name, late.kind) for late in late_changes(session, TOMORROW, AFTER)] == [
            ("王秀英", "午餐"), ("李桂芳", "午餐"), ("赵春生", "午餐")]


def test_the_form_of_a_pause_asks_for_the_orders_in_it(place):
    number, staff = regular(place, "王秀英"), place.browser("staff.upper")
    with at_work(place) as session:
        order(session, number, TOMORROW, Way.DINE_IN)
    url = f"{PAUSES}new/?diner={number}"
    values = {"once": staff.form(url)["once"], "diner": str(number), "starts_on": "2026-11-24", "reason": "住院"}
    asked = staff.post(f"{PAUSES}new/", values)
    assert asked.status_code == 422 and 'name="orders_too"' in asked.get_data(as_text=True)
    assert staff.post(f"{PAUSES}new/", {**values, "orders_too": "y"}).status_code == 302
    assert expected(place, TOMORROW) == []


# -- the page of a diner ----------------------------------------------------------------------------


def test_the_week_is_ticked_and_single_days_are_ordered_on_one_page(place):
    number, staff = diner_id(place, add_diner(place, "王秀英")), place.browser("staff.upper")
    lunch, page = kind_id(place, "午餐"), staff.get(f"{PLANS}of/?id={number}").get_data(as_text=True)
    assert len(re.findall(r'name="meal-\d-\d+"', page)) == 21
    ticks = {f"meal-1-{lunch}": "1", f"way-1-{lunch}": "delivery", f"meal-4-{lunch}": "1", f"way-4-{lunch}": "dine_in",
             f"way-5-{lunch}": "delivery", "seen": ""}
    for _click in range(2):
        assert staff.post(f"{PLANS}save/?id={number}", ticks).status_code == 302
    assert [[e[2] for e in expected(place, date(2026, 11, day))] for day in (24, 25, 27, 28)] == [
        ["delivery"], [], ["dine_in"], []]
    assert "王秀英" in staff.get(PLANS).get_data(as_text=True)
    assert "王秀英" in staff.get(PLANS, query_string={"q": "wxy"}).get_data(as_text=True)
    url, meal = f"{PLANS}order/?id={number}", f"2026-11-24 {lunch}"
    staff.post(url, {"meal": f"{meal} cancel"})
    assert expected(place, TOMORROW) == []
    for _click in range(2):
        staff.post(url, {"meal": f"{meal} order", "way": "take_away"})
    for wrong in ("", "2026-11-24", "x 1 order", f"{meal} eat", "2026-02-30 1 order", "2026-11-24 999 order"):
        assert staff.post(url, {"meal": wrong}).status_code == 302
    assert expected(place, TOMORROW) == [("王秀英", "午餐", "take_away", True)]


def test_after_the_hour_staff_are_refused_and_a_manager_is_asked_each_question_in_turn(place):
    number = regular(place, "王秀英")
    with at_work(place) as session:
        pause(session, number, TODAY, None)
    place.clock.moment = AFTER
    url, values = f"{PLANS}order/?id={number}", {"meal": f"2026-11-24 {kind_id(place, '午餐')} order", "way": "dine_in",
                                                 "confirmed": "paused"}
    staff, manager = place.browser("staff.upper"), place.browser("manager.upper")
    staff.post(url, {**values, "confirmed": ["paused", "late"], "reason": "我也要改"})
    assert expected(place, TOMORROW) == [] and "16:00" in staff.get(PLANS).get_data(as_text=True)
    assert 'value="paused"' in manager.post(url, {**values, "confirmed": ""}).get_data(as_text=True)
    asked = manager.post(url, values).get_data(as_text=True)
    assert all(part in asked for part in ('name="reason"', 'value="paused"', 'value="late"'))
    assert expected(place, TOMORROW) == []
    manager.post(url, {**values, "confirmed": ["paused", "late"], "reason": "独居，家里没有吃的"})
    assert expected(place, TOMORROW) == [("王秀英", "午餐", "dine_in", True)]
    page = manager.get(COUNT).get_data(as_text=True)
    assert 'value="2026-11-24"' in page and "独居，家里没有吃的" in page


def test_who_sees_no_names_or_works_elsewhere_finds_no_plans(place):
    number = regular(place, "王秀英")
    assert place.browser("auditor").get(PLANS).status_code == 403
    assert place.browser("manager.lower").get(f"/lower/canteen/plans/of/?id={number}").status_code == 404


# -- the kitchen ------------------------------------------------------------------------------------


def test_notes_are_counted_one_by_one(place):
    with place.app.test_request_context():
        for allergy, note, found in (
            ("花生、海鲜过敏", "少糖，低盐", ["花生过敏", "海鲜过敏", "少糖", "低盐"]), ("花生", None, ["花生过敏"]),
            ("无", "无", []), (None, "糖尿病 少糖", ["糖尿病", "少糖"]), ("花生；花生过敏", "", ["花生过敏"]),
        ):
            assert [text for _a, text in notes_of(Diner(allergy=allergy, diet_note=note))] == found


def test_the_kitchen_counts_by_kind_way_and_note_with_names_for_those_who_see_them(place):
    for name, way, allergy, note in (("王秀英", Way.DELIVERY, "花生", "少糖"), ("李桂芳", Way.DINE_IN, None, "少糖"),
                                     ("赵春生", Way.DINE_IN, None, "低盐、少糖")):
        regular(place, name, way=way, allergy=allergy, diet_note=note)
    with at_work(place) as session:
        counts = {c.kind.name: c for c in count_meals(session, TOMORROW)}
    lunch = counts["午餐"]
    assert (lunch.ways[Way.DINE_IN], lunch.ways[Way.TAKE_AWAY], lunch.ways[Way.DELIVERY], lunch.total) == (2, 0, 1, 3)
    assert [(n.text, len(n.names)) for n in lunch.notes] == [("花生过敏", 1), ("少糖", 3), ("低盐", 1)]
    assert counts["晚餐"].total == 0
    asked, staff = {"day": "2026-11-24"}, place.browser("staff.upper")
    for url in (COUNT, f"{COUNT}print/"):
        assert "王秀英" in staff.get(url, query_string=asked).get_data(as_text=True)
    page = place.browser("auditor").get(COUNT, query_string=asked).get_data(as_text=True)
    assert "花生过敏 1" in page and "王秀英" not in page
    answer = staff.post(f"{COUNT}excel/?day=2026-11-24")
    rows = [[cell.value for cell in row] for row in openpyxl.load_workbook(io.BytesIO(answer.get_data())).active]
    assert ["午餐", "花生过敏", 1, "王秀英", None] in rows and "少糖" in str(rows)
    assert ["午餐", "堂食", 2, None, None] in rows


def test_the_counter_tells_who_has_ordered(place):
    regular(place, "王秀英", way=Way.TAKE_AWAY)
    add_diner(place, "王春生")
    answer = find(place.browser("staff.upper"), "王", kind=kind_id(place, "午餐"))
    parts = dict(zip(answer["names"], answer["html"].split("<form")[1:], strict=True))
    assert {name: "tag ok" in part for name, part in parts.items()} == {"王秀英": True, "王春生": False}
