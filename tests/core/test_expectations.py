"""Expected against done: off, closed, missing, late, zero and done are told apart, and the rate passes no 100 %."""
from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from core.areas.models import Area, PluginSwitch
from core.areas.service import save_settings
from core.calendar.models import Closure, OpeningDays
from core.errors import ValidationError
from core.metrics.expectations import DayState, rate, states
from core.metrics.first_entries import rebuild_first_entries
from core.metrics.missing import chat_text, missing_days, short_days
from core.metrics.reporting_models import FirstEntry, MetricOpening, ZeroReport
from core.metrics.zeros import sign_zeros, signable
from tests.guest_meals import meal

NOV = date(2026, 11, 1)
ZERO = "/upper/figures/sign-zero/"


@pytest.fixture
def upper(place):
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        yield writing


def meals_metric(place):
    return next(m for _p, m in place.app.extensions["jinlin_plugins"].metrics() if m.name == "canteen.meals")


def day(number, month=11):
    return date(2026, month, number)


def since(writing, place, on_from, off_on=None):
    """When the canteen was on, in place of the fixture's."""
    switch = writing.scalar(sa.select(PluginSwitch).where(
        PluginSwitch.community_id == place.ids["upper"], PluginSwitch.plugin == "canteen"))
    switch.on_from, switch.off_on = on_from, off_on
    writing.flush()


def of(place, writing, start, end, **kwargs):
    """Day → state, in order."""
    found = states(writing, meals_metric(place), [place.ids["upper"]], start, end, **kwargs)
    return {on: state for (_community, on), state in found.items()}


def said(place, writing, on, **kwargs):
    return of(place, writing, on, on, **kwargs)[on]


# -- the table of cases ----------------------------------------------------------------------------


def test_zero_missing_done_late_closed_off_and_future_are_told_apart(place, upper):
    since(upper, place, day(3))
    upper.add(Closure(plugin="", starts_on=day(5), ends_on=day(5), reason="停电"))
    for number in (2, 3, 5):  # before it was on, in time, on a closed day
        meal(upper, day(number))
        upper.commit()
    meal(upper, day(6), at=datetime(2026, 11, 8, 2, tzinfo=UTC))
    upper.commit()
    sign_zeros(upper, meals_metric(place), place.ids["upper"], [day(7)], by="王敏", account="staff.upper", note=None,
               at=place.clock())
    found = of(place, upper, day(2), day(24))
    expected = {2: DayState.OFF, 3: DayState.DONE, 4: DayState.MISSING, 5: DayState.CLOSED, 6: DayState.LATE,
                7: DayState.ZERO, 8: DayState.MISSING, 23: DayState.FUTURE, 24: DayState.FUTURE}
    assert {number: found[day(number)] for number in expected} == expected
    assert rate({k: v for k, v in found.items() if k <= day(8)}) == 3 / 5


def test_a_canteen_that_was_turned_on_in_mid_month_expects_from_that_day(place, upper):
    since(upper, place, day(16))
    found = of(place, upper, NOV, day(20))
    assert [on.day for on, state in found.items() if state is DayState.OFF] == list(range(1, 16))
    assert [on.day for on, state in found.items() if state is DayState.MISSING] == list(range(16, 21))


def test_off_again_ends_it_and_on_again_begins_it(place, upper):
    since(upper, place, day(3), day(6))
    upper.add(PluginSwitch(community_id=place.ids["upper"], plugin="canteen", on_from=day(9), switched_by="test"))
    upper.flush()
    found = of(place, upper, NOV, day(10))
    assert [on.day for on, state in found.items() if state is DayState.MISSING] == [3, 4, 5, 9, 10]


def test_nothing_is_expected_before_the_opening_day_of_the_settings(place, upper):
    save_settings(upper, place.ids["upper"], "canteen", {"opened_on": "2026-11-10"})
    assert said(place, upper, day(9)) is DayState.OFF and said(place, upper, day(10)) is DayState.MISSING


def test_the_days_of_an_opening_balance_are_not_expected(place, upper):
    upper.add(MetricOpening(metric="canteen.meals", until=day(9), parts=55_000, source="纸质台账", entered_by="王敏",
                            account="manager.upper", at=place.clock()))
    upper.flush()
    assert said(place, upper, day(9)) is DayState.OFF and said(place, upper, day(10)) is DayState.MISSING


def test_nothing_is_expected_of_a_community_that_is_closed(place, upper):
    upper.get_one(Area, place.ids["upper"]).closed_on = day(10)
    upper.flush()
    assert said(place, upper, day(9)) is DayState.MISSING and said(place, upper, day(10)) is DayState.OFF


