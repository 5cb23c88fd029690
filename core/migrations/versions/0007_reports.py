"""Reports that were issued."""

revision = "core_0007"
down_revision = "core_0006"


def upgrade() -> None:
    """Reports that were issued."""
