"""The fixtures of core.testing, and those that take a wall away."""
from __future__ import annotations

import pytest

from core.areas import scope, transactions
from core.extensions import ScopedSession

pytest_plugins = ["core.testing"]
collect_ignore = ["packages"]  # plugins for tests, with code of their own


@pytest.fixture
def orm_scope_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take wall 2 away: statements and rows pass as they are; new rows still get the session's community."""
    monkeypatch.setattr(scope, "named_tenant_tables", lambda _statement: set())
    monkeypatch.setattr(scope, "tables_of_mappers", lambda _state: [])
    monkeypatch.setattr(scope, "_check_row", lambda _row, _scope: None)
    for name in ("bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings"):
        monkeypatch.delattr(ScopedSession, name)


@pytest.fixture
def row_security_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take wall 4 away: the server works as the superuser of the tests. Name it before `place`."""
    monkeypatch.setattr(transactions, "APPLICATION_ROLE", "SELECT rolname FROM pg_roles WHERE false")
