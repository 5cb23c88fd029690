"""Wall 2 alone, the scoped session (docs/tenancy.md): every way to a row, tried from the neighbouring community.

On PostgreSQL row-level security is off here; tests/core/test_row_security.py takes this wall away and leaves that one.
"""
from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import (
    aliased,
    joinedload,
    make_transient_to_detached,
    selectinload,
    subqueryload,
    with_loader_criteria,
)

from core.areas import statements
from core.areas.models import Area, AreaKind, PluginSwitch
from core.areas.scope import Scope, session_for, set_scope
from core.areas.service import add_area, move_area, switch_off
from core.errors import ScopeError
from core.extensions import db
from core.residents.models import Resident, ResidentTag, TagKind
from core.residents.service import set_name
from plugins.canteen.models import Diner

ALIAS = aliased(Resident)
TABLE = Resident.__table__


@pytest.fixture
def street(row_security_off: None, place: Any) -> Any:
    """Each community has one resident, 张三 in `upper` and 李四 in `lower`, tagged and a diner."""
    for slug, name in (("upper", "张三"), ("lower", "李四")):
        with place.app.app_context(), place.session(slug, writes=True) as writing:
            resident = Resident()
            set_name(resident, name)
            kind = writing.scalars(sa.select(TagKind).order_by(TagKind.id)).first()
            tag = ResidentTag(resident=resident, kind=kind, starts_on=date(2026, 1, 1))
            writing.add_all([resident, tag, Diner(resident=resident)])
            writing.flush()
            place.ids[name] = resident.id
    with place.app.app_context():
        yield place


READS = {
    "entity": sa.select(Resident.name),
    "alias": sa.select(ALIAS.name),
    "subquery": sa.select(sa.select(Resident.name).subquery()),
    "alias of subquery": sa.select(aliased(Resident, sa.select(Resident).subquery()).name),
    "cte": sa.select(sa.select(Resident.name).cte()),
    "join": sa.select(Resident.name).join(Diner, Diner.resident_id == Resident.id),
    "join of relation": sa.select(Resident.name).join_from(Diner, Diner.resident),
    "join of alias": sa.select(ALIAS.name).join_from(Diner, ALIAS, Diner.resident),
    "outer join from a free table": sa.select(Resident.name).join_from(
        Area, Resident, Resident.community_id == Area.id).order_by(Area.id),
    "has": sa.select(Resident.name).where(Resident.id.in_(
        sa.select(Diner.resident_id).where(Diner.resident.has(Resident.name != "")))),
    "any": sa.select(Resident.name).where(Resident.tags.any()),
    "union": sa.union_all(sa.select(Resident.name), sa.select(Resident.name).where(Resident.name == "none")),
    "scalar subquery": sa.select(sa.select(Resident.name).scalar_subquery()),
    "table alias as entity": sa.select(aliased(Resident, TABLE.alias()).name),
}


def test_every_way_of_reading_gives_the_own_community_only(street: Any) -> None:
    for slug, name in (("upper", "张三"), ("lower", "李四")):
        with street.session(slug) as reading:
            found = {way: reading.scalars(statement).all() for way, statement in READS.items()}
        assert found == dict.fromkeys(READS, [name])


COUNTS = {
    "count": sa.select(sa.func.count()).select_from(Resident),
    "count of subquery": sa.select(sa.func.count()).select_from(sa.select(Resident.id).limit(9).subquery()),
    "exists": sa.select(sa.func.count()).select_from(Area).where(
        sa.exists().where(Resident.community_id == Area.id)),
    "in": sa.select(sa.func.count()).select_from(Area).where(Area.id.in_(sa.select(Resident.community_id))),
}


def test_every_way_of_counting_counts_the_own_community_only(street: Any) -> None:
    with street.session("upper") as reading:
        assert {way: reading.scalar(statement) for way, statement in COUNTS.items()} == dict.fromkeys(COUNTS, 1)


@pytest.mark.parametrize("load", [joinedload, selectinload, subqueryload])
def test_relations_load_within_the_community(street: Any, load: Any) -> None:
    with street.session("upper") as reading:
        diners = reading.scalars(sa.select(Diner).options(load(Diner.resident).options(load(Resident.tags)))).unique()
        assert [(d.resident.name, len(d.resident.tags)) for d in diners] == [("张三", 1)]


def test_a_lazy_relation_gives_no_foreign_row(street: Any) -> None:
    """Even if a row pointed into another community, its relation would be empty."""
    with street.session("upper") as reading:
        diner = reading.scalars(sa.select(Diner)).one()
        sa.orm.attributes.set_committed_value(diner, "resident_id", street.ids["李四"])
        assert diner.resident is None


