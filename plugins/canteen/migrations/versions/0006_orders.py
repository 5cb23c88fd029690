"""Usual meals, pauses, orders, delivery rounds."""

revision = "canteen_0006"
down_revision = "canteen_0005"


def upgrade() -> None:
    """Usual meals, pauses, orders, delivery rounds."""
