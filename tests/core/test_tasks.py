"""Tasks about residents: one for a person and a day while it is open, finished with an outcome in words."""
from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core.areas.models import Area
from core.residents.models import Resident
from core.residents.service import set_name
from core.tasks.models import Outcome, Task, TaskState
from core.tasks.service import close_task, open_task
from core.testing.place import NOON

TODAY = date(2026, 11, 23)
LIST, FINISH = "/upper/residents/tasks/", "/upper/residents/finish-task/"


def add_task(place: Any, name: str = "王秀英", slug: str = "upper", day: date = TODAY) -> int:
    """An open task about somebody new; its id."""
    with place.app.test_request_context(), place.session(slug, writes=True) as session:
        person = Resident()
        set_name(person, name)
        session.add(person)
        session.flush()
        return open_task(session, "午餐无人应答", person, day, source="canteen", by="李师傅", at=NOON,
                         link="canteen/delivery/").id


def task(place: Any, number: int) -> Any:
    with place.app.app_context(), place.session("upper") as session:
        found = session.scalars(sa.select(Task).where(Task.id == number)).one()
        return found.state, found.outcome, found.outcome_note, found.done_by


def finish(browser: Any, number: int, **values: str) -> Any:
    url = f"{FINISH}?id={number}"
    return browser.post(url, {"once": browser.form(url)["once"], "outcome": "safe", "note": "女儿接了电话", **values})


def test_a_second_call_for_the_same_person_and_day_gives_the_open_task(place):
    number = add_task(place)
    with place.app.test_request_context(), place.session("upper", writes=True) as session:
        person = session.scalars(sa.select(Resident)).one()
        again = open_task(session, "晚餐无人应答", person, TODAY, source="canteen", by="王敏", at=NOON)
        assert again.id == number and again.title == "午餐无人应答"
        tomorrow = open_task(session, "晚餐无人应答", person, TODAY + timedelta(days=1), source="canteen", by="王敏",
                             at=NOON)
        assert tomorrow.id != number
        close_task(session, again, Outcome.SAFE, "本人接了电话", "王敏", NOON)
        assert open_task(session, "晚餐无人应答", person, TODAY, source="canteen", by="王敏", at=NOON).id != number


def test_the_database_refuses_a_second_open_task(place):
    add_task(place)
    with place.app.app_context(), pytest.raises(sa.exc.IntegrityError), place.session("upper", writes=True) as session:
        known = session.scalars(sa.select(Task)).one()
        session.add(Task(title="又一个", resident_id=known.resident_id, due=TODAY, source="canteen", opened_by="王敏",
                         opened_at=NOON))
        session.flush()


def test_finishing_keeps_how_it_ended_and_a_double_click_finishes_once(place):
    number, staff = add_task(place), place.browser("staff.upper")
    url = f"{FINISH}?id={number}"
    values = {"once": staff.form(url)["once"], "outcome": "hospital", "note": "摔倒，已由女儿陪同送医"}
    assert [staff.post(url, values).status_code for _click in range(2)] == [302, 302]
    state, outcome, note, by = task(place, number)
    assert (state, outcome, note) == (TaskState.DONE, Outcome.HOSPITAL, "摔倒，已由女儿陪同送医")
    again = finish(place.browser("manager.upper"), number)
    assert again.status_code == 422 and f"{by}" in again.get_data(as_text=True)
    assert task(place, number) == (state, outcome, note, by)


def test_without_an_outcome_and_words_it_stays_open(place):
    number, staff = add_task(place), place.browser("staff.upper")
    for wrong in ({"outcome": ""}, {"outcome": "flown"}, *({"note": note} for note in ("", " ", "好", "长" * 201))):
        assert finish(staff, number, **wrong).status_code == 422
    assert task(place, number)[0] == TaskState.OPEN


def test_an_open_task_stands_on_the_workbench_until_it_is_finished(place):
    number, staff = add_task(place), place.browser("staff.upper")
    page = staff.get("/upper/").get_data(as_text=True)
    assert "王秀英 · 午餐无人应答" in page and page.index("王秀英") < page.index('class="card')
    url = f"/upper/residents/tasks/details/?id={number}"
    assert url in page
    assert f'<a class="btn primary" href="{FINISH}?id={number}">' in staff.get(url).get_data(as_text=True)
    finish(staff, number)
    assert 'class="btn primary" href' not in staff.get(url).get_data(as_text=True)
    assert "王秀英" not in staff.get("/upper/").get_data(as_text=True)


def test_the_street_sees_counts_by_community_and_no_name(place):
    add_task(place), add_task(place, "李桂芳"), add_task(place, "赵春生", "lower")
    page = place.browser("street").get("/street/").get_data(as_text=True)
    with place.app.app_context(), place.session(None) as session:
        names = dict(session.execute(sa.select(Area.slug, Area.name)).all())
    for slug, count in (("upper", 2), ("lower", 1)):
        line = page[page.index(f"/{slug}/residents/tasks/?state=open"):][:200]
        assert names[slug] in line and str(count) in line
    assert not any(name in page for name in ("王秀英", "李桂芳", "赵春生"))
    masked = place.browser("street").get("/upper/").get_data(as_text=True)
    assert "王** · 午餐无人应答" in masked and "王秀英" not in masked


def test_nobody_finishes_a_task_elsewhere_or_without_seeing_names(place):
    number, staff = add_task(place, slug="lower"), place.browser("staff.upper")
    assert staff.get(f"{FINISH}?id={number}").status_code == 404
    assert staff.get(f"{LIST}details/?id={number}").status_code == 404
    assert staff.post(f"{FINISH}?id={number}", {"outcome": "safe", "note": "平安"}).status_code == 404
    number, auditor = add_task(place), place.browser("auditor")
    assert auditor.get(f"{FINISH}?id={number}").status_code == 403
    assert "王秀英" not in auditor.get(f"{LIST}details/?id={number}").get_data(as_text=True)


def test_the_list_filters_and_the_residents_page_tells_the_outcome(place):
    number, staff = add_task(place), place.browser("staff.upper")
    add_task(place, "李桂芳")
    finish(staff, number, outcome="family")
    done = staff.get(LIST, query_string={"state": "done"}).get_data(as_text=True)
    assert "王秀英" in done and "李桂芳" not in done
    with place.app.app_context(), place.session("upper") as session:
        person = session.scalar(sa.select(Task.resident_id).where(Task.id == number))
    page = staff.get(f"/upper/residents/people/details/?id={person}").get_data(as_text=True)
    assert "午餐无人应答 · " in page and f"/tasks/details/?id={number}" in page


def test_a_task_is_voided_with_a_reason_and_then_gone_from_the_workbench(place):
    number, staff = add_task(place), place.browser("staff.upper")
    assert staff.post(f"{LIST}void/?id={number}", {"reason": "点错了"}).status_code == 302
    staff.get(LIST)  # what was said about it stands there once
    assert "王秀英" not in staff.get("/upper/").get_data(as_text=True)
    assert staff.post(f"{LIST}delete/?id={number}").status_code == 404
    with place.app.app_context(), place.session("upper") as session:
        assert session.scalars(sa.select(Task)).one().voided_at is not None
    assert finish(staff, number).status_code == 422
