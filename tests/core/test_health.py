"""Whether the server lives, and whether it is ready to serve."""
from __future__ import annotations

import pytest
import sqlalchemy as sa


@pytest.fixture
def execute(place):
    """Change the database behind the program's back."""
    def run(statement: str) -> None:
        with place.owner() as connection:
            connection.exec_driver_sql(statement)

    return run


def test_a_server_with_current_tables_lives_and_is_ready(place):
    assert place.browser().get("/healthz").json == {"alive": True}
    assert place.browser().get("/readyz").json == {"ready": True}


def test_a_server_whose_tables_are_behind_lives_but_is_not_ready(place, execute):
    execute("DELETE FROM alembic_version_canteen")
    answer = place.browser().get("/readyz")
    assert answer.status_code == 503 and answer.json["pending"] == ["canteen"]
    assert place.browser().get("/healthz").status_code == 200


def test_a_server_whose_data_are_newer_is_not_ready(place, execute):
    execute("UPDATE alembic_version_core SET version_num = 'core_9999'")
    answer = place.browser().get("/readyz")
    assert answer.status_code == 503 and answer.json["reason"] == "newer"


def test_a_server_whose_database_does_not_answer_is_not_ready(place, monkeypatch):
    def refuse(*_arguments: object) -> None:
        raise sa.exc.OperationalError("SELECT 1", {}, OSError("gone"))

    monkeypatch.setattr("core.admin.health.pending", refuse)
    answer = place.browser().get("/readyz")
    assert answer.status_code == 503 and answer.json["reason"] == "database"
    assert place.browser().get("/healthz").status_code == 200
