"""The first tables of douyin."""

import sqlalchemy as sa
from alembic import op

revision = "douyin_0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "douyin_account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("approval", sa.String(length=60), nullable=True),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_douyin_account_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_douyin_account")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_douyin_account_community_id_id")),
    )
    op.create_index(
        op.f("ix_douyin_account_community_id_number"),
        "douyin_account",
        ["community_id", "number"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "douyin_column",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("cadence", sa.String(length=60), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_douyin_column_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_douyin_column")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_douyin_column_community_id_id")),
    )
    op.create_index(
        op.f("ix_douyin_column_community_id_name"),
        "douyin_column",
        ["community_id", "name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "douyin_weekly_figure",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("followers", sa.Integer(), nullable=True),
        sa.Column("plays", sa.Integer(), nullable=True),
        sa.Column("likes", sa.Integer(), nullable=True),
        sa.Column("comments", sa.Integer(), nullable=True),
        sa.Column("shares", sa.Integer(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "account_id"],
            ["douyin_account.community_id", "douyin_account.id"],
            name=op.f("fk_douyin_weekly_figure_community_id_account_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_douyin_weekly_figure_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_douyin_weekly_figure")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_douyin_weekly_figure_community_id_id")),
    )
    op.create_index(
        op.f("ix_douyin_weekly_figure_community_id_account_id_week"),
        "douyin_weekly_figure",
        ["community_id", "account_id", "week"],
        unique=True,
    )
    op.create_table(
        "douyin_work",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("column_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("link", sa.String(length=300), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(
            ["community_id", "account_id"],
            ["douyin_account.community_id", "douyin_account.id"],
            name=op.f("fk_douyin_work_community_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "column_id"],
            ["douyin_column.community_id", "douyin_column.id"],
            name=op.f("fk_douyin_work_community_id_column_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_douyin_work_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_douyin_work")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_douyin_work_community_id_id")),
    )
    op.create_index(
        op.f("ix_douyin_work_community_id_account_id"), "douyin_work", ["community_id", "account_id"], unique=False
    )
    op.create_index(
        op.f("ix_douyin_work_community_id_column_id"), "douyin_work", ["community_id", "column_id"], unique=False
    )
    op.create_index(
        op.f("ix_douyin_work_community_id_published_on_id"),
        "douyin_work",
        ["community_id", "published_on", "id"],
        unique=False,
    )