@pytest.mark.parametrize(("on", "state", "why"), [
    (date(2026, 10, 10), DayState.MISSING, "a Saturday that is a workday"),
    (date(2026, 10, 17), DayState.CLOSED, "a Saturday"), (date(2026, 10, 1), DayState.CLOSED, "National Day"),
    (date(2026, 10, 9), DayState.MISSING, "a Friday"),
])
def test_opening_days_follow_the_holidays(place, upper, on, state, why):
    upper.add(OpeningDays(plugin="canteen", starts_on=date(2026, 1, 1), weekdays="12345"))
    upper.flush()
    assert said(place, upper, on) is state, why


@pytest.mark.parametrize(("hour", "state"), [(0, DayState.FUTURE), (19, DayState.FUTURE), (20, DayState.MISSING)])
def test_today_is_missing_only_from_the_due_hour_on(place, upper, hour, state):
    at = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=hour - 8)
    assert said(place, upper, day(23), at=at) is state
    assert said(place, upper, day(22), at=at) is DayState.MISSING


def test_a_record_of_today_counts_at_once(place, upper):
    meal(upper, day(23))
    upper.commit()
    assert said(place, upper, day(23)) is DayState.DONE


# -- the rate --------------------------------------------------------------------------------------


def test_the_rate_never_passes_100_percent(place, upper):
    """Records on closed days, before the module was on, and more than one a day."""
    since(upper, place, day(10))
    upper.add(OpeningDays(plugin="canteen", starts_on=date(2026, 1, 1), weekdays="12345"))
    for number in range(1, 23):
        for _again in range(2):
            meal(upper, day(number))
    upper.commit()
    found = of(place, upper, NOV, day(22))
    assert rate(found) == 1
    assert sum(state is DayState.DONE for state in found.values()) == 9  # 10 to 20 without the weekend of the 14th


def test_without_an_expected_day_there_is_no_rate(place, upper):
    since(upper, place, day(10))
    assert rate(of(place, upper, NOV, day(9))) is None


# -- late ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "state"), [
    (datetime(2026, 11, 3, 15, 59, tzinfo=UTC), DayState.DONE),  # 23:59 in Beijing
    (datetime(2026, 11, 3, 16, 0, tzinfo=UTC), DayState.LATE),
])
def test_late_begins_with_the_next_day_in_beijing(place, upper, at, state):
    meal(upper, day(3), at=at)
    upper.commit()
    assert said(place, upper, day(3)) is state


def test_what_is_added_later_does_not_make_a_day_late(place, upper):
    meal(upper, day(3))
    upper.commit()
    meal(upper, day(3), at=place.clock())
    upper.commit()
    assert said(place, upper, day(3)) is DayState.DONE


def test_only_records_that_stand_tell_when_a_day_was_first_entered(place, upper):
    first = meal(upper, day(3))
    upper.commit()
    first.voided_at, first.voided_by, first.void_reason = place.clock(), "王敏", "记错日期"
    upper.commit()
    assert upper.scalar(sa.select(FirstEntry.id)) is None
    assert said(place, upper, day(3)) is DayState.MISSING
    meal(upper, day(3), at=place.clock())
    upper.commit()
    assert said(place, upper, day(3)) is DayState.LATE


def test_first_entries_are_made_again_from_the_records(place, upper):
    meal(upper, day(3))
    meal(upper, day(4), at=place.clock())
    upper.commit()
    upper.execute(sa.delete(FirstEntry))
    for _again in range(2):
        rebuild_first_entries(upper, meals_metric(place).counted[0], place.ids["upper"])
    assert [said(place, upper, day(n)) for n in (3, 4)] == [DayState.DONE, DayState.LATE]


# -- zero ------------------------------------------------------------------------------------------


def sign(place, writing, *days):
    return sign_zeros(writing, meals_metric(place), place.ids["upper"], days, by="王敏", account="staff.upper",
                      note="停电", at=place.clock())


@pytest.mark.parametrize("why", ["records", "signed", "closed", "off", "future", "none"])
def test_a_zero_is_refused_where_it_says_nothing(place, upper, why):
    days = [day(3)]
    if why == "records":
        meal(upper, day(3))
        upper.commit()
    elif why == "signed":
        sign(place, upper, day(3))
    elif why == "closed":
        upper.add(Closure(plugin="", starts_on=day(3), ends_on=day(3), reason="停电"))
    elif why == "off":
        since(upper, place, day(4))
    else:
        days = [day(24)] if why == "future" else []
    with pytest.raises(ValidationError):
        sign(place, upper, *days)


def test_of_several_days_all_are_signed_or_none(place, upper):
    meal(upper, day(4))
    upper.commit()
    with pytest.raises(ValidationError, match="2026-11-04"):
        sign(place, upper, day(3), day(4))
    assert upper.scalar(sa.select(sa.func.count()).select_from(ZeroReport)) == 0


