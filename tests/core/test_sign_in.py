"""Signing in: one text and one time for every failure, the lock, which passwords are refused."""
from __future__ import annotations

import re
import statistics
import time
from dataclasses import replace

import pytest
import sqlalchemy as sa
from argon2 import extract_parameters

from core.accounts.models import AccountEvent, SignInResult, User
from core.accounts.passwords import check_password, hash_password, verify_password
from core.accounts.service import disable, find_user
from core.areas.scope import session_for
from core.errors import ValidationError
from core.testing.place import PASSWORD

WORDS = "用户名或密码不正确。连续 5 次错误将锁定 15 分钟。"
MINE = ["王芳", "wangfang88", "中福社区", "zhongfu", "测试街道", "street"]


def page_of(answer):
    assert answer.status_code == 200
    return re.sub(r'(name="csrf_token" value|nonce)="[^"]*"', "", answer.get_data(as_text=True))


def end(place, username):
    with place.app.app_context(), session_for(None, "a test prepares", writes=True) as writing:
        disable(writing, find_user(writing, username), place.clock(), place.clock().date())


def results(place):
    with place.app.app_context(), session_for(None, "a test looks") as reading:
        return list(reading.execute(
            sa.select(AccountEvent.username, AccountEvent.result).order_by(AccountEvent.id)).all())


def test_every_failure_shows_one_and_the_same_page(place):
    end(place, "staff.lower")
    for _i in range(5):
        place.browser().sign_in("staff.upper", "wrong")
    tries = [("street", "wrong"), ("nobody", PASSWORD), ("staff.lower", PASSWORD), ("staff.upper", PASSWORD),
             ("staff.upper", "wrong"), ("street", "")]
    pages = {page_of(place.browser().sign_in(name, password)).replace(f'value="{name}"', "")
             for name, password in tries}
    assert len(pages) == 1 and WORDS in pages.pop()


@pytest.mark.parametrize("name", ["\x00", "staff.upper\x00", "x" * 5000, "🀄", "' OR 1=1 --", "%", "\ud7ff"])
def test_strange_names_are_just_wrong(place, name):
    assert WORDS in page_of(place.browser().sign_in(name, "wrong\x00"))


def test_names_are_found_however_they_are_typed(place):
    for name in (" STAFF.upper ", "ｓｔａｆｆ．ｕｐｐｅｒ"):
        assert place.browser().sign_in(name).status_code == 302


def test_five_failures_lock_for_fifteen_minutes_for_the_right_password_too(place):
    browser = place.browser()
    for _i in range(4):
        browser.sign_in("staff.upper", "wrong")
    assert browser.sign_in("staff.upper").status_code == 302
    for _i in range(5):
        browser.sign_in("staff.upper", "wrong")
    assert browser.sign_in("staff.upper").status_code == 200
    place.clock.forward(minutes=14, seconds=59)
    assert browser.sign_in("staff.upper").status_code == 200
    place.clock.forward(seconds=2)
    assert browser.sign_in("staff.upper").status_code == 302


def test_trying_during_the_lock_does_not_prolong_it(place):
    browser = place.browser()
    for _i in range(11):
        browser.sign_in("staff.upper", "wrong")
    place.clock.forward(minutes=15, seconds=1)
    assert browser.sign_in("staff.upper").status_code == 302


def test_the_log_says_what_became_of_each_attempt(place):
    browser = place.browser()
    for _i in range(5):
        browser.sign_in("staff.upper", "wrong")
    browser.sign_in("staff.upper")
    browser.sign_in("nobody", "x")
    browser.sign_in("street")
    browser.post("/logout")
    wrong = [("staff.upper", SignInResult.WRONG)] * 5
    assert results(place) == [*wrong, ("staff.upper", SignInResult.LOCKED), ("nobody", SignInResult.WRONG),
                              ("street", SignInResult.SUCCESS), ("street", SignInResult.SIGNED_OUT)]


