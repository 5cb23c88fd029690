"""Kept figures: after whatever people do, they are what a plain count of the records says."""
from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import date, time, timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from core.commands.metrics import metrics
from core.declarations import Metric
from core.errors import ScopeError
from core.extensions import db
from core.metrics import keeping
from core.metrics.checking import catch_up, outdated, rebuild
from core.metrics.figures import totals, totals_of
from core.metrics.groups import KEPT, Kept
from core.metrics.models import MetricDefinition, MetricFigure, MetricPresence
from core.testing.place import Place
from plugins.canteen.models import Diner, Meal, MealKind, Way
from tests.changes import FIRST, Change, compare, found, ids, meal_of, metric, settle


@pytest.fixture
def canteen(place: Place):
    """Diners in `upper`; at work in the app."""
    with place.app.app_context():
        settle(place)
        yield place
        db.session.remove()


def test_figures_equal_a_plain_count_after_random_changes(canteen):
    """A thousand of them, compared at every step, are in `make faults`."""
    change, chance = Change(canteen, 4711), random.Random(1)
    for step in range(120):
        change()
        if step % 6 == 5:
            compare(canteen, chance)
    assert found(canteen) == []


# -- eight at once ------------------------------------------------------------------------------------


def at_once(*works: Callable[[], Any]) -> None:
    """Do all of it at the same time; what one raises is raised here."""
    wrong: list[BaseException] = []

    def run(work: Callable[[], Any]) -> None:
        try:
            work()
        except BaseException as error:
            wrong.append(error)
            raise

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def at_the_counter(place: Place, number: int, kind: int) -> None:
    """Somebody who records guests over HTTP and undoes every second one."""
    browser = place.browser("staff.upper")
    token = browser.token()
    for n in range(6):
        told = browser.client.post("/upper/canteen/counter/record/", headers={"X-Requested-With": "fetch"}, data={
            "guest": "1", "kind": kind, "way": "dine_in", "confirmed": "hours", "csrf_token": token,
            "once": f"a-guest-at-the-counter-{number}-{n}"})
        assert told.status_code == 200, told.text
        if n % 2:
            with place.app.app_context(), place.session("upper") as reading:
                mine = reading.scalar(sa.select(sa.func.max(Meal.id)).where(Meal.account == "staff.upper"))
            browser.client.post("/upper/canteen/counter/undo/", data={"meal": mine, "csrf_token": token})


def test_eight_writers_leave_no_difference(canteen):
    kind = ids(canteen, MealKind)[0]
    changes = [Change(canteen, seed) for seed in range(6)]
    at_once(*(partial(at_the_counter, canteen, number, kind) for number in range(2)),
            *(lambda change=change: [change() for _n in range(20)] for change in changes))
    assert found(canteen) == []
    compare(canteen, random.Random(3))
    with canteen.session("upper") as reading:
        assert reading.scalar(sa.select(sa.func.count()).where(Meal.account == "staff.upper")) > 6


@pytest.mark.parametrize("locked", [True, False])
def test_two_of_one_day_wait_for_each_other_and_would_drift_without(canteen, kind, locked, monkeypatch):
    if kind == "sqlite":
        assert keeping.lock(db.session.connection(), 1) is None  # who writes is alone there
        return
    both, held = threading.Barrier(2), keeping.lock

    def lock(connection: sa.Connection, community: int) -> None:
        both.wait(10)  # both have written their meal, neither has committed
        if locked:
            held(connection, community)

    monkeypatch.setattr(keeping, "lock", lock)
    eaten = ids(canteen, MealKind)[0]

    def eat() -> None:
        with canteen.app.app_context(), canteen.session("upper", writes=True) as writing:
            writing.add(meal_of(None, eaten, FIRST))

    at_once(eat, eat)
    assert (found(canteen) == []) is locked


# -- single rules -------------------------------------------------------------------------------------


def cells(place: Place) -> dict[tuple[str, str, date], int]:
    with place.session("upper") as reading:
        rows = reading.execute(sa.select(MetricFigure.metric, MetricFigure.period, MetricFigure.day,
                                         MetricFigure.number).where(MetricFigure.number != 0))
        return {(name, period.value, day): number for name, period, day, number in rows}


