"""The first table."""
import sqlalchemy as sa
from alembic import op

revision = "opera_0001"
down_revision = None


def upgrade() -> None:
    """Make it."""
    op.create_table(
        "opera_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("place", sa.String(length=60), nullable=True),
        sa.Column("people", sa.Integer(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_opera_event_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opera_event")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_opera_event_community_id_id")),
    )
    op.create_index(
        op.f("ix_opera_event_community_id_day_name"), "opera_event", ["community_id", "day", "name"], unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"), postgresql_where=sa.text("deleted_at IS NULL"),
    )
