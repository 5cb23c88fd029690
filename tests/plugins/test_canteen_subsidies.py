"""Who gets which subsidy for a meal, and who pays it (domain.md §2.2)."""
from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from core.api import LifeState, ValidationError, save_settings
from plugins.canteen.models import AidForm, Diner, Meal, Source, Way
from plugins.canteen.services import kinds_of, record_meal
from plugins.canteen.subsidies.rules import (
    AgeCounts,
    Eater,
    Obstacle,
    Offer,
    Used,
    age_counted,
    best,
    eater_on,
    full_aid,
    obstacle,
    offers,
    share_out,
    split_meal,
)
from plugins.canteen.subsidies.services import check_rule, end_rule, overlapping, paid_by, replace_rule
from tests.plugins.canteen_rules import born, keep, lunch, rule, settle_in, tag_id

DAY, BREAKFAST, LUNCH = date(2026, 11, 23), 1, 2
NOON = datetime(2026, 11, 23, 3, 42, tzinfo=UTC)
POOR, LONELY, DISABLED, OPERATOR = 1, 2, 3, AidForm.OPERATOR
HARD, FIXED = (POOR, LONELY), AidForm.FIXED_PRICE

JINGDEZHEN = (rule(1, age_from=70, age_to=89, amount="3"), rule(2, age_from=90, amount="5"),
              rule(3, age_from=60, tags=HARD, amount="4"))
HEFEI = (rule(1, amount="5", age_from=60, city=40, district=60),)
HUANGPU = (rule(1, age_from=65, age_to=74, form=OPERATOR, amount="0.8", district=100),
           rule(2, age_from=75, form=OPERATOR, amount="1.5", district=100))
ZHIXI = (rule(1, age_from=60, age_to=75, form=FIXED, amount="5", community=50, donor=50),
         rule(2, age_from=76, age_to=89, form=FIXED, amount="3", community=50, donor=50),
         rule(3, age_from=90, form=FIXED, amount="0", community=50, donor=50))
HUANGXIANG = (rule(1, age_from=60, form=FIXED, amount="12"), rule(2, age_from=60, tags=HARD, form=FIXED, amount="10"),
              rule(3, tags=(DISABLED,), form=FIXED, amount="10"))
ZHUHAI = (rule(1, age_from=60, registered_only=True, form=AidForm.SHARE, percent=30, city=100),)
HERE, ELSEWHERE = True, False


@pytest.mark.parametrize(("place_rules", "price", "age", "tags", "registered", "rule_id", "paid", "public", "donors",
                          "operator"), [
    (JINGDEZHEN, "15", 69, (), HERE, None, "15", "0", "0", "0"),
    (JINGDEZHEN, "15", 70, (), HERE, 1, "12", "3", "0", "0"),
    (JINGDEZHEN, "15", 89, (), HERE, 1, "12", "3", "0", "0"),
    (JINGDEZHEN, "15", 90, (), HERE, 2, "10", "5", "0", "0"),
    (JINGDEZHEN, "15", 60, (POOR,), HERE, 3, "11", "4", "0", "0"),
    (JINGDEZHEN, "15", 75, (LONELY,), HERE, 3, "11", "4", "0", "0"),  # the better one, never both
    (JINGDEZHEN, "15", 92, (POOR,), HERE, 2, "10", "5", "0", "0"),
    (JINGDEZHEN, "2.50", 75, (), HERE, 1, "0", "2.50", "0", "0"),  # never more than the price
    (HEFEI, "8", 60, (), HERE, 1, "3", "5", "0", "0"),
    (HEFEI, "8", 59, (), HERE, None, "8", "0", "0", "0"),
    (HUANGPU, "20", 64, (), HERE, None, "20", "0", "0", "0"),
    (HUANGPU, "20", 65, (), HERE, 1, "20", "0", "0", "0.80"),
    (HUANGPU, "20", 75, (), HERE, 2, "20", "0", "0", "1.50"),
    (ZHIXI, "12", 75, (), HERE, 1, "5", "3.50", "3.50", "0"),
    (ZHIXI, "12", 76, (), HERE, 2, "3", "4.50", "4.50", "0"),
    (ZHIXI, "12", 90, (), HERE, 3, "0", "6", "6", "0"),
    (ZHIXI, "4", 70, (), HERE, None, "4", "0", "0", "0"),  # the fixed price lies above the price
    (HUANGXIANG, "15", 59, (), HERE, None, "15", "0", "0", "0"),
    (HUANGXIANG, "15", 61, (), HERE, 1, "12", "3", "0", "0"),
    (HUANGXIANG, "15", 61, (LONELY,), HERE, 2, "10", "5", "0", "0"),
    (HUANGXIANG, "15", 40, (DISABLED,), HERE, 3, "10", "5", "0", "0"),
    (ZHUHAI, "12.35", 60, (), HERE, 1, "8.64", "3.71", "0", "0"),  # 3.705 is rounded half-up
    (ZHUHAI, "12.35", 60, (), ELSEWHERE, None, "12.35", "0", "0", "0"),
    (ZHUHAI, "12.35", None, (), HERE, None, "12.35", "0", "0", "0"),  # nobody knows the birth date
])
def test_six_places_pay_as_their_rules_say(
    place_rules, price, age, tags, registered, rule_id, paid, public, donors, operator
):
    eater = Eater(age, frozenset(tags), registered)
    chosen = best(offers(place_rules, eater, {}, DAY, LUNCH, Decimal(price)))
    split = split_meal(Decimal(price), chosen)
    assert (chosen.rule.id if chosen else None) == rule_id
    assert [split.self_pay, split.government, split.other_aid, split.operator_aid] == [
        Decimal(x) for x in (paid, public, donors, operator)]
    assert_adds_up(split)


