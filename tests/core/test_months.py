"""Months close by a dated rule or by hand; what changes afterwards is a correction, from → to, with its reason."""
from __future__ import annotations

import re
from datetime import UTC, date, datetime
from html import unescape

import pytest
import sqlalchemy as sa

from core.areas.models import Area, Installation
from core.errors import ValidationError
from core.metrics.reporting import close_month, reporting, set_rule
from core.metrics.reporting_models import Correction
from plugins.canteen.ledger.books import recount
from plugins.canteen.ledger.models import TallyMode, TallySource
from plugins.canteen.ledger.takings import Clerk
from plugins.canteen.ledger.tallies import add_tally
from plugins.canteen.models import Meal, Way
from plugins.canteen.services import kinds_of
from tests.guest_meals import meal

OCTOBER = date(2026, 10, 1)


@pytest.fixture
def alone(place):
    """A session of no area, such as the street's pages write in."""
    with place.app.test_request_context(), place.session(None, writes=True) as writing:
        yield writing


def street(place, session):
    return session.get_one(Area, place.ids["street"])


def upper(place, session):
    return session.get_one(Area, place.ids["upper"])


def closed(place, session, month, today, slug="upper"):
    return reporting(session).is_closed(session.get_one(Area, place.ids[slug]).path, month, today)


def begun(session, at):
    session.scalar(sa.select(Installation)).created_at = at
    session.flush()


# -- when a month is closed ------------------------------------------------------------------------


@pytest.mark.parametrize(("today", "is_closed"), [
    (date(2026, 11, 30), False), (date(2026, 12, 5), False), (date(2026, 12, 6), True), (date(2027, 5, 1), True),
])
def test_a_month_closes_after_the_5th_of_the_next(place, alone, today, is_closed):
    assert closed(place, alone, date(2026, 11, 1), today) is is_closed


def test_months_before_the_installation_close_by_hand_only(place, alone):
    """Years of paper lists are typed in first: those are no corrections."""
    assert not closed(place, alone, OCTOBER, date(2026, 11, 23))
    begun(alone, datetime(2026, 10, 31, 15, 59, tzinfo=UTC))
    assert closed(place, alone, OCTOBER, date(2026, 11, 23))


def test_a_rule_holds_from_its_month_on_and_below_its_area(place, alone):
    begun(alone, datetime(2026, 9, 1, tzinfo=UTC))
    set_rule(alone, street(place, alone), date(2026, 11, 23), 18, 10, "street", date(2026, 11, 23))
    assert closed(place, alone, OCTOBER, date(2026, 11, 6))  # as it was
    assert not closed(place, alone, date(2026, 11, 1), date(2026, 12, 10))
    assert closed(place, alone, date(2026, 11, 1), date(2026, 12, 11))
    rule = reporting(alone).rule(upper(place, alone).path, date(2027, 1, 5))
    assert (rule.due_hour, rule.closes_on) == (18, 10)


def test_the_nearest_area_decides(place, alone):
    today = date(2026, 11, 23)
    set_rule(alone, street(place, alone), today, 18, 10, "street", today)
    set_rule(alone, upper(place, alone), today, 21, None, "street", today)
    known = reporting(alone)
    assert known.rule(upper(place, alone).path, today).due_hour == 21
    assert not known.is_closed(upper(place, alone).path, today.replace(day=1), date(2027, 6, 1))
    assert known.rule(alone.get_one(Area, place.ids["lower"]).path, today).due_hour == 18


@pytest.mark.parametrize(("month", "hour", "day", "field"), [
    (OCTOBER, 20, 5, "starts_on"), (date(2026, 11, 1), 0, 5, "due_hour"), (date(2026, 11, 1), 24, 5, "due_hour"),
    (date(2026, 11, 1), 20, 29, "closes_on"), (date(2026, 11, 1), 20, 0, "closes_on"),
])
def test_a_rule_that_cannot_hold_is_refused(place, alone, month, hour, day, field):
    with pytest.raises(ValidationError) as refused:
        set_rule(alone, street(place, alone), month, hour, day, "street", date(2026, 11, 23))
    assert refused.value.field == field


def test_a_month_is_closed_by_hand_for_everybody_below(place, alone):
    close_month(alone, street(place, alone), OCTOBER, "street", place.clock())
    assert all(closed(place, alone, OCTOBER, date(2026, 11, 23), slug) for slug in ("upper", "lower"))
    assert not closed(place, alone, date(2026, 9, 1), date(2026, 11, 23))
    with pytest.raises(ValidationError, match="2026-10"):
        close_month(alone, street(place, alone), OCTOBER, "street", place.clock())


