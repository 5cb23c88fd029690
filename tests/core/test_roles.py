"""docs/roles.md is the truth: compared with the code and tried with real requests; roles that a street makes."""
from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.accounts.access import access_to
from core.accounts.models import Role
from core.accounts.roles import BUILT_IN, GRANTS, Action
from core.accounts.service import add_membership, built_in_role, create_user, find_user
from core.areas.models import Area, AreaKind
from core.areas.scope import session_for
from core.areas.service import add_area
from core.residents.models import Resident
from core.testing.place import PASSWORD

TEXT = (Path(__file__).parents[2] / "docs" / "roles.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\w+) \| (own area|below) \|(.+)\|$", re.M)
COLUMNS = ("view", "reveal", "create", "edit", "void", "export", "import", "approve", "settings", "users")
TABLE = {
    (role, where): {action for action, word in zip(COLUMNS, cells.split("|"), strict=True) if word.strip() == "yes"}
    for role, where, cells in ROW.findall(TEXT)
}
NEW = "/street/manage/roles/new/"


def test_the_table_in_the_docs_is_the_one_in_the_code():
    head = re.search(r"^\| Role \| Where \|(.+)\|$", TEXT, re.M).group(1)
    assert [w.strip() for w in head.split("|")] == ["see", *COLUMNS[1:]] and set(COLUMNS) == {a.value for a in Action}
    code = {
        (key, where): {action.value for action in rights}
        for key, (_title, both) in BUILT_IN.items() for where, rights in (("own area", both.own), ("below", both.below))
    }
    assert code == TABLE


def test_who_hands_out_what_is_the_same_in_docs_and_code():
    rows = re.findall(r"^\| (\w+) \| (.+own roles.*) \|$", TEXT, re.M)
    assert {who: set(re.findall(r"\b(?:system|street|manager|staff|auditor)\b", what)) for who, what in rows} == {
        who: set(granted) for who, granted in GRANTS.items()
    }


def make_resident(place):
    with place.app.app_context(), place.session("upper", writes=True) as session:
        resident = Resident(name="王小明", identity_number="990000195001011231")
        session.add(resident)
        session.flush()
        return resident.id


def tries(place, number):
    """Action → (method, address); reached means that it is neither refused nor unknown."""
    return {
        "view": ("get", "/upper/canteen/meals/"),
        "reveal": ("post", f"/upper/residents/people/reveal/?id={number}&field=identity_number"),
        "create": ("get", "/upper/residents/people/new/"),
        "edit": ("get", f"/upper/residents/people/edit/?id={number}"),
        "void": ("post", "/upper/residents/people/delete/?id=999999"),
        "export": ("post", "/upper/residents/people/export/xlsx/"),
        "import": ("get", "/upper/residents/import/"),
        "approve": ("post", "/upper/canteen/settlement-steps/approve/?id=999999"),
        "settings": ("get", "/upper/manage/plugins/"), "users": ("get", "/upper/manage/accounts/"),
    }


@pytest.mark.parametrize("role", list(BUILT_IN))
def test_what_the_table_says_is_what_requests_get(place, role):
    number = make_resident(place)
    for where, slug in (("own area", "upper"), ("below", "street")):
        name = f"{role}.at.{slug}"
        with place.app.app_context(), session_for(None, "a test prepares", writes=True) as session:
            create_user(session, name, name, place.clock(), PASSWORD)
            area, upper = session.get(Area, place.ids[slug]), session.get(Area, place.ids["upper"])
            add_membership(session, find_user(session, name), area, built_in_role(session, role), date(2026, 1, 1))
            access = access_to(find_user(session, name), upper, date(2026, 11, 23))
            assert {a.value for a in Action if access.may(f"residents.people.{a}")} == TABLE[role, where]
        browser, got = place.browser(name), set()
        for action, (method, url) in tries(place, number).items():
            answer = getattr(browser, method)(url)
            unknown_record = action in ("void", "approve") and answer.status_code == 404
            if answer.status_code in (200, 302) or unknown_record:
                got.add(action)
            else:
                assert answer.status_code == 403, (action, answer.status_code)
        assert got == TABLE[role, where], (role, where)


def test_the_system_administrator_sees_no_personal_data(place):
    make_resident(place)
    browser = place.browser("system")
    rules = [rule.rule for rule in place.app.url_map.iter_rules()
             if "GET" in rule.methods and rule.rule.startswith("/<slug:area>/")]
    for rule in rules:
        for slug in ("upper", "street"):
            answer = browser.get(re.sub(r"<[^>]*>", "x", rule.replace("<slug:area>", slug)) + "?id=1")
            assert "王" not in answer.get_data(as_text=True) and "990000" not in answer.get_data(as_text=True), rule


# -- roles that a street makes -------------------------------------------------------------------


def role_id(place, name):
    with place.app.app_context(), session_for(None, "a test looks") as reading:
        return reading.scalar(sa.select(Role.id).where(Role.name == name))


def give(place, role, username="helper", slug="upper"):
    with place.app.app_context(), session_for(None, "a test prepares", writes=True) as session:
        create_user(session, username, username, place.clock(), PASSWORD)
        add_membership(session, find_user(session, username), session.get(Area, place.ids[slug]),
                       session.get(Role, role), date(2026, 1, 1))
    return place.browser(username)