def assert_adds_up(split):
    pays = (split.city_pays, split.district_pays, split.street_pays, split.community_pays, split.donors_pay)
    assert split.standard_price == split.self_pay + split.government + split.other_aid
    assert sum(pays) == split.government + split.other_aid + split.operator_aid <= split.standard_price
    assert min(*vars(split).values()) >= 0
    assert all(amount == round(amount, 2) for amount in vars(split).values())


@pytest.mark.parametrize(("birth_date", "day", "that_day", "this_month", "next_month"), [
    ("1956-11-15", "2026-11-14", 69, 70, 69),
    ("1956-11-15", "2026-11-15", 70, 70, 69),
    ("1956-11-15", "2026-10-31", 69, 69, 69),
    ("1956-11-15", "2026-11-30", 70, 70, 69),
    ("1956-11-15", "2026-12-01", 70, 70, 70),
    ("1956-11-01", "2026-11-01", 70, 70, 69),  # the 1st of the next month is 1 December
    ("1956-11-30", "2026-11-01", 69, 70, 69),
    ("1956-02-29", "2026-02-28", 69, 69, 69),  # turns on 1 March
    ("1956-02-29", "2026-03-01", 70, 70, 69),
    ("1956-02-29", "2026-04-01", 70, 70, 70),
    ("1956-02-29", "2028-02-29", 72, 72, 71),
    ("1956-02-29", "2028-02-01", 71, 72, 71),
    ("2026-11-20", "2026-11-23", 0, 0, 0),
])
def test_an_age_counts_from_the_day_the_month_or_the_next_month(birth_date, day, that_day, this_month, next_month):
    resident, on = born(birth_date), date.fromisoformat(day)
    assert [age_counted(resident, on, how) for how in AgeCounts] == [that_day, this_month, next_month]


