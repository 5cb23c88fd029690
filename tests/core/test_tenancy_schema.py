"""Wall 3: what the database itself holds, read back from it after the migrations (docs/tenancy.md)."""
from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from core.areas.scope import session_for
from core.areas.tenancy import Deletable, TenantModel, Voidable, tenant_models
from core.encryption import EncryptedText
from core.extensions import Money, db
from core.migrations.upgrade import chains, pending, upgrade
from core.residents.models import Resident, ResidentTag, TagKind
from core.testing.records import make
from core.testing.walk import FOREIGN

PEOPLE_FREE = {"area", "area_profile", "plugin_switch", "plugin_policy", "plugin_settings", "installation", "user",
               "role", "membership", "user_session", "account_event"}


@pytest.fixture
def inspector(place: Any) -> Any:
    """Reads the constraints of the migrated database."""
    with place.app.app_context(), db.engine.connect() as connection:
        yield sa.inspect(connection)


def test_every_tenant_table_has_its_composite_keys(inspector: Any) -> None:
    for model in tenant_models():
        table = model.__tablename__
        columns = {column["name"]: column for column in inspector.get_columns(table)}
        assert not columns["community_id"]["nullable"], table
        assert inspector.get_pk_constraint(table)["constrained_columns"] == ["id"], table
        uniques = [u["column_names"] for u in inspector.get_unique_constraints(table)]
        assert ["community_id", "id"] in uniques, table


def test_every_reference_is_a_composite_foreign_key(inspector: Any) -> None:
    for model in tenant_models():
        keys = {
            tuple(key["constrained_columns"]): (key["referred_table"], tuple(key["referred_columns"]))
            for key in inspector.get_foreign_keys(model.__tablename__)
        }
        assert keys.pop(("community_id",)) == ("area", ("id",))
        references = {c.key: c.info["references"] for c in model.__table__.columns if c.info.get("references")}
        assert keys == {("community_id", column): (table, ("community_id", "id"))
                        for column, table in references.items()}, model.__tablename__


def test_no_reference_hides_behind_a_plain_number(inspector: Any) -> None:
    """A column that ends with _id is a reference with a key, or the free number of the audit trail."""
    for model in tenant_models():
        plain = {c.key for c in model.__table__.columns if c.key.endswith("_id") and not c.info.get("references")}
        assert plain <= {"community_id", "record_id", "batch_id", "subject_id"}, model.__tablename__


def test_every_key_and_index_starts_with_the_community(inspector: Any) -> None:
    """But for an index in the order of a list above the communities, which names the community behind the order."""
    for model in tenant_models():
        table = model.__tablename__
        indexes = inspector.get_indexes(table)
        keys = [u["column_names"] for u in inspector.get_unique_constraints(table)]
        keys += [index["column_names"] for index in indexes if index["unique"]]
        assert all(columns[0] == "community_id" for columns in keys), (table, keys)
        assert all("community_id" in index["column_names"] for index in indexes), (table, indexes)


def test_every_reference_has_an_index(inspector: Any) -> None:
    for model in tenant_models():
        starts = {tuple(index["column_names"][:2]) for index in inspector.get_indexes(model.__tablename__)}
        for column in model.__table__.columns:
            if column.info.get("references"):
                assert ("community_id", column.key) in starts, column


def test_unique_keys_leave_deleted_and_voided_rows_aside(inspector: Any) -> None:
    for model in tenant_models():
        for index in model.__table__.indexes:
            if index.unique and issubclass(model, Deletable | Voidable):
                where = str(index.dialect_options["sqlite"]["where"])
                assert where in ("deleted_at IS NULL", "voided_at IS NULL") or "_at IS NULL" in where, index.name


WRITTEN_BY_THE_PROGRAM = ("once_key", "import_batch", "metric_figure", "metric_presence")


def test_every_unique_key_has_a_sentence(inspector: Any) -> None:
    for model in tenant_models():
        for index in model.__table__.indexes:
            if index.unique and model.__tablename__ not in WRITTEN_BY_THE_PROGRAM:
                assert index.info.get("message") is not None, index.name


def test_a_table_without_community_is_the_offices(inspector: Any) -> None:
    """Whatever holds records of people is a tenant table; the others are named here, aloud."""
    tenant = {model.__tablename__ for model in tenant_models()}
    free = {table for table in inspector.get_table_names() if not table.startswith("alembic_version")} - tenant
    for model in (m.class_ for m in db.Model.registry.mappers if m.local_table.name in free - PEOPLE_FREE):
        text = [c.key for c in model.__table__.columns if isinstance(c.type, EncryptedText) or c.info.get("private")]
        assert text == [] and not issubclass(model, TenantModel), model


def test_a_row_cannot_point_into_another_community(place: Any) -> None:
    with place.app.app_context():
        with place.session("lower", writes=True) as writing:
            make(writing, Resident, {}, id=FOREIGN)
        with place.session("upper", writes=True) as writing:
            kind = writing.scalars(sa.select(TagKind)).first()
            writing.add(ResidentTag(resident_id=FOREIGN, kind=kind, starts_on=date(2026, 1, 1)))
            with pytest.raises(sa.exc.IntegrityError):
                writing.flush()
            writing.rollback()


def test_a_row_that_is_pointed_to_cannot_be_taken_away(place: Any) -> None:
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        make(writing, ResidentTag, {})
        with pytest.raises(sa.exc.IntegrityError):
            writing.execute(sa.delete(TagKind), execution_options={"synchronize_session": False})
        writing.rollback()


def test_migrations_equal_the_models(place: Any) -> None:
    """Of the core and of every plugin; what autogenerate would add is forgotten in a migration."""
    with place.app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={
            "compare_type": _differs, "include_object": lambda _o, name, kind, *_rest: not (
                kind == "table" and name.startswith("alembic_version")),
        })
        assert [str(step) for step in compare_metadata(context, db.metadata)] == []


def _differs(_context: Any, _inspected: Any, column: sa.Column, kind: Any, wanted: Any) -> bool | None:
    """Our own types are stored as others; both are compared by what they are stored as."""
    if isinstance(wanted, Money):
        return not isinstance(kind, sa.BigInteger | sa.Integer)
    if isinstance(wanted, EncryptedText):
        return not isinstance(kind, sa.Text | sa.String)
    if isinstance(wanted, sa.types.TypeDecorator):
        return not isinstance(kind, sa.DateTime)
    if isinstance(wanted, sa.Enum):
        return not isinstance(kind, sa.String)
    return None


def test_every_chain_ends_up_to_date(place: Any) -> None:
    with place.app.app_context():
        assert [chain.name for chain in chains()][0] == "core"
        assert pending() == []
        assert upgrade() == []


def test_checks_hold_in_the_database(place: Any) -> None:
    """A check constraint is no decoration on SQLite either."""
    with place.app.app_context(), session_for(None, "a test looks") as reading:
        inspector = sa.inspect(reading.connection())
        for model in tenant_models():
            wanted = {c.name for c in model.__table__.constraints
                      if isinstance(c, sa.CheckConstraint) and not getattr(c, "_type_bound", False)}
            assert wanted <= {c["name"] for c in inspector.get_check_constraints(model.__tablename__)}
