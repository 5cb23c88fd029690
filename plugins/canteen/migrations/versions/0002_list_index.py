"""The list of meals is found by its index alone: the index says whether a meal is void."""

from alembic import op

revision = "canteen_0002"
down_revision = "canteen_0001"


def upgrade() -> None:
    """The longer index for the shorter one."""
    op.create_index(op.f("ix_canteen_meal_community_id_day_id_voided_at"), "canteen_meal",
                    ["community_id", "day", "id", "voided_at"])
    op.drop_index(op.f("ix_canteen_meal_community_id_day_id"), "canteen_meal")
