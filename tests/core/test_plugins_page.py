"""Switching modules on and off, the street's policy, settings, faults."""
from __future__ import annotations

import threading
from datetime import date, time
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa
import wtforms as wt
from wtforms import validators as check

from core.admin.forms import choices
from core.areas.models import Area, AreaKind, PluginSwitch
from core.areas.scope import session_for
from core.areas.service import add_area, save_settings, settings_of
from core.declarations import PluginInfo
from core.errors import ValidationError
from core.residents.models import Resident
from core.setup import switch_plugin_off, switch_plugin_on
from plugins.canteen.models import Diner

PAGE = "/upper/manage/plugins/"
SCREENS = ("/upper/canteen/meals/", "/upper/canteen/diners/", "/upper/canteen/diners/new/",
           "/upper/canteen/diners/ajax/lookup/?name=resident&query=w")


def manager_of(place):
    return place.app.extensions["jinlin_plugins"]


def switches(place, slug="upper", plugin="canteen"):
    with place.app.app_context(), session_for(None, "a test looks") as reading:
        return list(reading.execute(
            sa.select(PluginSwitch.on_from, PluginSwitch.off_on).order_by(PluginSwitch.id).where(
                PluginSwitch.community_id == place.ids[slug], PluginSwitch.plugin == plugin)).all())


def is_on(place, slug="upper", plugin="canteen"):
    return any(off is None for _on, off in switches(place, slug, plugin))


def add_diners(place, count):
    with place.app.app_context(), place.session("upper", writes=True) as session:
        for number in range(count):
            session.add(Diner(resident=Resident(name=f"王小{number}")))


@pytest.fixture
def guests(place):
    """A second module that needs the canteen."""
    manager = manager_of(place)
    manager.modules["guests"] = ModuleType("guests")
    manager.infos["guests"] = PluginInfo(title="客饭", summary="来客就餐", requires=("canteen",))
    manager._declared["guests"] = {hook: [] for hook in manager._declared["canteen"]} | {"settings_form": None}
    return place


def test_switching_off_shows_first_what_will_be_hidden(place):
    add_diners(place, 3)
    manager = place.browser("manager.upper")
    page = manager.get(f"{PAGE}off/?plugin=canteen").get_data(as_text=True)
    assert "3 条就餐人员将被隐藏" in page or "3 × Diners" in page
    assert is_on(place)


def test_everything_of_a_module_that_is_off_is_unknown_and_comes_back(place):
    add_diners(place, 1)
    manager, staff = place.browser("manager.upper"), place.browser("staff.upper")
    assert [staff.get(url).status_code for url in SCREENS[:3]] == [200, 200, 200]
    manager.post(f"{PAGE}off/?plugin=canteen")
    for url in SCREENS:
        assert staff.get(url).status_code == 404
        assert staff.get(url.replace("/upper/", "/lower/")).status_code == 404
    for url in ("/upper/canteen/diners/new/", "/upper/canteen/diners/action/", "/upper/canteen/diners/export/xlsx/",
                "/upper/canteen/meals/void/?id=1"):
        assert staff.post(url).status_code == 404
    assert "/upper/canteen/" not in staff.get("/upper/").get_data(as_text=True)
    assert place.browser("staff.lower").get("/lower/canteen/meals/").status_code == 200
    manager.post(f"{PAGE}on/?plugin=canteen")
    assert "王小0" in staff.get("/upper/canteen/diners/").get_data(as_text=True)


def test_the_days_of_switching_are_kept(place):
    manager = place.browser("manager.upper")
    manager.post(f"{PAGE}off/?plugin=canteen")
    place.clock.forward(days=2)
    place.browser("manager.upper").post(f"{PAGE}on/?plugin=canteen")
    assert switches(place) == [(date(2026, 1, 1), date(2026, 11, 23)), (date(2026, 11, 25), None)]


