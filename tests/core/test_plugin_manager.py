"""Plugins: found, tried, checked, ordered and asked; one that fails stays alone (docs/plugins.md)."""
from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
import wtforms as wt

from core import plugin_manager, plugin_trial
from core.admin.screens import core_modules
from core.declarations import Metric, PluginInfo, Todo
from core.errors import ValidationError
from core.hookspecs import hookimpl
from core.plugin_manager import OF_THE_CORE, PluginManager
from core.residents.models import Resident, TagKind

HEAD = "from core.api import *\nfrom sqlalchemy.orm import Mapped, mapped_column\n"
INFO = HEAD + """
@hookimpl
def plugin_info():
    return PluginInfo(title="T", summary="S", requires={requires!r})
"""
TABLE = HEAD + """
class Thing(TenantModel):
    __tablename__ = "{table}"
    name: Mapped[str]
"""
BROKEN = {
    "b_half": (TABLE.format(table="b_half_thing") + "raise RuntimeError('half')\n", "RuntimeError: half"),
    "c_syntax": ("def (:\n", "SyntaxError"),
    "d_ends": ("import os\nos._exit(3)\n", "exit code 3"),
    "e_table": (TABLE.format(table="stolen_thing") + INFO.format(requires=()), "stolen_thing"),
    "f_key": (TABLE.format(table="f_key_thing") + "    x_id, x = tenant_reference('f_key_gone')\n"
              + INFO.format(requires=()), "f_key_gone"),
    "g_hook": (INFO.format(requires=()) + "@hookimpl\ndef no_such_hook():\n    pass\n", "no_such_hook"),
    "h_info": ("x = 1\n", "plugin_info"),
    "i_circle": (INFO.format(requires=("j_circle",)), "circle"),
    "k_needs": (INFO.format(requires=("b_half",)), "b_half"),
    "l_screen": (TABLE.format(table="l_screen_thing") + INFO.format(requires=())
                 + "class List(Screen):\n    model, slug, title, column_list = Thing, 'list', 'L', ('nothing',)\n"
                 + "@hookimpl\ndef register_screens():\n    return [List]\n", "List"),
    "a_thief": (TABLE.format(table="w_owner_thing") + INFO.format(requires=()), "w_owner_thing"),
    "n_loops": ("while True:\n    pass\n", "longer than"),
    "o_elsewhere": (INFO.format(requires=()) + "import os\nos.chdir('/')\n", "working folder"),
    "m_resident": (INFO.format(requires=()) + "@hookimpl\ndef register_metrics():\n"
                   + "    return [Metric('canteen.meals', 'T', 'x')]\n", "canteen.meals"),
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a package of plugins from {name: source of its plugin.py}."""
    def make(name: str, sources: dict[str, str]) -> ModuleType:
        for plugin, source in {"": "", **sources}.items():
            folder = tmp_path / name / plugin
            folder.mkdir(parents=True)
            (folder / "__init__.py").write_text("")
            (folder / "plugin.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        return importlib.import_module(name)

    yield make
    for module in [m for m in sys.modules if m.startswith("parade_")]:
        del sys.modules[module]


def test_each_broken_plugin_is_named_with_its_fault_and_the_rest_works(
    package: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = {"a_good": INFO.format(requires=("z_good",)), "z_good": INFO.format(requires=())}
    good["w_prints"] = INFO.format(requires=()) + "print('{\"faults\": {\"z_good\": \"no\"}}', end='')\n"
    circle = {"j_circle": INFO.format(requires=("i_circle",))}
    sources = {**good, **circle, **{name: source for name, (source, _fault) in BROKEN.items()}}
    manager = PluginManager()
    monkeypatch.setattr(plugin_manager, "entry_points", lambda group: [])
    monkeypatch.setattr(plugin_trial, "SECONDS", 6)
    manager.load(package("parade_broken", sources))
    assert manager.names == ["z_good", "a_good", "w_prints"]
    assert {*manager.faults} - {"j_circle"} == {*BROKEN}
    for name, (_source, fault) in BROKEN.items():
        assert fault in manager.faults[name], (name, manager.faults[name])
    assert "parade_broken.b_half.plugin" not in sys.modules
    sa.orm.configure_mappers()


def test_a_set_that_passed_is_not_tried_again_until_a_file_changes(
    package: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"a": "parade_memo.a.plugin"}
    package("parade_memo", {"a": INFO.format(requires=())})
    tries = []
    monkeypatch.setattr(plugin_trial, "_try_in_child", lambda found: tries.append(found) or {})
    monkeypatch.setattr(plugin_trial, "_TRIED", {})
    memo = tmp_path / "plugins.mark"
    for _start in range(2):
        assert plugin_trial.faults_of(found, memo) == {}
    plugin_trial._TRIED.clear()
    assert plugin_trial.faults_of(found, memo) == {}
    assert len(tries) == 1
    (tmp_path / "parade_memo/a/plugin.py").write_text("# changed\n")
    plugin_trial.faults_of(found, memo)
    assert len(tries) == 2


def test_a_set_with_a_fault_is_tried_at_every_start(
    package: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was missing may be installed by then."""
    package("parade_again", {"a": ""})
    monkeypatch.setattr(plugin_trial, "_try_in_child", lambda found: {"a": "no"})
    assert plugin_trial.faults_of({"a": "parade_again.a.plugin"}, tmp_path / "mark") == {"a": "no"}
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("name", ["Canteen", "9lives", "with-hyphen", "two__lines", "end_", "core", "residents"])
def test_a_wrong_name_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = SimpleNamespace(name=name, value="nowhere")
    monkeypatch.setattr(plugin_manager, "entry_points", lambda group: [entry])
    manager = PluginManager()
    assert manager._found(SimpleNamespace(__name__="none", __path__=[])) == {}
    assert "name" in manager.faults[name]


def test_no_name_of_a_core_module_is_free() -> None:
    assert {module.name for module in core_modules()} <= OF_THE_CORE


def test_an_installed_plugin_does_not_replace_a_built_in_one(package: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    built_in = package("parade_double", {"a": INFO.format(requires=())})
    monkeypatch.setattr(plugin_manager, "entry_points", lambda group: [SimpleNamespace(name="a", value="elsewhere")])
    assert PluginManager()._found(built_in) == {"a": "parade_double.a.plugin"}


def test_an_installed_plugin_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin_manager, "entry_points", lambda group: [SimpleNamespace(name="choir", value="x.y")])
    assert PluginManager()._found(SimpleNamespace(__name__="none", __path__=[])) == {"choir": "x.y"}


def test_no_name_begins_with_anothers(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = loaded(monkeypatch, {"day": {}, "day_care": {}})
    assert manager.names == ["day"]
    assert "'day'" in manager.faults["day_care"]


def test_a_name_does_not_take_tables_of_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = loaded(monkeypatch, {"resident": {}})
    assert "resident_" in manager.faults["resident"]


def test_two_screens_need_two_slugs(monkeypatch: pytest.MonkeyPatch) -> None:
    class Page:
        slug = "page"

    manager = loaded(monkeypatch, {"twice": {"register_screens": lambda: [Page, Page]}})
    assert "slug" in manager.faults["twice"]


def test_an_unknown_hook_stops_its_own_plugin_only(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = loaded(monkeypatch, {"a": {"no_such_hook": lambda: 1}, "b": {}})
    assert manager.names == ["b"]
    assert "no_such_hook" in manager.faults["a"]


def test_order_is_by_requirement_then_name(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = loaded(monkeypatch, {"a": {"plugin_info": info("z")}, "b": {}, "z": {"plugin_info": info("c")}, "c": {}})
    assert manager.names == ["c", "z", "a", "b"]
    assert manager.with_requirements("a") == ["c", "z", "a"]
    assert manager.dependents("c") == ["z", "a"]


def test_what_needs_a_broken_plugin_falls_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[Any]:
        raise ValueError("not today")

    manager = loaded(monkeypatch, {
        "a": {"plugin_info": info("m")}, "m": {"plugin_info": info("z")}, "z": {"register_sheets": broken}, "b": {},
    })
    assert manager.names == ["b"]
    assert manager.faults["z"] == "ValueError: not today"
    assert "'m'" in manager.faults["a"]


def test_declarations_are_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    metric = Metric("a.b", "B", "x", Resident, Resident.birth_date)
    manager = loaded(monkeypatch, {"a": {"register_metrics": lambda: asked.append(1) or [metric],
                                         "settings_form": lambda: wt.Form}})
    assert [manager.metrics(), manager.metrics()] == [[("a", metric)], [("a", metric)]]
    assert asked == [1]
    assert manager.settings_form("a") is wt.Form
    assert manager.sheets() == []


def test_only_plugins_that_are_on_are_asked_in_order(monkeypatch: pytest.MonkeyPatch, place: Any) -> None:
    def todo(session: Any, today: Any) -> list[Todo]:
        return [Todo("info", "L", today)]

    manager = loaded(monkeypatch, {name: {"todo_items": todo} for name in "cab"} | {"d": {}})
    with place.app.app_context(), place.session("upper") as reading:
        answers = manager.ask("todo_items", ["c", "a", "d"], reading, community=None, today=1)
    assert [name for name, _answer in answers] == ["a", "c"]


def test_a_plugin_that_raises_is_left_out_with_what_it_wrote(
    monkeypatch: pytest.MonkeyPatch, place: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(session: Any) -> list[Todo]:
        session.add(TagKind(name="半途而废"))
        session.flush()
        session.scalars(sa.select(sa.cast("x", sa.Integer) / 0)).all()
        raise ValidationError("no")

    def works(session: Any) -> list[Todo]:
        session.add(TagKind(name="善始善终"))
        return []

    manager = loaded(monkeypatch, {"a": {"todo_items": fails}, "b": {"todo_items": works}})
    with place.app.app_context():
        with place.session("upper", writes=True) as writing:
            answers = manager.ask("todo_items", ["a", "b"], writing, community=None, today=None)
        with place.session("upper") as reading:
            names = set(reading.scalars(sa.select(TagKind.name)))
    assert answers == [("b", [])]
    assert "plugin a" in caplog.text
    assert manager.names == ["a", "b"]
    assert "善始善终" in names and "半途而废" not in names


def test_plugin_enabled_prepares_the_community_in_the_same_transaction(
    monkeypatch: pytest.MonkeyPatch, place: Any
) -> None:
    def enabled(session: Any, today: Any) -> None:
        session.add(TagKind(name="开箱即有", note=str(today)))

    manager = loaded(monkeypatch, {"a": {"plugin_enabled": enabled}})
    with place.app.app_context():
        with place.session("upper", writes=True) as writing:
            manager.ask("plugin_enabled", ["a"], writing, community=None, today="2026-01-01")
        with place.session("upper") as reading:
            assert reading.scalar(sa.select(TagKind.note).where(TagKind.name == "开箱即有")) == "2026-01-01"


def info(*requires: str) -> Any:
    """A plugin_info with these requirements."""
    return lambda: PluginInfo(title="T", summary="S", requires=requires)


def loaded(monkeypatch: pytest.MonkeyPatch, plugins: dict[str, dict[str, Any]]) -> PluginManager:
    """A manager with plugins made of these hooks, in this process."""
    for name, hooks in plugins.items():
        module = ModuleType(f"parade_{name}")
        for hook, function in {"plugin_info": info(), **hooks}.items():
            setattr(module, hook, hookimpl(function))
        monkeypatch.setitem(sys.modules, module.__name__, module)
    manager = PluginManager()
    manager.load_here({name: f"parade_{name}" for name in plugins})
    return manager
