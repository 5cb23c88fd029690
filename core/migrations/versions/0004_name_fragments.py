"""The pieces by which names are found, also for the residents who are there already."""

import sqlalchemy as sa
from alembic import op

from core.residents.name_parts import rows_of_parts

revision = "core_0004"
down_revision = "core_0003"

BATCH = 2_000  # residents


def upgrade() -> None:
    """Make the table and fill it."""
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    table = op.create_table(
        "resident_name_part",
        sa.Column("id", big, nullable=False),
        sa.Column("community_id", big, nullable=False),
        sa.Column("resident_id", big, nullable=False),
        sa.Column("part", sa.String(40).with_variant(sa.String(40, "C"), "postgresql"), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["community_id", "resident_id"], ["resident.community_id", "resident.id"],
                                name=op.f("fk_resident_name_part_community_id_resident_id")),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_resident_name_part_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resident_name_part")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_resident_name_part_community_id_id")),
    )
    resident = sa.table("resident", sa.column("id"), sa.column("community_id"), sa.column("name"))
    last, connection = 0, op.get_bind()
    batch = sa.select(resident.c.community_id, resident.c.id, resident.c.name).order_by(resident.c.id).limit(BATCH)
    while people := connection.execute(batch.where(resident.c.id > last)).all():
        last = people[-1].id
        connection.execute(table.insert(), rows_of_parts(map(tuple, people)))
    for columns in (["community_id", "part", "resident_id"], ["community_id", "resident_id"]):
        op.create_index(op.f("ix_resident_name_part_" + "_".join(columns)), "resident_name_part", columns)
