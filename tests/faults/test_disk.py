"""A disk is full: words for the person and the administrator, no damage, and well again when there is room."""
from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.faults.running import Visitor, fill, small_disk
from tests.faults.writing import check, writers

pytestmark = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="mounting a small disk needs root")
only_sqlite = pytest.mark.parametrize("kind", ["sqlite"])
only_postgresql = pytest.mark.parametrize("kind", ["postgresql"])
FULL = "磁盘已满"


@pytest.fixture
def instance(tmp_path, kind):
    """The instance folder on a small disk of its own."""
    with small_disk(tmp_path / "instance", 24) as folder:
        yield folder


def write_until(person, wanted, most=400):
    """Send forms until one is answered `wanted`; returns that one."""
    for _i in range(most):
        form = person.form()
        person.sent.append(form)
        if person.send(form).status == wanted:
            return form
        assert form.status in (200, 302, 503), (form.status, form.text[:500])
    raise AssertionError(f"never {wanted}")


@only_sqlite
def test_a_full_disk_under_sqlite_is_said_in_words_and_does_no_damage(server, tmp_path, look, note):
    server.environ["LOG"] = str(tmp_path / "server.log")
    server.start()
    person = writers(server.port, 1)[0]
    for _i in range(12):
        write_until(person, 302)
    ballast = fill(server.instance)
    told = write_until(person, 503)
    assert FULL in told.text and "Traceback" not in told.text
    assert person.visitor.headers["Retry-After"]
    assert person.visitor.get("/upper/residents/people/")[0] == 200
    assert person.visitor.get("/upper/")[0] == 200
    status, words = server.ready()
    assert status == 503 and '"space"' in words, words
    assert Visitor(server.port).get("/login")[0] == 200
    assert "full" in server.log.read_text()
    done = server.jinlin("backup", str(tmp_path))
    assert done.returncode == 2 and "full" in done.stderr and "Traceback" not in done.stderr
    assert not list((tmp_path).glob("*jinlin-*.zip"))
    ballast.unlink()
    began = time.monotonic()
    assert person.send(told).acknowledged
    again = time.monotonic() - began
    assert server.ready()[0] == 200
    found = check(look, person.sent)
    assert (found.lost, found.half, found.doubled) == (0, 0, 0), found
    note("the disk of the database full", f"503 in words, reading goes on, readyz: space; with room again the same "
         f"form is saved in {again:.1f} s, no restart; {found}")


@only_sqlite
def test_a_server_is_killed_on_a_full_disk_and_starts_again(server, tmp_path, look, note):
    server.environ["LOG"] = str(tmp_path / "server.log")
    server.start()
    person = writers(server.port, 1)[0]
    write_until(person, 302)
    ballast = fill(server.instance)
    write_until(person, 503)
    server.kill()
    server.start(full_disk=True)
    assert person.visitor.get("/upper/residents/people/")[0] == 200
    told = write_until(person, 503)
    ballast.unlink()
    assert person.send(told).acknowledged
    found = check(look, person.sent)
    assert (found.lost, found.half, found.doubled) == (0, 0, 0), found
    note("killed and started on a full disk", f"starts and shows every page, saving is refused in words until "
         f"there is room; {found}")


@only_postgresql
def test_a_full_disk_under_postgresql_is_said_in_words_and_does_no_damage(server, postgres_of_ours, look, note):
    above = Path(tempfile.mkdtemp(prefix="jlf", dir="/tmp"))  # pytest closes its own folders to others
    above.chmod(0o755)
    with small_disk(above / "space", 40) as space:
        shutil.chown(space, postgres_of_ours.server.system_user)
        name = sa.make_url(server.database_url).database
        _run(postgres_of_ours, f"CREATE TABLESPACE small LOCATION '{space}'",
             f'ALTER DATABASE "{name}" SET TABLESPACE small')
        try:
            server.start()
            person = writers(server.port, 1)[0]
            write_until(person, 302)
            ballast = fill(space)
            told = write_until(person, 503)
            assert FULL in told.text, told.text[:600]
            assert person.visitor.get("/upper/residents/people/")[0] == 200
            assert "No space left" in server.log.read_text()
            ballast.unlink()
            assert person.send(told).acknowledged
            found = check(look, person.sent)
            assert (found.lost, found.half, found.doubled) == (0, 0, 0), found
            note("the disk of the database full", f"503 in words, reading goes on; well again without a restart; "
                 f"{found}")
        finally:
            server.stop()
            _run(postgres_of_ours, f'DROP DATABASE "{name}" WITH (FORCE)', "DROP TABLESPACE small",
                 f'CREATE DATABASE "{name}"')


