"""Migrations: each chain whole or not at all, with a backup before, and never backwards."""
from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import current_app

from core.commands.data import db_upgrade
from core.config import Settings, settings_from_environment
from core.errors import SetupError
from core.extensions import db
from core.installation import installed, make_tables, opened
from core.migrations import upgrade as migrations
from core.migrations.upgrade import Chain, check_not_newer, pending, upgrade

STEP = '''"""A later step."""
import sqlalchemy as sa
from alembic import op

revision = "core_9000"
down_revision = "{last}"


def upgrade() -> None:
    """Add a table, then what a test wants."""
    op.create_table("later", sa.Column("id", sa.Integer(), primary_key=True))
    {more}
'''


@pytest.fixture
def empty(database_url: str, tmp_path: Path) -> Iterator[Settings]:
    """An app over an empty database."""
    settings = settings_from_environment({"JINLIN_INSTANCE": str(tmp_path), "JINLIN_DATABASE_URL": database_url})
    with opened(settings):
        yield settings


@pytest.fixture
def standing(place, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """At work in an app with data."""
    monkeypatch.setenv("JINLIN_LANG", "en")
    with place.app.app_context():
        yield
        db.session.remove()


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Make the core one step longer than the database."""
    def add(more: str = "pass") -> None:
        own = migrations.chains()[0]
        last = own.script().get_current_head()
        folder = tmp_path / "chain"
        (folder / "versions").mkdir(parents=True)
        for path in (own.folder / "versions").glob("*.py"):
            (folder / "versions" / path.name).write_text(path.read_text())
        (folder / "versions" / "9000_later.py").write_text(STEP.format(last=last, more=more))
        others = migrations.chains()[1:]
        monkeypatch.setattr(migrations, "chains", lambda: [Chain("core", folder), *others])

    return add


def tables() -> set[str]:
    return set(sa.inspect(db.engine).get_table_names())


def test_an_empty_database_gets_every_table_of_the_models(empty):
    assert pending()
    make_tables()
    assert pending() == [] and upgrade() == []
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={
            "include_object": lambda _o, name, kind, *_: not (kind == "table" and name.startswith("alembic_version")),
        })
        assert compare_metadata(context, db.metadata) == []


def test_an_older_database_waits_for_the_command(standing, later):
    later()
    assert pending() == ["core"]
    with pytest.raises(SetupError, match="jinlin db upgrade"):
        make_tables()
    assert "later" not in tables()


def test_an_upgrade_runs_what_is_pending_once(standing, later):
    later()
    assert upgrade() == ["core: core_9000"]
    assert "later" in tables() and upgrade() == [] and installed() is not None


def test_the_command_takes_a_backup_before_it_changes_anything(place, later, monkeypatch):
    settings = place.app.extensions["jinlin_settings"]
    with place.app.app_context():
        later()
        db.engine.dispose()
    monkeypatch.setenv("JINLIN_INSTANCE", str(settings.instance))
    monkeypatch.setenv("JINLIN_DATABASE_URL", settings.database_url)
    with place.app.app_context():
        db_upgrade.callback(no_backup=False)
        assert len(list(settings.backups.glob("before-upgrade-*.zip"))) == 1
        assert "later" in tables()


def test_a_step_that_fails_changes_nothing(standing, later):
    later('raise RuntimeError("half-way")')
    with pytest.raises(RuntimeError):
        upgrade()
    assert "later" not in tables() and pending() == ["core"]


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_step_that_leaves_rows_pointing_nowhere_is_undone(standing, later):
    later('op.execute("DELETE FROM area WHERE slug = \'street\'")')
    with pytest.raises(SetupError, match="point nowhere"):
        upgrade()
    assert "later" not in tables() and pending() == ["core"]


def test_data_newer_than_the_program_are_told_in_words(standing, place):
    with place.owner() as connection:
        connection.exec_driver_sql("UPDATE alembic_version_core SET version_num = 'core_9999'")
    for ask in (pending, upgrade):
        with pytest.raises(SetupError, match="newer"):
            ask()


def test_a_plugin_that_is_no_longer_installed_breaks_nothing(standing, place):
    with place.owner() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version_chess (version_num varchar(32))")
        connection.exec_driver_sql("INSERT INTO alembic_version_chess VALUES ('chess_0007')")
    assert pending() == [] and upgrade() == []
    check_not_newer({"chess": "chess_0007"})


def test_of_two_upgrades_at_once_the_second_finds_nothing_to_do(empty):
    app = current_app._get_current_object()

    def run(_n: int) -> list[str]:
        with app.app_context():
            return upgrade()

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(run, range(2)))
    assert sorted(step for steps in done for step in steps) == sorted({step for steps in done for step in steps})
    assert pending() == []
