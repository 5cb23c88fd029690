"""谁对哪条记录做了什么: the audit log, and the log of sign-ins and accounts, each for those whom it concerns."""
from __future__ import annotations

import re
from datetime import date

import pytest
import sqlalchemy as sa

from core.accounts.service import add_membership, built_in_role, create_user, find_user
from core.areas.models import AreaKind
from core.areas.scope import session_for
from core.areas.service import add_area
from core.residents.models import Resident
from core.testing.place import PASSWORD

AUDIT, LOG = "manage/audit/", "manage/log/"


def change_something(place):
    staff = place.browser("staff.upper")
    staff.post("/upper/residents/tags/new/", {**staff.form("/upper/residents/tags/new/"), "name": "独居老人"})
    with place.app.app_context(), place.session("upper", writes=True) as session:
        resident = Resident(name="王小明", identity_number="990000195001011231", compound="东院")
        session.add(resident)
        session.flush()
        resident.name, resident.compound = "王大明", "西院"


def rows(page):
    return [re.sub(r"<[^>]+>", " ", row) for row in page.get_data(as_text=True).split("<tbody>")[-1].split("<tr>")[1:]]


def test_the_log_says_who_did_what_to_which_record(place):
    change_something(place)
    found = rows(place.browser("manager.upper").get(f"/upper/{AUDIT}"))
    assert any("staff.upper" in row and "2026-11-23 11:42" in row for row in found)
    assert any("东院" in row and "西院" in row and "→" in row for row in found)


def test_private_values_stand_nowhere_in_it(place):
    change_something(place)
    for who, slug in (("manager.upper", "upper"), ("street", "street"), ("auditor", "upper")):
        page = place.browser(who).get(f"/{slug}/{AUDIT}").get_data(as_text=True)
        assert "小明" not in page and "990000" not in page
        assert ("王大明" in page) == (who == "manager.upper")  # the record's name, for those who may see names


def test_the_log_names_its_records_as_the_reader_may_see_them(place):
    change_something(place)
    assert any("独居老人" in row for row in rows(place.browser("manager.upper").get(f"/upper/{AUDIT}")))
    with place.app.app_context(), place.session("upper") as reading:
        number = reading.scalar(sa.select(Resident.id).where(Resident.name == "王大明"))
    masked = rows(place.browser("auditor").get(f"/upper/{AUDIT}?kind_of_record=resident"))
    assert masked and all(f"{number}" in row for row in masked)


@pytest.mark.parametrize(("who", "slug", "status"), [
    ("manager.upper", "upper", 200), ("street", "street", 200), ("street", "upper", 200), ("auditor", "street", 200),
    ("auditor", "lower", 200), ("staff.upper", "upper", 403), ("system", "street", 403),
    ("manager.upper", "lower", 404),
])
def test_who_reads_the_audit_log(place, who, slug, status):
    assert place.browser(who).get(f"/{slug}/{AUDIT}").status_code == status


def test_nobody_writes_into_the_audit_log(place):
    change_something(place)
    manager = place.browser("manager.upper")
    for what in ("new/", "edit/?id=1", "delete/?id=1", "void/?id=1", "action/"):
        assert manager.post(f"/upper/{AUDIT}{what}", {"rowid": "1", "action": "delete"}).status_code in (403, 404, 405)
        assert manager.get(f"/upper/{AUDIT}{what}").status_code in (403, 404, 405)


@pytest.mark.parametrize("asked", [
    "deed=created", "deed=nonsense", "username=staff.upper", "period=7", "period=x", "kind_of_record=resident_tag_kind",
    "sort=changed", "sort=changes", "sort=at&desc=1", "page=9999999", "username=%00", "kind_of_record=%27",
])
def test_every_filter_of_the_audit_log_is_answered(place, asked):
    change_something(place)
    assert place.browser("manager.upper").get(f"/upper/{AUDIT}?{asked}").status_code == 200


def test_an_entry_has_a_page_in_its_own_community_only(place):
    change_something(place)
    assert place.browser("manager.upper").get(f"/upper/{AUDIT}details/?id=1").status_code == 200
    assert place.browser("manager.lower").get(f"/lower/{AUDIT}details/?id=999").status_code == 404


def names_in(browser, slug):
    return {name for row in rows(browser.get(f"/{slug}/{LOG}?search=")) for name in re.findall(r"[a-z]+\.?[a-z]*", row)
            if name in NAMES}


NAMES = {"system", "street", "auditor", "manager.upper", "manager.lower", "staff.upper", "staff.lower", "stranger"}


def test_everybody_reads_the_sign_ins_of_his_own_people(place):
    for name in sorted(NAMES):
        place.browser().sign_in(name)
    assert names_in(place.browser("manager.upper"), "upper") == {"manager.upper", "staff.upper"}
    assert names_in(place.browser("street"), "street") == {
        "street", "auditor", "manager.upper", "manager.lower", "staff.upper", "staff.lower"}
    assert names_in(place.browser("system"), "street") == NAMES
    assert names_in(place.browser("auditor"), "street") == NAMES
    assert names_in(place.browser("street"), "lower") == {"street", "manager.lower", "staff.lower"}
    assert place.browser("staff.upper").get(f"/upper/{LOG}").status_code == 403


def test_what_was_done_to_accounts_and_areas_is_in_the_log(place):
    street = place.browser("street")
    street.post(f"/street/manage/areas/close/?id={place.ids['lower']}")
    text = " ".join(rows(street.get(f"/street/{LOG}?result=deed")))
    assert "下游社区" in text
    assert "下游社区" not in " ".join(rows(place.browser("manager.upper").get(f"/upper/{LOG}?result=deed")))


@pytest.mark.parametrize("asked", [
    "result=success", "result=deed", "result=%27", "from=2026-11-23&to=2026-11-23", "from=x&to=2026-99-99", "page=x",
    "search=%00", "search=%25_", "from=0001-01-01&to=9999-12-31",
])
def test_every_filter_of_the_sign_in_log_is_answered(place, asked):
    for who, slug in (("street", "street"), ("manager.upper", "upper")):
        assert place.browser(who).get(f"/{slug}/{LOG}?{asked}").status_code == 200


def test_the_log_of_a_day_is_that_of_a_day_in_beijing(place):
    place.clock.forward(hours=13)  # 00:42 of the next day in Beijing, the same day in UTC
    browser = place.browser("street")
    assert rows(browser.get(f"/street/{LOG}?from=2026-11-24"))
    assert len(rows(browser.get(f"/street/{LOG}?to=2026-11-23"))) == 0


def test_another_street_beside_this_one_stays_unknown_to_its_overseers(place):
    with place.app.app_context(), session_for(None, "a test prepares", writes=True) as session:
        there = add_area(session, None, "别的街道", AreaKind.STREET, "elsewhere")
        create_user(session, "stranger", "远", place.clock(), PASSWORD)
        add_membership(session, find_user(session, "stranger"), there, built_in_role(session, "manager"),
                       date(2026, 1, 1))
    place.browser("stranger")
    for who in ("system", "auditor", "street"):
        assert "stranger" not in names_in(place.browser(who), "street")
    assert ">stranger</td>" not in place.browser("system").get("/street/manage/accounts/").get_data(as_text=True)
