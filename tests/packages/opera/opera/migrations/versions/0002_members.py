"""Members."""
import sqlalchemy as sa
from alembic import op

revision = "opera_0002"
down_revision = "opera_0001"


def upgrade() -> None:
    """Members."""
    op.create_table(
        "opera_member",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("community_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("resident_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("part", sa.String(length=20), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(["community_id", "resident_id"], ["resident.community_id", "resident.id"],
                                name=op.f("fk_opera_member_community_id_resident_id")),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_opera_member_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opera_member")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_opera_member_community_id_id")),
    )
    op.create_index(
        op.f("ix_opera_member_community_id_resident_id"), "opera_member", ["community_id", "resident_id"], unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"), postgresql_where=sa.text("deleted_at IS NULL"),
    )