def _run(postgres, *statements):
    url = sa.make_url(postgres.uri).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_a_full_temporary_folder_refuses_imports_and_exports_in_words(server, tmp_path, look, note):
    with small_disk(tmp_path / "temporary", 16) as temporary:
        server.environ["TMPDIR"] = str(temporary)
        server.start()
        person = writers(server.port, 1)[0]
        for _i in range(8):
            write_until(person, 302)
        sheet = b"name\n" + b"x" * 3_000_000
        for _i in range(6):  # both workers have found their temporary folder
            assert _upload(person.visitor, sheet)[0] == 422
        ballast = fill(temporary)
        status, text = _upload(person.visitor, sheet)
        assert status == 503 and FULL in text, (status, text[:500], server.log.read_text()[-1500:])
        exported = person.visitor.post("/upper/residents/people/export/xlsx/", {})
        if exported[0] == 302:
            exported = person.visitor.get(person.visitor.headers["Location"])
            assert exported[0] == 200 and "文件没有生成" in exported[1], exported
        else:
            assert exported[0] == 503 and FULL in exported[1], exported
        assert not list((server.instance / "exports").glob("*.xlsx")), "a half file"
        assert person.visitor.get("/upper/residents/people/")[0] == 200
        ready = server.ready()
        assert '"temporary"' in ready[1], ready
        ballast.unlink()
        assert _upload(person.visitor, sheet)[0] == 422  # read, and found to be no sheet
        assert person.visitor.post("/upper/residents/people/export/xlsx/", {})[1].startswith("PK")
        found = check(look, person.sent)
        note("the temporary folder full", f"import and export say so, no half file, pages go on, readyz: space; "
             f"well again without a restart; {found}")


def _upload(visitor, data):
    mark = secrets.token_hex(12)
    parts = [("csrf_token", visitor.token), ("sheet", "residents"), ("once", secrets.token_urlsafe(24))]
    body = "".join(f'--{mark}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in parts).encode()
    body += (f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="a.xlsx"\r\n'
             "Content-Type: application/octet-stream\r\n\r\n").encode() + data + f"\r\n--{mark}--\r\n".encode()
    return visitor.ask("POST", "/upper/residents/import/", body,
                       **{"Content-Type": f"multipart/form-data; boundary={mark}"})


@only_sqlite
def test_a_full_log_folder_takes_no_request_down(server, tmp_path, look, note):
    with small_disk(tmp_path / "log", 1) as log:
        server.environ["LOG"] = str(log / "server.log")
        server.start()
        person = writers(server.port, 1)[0]
        fill(log)
        size = server.log.stat().st_size
        other = sqlite3.connect(server.database_url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        told = write_until(person, 503)  # this writes a line into the log
        other.execute("ROLLBACK")
        other.close()
        assert server.log.stat().st_size == size
        assert person.send(told).acknowledged
        for _i in range(20):
            write_until(person, 302)
            assert person.visitor.get("/upper/")[0] == 200
        found = check(look, person.sent)
        assert '"log"' in server.ready()[1]
        note("the disk of the log full", f"nobody notices, readyz names it; {found}")


def test_a_backup_that_does_not_fit_leaves_nothing(server, tmp_path, note):
    with small_disk(tmp_path / "backups", 1) as backups:
        fill(backups, leave=4096)
        done = server.jinlin("backup", str(backups))
        assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
        assert [f.name for f in backups.iterdir()] == ["ballast"]
        (backups / "ballast").unlink()
        assert server.jinlin("backup", str(backups)).returncode == 0
        note("no room for a backup", f"refused in words ({done.stderr.strip()[:110]}…), nothing is left behind")

