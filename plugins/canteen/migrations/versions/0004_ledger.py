"""Prepaid accounts, takings, closed days, tallies."""

revision = "canteen_0004"
down_revision = "canteen_0003"


def upgrade() -> None:
    """Prepaid accounts, takings, closed days, tallies."""
