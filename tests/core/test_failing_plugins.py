"""A plugin that fails takes nothing else down: each hook in each way, each kind of screen, each kind of migration."""
from __future__ import annotations

import itertools
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa

import plugins
from core import hookspecs, plugin_manager, plugin_watch
from core.areas.models import Area
from core.areas.scope import session_for
from core.areas.service import plugins_on
from core.declarations import Entry, PluginInfo, Todo
from core.errors import ValidationError
from core.extensions import db
from core.hookspecs import hookimpl
from core.metrics import figures
from core.metrics.groups import Kept
from core.migrations import chains
from core.migrations.chains import Chain, remember
from core.migrations.upgrade import leave_unready_out, pending, upgrade
from core.plugin_manager import DECLARING, PluginManager
from core.plugin_models import forget_models
from core.residents.models import Resident
from core.residents.service import set_name
from core.setup import switch_plugin_on
from core.testing.place import Place
from core.testing.servers import make_app
from core.testing.walk import body

FAULTY = Path(__file__).parents[1] / "packages" / "faulty"
SECRET = "钱秘密"


def endless() -> Iterator[str]:
    yield from itertools.repeat("x")


def generator_that_raises() -> Iterator[Any]:
    yield Todo("info", "L", "T")
    raise RuntimeError(SECRET)


def raises(*_given: Any) -> Any:
    raise RuntimeError(SECRET)


class NoText:
    def __str__(self) -> str:
        raise RuntimeError(SECRET)


GARBAGE: dict[str, Callable[[], Any]] = {
    "raises": raises, "ends": lambda: sys.exit(3), "a number": lambda: 3, "a text": lambda: SECRET,
    "bytes": lambda: b"x", "a dict": lambda: {"a": 1}, "wrong things": lambda: [1, None, "x"],
    "a generator that raises": generator_that_raises, "endless": endless, "a class": lambda: PluginInfo,
    "no texts": lambda: [Todo("info", None, b"x"), Entry(date(2026, 1, 1), NoText())],
    "a kind of its own": lambda: [Todo("terrible", "L", "T")], "an address outside": lambda: [
        Todo("info", "L", "T", "https://example.org/"), Entry(date(2026, 1, 1), "T", "javascript:alert(1)")],
    "no day": lambda: [Entry("2026-01-01", "T")],
}
HOOKS = [name for name, hook in vars(hookspecs).items() if hasattr(hook, "jinlin_spec")]
REACTING = [name for name in HOOKS if name not in DECLARING]


