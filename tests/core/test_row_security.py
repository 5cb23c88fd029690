"""Wall 4 alone, PostgreSQL's row-level security (docs/tenancy.md): the session's own wall is taken away first."""
from __future__ import annotations

from contextlib import closing
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import aliased, joinedload, make_transient_to_detached, selectinload, subqueryload

from core.areas.models import Area, AreaKind
from core.areas.scope import EVERYWHERE, Scope, session_for, set_scope
from core.areas.service import add_area, switch_off
from core.errors import ScopeError
from core.extensions import db
from core.residents.models import Resident, ResidentTag, TagKind
from core.residents.service import set_name
from plugins.canteen.models import Diner

ALIAS = aliased(Resident)
TABLE = Resident.__table__
REFUSED = "row-level security"


@pytest.fixture
def kind() -> str:
    """SQLite has no row-level security; there walls 2 and 3 stand alone."""
    return "postgresql"


@pytest.fixture
def street(place: Any, orm_scope_off: None) -> Any:
    """Each community has one resident, 张三 in `upper` and 李四 in `lower`, tagged and a diner."""
    with place.app.app_context():
        for slug, name in (("upper", "张三"), ("lower", "李四")):
            with place.session(slug, writes=True) as writing:
                resident = Resident()
                set_name(resident, name)
                kind = writing.scalars(sa.select(TagKind).order_by(TagKind.id)).first()
                tag = ResidentTag(resident=resident, kind=kind, starts_on=date(2026, 1, 1))
                writing.add_all([resident, tag, Diner(resident=resident)])
                writing.flush()
                place.ids[name] = resident.id
        yield place


READS = {
    "entity": sa.select(Resident.name),
    "alias": sa.select(ALIAS.name),
    "subquery": sa.select(sa.select(Resident.name).subquery()),
    "cte": sa.select(sa.select(Resident.name).cte()),
    "join": sa.select(Resident.name).join(Diner, Diner.resident_id == Resident.id),
    "join of alias": sa.select(ALIAS.name).join_from(Diner, ALIAS, Diner.resident),
    "join from a free table": sa.select(Resident.name).join_from(Area, Resident, Resident.community_id == Area.id),
    "any": sa.select(Resident.name).where(Resident.tags.any()),
    "union": sa.union_all(sa.select(Resident.name), sa.select(Resident.name).where(Resident.name == "none")),
    "from_statement": sa.select(Resident.name).from_statement(sa.select(TABLE.c.name)),
    "core table": sa.select(TABLE.c.name),
    "core alias": sa.select(TABLE.alias().c.name),
    "core exists": sa.select(TABLE.c.name).where(sa.exists().where(TABLE.c.community_id == Area.id)),
    "text": sa.text("SELECT name FROM resident"),
    "text in where": sa.select(Resident.name).where(sa.text("id IN (SELECT resident_id FROM canteen_diner)")),
    "text with the foreign id": sa.text("SELECT name FROM resident WHERE community_id > 0 OR true"),
    "literal column": sa.select(sa.literal_column("(SELECT min(name) FROM resident)")),
}


def test_every_way_of_reading_gives_the_own_community_only(street: Any) -> None:
    for slug, name in (("upper", "张三"), ("lower", "李四")):
        with street.session(slug) as reading:
            found = {way: reading.execute(statement).scalars().all() for way, statement in READS.items()}
        assert found == dict.fromkeys(READS, [name])


def test_a_session_without_scope_reads_nothing(street: Any) -> None:
    with street.session(None) as reading:
        found = {way: reading.execute(statement).scalars().all() for way, statement in READS.items()}
    assert found == dict.fromkeys(READS, []) | {"literal column": [None]}


def test_every_way_of_counting_counts_the_own_community_only(street: Any) -> None:
    with street.session("upper") as reading:
        assert reading.scalar(sa.select(sa.func.count()).select_from(Resident)) == 1
        assert reading.scalar(sa.select(sa.func.count()).select_from(TABLE)) == 1
        assert reading.query(Resident).count() == 1