def test_what_needs_it_goes_off_with_it_and_is_named_first(guests):
    manager = guests.browser("manager.upper")
    manager.post(f"{PAGE}on/?plugin=guests")
    assert is_on(guests, plugin="guests")
    assert "客饭" in manager.get(f"{PAGE}off/?plugin=canteen").get_data(as_text=True)
    manager.post(f"{PAGE}off/?plugin=canteen")
    assert not is_on(guests) and not is_on(guests, plugin="guests")
    manager.post(f"{PAGE}on/?plugin=guests")
    assert is_on(guests) and is_on(guests, plugin="guests")


def policy(place, value, sure=""):
    return place.browser("street").post("/street/manage/plugins/policy/?plugin=canteen",
                                        {"policy": value, "sure": sure}).get_data(as_text=True)


def test_a_policy_names_the_communities_that_stand_against_it_and_then_switches_them(place):
    place.browser("manager.upper").post(f"{PAGE}off/?plugin=canteen")
    page = policy(place, "required")
    assert "上游社区" in page.split("<main")[1] and "下游社区" not in page.split("<main")[1]
    assert not is_on(place)
    policy(place, "required", "1")
    assert is_on(place)
    page = policy(place, "forbidden")
    assert "上游社区" in page.split("<main")[1] and "下游社区" in page.split("<main")[1]
    policy(place, "forbidden", "1")
    assert not is_on(place) and not is_on(place, "lower")


def test_a_required_module_stays_on_and_a_forbidden_one_off(place):
    manager = place.browser("manager.upper")
    policy(place, "required", "1")
    manager.post(f"{PAGE}off/?plugin=canteen")
    assert is_on(place)
    policy(place, "forbidden", "1")
    manager.post(f"{PAGE}on/?plugin=canteen")
    assert not is_on(place)
    policy(place, "allowed", "1")
    manager.post(f"{PAGE}on/?plugin=canteen")
    assert is_on(place)


def test_what_needs_a_forbidden_module_cannot_be_switched_on(guests):
    policy(guests, "forbidden", "1")
    guests.browser("manager.upper").post(f"{PAGE}on/?plugin=guests")
    assert not is_on(guests, plugin="guests") and not is_on(guests)


def test_a_new_community_begins_with_what_is_required(place):
    policy(place, "required", "1")
    place.browser("street").post("/street/manage/areas/new/", {
        "name": "左邻社区", "kind": "community", "slug": "zuolin", "parent": place.ids["street"]})
    with place.app.app_context(), session_for(None, "a test looks") as reading:
        place.ids["zuolin"] = reading.scalar(sa.select(Area.id).where(Area.slug == "zuolin"))
    assert is_on(place, "zuolin")


def test_a_community_moved_below_a_prohibition_is_named_and_switched(place):
    with place.app.app_context(), session_for(None, "a test prepares", writes=True) as session:
        place.ids["east"] = add_area(session, session.get(Area, place.ids["street"]), "东片服务区",
                                     AreaKind.SERVICE_AREA, "east").id
    street = place.browser("street")
    street.post("/east/manage/plugins/policy/?plugin=canteen", {"policy": "forbidden", "sure": "1"})
    url, values = f"/street/manage/areas/move/?id={place.ids['upper']}", {"parent": place.ids["east"]}
    assert street.post(url, values).get_data(as_text=True).split("<main")[1].count("上游社区") > 1
    assert is_on(place)
    street.post(url, {**values, "sure": "1"})
    assert not is_on(place) and is_on(place, "lower")


def test_what_an_area_above_decided_cannot_be_changed_below(place):
    with place.app.app_context(), session_for(None, "a test prepares", writes=True) as session:
        add_area(session, session.get(Area, place.ids["street"]), "东片服务区", AreaKind.SERVICE_AREA, "east")
    policy(place, "forbidden", "1")
    answer = place.browser("street").post("/east/manage/plugins/policy/?plugin=canteen", {"policy": "allowed"})
    assert 'class="wrong"' in answer.get_data(as_text=True)
    place.browser("manager.upper").post(f"{PAGE}on/?plugin=canteen")
    assert not is_on(place)


