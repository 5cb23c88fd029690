"""The tests that every plugin passes: `from core.testing.contract import *` and PLUGIN = "name" in a test module."""
from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from core.accounts.roles import Action
from core.admin.page import ABOVE, COMMUNITY
from core.areas.models import Area
from core.areas.scope import session_for
from core.areas.service import switch_off
from core.clock import today
from core.extensions import db
from core.migrations.chains import check_tables
from core.migrations.write import difference
from core.plugin_words import CHINESE_PO, missing_words
from core.testing.hostile import HOSTILE, LIST_ARGUMENTS, aimed, form_names, records_of
from core.testing.place import Place
from core.testing.walk import NOBODYS, OWN, PLAIN, Sender, Walk, leaks

LIBRARIES = {"core.api", "flask", "flask_admin", "flask_babel", "markupsafe", "sqlalchemy", "werkzeug", "wtforms"}
BANNED = re.compile(
    r"\bsa\.text\(|(?<![.\w])insert\(|__table__|session\(?\)?\.get\(|session\.get_one\(|Markup\(f[\"']|\.engine\b|"
    r"create_engine|\.connection\(|unscoped_ok|datetime\.now\(|date\.today\(|utcnow\(|exec_driver_sql|\.commit\(\)|"
    r"except Exception|except BaseException|except:")
__all__ = [
    "plugin", "test_forms_and_addresses_survive_anything", "test_it_imports_the_api_and_few_libraries",
    "test_it_is_loaded_and_says_what_it_is_for", "test_its_chinese_is_complete", "test_its_metrics_open_lists",
    "test_its_migrations_make_its_tables", "test_its_screens_declare_what_is_there",
    "test_looking_changes_nothing_and_nothing_is_written_without_the_token", "test_no_other_community_shows",
    "test_signed_out_sees_nothing_and_the_auditor_writes_nothing", "test_switched_off_it_is_gone",
]


@pytest.fixture
def plugin(request: pytest.FixtureRequest, place: Place) -> str:
    """The name that the test module gives."""
    name = request.module.PLUGIN
    manager = place.app.extensions["jinlin_plugins"]
    assert name not in manager.faults, manager.faults[name]
    assert name in manager.names, f"{name} is not installed here: pip install --no-build-isolation --no-deps -e ."
    return name


def screens_of(walk: Walk, plugin: str) -> set[str]:
    """The endpoints of the plugin's screens."""
    return {screen.endpoint for screen in walk.screens() if screen.plugin == plugin}


def own_addresses(walk: Walk, plugin: str, method: str, number: int = OWN) -> list[str]:
    """The addresses of the plugin's screens in `upper`."""
    rules = walk.rules(method, screens_of(walk, plugin))
    return [url for rule in rules for url in walk.addresses(rule, "upper", number)]


def test_it_is_loaded_and_says_what_it_is_for(walk: Walk, plugin: str) -> None:
    manager = walk.place.app.extensions["jinlin_plugins"]
    with walk.place.app.test_request_context():
        assert str(manager.infos[plugin].title) and str(manager.infos[plugin].summary)
    assert manager.screens(plugin)


def test_its_screens_declare_what_is_there(walk: Walk, plugin: str) -> None:
    with walk.place.app.test_request_context():
        for screen in walk.screens():
            if screen.plugin == plugin:
                assert str(screen.title) and screen.levels and screen.levels <= {COMMUNITY, ABOVE}, screen.endpoint
                assert all(Action(action) for action in screen.actions())
                assert [view for view in screen.needs if not hasattr(screen, view)] == []
                screen.check_declaration()


def test_its_metrics_open_lists(walk: Walk, plugin: str) -> None:
    endpoints = {screen.endpoint: screen for screen in walk.screens()}
    for name, metric in walk.place.app.extensions["jinlin_plugins"].metrics():
        if name == plugin and metric.screen:
            assert ABOVE in endpoints[metric.screen].levels, metric.name


def test_no_other_community_shows(walk: Walk, plugin: str) -> None:
    """The id of another community's record answers as one that nobody has, on every address."""
    before = walk.rows("lower")
    assert leaks(walk, screens_of(walk, plugin)) == []
    assert walk.rows("lower") == before