def test_all_failures_take_the_same_time(place):
    """The processor's time, since the machine is shared; argon2 takes nearly all of it."""
    end(place, "staff.lower")
    for _i in range(5):
        place.browser().sign_in("staff.upper", "wrong")
    kinds = {"wrong": ("manager.upper", "nope"), "unknown": ("nobody", PASSWORD), "locked": ("staff.upper", PASSWORD),
             "disabled": ("staff.lower", PASSWORD)}
    taken = {kind: [] for kind in kinds}
    browser = place.browser()
    for _round in range(11):
        for kind, (name, password) in kinds.items():
            token = browser.token()
            start = time.process_time()
            browser.client.post("/login", data={"username": name, "password": password, "csrf_token": token})
            taken[kind].append(time.process_time() - start)
    middle = {kind: statistics.median(times) for kind, times in taken.items()}
    assert max(middle.values()) < 1.15 * min(middle.values()), middle


def test_passwords_are_argon2id_with_nineteen_mebibytes(place):
    with place.app.app_context(), session_for(None, "a test looks") as reading:
        stored = reading.scalar(sa.select(User.password_hash).where(User.username == "street"))
    found = extract_parameters(stored)
    assert (found.type.name, found.memory_cost, found.time_cost, found.parallelism) == ("ID", 19 * 1024, 2, 1)


@pytest.mark.parametrize("password", [
    "ninechars", "password123", "Passw0rd2026", "5201314520", "woaini1314", "1qaz2wsx3edc", "Admin@2026", "1234567890",
    "wodemima123", "aaaaaaaaaaaa", "王芳的密码是秘密的", "xx-WangFang-99x", "wangfang88!!", "我爱中福社区小广场",
    "zhongfu-xyz-77", "测试街道真不错吧啊", "我在中福过得很好啊哈", "CeShi-7-plum-tree",
])
def test_a_password_that_others_would_guess_is_refused(place, password):
    with place.app.app_context(), pytest.raises(ValidationError) as refused:
        check_password(password, MINE, classes=False)
    assert refused.value.field == "password" and str(refused.value)


@pytest.mark.parametrize("password", [
    "three boats in the fog", "雨后的桥边有三只白鹭", "x" * 64, "长" * 100, "tulip🌷 and\tsnow \x00 null", "é" * 64,
    "correct-horse-battery", " leading and trailing ", "a quiet evening by the canal",
])
def test_long_and_strange_passwords_are_accepted_and_fit_again(place, password):
    with place.app.app_context():
        check_password(password, MINE, classes=False)
    stored = hash_password(password)
    assert verify_password(stored, password) and not verify_password(stored, password + "x")


def test_kinds_of_characters_are_asked_for_only_by_the_setting(place):
    with place.app.app_context():
        check_password("three boats in the fog", MINE, classes=False)
        with pytest.raises(ValidationError):
            check_password("threeboatsinthefog", MINE, classes=True)
        check_password("Three boats in the fog", MINE, classes=True)


def change(browser, new, old=PASSWORD, again=None):
    return browser.post("/account/password", {"old": old, "password": new, "again": new if again is None else again})


def test_everybody_changes_his_own_password_and_other_browsers_are_signed_out(place):
    here, there = place.browser("staff.upper"), place.browser("staff.upper")
    assert change(here, "three boats in the fog").status_code == 302
    assert here.get("/upper/").status_code == 200
    assert there.get("/upper/").status_code == 302
    assert place.browser().sign_in("staff.upper").status_code == 200
    assert place.browser().sign_in("staff.upper", "three boats in the fog").status_code == 302


@pytest.mark.parametrize(("new", "old", "again"), [
    ("three boats in the fog", "not the old one", None), ("three boats in the fog", PASSWORD, "another"),
    (PASSWORD, PASSWORD, None), ("short", PASSWORD, None), ("测试街道的小河边上", PASSWORD, None),
    ("上游社区的小河边上", PASSWORD, None), ("my staff.upper account", PASSWORD, None),
])
def test_a_wrong_change_says_so_at_the_field(place, new, old, again):
    browser = place.browser("staff.upper")
    answer = change(browser, new, old, again)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200 and 'aria-invalid="true"' in page and new not in page
    assert place.browser().sign_in("staff.upper").status_code == 302


def test_passwords_age_only_by_the_setting(place):
    place.clock.forward(days=200)
    browser = place.browser("staff.upper")
    assert browser.get("/upper/").status_code == 200
    place.app.extensions["jinlin_settings"] = replace(place.app.extensions["jinlin_settings"], password_days=90)
    assert browser.get("/upper/").headers["Location"] == "/account/password"
    change(browser, "three boats in the fog")
    assert browser.get("/upper/").status_code == 200
