"""Tasks on the workbench."""

revision = "core_0008"
down_revision = "core_0007"


def upgrade() -> None:
    """Tasks on the workbench."""