@pytest.mark.parametrize("load", [joinedload, selectinload, subqueryload])
def test_relations_load_within_the_community(street: Any, load: Any) -> None:
    with street.session("upper") as reading:
        diners = reading.scalars(sa.select(Diner).options(load(Diner.resident).options(load(Resident.tags)))).unique()
        assert [(d.resident.name, len(d.resident.tags)) for d in diners] == [("张三", 1)]


def test_a_lazy_relation_gives_no_foreign_row(street: Any) -> None:
    with street.session("upper") as reading:
        diner = reading.scalars(sa.select(Diner)).one()
        sa.orm.attributes.set_committed_value(diner, "resident_id", street.ids["李四"])
        assert diner.resident is None


def test_get_and_the_identity_map_find_no_foreign_row(street: Any) -> None:
    with street.session("upper") as reading:
        assert reading.get(Resident, street.ids["张三"]).name == "张三"
        for _again in range(2):
            assert reading.get(Resident, street.ids["李四"]) is None


@pytest.mark.parametrize("reload", ["expired", "refresh"])
def test_a_refresh_reads_no_foreign_row(street: Any, reload: str) -> None:
    with street.session("upper") as reading:
        row = Resident(id=street.ids["李四"])
        make_transient_to_detached(row)
        reading.add(row)
        with pytest.raises(sa.exc.InvalidRequestError):
            row.name if reload == "expired" else reading.refresh(row)


def refused(writing: Any, work: Any) -> None:
    """The database itself says no."""
    with pytest.raises(sa.exc.ProgrammingError, match=REFUSED), writing.begin_nested():
        work()


def test_no_way_of_inserting_puts_a_row_into_another_community(street: Any) -> None:
    row = {"community_id": street.ids["lower"], "name": "x", "row_version": 1}
    with street.session("upper", writes=True) as writing:
        def add() -> None:
            writing.add(TagKind(**row))
            writing.flush()

        for way in (
            add, lambda: writing.execute(sa.insert(TagKind), [row]),
            lambda: writing.execute(sa.insert(TagKind.__table__).values(**row)),
            lambda: writing.execute(sa.text("INSERT INTO resident_tag_kind (community_id, name, row_version) "
                                            "VALUES (:community_id, :name, :row_version)"), row),
            lambda: writing.execute(sa.insert(TagKind.__table__).from_select(
                ["community_id", "name", "row_version"], sa.select(sa.literal(row["community_id"]), sa.literal("x"),
                                                                   sa.literal(1)))),
            lambda: writing.bulk_insert_mappings(TagKind, [row]),
            lambda: writing.bulk_save_objects([TagKind(**row)]),
        ):
            refused(writing, way)
        writing.rollback()


def test_no_way_of_updating_reaches_or_moves_a_foreign_row(street: Any) -> None:
    ids, rest = street.ids, {"synchronize_session": False}
    with street.session("upper", writes=True) as writing:
        for statement in (
            sa.update(Resident).values(name="改名"), sa.update(TABLE).values(name="改名"),
            sa.update(Resident).where(Resident.id == ids["李四"]).values(name="改名"),
            sa.text("UPDATE resident SET name = '改名'"),
        ):
            writing.execute(statement, execution_options=rest)
        with pytest.raises(sa.orm.exc.StaleDataError), writing.begin_nested():
            writing.execute(sa.update(Resident), [{"id": ids["李四"], "name": "改名", "row_version": 1}])
        refused(writing, lambda: writing.execute(sa.update(Resident).values(community_id=ids["lower"]),
                                                 execution_options=rest))
        refused(writing, lambda: writing.execute(sa.text(f"UPDATE resident SET community_id = {ids['lower']}")))
    assert names(street) == {"upper": ["改名"], "lower": ["李四"]}


