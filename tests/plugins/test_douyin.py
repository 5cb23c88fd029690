"""抖音小站: accounts, columns, works and weekly figures of a community, in a plugin of at most 200 lines."""
from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

import plugins.douyin
from core.areas.models import Area
from core.errors import ValidationError
from core.metrics.figures import totals
from core.setup import switch_plugin_on
from core.testing.place import Browser, Place
from plugins.douyin.models import Account, Column, Stage, WeeklyFigure, Work
from plugins.douyin.services import LINK, check_work, silent_accounts

TODAY = date(2026, 11, 23)  # where the clock of `place` stands, a Monday
DOUYIN = "/upper/douyin"


@pytest.fixture
def on(place: Place) -> Place:
    """The plugin is on in `upper`, not in `lower`, with one account and one column."""
    with place.app.app_context():
        switch_plugin_on(place.ids["upper"], "douyin", date(2026, 1, 1), "test")
        with place.session("upper", writes=True) as writing:
            writing.add(Account(name="上游发布", number="up_1", opened_on=date(2026, 1, 1)))
            writing.add(Column(name="百姓大舞台"))
    return place


def all_of(place: Place, model: type, slug: str = "upper") -> list[Any]:
    """Every record of a community."""
    with place.app.app_context(), place.session(slug) as reading:
        return list(reading.scalars(sa.select(model).order_by(model.id)))


def add(place: Place, *records: Any) -> None:
    """Put records into `upper`."""
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        writing.add_all(records)


def work_of(place: Place, **values: Any) -> Work:
    """A work of the one account."""
    return Work(**{"name": "合唱", "account_id": all_of(place, Account)[0].id, "state": Stage.PUBLISHED, **values})


def send(browser: Browser, screen: str, **values: Any) -> Any:
    """Fill in the form of a new record."""
    url = f"{DOUYIN}/{screen}/new/"
    return browser.post(url, {**browser.form(url), **values})


def test_the_whole_plugin_is_at_most_200_lines() -> None:
    """Migrations, which are made by a program, do not count."""
    folder = Path(plugins.douyin.__file__).parent
    files = [f for f in folder.rglob("*.py") if "migrations" not in f.parts]
    assert len(files) >= 5
    assert sum(len(f.read_text(encoding="utf-8").splitlines()) for f in files) <= 200


def test_every_screen_opens_where_the_plugin_is_on_and_is_unknown_where_it_is_off(on: Place) -> None:
    staff, neighbour, street = on.browser("staff.upper"), on.browser("staff.lower"), on.browser("street")
    for screen in ("works", "weeks", "columns", "accounts"):
        for page in ("", "new/"):
            assert staff.get(f"{DOUYIN}/{screen}/{page}").status_code == 200
            assert neighbour.get(f"/lower/douyin/{screen}/{page}").status_code == 404
        assert neighbour.get(f"{DOUYIN}/{screen}/").status_code == 404
        assert street.get(f"/street/douyin/{screen}/").status_code == 200


def test_a_work_is_recorded_with_its_column_and_account_and_found_by_its_title(on: Place) -> None:
    staff = on.browser("staff.upper")
    [account], [column] = all_of(on, Account), all_of(on, Column)
    answer = send(staff, "works", name="龙舟怎样做成", account=account.id, column=column.id, state="published",
                  published_on="2026-11-20", link="https://v.example.org/abc/?from=web")
    assert answer.status_code == 302
    [work] = all_of(on, Work)
    assert (work.name, work.account_id, work.column_id) == ("龙舟怎样做成", account.id, column.id)
    assert (work.state, work.published_on) == (Stage.PUBLISHED, date(2026, 11, 20))
    assert "龙舟怎样做成" in staff.get(f"{DOUYIN}/works/?search=龙舟").get_data(as_text=True)
    assert "龙舟怎样做成" not in staff.get(f"{DOUYIN}/works/?search=葫芦丝").get_data(as_text=True)


def test_works_are_filtered_by_state_and_day(on: Place) -> None:
    add(on, work_of(on, published_on=date(2026, 11, 20)), work_of(on, name="腊八粥", state=Stage.IDEA),
        work_of(on, name="剪纸", state=Stage.WITHDRAWN, published_on=date(2026, 10, 1)))
    staff = on.browser("staff.upper")
    for asked, found in {
        "state=published": {"合唱"}, "state=idea": {"腊八粥"}, "published_on_from=2026-11-01": {"合唱"},
        "published_on_to=2026-10-31": {"剪纸"}, "": {"合唱", "腊八粥", "剪纸"},
    }.items():
        page = staff.get(f"{DOUYIN}/works/?{asked}").get_data(as_text=True)
        assert {name for name in ("合唱", "腊八粥", "剪纸") if name in page} == found, asked


