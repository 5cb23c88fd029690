"""Tasks on the workbench."""

import sqlalchemy as sa
from alembic import op

revision = "core_0008"
down_revision = "core_0007"

OPEN = sa.text("voided_at IS NULL AND state = 'open'")


def upgrade() -> None:
    """One table; a module has one open task for a person and a day."""
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "task",
        sa.Column("id", big, nullable=False),
        sa.Column("community_id", big, nullable=False),
        sa.Column("title", sa.String(100), nullable=False),
        sa.Column("resident_id", big, nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("link", sa.String(200), nullable=True),
        sa.Column("opened_by", sa.String(60), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=True),
        sa.Column("outcome_note", sa.Text(), nullable=True),
        sa.Column("done_by", sa.String(60), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_by", sa.String(60), nullable=True),
        sa.Column("void_reason", sa.String(200), nullable=True),
        sa.ForeignKeyConstraint(["community_id", "resident_id"], ["resident.community_id", "resident.id"],
                                name=op.f("fk_task_community_id_resident_id")),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_task_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_task_community_id_id")),
    )
    op.create_index(op.f("ix_task_community_id_resident_id_source_due"), "task",
                    ["community_id", "resident_id", "source", "due"], unique=True, sqlite_where=OPEN,
                    postgresql_where=OPEN)
    for columns in (["due", "id", "voided_at"], ["state", "due"], ["resident_id"]):
        op.create_index(op.f("ix_task_community_id_" + "_".join(columns)), "task", ["community_id", *columns])
