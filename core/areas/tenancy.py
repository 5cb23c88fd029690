"""TenantModel: a table whose rows belong to one community, and keys that cannot point into another.

Every tenant table gets UNIQUE (community_id, id), and every reference between tenant tables is the
composite foreign key (community_id, x_id) → (community_id, id): a record cannot point into another
community even by a bug or an import.
"""
from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, declared_attr, foreign, mapped_column, relationship, remote

from core.extensions import BigId, Moment, db


class TenantModel(db.Model):  # type: ignore[name-defined]
    """A record of one community. `label` names it in lists, choices and questions."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(BigId, primary_key=True, sort_order=-2)
    row_version: Mapped[int] = mapped_column(sa.Integer, default=1, sort_order=90)

    @declared_attr
    def community_id(cls) -> Mapped[int]:
        """The community that this record belongs to."""
        return mapped_column(BigId, sa.ForeignKey("area.id"), nullable=False, sort_order=-1)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        """Every update checks the row version: two people cannot overwrite each other."""
        return {"version_id_col": cls.__table__.c.row_version}

    @property
    def label(self) -> str:
        """What people call this record."""
        return str(getattr(self, "name", self.id))

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Add the composite keys once the table exists."""
        super().__init_subclass__(**kwargs)
        table = cls.__dict__.get("__table__")
        if table is None:
            return
        table.info["tenant"] = True
        table.append_constraint(sa.UniqueConstraint(table.c.community_id, table.c.id))
        for column in list(table.columns):
            if target := column.info.get("references"):
                table.append_constraint(
                    sa.ForeignKeyConstraint(
                        [table.c.community_id, column], [f"{target}.community_id", f"{target}.id"]
                    )
                )
                if not column.info.get("indexed"):
                    sa.Index(None, table.c.community_id, column)


class Deletable:
    """Master data: deleted to the recycle bin (回收站), restorable."""

    deleted_at: Mapped[datetime | None] = mapped_column(Moment, sort_order=91)
    deleted_by: Mapped[str | None] = mapped_column(sa.String(60), sort_order=91)


class Voidable:
    """Entries (meals, hours, takings): never edited or deleted, only voided (作废) with a reason."""

    voided_at: Mapped[datetime | None] = mapped_column(Moment, sort_order=91)
    voided_by: Mapped[str | None] = mapped_column(sa.String(60), sort_order=91)
    void_reason: Mapped[str | None] = mapped_column(sa.String(200), sort_order=91)


def tenant_reference(
    target: Any, *, nullable: bool = False, indexed: bool = False, info: dict[str, Any] | None = None, **kwargs: Any
) -> tuple[Any, Any]:
    """Column and relationship to a row of the same community.

    `target` is a model, or for a model that is not imported here its table name. `indexed` says that
    another index already starts with (community_id, this column).
    """
    table = target if isinstance(target, str) else target.__tablename__
    info = {"references": table, "indexed": indexed, **(info or {})}
    column = mapped_column(BigId, nullable=nullable, info=info)
    return column, relationship(
        lambda: model_of(table),
        primaryjoin=lambda: foreign(column.column) == remote(model_of(table).id),
        info=info, **kwargs,
    )


def model_of(table_name: str) -> type[TenantModel]:
    """The model of a table."""
    for mapper in db.Model.registry.mappers:
        if mapper.local_table.name == table_name:
            return mapper.class_
    raise LookupError(table_name)


def tenant_models() -> list[type[TenantModel]]:
    """Every tenant model that is loaded, by table name."""
    found = [m.class_ for m in db.Model.registry.mappers if issubclass(m.class_, TenantModel)]
    return sorted(found, key=lambda model: model.__tablename__)


def tenant_unique(*columns: str, where: str | None = None, message: object = None) -> sa.Index:
    """A unique key within the community; `where` makes it partial, `message` is shown when it is broken."""
    partial = {"sqlite_where": sa.text(where), "postgresql_where": sa.text(where)} if where else {}
    return sa.Index(None, "community_id", *columns, unique=True, info={"message": message}, **partial)


def tenant_index(*columns: str) -> sa.Index:
    """An index that starts with the community."""
    return sa.Index(None, "community_id", *columns)