@pytest.mark.parametrize("link", [
    "javascript:alert(1)", "v.example.org/abc", "ftp://example.org/a", "https://", "https:///path", "https://a.org/ b",
])
def test_a_link_that_is_no_web_address_is_refused(link: str) -> None:
    with pytest.raises(ValidationError) as refused:
        check_work(Work(name="合唱", state=Stage.IDEA, link=link), TODAY)
    assert refused.value.field == "link"


@given(st.from_regex(r"https?://[a-z]{1,9}\.org(/[a-z0-9?=&%]{0,9})?", fullmatch=True), st.sampled_from(" \n\t\u3000"))
def test_a_web_address_is_a_link_and_one_with_blanks_in_it_is_none(address: str, blank: str) -> None:
    assert LINK.fullmatch(address)
    assert not LINK.fullmatch(address[:10] + blank + address[10:])


@pytest.mark.parametrize(("state", "day"), [
    (Stage.PUBLISHED, None), (Stage.WITHDRAWN, None), (Stage.IDEA, TODAY), (Stage.REVIEW, TODAY),
    (Stage.PUBLISHED, TODAY + timedelta(days=1)),
])
def test_a_day_of_publication_that_does_not_fit_the_state_is_refused(state: Stage, day: date | None) -> None:
    with pytest.raises(ValidationError) as refused:
        check_work(Work(name="合唱", state=state, published_on=day), TODAY)
    assert refused.value.field == "published_on"


def test_a_refused_work_comes_back_in_its_form_and_is_not_stored(on: Place) -> None:
    staff, account = on.browser("staff.upper"), all_of(on, Account)[0].id
    for wrong in ({"state": "published"}, {"state": "idea", "link": "javascript:alert(1)"}):
        answer = send(staff, "works", name="合唱", account=account, **wrong)
        assert answer.status_code == 422 and "合唱" in answer.get_data(as_text=True)
    assert all_of(on, Work) == []


def test_an_unknown_figure_stays_empty_and_zero_is_kept(on: Place) -> None:
    answer = send(on.browser("staff.upper"), "weeks", account=all_of(on, Account)[0].id, week="2026-11-18",
                  followers="1200", likes="0", shares="")
    assert answer.status_code == 302
    [figure] = all_of(on, WeeklyFigure)
    assert (figure.followers, figure.likes, figure.shares, figure.plays) == (1200, 0, None, None)
    assert figure.week == date(2026, 11, 16), "the Monday"


def test_a_second_row_for_the_week_is_refused_in_words(on: Place) -> None:
    staff, account = on.browser("staff.upper"), all_of(on, Account)[0].id
    assert send(staff, "weeks", account=account, week="2026-11-16", plays="5").status_code == 302
    answer = send(staff, "weeks", account=account, week="2026-11-22", plays="6")
    assert answer.status_code == 422
    assert "UNIQUE" not in answer.get_data(as_text=True)
    assert [figure.plays for figure in all_of(on, WeeklyFigure)] == [5]


def test_a_week_that_has_not_begun_is_refused(on: Place) -> None:
    answer = send(on.browser("staff.upper"), "weeks", account=all_of(on, Account)[0].id, week="2026-11-30", plays="5")
    assert answer.status_code == 422
    assert all_of(on, WeeklyFigure) == []


@pytest.mark.parametrize("day", ["2026-11-16", "2026-11-18", "2026-11-22"])
def test_any_day_of_a_week_means_its_monday(on: Place, day: str) -> None:
    staff = on.browser("staff.upper")
    send(staff, "accounts", name="新号", number="up_2", opened_on="2026-05-01")
    send(staff, "weeks", account=all_of(on, Account)[0].id, week=day, plays="5")
    assert [f.week for f in all_of(on, WeeklyFigure)] == [date(2026, 11, 16)]


def test_an_account_cannot_close_before_it_opens(on: Place) -> None:
    answer = send(on.browser("manager.upper"), "accounts", name="新号", number="up_2", opened_on="2026-05-01",
                  closed_on="2026-04-30")
    assert answer.status_code == 422
    assert len(all_of(on, Account)) == 1


def test_an_account_that_has_works_cannot_be_deleted(on: Place) -> None:
    add(on, work_of(on, state=Stage.IDEA))
    [account] = all_of(on, Account)
    on.browser("staff.upper").post(f"{DOUYIN}/accounts/delete/?id={account.id}")
    assert all_of(on, Account)[0].deleted_at is None


