"""The month's settlement: its steps, what it locks, its sums, its hash, its paper."""
from __future__ import annotations

import io
import re
import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product
from pathlib import Path
from random import Random

import openpyxl
import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st

from core.accounts.service import add_membership, built_in_role, create_user, find_user
from core.api import Area, ValidationError
from core.areas.scope import session_for
from core.testing.place import PASSWORD
from plugins.canteen import plugin
from plugins.canteen.ledger.books import reverse_meal
from plugins.canteen.ledger.closing import close_day, day_sums, open_days
from plugins.canteen.ledger.days import hold
from plugins.canteen.ledger.takings import Clerk
from plugins.canteen.models import Diner, Meal, MealKind, Source, SubsidyRule, Way
from plugins.canteen.settlement import services
from plugins.canteen.settlement.capitals import capital_yuan
from plugins.canteen.settlement.lines import AMOUNTS, canonical, last_of, read_canonical
from plugins.canteen.settlement.locks import is_locked
from plugins.canteen.settlement.models import Settlement, SettlementState, SettlementStep, StepKind
from plugins.canteen.settlement.sheets import names_for, sheets_of
from tests.plugins.canteen_people import add_diner

LIST, PAGE = "/upper/canteen/settlements/", "/upper/canteen/settlements/details/"
STEPS = "/upper/canteen/settlement-steps/"
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
AT = datetime(2026, 11, 3, 2, 0, tzinfo=UTC)
EVENING = datetime(2026, 12, 2, 12, 0, tzinfo=UTC)
SUBSIDY = Decimal("3.00")
pages = pytest.mark.parametrize("kind", ["sqlite"])  # pages look alike on both databases


# -- 大写金额 ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("amount", "capitals"), [
    ("0", "零元整"), ("0.05", "伍分"), ("0.50", "伍角整"), ("0.55", "伍角伍分"), ("1", "壹元整"), ("10.00", "壹拾元整"),
    ("1.05", "壹元零伍分"), ("1.50", "壹元伍角整"), ("110.00", "壹佰壹拾元整"), ("1007.14", "壹仟零柒元壹角肆分"),
    ("1409.50", "壹仟肆佰零玖元伍角整"), ("6007.14", "陆仟零柒元壹角肆分"), ("1680.32", "壹仟陆佰捌拾元叁角贰分"),
    ("16409.02", "壹万陆仟肆佰零玖元零贰分"), ("325.04", "叁佰贰拾伍元零肆分"), ("107000.53", "壹拾万柒仟元伍角叁分"),
    ("10001", "壹万零壹元整"), ("100000", "壹拾万元整"), ("1000010", "壹佰万零壹拾元整"),
    ("100000000.01", "壹亿元零壹分"), ("100010000", "壹亿零壹万元整"), ("1000000000000", "壹万亿元整"),
    ("-1007.14", "负壹仟零柒元壹角肆分"), ("-0.05", "负伍分"),
])
def test_an_amount_in_capitals_follows_the_banks_rules(amount, capitals):
    assert capital_yuan(Decimal(amount)) == capitals


UNITS = {"拾": 10, "佰": 100, "仟": 1000}


def read_capitals(text):
    """Fen, read as a person reads it: digit by digit, 万 and 亿 lift what was read before."""
    sign, text = (-1, text[1:]) if text.startswith("负") else (1, text)
    whole, _yuan, rest = text.partition("元") if "元" in text else ("", "", text)
    total = part = digit = 0
    for char in whole:
        if char in UNITS:
            part, digit = part + digit * UNITS[char], 0
        elif char == "万":
            total, part, digit = total + (part + digit) * 10**4, 0, 0
        elif char == "亿":
            total, part, digit = (total + part + digit) * 10**8, 0, 0
        else:
            digit = "零壹贰叁肆伍陆柒捌玖".index(char)
    parts = re.findall(r"([壹贰叁肆伍陆柒捌玖])([角分])", rest)
    fen = sum("零壹贰叁肆伍陆柒捌玖".index(d) * (10 if unit == "角" else 1) for d, unit in parts)
    return sign * ((total + part + digit) * 100 + fen)


