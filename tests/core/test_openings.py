"""Opening balances: what figures came to before records began, with source and who entered it."""
from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa

from core.audit.models import AuditEntry
from core.declarations import Metric
from core.errors import ConfirmationNeeded, ValidationError
from core.metrics.figures import totals
from core.metrics.opening_entry import REPLACED, make_opening
from core.metrics.openings import opening_of
from core.metrics.reporting_models import MetricOpening
from plugins.canteen.models import Meal
from tests.guest_meals import meal

NEW = "/upper/figures/openings/new/"
FORM = {"metric": "canteen.meals", "parts": "55000", "since": "2021-06-01", "until": "2026-09-30",
        "source": "纸质台账 2021–2026"}


@pytest.fixture
def meals(place):
    """The meals as this test counts them, without what other metrics they may be summed of."""
    return Metric("canteen.meals", "Meals", "份", model=Meal, day=Meal.day, where=Meal.counts())


@pytest.fixture
def upper(place):
    with place.app.test_request_context(), place.session("upper", writes=True) as writing:
        yield writing


def make(place, writing, metric, number="55000", **values):
    given = {"since": date(2021, 6, 1), "until": date(2026, 9, 30), "source": "纸质台账", "by": "王敏",
             "account": "manager.upper", "at": place.clock(), "today": date(2026, 11, 23), **values}
    return make_opening(writing, metric, given.pop("since"), given.pop("until"), Decimal(number), given.pop("source"),
                        **given)


def test_55_000_meals_by_paper_records(place, upper, meals):
    upper.add(make(place, upper, meals))
    upper.flush()
    assert opening_of(upper, meals) == {place.ids["upper"]: 55_000}


def test_a_total_since_the_beginning_holds_the_balance_unless_it_ends_before(place, upper):
    metric = next(m for _p, m in place.app.extensions["jinlin_plugins"].metrics() if m.name == "canteen.meals")
    upper.add(make(place, upper, metric))
    meal(upper, date(2026, 10, 1))
    upper.commit()
    number = place.ids["upper"]
    assert totals(upper, metric, None, date(2026, 11, 23)) == {number: 55_001}
    assert totals(upper, metric, None, date(2026, 9, 30)) == {number: 55_000}
    assert totals(upper, metric, None, date(2026, 9, 29)) == {}
    assert totals(upper, metric, date(2021, 1, 1), date(2026, 11, 23)) == {number: 1}


@pytest.mark.parametrize(("parts", "number", "stored"), [(100, "1234.50", 123_450), (60, "2.5", 150), (1, "7", 7)])
def test_a_balance_is_entered_in_the_unit_and_stored_in_its_parts(place, upper, meals, parts, number, stored):
    assert make(place, upper, replace(meals, parts=parts), number).parts == stored


def test_the_balance_of_a_sum_is_its_own_and_those_of_its_parts(place, upper, meals):
    named, unnamed = replace(meals, name="canteen.named"), replace(meals, name="canteen.unnamed")
    both = Metric("canteen.all", "All", "份", sums=(named, unnamed))
    balances = ((named, "3"), (unnamed, "4"), (both, "5"))
    upper.add_all([make(place, upper, metric, number) for metric, number in balances])
    upper.flush()
    assert opening_of(upper, both) == {place.ids["upper"]: 12}
    assert opening_of(upper, named) == {place.ids["upper"]: 3}


def test_a_number_of_persons_takes_none_and_the_words_say_why(place, upper, meals):
    persons = replace(meals, name="canteen.diners", once_per=Meal.diner_id)
    for metric in (persons, Metric("canteen.all", "All", "人", sums=(persons,))):
        with pytest.raises(ValidationError) as refused:
            make(place, upper, metric)
        assert refused.value.field == "metric" and len(str(refused.value)) > 20


@pytest.mark.parametrize(("field", "values"), [
    ("until", {"until": date(2026, 11, 24)}), ("since", {"since": date(2026, 10, 1)}), ("parts", {"number": "0"}),
    ("parts", {"number": "0.5"}), ("parts", {"number": "-3"}), ("parts", {"number": "1e15"}),
])
def test_what_cannot_be_is_refused_at_its_field(place, upper, meals, field, values):
    with pytest.raises(ValidationError) as refused:
        make(place, upper, meals, **values)
    assert refused.value.field == field


def test_records_that_would_count_twice_are_named_and_asked_about(place, upper, meals):
    meal(upper, date(2026, 9, 30))
    meal(upper, date(2026, 10, 1))
    upper.commit()
    with pytest.raises(ConfirmationNeeded, match="2026-09-30") as asked:
        make(place, upper, meals)
    assert "2026-10-01" not in str(asked.value)
    assert make(place, upper, meals, sure=True).parts == 55_000
    assert make(place, upper, meals, until=date(2026, 9, 29)).parts == 55_000


# -- over HTTP -------------------------------------------------------------------------------------


def post(browser, **values):
    return browser.post(NEW, {**browser.form(NEW), **FORM, **values})


def test_a_balance_is_entered_shown_and_seen_by_the_street(place):
    manager = place.browser("manager.upper")
    assert post(manager).status_code == 302
    for browser, url in ((manager, "/upper/figures/openings/"), (place.browser("street"), "/street/figures/openings/")):
        page = browser.get(url).get_data(as_text=True)
        assert "55,000" in page and "纸质台账" in page and "manager.upper" in page and "2021-06-01" in page


def test_a_new_balance_takes_the_place_of_the_old_one_and_both_stay(place):
    manager = place.browser("manager.upper")
    assert post(manager).status_code == 302
    assert post(manager, parts="56000").status_code == 302
    with place.app.app_context(), place.session("upper") as reading:
        rows = reading.execute(sa.select(MetricOpening.id, MetricOpening.parts, MetricOpening.void_reason)
                               .order_by(MetricOpening.id)).all()
        deeds = reading.scalars(sa.select(AuditEntry.deed).where(AuditEntry.table_name == "metric_opening")
                                .order_by(AuditEntry.id)).all()
    assert [row[1:] for row in rows] == [(55_000, REPLACED), (56_000, None)]
    assert [deed.value for deed in deeds] == ["created", "voided", "created"]
    assert manager.post(f"/upper/figures/openings/void/?id={rows[1][0]}", {"reason": "来源不清"}).status_code == 302
    with place.app.app_context(), place.session("upper") as reading:
        assert reading.scalar(sa.select(sa.func.count()).where(MetricOpening.voided_at.is_(None))) == 0


def test_the_question_is_answered_by_a_tick(place):
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        meal(writing, date(2026, 9, 1))
    manager = place.browser("manager.upper")
    asked = post(manager)
    assert asked.status_code == 422 and "2026-09-01" in asked.get_data(as_text=True)
    assert post(manager, sure="y").status_code == 302


@pytest.mark.parametrize(("who", "status"), [("street", 403), ("auditor", 403), ("staff.lower", 404)])
def test_who_may_not_write_enters_none(place, who, status):
    assert place.browser(who).post(NEW, FORM).status_code == status