def one_meal_on(day: date) -> dict[tuple[str, str, date], int]:
    sums = ["canteen.named_meals", *(f"canteen.diners:{kind}" for kind in ("month", "quarter", "year", "all"))]
    ones = {(name, "day", day): 1 for name in ("canteen.diners", *sums)} | {
        (name, "month", day.replace(day=1)): 1 for name in sums}
    return ones | {("canteen.self_pay", "day", day): 15_00, ("canteen.self_pay", "month", day.replace(day=1)): 15_00}


def test_a_meal_is_in_its_cells_and_goes_to_others_with_its_day(canteen):
    diner, eaten = ids(canteen, Diner)[0], ids(canteen, MealKind)[0]
    with canteen.session("upper", writes=True) as writing:
        writing.add(meal_of(diner, eaten, date(2026, 1, 31)))
    assert cells(canteen) == one_meal_on(date(2026, 1, 31))
    with canteen.session("upper", writes=True) as writing:
        meal = writing.scalars(sa.select(Meal)).one()
        writing.commit()  # expired: the old day is not in memory any more
        meal.day = date(2025, 12, 31)
    assert cells(canteen) == one_meal_on(date(2025, 12, 31))
    with canteen.session("upper", writes=True) as writing:
        writing.delete(writing.scalars(sa.select(Meal)).one())
    assert cells(canteen) == {}
    with canteen.session("upper") as reading:
        assert reading.scalar(sa.select(sa.func.count(MetricPresence.id))) == 0


def test_a_change_of_many_by_one_statement_is_kept_and_one_of_their_days_is_refused(canteen):
    eaten = ids(canteen, MealKind)[0]
    with canteen.session("upper", writes=True) as writing:
        writing.add_all(meal_of(None, eaten, FIRST + timedelta(days=n % 3)) for n in range(9))
    with canteen.session("upper", writes=True) as writing:
        writing.execute(sa.delete(Meal).where(Meal.day == sa.bindparam("a_day")), {"a_day": FIRST})
        writing.execute(sa.update(Meal).where(Meal.day > FIRST + timedelta(days=1)).values(way=Way.DELIVERY))
    assert found(canteen) == []
    with canteen.session("upper") as reading:
        assert totals(reading, metric(canteen, "canteen.meals"), None, FIRST + timedelta(days=9)) == {
            canteen.ids["upper"]: 6}
    with pytest.raises(ScopeError), canteen.session("upper", writes=True) as writing:
        writing.execute(sa.update(Meal).values({Meal.day: FIRST}))


def test_a_session_that_counts_nothing_asks_nothing_more(canteen, monkeypatch):
    asked: list[int] = []
    monkeypatch.setattr(keeping, "lock", lambda connection, community: asked.append(community))
    with canteen.session("upper", writes=True) as writing:
        writing.add(MealKind(name="夜宵", opens=time(21), closes=time(22)))
    with canteen.session("upper") as reading:
        reading.scalars(sa.select(Meal)).all()
        reading.commit()
    assert asked == []