@given(st.integers(-(10**18) + 1, 10**18 - 1))
@example(10_000_000_001)
@example(0)
def test_capitals_can_be_read_back(fen):
    text = capital_yuan(Decimal(fen) / 100)
    assert read_capitals(text) == fen and "零零" not in text and text.endswith(("整", "分"))


@pytest.mark.parametrize("amount", ["0.001", "10000000000000000"])
def test_what_has_no_capitals_is_refused(amount):
    with pytest.raises(ValueError, match=amount):
        capital_yuan(Decimal(amount))


# -- a month with meals --------------------------------------------------------------------------


def add_meal(session, day, *, diner=None, kind="午餐", booked_on=None, aid=SUBSIDY, payer="street_pays", **values):
    """A meal of 15 yuan of which `aid` is the government's."""
    values = {"recorded_by": "李敏", "recorded_at": AT, "way": Way.DINE_IN, "source": Source.COUNTER, **values}
    split = {"standard_price": Decimal(15), "self_pay": 15 - aid, "government": aid, "other_aid": Decimal(0),
             payer: aid} if "standard_price" not in values else {}
    meal = Meal(day=day, booked_on=booked_on or day, diner_id=diner, **values, **split,
                kind_id=session.scalar(sa.select(MealKind.id).where(MealKind.name == kind)))
    session.add(meal)
    session.flush()
    return meal


def take_back(session, meal, booked_on, reason="重复登记"):
    """The row that the books of a later day get."""
    meal.reversed_on = booked_on
    return add_meal(session, meal.day, diner=meal.diner_id, kind=meal.kind.name, booked_on=booked_on, reason=reason,
                    reverses_id=meal.id, rule_id=meal.rule_id, **{name: -getattr(meal, name) for name in AMOUNTS})


def diner_id(place, name):
    number = add_diner(place, name)
    with place.app.app_context(), place.session("upper") as session:
        return session.scalar(sa.select(Diner.id).where(Diner.resident_id == number))


@pytest.fixture
def october(place):
    """Two people with three meals in October 2026, one of September; a second account of the street."""
    people = [diner_id(place, name) for name in ("张秀英", "欧阳建国")]
    with place.app.app_context(), place.session("upper", writes=True) as session:
        for day in (5, 6):
            add_meal(session, date(2026, 10, day), diner=people[0])
        add_meal(session, date(2026, 10, 6), diner=people[1], kind="早餐")
    with place.app.app_context(), session_for(None, "a test prepares", writes=True) as session:
        add_account(place, session, "finance", {"street": "street"})
    return people


def add_account(place, session, name, roles):
    create_user(session, name, f"{name} 老师", place.clock(), PASSWORD)
    for slug, role in roles.items():
        add_membership(session, find_user(session, name), session.get(Area, place.ids[slug]),
                       built_in_role(session, role), date(2026, 1, 1))


def signed_in(place, username):
    """Each person signs in once a test."""
    known, who = vars(place).setdefault("signed_in", {}), (username, place.clock())
    if who not in known:
        known[who] = place.browser(username)
    return known[who]


def make(browser, month="2026-10-01", slug="upper"):
    url = f"/{slug}/canteen/settlement-steps/"
    answer = browser.post(f"{url}", {**browser.form(f"{url}"), "month": month})
    assert answer.status_code == 302, answer.get_data(as_text=True)
    close_days(browser.place, date.fromisoformat(month), slug)
    return int(answer.location.rpartition("=")[2])


def close_days(place, month, slug):
    """Every day with meals so far."""
    with place.app.app_context(), place.session(slug, writes=True) as session:
        for day in open_days(session, month, last_of(month)):
            sums = day_sums(session, day)
            close_day(session, place.ids[slug], sums, sums.money, "", Clerk("李敏", EVENING, "staff.upper"))


def step(browser, number, what, slug="upper", **typed):
    """Press the button of the page as it stands; the page that follows, as text."""
    page = f"/{slug}/canteen/settlements/details/?id={number}"
    opened = page if what != "pay" else f"/{slug}/canteen/settlement-steps/pay/?id={number}"
    return send(browser, number, what, {**browser.form(opened), **typed}, slug)