@pytest.mark.parametrize(("who", "slug", "what", "status"), [
    ("staff.upper", "upper", "off", 403), ("auditor", "upper", "off", 403), ("manager.upper", "lower", "off", 404),
    ("manager.upper", "upper", "policy", 403), ("auditor", "street", "policy", 403), ("street", "street", "off", 404),
])
def test_only_those_with_settings_switch(place, who, slug, what, status):
    answer = place.browser(who).post(f"/{slug}/manage/plugins/{what}/?plugin=canteen",
                                     {"policy": "forbidden", "sure": "1"})
    assert answer.status_code == status and is_on(place) and is_on(place, "lower")


@pytest.mark.parametrize("name", ["", "nothing", "core", "../canteen", "%00"])
def test_a_module_that_is_not_there_is_unknown(place, name):
    assert place.browser("manager.upper").post(f"{PAGE}on/?plugin={name}").status_code == 404


def test_a_closed_community_switches_nothing(place):
    place.browser("street").post(f"/street/manage/areas/close/?id={place.ids['upper']}")
    assert place.browser("manager.upper").post(f"{PAGE}off/?plugin=canteen").status_code == 403


def test_faults_are_shown_above_a_community_only(place):
    manager_of(place).faults["broken_module"] = "PluginFault: the table 'x' does not start with 'broken_'"
    for who in ("street", "system"):
        page = place.browser(who).get("/street/manage/plugins/").get_data(as_text=True)
        assert "broken_module" in page and "PluginFault" in page and "Traceback" not in page
        assert "broken_module" not in place.browser(who).get(PAGE).get_data(as_text=True)
    assert "broken_module" not in place.browser("manager.upper").get(PAGE).get_data(as_text=True)


class SettingsForm(wt.Form):
    """One field of each kind."""

    opened = wt.DateField("Opened", [check.Optional()])
    price = wt.DecimalField("Price", [check.InputRequired(), check.NumberRange(min=0)], default=Decimal("12.00"))
    shuts = wt.TimeField("Shuts", [check.Optional()])
    delivers = wt.BooleanField("Delivers", default=True)
    ways = wt.SelectMultipleField("Ways", choices=choices([("a", "A"), ("b", "B"), ("c", "C")]))


def test_settings_are_stored_as_checked_json_and_shown_again(place, monkeypatch):
    monkeypatch.setattr(manager_of(place), "settings_form", lambda name: SettingsForm)
    manager, url = place.browser("manager.upper"), f"{PAGE}settings/?plugin=canteen"
    assert 'value="12.00"' in manager.get(url).get_data(as_text=True)
    values = {"opened": "2021-06-01", "price": "13.50", "shuts": "18:30", "ways": ["a", "c"]}
    assert manager.post(url, values).status_code == 302
    with place.app.app_context(), place.session("upper") as reading:
        stored = settings_of(reading, place.ids["upper"], "canteen")
    assert stored == {"opened": "2021-06-01", "price": "13.50", "shuts": "18:30", "delivers": False, "ways": ["a", "c"]}
    assert time.fromisoformat(stored["shuts"]) == time(18, 30)
    page = manager.get(url).get_data(as_text=True)
    assert 'value="2021-06-01"' in page and 'value="13.50"' in page and "checked" not in page
    wrong = manager.post(url, {**values, "price": "-3"}).get_data(as_text=True)
    assert 'aria-invalid="true"' in wrong and 'value="-3"' in wrong
    assert place.browser("staff.upper").get(url).status_code == 403
    manager.post(f"{PAGE}off/?plugin=canteen")
    assert manager.get(url).status_code == 404


