"""Menus and food safety."""

import sqlalchemy as sa
from alembic import op

revision = "canteen_0007"
down_revision = "canteen_0006"


def upgrade() -> None:
    """Ten tables of the kitchen."""
    op.create_table(
        "canteen_cook",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("job", sa.String(length=20), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_cook_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_cook")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_cook_community_id_id")),
    )
    with op.batch_alter_table("canteen_cook", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_cook_community_id_name"),
            ["community_id", "name"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.create_table(
        "canteen_dish",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("allergens", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("note", sa.String(length=100), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_dish_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_dish")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_dish_community_id_id")),
    )
    with op.batch_alter_table("canteen_dish", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_dish_community_id_name"),
            ["community_id", "name"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.create_table(
        "canteen_disinfection",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("began", sa.Time(), nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("done_by", sa.String(length=30), nullable=False),
        sa.Column("note", sa.String(length=100), nullable=True),
        sa.Column("recorded_by", sa.String(length=60), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_by", sa.String(length=60), nullable=True),
        sa.Column("void_reason", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_disinfection_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_disinfection")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_disinfection_community_id_id")),
    )
    with op.batch_alter_table("canteen_disinfection", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_disinfection_community_id_day"), ["community_id", "day"], unique=False
        )

    op.create_table(
        "canteen_menu_week",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("monday", sa.Date(), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("changed_by", sa.String(length=60), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_menu_week_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_menu_week")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_menu_week_community_id_id")),
    )
    with op.batch_alter_table("canteen_menu_week", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_menu_week_community_id_monday"), ["community_id", "monday"], unique=True
        )

    op.create_table(
        "canteen_purchase_check",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("supplier", sa.String(length=60), nullable=False),
        sa.Column("item", sa.String(length=60), nullable=False),
        sa.Column("quantity", sa.String(length=20), nullable=False),
        sa.Column("batch", sa.String(length=40), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("licence_seen", sa.Boolean(), nullable=False),
        sa.Column("proof_seen", sa.Boolean(), nullable=False),
        sa.Column("verdict", sa.String(32), nullable=False),
        sa.Column("note", sa.String(length=100), nullable=True),
        sa.Column("checked_by", sa.String(length=30), nullable=False),
        sa.Column("recorded_by", sa.String(length=60), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_by", sa.String(length=60), nullable=True),
        sa.Column("void_reason", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_purchase_check_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_purchase_check")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_purchase_check_community_id_id")),
    )
    with op.batch_alter_table("canteen_purchase_check", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_purchase_check_community_id_day"), ["community_id", "day"], unique=False
        )

    op.create_table(
        "canteen_duty",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("cook_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "cook_id"],
            ["canteen_cook.community_id", "canteen_cook.id"],
            name=op.f("fk_canteen_duty_community_id_cook_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_duty_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_duty")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_duty_community_id_id")),
    )
    with op.batch_alter_table("canteen_duty", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_duty_community_id_cook_id"), ["community_id", "cook_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_duty_community_id_day_cook_id"), ["community_id", "day", "cook_id"], unique=True
        )

    op.create_table(
        "canteen_food_sample",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("dish_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("grams", sa.Integer(), nullable=False),
        sa.Column("fridge", sa.String(length=30), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_by", sa.String(length=30), nullable=False),
        sa.Column("recorded_by", sa.String(length=60), nullable=False),
        sa.Column("disposed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disposed_by", sa.String(length=30), nullable=True),
        sa.Column("dispose_reason", sa.String(length=200), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_by", sa.String(length=60), nullable=True),
        sa.Column("void_reason", sa.String(length=200), nullable=True),
        sa.CheckConstraint("grams >= 125", name=op.f("ck_canteen_food_sample_grams")),
        sa.ForeignKeyConstraint(
            ["community_id", "dish_id"],
            ["canteen_dish.community_id", "canteen_dish.id"],
            name=op.f("fk_canteen_food_sample_community_id_dish_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "kind_id"],
            ["canteen_meal_kind.community_id", "canteen_meal_kind.id"],
            name=op.f("fk_canteen_food_sample_community_id_kind_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_food_sample_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_food_sample")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_food_sample_community_id_id")),
    )
    with op.batch_alter_table("canteen_food_sample", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_food_sample_community_id_day_kind_id_dish_id"),
            ["community_id", "day", "kind_id", "dish_id"],
            unique=True,
            sqlite_where=sa.text("voided_at IS NULL"),
            postgresql_where=sa.text("voided_at IS NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_food_sample_community_id_dish_id"), ["community_id", "dish_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_food_sample_community_id_disposed_at_taken_at"),
            ["community_id", "disposed_at", "taken_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_food_sample_community_id_kind_id"), ["community_id", "kind_id"], unique=False
        )

    op.create_table(
        "canteen_health_certificate",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("cook_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(
            ["community_id", "cook_id"],
            ["canteen_cook.community_id", "canteen_cook.id"],
            name=op.f("fk_canteen_health_certificate_community_id_cook_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_health_certificate_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_health_certificate")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_health_certificate_community_id_id")),
    )
    with op.batch_alter_table("canteen_health_certificate", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_health_certificate_community_id_cook_id"), ["community_id", "cook_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_health_certificate_community_id_expires_on"),
            ["community_id", "expires_on"],
            unique=False,
        )

    op.create_table(
        "canteen_menu_dish",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("dish_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "dish_id"],
            ["canteen_dish.community_id", "canteen_dish.id"],
            name=op.f("fk_canteen_menu_dish_community_id_dish_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "kind_id"],
            ["canteen_meal_kind.community_id", "canteen_meal_kind.id"],
            name=op.f("fk_canteen_menu_dish_community_id_kind_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_menu_dish_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_menu_dish")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_menu_dish_community_id_id")),
    )
    with op.batch_alter_table("canteen_menu_dish", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_menu_dish_community_id_day_kind_id_dish_id"),
            ["community_id", "day", "kind_id", "dish_id"],
            unique=True,
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_menu_dish_community_id_dish_id"), ["community_id", "dish_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_menu_dish_community_id_kind_id"), ["community_id", "kind_id"], unique=False
        )

    op.create_table(
        "canteen_morning_check",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("cook_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("temperature", sa.Integer(), nullable=False),
        sa.Column("symptoms", sa.Text(), nullable=True),
        sa.Column("fit", sa.Boolean(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_by", sa.String(length=60), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_by", sa.String(length=60), nullable=True),
        sa.Column("void_reason", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["community_id", "cook_id"],
            ["canteen_cook.community_id", "canteen_cook.id"],
            name=op.f("fk_canteen_morning_check_community_id_cook_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_morning_check_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_morning_check")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_morning_check_community_id_id")),
    )
    with op.batch_alter_table("canteen_morning_check", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_morning_check_community_id_cook_id"), ["community_id", "cook_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_morning_check_community_id_day_cook_id"),
            ["community_id", "day", "cook_id"],
            unique=True,
            sqlite_where=sa.text("voided_at IS NULL"),
            postgresql_where=sa.text("voided_at IS NULL"),
        )
