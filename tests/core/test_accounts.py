"""Making, resetting and ending accounts: who may do it to whom; forged addresses and forms are refused."""
from __future__ import annotations

import re
from datetime import date

import pytest
import sqlalchemy as sa

from core.accounts.models import AccountEvent, Membership, Role, User
from core.accounts.roles import STAFF, SYSTEM
from core.accounts.service import add_membership, built_in_role, create_user, disable, end_membership, find_user
from core.areas.models import Area, AreaKind
from core.areas.scope import session_for
from core.areas.service import add_area
from core.errors import ValidationError
from core.testing.place import PASSWORD

TODAY = date(2026, 11, 23)
SHOWN = re.compile(r'<output class="bigfield" id="one-time">([^<]+)</output>')


def looking(place):
    return session_for(None, "a test looks")


def writing(place):
    return session_for(None, "a test prepares", writes=True)


def role_id(place, key):
    with place.app.app_context(), looking(place) as reading:
        return reading.scalar(sa.select(Role.id).where(Role.key == key))


def user_id(place, username):
    with place.app.app_context(), looking(place) as reading:
        return reading.scalar(sa.select(User.id).where(User.username == username))


def membership_id(place, username):
    with place.app.app_context(), looking(place) as reading:
        return reading.scalar(sa.select(Membership.id).where(Membership.user_id == user_id(place, username)))


def form_of(place, slug, role=STAFF, **values):
    return {"name": "王新", "username": "wangxin", "area_id": place.ids[slug], "role_id": role_id(place, role),
            "starts_on": "2026-11-23", "ends_on": "", **values}


def other_street(place):
    """A second street with a community and its manager, beside the first one."""
    with place.app.app_context(), writing(place) as session:
        street = add_area(session, None, "别的街道", AreaKind.STREET, "elsewhere")
        there = add_area(session, street, "别的社区", AreaKind.COMMUNITY, "farther")
        create_user(session, "manager.farther", "远", place.clock(), PASSWORD)
        add_membership(session, find_user(session, "manager.farther"), there, built_in_role(session, "manager"),
                       date(2026, 1, 1))
        place.ids |= {"elsewhere": street.id, "farther": there.id}


def test_a_manager_makes_a_staff_account_with_a_one_time_password(place):
    manager = place.browser("manager.upper")
    answer = manager.post("/upper/manage/accounts/new/", form_of(place, "upper"))
    password = SHOWN.search(answer.get_data(as_text=True)).group(1)
    assert password not in manager.get("/upper/manage/accounts/").get_data(as_text=True)
    new = place.browser()
    assert new.sign_in("wangxin", password).status_code == 302
    assert new.get("/upper/").headers["Location"] == "/account/password"
    changed = new.post("/account/password", {"old": password, "password": "three boats in the fog",
                                             "again": "three boats in the fog"})
    assert changed.status_code == 302
    assert new.get("/upper/").status_code == 200
    assert place.browser().sign_in("wangxin", password).status_code == 200


def test_the_one_time_password_stands_in_no_log(place):
    answer = place.browser("manager.upper").post("/upper/manage/accounts/new/", form_of(place, "upper"))
    password = SHOWN.search(answer.get_data(as_text=True)).group(1)
    assert answer.headers["Cache-Control"] == "no-store"
    assert password not in str(answer.headers)
    with place.app.app_context(), looking(place) as reading:
        assert not any(password in (what or "") for what in reading.scalars(sa.select(AccountEvent.what)))


@pytest.mark.parametrize(("who", "at", "role", "slug"), [
    ("manager.upper", "upper", "manager", "upper"), ("manager.upper", "upper", "street", "upper"),
    ("manager.upper", "upper", "system", "upper"), ("manager.upper", "upper", "auditor", "upper"),
    ("manager.upper", "upper", "staff", "lower"), ("manager.upper", "upper", "staff", "street"),
    ("street", "street", "system", "upper"), ("street", "street", "street", "upper"),
    ("street", "street", "staff", "farther"), ("street", "street", "manager", "elsewhere"),
])
def test_a_role_that_is_not_his_to_give_is_refused(place, who, at, role, slug):
    other_street(place)
    place.browser(who).post(f"/{at}/manage/accounts/new/", form_of(place, slug, role))
    assert user_id(place, "wangxin") is None


@pytest.mark.parametrize("forged", ["999999", "-1", "abc", "99999999999999999999", ""])
def test_forged_ids_of_areas_and_roles_are_refused(place, forged):
    manager = place.browser("manager.upper")
    for field in ("role_id", "area_id"):
        answer = manager.post("/upper/manage/accounts/new/", form_of(place, "upper", **{field: forged}))
        assert answer.status_code == 422
    assert user_id(place, "wangxin") is None


