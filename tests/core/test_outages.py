"""A database that is away, locked or full: words, what was typed is kept, and back by itself. More: make faults."""
from __future__ import annotations

import os
import re
import sqlite3

import pytest
import sqlalchemy as sa

from core import connections, extensions
from core.extensions import db
from core.residents.models import TagKind

only_sqlite = pytest.mark.parametrize("kind", ["sqlite"])
TAG = "/upper/residents/tags/new/"
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@pytest.fixture
def in_a_hurry(monkeypatch):
    """Nobody waits."""
    monkeypatch.setattr(extensions, "LOCK_WAIT_SECONDS", 0)
    monkeypatch.setattr(connections, "PATIENCE_SECONDS", 0)


def file_of(place):
    return place.app.extensions["jinlin_settings"].sqlite_file


def tags(place):
    with place.app.app_context(), place.session("upper") as reading:
        return list(reading.scalars(sa.select(TagKind.name).where(TagKind.name == "送餐对象")))


def end_connections(place):
    """As a restart of the server does; comes back when they are all gone."""
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    engine = sa.create_engine(place.app.extensions["jinlin_settings"].database_url, poolclass=sa.NullPool,
                              isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        while connection.exec_driver_sql(f"SELECT count(pg_terminate_backend(pid)) {others}").scalar():
            pass


@only_sqlite
def test_what_was_typed_while_the_database_is_locked_is_kept_and_sent_again_once(place, in_a_hurry):
    browser = place.browser("staff.upper")
    form = browser.form(TAG) | {"name": "送餐对象"}
    other = sqlite3.connect(file_of(place), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    told = browser.client.post(TAG, data=form)
    assert told.status_code == 503 and told.headers["Retry-After"] and "送餐对象" in told.text
    assert browser.get("/upper/residents/tags/").status_code == 200
    assert browser.get("/readyz").json["reason"] == "locked"
    by_script = browser.client.post(TAG, data=form, headers={"X-Requested-With": "fetch"})
    assert by_script.status_code == 503 and by_script.json["error"]
    other.close()
    again = dict(HIDDEN.findall(told.text))
    assert browser.client.post(TAG, data=again).status_code == 302
    assert browser.client.post(TAG, data=again).status_code == 302
    assert tags(place) == ["送餐对象"] and browser.get("/readyz").status_code == 200


@only_sqlite
def test_a_folder_that_is_away_is_told_once_and_no_empty_database_takes_its_place(place, in_a_hurry):
    browser = place.browser("staff.upper")
    assert browser.get("/upper/").status_code == 200
    file, away = file_of(place), file_of(place).with_suffix(".away")
    for end in ("", "-wal", "-shm"):
        if os.path.exists(f"{file}{end}"):
            os.rename(f"{file}{end}", f"{away}{end}")
    answer = browser.get("/upper/")
    assert answer.status_code == 503 and 'href="/upper/"' in answer.text
    assert browser.get("/readyz").json["reason"] == "database" and not file.exists()
    for end in ("", "-wal", "-shm"):
        if os.path.exists(f"{away}{end}"):
            os.rename(f"{away}{end}", f"{file}{end}")
    assert browser.get("/upper/").status_code == 200


@pytest.mark.parametrize("kind", ["postgresql"])
def test_connections_that_the_server_ended_are_renewed_without_an_error(place):
    browser = place.browser("staff.upper")
    assert browser.get("/upper/").status_code == 200
    end_connections(place)
    form = browser.form(TAG) | {"name": "送餐对象"}
    end_connections(place)
    assert browser.client.post(TAG, data=form).status_code == 302
    assert tags(place) == ["送餐对象"]


@only_sqlite
@pytest.mark.parametrize("error", [
    sa.exc.OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full")),
    OSError(28, "No space left on device"),
])
def test_a_full_disk_is_said_in_words(place, monkeypatch, error):
    browser = place.browser("staff.upper")
    form = browser.form(TAG) | {"name": "送餐对象"}

    def fails(*_arguments):
        raise error

    monkeypatch.setattr("core.admin.form_pages.create_once", fails)
    told = browser.client.post(TAG, data=form)
    assert told.status_code == 503 and "磁盘已满" in told.text and "送餐对象" in told.text


@only_sqlite
def test_a_full_disk_makes_the_server_not_ready(place, monkeypatch):
    monkeypatch.setattr("core.admin.health.full_disks", lambda: {"database", "log"})
    answer = place.browser().get("/readyz")
    assert answer.status_code == 503 and answer.json["full"] == ["database", "log"]


@only_sqlite
def test_few_requests_wait_long_so_that_the_others_go_on_reading(place, monkeypatch):
    monkeypatch.setattr(extensions, "LONG_WAIT_SECONDS", 0)
    for _i in range(extensions.LONG_WAITS):
        extensions._long_waits.acquire()
    other = sqlite3.connect(file_of(place), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with place.app.app_context(), pytest.raises(sa.exc.OperationalError), place.session("upper", writes=True) as w:
            w.connection()
    finally:
        other.close()
        for _i in range(extensions.LONG_WAITS):
            extensions._long_waits.release()
    with place.app.app_context():
        db.session.remove()