def test_signed_out_sees_nothing_and_the_auditor_writes_nothing(walk: Walk, plugin: str) -> None:
    stranger, auditor, before = Sender(walk, None), Sender(walk, "auditor"), walk.rows()
    for url in own_addresses(walk, plugin, "GET"):
        assert stranger.send("GET", url, aimed(walk)).status_code == 302, url
    for url in own_addresses(walk, plugin, "POST"):
        assert stranger.send("POST", url, aimed(walk)).status_code == 401, url
    for url in records_of(own_addresses(walk, plugin, "POST")):
        assert auditor.send("POST", url, aimed(walk)).status_code in (403, 404), url
    assert walk.rows() == before


def test_looking_changes_nothing_and_nothing_is_written_without_the_token(walk: Walk, plugin: str) -> None:
    sender, before = Sender(walk, "manager.upper"), walk.rows()
    for url in own_addresses(walk, plugin, "GET"):
        for values in ({}, aimed(walk), {"id": OWN}):
            assert sender.send("GET", url, values).status_code < 500, (url, values)
    for url in own_addresses(walk, plugin, "POST"):
        assert sender.send("POST", url, aimed(walk), csrf=False).status_code == 400, url
    assert walk.rows() == before


def test_forms_and_addresses_survive_anything(walk: Walk, plugin: str) -> None:
    sender, broken = Sender(walk, "manager.upper"), []
    for method, number in (("GET", OWN), ("POST", NOBODYS)):
        for turn, url in enumerate(own_addresses(walk, plugin, method, number)):
            names = {*walk.keys(), *(LIST_ARGUMENTS if method == "GET" else PLAIN)}
            names |= set().union(*(form_names(walk, endpoint) for endpoint in screens_of(walk, plugin)))
            for value in HOSTILE[turn % 4::4]:
                status = sender.send(method, url, dict.fromkeys(names, value[:300]) | {"id": str(OWN)}).status_code
                broken += [(method, url, value[:30], status)] if status >= 500 else []
    assert broken == []


def test_switched_off_it_is_gone(walk: Walk, plugin: str) -> None:
    place = walk.place
    with place.app.app_context(), session_for(None, "a test switches off", writes=True) as writing:
        switch_off(writing, writing.get_one(Area, place.ids["upper"]), plugin, today())
    sender, before = Sender(walk, "manager.upper"), walk.rows()
    for method in ("GET", "POST"):
        for url in own_addresses(walk, plugin, method):
            assert sender.send(method, url, aimed(walk)).status_code == 404, url
    assert walk.rows() == before


def test_its_migrations_make_its_tables(place: Place, plugin: str) -> None:
    with place.app.app_context(), db.engine.connect() as connection:
        check_tables(connection, plugin)
        assert difference(connection, plugin).is_empty(), f"jinlin plugin migrate {plugin} writes what is missing"


def test_its_chinese_is_complete(place: Place, plugin: str) -> None:
    folder = place.app.extensions["jinlin_plugins"].folder(plugin)
    assert missing_words(folder / CHINESE_PO) == [], f"jinlin plugin translate {plugin} collects them"


def test_it_imports_the_api_and_few_libraries(place: Place, plugin: str) -> None:
    """And uses nothing that no scope could limit, nor the clock of the machine."""
    manager, found = place.app.extensions["jinlin_plugins"], []
    for file in manager.folder(plugin).rglob("*.py"):
        if "migrations" not in file.parts:
            found += [(file.name, module) for module in _imported(file) if not _allowed(module, plugin)]
            found += [(file.name, number) for number, line in enumerate(file.read_text().splitlines(), 1)
                      if BANNED.search(line)]
    assert found == []


def _imported(file: Path) -> list[str]:
    tree = ast.parse(file.read_text())
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return names + [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module and not n.level]


def _allowed(module: str, plugin: str) -> bool:
    root = module.partition(".")[0]
    return (module == "core.api" or root in LIBRARIES - {"core.api"} or root in (plugin, *sys.stdlib_module_names)
            or bool(re.fullmatch(r"(plugins\.)?\w+\.services", module)))