@pytest.mark.parametrize(("terms", "eater", "day", "why"), [
    ({}, Eater(None), "2026-11-23", None),
    ({"starts_on": date(2026, 11, 16)}, Eater(70), "2026-11-15", Obstacle.DATES),
    ({"starts_on": date(2026, 11, 16)}, Eater(70), "2026-11-16", None),
    ({"ends_on": date(2026, 11, 15)}, Eater(70), "2026-11-15", None),
    ({"ends_on": date(2026, 11, 15)}, Eater(70), "2026-11-16", Obstacle.DATES),
    ({"kinds": (BREAKFAST,)}, Eater(70), "2026-11-23", Obstacle.KIND),
    ({"kinds": (BREAKFAST, LUNCH)}, Eater(70), "2026-11-23", None),
    ({"age_from": 70}, Eater(69), "2026-11-23", Obstacle.TOO_YOUNG),
    ({"age_to": 89}, Eater(90), "2026-11-23", Obstacle.TOO_OLD),
    ({"age_to": 89}, Eater(None), "2026-11-23", Obstacle.NO_BIRTH_DATE),
    ({"tags": HARD}, Eater(70, frozenset({DISABLED})), "2026-11-23", Obstacle.NO_TAG),
    ({"tags": HARD}, Eater(None, frozenset({LONELY})), "2026-11-23", None),
    ({"registered_only": True}, Eater(70), "2026-11-23", Obstacle.NOT_REGISTERED),
    ({}, Eater(70, lives_here=False), "2026-11-23", Obstacle.LEFT),
])
def test_a_rule_holds_for_those_whom_it_names_and_says_why_not_for_others(terms, eater, day, why):
    assert obstacle(rule(amount="3", **terms), eater, date.fromisoformat(day), LUNCH) == why


@pytest.mark.parametrize(("state", "left_on", "lives_here"), [
    (LifeState.ALIVE, None, True), (LifeState.MOVED, date(2026, 11, 23), False),
    (LifeState.MOVED, date(2026, 11, 24), True), (LifeState.MOVED, None, False),
    (LifeState.DECEASED, date(2026, 11, 1), False),
])
def test_who_left_has_no_claim_from_that_day_on(state, left_on, lives_here):
    eater = eater_on(born("1940-01-01", state=state, state_on=left_on), (), DAY, AgeCounts.DAY)
    assert eater.lives_here is lives_here


@pytest.mark.parametrize(("caps", "used", "paid"), [
    ({"meals_a_day": 1}, Used(0, 5), "3"), ({"meals_a_day": 1}, Used(1, 5), "0"),
    ({"meals_a_month": 22}, Used(0, 21), "3"), ({"meals_a_month": 22}, Used(0, 22), "0"),
    ({"yuan_a_day": "5"}, Used(1, 9, Decimal("3"), Decimal("27")), "2"),  # the rest that is left
    ({"yuan_a_day": "6"}, Used(2, 9, Decimal("6"), Decimal("27")), "0"),
    ({"yuan_a_month": "60"}, Used(0, 19, Decimal(0), Decimal("57.50")), "2.50"),
    ({"yuan_a_month": "60"}, Used(0, 20, Decimal(0), Decimal("60")), "0"),
    ({"yuan_a_day": "5", "yuan_a_month": "28"}, Used(1, 9, Decimal("3"), Decimal("27")), "1"),
])
def test_a_cap_pays_what_is_left_of_it(caps, used, paid):
    only = rule(1, amount="3", **caps)
    [offered] = offers([only], Eater(75), {1: used}, DAY, LUNCH, Decimal(15))
    assert offered.aid == Decimal(paid) and (offered.obstacle is None) == (offered.aid > 0)


def test_the_best_that_still_has_room_counts():
    rich, plain = rule(1, amount="5", meals_a_month=10), rule(2, amount="3")
    for meals, counts in ((9, rich), (10, plain)):
        assert best(offers([rich, plain], Eater(75), {1: Used(0, meals)}, DAY, LUNCH, Decimal(15))).rule is counts
    almost = rule(1, amount="5", yuan_a_month="60")  # one yuan is left: three are better
    used = {1: Used(0, 12, Decimal(0), Decimal(59))}
    assert best(offers([almost, plain], Eater(75), used, DAY, LUNCH, Decimal(15))).rule is plain


def test_of_two_that_pay_as_much_the_priority_counts_then_the_older_rule():
    older, newer, urgent = rule(4, amount="3"), rule(7, amount="3"), rule(9, amount="3", priority=1)
    of = lambda *rules: best(offers(rules, Eater(75), {}, DAY, LUNCH, Decimal(15))).rule  # noqa: E731 – said thrice
    assert of(newer, older) is older and of(older, newer, urgent) is urgent
    assert of(urgent, rule(10, amount="3.01")).id == 10


