"""Usual meals, pauses, orders until the set hour, and what the kitchen counts."""
from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa

from core.api import ConfirmationNeeded, LifeState, ValidationError, today
from plugins.canteen.models import Diner, MealKind, Way
from plugins.canteen.orders.kitchen import count_meals, late_changes, notes_of
from plugins.canteen.orders.models import LateChange, MealOrder, Pause, UsualMeal
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
from tests.plugins.canteen_people import COUNTER, add_diner, find, kind_id

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


def test_usual_meals_are_expected_on_their_weekdays_alone(place):
    regular(place, "王秀英", days=(1, 3))
    assert expected(place, TOMORROW) == [("王秀英", "午餐", "delivery", False)]
    assert expected(place, TODAY) == expected(place, date(2026, 11, 28)) == []


def test_an_order_beats_the_usual_meal_and_calling_off_takes_it_out(place):
    number = regular(place, "王秀英")
    with at_work(place) as session:
        order(session, number, TOMORROW, Way.DINE_IN)
        order(session, number, TOMORROW + timedelta(days=1), None)
        order(session, number, TOMORROW, Way.TAKE_AWAY, kind="晚餐")
    assert expected(place, TOMORROW) == [("王秀英", "午餐", "dine_in", True), ("王秀英", "晚餐", "take_away", True)]
    assert expected(place, TOMORROW + timedelta(days=1)) == []


def test_a_pause_beats_what_is_usual_from_its_first_to_its_last_day(place):
    number = regular(place, "王秀英")
    with at_work(place) as session:
        pause(session, number, date(2026, 11, 25), date(2026, 11, 26))
        pause(session, number, date(2026, 12, 1), None)
    days = [date(2026, 11, 24) + timedelta(days=n) for n in range(4)]
    assert [len(expected(place, day)) for day in days] == [1, 0, 0, 1]
    assert [len(expected(place, day)) for day in (date(2026, 11, 30), date(2026, 12, 1), date(2027, 6, 1))] == [1, 0, 0]


def test_an_order_in_a_pause_is_asked_and_then_counts(place):
    number = regular(place, "王秀英")
    with at_work(place) as session:
        pause(session, number, TOMORROW, None)
        with pytest.raises(ConfirmationNeeded) as asked:
            order(session, number, TOMORROW, Way.DINE_IN)
        assert asked.value.question == "paused"
        order(session, number, TOMORROW, Way.DINE_IN, confirmed=("paused",))
    assert expected(place, TOMORROW) == [("王秀英", "午餐", "dine_in", True)]


def test_a_pause_over_an_order_asks_and_then_takes_it_out(place):
    number = regular(place, "王秀英")
    with at_work(place) as session:
        order(session, number, TOMORROW, Way.DINE_IN)
        with pytest.raises(ValidationError) as asked:
            pause(session, number, TODAY, None)
        assert asked.value.field == "orders_too" and "11-24 午餐" in str(asked.value)
        pause(session, number, TODAY, None, orders_too=True)
    assert expected(place, TOMORROW) == []


@pytest.mark.parametrize("state", [LifeState.DECEASED, LifeState.MOVED, "binned resident", "binned diner"])
def test_whoever_is_gone_falls_out_at_once(place, state):
    number = regular(place, "王秀英")
    with at_work(place) as session:
        order(session, number, TOMORROW, Way.DINE_IN)
        diner = session.get_one(Diner, number)
        if isinstance(state, LifeState):
            diner.resident.state, diner.resident.state_on = state, TODAY
        else:
            (diner if "diner" in state else diner.resident).deleted_at = NOON
    assert expected(place, TOMORROW) == []
    with at_work(place) as session, pytest.raises(ValidationError):
        order(session, number, TOMORROW + timedelta(days=1), Way.DINE_IN)


def test_a_diner_with_usual_meals_goes_to_the_bin_and_comes_back(place):
    number, manager = regular(place, "王秀英"), place.browser("manager.upper")
    assert manager.post(f"/upper/canteen/diners/delete/?id={number}").status_code == 302
    assert expected(place, TOMORROW) == []
    manager.post(f"/upper/canteen/diners/restore/?id={number}")
    assert len(expected(place, TOMORROW)) == 1


def test_a_kind_that_is_no_longer_served_is_not_cooked(place):
    regular(place, "王秀英", kind="早餐")
    with at_work(place) as session:
        session.get_one(MealKind, kind_id(place, "早餐")).deleted_at = NOON
    assert expected(place, TOMORROW) == []


# -- the set hour ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("on", "hour", "closing"), [
    ("day_before", "16:00", "2026-11-23 16:00"), ("same_day", "09:30", "2026-11-24 09:30"),
])
def test_the_hour_is_the_communitys_own(place, on, hour, closing):
    closes(place, hour, on)
    with at_work(place) as session:
        assert f"{closing_of(session, place.ids['upper'], TOMORROW):%Y-%m-%d %H:%M}" == closing


