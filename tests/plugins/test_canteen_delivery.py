"""Delivery rounds: stops in a set order, what happens at the door, and the task when nobody answers."""
from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
import sqlalchemy as sa

from core.api import LifeState, Outcome, Task, TaskState, ValidationError, add_phones, close_task, save_settings
from core.audit.models import AuditEntry, Deed
from plugins.canteen.delivery.models import DeliveryRound, DoorResult, Handover
from plugins.canteen.delivery.rounds import add_stops, candidates, put_in_order, rounds_on
from plugins.canteen.delivery.services import Door, hand_over, no_answer, undo
from plugins.canteen.ledger.models import Entry
from plugins.canteen.ledger.takings import Clerk
from plugins.canteen.models import Diner, Meal, MealKind, Way
from plugins.canteen.orders.models import MealOrder
from plugins.canteen.services import UNDONE
from tests.plugins.canteen_orders import TODAY, at_work, make_round, once, regular
from tests.plugins.canteen_people import kind_id, meals, record

DELIVERY, ROUNDS = "/upper/canteen/delivery/", "/upper/canteen/rounds/"
NOON = datetime(2026, 11, 23, 3, 42, tzinfo=UTC)
DRIVER = Clerk("司机", NOON, "driver")
NAMES = ("王秀英", "李桂芳", "赵春生")


class Driver:
    """Somebody with a phone on a round."""

    def __init__(self, place: Any, username: str = "staff.upper", each: int | None = None, kind: str = "午餐") -> None:
        self.browser = place.browser(username)
        self.asked = {"kind": kind_id(place, kind), "round": each or ""}

    def open(self) -> str:
        """Open the round; the page that follows."""
        answer = self.browser.post(f"{DELIVERY}open/", {"once": once()}, query_string=self.asked)
        assert answer.status_code == 302
        return self.page()

    def page(self) -> str:
        return self.browser.get(f"{DELIVERY}run/", query_string=self.asked).get_data(as_text=True)

    def tap(self, button: str, diner: int, key: str | None = None, **values: Any) -> Any:
        return self.browser.post(f"{DELIVERY}{button}/", {"once": key or once(), "diner": str(diner), **values},
                                 query_string=self.asked)

    def names(self) -> list[str]:
        return re.findall(r"<strong>([^<]+)</strong>", self.page().partition('class="tally"')[2])


def tally(place: Any, each: int | None = None) -> list[int]:
    """[handed over, no answer, open] of a round."""
    with at_work(place) as session:
        lunch = session.scalars(sa.select(MealKind).where(MealKind.name == "午餐")).one()
        found = [r for r in rounds_on(session, lunch, TODAY) if (r.round.id if r.round else None) == each]
        return [found[0].counts[state] for state in (DoorResult.DELIVERED, DoorResult.UNANSWERED, None)]


def tasks(place: Any) -> list[tuple[TaskState, str, bool]]:
    with place.app.app_context(), place.session("upper") as session:
        return [(t.state, t.resident.name, t.voided_at is not None)
                for t in session.scalars(sa.select(Task).order_by(Task.id))]


def door(session: Any, diner: int, at: datetime = NOON, kind: str = "午餐") -> Door:
    meal = session.scalars(sa.select(MealKind).where(MealKind.name == kind)).one()
    return Door(session.get_one(Diner, diner), meal, "东线", "赵师傅", "driver", at)


@pytest.fixture
def people(place: Any) -> list[int]:
    """Three diners who have lunch brought every day; their ids."""
    return [regular(place, name) for name in NAMES]


# -- laying rounds out ------------------------------------------------------------------------------


def test_stops_are_put_in_order_by_numbers_and_arrows(place, people):
    each, staff = make_round(place, "东线", people), place.browser("staff.upper")

    def order() -> list[str]:
        page = staff.get(f"{ROUNDS}stops/?id={each}").get_data(as_text=True)
        return re.findall(r'<td class="name">([^<]+)</td>', page)

    def stop(name: str) -> int:
        with place.app.app_context(), place.session("upper") as session:
            return next(s.id for s in session.get_one(DeliveryRound, each).stops if s.diner.label == name)

    assert order() == list(NAMES)
    url = f"{ROUNDS}stops/order/?id={each}"
    staff.post(url, {"do": f"up {stop('赵春生')}"})
    assert order() == ["王秀英", "赵春生", "李桂芳"]
    staff.post(url, {"do": f"down {stop('王秀英')}"})
    staff.post(url, {"do": f"up {stop('赵春生')}"})
    assert order() == ["赵春生", "王秀英", "李桂芳"]
    staff.post(url, {"do": "numbers", f"place-{stop('李桂芳')}": "1", f"place-{stop('王秀英')}": "x"})
    assert order() == ["李桂芳", "赵春生", "王秀英"]
    staff.post(url, {"do": "numbers", f"place-{stop('李桂芳')}": " ３ "})
    assert order() == ["赵春生", "王秀英", "李桂芳"]
    staff.post(url, {"do": f"out {stop('王秀英')}"})
    staff.post(url, {"do": "up 999"})
    assert order() == ["赵春生", "李桂芳"]