@pytest.mark.parametrize(("percent", "price", "aid"), [
    (33, "12.35", "4.08"), (50, "12.35", "6.18"), (50, "0.01", "0.01"), (1, "0.49", "0.00"), (100, "12.35", "12.35"),
])
def test_a_share_is_rounded_half_up_to_the_fen(percent, price, aid):
    assert full_aid(rule(form=AidForm.SHARE, percent=percent), Decimal(price)) == Decimal(aid)


@pytest.mark.parametrize(("amount", "shares", "parts"), [
    ("5.00", (40, 60, 0, 0, 0), ("2.00", "3.00", "0", "0", "0")),
    ("3.00", (33, 33, 34, 0, 0), ("0.99", "0.99", "1.02", "0", "0")),
    ("0.05", (50, 50, 0, 0, 0), ("0.02", "0.03", "0", "0", "0")),  # of equal shares the first gets the rest
    ("0.01", (20, 20, 20, 20, 20), ("0.01", "0", "0", "0", "0")),
    ("0.03", (20, 20, 20, 20, 20), ("0", "0.01", "0.01", "0.01", "0")),  # four halves up would be more than there is
])
def test_an_amount_is_shared_out_and_the_largest_share_takes_the_rest(amount, shares, parts):
    assert share_out(Decimal(amount), shares) == [Decimal(part) for part in parts]


@st.composite
def any_rule(draw):
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=4, max_size=4)))
    shares = [b - a for a, b in zip([0, *cuts], [*cuts, 100], strict=True)]
    money = st.decimals(min_value=0, max_value=50, places=2)
    return rule(draw(st.integers(1, 9)), form=draw(st.sampled_from(AidForm)), amount=draw(money),
                percent=draw(st.integers(1, 100)), yuan_a_month=draw(st.none() | money),
                priority=draw(st.integers(0, 2)),
                **dict(zip(("city", "district", "street", "community", "donor"), shares, strict=True)))


@settings(deadline=None)  # the first example pays for what is loaded
@given(st.lists(any_rule(), max_size=4), st.decimals(min_value=0, max_value=60, places=2),
       st.decimals(min_value=0, max_value=60, places=2))
def test_a_split_always_adds_up_and_nobody_pays_less_than_nothing(rules, price, spent):
    used = {each.id: Used(1, 1, spent, spent) for each in rules}
    found = offers(rules, Eater(75), used, DAY, LUNCH, price)
    chosen = best(found)
    assert_adds_up(split_meal(price, chosen))
    assert max((each.aid for each in found), default=0) == (chosen.aid if chosen else 0)
    if chosen and chosen.rule.yuan_a_month is not None:
        assert spent + chosen.aid <= chosen.rule.yuan_a_month


# -- meals --------------------------------------------------------------------------------------


@pytest.fixture
def book(place):
    """The canteen of upper: (session, record a lunch)."""
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        def eat(diner, day=DAY, kind=None):
            meal = record_meal(session, diner, day, kind or lunch(session), Way.DINE_IN, "王敏", NOON,
                               source=Source.BACK_ENTRY, reason="停电", confirmed={"early", "old"})
            session.flush()
            return meal
        yield session, eat


def november(day):
    return date(2026, 11, day)


def test_a_meal_keeps_its_rule_age_and_payers(book):
    session, eat = book
    kept = keep(session, age_from=70, amount="3", city=50, street=30, donor=20)
    meal = eat(settle_in(session, "张秀英", "1951-03-04"))
    assert (meal.rule, meal.age, meal.standard_price, meal.self_pay) == (kept, 75, 15, 12)
    assert (meal.government, meal.other_aid) == (Decimal("2.40"), Decimal("0.60"))
    assert (meal.city_pays, meal.street_pays, meal.donors_pay) == (Decimal("1.50"), Decimal("0.90"), Decimal("0.60"))


def test_a_guest_gets_no_subsidy(book):
    session, eat = book
    keep(session, amount="3")
    meal = eat(None)
    assert (meal.rule, meal.age, meal.self_pay) == (None, None, 15)


def test_a_rule_that_changes_on_the_16th_pays_by_the_day_of_the_meal(book):
    session, eat = book
    old = keep(session, amount="3", ends_on=november(15))
    new = keep(session, amount="4", starts_on=november(16))
    diner = settle_in(session, "张秀英", "1951-03-04")
    assert [eat(diner, november(day)).rule for day in (16, 15)] == [new, old]