def test_the_street_reads_all_communities_and_many_metrics_in_few_statements(canteen):
    with canteen.session("lower", writes=True) as writing:
        eaten = writing.scalars(sa.select(MealKind.id)).first()
        writing.add(meal_of(None, eaten, FIRST))
    Change(canteen, 5)()
    found_metrics = [m for _plugin, m in canteen.app.extensions["jinlin_plugins"].metrics()]
    spans = [(None, FIRST + timedelta(days=200)), (FIRST, FIRST), (date(2026, 8, 1), date(2026, 8, 31))]
    asked: list[str] = []
    with canteen.session("street") as reading:
        reading.connection()

        def hear(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            asked.append(statement)

        sa.event.listen(db.engine, "before_cursor_execute", hear)
        many = totals_of(reading, found_metrics, spans)
        sa.event.remove(db.engine, "before_cursor_execute", hear)
        assert len(asked) == 2  # the figures, and the opening balances
        for one in found_metrics:
            for place_of, span in enumerate(spans):
                assert totals(reading, one, *span) == {
                    c: n for (name, p, c), n in many.items() if name == one.name and p == place_of}
        assert many["canteen.meals", 0, canteen.ids["lower"]] == 1


# -- checking and building anew -----------------------------------------------------------------------


def break_figures(place: Place) -> None:
    with place.owner() as connection:
        table = MetricFigure.__table__
        named = table.update().where(table.c.metric == "canteen.named_meals")
        connection.execute(named.values(number=table.c.number + 1))
        connection.execute(MetricPresence.__table__.delete())


def test_check_names_every_difference_and_rebuild_mends_them(canteen):
    change = Change(canteen, 9)
    for _n in range(8):
        change()
    break_figures(canteen)
    named = found(canteen)
    assert any("上游社区" in each and "canteen.named_meals" in each for each in named)
    assert any("canteen.diners" in each for each in named)
    with canteen.app.test_request_context():
        assert rebuild(metrics=["canteen.diners"]) > 0
        assert not any("canteen.diners" in each for each in found(canteen))
        assert rebuild() > 0 and rebuild() == 0
    assert found(canteen) == []


def test_the_command_says_what_differs_and_ends_with_1(canteen, monkeypatch):
    settings = canteen.app.extensions["jinlin_settings"]
    monkeypatch.setattr("core.commands.metrics.settings_from_environment", lambda: settings)
    monkeypatch.setenv("JINLIN_LANG", "en")
    eaten = ids(canteen, MealKind)[0]
    with canteen.session("upper", writes=True) as writing:
        writing.add(meal_of(None, eaten, FIRST))
    db.session.remove()
    assert CliRunner().invoke(metrics, ["rebuild"]).exit_code == 0
    assert CliRunner().invoke(metrics, ["check"]).exit_code == 0
    break_figures(canteen)
    told = CliRunner().invoke(metrics, ["check"])
    assert told.exit_code == 1 and "上游社区  canteen.named_meals" in told.output, told.output
    assert CliRunner().invoke(metrics, ["rebuild", "--area", "upper", "--metric", "canteen.named_meals"]).exit_code == 0
    assert CliRunner().invoke(metrics, ["check"]).exit_code == 0


def test_a_changed_definition_is_noticed_and_its_figures_are_built_anew(canteen):
    eaten = ids(canteen, MealKind)[0]
    with canteen.session("upper", writes=True) as writing:
        writing.add_all(meal_of(None, eaten, FIRST, way) for way in (Way.DINE_IN, Way.DELIVERY, Way.DELIVERY))
    with canteen.app.test_request_context():
        catch_up()
        assert outdated() == []
        delivered = Metric("canteen.named_meals", "x", "x", Meal, Meal.day, (*Meal.counts(), Meal.way == Way.DELIVERY))
        names, _known = canteen.app.extensions[KEPT]
        canteen.app.extensions[KEPT] = (names, Kept([delivered]))
        assert outdated() == ["canteen.named_meals"]
        said: list[str] = []
        catch_up(said.append)
        assert "canteen.named_meals" in said[0] and outdated() == []
        with canteen.session("upper") as reading:
            assert totals(reading, delivered, None, FIRST) == {canteen.ids["upper"]: 2}
            assert set(reading.scalars(sa.select(MetricDefinition.metric))) == {"canteen.named_meals"}


def test_the_list_behind_the_number_of_people_has_as_many_rows(place):
    with place.app.app_context():
        settle(place)
        diners, eaten = ids(place, Diner), ids(place, MealKind)[0]
        with place.session("upper", writes=True) as writing:
            writing.add_all(meal_of(diners[n], eaten, FIRST + timedelta(days=n)) for n in range(5))
            writing.add(meal_of(None, eaten, FIRST))
    days = {"day_from": FIRST.isoformat(), "day_to": (FIRST + timedelta(days=2)).isoformat()}
    for who, area in (("staff.upper", "upper"), ("street", "street"), ("auditor", "street")):
        page = place.browser(who).get(f"/{area}/canteen/diners/", query_string=days).text
        assert page.count("</tr>") == 3 + 1, (who, page.count("</tr>"))
