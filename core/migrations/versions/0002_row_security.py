"""Row-level security on PostgreSQL: the end of each chain makes it (core/areas/row_security.py)."""

revision = "core_0002"
down_revision = "core_0001"


def upgrade() -> None:
    """Nothing else: this step is there so that an older database waits for `jinlin db upgrade`."""