def test_an_own_role_opens_just_what_was_ticked_and_changes_count_at_the_next_request(place):
    street = place.browser("street")
    assert street.post(NEW, {"name": "就餐登记员", "permissions": ["canteen.meals.view"]}).status_code == 302
    number = role_id(place, "就餐登记员")
    helper = give(place, number)
    assert helper.get("/upper/canteen/meals/").status_code == 200
    assert "**" not in helper.get("/upper/").get_data(as_text=True)
    for url in ("residents/people/", "canteen/diners/", "manage/accounts/", "manage/audit/", "manage/plugins/"):
        assert helper.get(f"/upper/{url}").status_code == 403
    street.post(f"/street/manage/roles/edit/?id={number}", {"name": "看名册", "permissions": ["residents.people.view"]})
    assert helper.get("/upper/canteen/meals/").status_code == 403
    assert helper.get("/upper/residents/people/").status_code == 200


@pytest.mark.parametrize("forged", [
    ["manage.accounts.users"], ["manage.areas.settings"], ["manage.plugins.settings"], ["canteen.meals.fly"],
    ["nothing.at.all"], ["canteen.meals.view", "manage.roles.settings"], [""], [],
])
def test_a_right_that_cannot_be_given_is_refused_and_what_was_typed_stays(place, forged):
    answer = place.browser("street").post(NEW, {"name": "就餐登记员", "permissions": forged})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200 and 'class="wrong"' in page and "就餐登记员" in page
    assert role_id(place, "就餐登记员") is None


def test_rights_of_a_forbidden_plugin_are_not_offered(place):
    street = place.browser("street")
    assert "canteen.meals.view" in street.get(NEW).get_data(as_text=True)
    street.post("/street/manage/plugins/policy/?plugin=canteen", {"policy": "forbidden", "sure": "1"})
    assert "canteen.meals.view" not in street.get(NEW).get_data(as_text=True)
    assert street.post(NEW, {"name": "就餐登记员", "permissions": ["canteen.meals.view"]}).status_code == 200


def test_a_role_of_another_street_is_unknown_and_cannot_be_given(place):
    with place.app.app_context(), session_for(None, "a test prepares", writes=True) as session:
        there = add_area(session, None, "别的街道", AreaKind.STREET, "elsewhere")
        role = Role(area_id=there.id, name="外来角色", permissions=["residents.people.view"])
        session.add(role)
        session.flush()
        number = role.id
    street = place.browser("street")
    assert street.get(f"/street/manage/roles/edit/?id={number}").status_code == 404
    assert street.post(f"/street/manage/roles/remove/?id={number}").status_code == 404
    assert "外来角色" not in street.get("/street/manage/roles/").get_data(as_text=True)
    street.post("/street/manage/accounts/new/", {"name": "新", "username": "xinxin", "area_id": place.ids["upper"],
                                                 "role_id": number, "starts_on": "2026-11-23"})
    with place.app.app_context(), session_for(None, "a test looks") as reading:
        assert find_user(reading, "xinxin") is None


def test_a_built_in_role_cannot_be_changed_or_removed(place):
    street = place.browser("street")
    for number in range(1, 6):
        for what in ("edit", "remove"):
            assert street.post(f"/street/manage/roles/{what}/?id={number}", {"name": "x"}).status_code == 404


def test_a_role_that_was_held_is_not_removed(place):
    street = place.browser("street")
    for name in ("用过的", "没用过的"):
        street.post(NEW, {"name": name, "permissions": ["canteen.meals.view"]})
    give(place, role_id(place, "用过的"))
    for name in ("用过的", "没用过的"):
        street.post(f"/street/manage/roles/remove/?id={role_id(place, name)}")
    assert role_id(place, "用过的") and role_id(place, "没用过的") is None


def test_a_manager_gives_the_streets_roles_but_none_with_settings(place):
    street, manager = place.browser("street"), place.browser("manager.upper")
    street.post(NEW, {"name": "就餐登记员", "permissions": ["canteen.meals.view"]})
    with place.app.app_context(), session_for(None, "a test prepares", writes=True) as session:
        session.add(Role(area_id=place.ids["street"], name="设置员", permissions=["canteen.meals.settings"]))
    page = manager.get("/upper/manage/accounts/new/").get_data(as_text=True)
    assert "就餐登记员" in page and "设置员" not in page
    assert "设置员" in street.get("/street/manage/accounts/new/").get_data(as_text=True)


def test_two_roles_of_an_area_have_two_names(place):
    street = place.browser("street")
    for _i in range(2):
        last = street.post(NEW, {"name": "就餐登记员", "permissions": ["canteen.meals.view"]})
    assert last.status_code == 200 and 'aria-invalid="true"' in last.get_data(as_text=True)


@pytest.mark.parametrize("who", ["auditor", "manager.upper", "staff.upper"])
def test_only_those_above_with_settings_make_roles(place, who):
    for slug in ("street", "upper"):
        answer = place.browser(who).post(f"/{slug}/manage/roles/new/", {"name": "x", "permissions": "a"})
        assert answer.status_code in (403, 404)


def test_who_sees_no_names_writes_nothing_that_would_tell_them(place):
    number = make_resident(place)
    street = place.browser("street")
    offered = set(re.findall(r'value="([a-z]+\.[a-z-]+\.[a-z]+)"', street.get(NEW).get_data(as_text=True)))
    street.post(NEW, {"name": "不看姓名", "permissions": [p for p in offered if p[-7:] != ".reveal"]})
    helper = give(place, role_id(place, "不看姓名"))
    assert "王**" in helper.get("/upper/residents/people/").get_data(as_text=True)
    for url in ("new/", f"edit/?id={number}"):
        assert helper.get(f"/upper/residents/people/{url}").status_code == 403
    for url in ("residents/people/delete/", "canteen/diners/card/", "canteen/meals/void/"):
        assert helper.post(f"/upper/{url}?id={number}", {"reason": "试一试"}).status_code == 403
    for url in ("residents/import/", "canteen/diners/new/", "canteen/counter/"):
        assert helper.get(f"/upper/{url}").status_code == 403
    assert helper.get("/upper/residents/tags/new/").status_code == 200
