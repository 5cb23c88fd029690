"""The demonstration street: invented people, the stations' own figures, the same however often it is loaded."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from core.areas.models import Area, AreaProfile, Installation, PluginSwitch
from core.areas.scope import Scope, session_for
from core.clock import today
from core.demo import DEMO_PASSWORD, demo_accounts, load_demo
from core.demo.street import COMMUNITIES
from core.extensions import db
from core.migrations.upgrade import upgrade
from core.residents.models import LifeState, Resident, ResidentPhone, ResidentTag, TagKind
from core.testing import KINDS
from core.testing.place import Browser, Place
from core.testing.servers import Servers, make_app
from tests.core.test_figures_page import agrees, cards

SLUGS = {"jinghangjiayuan", "zhongfu", "qiyue", "jianshenglu", "jiaojia"}
DECLARED = {  # as the five stations have published them
    "jinghangjiayuan": {"volunteers": 325, "teams": 7, "year": 2021},
    "zhongfu": {"households": 4000, "residents": 20000, "volunteers": 500, "founded": 2015, "teams": 5},
    "qiyue": {"volunteers": 100},
    "jianshenglu": {"households": 2250, "residents": 4100, "party_branches": 6, "teams": 10},
    "jiaojia": {"compounds": 9, "buildings": 89, "households": 1549, "residents": 4318, "volunteers": 660, "teams": 8},
}


@dataclass
class Demo:
    """A loaded demonstration, only looked at."""

    app: Flask
    place: Place

    def ask(self, statement: Any) -> Any:
        """The rows of a statement over all five communities."""
        with self.app.app_context(), session_for(Scope("/"), "a test looks") as reading:
            return reading.execute(statement).all()

    def browser(self, username: str) -> Browser:
        """Signed in with the password that everybody knows."""
        return self.place.browser(username, DEMO_PASSWORD)


@pytest.fixture(scope="module", params=KINDS)
def demo(request: pytest.FixtureRequest, servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demonstration is loaded once for all tests of a kind."""
    folder = tmp_path_factory.mktemp("demo")
    url = servers.empty(request.param, folder)
    app, clock = make_app(url, folder)
    with app.app_context():
        upgrade()
        load_demo()
    yield Demo(app, Place(app, clock))
    with app.app_context():
        db.engine.dispose()
    servers.drop(url)


def contents(demo: Demo) -> dict[str, list[Any]]:
    """Every row of every table."""
    with demo.place.owner() as connection:
        return {name: sorted(connection.execute(sa.select(table)).all(), key=repr)
                for name, table in db.metadata.tables.items()}


def residents(demo: Demo, *columns: Any) -> dict[str, list[Any]]:
    """Some columns of everybody, by community."""
    found: dict[str, list[Any]] = {slug: [] for slug in SLUGS}
    for slug, *values in demo.ask(sa.select(Area.slug, *columns).join(Area, Area.id == Resident.community_id)
                                  .order_by(Resident.id)):
        found[slug].append(values[0] if len(values) == 1 else tuple(values))
    return found


def test_loading_it_again_changes_nothing(demo: Demo) -> None:
    before = contents(demo)
    with demo.app.app_context():
        load_demo()
    assert contents(demo) == before


def test_it_does_nothing_where_a_street_stands(place: Place) -> None:
    with place.app.app_context():
        load_demo()
        with place.session(None) as reading:
            assert set(reading.scalars(sa.select(Area.slug))) == {"street", "upper", "lower"}
            assert reading.scalar(sa.select(Installation.demo)) is False


def test_the_street_holds_five_communities_one_of_them_below_a_service_area(demo: Demo) -> None:
    parent = sa.orm.aliased(Area)
    rows = demo.ask(sa.select(Area.slug, parent.slug).outerjoin(parent, Area.parent).where(Area.is_community))
    assert dict(rows) == {slug: "shifan" for slug in SLUGS} | {"jinghangjiayuan": "jinghanglu"}
    assert demo.ask(sa.select(Installation.demo)) == [(True,)]


def test_no_division_code_is_a_real_one(demo: Demo) -> None:
    assert all(code.startswith("99") for (code,) in demo.ask(sa.select(Area.division_code)) if code)


@pytest.mark.parametrize("slug", sorted(SLUGS))
def test_the_declared_figures_are_those_that_the_station_published(demo: Demo, slug: str) -> None:
    [(profile,)] = demo.ask(sa.select(AreaProfile).join(Area, Area.id == AreaProfile.area_id).where(Area.slug == slug))
    assert {name: getattr(profile, name) for name in DECLARED[slug]} == DECLARED[slug]
    not_said = {"compounds", "buildings", "households", "residents", "party_branches"} - DECLARED[slug].keys()
    assert all(getattr(profile, name) is None for name in not_said)
    assert profile.note


def test_the_houses_of_jiaojia_are_as_many_as_declared() -> None:
    [jiaojia] = [c for c in COMMUNITIES if c.slug == "jiaojia"]
    assert (len(jiaojia.compounds), sum(jiaojia.compounds.values())) == (9, 89)


def test_nobody_can_be_a_real_person(demo: Demo) -> None:
    numbers = [n for everybody in residents(demo, Resident.identity_number).values() for n in everybody]
    known = [n for n in numbers if n]
    assert all(n.startswith("990000") for n in known)
    assert len(set(known)) == len(known) < len(numbers), "some have none, and no number stands twice"
    phones = [number for (number,) in demo.ask(sa.select(ResidentPhone.number))]
    assert phones and all(number.startswith("1390000") for number in phones)


