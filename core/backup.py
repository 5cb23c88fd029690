"""A backup: one private file with the database, the uploaded files and a manifest; never the keys.

The file is a zip: manifest.json, database (SQLite file or pg_dump archive), uploads/….
"""
from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from core import postgres_tools
from core.clock import beijing, system_clock
from core.config import Settings
from core.errors import SetupError

FORMAT = 1
MANIFEST, DATABASE, UPLOADS = "manifest.json", "database", "uploads/"
SQLITE, POSTGRESQL = "sqlite", "postgresql"


@dataclass(frozen=True)
class Manifest:
    """What is in a backup and what it needs."""

    format: int
    kind: str  # SQLITE or POSTGRESQL
    program: str  # version of Jinlin
    created_at: str  # ISO 8601, Beijing
    key_fingerprint: str  # of the key file that opens the data
    demo: bool
    street: str
    revisions: dict[str, str]  # chain of migrations → how far
    sha256: str  # of the database


def own_backup_path(settings: Settings, occasion: str) -> Path:
    """Where a command keeps the backup that it takes by itself."""
    settings.backups.mkdir(exist_ok=True)
    stamp = beijing(system_clock()).strftime("%Y%m%d-%H%M%S")
    return settings.backups / f"{occasion}-{stamp}.zip"


def make_backup(settings: Settings, path: Path) -> Path:
    """Write a backup to `path` (a folder: a file of this day in it), readable by its owner only.

    The file is there whole or not at all; an existing one is never replaced. Raises SetupError.
    """
    path = path.expanduser().absolute()
    if path.is_dir():
        path = path / f"jinlin-{beijing(system_clock()):%Y%m%d-%H%M%S}.zip"
    if path.exists():
        raise SetupError(_("%(path)s exists already; a backup replaces nothing. Choose another name.", path=path))
    if not path.parent.is_dir():
        raise SetupError(_("There is no folder %(path)s.", path=path.parent))
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with _private(draft), tempfile.TemporaryDirectory(dir=settings.instance, prefix=".backup-") as folder:
            database = Path(folder) / DATABASE
            manifest = _take_database(settings, database)
            _write(draft, settings, database, manifest)
        draft.rename(path)
    except OSError as error:
        raise SetupError(_("The backup %(path)s cannot be written: %(reason)s",
                           path=path, reason=error.strerror or error)) from None
    finally:
        draft.unlink(missing_ok=True)
    return path


@contextlib.contextmanager
def _private(path: Path) -> Iterator[None]:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    yield


def _take_database(settings: Settings, target: Path) -> Manifest:
    """Copy the database as it stands at one moment, while others may write."""
    if settings.is_sqlite:
        copy_sqlite(settings.sqlite_file, target)
        engine = sa.create_engine(f"sqlite:///{target}", poolclass=sa.NullPool)
    else:
        postgres_tools.dump(settings, target)
        engine = sa.create_engine(settings.database_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        facts = facts_of(connection)
    return Manifest(
        format=FORMAT, kind=SQLITE if settings.is_sqlite else POSTGRESQL, program=version("jinlin"),
        created_at=beijing(system_clock()).isoformat(timespec="seconds"), sha256=digest(target), **facts,
    )


def copy_sqlite(source: Path, target: Path) -> None:
    """By SQLite's backup API: a plain copy of the file would lose what is still in the journal."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=10)) as old, \
                contextlib.closing(sqlite3.connect(target)) as new:
            old.backup(new)
            new.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise SetupError(_("The database %(path)s cannot be copied: %(reason)s", path=source, reason=error)) from None


def facts_of(connection: sa.Connection) -> dict[str, Any]:
    """What a database says of itself, whatever its version."""
    row = connection.exec_driver_sql("SELECT key_fingerprint, demo FROM installation").first()
    street = connection.exec_driver_sql("SELECT name FROM area ORDER BY path LIMIT 1").scalar()
    chains = [t for t in sa.inspect(connection).get_table_names() if t.startswith("alembic_version_")]
    return {
        "key_fingerprint": row[0] if row else "", "demo": bool(row and row[1]), "street": street or "",
        "revisions": {
            table.removeprefix("alembic_version_"):
                connection.exec_driver_sql(f'SELECT version_num FROM "{table}"').scalar() or ""
            for table in sorted(chains)
        },
    }


def _write(draft: Path, settings: Settings, database: Path, manifest: Manifest) -> None:
    with draft.open("r+b") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            archive.writestr(MANIFEST, json.dumps(asdict(manifest), ensure_ascii=False, indent=1))
            archive.write(database, DATABASE)
            for path in sorted(settings.uploads.rglob("*")):
                if path.is_file() and path.resolve() != settings.key_file:
                    _add(archive, path, UPLOADS + path.relative_to(settings.uploads).as_posix())
        file.flush()
        os.fsync(file.fileno())


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    """A file that is removed while we go on is not in the backup; that is no fault."""
    with contextlib.suppress(FileNotFoundError):
        entry = zipfile.ZipInfo.from_file(path, name)
        with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
            shutil.copyfileobj(source, target)


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