def test_a_month_that_runs_is_not_closed(place, alone):
    with pytest.raises(ValidationError, match="2026-11"):
        close_month(alone, street(place, alone), date(2026, 11, 1), "street", place.clock())


# -- corrections -----------------------------------------------------------------------------------


@pytest.fixture
def october_closed(place):
    with place.app.app_context(), place.session(None, writes=True) as writing:
        close_month(writing, writing.get_one(Area, place.ids["street"]), OCTOBER, "street", place.clock())


def change(place, act):
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        act(writing)


def corrected(place):
    """The corrections of the meals with names; the money of the same meals has its own."""
    with place.app.app_context(), place.session("upper") as reading:
        return [(c.month, c.day, c.old, c.new, c.reason, c.changed_by) for c in reading.scalars(
            sa.select(Correction).where(Correction.metric == "canteen.named_meals").order_by(Correction.id))]


def test_a_back_entry_into_a_closed_month_is_a_correction_with_its_reason(place, october_closed):
    change(place, lambda w: meal(w, date(2026, 10, 8), reason="漏记补录"))
    assert corrected(place) == [(OCTOBER, date(2026, 10, 8), 0, 1, "漏记补录", "test")]


def test_a_voiding_brings_its_reason(place, october_closed):
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        number = meal(writing, date(2026, 10, 8)).id

    def void(writing):
        row = writing.get_one(Meal, number)
        row.voided_at, row.voided_by, row.void_reason = place.clock(), "王敏", "重复记录"

    change(place, void)
    assert corrected(place)[-1] == (OCTOBER, date(2026, 10, 8), 1, 0, "重复记录", "test")


def test_a_meal_that_moves_to_another_day_corrects_both(place, october_closed):
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        number = meal(writing, date(2026, 10, 8)).id
    change(place, lambda w: setattr(w.get_one(Meal, number), "day", date(2026, 10, 9)))
    assert [row[1:4] for row in corrected(place)[1:]] == [(date(2026, 10, 8), 1, 0), (date(2026, 10, 9), 0, 1)]


def test_a_reason_given_before_is_not_taken_for_a_later_change(place, october_closed):
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        number = meal(writing, date(2026, 10, 8), reason="漏记补录").id
    change(place, lambda w: setattr(w.get_one(Meal, number), "day", date(2026, 10, 7)))
    assert [row[1:5] for row in corrected(place)[1:]] == [
        (date(2026, 10, 7), 0, 1, None), (date(2026, 10, 8), 1, 0, None)]


def test_what_follows_from_a_change_has_its_reason(place, october_closed):
    """A named meal more is an unnamed one less of a whole sitting: for the meal's reason, not the paper list's."""
    clerk = Clerk("王敏", place.clock(), "staff.upper")
    change(place, lambda w: add_tally(w, date(2026, 10, 8), kinds_of(w)[1], TallyMode.WHOLE, TallySource.PAPER,
                                      Way.DINE_IN, 30, "纸质名单", clerk, confirmed={"old"}))

    def name_one(writing):
        row = meal(writing, date(2026, 10, 8), reason="漏记补录")
        recount(writing, row.day, row.kind_id)

    change(place, name_one)
    with place.app.app_context(), place.session("upper") as reading:
        assert reading.execute(sa.select(Correction.old, Correction.new, Correction.reason).where(
            Correction.metric == "canteen.unnamed_meals").order_by(Correction.id)).all() == [
                (0, 30, "纸质名单"), (30, 29, "漏记补录")]


@pytest.mark.parametrize(("who", "slug"), [("street", "street"), ("manager.upper", "upper")])
def test_a_figure_says_how_often_it_was_corrected_and_opens_the_list(place, october_closed, who, slug):
    change(place, lambda w: (meal(w, date(2026, 10, 8)), meal(w, date(2026, 10, 9))))
    browser = place.browser(who)
    page = browser.get(f"/{slug}/figures/canteen.named_meals/?kind=month&day=2026-10-08").text
    url, number = re.search(r'<a class="link" href="([^"]*corrections[^"]*)">(\d+)</a>', page).groups()
    assert number == "2" and "共 2 条" in browser.get(unescape(url)).text
    assert "关账后更正" in browser.get(f"/{slug}/figures/canteen.meals/?kind=quarter").text
    assert "corrections/?" not in browser.get(f"/{slug}/figures/canteen.named_meals/?kind=day").text


