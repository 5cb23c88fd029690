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
from core.testing.records import make
from plugins.canteen.delivery.models import DeliveryRound, DoorResult, Handover
from plugins.canteen.delivery.rounds import add_stops, candidates, rounds_on
from plugins.canteen.delivery.services import Door, hand_over, no_answer, undo
from plugins.canteen.ledger.models import ClosedDay, Entry
from plugins.canteen.ledger.takings import Clerk
from plugins.canteen.models import Diner, Meal, MealKind, Price, Way
from plugins.canteen.orders.models import MealOrder
from plugins.canteen.services import UNDONE
from tests.plugins.canteen_orders import TODAY, at_work, make_round, once, regular
from tests.plugins.canteen_people import kind_id, meals, record

DELIVERY, ROUNDS = "/upper/canteen/delivery/", "/upper/canteen/rounds/"
NOON = datetime(2026, 11, 23, 3, 42, tzinfo=UTC)
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


def clerk(at: datetime = NOON) -> Clerk:
    return Clerk("赵师傅", at, "driver")


@pytest.fixture
def people(place: Any) -> list[int]:
    """Three diners who have lunch brought every day; their ids."""
    return [regular(place, name) for name in NAMES]


# -- laying rounds out ------------------------------------------------------------------------------


def test_stops_are_put_in_order_by_numbers_and_arrows(place, people):
    each, staff = make_round(place, "东线", people), place.browser("staff.upper")
    with place.app.app_context(), place.session("upper") as session:
        stop = {s.diner.label: s.id for s in session.get_one(DeliveryRound, each).stops}

    def after(**form: str) -> list[str]:
        staff.post(f"{ROUNDS}stops/order/?id={each}", {k.replace("_", "-"): v for k, v in form.items()})
        return stops_of(staff, each)

    assert stops_of(staff, each) == list(NAMES)
    assert after(do=f"up {stop['赵春生']}") == ["王秀英", "赵春生", "李桂芳"]
    assert after(do=f"down {stop['王秀英']}") == ["赵春生", "王秀英", "李桂芳"]
    assert after(do=f"up {stop['赵春生']}") == ["赵春生", "王秀英", "李桂芳"]
    first = {"do": "numbers", f"place_{stop['李桂芳']}": "1", f"place_{stop['王秀英']}": "x"}
    assert after(**first) == ["李桂芳", "赵春生", "王秀英"]
    assert after(**{"do": "numbers", f"place_{stop['李桂芳']}": " ３ "}) == ["赵春生", "王秀英", "李桂芳"]
    assert after(**{"do": "numbers", f"place_{stop['赵春生']}": "2"}) == ["王秀英", "赵春生", "李桂芳"]
    assert after(do=f"out {stop['王秀英']}") == after(do="up 999") == ["赵春生", "李桂芳"]


def stops_of(browser: Any, each: int) -> list[str]:
    page = browser.get(f"{ROUNDS}stops/?id={each}").get_data(as_text=True)
    return re.findall(r'<td class="name">([^<]+)</td>', page)


def test_a_diner_is_on_one_round_a_kind_and_a_round_in_the_bin_holds_nobody(place, people):
    first = make_round(place, "东线", people[:2])
    with pytest.raises(ValidationError, match="东线"):
        make_round(place, "西线", [people[2], people[1]])
    make_round(place, "晚餐线", people, kind="晚餐")
    with at_work(place) as session:
        lunch = session.get_one(DeliveryRound, first)
        assert [d.label for d in candidates(session, lunch.kind, TODAY)] == ["赵春生"]
        assert add_stops(session, lunch, [session.get_one(Diner, people[0])], TODAY) == 0
    manager = place.browser("manager.upper")
    assert manager.post(f"{ROUNDS}delete/?id={first}").status_code == 302
    assert tally(place) == [0, 0, 3]
    assert tally(place, make_round(place, "西线", people)) == [0, 0, 3]


