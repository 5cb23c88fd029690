"""Settings of screens by person; keys of forms know their kind of record and their hour."""

import sqlalchemy as sa
from alembic import op

revision = "core_0003"
down_revision = "core_0002"


def upgrade() -> None:
    """The forms that are open while this runs are sent once by hand: their keys go."""
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "screen_settings",
        sa.Column("id", big, nullable=False),
        sa.Column("user_id", big, nullable=False),
        sa.Column("screen", sa.String(length=120), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=True),
        sa.Column("page_size", sa.Integer(), nullable=True),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("opens_with", sa.String(length=40), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_screen_settings_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screen_settings")),
        sa.UniqueConstraint("user_id", "screen", name=op.f("uq_screen_settings_user_id_screen")),
    )
    op.execute(sa.table("once_key").delete())
    with op.batch_alter_table("once_key") as once_key:
        once_key.add_column(sa.Column("kind", sa.String(length=60), nullable=False))
        once_key.add_column(sa.Column("at", sa.DateTime(timezone=True), nullable=False))
    op.create_index(op.f("ix_once_key_community_id_at"), "once_key", ["community_id", "at"], unique=False)
