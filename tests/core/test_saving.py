"""Whole or not at all, once for a double click, never over somebody else's change."""
from __future__ import annotations

import threading
from typing import Any

import pytest
import sqlalchemy as sa

from core.admin.once import create_once
from core.admin.saving import (
    Stale,
    clean_reason,
    commit,
    put_in_bin,
    restore,
    save_changes,
    send_to_bin,
    void,
)
from core.errors import ValidationError
from core.residents.models import Resident, ResidentTag, TagKind
from core.testing.records import make
from plugins.canteen.models import Diner, Meal

KEY = "a-key-of-a-form-0001"


@pytest.fixture
def here(place: Any) -> Any:
    """The place within its app and a request: messages need a language."""
    with place.app.test_request_context():
        yield place


def tags(place: Any, name: str) -> int:
    with place.session("upper") as reading:
        return reading.scalar(sa.select(sa.func.count()).select_from(TagKind).where(TagKind.name == name))


def test_the_same_key_makes_one_record(here: Any) -> None:
    answers = []
    for _click in range(2):
        with here.session("upper", writes=True) as writing:
            answers.append(create_once(writing, TagKind, KEY, lambda: TagKind(name="双击")))
    assert answers[0][1] and answers[1] == (answers[0][0], False)
    assert tags(here, "双击") == 1


def test_two_clicks_in_the_same_moment_make_one_record(place: Any) -> None:
    together, answers = threading.Barrier(4), []

    def click() -> None:
        with place.app.test_request_context(), place.session("upper", writes=True) as writing:
            together.wait()
            answers.append(create_once(writing, TagKind, KEY, lambda: TagKind(name="同时")))

    threads = [threading.Thread(target=click) for _each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with place.app.app_context():
        assert tags(place, "同时") == 1
    assert sorted(created for _id, created in answers) == [False, False, False, True]
    assert len({number for number, _created in answers}) == 1


def test_the_same_key_is_free_in_another_community(here: Any) -> None:
    for slug in ("upper", "lower"):
        with here.session(slug, writes=True) as writing:
            assert create_once(writing, TagKind, KEY, lambda: TagKind(name="各自"))[1]


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "with blanks in the key", "键" * 20])
def test_a_form_without_a_key_of_ours_is_refused(here: Any, key: str) -> None:
    with here.session("upper", writes=True) as writing, pytest.raises(ValidationError):
        create_once(writing, TagKind, key, lambda: TagKind(name="x"))


def test_a_broken_key_speaks_in_its_own_sentence_and_frees_the_form(here: Any) -> None:
    with here.session("upper", writes=True) as writing:
        create_once(writing, TagKind, KEY, lambda: TagKind(name="重名"))
        with pytest.raises(ValidationError) as refused:
            create_once(writing, TagKind, KEY + "2", lambda: TagKind(name="重名"))
        index = next(i for i in TagKind.__table__.indexes if i.unique)
        assert str(refused.value) == str(index.info["message"])
        assert create_once(writing, TagKind, KEY + "2", lambda: TagKind(name="不重名"))[1]


def test_a_changed_record_is_not_overwritten(here: Any) -> None:
    with here.session("upper", writes=True) as writing:
        kind = writing.scalars(sa.select(TagKind)).first()
        with pytest.raises(Stale):
            save_changes(writing, kind, str(kind.row_version + 1), lambda: setattr(kind, "note", "x"))
        save_changes(writing, kind, str(kind.row_version), lambda: setattr(kind, "note", "y"))
        assert (kind.note, kind.row_version) == ("y", 2)


@pytest.mark.parametrize("version", ["", "-1", "x", "１", "9" * 40])
def test_a_version_that_is_none_counts_as_old(here: Any, version: str) -> None:
    with here.session("upper", writes=True) as writing, pytest.raises(Stale):
        save_changes(writing, writing.scalars(sa.select(TagKind)).first(), version, lambda: None)