def test_a_reason_of_another_day_is_not_taken(place, october_closed):
    change(place, lambda w: (meal(w, date(2026, 10, 9), reason="漏记补录"), meal(w, date(2026, 10, 8))))
    assert corrected(place)[0][4] is None


@pytest.mark.parametrize("day", [date(2026, 11, 8), date(2026, 9, 8)])
def test_what_belongs_to_an_open_month_is_no_correction(place, october_closed, day):
    change(place, lambda w: meal(w, day))
    assert corrected(place) == []


def test_what_does_not_change_the_figure_is_no_correction(place, october_closed):
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        number = meal(writing, date(2026, 10, 8)).id
    change(place, lambda w: setattr(w.get_one(Meal, number), "reason", "备注"))
    assert len(corrected(place)) == 1


def test_what_is_taken_back_leaves_no_correction(place, october_closed):
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        meal(writing, date(2026, 10, 8), reason="漏记补录")
        writing.rollback()
    assert corrected(place) == []


def test_a_reason_given_within_a_savepoint_is_not_lost(place, october_closed):
    def in_two_steps(writing):
        with writing.begin_nested():
            meal(writing, date(2026, 10, 8), reason="漏记补录")
        with writing.begin_nested() as step:
            meal(writing, date(2026, 10, 9))
            step.rollback()

    change(place, in_two_steps)
    assert [row[1:5] for row in corrected(place)] == [(date(2026, 10, 8), 0, 1, "漏记补录")]


# -- the screens -----------------------------------------------------------------------------------


def test_the_street_closes_a_month_and_sees_its_corrections(place):
    street_admin = place.browser("street")
    page = street_admin.get("/street/figures/months/").get_data(as_text=True)
    assert "2026-10" in page and "month=2026-10" in page and "month=2026-11" not in page  # this month still runs
    assert street_admin.post("/street/figures/months/close/?month=2026-10").status_code == 302
    assert "month=2026-10" not in street_admin.get("/street/figures/months/").get_data(as_text=True)
    change(place, lambda w: meal(w, date(2026, 10, 8)))
    assert "in_month=2026-10-01" in street_admin.get("/street/figures/months/").get_data(as_text=True)
    page = street_admin.get("/street/figures/corrections/?in_month=2026-10-01").get_data(as_text=True)
    assert "2026-10-08" in page and "上游社区" in page


def test_a_reason_that_is_missing_is_asked_for_and_written(place, october_closed):
    change(place, lambda w: meal(w, date(2026, 10, 8)))
    staff = place.browser("staff.upper")
    assert "explained=0" in staff.get("/upper/").get_data(as_text=True)
    for number in _numbers(place):
        url = f"/upper/figures/corrections/edit/?id={number}"
        assert staff.post(url, {**staff.form(url), "reason": ""}).status_code == 422
        assert staff.post(url, {**staff.form(url), "reason": "纸质签到表补录"}).status_code == 302
    assert corrected(place)[0][4] == "纸质签到表补录"
    assert "explained=0" not in staff.get("/upper/").get_data(as_text=True)


def _numbers(place):
    with place.app.app_context(), place.session("upper") as reading:
        return reading.scalars(sa.select(Correction.id)).all()


def test_corrections_are_neither_made_nor_removed_by_hand(place, october_closed):
    change(place, lambda w: meal(w, date(2026, 10, 8)))
    manager, number = place.browser("manager.upper"), _numbers(place)[0]
    for view in ("new/", f"void/?id={number}", f"delete/?id={number}"):
        assert manager.post(f"/upper/figures/corrections/{view}", {"reason": "不要了"}).status_code == 404


def test_the_rule_is_changed_from_this_month_on(place):
    street_admin, url = place.browser("street"), "/street/figures/months/rule/"
    assert street_admin.post(url, {"due_hour": "17", "closes_on": ""}).status_code == 302
    with place.app.app_context(), place.session("upper") as reading:
        known = reporting(reading)
        rule = known.rule(reading.get_one(Area, place.ids["upper"]).path, date(2026, 11, 23))
    assert (rule.due_hour, rule.closes_on) == (17, None)
    assert street_admin.post(url, {"due_hour": "25", "closes_on": "40"}).status_code == 422


@pytest.mark.parametrize(("who", "area"), [("manager.upper", "upper"), ("staff.upper", "upper"), ("auditor", "street")])
def test_only_an_area_above_closes_months(place, who, area):
    browser = place.browser(who)
    for view in ("close/?month=2026-10", "rule/"):
        assert browser.post(f"/{area}/figures/months/{view}").status_code == 403
    assert browser.get(f"/{area}/figures/months/").status_code == 200
