"""The canteen's rules: which meal, what it costs, who may have it."""
from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
import sqlalchemy as sa

from core.api import ConfirmationNeeded, LifeState, ValidationError, save_settings
from plugins.canteen.cards import issue_card, lose_card, replace_card
from plugins.canteen.models import Diner, MealKind, Price, Source, Way
from plugins.canteen.services import (
    AlreadyTaken,
    NoPrice,
    kind_at,
    kinds_of,
    make_diner,
    price_on,
    record_meal,
)
from tests.plugins.canteen_people import add_diner

TODAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 3, 42, tzinfo=UTC)  # 11:42 in Beijing
EVENING = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)  # 21:00 in Beijing


@pytest.mark.parametrize(("clock", "meal"), [
    ("06:30", "早餐"), ("08:30", "早餐"), ("09:30", "午餐"), ("09:29", "早餐"), ("10:30", "午餐"), ("13:00", "午餐"),
    ("14:44", "午餐"), ("14:45", "晚餐"), ("18:30", "晚餐"), ("23:59", "晚餐"), ("00:00", "早餐"),
])
def test_the_clock_chooses_the_meal_and_between_windows_the_nearest(clock, meal):
    kinds = [MealKind(name="早餐", opens=time(6, 30), closes=time(8, 30)),
             MealKind(name="午餐", opens=time(10, 30), closes=time(13, 0)),
             MealKind(name="晚餐", opens=time(16, 30), closes=time(18, 30))]
    assert kind_at(kinds, time.fromisoformat(clock)).name == meal


def test_a_community_without_kinds_has_no_meal():
    assert kind_at([], time(12)) is None


def test_switching_the_canteen_on_makes_three_meals_with_prices_once(place):
    with place.app.app_context(), place.session("upper") as session:
        kinds = kinds_of(session)
        assert [(k.name, f"{k.opens:%H:%M}", f"{k.closes:%H:%M}") for k in kinds] == [
            ("早餐", "06:30", "08:30"), ("午餐", "10:30", "13:00"), ("晚餐", "16:30", "18:30")]
        assert price_on(session, kinds[1], TODAY) == Decimal("15.00")


def test_a_later_price_changes_no_meal_of_the_past(place):
    add_diner(place, "张秀英")
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        lunch, diner = kinds_of(session)[1], session.scalar(sa.select(Diner))
        before = record_meal(session, diner, date(2026, 11, 20), lunch, Way.DINE_IN, "王敏", NOON,
                             source=Source.BACK_ENTRY, reason="停电")
        session.add(Price(kind_id=lunch.id, starts_on=date(2026, 11, 21), amount=Decimal("16.50")))
        session.flush()
        after = record_meal(session, diner, TODAY, lunch, Way.DINE_IN, "王敏", NOON)
        assert (before.standard_price, after.standard_price) == (Decimal("15.00"), Decimal("16.50"))
        assert price_on(session, lunch, date(2025, 12, 31)) is None