def test_no_way_of_deleting_reaches_a_foreign_row(street: Any) -> None:
    with street.session("lower") as reading:
        foreign = reading.scalars(sa.select(ResidentTag)).one()
        reading.expunge_all()
    with street.session("upper", writes=True) as writing:
        with pytest.raises(sa.orm.exc.StaleDataError), writing.begin_nested():
            writing.delete(foreign)
            writing.flush()
        writing.execute(sa.delete(ResidentTag), execution_options={"synchronize_session": False})
        writing.execute(sa.text("DELETE FROM resident_tag"))
    with street.session("lower") as reading:
        assert len(reading.scalars(sa.select(ResidentTag.id)).all()) == 1


def test_a_merge_takes_no_foreign_row(street: Any) -> None:
    """It finds none, so it would insert: into the other community it may not, into the own one the id is taken."""
    with street.session("upper", writes=True) as writing:
        foreign = {"id": street.ids["李四"], "name": "x", "search_key": "", "sort_key": ""}
        writing.merge(Resident(community_id=street.ids["lower"], **foreign))
        with pytest.raises(sa.exc.ProgrammingError, match=REFUSED):
            writing.flush()
        writing.rollback()
        writing.merge(Resident(**foreign))
        with pytest.raises(sa.exc.IntegrityError):
            writing.flush()
        writing.rollback()
    assert names(street)["lower"] == ["李四"]


def test_a_foreign_key_tells_nothing_of_a_foreign_row(street: Any) -> None:
    """A key that points into another community fails as one that points nowhere (wall 3)."""
    said = []
    with street.session("upper", writes=True) as writing:
        for number in (street.ids["李四"], 987654):
            with pytest.raises(sa.exc.IntegrityError) as caught, writing.begin_nested():
                writing.execute(sa.text("INSERT INTO canteen_diner (community_id, resident_id, usual_way, row_version) "
                                        f"VALUES ({street.ids['upper']}, {number}, 'eat_in', 1)"))
            said.append(str(caught.value.orig).replace(str(number), "…"))
    assert said[0] == said[1]


def test_an_area_reads_all_communities_below_and_no_others(street: Any) -> None:
    with session_for(None, "a test makes another street", writes=True) as writing:
        other = add_area(writing, None, "另一街道", AreaKind.STREET, "other")
        add_area(writing, other, "别处社区", AreaKind.COMMUNITY, "elsewhere")
    found = sa.select(Resident.name).order_by(Resident.id)
    for slug, expected in (("street", ["张三", "李四"]), ("other", []), ("street", ["张三", "李四"])):
        with street.session(slug) as reading:
            assert reading.scalars(found).all() == expected
    for scope, expected in ((EVERYWHERE, ["张三", "李四"]), (Scope("/9999/"), [])):
        with session_for(scope, "a test looks everywhere") as reading:
            assert reading.scalars(found).all() == expected


def test_an_area_does_not_read_where_the_plugin_is_off(street: Any) -> None:
    scope = Scope(street.path("street"), plugin="canteen")
    with session_for(None, "a test switches off", writes=True) as writing:
        switch_off(writing, writing.get_one(Area, street.ids["lower"]), "canteen", date(2026, 11, 23))
    with session_for(scope, "a test looks") as reading:
        assert reading.execute(sa.text("SELECT community_id FROM canteen_diner")).scalars().all() == [
            street.ids["upper"]]


def test_settings_of_a_plugin_are_the_communitys_own(street: Any) -> None:
    """No tenant model, and yet it belongs to one community: every table with a `community_id` is walled in."""
    insert = sa.text("INSERT INTO plugin_settings (community_id, plugin, values) VALUES (:community, 'canteen', '{}')")
    with street.session("lower", writes=True) as writing:
        writing.execute(insert, {"community": street.ids["lower"]})
    with street.session("upper", writes=True) as writing:
        assert writing.execute(sa.text("SELECT * FROM plugin_settings")).all() == []
        refused(writing, lambda: writing.execute(insert, {"community": street.ids["lower"]}))