def test_an_option_of_the_callers_own_does_not_replace_the_scope(street: Any) -> None:
    with street.session("upper") as reading:
        own = with_loader_criteria(Resident, Resident.name != "x", include_aliases=True)
        diner = reading.scalars(sa.select(Diner).options(own)).one()
        sa.orm.attributes.set_committed_value(diner, "resident_id", street.ids["李四"])
        assert diner.resident is None


def test_get_finds_no_foreign_row(street: Any) -> None:
    with street.session("upper") as reading:
        assert reading.get(Resident, street.ids["李四"]) is None
        assert reading.get(Resident, street.ids["张三"]).name == "张三"


def test_query_finds_no_foreign_row(street: Any) -> None:
    with street.session("upper") as reading:
        assert [r.name for r in reading.query(Resident)] == ["张三"]
        assert reading.query(Resident).count() == 1


@pytest.mark.parametrize("reload", ["expired", "refresh"])
def test_a_refresh_reads_no_foreign_row(street: Any, reload: str) -> None:
    with street.session("upper") as reading:
        row = Resident(id=street.ids["李四"])
        make_transient_to_detached(row)
        reading.add(row)
        with pytest.raises(sa.exc.InvalidRequestError):
            row.name if reload == "expired" else reading.refresh(row)


def test_an_expired_row_of_the_own_community_comes_back(street: Any) -> None:
    with street.session("upper") as reading:
        row = reading.scalars(sa.select(Resident)).one()
        reading.expire_all()
        assert row.name == "张三"
    with street.session("street") as reading:
        row = reading.get(Resident, street.ids["李四"])
        reading.refresh(row)
        assert row.name == "李四"


def test_every_select_carries_the_community(street: Any) -> None:
    """The WHERE itself, alias included: without `include_aliases` a criterion on an abstract base filters nothing."""
    seen: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    with street.session("upper") as reading:
        reading.execute(sa.select(ALIAS.name).join_from(Diner, ALIAS, Diner.resident))
    statement = next(s for s in seen if "canteen_diner" in s)
    assert "resident_1.community_id = " in statement
    assert "canteen_diner.community_id = " in statement


REFUSED = {
    "text": sa.text("SELECT name FROM resident"),
    "text as column": sa.select(sa.text("name FROM resident")),
    "text in where": sa.select(Area.id).where(sa.text("id IN (SELECT community_id FROM resident)")),
    "literal column": sa.select(sa.literal_column("(SELECT max(name) FROM resident)")),
    "core table": sa.select(TABLE.c.name),
    "whole core table": sa.select(TABLE),
    "core alias": sa.select(TABLE.alias()),
    "light table": sa.select(sa.table("resident", sa.column("name")).c.name),
    "core beside an entity": sa.select(Diner.id, TABLE.c.name),
    "core in where": sa.select(Diner.id).where(TABLE.c.name == "李四"),
    "core subquery": sa.select(Area.id, sa.select(sa.func.max(TABLE.c.name)).scalar_subquery()),
    "core exists": sa.select(Area.id).where(sa.exists().where(TABLE.c.community_id == Area.id)),
    "core cte": sa.select(sa.select(TABLE.c.name).cte()),
    "core union": sa.select(Resident.name).union_all(sa.select(TABLE.c.name)),
    "from_statement": sa.select(Resident).from_statement(sa.select(TABLE)),
    "from_statement of entities": sa.select(Resident).from_statement(sa.select(Resident)),
    "core insert": sa.insert(TABLE).values(name="x"),
    "insert": sa.insert(Resident).values(name="x"),
    "insert from select": sa.insert(Resident).from_select(["name"], sa.select(Resident.name)),
    "core update": sa.update(TABLE).values(name="x"),
    "core delete": sa.delete(TABLE),
}


def test_statements_that_cannot_be_limited_are_refused(street: Any) -> None:
    with street.session("upper", writes=True) as writing:
        assert {way for way in REFUSED if not _is_refused(writing, REFUSED[way])} == set()
        writing.rollback()


TWINS = {  # the same tables and columns: once as the ORM's, then past it
    "table": (lambda: sa.select(Resident.id), lambda: sa.select(Resident.__table__.c.id)),
    "subquery": (lambda: sa.select(Area.id).where(Area.id.in_(sa.select(Resident.community_id))),
                 lambda: sa.select(Area.id).where(Area.id.in_(sa.select(Resident.__table__.c.community_id)))),
    "join": (lambda: sa.select(Area.id).join(Resident, Resident.community_id == Area.id),
             lambda: sa.select(Area.id).join(Resident.__table__, Resident.__table__.c.community_id == Area.id)),
    "alias": (lambda: sa.select(aliased(Resident).id), lambda: sa.select(Resident.__table__.alias().c.id)),
    "exists": (lambda: sa.select(sa.exists(sa.select(Resident.id))),
               lambda: sa.select(sa.exists(sa.select(Resident.__table__.c.id)))),
    "text": (lambda: sa.select(Area.id).where(Area.name == "x"), lambda: sa.select(Area.id).where(sa.text("1 = 1"))),
    "literal": (lambda: sa.select(Area.id, sa.literal_column("1")),
                lambda: sa.select(Area.id, sa.literal_column("(SELECT name FROM resident)"))),
}


