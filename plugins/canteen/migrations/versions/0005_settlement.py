"""The settlement of a month."""

revision = "canteen_0005"
down_revision = "canteen_0004"


def upgrade() -> None:
    """The settlement of a month."""