@pytest.mark.parametrize("slug", sorted(SLUGS))
def test_a_community_has_old_and_young_moved_and_dead_people_and_notes(demo: Demo, slug: str) -> None:
    people = residents(demo, Resident)[slug]
    with demo.app.app_context():
        ages = [p.age_on(today()) for p in people if p.birth_date]
    assert 120 <= len(people) <= 305
    assert sum(age >= 60 for age in ages) > 0.35 * len(people)
    assert any(age >= 80 for age in ages) and any(age < 16 for age in ages)
    assert {p.state for p in people} == set(LifeState)
    assert all((p.state_on is None) == (p.state is LifeState.ALIVE) for p in people)
    assert any(p.contact_note for p in people) and any(p.lives_elsewhere for p in people)
    assert any(p.registered_here is None for p in people)


@pytest.mark.parametrize("name", ["单桂兰", "曾广明", "仇秀珍", "欧阳淑华", "张䶮", "李𠮷祥", "阿依古丽·买买提"])
def test_unusual_names_survive_in_every_community(demo: Demo, name: str) -> None:
    assert all(name in names for names in residents(demo, Resident.name).values())


def test_two_people_share_a_name_but_not_a_birth_date(demo: Demo) -> None:
    for people in residents(demo, Resident.name, Resident.birth_date).values():
        same = [born for name, born in people if name == "王平"]
        assert len(same) >= 2 and len(set(same)) == len(same)


def test_tags_have_dates_and_some_have_ended(demo: Demo) -> None:
    with demo.app.app_context():
        day = today()
    tags = [tag for (tag,) in demo.ask(sa.select(ResidentTag).options(sa.orm.joinedload(ResidentTag.kind)))]
    assert {"独居", "空巢", "低保", "残疾", "高龄"} <= {tag.kind.name for tag in tags}
    assert all(tag.starts_on <= day and (tag.ends_on is None or tag.starts_on <= tag.ends_on) for tag in tags)
    assert len({tag.starts_on for tag in tags}) > 100 and any(tag.ends_on for tag in tags)


def test_those_who_live_alone_have_no_neighbour_in_their_flat(demo: Demo) -> None:
    alone = set(demo.ask(sa.select(ResidentTag.resident_id).join(TagKind, TagKind.id == ResidentTag.kind_id)
                         .where(TagKind.name == "独居")))
    for people in residents(demo, Resident.id, Resident.compound, Resident.building, Resident.unit,
                            Resident.room).values():
        homes = [home for _id, *home in people]
        here = [home for number, *home in people if (number,) in alone]
        assert here and all(homes.count(home) == 1 for home in here)


@pytest.mark.parametrize(("plugin", "where"), [
    ("canteen", SLUGS - {"qiyue"}), ("douyin", {"qiyue", "jinghangjiayuan"}),
])
def test_each_plugin_is_on_where_the_stations_have_it(demo: Demo, plugin: str, where: set[str]) -> None:
    on = sa.select(Area.slug).join(PluginSwitch, PluginSwitch.community_id == Area.id)
    rows = demo.ask(on.where(PluginSwitch.plugin == plugin, PluginSwitch.off_on.is_(None)))
    assert sorted(slug for (slug,) in rows) == sorted(where)


def test_every_plugin_has_records_where_it_is_on(demo: Demo) -> None:
    """A plugin that fails while the demonstration is loaded is only logged: here it would be missed."""
    manager = demo.app.extensions["jinlin_plugins"]
    for name, metric in manager.metrics():
        found = {slug for part in metric.counted for (slug,) in demo.ask(
            sa.select(Area.slug).join(part.model, Area.id == part.model.community_id).where(*part.where).distinct())}
        assert found == {c.slug for c in COMMUNITIES if name in c.plugins}, metric.name


def test_one_of_the_two_douyin_accounts_has_fallen_silent(demo: Demo) -> None:
    shown = [demo.browser(f"staff.{slug}").get(f"/{slug}/").get_data(as_text=True)
             for slug in ("qiyue", "jinghangjiayuan")]
    assert ["抖音小站”" in page for page in shown].count(True) == 1


def test_every_figure_opens_what_it_counts(demo: Demo) -> None:
    for who, slug in (("street", "shifan"), ("auditor", "shifan"), ("manager.jiaojia", "jiaojia")):
        browser = demo.browser(who)
        for kind in ("week", "month", "all"):
            shown = cards(browser.get(f"/{slug}/figures/?kind={kind}").get_data(as_text=True))
            assert len(shown) > 3
            for card in shown.values():
                agrees(browser, card)


def test_every_account_signs_in_and_comes_to_a_workbench(demo: Demo) -> None:
    accounts = demo_accounts()
    assert len(accounts) == 14 and {password for _name, password, _who in accounts} == {DEMO_PASSWORD}
    for name, _password, _who in accounts:
        slug = name.partition(".")[2] or "shifan"
        assert demo.browser(name).get(f"/{slug}/").status_code == 200, name


def test_staff_see_their_own_community_only(demo: Demo) -> None:
    browser = demo.browser("staff.jiaojia")
    assert "单桂兰" in browser.get("/jiaojia/residents/people/?search=单桂兰").get_data(as_text=True)
    assert browser.get("/qiyue/residents/people/").status_code == 404
