"""Replacing the data by a backup: whole or not at all, and what is replaced is kept."""
from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from flask_babel import gettext as _

from core import postgres_tools
from core.areas.row_security import raise_wall
from core.backup import (
    DATABASE,
    FORMAT,
    MANIFEST,
    POSTGRESQL,
    SQLITE,
    UPLOADS,
    Manifest,
    digest,
    make_backup,
    own_backup_path,
)
from core.config import Settings
from core.errors import SetupError
from core.installation import LOADING, opened
from core.keys import ring_with
from core.migrations.upgrade import check_not_newer, pending

LONGEST_MANIFEST = 100_000  # bytes


def restore_backup(
    settings: Settings, path: Path, ask: Callable[[str], object], say: Callable[[str], object]
) -> None:
    """Check the backup, ask, keep what is there, put the backup in its place. Raises SetupError in words.

    `ask` ends the command when the answer is no.
    """
    with _archive(path) as archive, tempfile.TemporaryDirectory(dir=settings.instance, prefix=".restore-") as folder:
        manifest = _manifest(archive, path)
        _check(settings, manifest)
        ring_with(settings, manifest.key_fingerprint)
        _check_program(settings, manifest, Path(folder))
        _unpack(archive, Path(folder), manifest, path)
        if there_is_something(settings):
            ask(_("Replace everything that is here by the backup of %(street)s from %(day)s?",
                  street=manifest.street, day=manifest.created_at[:16].replace("T", " ")))
            say(_("What was here is kept: %(path)s", path=_keep(settings)))
        _put_in_place(settings, Path(folder))
        (settings.instance / LOADING).unlink(missing_ok=True)  # what stands here now is whole
    say(_("Restored: %(street)s, as of %(day)s. Everybody signs in again.",
          street=manifest.street, day=manifest.created_at[:16].replace("T", " ")))
    with opened(settings):
        if pending():
            say(_("The backup is older than this program. Please run: jinlin db upgrade"))


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except FileNotFoundError:
        raise SetupError(_("There is no file %(path)s.", path=path)) from None
    except (zipfile.BadZipFile, IsADirectoryError):
        raise _not_a_backup(path) from None


def _not_a_backup(path: Path) -> SetupError:
    return SetupError(_("%(path)s is not a whole backup of Jinlin. Nothing was changed.", path=path))


def _manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    try:
        if archive.getinfo(MANIFEST).file_size > LONGEST_MANIFEST:
            raise _not_a_backup(path)
        values = json.loads(archive.read(MANIFEST))
        known = values["format"] == FORMAT
        manifest = Manifest(**values) if known else None
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile):
        raise _not_a_backup(path) from None
    if manifest is None:
        raise SetupError(_("The backup has a format that this program does not know. Please install the program that "
                           "made it, or a newer one."))
    return manifest


def _check(settings: Settings, manifest: Manifest) -> None:
    """The same kind of database, and nobody at work in it."""
    here = SQLITE if settings.is_sqlite else POSTGRESQL
    if manifest.kind != here:
        raise SetupError(_("The backup is of %(kind)s, but JINLIN_DATABASE_URL names %(here)s. Set it to the kind of "
                           "the backup.", kind=manifest.kind, here=here))
    if here == POSTGRESQL and postgres_tools.others_connected(settings):
        raise SetupError(_("Another program has the database open. Please stop every server that uses it."))


def _check_program(settings: Settings, manifest: Manifest, folder: Path) -> None:
    """Not newer than this program; asked over an empty database, the present one may be what has to be replaced."""
    empty = f"sqlite:///{folder / 'empty.db'}"
    with opened(dataclasses.replace(settings, database_url=empty, server_database_url=None)):
        check_not_newer(manifest.revisions)


def _unpack(archive: zipfile.ZipFile, folder: Path, manifest: Manifest, path: Path) -> None:
    """Unpack beside the present data; a damaged file is found here, before anything is touched."""
    try:
        for entry in archive.infolist():
            if entry.filename == DATABASE or (entry.filename.startswith(UPLOADS) and not entry.is_dir()):
                target = (folder / entry.filename).resolve()
                if not target.is_relative_to(folder.resolve()):
                    raise _not_a_backup(path)
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, target.open("wb") as file:
                    shutil.copyfileobj(source, file)
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        reason = getattr(error, "strerror", None)
        raise SetupError(f"{_not_a_backup(path)} {reason}" if reason else str(_not_a_backup(path))) from None
    if not (folder / DATABASE).exists() or digest(folder / DATABASE) != manifest.sha256:
        raise _not_a_backup(path)
    (folder / UPLOADS).mkdir(exist_ok=True)


def there_is_something(settings: Settings) -> bool:
    """Whether a restore would replace anything."""
    if settings.is_sqlite:
        return settings.sqlite_file.exists() or settings.uploads.exists()
    return sa.inspect(_engine(settings)).has_table("installation")


def _engine(settings: Settings) -> sa.Engine:
    return sa.create_engine(settings.database_url, poolclass=sa.NullPool)


def _keep(settings: Settings) -> Path:
    """A backup of what is replaced; a database that cannot be read any more is set aside as it is."""
    try:
        return make_backup(settings, own_backup_path(settings, "before-restore"))
    except (SetupError, sa.exc.DatabaseError):
        if not settings.is_sqlite:
            raise
    aside = own_backup_path(settings, "unreadable").with_suffix("")
    aside.mkdir()
    for end in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            shutil.copy2(f"{settings.sqlite_file}{end}", aside)
    if settings.uploads.exists():
        shutil.copytree(settings.uploads, aside / UPLOADS)
    return aside


def _put_in_place(settings: Settings, folder: Path) -> None:
    """Uploaded files first, set aside until the database has changed too."""
    aside = folder / "replaced"
    had_uploads = settings.uploads.exists()
    if had_uploads:
        settings.uploads.rename(aside)
    (folder / UPLOADS).rename(settings.uploads)
    try:
        if settings.is_sqlite:
            _put_sqlite(settings, folder / DATABASE)
        else:
            _put_postgresql(settings, folder / DATABASE)
    except BaseException:  # also Ctrl-C: the old files must come back
        settings.uploads.rename(folder / UPLOADS)
        if had_uploads:
            aside.rename(settings.uploads)
        raise


def _put_sqlite(settings: Settings, new: Path) -> None:
    with contextlib.closing(sqlite3.connect(new)) as connection:
        if connection.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise SetupError(_("The database in the backup is damaged. Nothing was changed."))
        connection.execute("DELETE FROM user_session")
        connection.commit()
    new.chmod(0o600)
    if settings.sqlite_file.exists():  # the journal of the old database must not be played into the new one
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(settings.sqlite_file)) as old:
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for end in ("-wal", "-shm"):
        Path(f"{settings.sqlite_file}{end}").unlink(missing_ok=True)
    new.replace(settings.sqlite_file)


def _put_postgresql(settings: Settings, new: Path) -> None:
    postgres_tools.load(settings, new)
    with _engine(settings).begin() as connection:
        connection.exec_driver_sql("DELETE FROM user_session")
        raise_wall(connection)  # roles and rights are no part of a backup; this may be another database
