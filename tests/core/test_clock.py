"""One clock for all: Beijing's days, a clock that is put back, a clock that cannot be right."""
from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import clock
from core.areas.scope import session_for
from core.audit.models import OnceKey
from core.clock import check_clock, doubt_about
from core.errors import SetupError
from core.residents.models import TagKind

ROOT = Path(__file__).resolve().parents[2]
ASKS_THE_TIME = {"now", "today", "utcnow", "fromtimestamp", "localtime", "gmtime", "ctime", "time"}
OWNERS = {"datetime", "date", "time"}
TAG = "/upper/residents/tags/new/"


def asked_elsewhere():
    """Calls of the standard library's clocks outside core/clock.py."""
    for path in [*ROOT.glob("core/**/*.py"), *ROOT.glob("plugins/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            owner = node.func.value
            owner = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            if owner in OWNERS and node.func.attr in ASKS_THE_TIME or owner == "func" and node.func.attr in (
                    "now", "current_date", "current_timestamp", "localtime"):
                yield f"{path.relative_to(ROOT)}:{node.lineno}"


def test_nothing_asks_for_the_time_but_the_clock():
    allowed = {path for path in asked_elsewhere() if path.startswith("core/clock.py")}
    assert set(asked_elsewhere()) == allowed and allowed


def test_a_clock_that_is_put_back_signs_nobody_out_and_loses_no_form(place):
    browser = place.browser("staff.upper")
    form = browser.form(TAG) | {"name": "送餐对象"}
    place.clock.forward(hours=-1)
    assert browser.get("/upper/").status_code == 200
    assert browser.client.post(TAG, data=form).status_code == 302
    place.clock.forward(minutes=-5)
    assert browser.client.post(TAG, data=form).status_code == 302  # the same form once more
    with place.app.app_context(), place.session("upper") as reading:
        assert len(reading.scalars(sa.select(TagKind).where(TagKind.name == "送餐对象")).all()) == 1
        assert reading.scalar(sa.select(sa.func.count()).select_from(OnceKey)) == 1


def test_the_cookie_of_a_server_whose_clock_was_ahead_still_counts(place, monkeypatch):
    from itsdangerous import TimestampSigner

    ahead = TimestampSigner.get_timestamp
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: ahead(self) + 3600)
    browser = place.browser("staff.upper")
    monkeypatch.setattr(TimestampSigner, "get_timestamp", ahead)
    assert browser.get("/upper/").status_code == 200


def test_an_edit_begun_before_the_clock_was_put_back_is_saved(place):
    browser = place.browser("staff.upper")
    browser.client.post(TAG, data=browser.form(TAG) | {"name": "送餐对象"})
    with place.app.app_context(), place.session("upper") as reading:
        number = reading.scalar(sa.select(TagKind.id).where(TagKind.name == "送餐对象"))
    url = f"/upper/residents/tags/edit/?id={number}"
    form = browser.form(url) | {"name": "送餐"}
    place.clock.forward(hours=-2)
    assert browser.client.post(url, data=form).status_code == 302


def test_a_lock_after_wrong_passwords_holds_when_the_clock_is_put_back(place):
    browser = place.browser()
    for _i in range(5):
        browser.sign_in("staff.upper", "not the password")
    place.clock.forward(minutes=-30)
    assert browser.sign_in("staff.upper").status_code == 200  # the sign-in page again
    place.clock.forward(minutes=46)
    assert browser.sign_in("staff.upper").status_code == 302


def test_a_session_begun_by_a_clock_far_ahead_ends_when_the_clock_is_set_right(place):
    place.clock.forward(days=300)
    browser = place.browser("staff.upper")
    place.clock.forward(days=-300)
    assert browser.get("/upper/").status_code == 302


@pytest.mark.parametrize("year", [1970, 2025, 2076, 2199])
def test_a_clock_that_cannot_be_right_is_refused_in_words(place, monkeypatch, year):
    monkeypatch.setattr(clock, "system_clock", lambda: datetime(year, 3, 1, tzinfo=UTC))
    with place.app.test_request_context(), pytest.raises(SetupError, match=f"{year}-03-01"):
        check_clock()


@pytest.mark.parametrize(("off", "doubted"), [(timedelta(days=-2), True), (timedelta(hours=-20), False),
                                              (timedelta(days=300), False), (timedelta(days=400), True)])
def test_a_clock_that_does_not_fit_to_the_data_is_doubted(place, monkeypatch, off, doubted):
    monkeypatch.setattr(clock, "system_clock", lambda: place.clock() + off)
    with place.app.test_request_context():
        assert bool(doubt_about(place.clock())) is doubted


def test_the_day_changes_at_midnight_in_beijing(place):
    browser = place.browser("staff.upper")
    for moment, day in ((datetime(2028, 2, 29, 15, 59, 59, tzinfo=UTC), "2月29日"),
                        (datetime(2028, 2, 29, 16, tzinfo=UTC), "3月1日"),
                        (datetime(2028, 12, 31, 15, 59, 59, tzinfo=UTC), "12月31日"),
                        (datetime(2028, 12, 31, 16, tzinfo=UTC), "1月1日")):
        place.clock.moment = moment
        browser.sign_in("staff.upper")
        assert day in browser.get("/upper/canteen/counter/").text


def test_a_role_counts_until_the_end_of_its_last_day_in_beijing(place):
    from core.accounts.models import Membership, User

    with place.app.app_context(), session_for(None, "a test ends a role", writes=True) as writing:
        held = writing.scalars(sa.select(Membership).join(User).where(User.username == "staff.upper")).one()
        held.ends_on = datetime(2026, 12, 31).date()
    browser = place.browser()
    place.clock.moment = datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC)
    browser.sign_in("staff.upper")
    assert browser.get("/upper/").status_code == 200
    place.clock.moment = datetime(2026, 12, 31, 16, tzinfo=UTC)
    assert browser.get("/upper/").status_code == 404