def send(browser, number, what, form, slug="upper"):
    answer = browser.post(f"/{slug}/canteen/settlement-steps/{what}/?id={number}", form)
    moved = answer.status_code == 302
    return text_of(browser.get(f"/{slug}/canteen/settlements/details/?id={number}") if moved else answer)


def text_of(answer):
    return answer.get_data(as_text=True)


def state(place, month=OCTOBER, slug="upper"):
    with place.app.app_context(), place.session(slug) as session:
        found = services.settlement_of(session, month)
        return found.state, found.digest, found.meals, found.payable


def submitted(place, month="2026-10-01"):
    number = make(signed_in(place, "manager.upper"), month)
    step(signed_in(place, "manager.upper"), number, "submit")
    return number


def paid(place, number):
    step(signed_in(place, "street"), number, "approve")
    return step(signed_in(place, "finance"), number, "pay", paid_on="2026-11-23", payment_reference="拨付2026-11-7")


# -- the steps -----------------------------------------------------------------------------------


def test_a_month_goes_from_draft_to_paid_through_three_accounts(place, october):
    number = make(signed_in(place, "staff.upper"))
    assert state(place)[0] == SettlementState.DRAFT
    step(signed_in(place, "manager.upper"), number, "submit")
    assert state(place)[0] == SettlementState.SUBMITTED and state(place)[2:] == (3, Decimal("9.00"))
    page = paid(place, number)
    assert state(place)[0] == SettlementState.PAID and "拨付2026-11-7" in page and "2026-11-23" in page
    with place.app.app_context(), place.session("upper") as session:
        steps = session.scalars(sa.select(SettlementStep).order_by(SettlementStep.id)).all()
        assert [(s.kind, s.account) for s in steps] == [
            (StepKind.MADE, "staff.upper"), (StepKind.SUBMITTED, "manager.upper"), (StepKind.APPROVED, "street"),
            (StepKind.PAID, "finance")]


@pages
def test_a_month_has_one_settlement_and_only_months_with_meals_are_offered(place, october):
    browser = signed_in(place, "manager.upper")
    offered = re.findall(r'value="(\d{4}-\d\d-\d\d)"', text_of(browser.get(f"{STEPS}")))
    assert offered == ["2026-11-01", "2026-10-01"]
    form = {**browser.form(f"{STEPS}"), "month": "2026-10-01"}
    numbers = {browser.post(f"{STEPS}", form).location for _click in range(2)}
    assert len(numbers) == 1
    assert browser.post(f"{STEPS}", {**form, "once": "another-key-of-a-form"}).status_code == 422
    assert "2026-10-01" not in text_of(browser.get(f"{STEPS}"))


def test_a_draft_is_discarded_and_made_again_but_nothing_that_the_street_has_seen(place, october):
    browser = signed_in(place, "manager.upper")
    number = make(browser)
    form = browser.form(f"{PAGE}?id={number}")
    assert browser.post(f"{STEPS}discard/?id={number}", {**form, "version": "7"}).location.endswith(f"id={number}")
    assert [browser.post(f"{STEPS}discard/?id={number}", form).status_code for _click in range(2)] == [302, 302]
    with place.app.app_context(), place.session("upper") as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Settlement)) == 0
        assert session.scalar(sa.select(sa.func.count()).select_from(SettlementStep)) == 0
        assert session.scalar(sa.select(sa.func.count()).select_from(Meal)) == 3
    number = make(browser)
    for what, whose, then in (("submit", "manager.upper", SettlementState.SUBMITTED),
                              ("return", "street", SettlementState.RETURNED)):
        assert "discard/?id=" not in step(signed_in(place, whose), number, what, reason="人数不符")
        send(browser, number, "discard", browser.form(f"{PAGE}?id={number}"))
        assert state(place)[0] == then


def test_a_community_without_meals_is_told_that_no_month_is_left_to_settle(place):
    assert "没有可新建结算的月份" in text_of(signed_in(place, "manager.lower").get("/lower/canteen/settlement-steps/"))


