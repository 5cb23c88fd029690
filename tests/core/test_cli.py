"""The command `jinlin`: a street from nothing, a demonstration that stays one, and refusals in words."""
from __future__ import annotations

import io
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
import sqlalchemy as sa
from flask import current_app

from core import cli, installation
from core.accounts.models import Membership, User
from core.areas.models import Area, AreaKind, Installation
from core.areas.scope import session_for
from core.areas.service import add_area, switch_on
from core.clock import now, today
from core.config import settings_from_environment
from core.errors import SetupError
from core.installation import opened, serving
from core.server import address, is_loopback

NAME, SLUG = "河口街道", "hekou"
INIT = ("init", "--name", NAME, "--slug", SLUG)
on_sqlite = pytest.mark.parametrize("kind", ["sqlite"])  # what is tried lies outside the database
JINLIN = str(Path(sys.executable).with_name("jinlin"))


@dataclass
class Result:
    """What a command said."""

    code: int
    out: str
    err: str


@pytest.fixture
def environ(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """An installation over an empty database."""
    values = {"JINLIN_INSTANCE": str(tmp_path), "JINLIN_DATABASE_URL": database_url, "JINLIN_LANG": "en"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(installation, "load_demo", small_demo)
    mask = os.umask(0o022)
    yield values
    os.umask(mask)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Callable[..., Result]:
    """Run a command as the console script does."""
    def running(*arguments: str, typed: str = "") -> Result:
        monkeypatch.setattr(sys, "argv", ["jinlin", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return Result(ended.value.code or 0, said.out, said.err)

    return running


@pytest.fixture
def jinlin(environ: dict[str, str], run: Callable[..., Result]) -> Callable[..., Result]:
    """Run a command over an empty database."""
    return run


def small_demo(slug: str = "demo-street") -> None:
    """In place of the demonstration, which takes seconds."""
    with session_for(None, "a small demonstration", writes=True) as writing:
        street = add_area(writing, None, "示范街道", AreaKind.STREET, slug)
        community = add_area(writing, street, "示范社区", AreaKind.COMMUNITY, f"{slug}-one")
        writing.add(Installation(id=1, demo=True, created_at=now(),
                                 key_fingerprint=current_app.extensions["jinlin_keys"].fingerprint))
        switch_on(writing, community, "canteen", today(), "test")


def slugs() -> list[str]:
    with opened(settings_from_environment()), session_for(None, "a test looks") as reading:
        return list(reading.scalars(sa.select(Area.slug).where(Area.parent_id.is_(None))))


def count(model: type) -> int:
    with opened(settings_from_environment()), session_for(None, "a test looks") as reading:
        return reading.scalar(sa.select(sa.func.count()).select_from(model))


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


def test_init_makes_the_street_and_an_administrator_who_is_system_and_street_administrator(jinlin):
    said = jinlin(*INIT)
    assert said.code == 0 and NAME in said.out
    with opened(settings_from_environment()), session_for(None, "a test looks") as reading:
        assert reading.scalars(sa.select(Area.slug)).all() == [SLUG]
        user = reading.scalars(sa.select(User)).one()
        assert user.must_change
        assert {m.role.key for m in reading.scalars(sa.select(Membership))} == {"system", "street"}
        assert reading.scalars(sa.select(Installation.demo)).all() == [False]


@on_sqlite
def test_the_first_administrator_signs_in_with_the_printed_password_and_must_change_it(jinlin):
    password = re.search(r"password: (\S+)", jinlin(*INIT).out).group(1)
    with opened(settings_from_environment()) as app:
        client = app.test_client()
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/login").text).group(1)
    signed_in = client.post("/login", data={"username": "admin", "password": password, "csrf_token": token})
    assert signed_in.status_code == 302
    assert client.get(f"/{SLUG}/").location == "/account/password"


def test_a_second_init_changes_nothing_and_says_so(jinlin):
    jinlin(*INIT)
    said = jinlin("init", "--name", "别的街道", "--slug", "other")
    assert said.code == 0 and "nothing was changed" in said.out and NAME in said.out
    assert (count(Area), count(User)) == (1, 1)


@on_sqlite
def test_init_asks_and_asks_again_after_a_refusal(jinlin):
    said = jinlin("init", typed=f"{NAME}\nlogin\n\n{NAME}\n{SLUG}\n990000100000\n")
    assert said.code == 0 and "reserved" in said.err
    assert count(Area) == 1


def test_a_refused_code_leaves_nothing_behind(jinlin):
    said = jinlin(*INIT, "--code", "12")
    assert said.code == 2 and "12 digits" in said.err
    assert (count(Area), count(User), count(Installation)) == (0, 0, 0)


def test_two_inits_at_once_make_one_street(environ):
    both = [subprocess.Popen([JINLIN, *INIT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             env={**os.environ, **environ}) for _n in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted("nothing was changed" in out for out, _err in said) == [False, True]


def test_the_demonstration_is_loaded_once_and_init_refuses_beside_it(jinlin):
    first = jinlin("demo")
    assert first.code == 0 and re.search(r"^street  \S+$", first.out, re.M)
    assert jinlin("demo").code == 0 and count(Area) == 2
    refused = jinlin(*INIT)
    assert refused.code == 2 and "--remove" in refused.err


def test_a_demonstration_that_was_broken_off_is_begun_again(jinlin, monkeypatch):
    def broken_off() -> None:
        small_demo("halfway")
        raise KeyboardInterrupt

    monkeypatch.setattr(installation, "load_demo", broken_off)
    with pytest.raises(KeyboardInterrupt):
        installation.load_demonstration(settings_from_environment())
    assert slugs() == ["halfway"]
    monkeypatch.setattr(installation, "load_demo", small_demo)
    assert jinlin("demo").code == 0
    assert slugs() == ["demo-street"]


@on_sqlite
def test_a_street_set_up_after_a_broken_off_demonstration_stays(jinlin, tmp_path):
    jinlin(*INIT)
    (tmp_path / installation.LOADING).touch()
    assert not installation.load_demonstration(settings_from_environment()).demo
    assert slugs() == [SLUG]


def test_the_demonstration_is_removed_and_a_street_is_set_up_in_its_place(jinlin):
    jinlin("demo")
    assert jinlin("demo", "--remove", "--yes").code == 0
    assert jinlin(*INIT).code == 0
    assert count(Area) == 1


@on_sqlite
def test_the_demonstration_is_not_removed_without_a_yes(jinlin):
    jinlin("demo")
    assert jinlin("demo", "--remove", typed="n\n").code == 1
    assert jinlin(*INIT).code == 2


def test_a_real_street_is_not_taken_for_a_demonstration(jinlin):
    jinlin(*INIT)
    assert jinlin("demo").code == 2
    assert jinlin("demo", "--remove", "--yes").code == 2
    assert count(Area) == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org"])
def test_only_this_computer_is_loopback(host):
    assert not is_loopback(host)
    assert is_loopback("127.0.0.1") and is_loopback("localhost") and is_loopback("::1")


def test_the_address_that_is_printed_can_be_opened_here():
    assert address("0.0.0.0", 8000) == "http://127.0.0.1:8000"
    assert address("::1", 8000) == "http://[::1]:8000"


def test_a_reset_password_is_printed_once_and_works(jinlin):
    jinlin(*INIT)
    said = jinlin("user", "reset", "admin")
    assert said.code == 0 and re.search(r"admin: \S{14}", said.out)
    assert jinlin("user", "reset", "nobody").code == 2


def test_plugins_are_listed_with_the_communities_where_they_are_on(jinlin):
    assert "canteen" in jinlin("plugins").out
    jinlin("demo")
    assert re.search(r"^canteen  .+  loaded  .*社区", jinlin("plugins").out, re.M)


@on_sqlite
def test_serve_refuses_before_anything_is_set_up(jinlin):
    said = jinlin("serve", "--port", str(free_port()))
    assert said.code == 2 and "jinlin init" in said.err


@on_sqlite
def test_the_demonstration_is_served_on_this_computer_alone(jinlin):
    jinlin("demo")
    said = jinlin("serve", "--host", "0.0.0.0", "--port", str(free_port()))
    assert said.code == 2 and "127.0.0.1" in said.err


@on_sqlite
def test_a_port_in_use_is_told_in_words(jinlin):
    jinlin(*INIT)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        said = jinlin("serve", "--port", str(other.getsockname()[1]))
    assert said.code == 2 and "in use" in said.err


@on_sqlite
def test_data_are_not_removed_under_a_running_server(jinlin):
    jinlin("demo")
    with serving(settings_from_environment()):
        assert jinlin("demo", "--remove", "--yes").code == 2
    assert count(Area) == 2


@on_sqlite
def test_what_commands_write_is_private(jinlin, tmp_path):
    jinlin(*INIT)
    written = [path for path in tmp_path.iterdir() if path.is_file()]
    assert written and all(path.stat().st_mode & 0o077 == 0 for path in written)


@on_sqlite
def test_the_commands_speak_chinese_unless_told_otherwise(jinlin, monkeypatch):
    monkeypatch.delenv("JINLIN_LANG")
    assert jinlin(*INIT, "--code", "12").err.strip() == "区划代码为 12 位数字，不能以 0 开头。"


@pytest.mark.parametrize(("url", "words"), [
    ("postgresql://jin:s3cret@127.0.0.1:1/jinlin", "does not answer"),
    ("postgresql://jin:s3cret@127.0.0.1:port/jinlin", "cannot be read"),
    ("mysql://jin:s3cret@127.0.0.1/jinlin", "postgresql://"),
    ("postgresql://jin:s3cret@127.0.0.1", "does not name"),
    ("sqlite:///jinlin.db", "full path"),
    ("sqlite:////nowhere/at/all/jinlin.db", "cannot be opened"),
])
def test_a_wrong_database_address_is_told_without_its_password(url, words, run, tmp_path, monkeypatch):
    for name, value in {"DATABASE_URL": url, "INSTANCE": str(tmp_path), "LANG": "en"}.items():
        monkeypatch.setenv(f"JINLIN_{name}", value)
    said = run("plugins")
    assert said.code == 2 and words in said.err
    assert "s3cret" not in said.out + said.err


@pytest.mark.parametrize("kind", ["postgresql"])
def test_a_database_that_is_not_there_is_named(jinlin, environ, monkeypatch):
    url = sa.make_url(environ["JINLIN_DATABASE_URL"]).set(database="nowhere")
    monkeypatch.setenv("JINLIN_DATABASE_URL", url.render_as_string(hide_password=False))
    said = jinlin(*INIT)
    assert said.code == 2 and "no database" in said.err and "nowhere" in said.err


@pytest.mark.parametrize("kind", ["postgresql"])
def test_a_database_that_refuses_to_make_tables_says_why(jinlin):
    engine = sa.create_engine(settings_from_environment().database_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f'ALTER DATABASE "{engine.url.database}" SET default_transaction_read_only = on')
    said = jinlin(*INIT)
    assert said.code == 2 and "read-only" in said.err


@pytest.mark.parametrize(("name", "value"), [
    ("PORT", "80x"), ("PORT", "0"), ("PORT", "٨٠"), ("JINLIN_PROXIES", "-1"), ("JINLIN_PASSWORD_CLASSES", "maybe"),
])
def test_a_wrong_setting_is_named(name, value):
    with pytest.raises(SetupError, match=name):
        settings_from_environment({name: value})


@on_sqlite
def test_an_instance_that_is_no_folder_is_told_in_words(jinlin, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JINLIN_INSTANCE", str(tmp_path / "file"))
    said = jinlin(*INIT)
    assert said.code == 2 and "JINLIN_INSTANCE" in said.err


@on_sqlite
def test_the_demonstration_is_served_and_stops_when_told(environ):
    installation.load_demonstration(settings_from_environment())
    port = free_port()
    server = subprocess.Popen([JINLIN, "serve", "--demo", "--port", str(port)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env={**os.environ, **environ})
    try:
        said = []
        for line in server.stdout:
            said.append(line)
            if f"http://127.0.0.1:{port}" in line:
                break
        assert any(re.fullmatch(r"street  \S+\n", line) for line in said), said
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=20) as answer:
            assert answer.status == 200
        with urlopen(f"http://127.0.0.1:{port}/login", timeout=20) as answer:
            assert "staff." in answer.read().decode()
    finally:
        server.terminate()
        _out, problems = server.communicate(timeout=30)
    assert server.returncode == 0 and problems == ""


@on_sqlite
def test_a_server_told_to_stop_while_it_still_starts_stops_without_a_word(jinlin, environ):
    jinlin(*INIT)
    server = subprocess.Popen([JINLIN, "serve", "--port", str(free_port())], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env={**os.environ, **environ})
    assert "http://" in server.stdout.readline()  # said before the processes have made their apps
    time.sleep(0.3)  # past gunicorn's own fork, long before the apps are made; any moment must do
    server.terminate()
    _out, problems = server.communicate(timeout=60)
    assert server.returncode == 0 and problems == ""


@on_sqlite
def test_on_windows_waitress_serves_the_same_app(jinlin, environ):
    jinlin(*INIT)
    port = free_port()
    code = ("import sys; from core.server import serve_by_threads; from core.config import settings_from_environment\n"
            "serve_by_threads(settings_from_environment(), '127.0.0.1', lambda: print('ready', flush=True))")
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
                              env={**os.environ, **environ, "PORT": str(port)}, cwd=cli.ROOT)
    try:
        assert server.stdout.readline() == "ready\n"
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=20) as answer:
            assert answer.status == 200
    finally:
        server.terminate()
        server.communicate(timeout=30)


@on_sqlite
@pytest.mark.parametrize(("name", "title", "why"), [
    ("Choir", "合唱团", "no name"), ("two__lines", "合唱团", "no name"), ("x" * 40, "合唱团", "no name"),
    ("class", "合唱团", "no name"), ("canteen", "合唱团", "already a module"),
    ("residents", "合唱团", "already a module"),
    ("canteen_two", "合唱团", "taken for"), ("email", "合唱团", "Python knows"), ("babel", "合唱团", "Python knows"),
    ("choir", "合唱团" * 9, "1 to 20"), ("choir", 'a"b', "quotation"), ("taken", "合唱团", "exists already"),
])
def test_a_wrong_name_for_a_new_module_is_told_in_words(jinlin, tmp_path, name, title, why):
    (tmp_path / "taken").mkdir()
    said = jinlin("plugin", "new", name, "--title", title, "--into", str(tmp_path))
    assert said.code == 2 and why in said.err
    assert not (tmp_path / "choir").exists()


@on_sqlite
def test_a_module_that_is_not_there_is_neither_migrated_nor_translated(jinlin):
    for command in ("migrate", "translate"):
        said = jinlin("plugin", command, "chess")
        assert said.code == 2 and "chess" in said.err and "not installed" in said.err