def test_a_work_of_the_neighbour_cannot_be_opened_or_referred_to(on: Place) -> None:
    with on.app.app_context():
        switch_plugin_on(on.ids["lower"], "douyin", date(2026, 1, 1), "test")
        with on.session("lower", writes=True) as writing:
            writing.add(Account(name="下游发布", number="low_1", opened_on=date(2026, 1, 1)))
    [foreign] = all_of(on, Account, "lower")
    staff = on.browser("staff.upper")
    assert staff.get(f"{DOUYIN}/accounts/details/?id={foreign.id}").status_code == 404
    assert send(staff, "works", name="合唱", account=foreign.id, state="idea").status_code == 422
    assert all_of(on, Work) == []


def test_the_metric_counts_what_was_published_and_is_still_there(on: Place) -> None:
    add(on, work_of(on, published_on=TODAY), work_of(on, published_on=TODAY - timedelta(days=30)),
        work_of(on, state=Stage.IDEA), work_of(on, state=Stage.WITHDRAWN, published_on=TODAY))
    [metric] = [m for name, m in on.app.extensions["jinlin_plugins"].metrics() if name == "douyin"]
    with on.app.app_context(), on.session("upper") as reading:
        assert totals(reading, metric, TODAY, TODAY) == {on.ids["upper"]: 1}
        assert sum(totals(reading, metric, date(2026, 1, 1), TODAY).values()) == 2
    page = on.browser("staff.upper").get("/upper/").get_data(as_text=True)
    [link] = set(re.findall(r'href="(/upper/douyin/works/\?published_on_from=2026-11-23[^"]+)"', page))
    listed = on.browser("staff.upper").get(link.replace("&amp;", "&")).get_data(as_text=True)
    assert listed.count("/upper/douyin/works/details/") == 1, "the figure opens the list of what it counts"


def test_silence_becomes_more_urgent_with_the_days(on: Place) -> None:
    silent = {6: None, 7: "info", 9: "info", 10: "warn", 13: "warn", 14: "bad", 300: "bad"}
    for days in silent:
        account = Account(name=str(days), number=str(days), opened_on=date(2020, 1, 1))
        add(on, Work(name="合唱", account=account, state=Stage.PUBLISHED, published_on=TODAY - timedelta(days=days)),
            Work(name="旧作", account=account, state=Stage.PUBLISHED, published_on=TODAY - timedelta(days=310)),
            Work(name="撤下", account=account, state=Stage.WITHDRAWN, published_on=TODAY))
    with on.app.app_context(), on.session("upper") as reading:
        found = {account.name: (days, kind) for account, days, kind in silent_accounts(reading, TODAY)}
    del found["上游发布"]
    assert found == {str(days): (days, kind) for days, kind in silent.items() if kind}


def test_an_account_without_any_work_is_silent_since_it_was_opened_and_a_closed_one_never(on: Place) -> None:
    add(on, Account(name="旧号", number="old", opened_on=date(2020, 1, 1), closed_on=date(2025, 1, 1)))
    with on.app.app_context(), on.session("upper") as reading:
        [(account, days, kind)] = silent_accounts(reading, TODAY)
        assert (account.number, days, kind) == ("up_1", (TODAY - date(2026, 1, 1)).days, "bad")


def test_the_workbench_names_the_silent_account(on: Place) -> None:
    assert "上游发布" in on.browser("staff.upper").get("/upper/").get_data(as_text=True)
    add(on, work_of(on, published_on=TODAY))
    assert "上游发布" not in on.browser("staff.upper").get("/upper/").get_data(as_text=True)


def test_no_list_puts_works_or_people_in_the_order_of_likes(on: Place) -> None:
    """Likes and plays are no measure of anybody's work (domain.md §0.3): they stand at the account's week alone."""
    liked = {"plays", "likes", "comments", "shares", "followers"}
    assert not liked & {c.key for c in Work.__table__.columns}
    assert [m.amount for n, m in on.app.extensions["jinlin_plugins"].metrics() if n == "douyin"] == [None]


def test_the_demonstration_has_columns_works_and_figures_that_the_forms_would_take(place: Place) -> None:
    manager = place.app.extensions["jinlin_plugins"]
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        community = writing.scalars(sa.select(Area).where(Area.slug == "upper")).one()
        assert manager.ask("demo_records", ["douyin"], writing, community=community, today=TODAY)
    works = all_of(place, Work)
    assert {w.state for w in works} == {Stage.PUBLISHED}
    assert {c.name for c in all_of(place, Column)} == {"齐悦美食汇", "百姓大舞台", "急救培训会"}
    assert all(w.published_on <= TODAY for w in works)
    assert all(f.week.weekday() == 0 and f.week < TODAY for f in all_of(place, WeeklyFigure))