def test_the_figures_of_a_draft_follow_the_records_and_those_of_a_submission_do_not_change(place, october):
    number = make(signed_in(place, "manager.upper"))
    with place.app.app_context(), place.session("upper", writes=True) as session:
        add_meal(session, date(2026, 10, 6), diner=october[1])
    assert "12.00" in text_of(signed_in(place, "manager.upper").get(f"{PAGE}?id={number}"))
    page = step(signed_in(place, "manager.upper"), number, "submit")
    assert "壹拾贰元整" in page and state(place)[3] == Decimal("12.00")


@pages
def test_a_month_that_is_not_over_is_not_submitted(place, october):
    with place.app.app_context(), place.session("upper", writes=True) as session:
        add_meal(session, date(2026, 11, 20), diner=october[0])
    number = make(signed_in(place, "manager.upper"), "2026-11-01")
    page = step(signed_in(place, "manager.upper"), number, "submit")
    assert "The month is not over yet." in page or "本月尚未结束" in page
    assert state(place, NOVEMBER)[0] == SettlementState.DRAFT


@pages
def test_days_that_are_open_are_named(place, october):
    number = make(signed_in(place, "manager.upper"))
    with place.app.app_context(), place.session("upper", writes=True) as session:
        add_meal(session, date(2026, 10, 7), diner=october[1])
    assert "10-07" in step(signed_in(place, "manager.upper"), number, "submit")
    assert state(place)[0] == SettlementState.DRAFT


def test_one_account_never_takes_two_sorts_of_steps_whatever_roles_it_holds(place, october):
    with place.app.app_context(), session_for(None, "a test prepares", writes=True) as session:
        add_account(place, session, "both", {"upper": "manager", "street": "street"})
    both, street = signed_in(place, "both"), signed_in(place, "street")
    number = make(both)
    step(signed_in(place, "manager.upper"), number, "submit")
    page = text_of(both.get(f"{PAGE}?id={number}"))
    assert page.count("disabled") == 2 and "approve/?id" not in page  # made it: neither approves nor returns
    version = {**both.form(f"{PAGE}?id={number}"), "reason": "看看能不能退"}
    for what in ("approve", "return"):
        send(both, number, what, version)
        assert state(place)[0] == SettlementState.SUBMITTED
    step(street, number, "approve")
    for browser in (both, street):
        form = {**browser.form(f"{PAGE}?id={number}"), "version": "3", "paid_on": "2026-11-23",
                "payment_reference": "凭证1号", "once": "a-key-of-this-very-form"}
        assert browser.post(f"{STEPS}pay/?id={number}", form).status_code == 422
        assert state(place)[0] == SettlementState.APPROVED
    step(signed_in(place, "finance"), number, "pay", payment_reference="凭证1号")
    assert state(place)[0] == SettlementState.PAID


@pages
def test_who_sent_a_month_back_does_not_pay_it_later(place, october):
    number = submitted(place)
    step(signed_in(place, "finance"), number, "return", reason="请核对签字")
    step(signed_in(place, "manager.upper"), number, "submit")
    step(signed_in(place, "street"), number, "approve")
    finance = signed_in(place, "finance")
    assert finance.get(f"{STEPS}pay/?id={number}").status_code == 302  # told on the page, no form
    assert "disabled" in text_of(finance.get(f"{PAGE}?id={number}"))


@pages
def test_a_step_that_is_not_ones_own_is_refused(place, october):
    number = submitted(place)
    for username, steps in (("manager.upper", ("approve", "return", "pay")), ("staff.upper", ("approve",)),
                            ("street", ("submit", "")), ("auditor", ("approve", "submit")), ("system", ("approve",))):
        for what in steps:
            url = f"{STEPS}{what}/?id={number}".replace("//", "/")
            answer = signed_in(place, username).post(url, {"version": "2", "reason": "不是我的事"})
            assert (username, what, answer.status_code) == (username, what, 403)
    assert state(place)[0] == SettlementState.SUBMITTED


