"""Subsidy rules and what a meal keeps of them."""

import sqlalchemy as sa
from alembic import op

revision = "canteen_0003"
down_revision = "canteen_0002"

COUNTS = "voided_at IS NULL AND reversed_on IS NULL AND reverses_id IS NULL"
REVERSES = "voided_at IS NULL AND reverses_id IS NOT NULL"
PAYERS = "government + other_aid + operator_aid = city_pays + district_pays + street_pays + community_pays + donors_pay"


def upgrade() -> None:
    """Three tables; older meals had no rule, and belong to the books of their day."""
    op.create_table(
        "canteen_subsidy_rule",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("age_from", sa.Integer(), nullable=True),
        sa.Column("age_to", sa.Integer(), nullable=True),
        sa.Column("registered_only", sa.Boolean(), nullable=False),
        sa.Column("form", sa.String(32), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("percent", sa.Integer(), nullable=True),
        sa.Column("meals_a_day", sa.Integer(), nullable=True),
        sa.Column("meals_a_month", sa.Integer(), nullable=True),
        sa.Column("yuan_a_day", sa.BigInteger(), nullable=True),
        sa.Column("yuan_a_month", sa.BigInteger(), nullable=True),
        sa.Column("city_share", sa.Integer(), nullable=False),
        sa.Column("district_share", sa.Integer(), nullable=False),
        sa.Column("street_share", sa.Integer(), nullable=False),
        sa.Column("community_share", sa.Integer(), nullable=False),
        sa.Column("donor_share", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by", sa.String(length=60), nullable=True),
        sa.CheckConstraint(
            "city_share + district_share + street_share + community_share + donor_share = 100",
            name=op.f("ck_canteen_subsidy_rule_shares"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_subsidy_rule_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_subsidy_rule")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_subsidy_rule_community_id_id")),
    )
    op.create_table(
        "canteen_rule_kind",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rule_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "kind_id"],
            ["canteen_meal_kind.community_id", "canteen_meal_kind.id"],
            name=op.f("fk_canteen_rule_kind_community_id_kind_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "rule_id"],
            ["canteen_subsidy_rule.community_id", "canteen_subsidy_rule.id"],
            name=op.f("fk_canteen_rule_kind_community_id_rule_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_rule_kind_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_rule_kind")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_rule_kind_community_id_id")),
    )
    with op.batch_alter_table("canteen_rule_kind", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_rule_kind_community_id_kind_id"), ["community_id", "kind_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_rule_kind_community_id_rule_id_kind_id"),
            ["community_id", "rule_id", "kind_id"],
            unique=True,
        )

    op.create_table(
        "canteen_rule_tag",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rule_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tag_kind_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "rule_id"],
            ["canteen_subsidy_rule.community_id", "canteen_subsidy_rule.id"],
            name=op.f("fk_canteen_rule_tag_community_id_rule_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "tag_kind_id"],
            ["resident_tag_kind.community_id", "resident_tag_kind.id"],
            name=op.f("fk_canteen_rule_tag_community_id_tag_kind_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_rule_tag_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_rule_tag")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_rule_tag_community_id_id")),
    )
    with op.batch_alter_table("canteen_rule_tag", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_rule_tag_community_id_rule_id_tag_kind_id"),
            ["community_id", "rule_id", "tag_kind_id"],
            unique=True,
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_rule_tag_community_id_tag_kind_id"), ["community_id", "tag_kind_id"], unique=False
        )

    zero = ("operator_aid", "city_pays", "district_pays", "street_pays", "community_pays", "donors_pay")
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    for name in zero:
        op.add_column("canteen_meal", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    for column in (
        sa.Column("rule_id", big),
        sa.Column("age", sa.Integer()),
        sa.Column("booked_on", sa.Date()),
        sa.Column("reverses_id", big),
        sa.Column("reversed_on", sa.Date()),
    ):
        op.add_column("canteen_meal", column)
    op.execute("UPDATE canteen_meal SET booked_on = day, community_pays = government, donors_pay = other_aid")
    of_diner = "ix_canteen_meal_community_id_diner_id_day_kind_id"
    op.drop_index(op.f(of_diner), "canteen_meal")
    with op.batch_alter_table("canteen_meal", schema=None) as batch_op:
        for name in zero:
            batch_op.alter_column(name, existing_type=sa.BigInteger(), existing_nullable=False, server_default=None)
        batch_op.alter_column("booked_on", existing_type=sa.Date(), nullable=False)
        batch_op.create_check_constraint(batch_op.f("ck_canteen_meal_payers"), PAYERS)
        for column, table in (("rule_id", "canteen_subsidy_rule"), ("reverses_id", "canteen_meal")):
            batch_op.create_foreign_key(
                batch_op.f(f"fk_canteen_meal_community_id_{column}"),
                table,
                ["community_id", column],
                ["community_id", "id"],
            )
    op.create_index(
        op.f(of_diner),
        "canteen_meal",
        ["community_id", "diner_id", "day", "kind_id"],
        unique=True,
        sqlite_where=sa.text(COUNTS),
        postgresql_where=sa.text(COUNTS),
    )
    op.create_index(op.f("ix_canteen_meal_community_id_booked_on"), "canteen_meal", ["community_id", "booked_on"])
    op.create_index(op.f("ix_canteen_meal_community_id_rule_id"), "canteen_meal", ["community_id", "rule_id"])
    op.create_index(
        op.f("ix_canteen_meal_community_id_reverses_id"),
        "canteen_meal",
        ["community_id", "reverses_id"],
        unique=True,
        sqlite_where=sa.text(REVERSES),
        postgresql_where=sa.text(REVERSES),
    )