@pytest.mark.parametrize(("how", "first_day"), [("day", 15), ("month", 1), ("next_month", None), (None, 15)])
def test_a_70th_birthday_on_the_15th_counts_as_the_community_says(book, how, first_day):
    session, eat = book
    save_settings(session, lunch(session).community_id, "canteen", {"age_counts": how} if how else {})
    keep(session, age_from=70, amount="3")
    diner = settle_in(session, "张秀英", "1956-11-15")
    meals = {day: eat(diner, november(day)) for day in (1, 14, 15, 16)}
    assert {day for day, meal in meals.items() if meal.rule} == {d for d in meals if first_day and d >= first_day}
    assert {meal.age for day, meal in meals.items() if meal.rule} <= {70}


def test_a_cap_that_is_used_up_on_the_13th_pays_again_in_the_next_month(book):
    session, eat = book
    keep(session, amount="3", yuan_a_month="38")
    diner, other = settle_in(session, "张秀英", "1951-03-04"), settle_in(session, "李桂兰", "1951-03-04")
    aids = [eat(diner, november(day)).government for day in range(1, 16)]
    assert aids == [3] * 12 + [2, 0, 0] and eat(diner, date(2026, 10, 31)).government == 3
    assert eat(other, november(14)).government == 3


def test_meals_that_were_voided_or_taken_back_use_no_cap(book):
    session, eat = book
    keep(session, amount="3", meals_a_month=1)
    diner = settle_in(session, "张秀英", "1951-03-04")
    first = eat(diner, november(2))
    assert eat(diner, november(3)).rule is None
    first.voided_at, first.voided_by, first.void_reason = NOON, "王敏", "记错"
    session.flush()
    second = eat(diner, november(4))
    assert second.rule is not None
    second.reversed_on = november(20)
    session.flush()
    assert eat(diner, november(5)).rule is not None


def test_a_cap_by_day_counts_the_meals_of_the_day(book):
    session, eat = book
    kept = keep(session, amount="3", meals_a_day=1)
    diner = settle_in(session, "张秀英", "1951-03-04")
    breakfast, dinner = kinds_of(session)[0], kinds_of(session)[2]
    found = [eat(diner, november(20), kind).rule for kind in (dinner, breakfast)] + [eat(diner, november(21)).rule]
    assert found == [kept, None, kept]


def test_a_tag_opens_a_rule_only_while_it_holds(book):
    session, eat = book
    diner = settle_in(session, "张秀英", "1951-03-04", tags=[("低保", november(10), november(15))])
    [tag] = {tag.kind_id for tag in diner.resident.tags} or {None}
    kept = keep(session, amount="4", tags=(tag,))
    assert [eat(diner, november(day)).rule for day in (9, 10, 15, 16)] == [None, kept, kept, None]


def test_a_rule_that_changes_later_changes_no_meal_of_the_past(book):
    session, eat = book
    kept = keep(session, amount="3")
    meal = eat(settle_in(session, "张秀英", "1951-03-04"))
    kept.amount, kept.street_share, kept.city_share = Decimal(9), 0, 100
    kept.ends_on = november(1)
    session.flush()
    session.expire_all()
    assert (meal.rule, meal.government, meal.street_pays, meal.self_pay) == (kept, 3, 3, 12)


def test_a_rule_in_the_bin_pays_nothing(book):
    session, eat = book
    keep(session, amount="3", deleted_at=NOON)
    assert eat(settle_in(session, "张秀英", "1951-03-04")).rule is None


def test_a_meal_without_any_rule_in_force_costs_no_statement_more(book):
    session, eat = book
    diner = settle_in(session, "张秀英", "1951-03-04")
    save_settings(session, lunch(session).community_id, "canteen", {})
    counted = []
    eat(diner, november(1))  # what is asked once in a transaction
    for day in (2, 3, 4):
        if day == 4:
            keep(session, amount="3", meals_a_month=20, tags=(tag_id(session, "低保"),), age_from=60)
        with counting(session) as statements:
            eat(diner, november(day))
        counted.append(len(statements))
    without, same, capped = counted
    assert without == same and capped - without <= 3