def test_of_two_people_at_once_one_wins_and_the_other_is_told(place, october):
    number = submitted(place)
    street, finance = signed_in(place, "street"), signed_in(place, "finance")
    forms = [browser.form(f"{PAGE}?id={number}") for browser in (street, finance)]
    send(street, number, "return", {**forms[0], "reason": "请核对签字"})
    answer = finance.post(f"{STEPS}approve/?id={number}", forms[1])
    assert state(place)[0] == SettlementState.RETURNED
    assert "flash bad" in text_of(finance.get(answer.location))
    with place.app.app_context(), place.session("upper") as session:
        assert session.scalar(sa.select(sa.func.count(SettlementStep.id))) == 3
    step(signed_in(place, "manager.upper"), number, "submit")
    send(finance, number, "approve", forms[1])  # what was seen is not what is submitted now
    assert state(place)[0] == SettlementState.SUBMITTED


@pages
def test_a_return_without_a_reason_is_refused(place, october):
    number = submitted(place)
    step(signed_in(place, "street"), number, "return", reason=" ")
    assert state(place)[0] == SettlementState.SUBMITTED


@pages
def test_a_payment_needs_a_possible_day_and_a_reference(place, october):
    number = submitted(place)
    step(signed_in(place, "street"), number, "approve")
    right = {"paid_on": "2026-11-23", "payment_reference": "凭证1号"}
    for wrong in ({"paid_on": "2026-11-24"}, {"paid_on": "2026-11-22"}, {"paid_on": ""}, {"payment_reference": " "}):
        step(signed_in(place, "finance"), number, "pay", **{**right, **wrong})
        assert state(place)[0] == SettlementState.APPROVED, wrong


# -- the lock ------------------------------------------------------------------------------------


def test_nothing_is_written_into_a_settled_month(place, october):
    submitted(place)
    with place.app.app_context(), place.session("upper", writes=True) as session:
        with pytest.raises(ValidationError):
            add_meal(session, date(2026, 10, 30), diner=october[1])
        session.rollback()
        for name, value in (("voided_at", AT), ("booked_on", NOVEMBER), ("rule_id", 1), ("diner_id", october[1])):
            setattr(session.scalars(sa.select(Meal)).first(), name, value)
            with pytest.raises(ValidationError):
                session.flush()
            session.rollback()
        add_meal(session, date(2026, 10, 30), diner=october[1], booked_on=NOVEMBER)


@pages
def test_the_meal_records_say_why_a_meal_of_a_settled_month_is_not_voided(place, october):
    submitted(place)
    with place.app.app_context(), place.session("upper") as session:
        number = session.scalars(sa.select(Meal.id)).first()
    browser = signed_in(place, "manager.upper")
    answer = browser.post(f"/upper/canteen/meals/void/?id={number}", {"reason": "重复登记"})
    assert "2026-10" in text_of(browser.get(answer.location))
    with place.app.app_context(), place.session("upper") as session:
        assert session.scalar(sa.select(sa.func.count(Meal.id)).where(Meal.voided_at.is_(None))) == 3


def test_a_meal_that_is_just_being_written_is_in_the_snapshot(place, october):
    """The submission waits for the counter, and sees its meal."""
    number = make(signed_in(place, "manager.upper"))
    browser = signed_in(place, "manager.upper")
    form = browser.form(f"{PAGE}?id={number}")
    with place.app.app_context(), place.session("upper", writes=True) as session:
        hold(session, place.ids["upper"])
        add_meal(session, date(2026, 10, 6), diner=october[1])
        submitting = threading.Thread(target=send, args=(browser, number, "submit", form))
        submitting.start()
        submitting.join(timeout=0.3)  # it cannot end before the counter does
    submitting.join()
    assert state(place)[0] == SettlementState.SUBMITTED and state(place)[2] == 4


def test_what_is_sent_back_is_open_again_and_submitted_anew_beside_the_old_snapshot(place, october):
    number = submitted(place)
    first = state(place)[1]
    page = step(signed_in(place, "street"), number, "return", reason="欧阳建国早餐重复")
    assert "欧阳建国早餐重复" in page and state(place)[1:] == (None, None, None)
    with place.app.app_context(), place.session("upper", writes=True) as session:
        add_meal(session, date(2026, 10, 6), diner=october[1])
    step(signed_in(place, "manager.upper"), number, "submit")
    assert state(place)[1] != first and state(place)[2] == 4
    with place.app.app_context(), place.session("upper") as session:
        old, new = session.scalars(sa.select(SettlementStep).where(SettlementStep.kind == StepKind.SUBMITTED)
                                   .order_by(SettlementStep.id)).all()
        assert old.digest == first and [read_canonical(s.snapshot).meals for s in (old, new)] == [3, 4]
        old = old.id
    page = text_of(signed_in(place, "manager.upper").get(f"{PAGE}?id={number}&snapshot={old}"))
    assert "玖元整" in page and "submit/?id" not in page
    assert signed_in(place, "manager.upper").get(f"{PAGE}?id={number}&snapshot={old + 77}").status_code == 404


