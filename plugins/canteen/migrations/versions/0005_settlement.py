"""The settlement of a month."""

import sqlalchemy as sa
from alembic import op

revision = "canteen_0005"
down_revision = "canteen_0004"


def upgrade() -> None:
    """Settlements, and the steps taken with them."""
    op.create_table(
        "canteen_settlement",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("meals", sa.Integer(), nullable=True),
        sa.Column("payable", sa.BigInteger(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("payment_reference", sa.String(length=60), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_settlement_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_settlement")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_settlement_community_id_id")),
    )
    with op.batch_alter_table("canteen_settlement", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_settlement_community_id_month"), ["community_id", "month"], unique=True
        )

    op.create_table(
        "canteen_settlement_step",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("settlement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("account", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("payable", sa.BigInteger(), nullable=True),
        sa.Column("snapshot", sa.Text(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "settlement_id"],
            ["canteen_settlement.community_id", "canteen_settlement.id"],
            name=op.f("fk_canteen_settlement_step_community_id_settlement_id"),
        ),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_canteen_settlement_step_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canteen_settlement_step")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_canteen_settlement_step_community_id_id")),
    )
    with op.batch_alter_table("canteen_settlement_step", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_canteen_settlement_step_community_id_settlement_id"),
            ["community_id", "settlement_id"],
            unique=False,
        )