def test_those_who_are_found_or_waiting_are_added_by_ticks(place, people):
    staff = place.browser("staff.upper")
    form = staff.form(f"{ROUNDS}new/")
    made = staff.post(f"{ROUNDS}new/", {"once": form["once"], "name": "东线", "kind": str(kind_id(place, "午餐"))})
    url = made.headers["Location"]
    assert "/stops/" in url and all(name in staff.get(url).get_data(as_text=True) for name in NAMES)
    for _click in range(2):
        staff.post(url.replace("/stops/", "/stops/add/"), {"diner": [str(people[1]), str(people[0])]})
    staff.post(url.replace("/stops/", "/stops/add/"), {"diner": "999"})
    page = staff.get(f"{url}&q=zcs").get_data(as_text=True)
    assert re.findall(r'<td class="name">([^<]+)</td>', page) == ["李桂芳", "王秀英"] and "赵春生" in page


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
    for username in ("auditor", "street"):
        other = place.browser(username)
        assert other.get(DELIVERY).status_code == other.get(
            f"{DELIVERY}run/", query_string=driver.asked).status_code == 403
        assert other.post(f"{DELIVERY}open/", {"once": once()}, query_string=driver.asked).status_code == 403
    place.clock.forward(days=1)
    assert "13911112222" not in Driver(place, each=each).page()


# -- at the door ------------------------------------------------------------------------------------


def test_the_next_door_comes_first_and_a_meal_is_recorded_once_however_often_it_is_tapped(place, people):
    each, key = make_round(place, "东线", people), once()
    driver = Driver(place, each=each)
    driver.open()
    assert driver.names() == list(NAMES)
    for tapped in (key, key, once()):
        assert driver.tap("done", people[0], tapped).status_code == 302
    driver.tap("unanswered", people[1])
    assert driver.names() == ["赵春生", "李桂芳", "王秀英"] and tally(place, each) == [1, 1, 1]
    [meal] = meals(place)
    assert (meal["name"], meal["way"], meal["source"], meal["kind"]) == ("王秀英", "delivery", "delivery", "午餐")


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
    with at_work(place) as session, pytest.raises(ValidationError):
        undo(session, session.scalars(sa.select(Handover).where(Handover.voided_at.is_(None))).one(),
             clerk(NOON + timedelta(days=1)))


def test_a_meal_in_the_book_is_not_recorded_again_and_without_a_price_none_is(place, people):
    with place.app.app_context(), place.session("upper") as session:
        person = session.get_one(Diner, people[0]).resident_id
    record(place.browser("staff.upper"), resident=person, kind=kind_id(place, "午餐"))
    with at_work(place) as session:
        handover = hand_over(session, door(session, people[0]))
        assert not handover.made_meal and handover.meal.way == Way.DELIVERY
        undo(session, handover, clerk())
        session.execute(sa.delete(Price))
    driver = Driver(place)
    driver.open()
    driver.tap("done", people[1])
    assert len(meals(place)) == 1 and tally(place) == [0, 0, 3]


def test_undoing_at_the_door_gives_the_fee_back(place, people):
    with at_work(place) as session:
        save_settings(session, place.ids["upper"], "canteen", {"takes_money": True})
        undo(session, hand_over(session, door(session, people[0])), clerk())
        assert [entry.amount for entry in session.scalars(sa.select(Entry).order_by(Entry.id))] == [15, -15]


def test_on_a_day_that_is_closed_the_door_is_the_reason_and_a_slip_is_not_undone(place, people):
    with at_work(place) as session:
        before = hand_over(session, door(session, people[0]))
        make(session, ClosedDay, {}).day = TODAY
        session.flush()
        assert hand_over(session, door(session, people[1])).meal.reason
        with pytest.raises(ValidationError):
            undo(session, before, clerk())


def test_no_answer_opens_a_task_and_a_second_door_of_the_day_joins_it(place, people):
    driver = Driver(place)
    driver.open()
    for _tap in range(2):
        driver.tap("unanswered", people[0])
    assert tasks(place) == [(TaskState.OPEN, "王秀英", False)] and tally(place) == [0, 1, 2]
    assert "王秀英" in driver.browser.get("/upper/").get_data(as_text=True)
    with at_work(place) as session:
        [lunch] = session.scalars(sa.select(Handover))
        assert driver.browser.get(f"/upper/{lunch.task.link}").status_code == 200
    with at_work(place) as session:
        [lunch] = session.scalars(sa.select(Handover))
        dinner = no_answer(session, door(session, people[0], kind="晚餐"), "x")
        assert lunch.task_id == dinner.task_id
        undo(session, lunch, clerk())
        assert dinner.task.voided_at is None  # the other door stands behind it
        undo(session, dinner, clerk())
        assert dinner.task.voided_at is not None