REFUSED = {
    "deceased": (dict(state=LifeState.DECEASED, state_on=date(2026, 11, 1)), {}, "2026-11-01"),
    "the future": ({}, dict(day=date(2026, 11, 24)), "2026-11-24"),
    "before the opening day": ({}, dict(day=date(2026, 8, 31), source=Source.BACK_ENTRY, reason="停电"), "2026-09-01"),
    "a back entry without a reason": ({}, dict(source=Source.BACK_ENTRY, reason=" "), ""),
    "no longer served": ({}, dict(kind="夜宵"), "夜宵"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_in_words(place, case):
    about, values, word = REFUSED[case]
    add_diner(place, "张秀英", **about)
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        save_settings(session, place.ids["upper"], "canteen", {"opened_on": "2026-09-01"})
        session.add(MealKind(name="夜宵", opens=time(20), closes=time(21), deleted_at=NOON))
        session.flush()
        kinds = {k.name: k for k in session.scalars(sa.select(MealKind))}
        values = {"day": TODAY, **values}
        kind, day = kinds[values.pop("kind", "午餐")], values.pop("day")
        with pytest.raises(ValidationError) as error:
            record_meal(session, session.scalar(sa.select(Diner)), day, kind, Way.DINE_IN, "王敏", NOON, **values)
        assert word in str(error.value)


def test_a_meal_without_a_price_is_refused_and_names_the_meal(place):
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        lunch = kinds_of(session)[1]
        with pytest.raises(NoPrice, match="午餐"):
            record_meal(session, None, date(2025, 12, 30), lunch, Way.DINE_IN, "王敏", NOON,
                        source=Source.BACK_ENTRY, reason="停电", confirmed={"old"})


def test_a_second_meal_is_refused_with_who_recorded_it_and_when(place):
    add_diner(place, "张秀英")
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        lunch, diner = kinds_of(session)[1], session.scalar(sa.select(Diner))
        record_meal(session, diner, TODAY, lunch, Way.DINE_IN, "王敏", NOON)
        session.flush()
        with pytest.raises(AlreadyTaken) as error:
            record_meal(session, diner, TODAY, lunch, Way.TAKE_AWAY, "李华", EVENING)
        assert "王敏" in str(error.value) and "11:42" in str(error.value)


ASKED = {
    "hours": (dict(at=EVENING), {}, {}),
    "early": (dict(source=Source.BACK_ENTRY, reason="停电", kind=2), {}, {}),
    "old": (dict(source=Source.BACK_ENTRY, reason="停电", day=date(2026, 10, 1)), {}, {}),
    "moved": ({}, dict(state=LifeState.MOVED, state_on=date(2026, 10, 1)), dict(moved_reason="回来探亲")),
}


@pytest.mark.parametrize("question", ASKED)
def test_what_is_unusual_is_asked_and_an_answer_records_it(place, question):
    values, about, answer = ASKED[question]
    add_diner(place, "张秀英", **about)
    values = dict(values)
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        diner, kind = session.scalar(sa.select(Diner)), kinds_of(session)[values.pop("kind", 1)]
        day, at = values.pop("day", TODAY), values.pop("at", NOON)
        with pytest.raises(ConfirmationNeeded) as asked:
            record_meal(session, diner, day, kind, Way.DINE_IN, "王敏", at, **values)
        assert asked.value.question == question
        meal = record_meal(session, diner, day, kind, Way.DINE_IN, "王敏", at, confirmed={question}, **values, **answer)
        assert meal.diner is diner
        assert question != "moved" or meal.reason == "回来探亲"


def test_saying_yes_to_somebody_who_moved_is_not_enough_without_a_reason(place):
    add_diner(place, "张秀英", state=LifeState.MOVED, state_on=date(2026, 10, 1))
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        diner, lunch = session.scalar(sa.select(Diner)), kinds_of(session)[1]
        with pytest.raises(ConfirmationNeeded):
            record_meal(session, diner, TODAY, lunch, Way.DINE_IN, "王敏", NOON, confirmed={"moved"}, moved_reason=" ")


def test_a_lost_card_keeps_its_dates_and_its_number_can_be_handed_out_again(place):
    add_diner(place, "张秀英", card="0000012345")
    add_diner(place, "李建国")
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        first, second = session.scalars(sa.select(Diner).order_by(Diner.id))
        with pytest.raises(ValidationError, match="张秀英"):
            issue_card(session, second, " 0000-012345 ", TODAY, TODAY)
        with pytest.raises(ValidationError):
            lose_card(session, first, date(2026, 11, 24), "遗失", TODAY)
        with pytest.raises(ValidationError, match="2026-03-01"):
            lose_card(session, first, date(2026, 2, 1), "遗失", TODAY)
        replace_card(session, first, "0000099999", TODAY, "遗失", TODAY)
        session.flush()
        session.refresh(first)
        assert [(c.number, c.ended_on, c.end_reason) for c in first.cards] == [
            ("0000012345", TODAY, "遗失"), ("0000099999", None, None)]
        assert first.card.number == "0000099999"
        issue_card(session, second, "0000012345", TODAY, TODAY)
        session.flush()


def test_a_resident_becomes_a_diner_once(place):
    add_diner(place, "张秀英")
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        diner = session.scalar(sa.select(Diner))
        assert make_diner(session, diner.resident) is diner