@pytest.mark.parametrize(("who", "at", "whom"), [
    ("manager.upper", "upper", "manager.lower"), ("manager.upper", "upper", "staff.lower"),
    ("manager.upper", "upper", "street"), ("manager.upper", "upper", "system"), ("manager.upper", "upper", "auditor"),
    ("manager.upper", "upper", "manager.upper"), ("street", "street", "system"), ("street", "street", "street"),
    ("street", "street", "manager.farther"), ("street", "upper", "staff.lower"),
])
def test_an_account_that_is_not_his_is_unknown(place, who, at, whom):
    other_street(place)
    browser, number = place.browser(who), user_id(place, whom)
    assert browser.get(f"/{at}/manage/accounts/account/?id={number}").status_code == 404
    for what in ("reset", "disable", "enable", "unlock", "rename", "account"):
        assert browser.post(f"/{at}/manage/accounts/{what}/?id={number}").status_code == 404
    assert browser.post(f"/{at}/manage/accounts/end-role/?membership={membership_id(place, whom)}").status_code == 404
    assert f">{whom}</td>" not in browser.get(f"/{at}/manage/accounts/").get_data(as_text=True)
    assert place.browser(whom).get("/").status_code == 302


@pytest.mark.parametrize("who", ["staff.upper", "auditor"])
def test_those_who_manage_nobody_see_no_accounts(place, who):
    at = "upper" if who == "staff.upper" else "street"
    browser = place.browser(who)
    assert browser.get(f"/{at}/manage/accounts/").status_code == 403
    assert browser.post(f"/{at}/manage/accounts/new/", form_of(place, "upper")).status_code == 403


def test_a_reset_ends_the_sessions_and_the_old_password(place):
    staff, manager = place.browser("staff.upper"), place.browser("manager.upper")
    page = manager.post(f"/upper/manage/accounts/reset/?id={user_id(place, 'staff.upper')}").get_data(as_text=True)
    assert staff.get("/upper/").status_code == 302
    assert place.browser().sign_in("staff.upper").status_code == 200
    assert place.browser().sign_in("staff.upper", SHOWN.search(page).group(1)).status_code == 302


def test_an_ended_account_is_signed_out_and_found_by_the_filter(place):
    staff, manager = place.browser("staff.upper"), place.browser("manager.upper")
    url = f"?id={user_id(place, 'staff.upper')}"
    manager.post(f"/upper/manage/accounts/disable/{url}")
    assert staff.get("/upper/").status_code == 302
    assert place.browser().sign_in("staff.upper").status_code == 200
    assert ">staff.upper</td>" not in manager.get("/upper/manage/accounts/").get_data(as_text=True)
    assert ">staff.upper</td>" in manager.get("/upper/manage/accounts/?state=disabled").get_data(as_text=True)
    assert manager.post(f"/upper/manage/accounts/reset/{url}").status_code == 404
    manager.post(f"/upper/manage/accounts/enable/{url}")
    assert place.browser().sign_in("staff.upper").status_code == 302


def test_a_locked_account_is_unlocked(place):
    guesser = place.browser()
    for _i in range(5):
        guesser.sign_in("staff.upper", "wrong")
    assert guesser.sign_in("staff.upper").status_code == 200
    manager = place.browser("manager.upper")
    assert "staff.upper" in manager.get("/upper/manage/accounts/?state=locked").get_data(as_text=True)
    manager.post(f"/upper/manage/accounts/unlock/?id={user_id(place, 'staff.upper')}")
    assert guesser.sign_in("staff.upper").status_code == 302


def test_a_role_taken_away_counts_at_the_next_request(place):
    staff, manager = place.browser("staff.upper"), place.browser("manager.upper")
    manager.post(f"/upper/manage/accounts/end-role/?membership={membership_id(place, 'staff.upper')}")
    assert staff.get("/upper/residents/people/").status_code == 302
    again = place.browser("staff.upper")
    assert again.get("/upper/").status_code == 404
    assert again.get("/").status_code == 403


def test_staff_of_two_communities_switch_on_top_and_no_manager_can_reset_them(place):
    manager = place.browser("manager.upper")
    answer = manager.post("/upper/manage/accounts/add/", form_of(place, "upper", username=" Staff.Lower "))
    assert answer.status_code == 302
    staff = place.browser("staff.lower")
    page = staff.get("/lower/").get_data(as_text=True)
    assert 'href="/upper/"' in page and staff.get("/upper/").status_code == 200
    url = f"?id={user_id(place, 'staff.lower')}"
    assert manager.get(f"/upper/manage/accounts/account/{url}").status_code == 200
    assert manager.post(f"/upper/manage/accounts/reset/{url}").status_code == 403
    assert manager.post(f"/upper/manage/accounts/disable/{url}").status_code == 403
    assert place.browser("manager.lower").post(f"/lower/manage/accounts/reset/{url}").status_code == 403
    assert place.browser("street").post(f"/street/manage/accounts/reset/{url}").status_code == 200


