"""Backup, wipe, restore: everything comes back, and nothing changes when something is wrong."""
from __future__ import annotations

import json
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import postgres_tools
from core.accounts.models import User, UserSession
from core.areas.models import Area
from core.areas.scope import session_for
from core.backup import DATABASE, MANIFEST, make_backup, own_backup_path
from core.config import Settings
from core.encryption import KeyRing
from core.errors import SetupError
from core.extensions import db
from core.installation import clear, nobody_serving, opened, serving, setting_up
from core.residents.models import Resident, TagKind
from core.restore import restore_backup, there_is_something

on_sqlite = pytest.mark.parametrize("kind", ["sqlite"])  # what is tried lies outside the database
on_postgresql = pytest.mark.parametrize("kind", ["postgresql"])
NUMBER = "990000194103070021"


@pytest.fixture
def settings(place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The street with a signed-in person, a resident with an encrypted number, and an uploaded file."""
    monkeypatch.setenv("JINLIN_LANG", "en")
    place.browser("staff.upper")
    with place.app.app_context():
        with place.session("upper", writes=True) as writing:
            writing.add(Resident(name="王桂兰", identity_number=NUMBER))
        settings = place.app.extensions["jinlin_settings"]
        (settings.uploads / "one").mkdir(parents=True)
        (settings.uploads / "one" / "照片.txt").write_text("a picture")
        db.session.remove()
        db.engine.dispose()
        yield settings


@pytest.fixture
def kept(settings: Settings) -> Path:
    """A backup of it."""
    path = make_backup(settings, settings.instance / "kept.zip")
    db.engine.dispose()
    return path


def restore(settings: Settings, path: Path, ask: Callable[[str], object] = lambda _question: True) -> list[str]:
    """What the command says."""
    said: list[str] = []
    with setting_up(settings), nobody_serving(settings):
        restore_backup(settings, path, ask, said.append)
    return said


def refused(settings: Settings, path: Path) -> str:
    before = rename_street(settings, "现在的街道")
    with pytest.raises(SetupError) as caught:
        restore(settings, path)
    assert before and look(settings)[0] == "现在的街道"
    return str(caught.value)


def look(settings: Settings) -> tuple[str, int, int]:
    """Name of the street, accounts, living sessions."""
    with opened(settings), session_for(None, "a test looks") as reading:
        return (reading.scalar(sa.select(Area.name).order_by(Area.path).limit(1)),
                reading.scalar(sa.select(sa.func.count()).select_from(User)),
                reading.scalar(sa.select(sa.func.count()).select_from(UserSession)))


def rename_street(settings: Settings, name: str) -> str:
    with opened(settings), session_for(None, "a test changes", writes=True) as writing:
        writing.scalars(sa.select(Area).order_by(Area.path).limit(1)).one().name = name
    return name


def rewrite(source: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """The same backup with other contents."""
    target = source.with_name("changed.zip")
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return target


def manifest_with(source: Path, **values: object) -> Path:
    return rewrite(source, lambda name, content: json.dumps(json.loads(content) | values).encode()
                   if name == MANIFEST else content)


def test_wiped_and_restored_everything_is_back_and_everybody_signs_in_again(settings, kept, place):
    clear(settings)
    assert not there_is_something(settings)
    restore(settings, kept)
    assert look(settings) == ("测试街道", 7, 0)
    assert (settings.uploads / "one" / "照片.txt").read_text() == "a picture"
    with opened(settings), place.session("upper") as reading:
        assert reading.scalars(sa.select(Resident)).one().identity_number == NUMBER
        assert reading.scalars(sa.select(TagKind)).first() is not None


def test_the_restored_street_is_served_and_written_to(settings, kept, place):
    restore(settings, kept)
    with opened(settings) as app:
        place.app = app
        browser = place.browser("staff.upper")
        assert browser.get("/upper/").status_code == 200
        assert browser.get("/readyz").status_code == 200


def test_what_is_replaced_is_kept_and_can_be_restored_itself(settings, kept):
    rename_street(settings, "后来的街道")
    (settings.uploads / "later.txt").write_text("later")
    restore(settings, kept)
    assert look(settings)[0] == "测试街道" and not (settings.uploads / "later.txt").exists()
    (before,) = settings.backups.glob("before-restore-*.zip")
    restore(settings, before)
    assert look(settings)[0] == "后来的街道" and (settings.uploads / "later.txt").exists()


def test_a_backup_is_private_and_has_no_keys(settings, kept):
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    secret = json.loads(settings.key_file.read_text())["index"].encode()
    with zipfile.ZipFile(kept) as archive:
        assert not any(secret in archive.read(name) for name in archive.namelist())
        assert NUMBER.encode() not in archive.read(DATABASE)


@on_sqlite
def test_a_key_file_among_the_uploads_is_left_out(settings):
    inside = settings.uploads / "keys.json"
    shutil.copy(settings.key_file, inside)
    kept = make_backup(replace(settings, key_file=inside), settings.instance / "kept.zip")
    with zipfile.ZipFile(kept) as archive:
        assert "uploads/keys.json" not in archive.namelist()


@on_sqlite
def test_a_backup_never_replaces_another_file(settings, kept):
    before = kept.read_bytes()
    with pytest.raises(SetupError, match="exists already"):
        make_backup(settings, kept)
    assert kept.read_bytes() == before


@on_sqlite
def test_a_backup_into_a_folder_gets_a_name_of_its_own(settings):
    own_backup_path(settings, "any")
    assert make_backup(settings, settings.backups).parent == settings.backups


def test_a_backup_that_fails_leaves_no_file(settings, kept):
    settings.uploads.joinpath("x").symlink_to(settings.uploads / "x")  # cannot be read: it names itself
    make_backup(settings, settings.instance / "again.zip")
    with pytest.raises(SetupError):
        make_backup(settings, settings.instance / "nowhere" / "again.zip")
    assert not list(settings.instance.glob(".again*")) and not list(settings.instance.glob(".backup-*"))


@on_sqlite
def test_nothing_is_replaced_when_the_answer_is_no(settings, kept):
    def no(_question: str) -> None:
        raise KeyboardInterrupt

    rename_street(settings, "现在的街道")
    with pytest.raises(KeyboardInterrupt):
        restore(settings, kept, no)
    assert look(settings)[0] == "现在的街道"
    assert not list(settings.instance.glob(".restore-*"))


@on_sqlite
def test_a_backup_with_a_byte_changed_is_refused(settings, kept):
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 0xFF
    kept.write_bytes(content)
    assert "not a whole backup" in refused(settings, kept)


@on_sqlite
def test_a_backup_cut_short_is_refused(settings, kept):
    kept.write_bytes(kept.read_bytes()[:-2000])
    assert "not a whole backup" in refused(settings, kept)


@on_sqlite
def test_another_database_in_the_file_is_refused(settings, kept):
    changed = rewrite(kept, lambda name, content: content + b"\0" if name == DATABASE else content)
    assert "not a whole backup" in refused(settings, changed)


@on_sqlite
@pytest.mark.parametrize("content", [b"", b"PK", b"{}", b"SQLite format 3\0"])
def test_any_other_file_is_refused(settings, content, tmp_path):
    (tmp_path / "other.zip").write_bytes(content)
    assert "not a whole backup" in refused(settings, tmp_path / "other.zip")


@on_sqlite
def test_a_file_that_is_not_there_is_refused(settings, tmp_path):
    assert "no file" in refused(settings, tmp_path / "nothing.zip")


@on_sqlite
def test_an_unknown_format_is_refused(settings, kept):
    assert "does not know" in refused(settings, manifest_with(kept, format=2))


def test_a_backup_of_the_other_kind_is_refused(settings, kept):
    other = "postgresql" if settings.is_sqlite else "sqlite"
    assert "JINLIN_DATABASE_URL" in refused(settings, manifest_with(kept, kind=other))


def test_a_backup_of_a_newer_program_is_refused(settings, kept):
    assert "newer" in refused(settings, manifest_with(kept, revisions={"core": "core_9999"}))


@on_sqlite
def test_a_backup_of_a_plugin_that_is_not_installed_here_is_restored(settings, kept):
    restore(settings, manifest_with(kept, revisions={"chess": "chess_0001"}))
    assert look(settings)[0] == "测试街道"


@on_sqlite
def test_a_backup_that_would_write_elsewhere_is_refused(settings, kept):
    with zipfile.ZipFile(kept, "a") as archive:
        archive.writestr("uploads/../../outside.txt", "x")
    assert "not a whole backup" in refused(settings, kept)
    assert not (settings.instance.parent / "outside.txt").exists()


@on_sqlite
def test_a_backup_of_other_keys_is_refused(settings, kept):
    assert "fingerprint" in refused(settings, manifest_with(kept, key_fingerprint="0" * 16))


def test_without_the_key_file_nothing_is_restored_and_no_key_is_made(settings, kept):
    settings.key_file.unlink()
    clear(settings)
    with pytest.raises(SetupError, match="is gone"):
        restore(settings, kept)
    assert not settings.key_file.exists() and not there_is_something(settings)


@on_sqlite
def test_a_restored_backup_with_another_key_file_does_not_start(settings, kept):
    restore(settings, kept)
    settings.key_file.unlink()
    KeyRing.create(settings.key_file)
    with pytest.raises(SetupError, match="belongs to other data"), opened(settings):
        pass


def test_nothing_is_restored_under_a_running_server(settings, kept):
    with serving(settings):
        assert "running" in refused(settings, kept)


def test_the_old_files_come_back_when_the_database_cannot_be_replaced(settings, kept, monkeypatch):
    def broken(*_arguments: object) -> None:
        raise SetupError("the disk is full")

    (settings.uploads / "later.txt").write_text("later")
    monkeypatch.setattr("core.restore._put_sqlite", broken)
    monkeypatch.setattr("core.restore._put_postgresql", broken)
    assert "full" in refused(settings, kept)
    assert (settings.uploads / "later.txt").read_text() == "later"


@on_sqlite
def test_a_database_that_cannot_be_read_any_more_is_set_aside_and_replaced(settings, kept):
    settings.sqlite_file.write_bytes(b"not a database any more" * 100)
    restore(settings, kept)
    assert look(settings)[0] == "测试街道"
    (aside,) = settings.backups.glob("unreadable-*")
    assert (aside / "jinlin.db").read_bytes().startswith(b"not a database any more")


@on_sqlite
def test_the_journal_of_the_replaced_database_is_not_played_into_the_new_one(settings, kept):
    with opened(settings), session_for(None, "a test changes", writes=True) as writing:
        writing.scalars(sa.select(Area).order_by(Area.path).limit(1)).one().name = "在日志里"
        writing.commit()
        for end in ("-wal", "-shm"):
            shutil.copy(f"{settings.sqlite_file}{end}", settings.instance / f"left{end}")
    for end in ("-wal", "-shm"):
        shutil.copy(settings.instance / f"left{end}", f"{settings.sqlite_file}{end}")
    restore(settings, kept)
    assert look(settings)[0] == "测试街道"


@on_postgresql
def test_a_table_that_came_after_the_backup_does_not_stand_in_the_way(settings, kept, place):
    with place.owner() as connection:
        connection.exec_driver_sql("CREATE TABLE chess_game (id bigint, area_id bigint REFERENCES area (id))")
    restore(settings, kept)
    assert look(settings)[0] == "测试街道"


@on_postgresql
def test_another_program_in_the_database_is_noticed(settings, kept):
    with opened(settings), db.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
        with pytest.raises(SetupError, match="stop every server"):
            restore(settings, kept)


@on_postgresql
def test_without_the_programs_a_backup_is_refused_in_words(settings, monkeypatch):
    monkeypatch.setattr(postgres_tools, "_candidates", lambda: [])
    with pytest.raises(SetupError, match="postgresql-client"):
        make_backup(settings, settings.instance / "kept.zip")
    assert not (settings.instance / "kept.zip").exists()