def test_a_reversal_in_the_next_month_is_its_correction_and_names_the_meal(place, october):
    number = submitted(place)
    paid(place, number)
    with place.app.app_context(), place.session("upper", writes=True) as session:
        eaten = session.scalars(sa.select(Meal).order_by(Meal.id)).first()
        reverse_meal(session, eaten, "人在外地", "李敏", place.clock(), "staff.upper")
        add_meal(session, date(2026, 10, 20), diner=october[1], booked_on=date(2026, 11, 10), reason="名单晚交")
        add_meal(session, date(2026, 11, 11), diner=october[0])
    assert "differ" not in text_of(signed_in(place, "manager.upper").get(f"{PAGE}?id={number}"))
    place.clock.forward(days=10)
    later = submitted(place, "2026-11-01")
    assert state(place, NOVEMBER)[2:] == (1, Decimal("3.00"))
    page = text_of(signed_in(place, "manager.upper").get(f"{PAGE}?id={later}&part=corrections"))
    for told in ("张秀英", "2026-10-05", "午餐", "人在外地", "-3.00", "欧阳建国", "2026-10-20", "名单晚交"):
        assert told in page, told
    assert "2026-11-11" not in page


# -- the hash ------------------------------------------------------------------------------------


def test_a_record_changed_behind_everybodys_back_shows_and_is_not_approved(place, october):
    number = submitted(place)
    page = text_of(signed_in(place, "street").get(f"{PAGE}?id={number}"))
    assert state(place)[1] in page and 'class="tag ok"' in page and "differ" not in page
    with place.owner() as connection:
        connection.execute(sa.text("UPDATE canteen_meal SET government = 400, self_pay = 1100, street_pays = 400 "
                                   "WHERE id = (SELECT min(id) FROM canteen_meal)"))
    page = step(signed_in(place, "street"), number, "approve")
    assert "9.00" in page and "10.00" not in page  # what was submitted stands
    assert state(place)[0] == SettlementState.SUBMITTED and 'class="tag bad"' in page


def test_a_kept_snapshot_that_was_changed_together_with_the_records_shows(place, october):
    number = submitted(place)
    with place.owner() as connection:
        connection.execute(sa.text("UPDATE canteen_meal SET government = 200, self_pay = 1300, street_pays = 200"))
        connection.execute(sa.text("UPDATE canteen_settlement_step SET snapshot = replace(replace("
                                   "snapshot, '\"3.00', '\"2.00'), '\"12.00', '\"13.00') WHERE snapshot IS NOT NULL"))
    assert 'class="tag bad"' in text_of(signed_in(place, "manager.upper").get(f"{PAGE}?id={number}"))


@pages
def test_who_sees_no_names_sees_them_masked_with_the_same_hash(place, october):
    number = submitted(place)
    digest = state(place)[1]
    urls = f"{PAGE}?id={number}&part=diners", f"{LIST}paper/?id={number}"
    for username, url in product(("street", "auditor"), urls):
        clear, masked = (text_of(signed_in(place, who).get(url)) for who in ("manager.upper", username))
        assert digest in clear and digest in masked
        assert "张秀英" in clear and "张秀英" not in masked and "张**" in masked and "欧阳**" in masked


# -- the sums ------------------------------------------------------------------------------------