def test_a_plugin_that_cannot_prepare_a_community_is_not_switched_on(
    place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = place.app.extensions["jinlin_plugins"]
    ask = manager._call

    def broken(name: str, hook: str, **values: Any) -> Any:
        if hook == "plugin_enabled":
            raise RuntimeError("the plugin is broken")
        return ask(name, hook, **values)

    with place.app.app_context():
        switch_plugin_off(place.ids["upper"], "canteen", date(2026, 11, 23), "test")
        monkeypatch.setattr(manager, "_call", broken)
        with pytest.raises(ValidationError):
            switch_plugin_on(place.ids["upper"], "canteen", date(2026, 11, 23), "test")
    assert place.browser("staff.upper").get("/upper/canteen/meals/").status_code == 404


@pytest.mark.parametrize("what", ["on", "off"])
def test_clicks_in_the_same_moment_switch_once(place, what):
    if what == "on":
        place.browser("manager.upper").post("/upper/manage/plugins/off/?plugin=canteen")
    browsers = [place.browser("manager.upper") for _click in range(4)]
    tokens, together, answers = [browser.token() for browser in browsers], threading.Barrier(4), []

    def click(browser, token):
        together.wait()
        url = f"/upper/manage/plugins/{what}/?plugin=canteen"
        answers.append(browser.client.post(url, data={"csrf_token": token}).status_code)

    clicks = [threading.Thread(target=click, args=pair) for pair in zip(browsers, tokens, strict=True)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()
    assert answers == [302] * 4


def test_people_who_had_a_module_read_that_it_was_switched_off(place):
    place.browser("manager.upper").post(f"{PAGE}off/?plugin=canteen")
    page = place.browser("staff.upper").get("/upper/canteen/meals/")
    assert page.status_code == 404
    text = page.get_data(as_text=True)
    assert "switched off here" in text or "已停用" in text
    never = place.browser("staff.upper").get("/upper/douyin/works/").get_data(as_text=True)
    assert "switched off here" not in never and "已停用" not in never


def test_a_community_that_cannot_be_switched_holds_none_of_the_others_up(place, monkeypatch):
    manager = manager_of(place)
    prepare, upper = manager._call, place.ids["upper"]

    def broken_in_upper(name, hook, **values):
        if hook == "plugin_enabled" and values["community"].id == upper:
            raise RuntimeError("not here")
        return prepare(name, hook, **values)

    for slug in ("upper", "lower"):
        place.browser(f"manager.{slug}").post(f"/{slug}/manage/plugins/off/?plugin=canteen")
    monkeypatch.setattr(manager, "_call", broken_in_upper)
    policy(place, "required", "1")
    assert not is_on(place) and is_on(place, "lower")
    page = place.browser("street").get("/street/manage/plugins/").get_data(as_text=True)
    assert "plugin_enabled" in page and "not here" not in page


def test_a_module_that_is_on_and_could_not_be_loaded_is_named_in_its_community(place):
    manager_of(place).faults["canteen"] = "ImportError: secret"
    page = place.browser("manager.upper").get(PAGE).get_data(as_text=True)
    assert "canteen" in page and "ImportError" not in page
    assert place.browser("staff.upper").get("/upper/").status_code == 200


def test_a_module_that_is_gone_does_no_harm_where_it_was_on(place):
    with place.app.app_context(), session_for(None, "a test remembers", writes=True) as session:
        session.add(PluginSwitch(community_id=place.ids["upper"], plugin="chess", on_from=date(2026, 1, 1),
                                 switched_by="test"))
    for who, url in (("staff.upper", "/upper/"), ("manager.upper", PAGE), ("street", "/street/")):
        answer = place.browser(who).get(url)
        assert answer.status_code == 200 and "chess" not in answer.get_data(as_text=True)


def test_settings_are_read_once_a_transaction_and_what_is_saved_is_seen(place):
    community = place.ids["upper"]
    with place.app.app_context(), place.session("upper", writes=True) as session:
        save_settings(session, community, "canteen", {"seats": 10})
        assert settings_of(session, community, "canteen") == {"seats": 10}
        savepoint = session.begin_nested()
        save_settings(session, community, "canteen", {"seats": 20})
        assert settings_of(session, community, "canteen") == {"seats": 20}
        savepoint.rollback()
        assert settings_of(session, community, "canteen") == {"seats": 10}
