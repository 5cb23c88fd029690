"""No address of the app tells another community's records: the walk goes over all of them (docs/tenancy.md)."""
from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from core.accounts.roles import STREET
from core.accounts.service import add_membership, built_in_role, create_user, find_user
from core.admin.forms import ReferenceField
from core.admin.gate import PUBLIC, WITHOUT_AREA
from core.admin.page import ABOVE, Page
from core.admin.screen import Screen
from core.areas.models import Area, AreaKind
from core.areas.scope import Scope, session_for, set_scope
from core.areas.service import add_area, switch_off, switch_on
from core.areas.tenancy import tenant_models
from core.extensions import db
from core.testing.walk import (
    FOREIGN,
    NOBODYS,
    OWN,
    PLAIN,
    Sender,
    Walk,
    body,
    leaks,
    not_limited,
    path_of,
    record_screens,
)

MANAGER = "manager.upper"
PASSWORD = "a quiet evening by the canal"


def test_every_address_is_a_screen_below_an_area_or_known_to_need_none(walk: Walk) -> None:
    endpoints = {screen.endpoint for screen in walk.screens()}
    strange = []
    for rule in walk.place.app.url_map.iter_rules():
        blueprint, _dot, view = rule.endpoint.partition(".")
        if blueprint in endpoints and "area" in rule.arguments:
            continue
        if rule.endpoint in PUBLIC | WITHOUT_AREA:
            continue
        strange.append((rule.rule, rule.endpoint, view))
    strange = [s for s in strange if not s[1].endswith(".static")]
    assert strange == []


def test_every_tenant_model_has_a_foreign_record_to_aim_at(walk: Walk) -> None:
    tables = {model.__tablename__ for model in tenant_models()}
    assert set(walk.records["lower"]) == tables
    rows = walk.rows("lower")
    assert all(rows[table] for table in tables)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_anothers_community_answers_like_none(walk: Walk, method: str) -> None:
    sender, wrong = Sender(walk, MANAGER), []
    values = dict.fromkeys(walk.keys(), str(FOREIGN)) | PLAIN
    for rule in walk.rules(method):
        pairs = zip(walk.addresses(rule, "lower"), walk.addresses(rule, "nowhere"), strict=True)
        for theirs, unknown in pairs:
            first, second = sender.send(method, theirs, values), sender.send(method, unknown, values)
            if first.status_code != 404 or first.status_code != second.status_code \
                    or body(first, "lower") != body(second, "nowhere"):
                wrong.append((theirs, first.status_code, second.status_code))
    assert wrong == []


def test_a_foreign_id_answers_like_an_unknown_one_everywhere(walk: Walk) -> None:
    before = walk.rows("lower")
    assert leaks(walk) == []
    assert walk.rows("lower") == before


def test_each_view_of_one_record_finds_the_own_one(walk: Walk) -> None:
    """Else the test above would prove nothing: an own id must be answered otherwise than an unknown one."""
    sender = Sender(walk, MANAGER)
    for screen in record_screens(walk):
        details = f"/upper{path_of(screen)}details/"
        assert sender.send("GET", details, {"id": OWN}).status_code == 200, details
        assert sender.send("GET", details, {"id": FOREIGN}).status_code == 404, details