class counting:
    """The statements of a session while it lasts."""

    def __init__(self, session):
        self.connection, self.seen = session.connection(), []

    def _note(self, _connection, _cursor, statement, *_rest):
        self.seen.append(statement)

    def __enter__(self):
        sa.event.listen(self.connection, "before_cursor_execute", self._note)
        return self.seen

    def __exit__(self, *_error):
        sa.event.remove(self.connection, "before_cursor_execute", self._note)


def test_two_counters_at_once_do_not_both_use_the_last_room_of_a_cap(place):
    with place.app.app_context(), place.session("upper", writes=True) as session:
        keep(session, amount="3", meals_a_day=1)
        number = settle_in(session, "张秀英", "1951-03-04").id
        session.commit()
    both, failed = Barrier(2), []

    def serve(at: int) -> None:
        try:
            with place.app.test_request_context():
                both.wait(5)
                with place.session("upper", writes=True) as session:
                    diner = session.scalars(sa.select(Diner).where(Diner.id == number)).one()
                    record_meal(session, diner, DAY, kinds_of(session)[at], Way.DINE_IN, "王敏", NOON,
                                confirmed={"hours"})
                    session.commit()
        except Exception as error:  # noqa: BLE001 – a thread's fault is told by the test
            failed.append(error)

    threads = [Thread(target=serve, args=(at,)) for at in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    with place.app.app_context(), place.session("upper") as session:
        assert not failed
        assert sorted(session.scalars(sa.select(Meal.government))) == [0, 3]


# -- making and ending rules ----------------------------------------------------------------------


def test_a_rule_that_cannot_be_meant_so_is_refused_at_its_field(place):
    wrong = (
        ({"amount": "3", "ends_on": date(2025, 12, 31)}, "ends_on"),
        ({"amount": "3", "age_from": 80, "age_to": 70}, "age_to"),
        ({}, "amount"), ({"amount": "0"}, "amount"),
        ({"form": AidForm.SHARE, "amount": "3"}, "percent"), ({"form": AidForm.SHARE, "percent": 101}, "percent"),
        ({"amount": "3", "meals_a_day": 0}, "meals_a_day"), ({"amount": "3", "yuan_a_month": "0"}, "yuan_a_month"),
        ({"amount": "3", "city": 50, "street": 30}, "city_share"), ({"amount": "3", "city": 101}, "city_share"),
    )
    with place.app.test_request_context():
        for terms, field in wrong:
            with pytest.raises(ValidationError) as refused:
                check_rule(rule(**terms))
            assert refused.value.field == field, terms
        check_rule(rule(form=AidForm.FIXED_PRICE, amount="0"))  # a free meal


def test_a_new_rule_ends_the_old_one_on_the_day_before(place):
    old = rule(amount="3")
    replace_rule(old, rule(2, amount="4", starts_on=november(16)))
    assert old.ends_on == november(15)
    replace_rule(old, rule(3, amount="5", starts_on=november(20)))
    assert old.ends_on == november(15)
    with place.app.test_request_context():
        with pytest.raises(ValidationError):
            replace_rule(old, rule(4, amount="4", starts_on=old.starts_on))
        for day in (date(2025, 12, 31), november(16)):
            with pytest.raises(ValidationError):
                end_rule(old, day)


def test_rules_of_one_name_on_the_same_days_are_found(book):
    session, _eat = book
    first = keep(session, amount="3", ends_on=november(15))
    assert overlapping(session, keep(session, amount="4", starts_on=november(16))) is None
    assert overlapping(session, keep(session, amount="4", starts_on=november(15), ends_on=november(15))) == first
    assert overlapping(session, keep(session, amount="4", name="别的")) is None


def test_what_a_rule_paid_is_what_counts(book):
    session, eat = book
    kept = keep(session, amount="3", form=AidForm.OPERATOR)
    diner = settle_in(session, "张秀英", "1951-03-04")
    meals = [eat(diner, november(day)) for day in (1, 2, 3)]
    meals[0].voided_at = NOON
    session.flush()
    paid = paid_by(session, kept)
    assert (paid.meals, paid.yuan) == (2, 6)


def test_an_offer_says_nothing_by_itself():
    assert best([]) is None and best([Offer(rule(), obstacle=Obstacle.DATES)]) is None
