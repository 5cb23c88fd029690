"""Reports that were issued."""

import sqlalchemy as sa
from alembic import op

revision = "core_0007"
down_revision = "core_0006"


def upgrade() -> None:
    """A table of an area's own, at any height of the tree."""
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "report",
        sa.Column("id", big, nullable=False),
        sa.Column("area_id", big, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("issued_by", sa.String(length=60), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_report_area_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint("area_id", "kind", "start", "version", name=op.f("uq_report_area_id_kind_start_version")),
    )