def test_orders_are_taken_until_the_hour_and_refused_from_it_on(place):
    number = regular(place, "王秀英")
    with at_work(place) as session:
        order(session, number, TOMORROW, Way.DINE_IN, at=AFTER - timedelta(seconds=1))
        with pytest.raises(ValidationError) as refused:
            order(session, number, TOMORROW, None, at=AFTER)
        assert "2026-11-23 16:00" in str(refused.value)
        order(session, number, TOMORROW + timedelta(days=1), None, at=AFTER)


def test_a_managers_exception_wants_a_reason_and_stands_apart(place):
    number = regular(place, "王秀英")
    with at_work(place) as session:
        for answers in ({}, {"confirmed": ("late",)}, {"confirmed": ("late",), "reason": " "}):
            with pytest.raises(ConfirmationNeeded) as asked:
                order(session, number, TOMORROW, None, at=AFTER, may_except=True, **answers)
            assert asked.value.question == "late"
        order(session, number, TOMORROW, None, at=AFTER, may_except=True, confirmed=("late",), reason="住院")
    with at_work(place) as session:
        [late] = late_changes(session, TOMORROW, AFTER)
        assert (late.name, late.kind, late.reason) == ("王秀英", "午餐", "住院")
        change = session.scalars(sa.select(LateChange)).one()
        assert (change.before, change.after) == (Way.DELIVERY, None)


@pytest.mark.parametrize(("day", "at"), [
    (TODAY - timedelta(days=1), NOON), (TODAY + timedelta(days=93), NOON),
    (TODAY, datetime(2026, 11, 23, 5, 1, tzinfo=UTC)),  # lunch ends at 13:00
])
def test_what_is_over_or_far_away_cannot_be_ordered_even_by_a_manager(place, day, at):
    number = regular(place, "王秀英", days=())
    with at_work(place) as session, pytest.raises(ValidationError):
        order(session, number, day, Way.DINE_IN, at=at, may_except=True, confirmed=("late",), reason="特批")


def test_the_same_order_again_changes_nothing_and_nothing_can_be_called_off_twice(place):
    number = regular(place, "王秀英", days=())
    with at_work(place) as session:
        first = order(session, number, TOMORROW, Way.DINE_IN)
        assert order(session, number, TOMORROW, Way.DINE_IN) is first
        with pytest.raises(ValidationError):
            order(session, number, TOMORROW + timedelta(days=1), None)
        assert session.scalar(sa.select(sa.func.count()).select_from(MealOrder)) == 1


def test_a_change_of_the_week_holds_from_the_first_day_that_is_not_closed(place):
    number = regular(place, "王秀英", days=range(7), way=Way.DINE_IN)
    lunch = kind_id(place, "午餐")
    with at_work(place) as session:
        diner = session.get_one(Diner, number)
        seen = usual_of(session, diner)
        grid = {(1, lunch): Way.DELIVERY, (2, lunch): Way.DELIVERY}
        assert save_usual(session, diner, grid, seen, AFTER) == date(2026, 11, 25)
        assert usual_of(session, diner) == grid
        assert save_usual(session, diner, grid, seen, AFTER) == date(2026, 11, 25)  # sent twice
    ways = [[way for _n, _k, way, _o in expected(place, TODAY + timedelta(days=n))] for n in (0, 1, 2, 3, 8)]
    assert ways == [["dine_in"], ["dine_in"], ["delivery"], [], ["delivery"]]


def test_a_week_that_somebody_else_has_changed_is_not_overwritten(place):
    number, lunch = regular(place, "王秀英", days=(1,)), kind_id(place, "午餐")
    with at_work(place) as session:
        diner = session.get_one(Diner, number)
        seen = usual_of(session, diner)
        save_usual(session, diner, {(2, lunch): Way.DINE_IN}, seen, NOON)
        with pytest.raises(ValidationError):
            save_usual(session, diner, {(3, lunch): Way.DINE_IN}, seen, NOON)
        rows = session.scalars(sa.select(UsualMeal).where(UsualMeal.ends_on.is_(None))).all()
        assert [row.weekday for row in rows] == [2]


# -- pauses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "end", "field"), [
    (date(2026, 11, 25), date(2026, 11, 24), "ends_on"), (date(2026, 12, 5), None, "starts_on"),
    (date(2026, 11, 20), date(2026, 12, 1), "starts_on"),
])
def test_pauses_end_after_they_begin_and_do_not_overlap(place, start, end, field):
    number = regular(place, "王秀英")
    with at_work(place) as session:
        pause(session, number, date(2026, 12, 1), date(2026, 12, 5))
        with pytest.raises(ValidationError) as refused:
            pause(session, number, start, end)
        assert refused.value.field == field