def test_a_true_race_is_stale_too(here: Any) -> None:
    """Both read version 1; the second to write loses, though its form was fresh."""
    with here.session("upper") as reading:
        kind = reading.scalars(sa.select(TagKind)).first()
        reading.expunge_all()
        same = reading.get(TagKind, kind.id)
        reading.expunge_all()
    with here.session("upper", writes=True) as writing:
        writing.get(TagKind, kind.id).note = "first"
    with here.session("upper", writes=True) as writing:
        writing.add(kind)
        with pytest.raises(Stale):
            save_changes(writing, kind, "1", lambda: setattr(kind, "note", "second"))
    with here.session("upper", writes=True) as writing:
        writing.add(same)
        same.note = "third"
        with pytest.raises(ValidationError):
            commit(writing)


def test_what_is_used_stays_out_of_the_bin(here: Any) -> None:
    with here.session("upper", writes=True) as writing:
        made: dict[str, Any] = {}
        make(writing, Diner, made)
        resident, diner = made["resident"], made["canteen_diner"]
        with pytest.raises(ValidationError):
            send_to_bin(writing, resident, "test")
        assert resident.deleted_at is None
        send_to_bin(writing, diner, "test")
        send_to_bin(writing, resident, "test")
        assert resident.deleted_by == "test"
        with pytest.raises(ValidationError):
            send_to_bin(writing, resident, "again")


def test_a_tag_that_a_resident_bears_stays(here: Any) -> None:
    with here.session("upper", writes=True) as writing:
        tag = make(writing, ResidentTag, {})
        with pytest.raises(ValidationError):
            send_to_bin(writing, tag.kind, "test")
        send_to_bin(writing, tag.resident, "test")  # its own tags and phones go with the resident


def test_a_voided_entry_holds_nobody_back(here: Any) -> None:
    with here.session("upper", writes=True) as writing:
        made: dict[str, Any] = {}
        meal = make(writing, Meal, made)
        with pytest.raises(ValidationError):
            send_to_bin(writing, made["canteen_diner"], "test")
        void(writing, meal, "test", "打错了")
        send_to_bin(writing, made["canteen_diner"], "test")


def test_nothing_comes_back_without_what_it_belongs_to(here: Any) -> None:
    with here.session("upper", writes=True) as writing:
        made: dict[str, Any] = {}
        diner = make(writing, Diner, made)
        send_to_bin(writing, diner, "test")
        send_to_bin(writing, made["resident"], "test")
        with pytest.raises(ValidationError):
            restore(writing, diner)
        restore(writing, made["resident"])
        restore(writing, diner)
        assert diner.deleted_at is None and diner.deleted_by is None


def test_a_restored_record_does_not_double_a_living_one(here: Any) -> None:
    with here.session("upper", writes=True) as writing:
        first = make(writing, TagKind, {}, name="回来")
        send_to_bin(writing, first, "test")
        make(writing, TagKind, {}, name="回来")
        writing.commit()
        with pytest.raises(ValidationError):
            restore(writing, first)


def test_several_go_into_the_bin_together_or_not_at_all(here: Any) -> None:
    with here.session("upper", writes=True) as writing:
        free, used = make(writing, Resident, {}), make(writing, Diner, {}).resident
        writing.commit()
        with pytest.raises(ValidationError):
            for record in (free, used):
                put_in_bin(writing, record, "test")
        writing.rollback()
        assert free.deleted_at is None


def test_voiding_needs_a_reason_and_happens_once(here: Any) -> None:
    with here.session("upper", writes=True) as writing:
        meal = make(writing, Meal, {})
        for reason in ("", " ", "\n\t", "x", "\x00\x01"):
            with pytest.raises(ValidationError):
                void(writing, meal, "test", reason)
        void(writing, meal, "test", "  重复\n记录 ")
        assert (meal.voided_by, meal.void_reason) == ("test", "重复 记录")
        with pytest.raises(ValidationError):
            void(writing, meal, "test", "再来一次")


def test_a_reason_is_one_visible_line() -> None:
    assert clean_reason("a\x00b\u202ec\nd " + "长" * 300) == "a b c d " + "长" * 192


def test_a_resident_is_not_deleted_for_good(here: Any) -> None:
    with here.session("upper", writes=True) as writing:
        resident = make(writing, Resident, {})
        send_to_bin(writing, resident, "test")
        assert writing.scalar(sa.select(Resident.id).where(Resident.id == resident.id)) == resident.id