def random_month(place, seed):
    """Some 60 meals of all kinds, rules and payers in the books of October, some void, reversed, late."""
    chance, people = Random(seed), [diner_id(place, name) for name in ("张秀英", "欧阳建国", "李桂兰")]
    with place.app.app_context(), place.session("upper", writes=True) as session:
        rules = [SubsidyRule(name=name, starts_on=OCTOBER, form=form, street_share=100)
                 for name, form in (("高龄补贴", "amount"), ("付给运营方", "operator"))]
        session.add_all(rules)
        session.flush()
        for day in range(1, 21):
            for kind in ("早餐", "午餐", "晚餐"):
                values, operator = split(chance), chance.random() < 0.3
                if operator:
                    values.update(operator_aid=values["government"] + values["other_aid"], government=Decimal(0),
                                  other_aid=Decimal(0), self_pay=values["standard_price"])
                meal = add_meal(session, date(2026, 9 if chance.random() < 0.1 else 10, day), kind=kind,
                                diner=chance.choice([*people, None]), booked_on=date(2026, 10, day),
                                rule_id=chance.choice([None, rules[operator].id]), **values)
                lot = chance.random()
                if lot < 0.1:
                    meal.voided_at = AT
                elif lot < 0.2:
                    take_back(session, meal, date(2026, chance.choice((10, 11)), 25))


def split(chance):
    payers = [Decimal(chance.randint(0, 300)) / 100 for _payer in range(5)]
    government, other = sum(payers[:4]), payers[4]
    price = government + other + Decimal(chance.randint(0, 1500)) / 100
    return {"standard_price": price, "self_pay": price - government - other, "government": government,
            "other_aid": other, **dict(zip(AMOUNTS[5:], payers, strict=True))}


def test_the_sums_are_the_same_by_meal_diner_rule_and_payer_as_a_plain_sum(place):
    random_month(place, 1)
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        settlement = Settlement(month=OCTOBER, state=SettlementState.DRAFT)
        session.add(settlement)
        session.flush()
        contents = services.live(session, settlement)
        assert read_canonical(canonical(contents)) == contents
        books = [meal for meal in session.scalars(sa.select(Meal))
                 if meal.voided_at is None and meal.booked_on.month == 10]
        plain = [sum(-1 if meal.reverses_id else 1 for meal in books), *(
            sum((getattr(meal, name) for meal in books), Decimal(0))
            for name in ("standard_price", "government", "other_aid", "operator_aid", "self_pay"))]
        payable = sum(plain[2:5])
        assert (contents.meals, contents.payable) == (plain[0], payable)
        sheets = sheets_of(contents, names_for(session, contents, True))
        measures = [*plain[:5], payable, plain[5]]
        for name in ("summary", "diners", "rules"):
            sheet = sheets[name]
            assert sheet.sums[-7:] == measures, name
            assert [sum(row[at] for row in sheet.rows) for at in range(-7, 0)] == measures, name
        payers = sheets["payers"]
        assert payers.sums[1:] == [payable - plain[4], plain[4], payable]
        assert [row[3] for row in payers.rows] == [sum(getattr(meal, name) for meal in books) for name in AMOUNTS[5:]]
        late = [meal for meal in books if meal.day < OCTOBER]
        assert len(sheets["corrections"].rows) == len(late) > 0


@pages
def test_a_payers_yuan_for_the_operator_never_count_twice(place):
    """Also where a meal has aid of both forms, which no rule makes."""
    random_month(place, 3)
    with place.app.test_request_context(), place.session("upper") as session:
        contents = services.contents_of(session, place.ids["upper"], OCTOBER, 0)
        line = replace(contents.lines[0], government=Decimal(4), other_aid=Decimal(1), operator_aid=Decimal(2),
                       city_pays=Decimal(3), district_pays=Decimal(0), street_pays=Decimal(2),
                       community_pays=Decimal(1), donors_pay=Decimal(1))
        for sign in (1, -1):
            lines = (replace(line, **{name: sign * getattr(line, name) for name in AMOUNTS}),)
            sums = sheets_of(replace(contents, lines=lines), names_for(session, contents, True))["payers"].sums
            assert sums[1:] == [5 * sign, 2 * sign, 7 * sign]


# -- paper, Excel, the street --------------------------------------------------------------------


