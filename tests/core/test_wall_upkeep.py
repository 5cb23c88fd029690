"""Wall 4: how it is made, checked and kept by migrations, the start, backup and restore (docs/tenancy.md)."""
from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import current_app

from core import migrations, postgres_tools
from core.app import create_app
from core.areas.models import Area, AreaKind, Installation
from core.areas.row_security import CONDITION, OPEN, POLICY, community_tables, raise_wall
from core.areas.scope import scope_of, session_for
from core.areas.service import add_area
from core.areas.tenancy import tenant_models
from core.backup import make_backup
from core.clock import now
from core.config import Settings, settings_from_environment
from core.errors import SetupError
from core.extensions import db
from core.installation import make_tables, opened
from core.migrations.upgrade import pending, upgrade
from core.residents.models import Resident
from core.restore import restore_backup
from core.testing.place import Place

ALIVE = "SELECT count(*) FROM resident"


@pytest.fixture
def kind() -> str:
    """SQLite has no row-level security."""
    return "postgresql"


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said is compared."""
    monkeypatch.setenv("JINLIN_LANG", "en")


def one(place: Place, question: str) -> Any:
    """An answer of the catalogue."""
    with place.owner() as connection:
        return connection.exec_driver_sql(question).scalar()


def role_of(place: Place) -> str:
    """The role that the server works as."""
    with place.app.app_context(), db.engine.connect() as connection:
        return connection.exec_driver_sql("SELECT current_user").scalar_one()


def test_every_tenant_table_is_forced_and_has_one_policy_for_reading_and_writing(place: Place) -> None:
    with place.owner() as connection:
        forced = set(connection.exec_driver_sql("SELECT relname FROM pg_class WHERE relforcerowsecurity").scalars())
        policies = connection.exec_driver_sql("SELECT * FROM pg_policies").mappings().all()
    wanted = {model.__tablename__ for model in tenant_models()} | {"plugin_settings"}
    assert forced == wanted == {policy["tablename"] for policy in policies} and len(policies) == len(wanted)
    for policy in policies:
        assert (policy["policyname"], policy["cmd"], policy["roles"]) == (POLICY, "ALL", ["public"])
        assert policy["qual"] == policy["with_check"] and "'app.scope'" in policy["qual"]


def test_a_table_with_a_community_is_walled_in_or_named_aloud(place: Place) -> None:
    held = {table.name for table in db.metadata.sorted_tables if "community_id" in table.c}
    with place.owner() as connection:
        assert {table.name for table in community_tables(connection)} == held - OPEN
    assert {"plugin_switch"} == OPEN and not OPEN & {model.__tablename__ for model in tenant_models()}


def test_the_server_works_as_a_role_with_the_rights_it_needs_and_no_others(place: Place) -> None:
    role = role_of(place)
    assert role.endswith("_app")
    flags = "rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb"
    with place.owner() as connection:
        assert not any(connection.exec_driver_sql(f"SELECT {flags} FROM pg_roles WHERE rolname = '{role}'").one())
        makes = connection.exec_driver_sql(f"SELECT has_schema_privilege('{role}', 'public', 'CREATE')").scalar()
        assert makes is False
        rights = connection.exec_driver_sql(
            f"SELECT table_name, string_agg(privilege_type, ' ' ORDER BY privilege_type) "
            f"FROM information_schema.role_table_grants WHERE grantee = '{role}' GROUP BY 1").all()
    assert {held for name, held in rights if not name.startswith("alembic")} == {"DELETE INSERT SELECT UPDATE"}
    assert {held for name, held in rights if name.startswith("alembic")} == {"SELECT"}
    assert {name for name, _held in rights} >= set(db.metadata.tables)


def test_the_role_may_use_tables_that_are_made_later(place: Place) -> None:
    with place.owner() as connection:
        connection.exec_driver_sql("CREATE TABLE later (id bigserial PRIMARY KEY)")
    with place.app.app_context(), db.engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql("INSERT INTO later DEFAULT VALUES")
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            connection.exec_driver_sql("TRUNCATE later")


DAMAGES = (
    "ALTER TABLE resident DISABLE ROW LEVEL SECURITY", "ALTER TABLE resident NO FORCE ROW LEVEL SECURITY",
    f"DROP POLICY {POLICY} ON resident", f"ALTER POLICY {POLICY} ON resident USING (true)",
    f"ALTER POLICY {POLICY} ON resident WITH CHECK (true)", f"ALTER POLICY {POLICY} ON resident TO postgres",
    f"DROP POLICY {POLICY} ON resident; CREATE POLICY {POLICY} ON resident FOR SELECT USING ({CONDITION})",
    f"DROP POLICY {POLICY} ON resident; CREATE POLICY {POLICY} ON resident USING ({CONDITION})",
)


def test_what_somebody_changed_is_found_and_mended(place: Place) -> None:
    with place.owner() as connection:
        for damage in DAMAGES:
            connection.exec_driver_sql(damage)
            assert [t.name for t in community_tables(connection) if not t.walled] == ["resident"], damage
            raise_wall(connection)
            assert all(table.walled for table in community_tables(connection)), damage


def test_another_policy_on_a_table_is_named_with_what_to_do(place: Place) -> None:
    with place.owner() as connection:
        connection.exec_driver_sql("CREATE POLICY everybody ON resident USING (true)")
    said = "resident has other policies.*everybody.*DROP POLICY"
    with place.app.app_context(), pytest.raises(SetupError, match=said):
        upgrade()


@pytest.mark.parametrize(("change", "back", "said"), [
    ("ALTER ROLE {role} BYPASSRLS", "ALTER ROLE {role} NOBYPASSRLS", "NOBYPASSRLS"),
    ("ALTER ROLE {role} SUPERUSER", "ALTER ROLE {role} NOSUPERUSER", "NOSUPERUSER"),
    ("ALTER TABLE resident OWNER TO {role}", "ALTER TABLE resident OWNER TO postgres", "owns tables.*resident"),
])
def test_a_role_that_could_pass_the_wall_by_is_named(place: Place, change: str, back: str, said: str) -> None:
    role = role_of(place)
    with place.owner() as connection:
        connection.exec_driver_sql(change.format(role=role))
    try:
        with place.app.app_context(), pytest.raises(SetupError, match=f"(?s){role}.*{said}"):
            upgrade()
    finally:
        with place.owner() as connection:
            connection.exec_driver_sql(back.format(role=role))


@pytest.mark.parametrize("damage", ["ALTER TABLE resident DISABLE ROW LEVEL SECURITY", "ALTER ROLE {role} BYPASSRLS"])
def test_the_server_does_not_start_while_a_table_is_open(place: Place, damage: str) -> None:
    role = role_of(place)
    with place.owner() as connection:
        connection.exec_driver_sql(damage.format(role=role))
    try:
        with place.app.app_context(), pytest.raises(SetupError, match=f"(?s){role}.*resident.*jinlin db upgrade"):
            make_tables()
    finally:
        with place.owner() as connection:
            connection.exec_driver_sql(f"ALTER ROLE {role} NOBYPASSRLS")
    with place.app.app_context():
        upgrade()
        make_tables()


def test_a_table_of_a_plugin_that_is_gone_is_walled_in_too(place: Place) -> None:
    with place.owner() as connection:
        connection.exec_driver_sql("CREATE TABLE chess_game (id bigserial, community_id bigint NOT NULL)")
        connection.exec_driver_sql("CREATE TABLE alembic_version_chess (version_num varchar(32))")
        for slug in ("upper", "lower"):
            connection.exec_driver_sql(f"INSERT INTO chess_game (community_id) VALUES ({place.ids[slug]})")
    with place.app.app_context():
        upgrade()
        with place.session("upper") as reading:
            found = reading.execute(sa.text("SELECT community_id FROM chess_game"),
                                    execution_options={"unscoped_ok": True})
            assert found.scalars().all() == [place.ids["upper"]]


def made_by_later_steps() -> list[str]:
    """The tables of the core that its first revision did not make."""
    steps = sorted((Path(migrations.__file__).parent / "versions").glob("[0-9]*.py"))[1:]
    return [name for step in steps for name in re.findall(r'create_table\(\s*"(\w+)"', step.read_text())]


def test_an_installation_of_the_first_version_gets_it_by_the_upgrade(place: Place) -> None:
    role = role_of(place)
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        writing.add(Resident(name="张三"))
    with place.owner() as connection:
        for table in community_tables(connection):
            connection.exec_driver_sql(f"ALTER TABLE {table.name} NO FORCE ROW LEVEL SECURITY")
            connection.exec_driver_sql(f"ALTER TABLE {table.name} DISABLE ROW LEVEL SECURITY")
            connection.exec_driver_sql(f"DROP POLICY {POLICY} ON {table.name}")
        connection.exec_driver_sql(f"DROP OWNED BY {role}")
        connection.exec_driver_sql(f"DROP TABLE {', '.join(made_by_later_steps())} CASCADE")
        connection.exec_driver_sql("ALTER TABLE once_key DROP COLUMN kind, DROP COLUMN at")
        connection.exec_driver_sql("UPDATE alembic_version_core SET version_num = 'core_0001'")
    with place.app.app_context():
        assert pending() == ["core"]
        with pytest.raises(SetupError, match="jinlin db upgrade"):
            make_tables()
        upgrade()
        make_tables()
    made = role_of(place)
    assert made == f"{one(place, 'SELECT current_database()')}_app"
    with place.app.app_context():
        for slug, number in (("upper", 1), ("lower", 0)):
            with place.session(slug) as reading:
                assert reading.scalar(sa.text(ALIVE), execution_options={"unscoped_ok": True}) == number


@pytest.fixture(params=[True, False], ids=["creates roles", "creates no roles"])
def owned(request: pytest.FixtureRequest, servers: Any, tmp_path: Path) -> Iterator[tuple[bool, Settings, Settings]]:
    """Two empty databases of an owner who is no superuser; whether he may create roles."""
    owner, urls = f"o{uuid4().hex[:12]}", [servers.empty("postgresql", tmp_path) for _n in range(2)]
    servers._run(f"CREATE ROLE {owner} LOGIN {'CREATEROLE' if request.param else ''}")
    for url in urls:
        servers._run(f'ALTER DATABASE "{sa.make_url(url).database}" OWNER TO {owner}')
    theirs = [sa.make_url(url).set(username=owner).render_as_string() for url in urls]
    here, there = (settings_from_environment({"JINLIN_INSTANCE": str(tmp_path), "JINLIN_DATABASE_URL": url})
                   for url in theirs)
    yield request.param, here, there
    for url in urls:
        servers.drop(url)
    servers._run(f"DROP ROLE {owner}")


def two_communities() -> None:
    """A street with 张三 in one community and 李四 in the other."""
    with session_for(None, "a test makes a street", writes=True) as writing:
        keys = current_app.extensions["jinlin_keys"]
        writing.add(Installation(id=1, created_at=now(), key_fingerprint=keys.fingerprint))
        street = add_area(writing, None, "测试街道", AreaKind.STREET, "street")
        scopes = [scope_of(add_area(writing, street, name, AreaKind.COMMUNITY, slug)) for name, slug in (
            ("上游社区", "upper"), ("下游社区", "lower"))]
    for scope, name in zip(scopes, ("张三", "李四"), strict=True):
        with session_for(scope, "a test adds a resident", writes=True) as writing:
            writing.add(Resident(name=name))


def seen() -> dict[str, list[str]]:
    """Whom each community sees, by a statement that the session's own wall lets pass."""
    with session_for(None, "a test looks") as reading:
        scopes = {area.slug: scope_of(area) for area in reading.scalars(sa.select(Area).order_by(Area.id))}
    found = {}
    for slug, scope in scopes.items():
        with session_for(scope, "a test looks") as reading:
            names = reading.execute(sa.text("SELECT name FROM resident ORDER BY id"),
                                    execution_options={"unscoped_ok": True})
            found[slug] = list(names.scalars())
    return found


