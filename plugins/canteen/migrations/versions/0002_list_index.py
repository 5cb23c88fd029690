"""Lists of meals are found by an index alone, which says whether a meal is void: of a community, and of all."""

from alembic import op

revision = "canteen_0002"
down_revision = "canteen_0001"


def upgrade() -> None:
    """The longer index for the shorter one, and one more."""
    op.create_index(op.f("ix_canteen_meal_day_id_community_id_voided_at"), "canteen_meal",
                    ["day", "id", "community_id", "voided_at"])
    op.create_index(op.f("ix_canteen_meal_community_id_day_id_voided_at"), "canteen_meal",
                    ["community_id", "day", "id", "voided_at"])
    op.drop_index(op.f("ix_canteen_meal_community_id_day_id"), "canteen_meal")