@pages
def test_the_paper_has_the_sums_in_capitals_signatures_state_and_hash(place, october):
    number = submitted(place)
    paper = text_of(signed_in(place, "manager.upper").get(f"{LIST}paper/?id={number}"))
    assert re.search("2026(-|年)10", paper)
    for told in ("玖元整", "¥9.00", state(place)[1], "张秀英", "<thead>", 'class="signs"', "settlement.css"):
        assert told in paper, told
    css = (Path(plugin.__file__).parent / "static" / "settlement.css").read_text(encoding="utf-8")
    assert '"第 " counter(page) " 页' in css and "counter(pages)" in css


@pages
def test_the_workbook_has_a_sheet_for_each_view_with_sums_as_numbers_and_is_logged(place, october):
    number = submitted(place)
    answer = signed_in(place, "street").post(f"{LIST}excel/?id={number}")
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    assert len(book.sheetnames) == 6
    diners = list(book.worksheets[2].values)
    assert diners[-1][-2] == 9 and isinstance(diners[-1][-2], int | float) and diners[-1][-7 + 0] == 3
    assert "张秀英" not in str(diners) and "张**" in str(diners)
    audit = text_of(signed_in(place, "manager.upper").get("/upper/manage/audit/"))
    assert "canteen_settlement" in audit or "street" in audit
    assert signed_in(place, "auditor").post(f"{LIST}excel/?id={number}").status_code == 403


def test_the_street_sees_every_community_of_a_month_and_who_is_missing(place, october):
    with place.app.app_context(), place.session("lower", writes=True) as session:
        add_meal(session, date(2026, 10, 6))
    number = submitted(place)
    page = text_of(signed_in(place, "street").get("/street/canteen/settlements-of-month/"))
    assert f"/upper/canteen/settlements/details/?id={number}" in page and "/lower/canteen/settlements/" in page
    names = {slug: area_name(place, slug) for slug in ("upper", "lower")}
    missing = re.search(r'class="flash warn">.*?</div></div>', page, re.S).group()
    assert names["lower"] in missing and names["upper"] not in missing
    assert "9.00" in page and "12.00" in page  # upper's 9 and lower's 3
    assert signed_in(place, "manager.upper").get("/upper/canteen/settlements-of-month/").status_code == 404
    other = text_of(signed_in(place, "street").get("/street/canteen/settlements-of-month/?month=2026-09"))
    assert "flash warn" not in other
    for odd in ("2026-13", "0000-01", "x", "2026-10-01", "9999-12"):
        assert signed_in(place, "street").get(f"/street/canteen/settlements-of-month/?month={odd}").status_code == 200


def area_name(place, slug):
    with place.app.app_context(), place.session(None) as session:
        return session.scalar(sa.select(Area.name).where(Area.slug == slug))


def waiting(place):
    with place.app.test_request_context(), place.session("upper") as session:
        community = session.scalar(sa.select(Area).where(Area.slug == "upper"))
        items = plugin.todo_items(session, community, date(2026, 11, 23))
        return [(item.kind, item.url) for item in items if "settlements" in item.url]


@pages
def test_what_waits_stands_on_the_workbench(place, october):
    assert waiting(place) == [("warn", LIST)]
    number = make(signed_in(place, "manager.upper"))
    assert waiting(place) == [("warn", f"{PAGE}?id={number}")]
    step(signed_in(place, "manager.upper"), number, "submit")
    assert waiting(place) == [("info", f"{PAGE}?id={number}")]
    assert "2026-10" in text_of(signed_in(place, "street").get("/street/"))
    step(signed_in(place, "street"), number, "return", reason="请核对签字")
    assert waiting(place) == [("bad", f"{PAGE}?id={number}")]
    step(signed_in(place, "manager.upper"), number, "submit")
    paid(place, number)
    assert waiting(place) == []


@pages
def test_another_community_sees_nothing_of_it(place, october):
    number = submitted(place)
    lower = signed_in(place, "manager.lower")
    for url in (f"{PAGE}?id={number}", f"{LIST}paper/?id={number}", LIST):
        assert lower.get(url).status_code == 404
    for url in (PAGE, f"{LIST}paper/"):
        assert lower.get(f"{url}?id={number}".replace("upper", "lower")).status_code == 404
    with place.app.app_context(), place.session("lower") as session:
        assert not is_locked(session, OCTOBER)
