"""Figures by day, kept with the records."""

revision = "core_0005"
down_revision = "core_0004"


def upgrade() -> None:
    """Figures by day, kept with the records."""