def test_a_door_that_stays_shut_after_the_task_is_finished_opens_another(place, people):
    driver = Driver(place)
    driver.open()
    driver.tap("unanswered", people[0])
    assert "再次无人应答" not in driver.page()
    with at_work(place) as session:
        close_task(session, session.scalars(sa.select(Task)).one(), Outcome.SAFE, "女儿说十二点半回来", "王敏", NOON)
    seen = driver.page()
    assert "再次无人应答" in seen and "已联系上，平安" in seen
    place.clock.forward(minutes=30)
    for _tap in range(2):
        driver.tap("unanswered", people[0])
    assert tally(place) == [0, 1, 2] and "12:12" in driver.page()
    assert tasks(place) == [(TaskState.DONE, "王秀英", False), (TaskState.OPEN, "王秀英", False)]
    with at_work(place) as session:
        undo(session, session.scalars(sa.select(Handover)).one(), clerk())
    assert tasks(place) == [(TaskState.DONE, "王秀英", False), (TaskState.OPEN, "王秀英", True)]


def test_a_door_that_opens_later_is_handed_over_and_a_finished_task_stays(place, people):
    driver = Driver(place)
    driver.open()
    driver.tap("unanswered", people[0])
    driver.tap("done", people[0])
    assert tally(place) == [1, 0, 2] and len(meals(place)) == 1
    assert tasks(place) == [(TaskState.OPEN, "王秀英", False)]  # a neighbour may have taken the meal
    with at_work(place) as session:
        hand_over(session, door(session, people[2]))
        with pytest.raises(ValidationError):
            no_answer(session, door(session, people[2]), "x")
        missed = no_answer(session, door(session, people[1]), "x")
        close_task(session, missed.task, Outcome.HOSPITAL, "已送医院", "王敏", NOON)
        undo(session, missed, clerk())
        assert missed.task.voided_at is None and missed.task.outcome == Outcome.HOSPITAL


def test_late_stops_show_nobody_without_a_round_is_forgotten_and_the_dead_are_not_visited(place, people):
    each = make_round(place, "东线", people[:2])
    assert tally(place, each) == [0, 0, 2] and tally(place) == [0, 0, 1]
    driver, late = Driver(place, each=each), regular(place, "钱建国", days=())
    driver.open()
    with at_work(place) as session:
        lunch = session.scalars(sa.select(MealKind).where(MealKind.name == "午餐")).one()
        session.add(MealOrder(diner_id=late, kind=lunch, day=TODAY, wanted=True, way=Way.DELIVERY, recorded_by="王敏",
                              recorded_at=NOON))
        add_stops(session, session.get_one(DeliveryRound, each), [session.get_one(Diner, late)], TODAY)
    assert driver.names() == ["王秀英", "李桂芳", "钱建国"]
    with at_work(place) as session:
        hand_over(session, door(session, people[1]))
        for number in people[:2]:
            session.get_one(Diner, number).resident.state = LifeState.DECEASED
    assert tally(place, each) == [1, 0, 1]  # what was handed over stays in the count
    driver.tap("done", people[0])
    assert len(meals(place)) == 1


def test_the_workbench_tells_who_is_on_no_round_and_after_the_meal_who_was_not_visited(place, people):
    def lines() -> list[str]:
        page = place.browser("staff.upper").get("/upper/").get_data(as_text=True)
        return re.findall(rf'href="{DELIVERY}"><span><span class="tag (\w+)', page)

    assert lines() == ["warn"]
    make_round(place, "东线", people)
    assert lines() == []
    place.clock.forward(hours=2)
    assert lines() == ["bad"]
    with at_work(place) as session:
        for number in people:
            hand_over(session, door(session, number, place.clock()))
    assert lines() == []


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
