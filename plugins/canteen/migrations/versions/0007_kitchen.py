"""Menus and food safety."""

revision = "canteen_0007"
down_revision = "canteen_0006"


def upgrade() -> None:
    """Menus and food safety."""
