"""The first tables of canteen."""

import sqlalchemy as sa
from alembic import op

revision = "canteen_0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "canteen_meal_kind",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_meal_kind_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_meal_kind")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_meal_kind_community_id_id")),
    )
    op.create_index(
        op.f("ix_canteen_meal_kind_community_id_name"),
        "canteen_meal_kind",
        ["community_id", "name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "canteen_diner",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("resident_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("allergy", sa.Text(), nullable=True),
        sa.Column("diet_note", sa.Text(), nullable=True),
        sa.Column("delivery_address", sa.Text(), nullable=True),
        sa.Column("usual_way", sa.String(32), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(
            ["community_id", "resident_id"],
            ["resident.community_id", "resident.id"],
            name=op.f("fk_canteen_diner_community_id_resident_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_diner_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_diner")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_diner_community_id_id")),
    )
    op.create_index(
        op.f("ix_canteen_diner_community_id_resident_id"),
        "canteen_diner",
        ["community_id", "resident_id"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "canteen_price",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "kind_id"],
            ["canteen_meal_kind.community_id", "canteen_meal_kind.id"],
            name=op.f("fk_canteen_price_community_id_kind_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_price_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_price")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_price_community_id_id")),
    )
    op.create_index(
        op.f("ix_canteen_price_community_id_kind_id_starts_on"),
        "canteen_price",
        ["community_id", "kind_id", "starts_on"],
        unique=True,
    )
    op.create_table(
        "canteen_card",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("diner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("end_reason", sa.String(length=60), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "diner_id"],
            ["canteen_diner.community_id", "canteen_diner.id"],
            name=op.f("fk_canteen_card_community_id_diner_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_card_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_card")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_card_community_id_id")),
    )
    op.create_index(
        op.f("ix_canteen_card_community_id_diner_id"), "canteen_card", ["community_id", "diner_id"], unique=False
    )
    op.create_index(
        op.f("ix_canteen_card_community_id_number"),
        "canteen_card",
        ["community_id", "number"],
        unique=True,
        sqlite_where=sa.text("ended_on IS NULL"),
        postgresql_where=sa.text("ended_on IS NULL"),
    )
    op.create_table(
        "canteen_meal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("diner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("way", sa.String(32), nullable=False),
        sa.Column("standard_price", sa.BigInteger(), nullable=False),
        sa.Column("self_pay", sa.BigInteger(), nullable=False),
        sa.Column("government", sa.BigInteger(), nullable=False),
        sa.Column("other_aid", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("recorded_by", sa.String(length=60), nullable=False),
        sa.Column("account", sa.String(length=60), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_by", sa.String(length=60), nullable=True),
        sa.Column("void_reason", sa.String(length=200), nullable=True),
        sa.CheckConstraint("standard_price = self_pay + government + other_aid", name=op.f("ck_canteen_meal_split")),
        sa.ForeignKeyConstraint(
            ["community_id", "diner_id"],
            ["canteen_diner.community_id", "canteen_diner.id"],
            name=op.f("fk_canteen_meal_community_id_diner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "kind_id"],
            ["canteen_meal_kind.community_id", "canteen_meal_kind.id"],
            name=op.f("fk_canteen_meal_community_id_kind_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_meal_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_meal")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_meal_community_id_id")),
    )
    op.create_index(
        op.f("ix_canteen_meal_community_id_day_id"), "canteen_meal", ["community_id", "day", "id"], unique=False
    )
    op.create_index(
        op.f("ix_canteen_meal_community_id_diner_id_day_kind_id"),
        "canteen_meal",
        ["community_id", "diner_id", "day", "kind_id"],
        unique=True,
        sqlite_where=sa.text("voided_at IS NULL"),
        postgresql_where=sa.text("voided_at IS NULL"),
    )
    op.create_index(
        op.f("ix_canteen_meal_community_id_kind_id"), "canteen_meal", ["community_id", "kind_id"], unique=False
    )