def test_a_diner_is_on_one_round_a_kind(place, people):
    first = make_round(place, "东线", people[:2])
    with pytest.raises(ValidationError, match="东线"):
        make_round(place, "西线", [people[2], people[1]])
    make_round(place, "晚餐线", people, kind="晚餐")
    with at_work(place) as session:
        lunch = session.get_one(DeliveryRound, first).kind
        assert [d.label for d in candidates(session, lunch, TODAY)] == ["赵春生"]
        there, diner = session.get_one(DeliveryRound, first), session.get_one(Diner, people[0])
        assert add_stops(session, there, [diner], TODAY) == 0


def test_a_round_in_the_bin_holds_nobody(place, people):
    first, manager = make_round(place, "东线", people), place.browser("manager.upper")
    assert manager.post(f"{ROUNDS}delete/?id={first}").status_code == 302
    assert tally(place) == [0, 0, 3]
    second = make_round(place, "西线", people)
    assert tally(place, second) == [0, 0, 3]


def test_those_who_are_found_or_waiting_are_added_by_ticks(place, people):
    staff = place.browser("staff.upper")
    form = staff.form(f"{ROUNDS}new/")
    made = staff.post(f"{ROUNDS}new/", {"once": form["once"], "name": "东线", "kind": str(kind_id(place, "午餐"))})
    url = made.headers["Location"]
    assert "/stops/" in url and all(name in staff.get(url).get_data(as_text=True) for name in NAMES)
    for _click in range(2):
        staff.post(url.replace("/stops/", "/stops/add/"), {"diner": [str(people[1]), str(people[0])]})
    page = staff.get(f"{url}&q=zcs").get_data(as_text=True)
    assert re.findall(r'<td class="name">([^<]+)</td>', page) == ["李桂芳", "王秀英"] and "赵春生" in page
    staff.post(url.replace("/stops/", "/stops/add/"), {"diner": "999"})


# -- opening a round --------------------------------------------------------------------------------


def test_addresses_and_phones_are_shown_once_the_round_is_opened_and_that_is_noted(place, people):
    with at_work(place) as session:
        person = session.get_one(Diner, people[0]).resident
        add_phones(person, ["13911112222"])
        person.contact_note = "耳背，敲门听不见"
    each = make_round(place, "东线", people)
    driver = Driver(place, each=each)
    assert "13911112222" not in driver.page() and "耳背" not in driver.page()
    page = driver.open()
    assert 'href="tel:13911112222"' in page and "耳背，敲门听不见" in page and "盛世小区" in page
    driver.open()
    paper = driver.browser.get(f"{DELIVERY}print/", query_string=driver.asked).get_data(as_text=True)
    assert "13911112222" in paper
    with place.app.app_context(), place.session("upper") as session:
        noted = session.scalars(sa.select(AuditEntry).where(AuditEntry.deed == Deed.REVEALED)).all()
        assert [(n.table_name, n.record_id, n.changes) for n in noted] == [("canteen_round", each, {"people": 3})]
    assert "13911112222" not in Driver(place, "manager.upper", each).page()
    place.clock.forward(days=1)
    assert "13911112222" not in Driver(place, each=each).page()


def test_who_sees_no_names_opens_no_round(place, people):
    each = make_round(place, "东线", people)
    for username in ("auditor", "street"):
        browser = place.browser(username)
        asked = {"kind": kind_id(place, "午餐"), "round": each}
        assert browser.get(DELIVERY).status_code == 403
        assert browser.get(f"{DELIVERY}run/", query_string=asked).status_code == 403
        assert browser.post(f"{DELIVERY}open/", {"once": once()}, query_string=asked).status_code == 403


# -- at the door ------------------------------------------------------------------------------------


def test_the_next_door_comes_first_and_what_is_done_last(place, people):
    each = make_round(place, "东线", people)
    driver = Driver(place, each=each)
    driver.open()
    assert driver.names() == list(NAMES)
    driver.tap("done", people[0])
    driver.tap("unanswered", people[1])
    assert driver.names() == ["赵春生", "李桂芳", "王秀英"]
    assert tally(place, each) == [1, 1, 1]