def test_an_owner_without_special_rights_sets_up_backs_up_and_restores_elsewhere(
    owned: tuple[bool, Settings, Settings], caplog: pytest.LogCaptureFixture
) -> None:
    """Where he may create no roles, FORCE alone isolates and the log says so. A backup under the wall is whole."""
    creates, here, there = owned
    everything = {"street": ["张三", "李四"], "upper": ["张三"], "lower": ["李四"]}
    for settings in (here, there):
        caplog.clear()
        with opened(settings), caplog.at_level(logging.WARNING, "jinlin.walls"):
            if settings is here:
                make_tables()
                two_communities()
                kept = make_backup(settings, settings.instance / "kept.zip")
            else:
                restore_backup(settings, kept, lambda _question: None, lambda _said: None)
                db.engine.dispose()
                make_tables()
            assert seen() == everything
            assert bool([r for r in caplog.records if "FORCE" in r.message]) is not creates
            with db.engine.connect() as connection:
                role, name = connection.exec_driver_sql("SELECT current_user, current_database()").one()
            assert role == (f"{name}_app" if creates else sa.make_url(settings.database_url).username)


def test_an_office_may_give_the_server_a_login_of_its_own(place: Place, servers: Any) -> None:
    """It is no owner: even without its role it sees no row of any community."""
    login, role = f"w{uuid4().hex[:12]}", role_of(place)
    servers._run(f"CREATE ROLE {login} LOGIN NOINHERIT IN ROLE {role}")
    settings = place.app.extensions["jinlin_settings"]
    url = sa.make_url(settings.database_url).set(username=login).render_as_string()
    try:
        with place.app.app_context(), place.session("upper", writes=True) as writing:
            writing.add(Resident(name="张三"))
        app = create_app(replace(settings, server_database_url=url), clock=place.clock, TESTING=True)
        own = Place(app, place.clock, place.ids)
        assert "张三" in own.browser("staff.upper").get("/upper/residents/people/").get_data(as_text=True)
        with app.app_context():
            upgrade()
            make_tables()
            assert seen()["upper"] == ["张三"] and seen()["lower"] == []
            with db.engine.connect() as connection:
                assert connection.exec_driver_sql("SELECT session_user").scalar() == login
                connection.exec_driver_sql("RESET ROLE")
                with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
                    connection.exec_driver_sql("SELECT * FROM resident")
            db.engine.dispose()
    finally:
        servers._run(f"DROP ROLE {login}")


def test_both_addresses_of_the_database_are_postgresql() -> None:
    with pytest.raises(SetupError, match="JINLIN_SERVER_DATABASE_URL"):
        settings_from_environment({"JINLIN_SERVER_DATABASE_URL": "postgresql://web@localhost/jinlin"})


def test_more_areas_than_a_backup_can_name_are_said_in_words(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_tools, "LONGEST_SCOPE", 3)
    monkeypatch.setattr(postgres_tools, "SEES_ALL", "SELECT 0")
    with place.app.app_context(), pytest.raises(SetupError, match="postgres BYPASSRLS"):
        make_backup(place.app.extensions["jinlin_settings"], Path(place.app.instance_path) / "kept.zip")