def test_a_pause_for_a_day_that_is_closed_is_taken_and_stands_apart(place):
    number = regular(place, "王秀英")
    with at_work(place) as session:
        pause(session, number, TODAY, None, at=AFTER)
    assert expected(place, TODAY) == expected(place, TOMORROW) == []
    with at_work(place) as session:
        assert [c.day for c in session.scalars(sa.select(LateChange).order_by(LateChange.day))] == [TODAY, TOMORROW]


def test_a_pause_that_is_deleted_after_the_hour_and_a_death_stand_apart(place):
    back, dead = regular(place, "王秀英"), regular(place, "李桂芳")
    with at_work(place) as session:
        gone = pause(session, back, TODAY, None)
        session.flush()
        gone.deleted_at, gone.deleted_by = AFTER + timedelta(minutes=5), "王敏"
        person = session.get_one(Diner, dead).resident
        person.state, person.state_on = LifeState.DECEASED, TODAY
    with at_work(place) as session:
        assert [(late.name, late.kind) for late in late_changes(session, TOMORROW, AFTER)] == [
            ("王秀英", "午餐"), ("李桂芳", "午餐")]


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


def test_the_week_is_ticked_on_one_page(place):
    number, staff = diner_id(place, add_diner(place, "王秀英")), place.browser("staff.upper")
    lunch, page = kind_id(place, "午餐"), staff.get(f"{PLANS}of/?id=1").get_data(as_text=True)
    assert len(re.findall(r'name="meal-\d-\d+"', page)) == 21
    ticks = {f"meal-1-{lunch}": "1", f"way-1-{lunch}": "delivery", f"meal-4-{lunch}": "1", f"way-4-{lunch}": "dine_in",
             f"way-5-{lunch}": "delivery", "seen": ""}
    for _click in range(2):
        assert staff.post(f"{PLANS}save/?id={number}", ticks).status_code == 302
    assert expected(place, TOMORROW) == [("王秀英", "午餐", "delivery", False)]
    assert [e[2] for e in expected(place, date(2026, 11, 27))] == ["dine_in"]
    assert not expected(place, date(2026, 11, 28))
    assert "王秀英" in staff.get(PLANS).get_data(as_text=True)
    assert "王秀英" in staff.get(PLANS, query_string={"q": "wxy"}).get_data(as_text=True)


def test_a_single_day_is_ordered_and_called_off_by_a_button(place):
    number, staff = diner_id(place, add_diner(place, "王秀英")), place.browser("staff.upper")
    meal = f"2026-11-24 {kind_id(place, '午餐')}"
    for _click in range(2):
        staff.post(f"{PLANS}order/?id={number}", {"meal": f"{meal} order", "way": "delivery"})
    assert expected(place, TOMORROW) == [("王秀英", "午餐", "delivery", True)]
    staff.post(f"{PLANS}order/?id={number}", {"meal": f"{meal} cancel"})
    assert expected(place, TOMORROW) == []
    for wrong in ("", "2026-11-24", "x 1 order", f"{meal} eat", "2026-02-30 1 order", "2026-11-24 999 order"):
        assert staff.post(f"{PLANS}order/?id={number}", {"meal": wrong}).status_code == 302


def test_after_the_hour_staff_are_refused_and_a_manager_is_asked(place):
    number = diner_id(place, add_diner(place, "王秀英"))
    url, values = f"{PLANS}order/?id={number}", {"meal": f"2026-11-24 {kind_id(place, '午餐')} order", "way": "dine_in"}
    place.clock.moment = AFTER
    staff, manager = place.browser("staff.upper"), place.browser("manager.upper")
    staff.post(url, values)
    assert expected(place, TOMORROW) == [] and "16:00" in staff.get(PLANS).get_data(as_text=True)
    asked = manager.post(url, values).get_data(as_text=True)
    assert 'name="reason"' in asked and expected(place, TOMORROW) == []
    manager.post(url, {**values, "confirmed": "late", "reason": "独居，家里没有吃的"})
    assert expected(place, TOMORROW) == [("王秀英", "午餐", "dine_in", True)]
    page = manager.get(COUNT).get_data(as_text=True)
    assert 'value="2026-11-24"' in page and "独居，家里没有吃的" in page
    cancelled = values["meal"].replace("order", "cancel")
    staff.post(url, {**values, "meal": cancelled, "confirmed": "late", "reason": "我也"})
    assert len(expected(place, TOMORROW)) == 1


