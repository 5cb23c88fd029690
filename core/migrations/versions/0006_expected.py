"""Holidays, closures, signed zeros, opening balances, closed months."""

revision = "core_0006"
down_revision = "core_0005"


def upgrade() -> None:
    """Holidays, closures, signed zeros, opening balances, closed months."""