def test_today_may_be_signed_before_it_is_due(place, upper):
    assert day(23) in signable(upper, meals_metric(place), place.ids["upper"], NOV, day(30), place.clock())
    sign(place, upper, day(23))
    assert said(place, upper, day(23)) is DayState.ZERO


def test_a_record_that_comes_later_overrides_a_signed_zero(place):
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        sign(place, writing, day(3))
        meal(writing, day(3), at=place.clock())
        writing.commit()
        assert said(place, writing, day(3)) is DayState.LATE
    page = place.browser("staff.upper").get("/upper/figures/zero-reports/").get_data(as_text=True)
    assert "2026-11-03" in page and 'class="tag warn"' in page


def test_a_voided_zero_is_missing_again(place):
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        number = sign(place, writing, day(3))[0].id
    staff = place.browser("staff.upper")
    answer = staff.post(f"/upper/figures/zero-reports/void/?id={number}", {"reason": "签错了"})
    assert answer.status_code == 302
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        assert said(place, writing, day(3)) is DayState.MISSING
        sign(place, writing, day(3))
        assert said(place, writing, day(3)) is DayState.ZERO


def test_several_days_are_ticked_named_and_signed(place):
    staff = place.browser("staff.upper")
    page = staff.get(ZERO).get_data(as_text=True)
    assert 'value="canteen.meals|2026-11-03"' in page and 'value="canteen.meals|2026-11-24"' not in page
    ticked = {"days": ["canteen.meals|2026-11-03", "canteen.meals|2026-11-05"], "note": "停电", "month": "2026-11"}
    asked = staff.post(ZERO, ticked).get_data(as_text=True)
    assert "2026-11-05" in asked and "上游社区" in asked and "staff.upper" in asked
    with place.app.app_context(), place.session("upper") as reading:
        assert reading.scalar(sa.select(sa.func.count()).select_from(ZeroReport)) == 0  # nothing before the answer
    sure = {**ticked, "sure": "1", "once": "a-key-of-this-form-0001"}
    for _click in range(2):
        assert staff.post(ZERO, sure).status_code == 302
    with place.app.app_context(), place.session("upper") as reading:
        found = reading.execute(sa.select(ZeroReport.day, ZeroReport.account, ZeroReport.note)).all()
    assert sorted(found) == [(day(3), "staff.upper", "停电"), (day(5), "staff.upper", "停电")]


@pytest.mark.parametrize("days", [[], ["canteen.meals|2026-13-01"], ["nothing.here|2026-11-03"],
                                  ["canteen.meals|2026-11-24"], ["canteen.meals"]])
def test_what_the_page_did_not_offer_is_refused(place, days):
    staff = place.browser("staff.upper")
    answer = staff.post(ZERO, {"days": days, "sure": "1", "once": "a-key-of-this-form-0001"})
    assert answer.status_code == 422


def test_who_only_reads_signs_nothing(place):
    for who, area, status in (("auditor", "upper", 403), ("street", "upper", 403), ("street", "street", 404)):
        assert place.browser(who).post(f"/{area}/figures/sign-zero/", {}).status_code == status


# -- what is missing -------------------------------------------------------------------------------


def test_the_text_for_the_group_chat_names_who_lacks_which_days(place):
    with place.app.app_context():
        with place.session("upper", writes=True) as writing:
            for number in (1, 2, 4, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22):
                meal(writing, day(number))
        with place.session("lower", writes=True) as writing:
            for number in range(1, 23):
                meal(writing, day(number))
        with place.session("street") as reading:
            street = reading.get_one(Area, place.ids["street"])
            missing = missing_days(reading, street, meals_metric(place), NOV, day(22))
        assert [(each.community, each.days) for each in missing] == [("上游社区", [day(3), day(5), day(11)])]
        with place.app.test_request_context():
            text = chat_text("老年助餐", missing)
    assert "上游社区" in text and "11-03、11-05、11-11" in text and "下游社区" not in text


def test_days_in_a_row_are_written_as_a_range(place):
    with place.app.test_request_context():
        text = short_days([day(3), day(4), day(6), day(7), day(8), day(9)])
    assert text.startswith("11-03、11-04、11-06") and text.endswith("11-09") and "11-07" not in text


def test_nobody_lacks_anything(place):
    with place.app.test_request_context():
        assert chat_text("老年助餐", []) == ""


def test_the_workbench_of_a_community_names_its_missing_days(place):
    page = place.browser("staff.upper").get("/upper/").get_data(as_text=True)
    assert "10-01" in page and "figures/sign-zero/" in page