def names(street: Any) -> dict[str, list[str]]:
    """Who stands in each community."""
    found = {}
    for slug in ("upper", "lower"):
        with street.session(slug) as reading:
            found[slug] = list(reading.scalars(sa.select(Resident.name)))
    return found


def test_without_any_session_no_row_is_seen(street: Any) -> None:
    with db.engine.connect() as connection:
        assert connection.execute(sa.select(TABLE)).all() == []


LOOK = sa.text("SELECT pg_backend_pid(), ARRAY(SELECT name FROM resident)")


def test_a_connection_of_the_pool_carries_nothing_to_the_next_session(street: Any) -> None:
    """The same connection each time: after a commit, a rollback, an error, one in a savepoint, a SET that stays."""
    pids = set()

    def look(slug: str | None) -> list[str]:
        with street.session(slug) as reading:
            pid, found = reading.execute(LOOK).one()
            pids.add(pid)
            return found

    def fail(writing: Any) -> None:
        with pytest.raises(sa.exc.DataError):
            writing.execute(sa.text("SELECT 1 / 0"))

    def fail_within(writing: Any) -> None:
        with pytest.raises(sa.exc.DataError), writing.begin_nested():
            writing.execute(sa.text("SELECT 1 / 0"))
        assert writing.execute(LOOK).one()[1] == ["张三"]

    def forget(writing: Any) -> None:
        writing.execute(sa.text("SET app.scope = '1,2,3'"))
        writing.commit()

    for end in (lambda w: w.commit(), lambda w: w.rollback(), fail, fail_within, forget):
        with street.session("upper", writes=True) as writing:
            assert writing.execute(LOOK).one()[1] == ["张三"]
            end(writing)
            writing.rollback()
        assert (look("lower"), look(None), look("upper")) == (["李四"], [], ["张三"])
    assert len(pids) == 1


def test_nothing_stays_on_a_connection_after_its_transaction(street: Any) -> None:
    """Not even where no transaction of ours would meet it: a pooler may have other clients."""
    for slug in ("upper", "street"):
        with street.session(slug) as reading:
            reading.execute(LOOK)
        with closing(db.engine.raw_connection()) as raw:
            left = raw.cursor().execute("SELECT current_user = session_user, current_setting('app.scope', true)")
            assert left.fetchone() == (True, "")


def test_each_transaction_of_a_session_has_its_scope(street: Any) -> None:
    with street.session("upper", writes=True) as writing:
        for end in (writing.commit, writing.rollback):
            with writing.begin_nested():
                assert writing.execute(LOOK).one()[1] == ["张三"]
            assert writing.execute(LOOK).one()[1] == ["张三"]
            end()


def test_a_scope_cannot_be_given_within_a_transaction(street: Any) -> None:
    """It would begin a second one on another connection."""
    with street.session(None) as reading:
        reading.execute(LOOK)
        set_scope(reading, Scope(street.path("upper"), street.ids["upper"]))
        with pytest.raises(ScopeError):
            reading.execute(LOOK)


def test_a_scope_is_made_of_numbers_and_names_alone() -> None:
    for scope in (Scope("/1/' OR true --"), Scope("/1"), Scope("/", plugin="x'")):
        with pytest.raises(ScopeError):
            scope.setting()


def test_requests_of_two_communities_share_a_connection_and_nothing_else(place: Any, orm_scope_off: None) -> None:
    with place.app.app_context():
        for slug, name in (("upper", "张三"), ("lower", "李四")):
            with place.session(slug, writes=True) as writing:
                resident = Resident()
                set_name(resident, name)
                writing.add(resident)
    browsers = {slug: place.browser(f"staff.{slug}") for slug in ("upper", "lower")}
    for _turn in range(2):
        for slug, own, others in (("upper", "张三", "李四"), ("lower", "李四", "张三")):
            page = browsers[slug].get(f"/{slug}/residents/people/").get_data(as_text=True)
            assert own in page and others not in page
