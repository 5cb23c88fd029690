"""The rows that the benchmark measures on: a street of 60 communities, its residents, diners and meals over 3 years."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random

import sqlalchemy as sa
from flask import Flask

from core.accounts.roles import STAFF, STREET
from core.accounts.service import add_membership, built_in_role, create_user, find_user
from core.areas.models import Area, AreaKind, Installation
from core.areas.scope import session_for
from core.areas.service import add_area
from core.clock import now, today
from core.demo.names import given_name, surname
from core.extensions import db
from core.migrations.upgrade import upgrade
from core.residents.models import LifeState, NamePart, Resident
from core.residents.name_parts import rows_of_parts
from core.residents.pinyin import pinyin_key
from core.residents.sex import Sex
from core.setup import switch_plugin_on
from plugins.canteen.models import Diner, Meal, MealKind, Way

COMMUNITIES, RESIDENTS, DINERS, DAYS = 60, 120_000, 30_000, 3 * 365
PASSWORD = "near-neighbour-2026"
STEP = 7919  # a prime: walks through all (diner, kind) pairs of a day before any comes again
PLAIN = {"row_version": 1, "deleted_at": None, "deleted_by": None}


@dataclass(frozen=True)
class Size:
    """How many rows; the smaller one tries the benchmark out."""

    meals: int
    residents: int = RESIDENTS
    diners: int = DINERS


def fill(app: Flask, size: Size) -> None:
    """Make the tables and all rows; the largest community (`c01`) holds a tenth of them."""
    with app.app_context():
        upgrade()
        ids = _street(app)
        db.engine.dispose()
        owner = sa.create_engine(db.engine.url)  # without our transactions: the walls stand, and it passes by them
        with owner.begin() as connection:
            _people(connection, ids, size)
            _meals(connection, size.meals)
        with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for step in TIDY[connection.dialect.name]:
                connection.exec_driver_sql(step)
        owner.dispose()


def _street(app: Flask) -> list[int]:
    start = today() - timedelta(days=DAYS)
    with session_for(None, "the benchmark makes its street", writes=True) as writing:
        writing.add(Installation(id=1, key_fingerprint=app.extensions["jinlin_keys"].fingerprint, created_at=now()))
        street = add_area(writing, None, "测试街道", AreaKind.STREET, "street")
        made = [add_area(writing, street, f"第{n:02}社区", AreaKind.COMMUNITY, f"c{n:02}")
                for n in range(1, COMMUNITIES + 1)]
        for username, role, area in (("bench.street", STREET, street), ("bench.staff", STAFF, made[0])):
            create_user(writing, username, username, now(), PASSWORD)
            add_membership(writing, find_user(writing, username), area, built_in_role(writing, role), start)
        ids = [area.id for area in made]
    for number in ids:
        switch_plugin_on(number, "canteen", start, "bench")
    return ids


def community_of(number: int, total: int, ids: list[int]) -> int:
    """The community of the number-th (from 0) of `total` rows: a tenth in the first, the rest spread evenly."""
    tenth = total // 10
    return ids[0] if number < tenth else ids[1 + (number - tenth) * (len(ids) - 1) // (total - tenth)]


def _people(connection: sa.Connection, ids: list[int], size: Size) -> None:
    chance = Random(2026)
    names = [surname(chance) + given_name(chance, *chance.choice(KINDS_OF_PEOPLE)) for _n in range(size.residents)]
    keys = {name: pinyin_key(name) for name in set(names)}
    homes = [community_of(n, size.residents, ids) for n in range(size.residents)]
    rows = [{
        **PLAIN, "id": n + 1, "community_id": homes[n], "name": name, "search_key": keys[name],
        "sort_key": keys[name].partition(" ")[0], "sex": Sex.UNKNOWN, "state": LifeState.ALIVE,
        "birth_date": date(1930 + n % 60, 1 + n % 12, 1 + n % 28), "lives_elsewhere": False, "compound": "幸福小区",
        "building": f"{n % 30 + 1}栋", "unit": f"{n % 4 + 1}单元", "room": f"{n % 900 + 100}室",
    } for n, name in enumerate(names)]
    diners = [{**PLAIN, "id": place, "community_id": homes[n], "resident_id": n + 1, "usual_way": Way.DINE_IN}
              for place, n in enumerate(range(0, size.residents, size.residents // size.diners), 1)]
    parts = {name: rows_of_parts([(0, 0, name)]) for name in keys}
    pieces = [{**part, "community_id": row["community_id"], "resident_id": row["id"]}
              for row in rows for part in parts[row["name"]]]
    for model, found in ((Resident, rows), (NamePart, pieces), (Diner, diners)):
        for start in range(0, len(found), 10_000):
            connection.execute(sa.insert(model.__table__), found[start:start + 10_000])
        if model is not NamePart:
            _follow(connection, model)


TIDY = {"sqlite": ("ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"), "postgresql": ("VACUUM ANALYZE", "CHECKPOINT")}
KINDS_OF_PEOPLE = [(age, sex) for age in ("old", "middle", "young") for sex in (Sex.MALE, Sex.FEMALE)]


def _meals(connection: sa.Connection, meals: int) -> None:
    """In the order of the days, as they are recorded; one in 200 is void. Indexes are made last: it is faster."""
    indexes = list(Meal.__table__.indexes)
    for index in indexes:
        index.drop(connection)
    diners = connection.scalar(sa.select(sa.func.count()).select_from(Diner.__table__))
    series, day, moment = SERIES[connection.dialect.name]
    first = today() - timedelta(days=DAYS)
    connection.execute(sa.text(f"""
        INSERT INTO canteen_meal (id, community_id, diner_id, kind_id, day, way, standard_price, self_pay, government,
            other_aid, source, recorded_by, account, recorded_at, row_version, voided_at, voided_by, void_reason,
            booked_on, operator_aid, city_pays, district_pays, street_pays, community_pays, donors_pay)
        SELECT s.i + 1, d.community_id, d.id, k.id, {day}, CASE s.i % 10 WHEN 0 THEN 'delivery' WHEN 1 THEN 'take_away'
            ELSE 'dine_in' END, 1500, 1000, 400, 100, 'counter', '王敏', 'bench.staff', {moment}, 1,
            CASE WHEN s.i % 200 = 7 THEN {moment} END, CASE WHEN s.i % 200 = 7 THEN 'bench' END,
            CASE WHEN s.i % 200 = 7 THEN '录错了' END,
            {day}, 0, 400, 0, 0, 0, 100
        FROM ({series}) s
        JOIN canteen_diner d ON d.id = (s.i * {STEP} % {diners * 3}) / 3 + 1
        JOIN (SELECT id, community_id, row_number() OVER (PARTITION BY community_id ORDER BY opens) - 1 AS place
              FROM canteen_meal_kind) k
        ON k.community_id = d.community_id AND k.place = (s.i * {STEP} % {diners * 3}) % 3
    """), {"n": meals, "first": first.isoformat(), "per_day": meals / DAYS})
    _follow(connection, Meal)
    for index in indexes:
        index.create(connection)


SERIES = {
    "sqlite": ("WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i + 1 < :n) SELECT i FROM s",
               "date(:first, '+' || CAST(s.i / :per_day AS INTEGER) || ' days')",
               "datetime(:first, '+' || CAST(s.i / :per_day AS INTEGER) || ' days', '+4 hours') || '.000000'"),
    "postgresql": ("SELECT generate_series(0, CAST(:n AS bigint) - 1) AS i",
                   "CAST(:first AS date) + CAST(floor(s.i / CAST(:per_day AS float8)) AS integer)",
                   "CAST(:first AS timestamp) AT TIME ZONE 'UTC' + interval '4 hours'"
                   " + floor(s.i / CAST(:per_day AS float8)) * interval '1 day'"),
}


def _follow(connection: sa.Connection, model: type) -> None:
    """Let the next number follow those that were given."""
    if connection.dialect.name == "postgresql":
        table = model.__tablename__
        connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")


def area_ids() -> dict[str, int]:
    """The ids of the areas by their short names."""
    with session_for(None, "the benchmark looks") as reading:
        return dict(reading.execute(sa.select(Area.slug, Area.id)).all())


def first_kind(community_id: int) -> int:
    """Breakfast of a community."""
    with db.engine.connect() as connection:
        table = MealKind.__table__
        return connection.scalar(sa.select(sa.func.min(table.c.id)).where(table.c.community_id == community_id))


def instance(folder: Path, kind: str, meals: int) -> Path:
    """Where the files of one database of the benchmark are."""
    made = folder / f"{kind}-{meals}"
    made.mkdir(parents=True, exist_ok=True)
    return made