def test_handing_over_records_the_meal_once_however_often_it_is_tapped(place, people):
    each, key = make_round(place, "东线", people), once()
    driver = Driver(place, each=each)
    driver.open()
    for tapped in (key, key, once()):
        assert driver.tap("done", people[0], tapped).status_code == 302
    [meal] = meals(place)
    assert (meal["name"], meal["way"], meal["source"], meal["kind"]) == ("王秀英", "delivery", "delivery", "午餐")
    assert tally(place, each) == [1, 0, 2]


def test_a_meal_that_is_in_the_book_already_is_not_recorded_again(place, people):
    staff = place.browser("staff.upper")
    with place.app.app_context(), place.session("upper") as session:
        person = session.get_one(Diner, people[0]).resident_id
    record(staff, resident=person, kind=kind_id(place, "午餐"))
    with at_work(place) as session:
        handover = hand_over(session, door(session, people[0]))
        assert not handover.made_meal and handover.meal.way == Way.DELIVERY
        undo(session, handover, DRIVER)
    assert len(meals(place)) == 1


def test_undoing_at_the_door_gives_the_fee_back(place, people):
    with at_work(place) as session:
        save_settings(session, place.ids["upper"], "canteen", {"takes_money": True})
        handover = hand_over(session, door(session, people[0]))
        undo(session, handover, DRIVER)
        assert [entry.amount for entry in session.scalars(sa.select(Entry).order_by(Entry.id))] == [15, -15]
    assert meals(place) == []


def test_without_a_price_nothing_is_recorded_at_the_door(place, people):
    with at_work(place) as session:
        session.execute(sa.delete(session.get_one(MealKind, kind_id(place, "午餐")).prices[0].__class__))
    driver = Driver(place)
    driver.open()
    driver.tap("done", people[0])
    assert meals(place) == [] and tally(place) == [0, 0, 3]


def test_a_slip_is_undone_with_its_meal_and_can_be_recorded_again(place, people):
    driver = Driver(place)
    driver.open()
    driver.tap("done", people[0])
    number = re.search(r'name="handover" value="(\d+)"', driver.page()).group(1)
    for _click in range(2):
        driver.tap("undo", people[0], handover=number)
    [gone] = meals(place, voided=True)
    assert gone["void_reason"] == UNDONE and meals(place) == [] and tally(place) == [0, 0, 3]
    driver.tap("done", people[0])
    assert len(meals(place)) == 1


def test_only_what_was_recorded_today_is_undone(place, people):
    with at_work(place) as session:
        handover = hand_over(session, door(session, people[0]))
        with pytest.raises(ValidationError):
            undo(session, handover, Clerk("司机", NOON + timedelta(days=1), "driver"))


def test_no_answer_opens_a_task_that_stands_on_the_workbench(place, people):
    driver = Driver(place)
    driver.open()
    for _tap in range(2):
        driver.tap("unanswered", people[0])
    assert tasks(place) == [(TaskState.OPEN, "王秀英", False)] and tally(place) == [0, 1, 2]
    assert "王秀英" in driver.browser.get("/upper/").get_data(as_text=True)
    with place.app.app_context(), place.session("upper") as session:
        link = session.scalars(sa.select(Task.link)).one()
    assert driver.browser.get(f"/upper/{link}").status_code == 200


def test_a_second_unanswered_door_of_the_day_joins_the_open_task(place, people):
    regular(place, "钱建国")
    with at_work(place) as session:
        lunch = no_answer(session, door(session, people[0]), "x")
        dinner = no_answer(session, door(session, people[0], kind="晚餐"), "x")
        assert lunch.task_id == dinner.task_id
        undo(session, lunch, DRIVER)
        assert dinner.task.voided_at is None  # the other door stands behind it
        undo(session, dinner, DRIVER)
        assert dinner.task.voided_at is not None


def test_a_finished_task_stays_when_the_slip_is_undone(place, people):
    with at_work(place) as session:
        handover = no_answer(session, door(session, people[0]), "x")
        close_task(session, handover.task, Outcome.HOSPITAL, "已送医院", "王敏", NOON)
        undo(session, handover, DRIVER)
        assert handover.task.voided_at is None and handover.task.outcome == Outcome.HOSPITAL


def test_a_door_that_opens_later_is_handed_over_and_the_task_waits_for_its_outcome(place, people):
    driver = Driver(place)
    driver.open()
    driver.tap("unanswered", people[0])
    driver.tap("done", people[0])
    assert tally(place) == [1, 0, 2] and len(meals(place)) == 1
    assert tasks(place) == [(TaskState.OPEN, "王秀英", False)]
    driver.tap("unanswered", people[1])
    with at_work(place) as session:
        hand_over(session, door(session, people[2]))
        with pytest.raises(ValidationError):
            no_answer(session, door(session, people[2]), "x")


