"""Keys: made once, at the first start, and never again while there are data that need the old ones."""
from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.cli import speaker
from core.config import Settings, settings_from_environment
from core.encryption import KeyRing
from core.errors import SetupError
from core.installation import opened
from core.keys import ring_with


@pytest.fixture
def empty(database_url: str, tmp_path: Path) -> Settings:
    """An installation over an empty database, with its key file in a folder that is not there yet."""
    return settings_from_environment({
        "JINLIN_INSTANCE": str(tmp_path), "JINLIN_DATABASE_URL": database_url,
        "JINLIN_KEY_FILE": str(tmp_path / "apart" / "keys.json"),
    })


@pytest.fixture
def filled(place) -> Settings:
    """An installation with data."""
    return place.app.extensions["jinlin_settings"]


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Refusals in English."""
    monkeypatch.setenv("JINLIN_LANG", "en")
    with speaker().app_context():
        yield


def test_the_first_start_makes_the_key_file_for_its_owner_alone(empty):
    with opened(empty) as app:
        assert app.extensions["jinlin_keys"].fingerprint == KeyRing.load(empty.key_file).fingerprint
    assert os.name != "posix" or stat.S_IMODE(empty.key_file.stat().st_mode) == 0o600


def test_the_second_start_uses_the_same_keys(empty):
    with opened(empty) as app:
        first = app.extensions["jinlin_keys"]
    with opened(empty) as app:
        assert app.extensions["jinlin_keys"] == first


def test_servers_that_start_at_once_agree_on_the_keys(empty, monkeypatch):
    create = KeyRing.create

    def create_after_another(path: Path) -> KeyRing:
        create(path)
        return create(path)

    monkeypatch.setattr(KeyRing, "create", create_after_another)
    with opened(empty) as app:
        assert app.extensions["jinlin_keys"].fingerprint == KeyRing.load(empty.key_file).fingerprint


def test_many_rings_made_at_once_are_one(tmp_path):
    def make(_n: int) -> str:
        try:
            return KeyRing.create(tmp_path / "keys.json").fingerprint
        except SetupError:
            return KeyRing.load(tmp_path / "keys.json").fingerprint

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(make, range(8)))) == 1


def test_with_data_and_without_the_key_file_the_start_is_refused_and_no_key_is_made(filled):
    filled.key_file.unlink()
    with pytest.raises(SetupError, match="is gone"), opened(filled):
        pass
    assert not filled.key_file.exists()


def test_another_key_file_is_refused_with_both_fingerprints(filled):
    needed = KeyRing.load(filled.key_file).fingerprint
    filled.key_file.unlink()
    other = KeyRing.create(filled.key_file).fingerprint
    with pytest.raises(SetupError, match=f"{needed}.*{other}"), opened(filled):
        pass


@pytest.mark.skipif(os.name != "posix", reason="file modes mean nothing here")
def test_a_key_file_that_others_can_read_is_refused(filled):
    filled.key_file.chmod(0o644)
    with pytest.raises(SetupError, match="chmod 600"), opened(filled):
        pass


def test_a_folder_that_cannot_be_made_is_told_in_words(empty):
    blocked = empty.instance / "file"
    blocked.write_text("")
    settings = settings_from_environment({
        "JINLIN_INSTANCE": str(empty.instance), "JINLIN_DATABASE_URL": empty.database_url,
        "JINLIN_KEY_FILE": str(blocked / "keys.json"),
    })
    with pytest.raises(SetupError) as caught, opened(settings):
        pass
    assert "keys.json" in str(caught.value)


def test_any_key_file_will_do_while_nothing_needs_one(tmp_path):
    made = KeyRing.create(tmp_path / "keys.json")
    settings = settings_from_environment({"JINLIN_INSTANCE": str(tmp_path)})
    assert ring_with(settings, None) == made