def test_both_questions_are_asked_one_after_the_other(place):
    number = regular(place, "王秀英")
    with at_work(place) as session:
        pause(session, number, TODAY, None)
    place.clock.moment = AFTER
    manager, url = place.browser("manager.upper"), f"{PLANS}order/?id={number}"
    values = {"meal": f"2026-11-24 {kind_id(place, '午餐')} order", "way": "delivery"}
    assert 'value="paused"' in manager.post(url, values).get_data(as_text=True)
    second = manager.post(url, {**values, "confirmed": "paused"}).get_data(as_text=True)
    assert 'value="paused"' in second and 'value="late"' in second and 'name="reason"' in second
    manager.post(url, {**values, "confirmed": ["paused", "late"], "reason": "提前出院"})
    assert len(expected(place, TOMORROW)) == 1


def test_who_sees_no_names_finds_no_plans(place):
    number = regular(place, "王秀英")
    assert place.browser("auditor").get(PLANS).status_code == 403
    assert place.browser("staff.lower").get(f"/lower/canteen/plans/of/?id={number}").status_code in (404, 403)
    assert place.browser("manager.lower").get(f"/lower/canteen/plans/of/?id={number}").status_code == 404


# -- the kitchen ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("allergy", "note", "found"), [
    ("花生、海鲜过敏", "少糖，低盐", ["花生过敏", "海鲜过敏", "少糖", "低盐"]), ("花生", None, ["花生过敏"]),
    ("无", "无", []), (None, "糖尿病 少糖", ["糖尿病", "少糖"]), ("花生；花生过敏", "", ["花生过敏"]),
])
def test_notes_are_counted_one_by_one(place, allergy, note, found):
    with place.app.test_request_context():
        assert [text for _a, text in notes_of(Diner(allergy=allergy, diet_note=note))] == found


def test_the_kitchen_counts_by_kind_way_and_note(place):
    for name, way, allergy, note in (("王秀英", Way.DELIVERY, "花生", "少糖"), ("李桂芳", Way.DINE_IN, None, "少糖"),
                                     ("赵春生", Way.DINE_IN, None, "低盐、少糖")):
        regular(place, name, way=way, allergy=allergy, diet_note=note)
    with at_work(place) as session:
        counts = {c.kind.name: c for c in count_meals(session, TOMORROW)}
    lunch = counts["午餐"]
    assert (lunch.ways[Way.DINE_IN], lunch.ways[Way.TAKE_AWAY], lunch.ways[Way.DELIVERY], lunch.total) == (2, 0, 1, 3)
    assert [(n.text, len(n.names)) for n in lunch.notes] == [("花生过敏", 1), ("少糖", 3), ("低盐", 1)]
    assert counts["晚餐"].total == 0


def test_names_stand_beside_notes_only_for_those_who_see_names(place):
    regular(place, "王秀英", allergy="花生")
    asked = {"day": "2026-11-24"}
    assert "王秀英" in place.browser("staff.upper").get(COUNT, query_string=asked).get_data(as_text=True)
    page = place.browser("auditor").get(COUNT, query_string=asked).get_data(as_text=True)
    assert "花生过敏 1" in page and "王秀英" not in page
    assert "王秀英" in place.browser("staff.upper").get(f"{COUNT}print/", query_string=asked).get_data(as_text=True)


def test_the_kitchen_looks_at_tomorrow_once_its_orders_are_closed(place):
    with at_work(place) as session:
        assert count_day(session, place.ids["upper"], AFTER - timedelta(seconds=1)) == TODAY
        assert count_day(session, place.ids["upper"], AFTER) == TOMORROW
    closes(place, "09:00", "same_day")
    with at_work(place) as session:
        assert count_day(session, place.ids["upper"], AFTER) == TODAY == count_day(
            session, place.ids["upper"], AFTER - timedelta(hours=9))


def test_the_kitchens_excel_holds_numbers(place):
    regular(place, "王秀英", allergy="花生")
    answer = place.browser("staff.upper").post(f"{COUNT}excel/?day=2026-11-24")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.get_data())).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert ["午餐", "花生过敏", 1, "王秀英", None] in rows
    assert any(row[0] == "午餐" and row[2] == 1 and row[3] is None for row in rows)


def test_the_counter_tells_who_has_ordered(place):
    regular(place, "王秀英", way=Way.TAKE_AWAY)
    add_diner(place, "王春生")
    staff = place.browser("staff.upper")
    answer = find(staff, "王", kind=kind_id(place, "午餐"))
    parts = {name: part for name, part in zip(answer["names"], answer["html"].split("<form")[1:], strict=True)}
    ways = {name: "tag ok" in part for name, part in parts.items()}
    assert ways == {"王秀英": True, "王春生": False}
    assert staff.get(COUNTER).status_code == 200


def test_the_settings_take_the_hour(place):
    with place.app.test_request_context():
        assert today() == TODAY
    manager = place.browser("manager.upper")
    url = "/upper/manage/plugins/settings/?plugin=canteen"
    page = manager.get(url).get_data(as_text=True)
    assert 'name="order_until"' in page and 'name="order_on"' in page
