"""Usual meals, pauses, orders, delivery rounds."""

import sqlalchemy as sa
from alembic import op

revision = "canteen_0006"
down_revision = "canteen_0005"


def upgrade() -> None:
    """Usual meals, pauses and orders; rounds with their stops and what happened at the doors."""
    op.create_table(
        "canteen_round",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("kind_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(
            ["community_id", "kind_id"],
            ["canteen_meal_kind.community_id", "canteen_meal_kind.id"],
            name=op.f("fk_canteen_round_community_id_kind_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_round_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_round")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_round_community_id_id")),
    )
    with op.batch_alter_table("canteen_round", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_round_community_id_kind_id_name"),
            ["community_id", "kind_id", "name"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.create_table(
        "canteen_late_change",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("diner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("before", sa.String(32), nullable=True),
        sa.Column("after", sa.String(32), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("changed_by", sa.String(length=60), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "diner_id"],
            ["canteen_diner.community_id", "canteen_diner.id"],
            name=op.f("fk_canteen_late_change_community_id_diner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "kind_id"],
            ["canteen_meal_kind.community_id", "canteen_meal_kind.id"],
            name=op.f("fk_canteen_late_change_community_id_kind_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_late_change_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_late_change")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_late_change_community_id_id")),
    )
    with op.batch_alter_table("canteen_late_change", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_late_change_community_id_day_id"), ["community_id", "day", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_late_change_community_id_diner_id"), ["community_id", "diner_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_late_change_community_id_kind_id"), ["community_id", "kind_id"], unique=False
        )

    op.create_table(
        "canteen_order",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("diner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("way", sa.String(32), nullable=False),
        sa.Column("despite_pause", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("recorded_by", sa.String(length=60), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "diner_id"],
            ["canteen_diner.community_id", "canteen_diner.id"],
            name=op.f("fk_canteen_order_community_id_diner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "kind_id"],
            ["canteen_meal_kind.community_id", "canteen_meal_kind.id"],
            name=op.f("fk_canteen_order_community_id_kind_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_order_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_order")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_order_community_id_id")),
    )
    with op.batch_alter_table("canteen_order", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_order_community_id_day_id"), ["community_id", "day", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_order_community_id_diner_id_day_kind_id"),
            ["community_id", "diner_id", "day", "kind_id"],
            unique=True,
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_order_community_id_kind_id"), ["community_id", "kind_id"], unique=False
        )

    op.create_table(
        "canteen_pause",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("diner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("recorded_by", sa.String(length=60), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(
            ["community_id", "diner_id"],
            ["canteen_diner.community_id", "canteen_diner.id"],
            name=op.f("fk_canteen_pause_community_id_diner_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_pause_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_pause")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_pause_community_id_id")),
    )
    with op.batch_alter_table("canteen_pause", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_pause_community_id_diner_id_starts_on"),
            ["community_id", "diner_id", "starts_on"],
            unique=False,
        )

    op.create_table(
        "canteen_round_opening",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("round_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("account", sa.String(length=60), nullable=False),
        sa.Column("opened_by", sa.String(length=60), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "kind_id"],
            ["canteen_meal_kind.community_id", "canteen_meal_kind.id"],
            name=op.f("fk_canteen_round_opening_community_id_kind_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "round_id"],
            ["canteen_round.community_id", "canteen_round.id"],
            name=op.f("fk_canteen_round_opening_community_id_round_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_round_opening_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_round_opening")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_round_opening_community_id_id")),
    )
    with op.batch_alter_table("canteen_round_opening", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_round_opening_community_id_day_account"),
            ["community_id", "day", "account"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_round_opening_community_id_kind_id"), ["community_id", "kind_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_round_opening_community_id_round_id"), ["community_id", "round_id"], unique=False
        )

    op.create_table(
        "canteen_round_stop",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("round_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("diner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("added_on", sa.Date(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "diner_id"],
            ["canteen_diner.community_id", "canteen_diner.id"],
            name=op.f("fk_canteen_round_stop_community_id_diner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "kind_id"],
            ["canteen_meal_kind.community_id", "canteen_meal_kind.id"],
            name=op.f("fk_canteen_round_stop_community_id_kind_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "round_id"],
            ["canteen_round.community_id", "canteen_round.id"],
            name=op.f("fk_canteen_round_stop_community_id_round_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_round_stop_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_round_stop")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_round_stop_community_id_id")),
    )
    with op.batch_alter_table("canteen_round_stop", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_round_stop_community_id_diner_id_kind_id"),
            ["community_id", "diner_id", "kind_id"],
            unique=True,
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_round_stop_community_id_kind_id"), ["community_id", "kind_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_round_stop_community_id_round_id"), ["community_id", "round_id"], unique=False
        )

    op.create_table(
        "canteen_usual_meal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("diner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("way", sa.String(32), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_canteen_usual_meal_weekday")),
        sa.ForeignKeyConstraint(
            ["community_id", "diner_id"],
            ["canteen_diner.community_id", "canteen_diner.id"],
            name=op.f("fk_canteen_usual_meal_community_id_diner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "kind_id"],
            ["canteen_meal_kind.community_id", "canteen_meal_kind.id"],
            name=op.f("fk_canteen_usual_meal_community_id_kind_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_usual_meal_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_usual_meal")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_usual_meal_community_id_id")),
    )
    with op.batch_alter_table("canteen_usual_meal", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_usual_meal_community_id_diner_id"), ["community_id", "diner_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_usual_meal_community_id_diner_id_weekday_kind_id"),
            ["community_id", "diner_id", "weekday", "kind_id"],
            unique=True,
            sqlite_where=sa.text("ends_on IS NULL"),
            postgresql_where=sa.text("ends_on IS NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_usual_meal_community_id_kind_id"), ["community_id", "kind_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_usual_meal_community_id_weekday"), ["community_id", "weekday"], unique=False
        )

    op.create_table(
        "canteen_handover",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("diner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("result", sa.String(32), nullable=False),
        sa.Column("round_name", sa.String(length=30), nullable=True),
        sa.Column("meal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("made_meal", sa.Boolean(), nullable=False),
        sa.Column("task_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("recorded_by", sa.String(length=60), nullable=False),
        sa.Column("account", sa.String(length=60), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_by", sa.String(length=60), nullable=True),
        sa.Column("void_reason", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["community_id", "diner_id"],
            ["canteen_diner.community_id", "canteen_diner.id"],
            name=op.f("fk_canteen_handover_community_id_diner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "kind_id"],
            ["canteen_meal_kind.community_id", "canteen_meal_kind.id"],
            name=op.f("fk_canteen_handover_community_id_kind_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "meal_id"],
            ["canteen_meal.community_id", "canteen_meal.id"],
            name=op.f("fk_canteen_handover_community_id_meal_id"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id", "task_id"],
            ["task.community_id", "task.id"],
            name=op.f("fk_canteen_handover_community_id_task_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_handover_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_handover")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_handover_community_id_id")),
    )
    with op.batch_alter_table("canteen_handover", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_handover_community_id_day_id_voided_at"),
            ["community_id", "day", "id", "voided_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_handover_community_id_diner_id"), ["community_id", "diner_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_handover_community_id_diner_id_day_kind_id_result"),
            ["community_id", "diner_id", "day", "kind_id", "result"],
            unique=True,
            sqlite_where=sa.text("voided_at IS NULL"),
            postgresql_where=sa.text("voided_at IS NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_handover_community_id_kind_id"), ["community_id", "kind_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_handover_community_id_meal_id"), ["community_id", "meal_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_canteen_handover_community_id_task_id"), ["community_id", "task_id"], unique=False
        )