def test_the_contract_bites_when_one_model_is_not_limited(
    row_security_off: Any, walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender(walk, MANAGER)
    for screen in record_screens(walk):
        with not_limited(walk.place.app, screen.model, monkeypatch):
            own = sender.send("GET", f"/upper{path_of(screen)}details/", {"id": OWN})
            assert own.status_code == 200, screen.endpoint  # it is not this test that breaks the page
            assert leaks(walk, {screen.endpoint}, ("GET",)), screen.endpoint


def test_forged_ids_are_refused_in_every_reference_field(walk: Walk) -> None:
    checked = 0
    for screen in record_screens(walk):
        for name in references(walk, screen):
            with walk.place.app.test_request_context():
                set_scope(db.session(), Scope(walk.place.path("upper"), walk.place.ids["upper"]))
                own, foreign, unknown = (
                    screen._create_form_class(MultiDict({name: str(n)}))._fields[name] for n in (OWN, FOREIGN, NOBODYS)
                )
                assert own.data is not None and not own.process_errors, (screen.endpoint, name)
                assert foreign.data is None and foreign.process_errors == unknown.process_errors != []
                assert str(FOREIGN) not in {value for value, _label in foreign.options()}
            checked += 1
    assert checked


def test_lookups_offer_the_own_records_only(walk: Walk) -> None:
    sender = Sender(walk, MANAGER)
    for screen in record_screens(walk):
        for name, field in references(walk, screen).items():
            answer = sender.send("GET", f"/upper{path_of(screen)}ajax/lookup/", {"name": name, "query": ""})
            ids = {row[0] for row in json.loads(answer.get_data())}
            assert OWN in ids or len(ids) == 20, (screen.endpoint, name)
            assert FOREIGN not in ids
            if field.searchable:
                label = walk.records["lower"][field.target.__tablename__].name
                found = sender.send("GET", f"/upper{path_of(screen)}ajax/lookup/", {"name": name, "query": label})
                assert json.loads(found.get_data()) == []


def test_bulk_actions_take_no_foreign_row_along(walk: Walk) -> None:
    """A tick on a foreign row beside an own one: nothing happens at all."""
    sender, before = Sender(walk, MANAGER), walk.rows()
    for screen in record_screens(walk):
        if "void" in screen.actions():
            url = f"/upper{path_of(screen)}action/"
            sender.send("POST", url, {"action": "delete", "rowid": [str(OWN), str(FOREIGN)]})
    assert walk.rows() == before


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_switched_off_plugin_answers_404(walk: Walk, method: str) -> None:
    place = walk.place
    plugins = place.app.extensions["jinlin_plugins"].names
    with place.app.app_context(), session_for(None, "a test switches off", writes=True) as writing:
        for plugin in plugins:
            switch_off(writing, writing.get_one(Area, place.ids["upper"]), plugin, date(2026, 11, 23))
    sender, before, wrong = Sender(walk, MANAGER), walk.rows(), []
    screens = {s.endpoint for s in walk.screens() if s.plugin in plugins}
    assert screens
    for rule in walk.rules(method, screens):
        for url in walk.addresses(rule, "upper", OWN):
            answer = sender.send(method, url, dict.fromkeys(walk.keys(), str(OWN)) | PLAIN)
            if answer.status_code != 404:
                wrong.append((url, answer.status_code))
    assert wrong == []
    assert walk.rows() == before


def test_the_street_does_not_list_where_a_plugin_is_off(walk: Walk) -> None:
    place = walk.place
    plugins = place.app.extensions["jinlin_plugins"].names
    with place.app.app_context(), session_for(None, "a test switches off", writes=True) as writing:
        for plugin in plugins:
            switch_off(writing, writing.get_one(Area, place.ids["upper"]), plugin, date(2026, 11, 23))
    sender = Sender(walk, "street")
    for screen in record_screens(walk):
        if screen.plugin in plugins and ABOVE in screen.levels:
            text = sender.send("GET", f"/street{path_of(screen)}", {"voided": "all"}).get_data(as_text=True)
            assert "下游社区</td>" in text, screen.endpoint
            assert "上游社区</td>" not in text, screen.endpoint


def test_another_street_lists_none_of_these_records(walk: Walk) -> None:
    place = walk.place
    with place.app.app_context(), session_for(None, "a test makes a street", writes=True) as writing:
        other = add_area(writing, None, "另一街道", AreaKind.STREET, "other")
        community = add_area(writing, other, "别处社区", AreaKind.COMMUNITY, "elsewhere")
        for plugin in place.app.extensions["jinlin_plugins"].names:
            switch_on(writing, community, plugin, date(2026, 1, 1), "test")
        place.ids["elsewhere"] = community.id
        _user_at(writing, place, other)
    here, there = Sender(walk, "street"), Sender(walk, "other")
    for screen in record_screens(walk):
        if ABOVE in screen.levels:
            mine = here.send("GET", f"/street{path_of(screen)}", {"voided": "all"}).get_data(as_text=True)
            theirs = there.send("GET", f"/other{path_of(screen)}", {"voided": "all"}).get_data(as_text=True)
            assert "社区</td>" in mine and "游社区" not in theirs, screen.endpoint


def _user_at(writing: Any, place: Any, area: Area) -> None:
    create_user(writing, "other", "other", place.clock(), PASSWORD)
    add_membership(writing, find_user(writing, "other"), area, built_in_role(writing, STREET), date(2026, 1, 1))


def references(walk: Walk, screen: Screen) -> dict[str, ReferenceField]:
    """The reference fields of a screen's form."""
    with walk.place.app.test_request_context():
        set_scope(db.session(), Scope(walk.place.path("upper"), walk.place.ids["upper"]))
        fields = screen._create_form_class()._fields
        return {name: field for name, field in fields.items() if isinstance(field, ReferenceField)}


def test_every_screen_is_a_screen_or_a_page(walk: Walk) -> None:
    assert all(isinstance(screen, Screen | Page) for screen in walk.screens())