def test_adding_by_name_does_not_tell_which_names_exist(place):
    manager, pages = place.browser("manager.upper"), []
    with place.app.app_context(), writing(place) as session:
        disable(session, find_user(session, "staff.lower"), place.clock(), TODAY)
    for name in ("nobody", "system", "street", "manager.lower", "staff.lower", "auditor", "manager.upper"):
        page = manager.post("/upper/manage/accounts/add/", form_of(place, "upper", username=name))
        pages.append(re.sub(r'(name="csrf_token" value|nonce)="[^"]*"', "", page.get_data(as_text=True)).replace(
            f'value="{name}"', "") if name != "manager.upper" else "")
    assert len(set(pages[:-1])) == 1 and "class=\"wrong\"" in pages[0]


def test_a_role_from_to_holds_on_those_days_only(place):
    manager = place.browser("manager.upper")
    manager.post("/upper/manage/accounts/add/", form_of(place, "upper", username="staff.lower", starts_on="2026-11-24",
                                                        ends_on="2026-11-25"))
    seen = []
    for _day in range(4):
        seen.append(place.browser("staff.lower").get("/upper/").status_code)
        place.clock.forward(days=1)
    assert seen == [404, 200, 200, 404]


def test_days_the_wrong_way_round_are_refused_and_typed_values_stay(place):
    answer = place.browser("manager.upper").post(
        "/upper/manage/accounts/new/", form_of(place, "upper", ends_on="2026-11-01"))
    page = answer.get_data(as_text=True)
    assert "王新" in page and 'aria-invalid="true"' in page and user_id(place, "wangxin") is None


@pytest.mark.parametrize("name", ["x", "a b", "<b>", "张\x00三", "a" * 41, "-wang", "staff.upper", "STAFF.upper"])
def test_an_account_name_that_cannot_be_used_is_refused(place, name):
    answer = place.browser("manager.upper").post("/upper/manage/accounts/new/", form_of(place, "upper", username=name))
    assert answer.status_code == 422 and 'class="wrong"' in answer.get_data(as_text=True)


def test_nobody_changes_his_own_roles(place):
    system = place.browser("system")
    url = f"/street/manage/accounts/account/?id={user_id(place, 'system')}"
    assert system.get(url).status_code == 200
    assert system.post(url, form_of(place, "upper")).status_code == 403
    assert system.post(f"/street/manage/accounts/disable/?id={user_id(place, 'system')}").status_code == 403
    system.post(f"/street/manage/accounts/end-role/?membership={membership_id(place, 'system')}")
    assert system.get("/street/manage/accounts/").status_code == 200
    system.post("/street/manage/accounts/add/", form_of(place, "upper", username="system"))
    assert system.get("/upper/residents/people/").status_code == 403


def test_the_last_system_administrator_cannot_be_ended(place):
    with place.app.app_context(), writing(place) as session:
        last = find_user(session, "system")
        with pytest.raises(ValidationError):
            disable(session, last, place.clock(), TODAY)
        with pytest.raises(ValidationError):
            end_membership(session, last.memberships[0], TODAY)
        create_user(session, "system2", "二", place.clock(), PASSWORD)
        add_membership(session, find_user(session, "system2"), session.get(Area, place.ids["street"]),
                       built_in_role(session, SYSTEM), TODAY)
        end_membership(session, last.memberships[0], TODAY)


def test_a_future_street_administrator_is_not_reset_by_a_manager(place):
    with place.app.app_context(), writing(place) as session:
        add_membership(session, find_user(session, "staff.upper"), session.get(Area, place.ids["street"]),
                       built_in_role(session, "street"), date(2027, 1, 1))
    answer = place.browser("manager.upper").post(
        f"/upper/manage/accounts/reset/?id={user_id(place, 'staff.upper')}")
    assert answer.status_code == 403


def test_every_ending_asks_a_second_question_that_names_the_person(place):
    page = place.browser("manager.upper").get(
        f"/upper/manage/accounts/account/?id={user_id(place, 'staff.upper')}").get_data(as_text=True)
    for what in ("disable", "reset", "end-role"):
        assert re.search(rf'formaction="/upper/manage/accounts/{what}/[^"]*" name="ask" value="[^"]*staff.upper', page)
        assert place.browser("manager.upper").get(f"/upper/manage/accounts/{what}/?id=1").status_code == 405


def test_a_form_without_the_token_changes_nothing(place):
    manager = place.browser("manager.upper")
    manager.client.post(f"/upper/manage/accounts/disable/?id={user_id(place, 'staff.upper')}")
    assert place.browser().sign_in("staff.upper").status_code == 302
