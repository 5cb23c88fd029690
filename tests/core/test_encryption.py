"""Personal data at rest: nothing is readable without the key file, and nothing is lost while it is there."""
from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, insert, select, text

from core.encryption import EncryptedText, KeyRing
from core.errors import SetupError

RING = KeyRing("k1", {"k1": b"\x01" * 32}, b"\x02" * 32, b"\x03" * 32)
SOME_KEY = base64.b64encode(b"\x04" * 32).decode()
texts = st.text(st.characters(codec="utf-8"))
contexts = st.sampled_from(["resident.identity_number", "resident.phone", ""])
posix_only = pytest.mark.skipif(os.name != "posix", reason="file modes mean nothing here")


@pytest.fixture
def key_file(tmp_path) -> Path:
    KeyRing.create(tmp_path / "keys.json")
    return tmp_path / "keys.json"


def change(key_file: Path, **parts: object) -> None:
    key_file.write_text(json.dumps(json.loads(key_file.read_text()) | parts))


def words_of(path: Path) -> str:
    with pytest.raises(SetupError) as caught:
        KeyRing.load(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@given(texts, contexts)
def test_what_was_encrypted_is_read_back(plain, context):
    assert RING.decrypt(RING.encrypt(plain, context), context) == plain


@given(st.binary(), contexts)
def test_a_file_that_was_encrypted_is_read_back(content, context):
    assert RING.decrypt_bytes(RING.encrypt_bytes(content, context), context) == content


def test_a_token_is_text_that_names_its_key_and_shows_nothing():
    token = RING.encrypt("11010519491231002X", "resident.identity_number")
    assert token.startswith("k1:") and token.isascii()
    assert b"1949" not in base64.b64decode(token[3:])


def test_equal_values_do_not_look_equal():
    assert RING.encrypt("张三", "a") != RING.encrypt("张三", "a")
    assert RING.encrypt_bytes(b"x", "a") != RING.encrypt_bytes(b"x", "a")


def test_a_value_moved_to_another_context_is_noticed():
    with pytest.raises(SetupError, match="resident.phone"):
        RING.decrypt(RING.encrypt("13855551234", "resident.contact"), "resident.phone")


@given(st.binary(min_size=1, max_size=40), st.data())
def test_one_changed_bit_is_noticed(content, data):
    sealed = bytearray(RING.encrypt_bytes(content, "a"))
    sealed[data.draw(st.integers(3, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SetupError):
        RING.decrypt_bytes(bytes(sealed), "a")


@given(st.one_of(st.text(max_size=60), st.text(max_size=60).map("k1:".__add__),
                 st.binary(max_size=40).map(lambda b: "k1:" + base64.b64encode(b).decode())))
def test_what_is_no_token_is_refused_in_words(token):
    with pytest.raises(SetupError):
        RING.decrypt(token, "a")


@given(st.binary(max_size=60))
def test_what_is_no_encrypted_file_is_refused_in_words(sealed):
    with pytest.raises(SetupError):
        RING.decrypt_bytes(sealed, "a")


def test_a_token_with_something_added_is_refused():
    with pytest.raises(SetupError, match="was changed"):
        RING.decrypt(RING.encrypt("x", "a") + "!", "a")


def test_plain_text_found_in_place_of_a_token_is_not_repeated_in_the_error():
    with pytest.raises(SetupError, match="was changed") as caught:
        RING.decrypt(f"13855551234:{SOME_KEY}", "a")
    assert "13855551234" not in str(caught.value)


def test_an_unknown_key_is_named():
    token = RING.encrypt("x", "a").replace("k1:", "k7:")
    with pytest.raises(SetupError, match="does not have key k7"):
        RING.decrypt(token, "a")


def test_a_value_is_found_by_its_index_in_its_context_only():
    index = RING.blind_index("13855551234", "resident.phone")
    assert index == RING.blind_index("13855551234", "resident.phone")
    assert len(index) == 32 and set(index) <= set("0123456789abcdef")
    others = {RING.blind_index("13855551235", "resident.phone"), RING.blind_index("13855551234", "staff.phone")}
    assert len(others | {index}) == 3


def test_an_index_needs_the_key():
    other = KeyRing("k1", RING.encryption, b"\x09" * 32, RING.session_secret)
    assert RING.blind_index("13855551234", "a") != other.blind_index("13855551234", "a")


def test_a_key_file_that_was_made_can_be_loaded(tmp_path):
    made = KeyRing.create(tmp_path / "keys.json")
    loaded = KeyRing.load(tmp_path / "keys.json")
    assert loaded == made
    assert loaded.decrypt(made.encrypt("张三", "a"), "a") == "张三"


def test_the_keys_of_a_file_are_long_and_differ(key_file):
    ring = KeyRing.load(key_file)
    keys = {*ring.encryption.values(), ring.index, ring.session_secret}
    assert len(keys) == 3 and {len(key) for key in keys} == {32}


def test_two_key_files_have_nothing_in_common(tmp_path):
    one, two = KeyRing.create(tmp_path / "one"), KeyRing.create(tmp_path / "two")
    assert one.fingerprint != two.fingerprint and one.session_secret != two.session_secret
    with pytest.raises(SetupError):
        two.decrypt(one.encrypt("x", "a"), "a")


@posix_only
def test_a_new_key_file_is_readable_by_its_owner_only(key_file):
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_making_a_key_file_leaves_nothing_else_behind(key_file):
    assert list(key_file.parent.iterdir()) == [key_file]


def test_a_key_file_is_never_overwritten(key_file):
    before = key_file.read_bytes()
    with pytest.raises(SetupError, match="exists already"):
        KeyRing.create(key_file)
    assert key_file.read_bytes() == before
    assert list(key_file.parent.iterdir()) == [key_file]


def test_a_key_file_in_a_missing_folder_is_refused_in_words(tmp_path):
    with pytest.raises(SetupError, match="check the folder"):
        KeyRing.create(tmp_path / "missing" / "keys.json")


def test_a_missing_key_file_is_said_so(tmp_path):
    assert "There is no key file" in words_of(tmp_path / "keys.json")


@posix_only
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o601])
def test_a_key_file_that_others_can_open_is_refused(key_file, mode):
    key_file.chmod(mode)
    assert f"chmod 600 {key_file}" in words_of(key_file)


def test_a_key_file_that_cannot_be_read_is_said_so(tmp_path):
    folder = tmp_path / "keys.json"
    folder.mkdir(mode=0o700)
    assert "cannot be read" in words_of(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"null", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_key_file_is_said_so(key_file, content):
    key_file.write_bytes(content)
    assert "not a complete key file" in words_of(key_file)


@pytest.mark.parametrize("parts", [
    {"current": "k2"}, {"current": None}, {"current": []}, {"encryption": {}}, {"encryption": []}, {"index": "AAAA"},
    {"session": 5}, {"encryption": {"k1": SOME_KEY, "a:b": SOME_KEY}},
    {"index": "no base64!"}, {"encryption": {"k1": "AAAA"}}, {"encryption": {"k1": None}},
])
def test_a_key_file_with_a_wrong_part_is_said_so(key_file, parts):
    change(key_file, **parts)
    assert "not a complete key file" in words_of(key_file)


def test_after_a_new_key_is_added_old_values_stay_readable(key_file):
    old = KeyRing.load(key_file)
    token = old.encrypt("张三", "a")
    keys = json.loads(key_file.read_text())["encryption"]
    change(key_file, current="k2", encryption=keys | {"k2": base64.b64encode(secrets.token_bytes(32)).decode()})
    new = KeyRing.load(key_file)
    assert new.decrypt(token, "a") == "张三"
    assert new.encrypt("张三", "a").startswith("k2:")
    assert new.fingerprint == old.fingerprint


def test_neither_fingerprint_nor_representation_reveals_a_key(key_file):
    ring = KeyRing.load(key_file)
    assert repr(ring) == str(ring) == f"<KeyRing {ring.fingerprint}>"
    for key in (*ring.encryption.values(), ring.index, ring.session_secret):
        assert key.hex()[:8] not in ring.fingerprint


people = Table("people", MetaData(), Column("id", Integer, primary_key=True),
               Column("phone", EncryptedText("resident.phone")))


@pytest.fixture
def connection():
    app = Flask(__name__)
    app.extensions["jinlin_keys"] = RING
    engine = create_engine("sqlite://")
    people.create(engine)
    with app.app_context(), engine.connect() as connection:
        yield connection
    engine.dispose()


@given(st.one_of(st.none(), texts))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_an_encrypted_column_gives_back_what_was_put_in(connection, value):
    row = connection.execute(insert(people).values(phone=value).returning(people.c.id)).scalar_one()
    assert connection.execute(select(people.c.phone).where(people.c.id == row)).scalar_one() == value


def test_the_database_holds_only_the_token(connection):
    connection.execute(insert(people).values(phone="13855551234"))
    stored = connection.execute(text("SELECT phone FROM people")).scalar_one()
    assert "13855551234" not in stored
    assert RING.decrypt(stored, "resident.phone") == "13855551234"


def test_an_empty_value_is_found_by_null(connection):
    connection.execute(insert(people), [{"phone": None}, {"phone": "110"}])
    assert connection.execute(select(people.c.id).where(people.c.phone.is_(None))).scalars().all() == [1]
    assert connection.execute(select(people.c.id).where(people.c.phone != None)).scalars().all() == [2]  # noqa: E711 - SQL


@pytest.mark.parametrize("compare", [
    lambda c: c == "110", lambda c: c != "110", lambda c: c.in_(["110"]), lambda c: c.like("1%"),
    lambda c: c.contains("1"), lambda c: c > "1", lambda c: c.desc(),
])
def test_an_encrypted_column_cannot_be_compared_or_sorted_by_mistake(compare):
    with pytest.raises(TypeError, match="blind_index"):
        compare(people.c.phone)