def test_a_stop_that_is_ordered_late_shows_and_nobody_without_a_round_is_forgotten(place, people):
    each = make_round(place, "东线", people[:2])
    assert tally(place, each) == [0, 0, 2] and tally(place) == [0, 0, 1]
    driver = Driver(place, each=each)
    driver.open()
    late = regular(place, "钱建国", days=())
    with at_work(place) as session:
        lunch = session.scalars(sa.select(MealKind).where(MealKind.name == "午餐")).one()
        session.add(MealOrder(diner_id=late, kind=lunch, day=TODAY, wanted=True, way=Way.DELIVERY, recorded_by="王敏",
                              recorded_at=NOON))
        add_stops(session, session.get_one(DeliveryRound, each), [session.get_one(Diner, late)], TODAY)
    assert driver.names() == ["王秀英", "李桂芳", "钱建国"] and "新" in driver.page()[driver.page().index("钱建国"):]


def test_who_died_or_pauses_is_not_on_the_round_any_more(place, people):
    each = make_round(place, "东线", people)
    with at_work(place) as session:
        hand_over(session, door(session, people[1]))
        for number in people[:2]:
            session.get_one(Diner, number).resident.state = LifeState.DECEASED
    assert tally(place, each) == [1, 0, 1]  # what was handed over stays in the count
    driver = Driver(place, each=each)
    driver.open()
    driver.tap("done", people[0])
    assert len(meals(place)) == 1


def test_the_workbench_tells_who_is_on_no_round_and_after_the_meal_who_was_not_visited(place, people):
    staff = place.browser("staff.upper")
    assert "3 " in staff.get("/upper/").get_data(as_text=True).partition('class="todo"')[2]
    place.clock.forward(hours=2)
    page = place.browser("staff.upper").get("/upper/").get_data(as_text=True)
    assert DELIVERY in page
    make_round(place, "东线", people)
    with at_work(place) as session:
        for number in people:
            hand_over(session, door(session, number, place.clock()))
    page = place.browser("staff.upper").get("/upper/").get_data(as_text=True)
    assert f'href="{DELIVERY}"><span><span class="tag' not in page


def test_two_phones_at_one_door_record_one_meal(place, people):
    """Both taps arrive at once; the second is told, or finds it done."""
    drivers, start = [Driver(place), Driver(place, "manager.upper")], Barrier(2)
    answers: list[int] = []

    def tap(driver: Driver) -> None:
        start.wait()
        answers.append(driver.tap("done", people[0]).status_code)

    threads = [Thread(target=tap, args=(driver,)) for driver in drivers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [302, 302] and len(meals(place)) == 1 and tally(place) == [1, 0, 2]


def test_another_communitys_round_door_and_stop_are_unknown(place, people):
    each = make_round(place, "东线", people)
    with at_work(place) as session:
        handover = hand_over(session, door(session, people[0])).id
    staff = place.browser("staff.lower")
    with place.app.app_context(), place.session("lower") as session:
        lunch = session.scalars(sa.select(MealKind.id).where(MealKind.name == "午餐")).one()
    asked = {"kind": lunch, "round": each}
    assert staff.get("/lower/canteen/delivery/run/", query_string=asked).status_code == 404
    assert staff.get(f"/lower/canteen/rounds/stops/?id={each}").status_code == 404
    for button in ("done", "unanswered", "undo"):
        answer = staff.post(f"/lower/canteen/delivery/{button}/", {
            "once": once(), "diner": people[1], "handover": handover}, query_string={"kind": lunch})
        assert answer.status_code == 404
    with place.app.app_context(), place.session("upper") as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Handover)) == 1
        assert session.scalar(sa.select(sa.func.count()).select_from(Meal)) == 1


def test_numbers_move_a_stop_to_its_place_in_both_directions(place, people):
    fourth = regular(place, "钱建国")
    each = make_round(place, "东线", [*people, fourth])
    with at_work(place) as session:
        line = session.get_one(DeliveryRound, each)
        first, last = line.stops[0].id, line.stops[3].id
        put_in_order(session, line, {first: 3})
        assert [s.diner_id for s in line.stops] == [people[1], people[2], people[0], fourth]
        put_in_order(session, line, {last: 1, first: 9})
        assert [s.diner_id for s in line.stops] == [fourth, people[1], people[2], people[0]]
        assert [s.position for s in line.stops] == [1, 2, 3, 4]
