"""The session of a community reaches no row of another by any kind of statement, and this test would notice."""
from __future__ import annotations

from typing import Any

import pytest

from core.areas.tenancy import tenant_models
from core.testing.walk import not_limited
from tests.isolation.statements import CHANGES, SELECTS, reached_by_statements
from tests.isolation.world import World


def test_no_statement_reaches_another_community(world: World) -> None:
    assert {m.__tablename__: found for m in tenant_models() if (found := reached_by_statements(world, m))} == {}


def test_each_kind_of_statement_goes_red_when_one_model_is_not_limited(
    row_security_off: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for model in tenant_models():
        with not_limited(world.app, model, monkeypatch):
            assert reached_by_statements(world, model) == [*SELECTS, "get", *CHANGES], model
        assert reached_by_statements(world, model) == []
