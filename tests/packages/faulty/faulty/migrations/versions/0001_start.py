"""The first table."""
import sqlalchemy as sa
from alembic import op

revision = "faulty_0001"
down_revision = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "faulty_thing",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_faulty_thing_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_faulty_thing")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_faulty_thing_community_id_id")),
    )
