"""Prepaid accounts, takings, closed days, tallies."""

import sqlalchemy as sa
from alembic import op

revision = "canteen_0004"
down_revision = "canteen_0003"


def upgrade() -> None:
    """Four tables; nobody takes money, and no day is closed, until somebody says so."""
    op.create_table(
        "canteen_closed_day",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("named", sa.Integer(), nullable=False),
        sa.Column("unnamed", sa.Integer(), nullable=False),
        sa.Column("expected_cash", sa.BigInteger(), nullable=False),
        sa.Column("counted_cash", sa.BigInteger(), nullable=False),
        sa.Column("expected_code", sa.BigInteger(), nullable=False),
        sa.Column("counted_code", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("closed_by", sa.String(length=60), nullable=False),
        sa.Column("account", sa.String(length=60), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_closed_day_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_closed_day")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_closed_day_community_id_id")),
    )
    with op.batch_alter_table("canteen_closed_day", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_closed_day_community_id_day"), ["community_id", "day"], unique=True
        )

    op.create_table(
        "canteen_tally",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mode", sa.String(32), nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("way", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("unnamed", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("recorded_by", sa.String(length=60), nullable=False),
        sa.Column("account", sa.String(length=60), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_by", sa.String(length=60), nullable=True),
        sa.Column("void_reason", sa.String(length=200), nullable=True),
        sa.CheckConstraint("number >= 0 AND unnamed >= 0", name=op.f("ck_canteen_tally_numbers")),
        sa.ForeignKeyConstraint(
            ["community_id", "kind_id"],
            ["canteen_meal_kind.community_id", "canteen_meal_kind.id"],
            name=op.f("fk_canteen_tally_community_id_kind_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_tally_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_tally")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_tally_community_id_id")),
    )
    with op.batch_alter_table("canteen_tally", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_tally_community_id_day_kind_id"),
            ["community_id", "day", "kind_id"],
            unique=True,
            sqlite_where=sa.text("voided_at IS NULL AND mode = 'whole'"),
            postgresql_where=sa.text("voided_at IS NULL AND mode = 'whole'"),
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_tally_community_id_day_id"), ["community_id", "day", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_tally_community_id_kind_id"), ["community_id", "kind_id"], unique=False
        )

    op.create_table(
        "canteen_account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("diner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("balance >= 0", name=op.f("ck_canteen_account_balance")),
        sa.ForeignKeyConstraint(
            ["community_id", "diner_id"],
            ["canteen_diner.community_id", "canteen_diner.id"],
            name=op.f("fk_canteen_account_community_id_diner_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_account_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_account")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_account_community_id_id")),
    )
    with op.batch_alter_table("canteen_account", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_account_community_id_diner_id"), ["community_id", "diner_id"], unique=True
        )

    op.create_table(
        "canteen_entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("balance_change", sa.BigInteger(), nullable=False),
        sa.Column("diner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("meal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reverses_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("recorded_by", sa.String(length=60), nullable=False),
        sa.Column("account", sa.String(length=60), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "diner_id"],
            ["canteen_diner.community_id", "canteen_diner.id"],
            name=op.f("fk_canteen_entry_community_id_diner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "meal_id"],
            ["canteen_meal.community_id", "canteen_meal.id"],
            name=op.f("fk_canteen_entry_community_id_meal_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "reverses_id"],
            ["canteen_entry.community_id", "canteen_entry.id"],
            name=op.f("fk_canteen_entry_community_id_reverses_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_entry_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_entry")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_entry_community_id_id")),
    )
    with op.batch_alter_table("canteen_entry", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_entry_community_id_day_id"), ["community_id", "day", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_entry_community_id_diner_id"), ["community_id", "diner_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_entry_community_id_meal_id_kind"),
            ["community_id", "meal_id", "kind"],
            unique=True,
            sqlite_where=sa.text("kind = 'meal'"),
            postgresql_where=sa.text("kind = 'meal'"),
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_entry_community_id_meal_id"), ["community_id", "meal_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_entry_community_id_reverses_id"),
            ["community_id", "reverses_id"],
            unique=True,
            sqlite_where=sa.text("reverses_id IS NOT NULL"),
            postgresql_where=sa.text("reverses_id IS NOT NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_entry_community_id_year_number"), ["community_id", "year", "number"], unique=True
        )
