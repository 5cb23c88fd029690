"""Wall 4 behind a transaction pooler: any transaction may meet the server connection of any other (pgbouncer)."""
from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.app import create_app
from core.areas.scope import EVERYWHERE, Scope, session_for
from core.extensions import db
from core.residents.models import Resident, TagKind
from core.testing.place import Place

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
SETTINGS = """
[databases]
* = host={socket}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 2
log_connections = 0
log_disconnections = 0
"""

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed: apt install pgbouncer")


@pytest.fixture
def kind() -> str:
    """SQLite has no pooler."""
    return "postgresql"


@pytest.fixture
def pooled(place: Place, servers: Any) -> Iterator[Place]:
    """The street reached through a pooler with two server connections; 张三 lives in `upper`, 李四 in `lower`."""
    for slug, name in (("upper", "张三"), ("lower", "李四")):
        with place.app.app_context(), place.session(slug, writes=True) as writing:
            writing.add(Resident(name=name))
    settings = place.app.extensions["jinlin_settings"]
    url = sa.make_url(settings.database_url)
    with _pooler(url.query["host"]) as port:
        through = url.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)
        app = create_app(replace(settings, server_database_url=through), clock=place.clock, TESTING=True,
                         SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 8})
        yield Place(app, place.clock, place.ids)
        with app.app_context():
            db.engine.dispose()


class _pooler:
    """pgbouncer on a free port of this computer, as the account that may open the server's socket."""

    def __init__(self, where: str) -> None:
        self.socket = where

    def __enter__(self) -> int:
        self.folder = Path(tempfile.mkdtemp(prefix="pooler"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        (self.folder / "users").write_text('"postgres" ""\n')
        (self.folder / "ini").write_text(SETTINGS.format(socket=self.socket, port=port, folder=self.folder))
        owner = os.stat(self.socket).st_uid
        for path in (self.folder, *self.folder.iterdir()):  # whatever others may read by default
            os.chown(path, owner, -1)
        account = owner if os.getuid() == 0 else None  # it does not run as root
        self.process = subprocess.Popen([PROGRAM, str(self.folder / "ini")], user=account, stderr=subprocess.PIPE,
                                        stdout=subprocess.DEVNULL, text=True)
        for line in self.process.stderr:
            if "process up" in line:
                break
        else:
            raise AssertionError("pgbouncer did not start")
        return port

    def __exit__(self, *_error: object) -> None:
        self.process.terminate()
        self.process.communicate(timeout=20)
        shutil.rmtree(self.folder)


NAMES = {"upper": ["张三"], "lower": ["李四"], None: []}


def test_clients_that_take_turns_see_their_own_community_alone(pooled: Place) -> None:
    """Each transaction may meet another server connection, and each statement comes often enough to be prepared."""
    seen, servers = set(), set()
    with pooled.app.app_context(), ExitStack() as kept:
        clients = []
        for slug in ("upper", "lower") * 2:
            setting = Scope(pooled.path(slug), pooled.ids[slug]).setting()
            engine = db.engine.execution_options(scope_setting=setting)
            clients.append((slug, kept.enter_context(engine.connect())))
        for turn in range(12):
            for slug, client in clients:
                with client.begin():
                    seen.add((slug, *client.scalars(sa.select(Resident.__table__.c.name))))
                    servers.add(client.exec_driver_sql("SELECT pg_backend_pid()").scalar())
                    if turn % 5 == 4:  # for a moment two transactions are open: the pooler needs its second connection
                        with db.engine.connect() as another:
                            servers.add(another.exec_driver_sql("SELECT pg_backend_pid()").scalar())
    assert seen == {("upper", "张三"), ("lower", "李四")} and len(servers) == 2


def test_clients_at_once_see_and_write_their_own_community_alone(pooled: Place, orm_scope_off: None) -> None:
    """The session's wall is off: what a transaction of another client left behind would show at once."""
    def work(number: int) -> tuple[str | None, list[str]]:
        slug = ("upper", "lower", None)[number % 3]
        with pooled.app.app_context(), pooled.session(slug, writes=slug is not None) as session:
            if slug is not None:
                session.add(TagKind(name=f"{slug}{number}"))
            return slug, list(session.scalars(sa.text("SELECT name FROM resident")))

    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(work, range(60)))
    assert [names for slug, names in found if names != NAMES[slug]] == []
    with pooled.app.app_context(), session_for(EVERYWHERE, "a test counts") as reading:
        made = reading.execute(sa.select(TagKind.name, TagKind.community_id).where(TagKind.name.like("%er_%")))
        assert {name.rstrip("0123456789"): number for name, number in made} == {
            slug: pooled.ids[slug] for slug in ("upper", "lower")}


def test_an_error_or_a_rollback_leaves_nothing_to_the_next_client(pooled: Place, orm_scope_off: None) -> None:
    with pooled.app.app_context():
        for _again in range(4):
            with pooled.session("upper", writes=True) as writing:
                with pytest.raises(sa.exc.DataError), writing.begin_nested():
                    writing.execute(sa.text("SELECT 1 / 0"))
                assert writing.scalars(sa.text("SELECT name FROM resident")).all() == ["张三"]
                with pytest.raises(sa.exc.DataError):
                    writing.execute(sa.text("SELECT 1 / 0"))
                writing.rollback()
            with pooled.session(None) as reading:
                assert reading.scalars(sa.text("SELECT name FROM resident")).all() == []
            with pooled.session("lower") as reading:
                assert reading.scalars(sa.text("SELECT name FROM resident")).all() == ["李四"]


def test_pages_are_served_through_it(pooled: Place) -> None:
    browsers = {slug: pooled.browser(f"staff.{slug}") for slug in ("upper", "lower")}
    for _turn in range(3):
        for slug, own, others in (("upper", "张三", "李四"), ("lower", "李四", "张三")):
            page = browsers[slug].get(f"/{slug}/residents/people/").get_data(as_text=True)
            assert own in page and others not in page