# -- declaring ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", GARBAGE)
@pytest.mark.parametrize("hook", DECLARING)
def test_a_declaring_hook_that_fails_leaves_its_plugin_out_and_no_other(
    hook: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, hooks in {"bad": {hook: lambda: GARBAGE[what]()}, "good": {}}.items():
        module = ModuleType(f"parade_{name}")
        for each, function in {"plugin_info": lambda: PluginInfo("T", "S"), **hooks}.items():
            setattr(module, each, hookimpl(function))
        monkeypatch.setitem(sys.modules, module.__name__, module)
    manager = PluginManager()
    manager.load_here({name: f"parade_{name}" for name in ("bad", "good")})
    assert manager.names == ["good"]
    assert manager.faults["bad"]


# -- at work -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def houses(servers: Any) -> Iterator[dict[str, Place]]:
    """One app with the faulty plugin for each kind of database."""
    made: dict[str, Place] = {}
    yield made
    for place in made.values():
        with place.app.app_context():
            db.engine.dispose()
        servers.drop(place.app.extensions["jinlin_settings"].database_url.replace("+psycopg", ""))


@pytest.fixture
def faulty(kind: str, servers: Any, houses: dict[str, Place], tmp_path_factory: Any) -> Iterator[Place]:
    """The street with the faulty plugin on in `upper`; it works until a test says otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plugins, "__path__", [*plugins.__path__, str(FAULTY)])
        patch.setattr(plugin_manager, "faults_of", lambda found, memo: {})
        if kind not in houses:
            folder = tmp_path_factory.mktemp("faulty")
            url, ids = servers.copy_of_seed(kind, folder)
            app, clock = make_app(url, folder)
            houses[kind] = place = Place(app, clock, dict(ids))
            with app.app_context():
                assert manager_of(place).faults == {}
                upgrade()
                switch_plugin_on(ids["upper"], "faulty", date(2026, 1, 1), "test")
                db.session.remove()
        place = houses[kind]
        place.app.extensions["jinlin_plugins"].watch = plugin_watch.Watch(manager_of(place).watch.folder)
        yield place
        answers(place).clear()


@pytest.fixture(scope="module", autouse=True)
def forget() -> Iterator[None]:
    """The models of the faulty plugin are not seen by other tests."""
    yield
    forget_models("plugins.faulty")


def manager_of(place: Place) -> PluginManager:
    return place.app.extensions["jinlin_plugins"]


def answers(place: Place) -> dict[str, Any]:
    return manager_of(place).modules["faulty"].ANSWERS


def modules_page(place: Place) -> str:
    return place.browser("street").get("/street/manage/plugins/").get_data(as_text=True)


def resident(place: Place) -> int:
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        made = Resident()
        set_name(made, "王秀英")
        writing.add(made)
        writing.flush()
        return made.id


@pytest.mark.parametrize("hook", REACTING)
def test_a_reacting_hook_that_fails_in_any_way_leaves_the_page_as_it_was(hook: str, faulty: Place) -> None:
    number = resident(faulty)
    staff, page = faulty.browser("staff.upper"), {
        "todo_items": "/upper/", "resident_timeline": f"/upper/residents/people/details/?id={number}"}.get(hook)
    before = body(staff.get(page)) if page else ""
    for what, garbage in GARBAGE.items():
        answers(faulty)[hook] = lambda _session, garbage=garbage: garbage()
        if page:
            answer = staff.get(page)
            assert answer.status_code == 200 and body(answer) == before, what
        with faulty.app.test_request_context("/upper/"), faulty.session("upper", writes=True) as writing:
            assert dict(manager_of(faulty).ask(
                hook, ["canteen", "faulty"], writing, community=writing.get_one(Area, faulty.ids["upper"]),
                resident=writing.get_one(Resident, number), today=date(2026, 11, 23),
            ) if hook in ("todo_items", "resident_timeline") else {}).get("faulty") in (None, []), what
    page = modules_page(faulty)
    if hook in ("todo_items", "resident_timeline"):
        assert "Faulty" in page and hook in page and "RuntimeError" in page
    assert SECRET not in page and "Traceback" not in page


def test_a_plugin_that_cannot_prepare_is_not_switched_on_and_the_others_are(faulty: Place) -> None:
    answers(faulty)["plugin_enabled"] = raises
    with faulty.app.app_context():
        with pytest.raises(ValidationError):
            switch_plugin_on(faulty.ids["lower"], "faulty", date(2026, 1, 1), "test")
        with session_for(None, "a test looks") as reading:
            assert "faulty" not in plugins_on(reading, reading.get_one(Area, faulty.ids["lower"]))


@pytest.mark.parametrize("how", ["commit", "rollback", "close"])
def test_a_hook_does_not_end_the_transaction_of_the_page(how: str, faulty: Place) -> None:
    answers(faulty)["resident_timeline"] = lambda session: getattr(session, how)()
    number = resident(faulty)
    answer = faulty.browser("staff.upper").get(f"/upper/residents/people/details/?id={number}")
    assert answer.status_code == 200 and "王秀英" in answer.get_data(as_text=True)
    assert "a hook neither commits" in modules_page(faulty)


def test_endless_and_long_answers_are_cut(faulty: Place) -> None:
    def many(_session: Any) -> Iterator[Todo]:
        return (Todo("info", "L" * 9000, f"\ud800\x00 {number}") for number in itertools.count())

    answers(faulty)["todo_items"] = many
    page = faulty.browser("staff.upper").get("/upper/")
    assert page.status_code == 200 and len(page.get_data()) < 200_000


def test_a_time_of_day_does_not_break_the_order_of_a_timeline(faulty: Place) -> None:
    days = [Entry(datetime(2026, 1, 1, 8), "早"), Entry(date(2026, 1, 2), "晚")]
    answers(faulty)["resident_timeline"] = lambda _session: days
    page = faulty.browser("staff.upper").get(f"/upper/residents/people/details/?id={resident(faulty)}")
    assert page.get_data(as_text=True).index("晚") < page.get_data(as_text=True).index("早")


# -- slow --------------------------------------------------------------------------------------------


def test_a_slow_hook_is_named_with_its_seconds_and_left_out_for_a_while(
    faulty: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(plugin_watch, "LIMIT", 0.05)
    calls = []
    answers(faulty)["todo_items"] = lambda _session: calls.append(1) or time.sleep(0.15) or [Todo("info", "慢", "慢")]
    staff = faulty.browser("staff.upper")
    assert "慢" in staff.get("/upper/").get_data(as_text=True)
    assert "慢" not in staff.get("/upper/").get_data(as_text=True)
    assert len(calls) == 1
    assert "todo_items took 0." in caplog.text
    assert re.search(r"<td>todo_items</td><td>0\.\d s</td>", modules_page(faulty))
    monkeypatch.setattr(plugin_watch, "PAUSE", 0.0)
    manager_of(faulty).watch._paused.clear()
    assert "慢" in staff.get("/upper/").get_data(as_text=True)


def test_while_a_hook_hangs_in_one_request_all_others_go_on_without_it(
    faulty: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin_watch, "LIMIT", 0.05)
    hangs, released = threading.Event(), threading.Event()
    answers(faulty)["todo_items"] = lambda _session: hangs.set() or released.wait(30) and []
    first, second = faulty.browser("staff.upper"), faulty.browser("manager.upper")
    stuck = threading.Thread(target=first.get, args=("/upper/",))
    stuck.start()
    try:
        assert hangs.wait(10)
        time.sleep(0.06)
        hangs.clear()
        assert second.get("/upper/").status_code == 200
        assert not hangs.is_set()
    finally:
        released.set()
        stuck.join()


def test_a_statement_that_takes_too_long_is_stopped(faulty: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin_watch, "LIMIT", 0.2)
    endless_query = {
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        "postgresql": "SELECT pg_sleep(60)",
    }

    def slow(session: Any) -> Any:
        connection = session.connection()
        connection.exec_driver_sql(endless_query[connection.dialect.name])

    answers(faulty)["todo_items"] = slow
    assert faulty.browser("staff.upper").get("/upper/").status_code == 200
    assert "todo_items" in modules_page(faulty)


# -- screens -----------------------------------------------------------------------------------------

BROKEN_VIEWS = ("syntax/", "missing/", "undefined/", "ends/", "nothing/", "")


def test_a_broken_screen_says_so_in_words_and_everything_else_answers_as_before(faulty: Place) -> None:
    with faulty.app.app_context(), faulty.session("upper", writes=True) as writing:
        writing.add(manager_of(faulty).modules["faulty"].Thing(name=SECRET))
    staff, street = faulty.browser("staff.upper"), faulty.browser("street")
    others = ["/upper/", "/upper/residents/people/", "/upper/canteen/meals/", "/upper/canteen/diners/new/",
              "/upper/residents/import/"]
    before = [body(staff.get(url)) for url in others]
    answers(faulty).update(view=raises, cell=raises)
    urls = ["/upper/faulty/things/", *(f"/upper/faulty/raising/{view}" for view in BROKEN_VIEWS)]
    for url in urls:
        answer = staff.get(url)
        text = answer.get_data(as_text=True)
        assert answer.status_code == 500, url
        assert "管理员" in text and SECRET not in text and "Traceback" not in text and "faulty/plugin.py" not in text
    assert [body(staff.get(url)) for url in others] == before
    page = street.get("/street/manage/plugins/").get_data(as_text=True)
    for word in ("TemplateSyntaxError", "TemplateNotFound", "UndefinedError", "RuntimeError", "faulty/plugin.py:"):
        assert word in page, word
    assert SECRET not in page


@pytest.mark.parametrize("what", ["is_shown", "permissions"])
def test_a_screen_that_raises_on_others_pages_is_left_out_of_them(what: str, faulty: Place) -> None:
    answers(faulty)[what] = raises
    for who, url in (("staff.upper", "/upper/"), ("staff.upper", "/upper/canteen/meals/"),
                     ("street", "/street/manage/roles/new/"), ("staff.upper", "/upper/nowhere/")):
        assert faulty.browser(who).get(url).status_code in (200, 404), url


def test_a_metric_that_cannot_be_counted_is_left_out_of_the_workbench(
    faulty: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    metric = manager_of(faulty)._declared["faulty"]["register_metrics"][0]
    monkeypatch.setitem(vars(metric), "where", (sa.cast("x", sa.Integer) / 0 == sa.func.no_such_function(),))
    monkeypatch.setattr(figures, "kept", lambda: Kept(()))  # what is kept is read without asking the records
    for who, url in (("staff.upper", "/upper/"), ("street", "/street/"), ("street", "/street/figures/")):
        answer = faulty.browser(who).get(url)
        assert answer.status_code == 200 and "就餐" in answer.get_data(as_text=True)
    assert "faulty.things" in modules_page(faulty)


def test_a_broken_catalogue_is_left_out_and_named(faulty: Place, tmp_path: Path) -> None:
    manager = manager_of(faulty)
    folder = tmp_path / "translations" / "zh_Hans_CN" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.mo").write_bytes(b"no catalogue at all")
    with faulty.app.app_context(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(manager, "folder", lambda name: tmp_path)
        assert manager.words("faulty") is None
    assert "translations" in modules_page(faulty)


def test_a_static_file_that_is_not_there_is_not_found(faulty: Place) -> None:
    assert faulty.browser().get("/static/plugins/faulty/gone.js").status_code == 404


# -- migrations --------------------------------------------------------------------------------------

MIGRATION = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "faulty_{number}", {below!r}
def upgrade():
    op.create_table("faulty_half", sa.Column("id", sa.Integer, primary_key=True))
    {then}
"""
FAILS = {
    "raises": f"raise RuntimeError('{SECRET}')",
    "half done": "op.execute('INSERT INTO faulty_half (id) VALUES (1), (1)')",
    "another's table": "op.execute('SELECT id FROM choir_singer')",
    "drops another's": "op.create_table('choir_gift', sa.Column('id', sa.Integer, primary_key=True))",
    "ends": "raise SystemExit(3)",
    "no table": "op.drop_table('faulty_thing')",
}


@pytest.mark.parametrize("what", FAILS)
def test_a_migration_that_fails_leaves_nothing_behind_and_the_plugin_off(
    what: str, faulty: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plugin is left out at the next start, without being imported, until its migrations have changed."""
    manager = manager_of(faulty)
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    first = FAULTY / "faulty" / "migrations" / "versions" / "0001_start.py"
    (versions / "0001.py").write_text(first.read_text())
    (versions / "0002.py").write_text(MIGRATION.format(number="0002", below="faulty_0001", then=FAILS[what]))
    chain = Chain("faulty", tmp_path / "migrations")
    monkeypatch.setattr("core.migrations.upgrade.chains", lambda: [chain])
    monkeypatch.setattr(manager, "leave_out", lambda name, fault: manager.faults.__setitem__(name, fault))
    with faulty.app.app_context():
        try:
            assert pending() == ["faulty"]
            assert upgrade() == []
            fault = manager.faults.pop("faulty")
            assert fault and SECRET not in fault
            assert not {"faulty_half", "choir_gift"} & set(sa.inspect(db.engine).get_table_names())
            assert "faulty_thing" in sa.inspect(db.engine).get_table_names()
            at_the_next_start = PluginManager()
            at_the_next_start.found["faulty"] = "plugins.faulty.plugin"
            monkeypatch.setattr(chains, "chain_of", lambda _manager, _name: chain)
            chains.refuse_failed(faulty.app.extensions["jinlin_settings"], at_the_next_start)
            assert at_the_next_start.faults == {"faulty": fault}
        finally:
            remember(chain, None)
            db.session.remove()


def test_a_plugin_without_its_tables_is_left_out_before_serving(
    faulty: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whatever looks at all records that point to a person would fail."""
    manager = manager_of(faulty)
    monkeypatch.setattr(manager, "leave_out", lambda name, fault: manager.faults.__setitem__(name, fault))
    table = manager.modules["faulty"].Thing.__table__
    with faulty.app.app_context():
        column = sa.Column("later", sa.Integer)
        monkeypatch.setattr(table, "columns", [*table.columns, column])
        leave_unready_out()
    assert "faulty_thing.later" in manager.faults.pop("faulty")
    assert manager.names[-1] == "faulty"