def test_what_passed_once_opens_the_wall_to_nothing_that_looks_like_it(street: Any) -> None:
    with street.session("upper") as reading:
        for _again in range(3):
            for way, (limited, unlimited) in TWINS.items():
                assert not _is_refused(reading, limited()), way
                assert _is_refused(reading, unlimited()), way


def test_a_statement_of_known_shape_is_not_walked_again(street: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    walked, walk = [], statements._walk
    monkeypatch.setattr(statements, "_passed", {})
    monkeypatch.setattr(statements, "_walk", lambda statement: walked.append(statement) or walk(statement))
    with street.session("upper") as reading:
        walked.clear()
        for number in range(5):
            reading.scalars(sa.select(Resident.name).where(Resident.id == number)).all()
        assert len(walked) == 1
        monkeypatch.setitem(Area.__table__.info, "tenant", True)  # as when a plugin brings its tables
        monkeypatch.setattr(statements, "_refuse_text", _refuse)
        with pytest.raises(ScopeError):
            reading.scalars(sa.select(Resident.name).where(Resident.id == 7))


def _refuse(_element: Any) -> None:
    raise ScopeError("looked at again")


def test_a_session_without_scope_reads_nothing(street: Any) -> None:
    with street.session(None) as reading:
        assert {way for way, s in {**READS, **COUNTS}.items() if not _is_refused(reading, s)} == set()


def _is_refused(session: Any, statement: Any) -> bool:
    try:
        session.execute(statement)
    except ScopeError:
        return True
    return False


def test_a_session_without_scope_writes_nothing(street: Any) -> None:
    with street.session(None, writes=True) as writing:
        writing.add(TagKind(name="x", community_id=street.ids["upper"]))
        with pytest.raises(ScopeError):
            writing.flush()
        writing.rollback()


def test_unscoped_ok_must_be_said_aloud_and_passes_this_wall_alone(street: Any) -> None:
    with street.session(None) as reading:
        found = reading.scalars(sa.select(Resident.name).order_by(Resident.id), execution_options={"unscoped_ok": True})
        assert found.all() == ["张三", "李四"]


def test_an_area_reads_all_communities_below_and_no_others(street: Any) -> None:
    """Two areas one after the other: the SQL is kept, the path in it must not be."""
    with session_for(None, "a test makes another street", writes=True) as writing:
        other = add_area(writing, None, "另一街道", AreaKind.STREET, "other")
        add_area(writing, other, "别处社区", AreaKind.COMMUNITY, "elsewhere")
        other_id = other.id
    for _again in range(2):
        with street.session("street") as reading:
            assert reading.scalars(sa.select(Resident.name).order_by(Resident.id)).all() == ["张三", "李四"]
        with street.session("other") as reading:
            assert reading.scalars(sa.select(Resident.name)).all() == []
    with session_for(None, "a test moves a community", writes=True) as writing:
        move_area(writing, writing.get_one(Area, street.ids["lower"]), writing.get_one(Area, other_id))
    with street.session("other") as reading:
        assert reading.scalars(sa.select(Resident.name)).all() == ["李四"]


def test_a_short_path_is_no_prefix_of_a_longer_number(street: Any) -> None:
    """/1/ and /12/: only whole steps count."""
    with session_for(Scope("/9999/"), "a test looks") as reading:
        assert reading.scalars(sa.select(Resident.name)).all() == []


def test_an_area_does_not_read_where_the_plugin_is_off(street: Any) -> None:
    scope = Scope(street.path("street"), plugin="canteen")
    with session_for(scope, "a test looks") as reading:
        assert len(reading.scalars(sa.select(Diner.id)).all()) == 2
    with session_for(None, "a test switches off", writes=True) as writing:
        switch_off(writing, writing.get_one(Area, street.ids["lower"]), "canteen", date(2026, 11, 23))
    with session_for(scope, "a test looks") as reading:
        assert reading.scalars(sa.select(Diner.community_id)).all() == [street.ids["upper"]]
    with session_for(Scope(street.path("street"), plugin="douyin"), "a test looks") as reading:
        on = set(reading.scalars(sa.select(PluginSwitch.community_id).where(PluginSwitch.plugin == "douyin")))
        assert set(reading.scalars(sa.select(Resident.community_id))) == on


def test_an_area_is_read_only(street: Any) -> None:
    for statement in (sa.update(Resident).values(name="x"), sa.delete(ResidentTag)):
        with street.session("street", writes=True) as writing:
            with pytest.raises(ScopeError):
                writing.execute(statement)
            writing.rollback()
    with street.session("street", writes=True) as writing:
        writing.get(Resident, street.ids["李四"]).name = "x"
        with pytest.raises(ScopeError):
            writing.flush()
        writing.rollback()


def test_a_new_row_gets_its_community(street: Any) -> None:
    with street.session("upper", writes=True) as writing:
        kind = TagKind(name="新标签")
        writing.add(kind)
        writing.flush()
        assert kind.community_id == street.ids["upper"]


@pytest.mark.parametrize("change", ["new", "moved away", "merged"])
def test_a_row_of_another_community_is_not_written(street: Any, change: str) -> None:
    lower = street.ids["lower"]
    with street.session("upper", writes=True) as writing:
        if change == "new":
            writing.add(TagKind(name="x", community_id=lower))
        elif change == "moved away":
            writing.scalars(sa.select(TagKind)).first().community_id = lower
        else:
            writing.merge(Resident(id=street.ids["李四"], community_id=lower, name="x"))
        with pytest.raises(ScopeError):
            writing.flush()
        writing.rollback()
    assert _name_in_lower(street) == "李四"


def test_a_row_whose_old_community_is_foreign_is_not_taken(street: Any) -> None:
    with street.session("lower") as reading:
        row = reading.scalars(sa.select(Resident)).one()
        reading.expunge_all()
    with street.session("upper", writes=True) as writing:
        writing.add(row)
        row.community_id = street.ids["upper"]
        with pytest.raises(ScopeError):
            writing.flush()
        writing.rollback()
    assert _name_in_lower(street) == "李四"


def test_a_merge_makes_no_copy_of_a_foreign_row(street: Any) -> None:
    with street.session("upper", writes=True) as writing:
        merged = writing.merge(Resident(id=street.ids["李四"], name="x"))
        with pytest.raises(sa.exc.IntegrityError):
            writing.flush()
        writing.rollback()
        assert merged not in writing
    assert _name_in_lower(street) == "李四"


def test_a_foreign_row_is_not_deleted(street: Any) -> None:
    with street.session("lower") as reading:
        row = reading.scalars(sa.select(ResidentTag)).one()
        reading.expunge_all()
    with street.session("upper", writes=True) as writing:
        writing.delete(row)
        with pytest.raises(ScopeError):
            writing.flush()
        writing.rollback()


def test_updates_and_deletes_of_many_stay_inside(street: Any) -> None:
    with street.session("upper", writes=True) as writing:
        writing.execute(sa.update(Resident).values(name="改名"))
        writing.execute(sa.delete(ResidentTag))
    assert _name_in_lower(street) == "李四"
    with street.session("lower") as reading:
        assert len(reading.scalars(sa.select(ResidentTag.id)).all()) == 1
    with street.session("upper") as reading:
        assert reading.scalars(sa.select(Resident.name)).all() == ["改名"]


def test_rows_are_not_moved_by_an_update_of_many(street: Any) -> None:
    lower = street.ids["lower"]
    with street.session("upper", writes=True) as writing:
        for statement, values in (
            (sa.update(Resident).values(community_id=lower), None),
            (sa.update(Resident).values({Resident.community_id: lower}), None),
            (sa.update(Resident), {"community_id": lower}),
            (sa.update(Resident), [{"id": street.ids["李四"], "name": "x"}]),
        ):
            with pytest.raises(ScopeError):
                writing.execute(statement, values)
        writing.rollback()


def test_bulk_methods_are_closed(street: Any) -> None:
    row = {"community_id": street.ids["lower"], "name": "x", "row_version": 1}
    with street.session("upper", writes=True) as writing:
        for call in (
            lambda: writing.bulk_insert_mappings(TagKind, [row]), lambda: writing.bulk_update_mappings(TagKind, [row]),
            lambda: writing.bulk_save_objects([TagKind(**row)]), lambda: writing.execute(sa.insert(TagKind), [row]),
        ):
            with pytest.raises(ScopeError):
                call()
        writing.rollback()


def test_a_session_keeps_its_scope_for_life(street: Any) -> None:
    with street.session("upper") as reading:
        set_scope(reading, Scope(street.path("upper"), street.ids["upper"]))
        with pytest.raises(ScopeError):
            set_scope(reading, Scope(street.path("lower"), street.ids["lower"]))


def test_a_reading_session_cannot_write(street: Any) -> None:
    with street.session("upper") as reading:
        reading.add(TagKind(name="x"))
        with pytest.raises(sa.exc.DBAPIError):
            reading.flush()


def _name_in_lower(place: Any) -> str:
    with place.session("lower") as reading:
        return reading.scalars(sa.select(Resident.name)).one()
