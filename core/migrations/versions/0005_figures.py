"""Figures by day, kept with the records."""

import sqlalchemy as sa
from alembic import op

revision = "core_0005"
down_revision = "core_0004"


def upgrade() -> None:
    """Three empty tables: `jinlin db upgrade` fills them when all chains are through."""
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "metric_figure",
        sa.Column("id", big, nullable=False),
        sa.Column("community_id", big, nullable=False),
        sa.Column("metric", sa.String(length=90), nullable=False),
        sa.Column("period", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("number", big, nullable=False),
        sa.Column("split", sa.JSON(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_metric_figure_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metric_figure")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_metric_figure_community_id_id")),
    )
    op.create_index(op.f("ix_metric_figure_community_id_metric_period_day"), "metric_figure",
                    ["community_id", "metric", "period", "day"], unique=True)
    op.create_table(
        "metric_presence",
        sa.Column("id", big, nullable=False),
        sa.Column("community_id", big, nullable=False),
        sa.Column("metric", sa.String(length=80), nullable=False),
        sa.Column("subject_id", big, nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_metric_presence_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metric_presence")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_metric_presence_community_id_id")),
    )
    op.create_index(op.f("ix_metric_presence_community_id_metric_subject_id_first_day"), "metric_presence",
                    ["community_id", "metric", "subject_id", "first_day"], unique=True)
    op.create_table(
        "metric_definition",
        sa.Column("metric", sa.String(length=80), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("metric", name=op.f("pk_metric_definition")),
    )
