"""Two streets full of marked records, and a person for every role, signed in once."""
from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from flask import Flask

from core.accounts.models import AccountEvent, Membership, Role, User
from core.accounts.passwords import hash_password
from core.accounts.roles import AUDITOR, MANAGER, STAFF, STREET, SYSTEM, Action
from core.accounts.screen_settings import ScreenSettings
from core.accounts.sign_in import start_session
from core.admin.export_jobs import Job
from core.areas.models import (
    Area,
    AreaKind,
    AreaProfile,
    Installation,
    PluginPolicy,
    PluginSettings,
    PluginSwitch,
    Policy,
)
from core.areas.scope import Scope, session_for
from core.exchange.writer import write_table
from core.extensions import db
from core.metrics.periods import PeriodKind
from core.metrics.reporting_models import MonthClosing, ReportingRule
from core.migrations.upgrade import upgrade
from core.reports.models import Report
from core.reports.service import digest_of
from core.residents.pinyin import pinyin_key
from core.testing.records import fill, upload, with_check_digit
from tests.isolation.sides import BINNED, FAR, FAR_STREET, NOBODY, OTHER, OWN, OWN_BINNED, OWN_STREET, Side

START, PASSWORD = date(2026, 1, 1), "a quiet evening by the canal"
KINDS = frozenset({"records", "accounts", "areas"})
ALL = {"other": set(KINDS), "binned": set(KINDS), "far": set(KINDS)}
AT_STREET = {"far": set(KINDS)}  # what lies below the street is the street's to see, masked
BELOW_STREET = {"other": {"records", "accounts"}, "binned": {"records", "accounts"}, "far": set(KINDS)}
SEEN = (
    Area, AreaProfile, PluginSwitch, PluginPolicy, PluginSettings, User, Role, Membership, AccountEvent, ScreenSettings,
    Report, MonthClosing, ReportingRule,
)
OF_ALL = {"installation", "user_session", "holiday", "metric_definition"}  # they say nothing of any area


@dataclass(frozen=True)
class Seat:
    """A person at an address: who asks, for which area, and whose marks no answer may show."""

    role: str
    username: str | None
    slug: str = OWN.slug
    hidden: Any = field(default_factory=lambda: ALL, compare=False)

    @property
    def foreign(self) -> tuple[Side, ...]:
        """Whose records are as unknown here as made-up ones."""
        return (OTHER, BINNED, FAR) if "other" in self.hidden else (FAR,)

    @property
    def closed(self) -> tuple[str, ...]:
        """The addresses where the seat has no role."""
        return (FAR.slug, FAR_STREET[1], *((OTHER.slug,) if "areas" in self.hidden.get("other", ()) else ()))

    def __str__(self) -> str:
        return f"{self.role}@{'street' if self.slug == OWN_STREET[1] else 'community'}"


SEATS = (
    Seat("manager", "manager"), Seat("staff", "staff"), Seat("own role", "ownrole"),
    Seat("manager here, staff there", "both", hidden={**BELOW_STREET, "far": set(KINDS)}),
    *(Seat(role, role, slug, hidden) for role in ("street", "auditor", "system")
      for slug, hidden in ((OWN_STREET[1], AT_STREET), (OWN.slug, BELOW_STREET))),
    Seat("role ended", "ended"), Seat("no role", "nobody"), Seat("signed out", None),
)


@dataclass
class World:
    """A running app over two streets, its database, and the cookies of everybody."""

    app: Flask
    kind: str
    url: str
    cookies: dict[str | None, str] = field(default_factory=dict)
    tokens: dict[str | None, str] = field(default_factory=dict)
    texts: dict[Side, dict[str, str]] = field(default_factory=dict)

    def session(self, side: Side, *, writes: bool = False) -> Any:
        """A session in the scope of a side's community (needs an app context)."""
        street = OWN_STREET if side is not FAR else FAR_STREET
        scope = Scope(f"/{street[0]}/{_community(side)}/", _community(side))
        return session_for(scope, "the matrix looks", writes=writes, actor="matrix")


    def untold_tables(self) -> set[str]:
        """Tables that belong to no community and that nobody has filled here."""
        known = {model.__tablename__ for model in SEEN} | OF_ALL
        return {t.name for t in db.metadata.sorted_tables if not t.info.get("tenant")} - known


def _community(side: Side) -> int:
    return {BINNED: OTHER.number, OWN_BINNED: OWN.number}.get(side, side.number)


def make_world(kind: str, url: str, make_app: Callable[[str, Path], Any], folder: Path) -> World:
    """Everything made anew in an empty database."""
    app, clock = make_app(url, folder)
    world = World(app, kind, url)
    with app.app_context():
        upgrade()
        with session_for(None, "the matrix makes its streets", writes=True) as writing:
            _make_areas(writing, app, clock())
            _make_people(writing, clock())
            for side, user_id in ((OWN, 770014), (OTHER, OTHER.number), (FAR, FAR.number)):
                _make_own_things(writing, world, side, user_id)
        for side in (BINNED, OWN_BINNED, FAR, OTHER, OWN):  # rows made by themselves take the next number
            with world.session(side, writes=True) as writing:
                writing.info["quiet"] = True  # the audit trail takes the next number, which may be ours
                made = fill(writing, side.number, side.hand(ended=side in (BINNED, OWN_BINNED)))
                resident = made["resident"]
                upload(made["import_batch"], resident.name, resident.id, side.hand().two())
                _today(made, side)
                _make_settings(writing, world, side)
                world.texts[side] = texts_of(made, side)
        like = {OTHER.records: NOBODY.records * 3, OTHER.digits: NOBODY.digits}
        table = str.maketrans({a: b for theirs, none in like.items() for a, b in zip(theirs, none, strict=False)})
        world.texts[NOBODY] = {key: text.translate(table) for key, text in world.texts[OTHER].items()} | texts_of(
            None, NOBODY)
        _sign_in(world, clock())
    return world


def texts_of(made: dict[str, Any] | None, side: Side) -> dict[str, str]:
    """What somebody may know of a side and type: names, numbers, keys. Without records: the like, of nobody."""
    record = SimpleNamespace(**{table: row for table, row in (made or {}).items()})
    name = record.resident.name if made else side.records[:2]
    readings = pinyin_key(name).split(" ")
    identity = record.resident.identity_number if made else with_check_digit(f"990000{side.born}0304{side.digits[:3]}")
    phone = record.resident_phone.number if made else f"1380006{side.digits}"
    return {
        "name": name, "letter": name[0], "pinyin": readings[0], "initials": readings[-1], "phone": phone,
        "tail": phone[-4:], "identity": identity,
        "once": record.once_key.key if made else f"key-of-a-form-0000{side.digits}0001",
        "day": f"{side.year}-08-17", "username": f"{side.accounts}1", "slug": side.slug,
        "code": f"11{side.digits or '1111'}000123", "role": f"{side.accounts}角色", "field": f"phone-{side.number}",
        "next": f"/{side.slug}/residents/people/details/?id={side.number}",
        **({f"{t}.{c}": str(v) for t, c, v in _short_texts(made)} if made else {}),
    }


def _short_texts(made: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Every unique text of the records: what is there already must not be told to others."""
    for table, row in made.items():
        for index in row.__table__.indexes:
            for column in index.columns if index.unique else ():
                if isinstance(column.type, sa.String) and not column.key.endswith("_hash"):
                    yield table, column.key, getattr(row, column.key)


def _make_settings(session: Any, world: World, side: Side) -> None:
    if side.number == _community(side):
        session.add_all(PluginSettings(id=side.number + 10 * turn, community_id=side.number, plugin=plugin,
                                       values={"note": side.records})
                        for turn, plugin in enumerate(world.app.extensions["jinlin_plugins"].names))


def _make_own_things(session: Any, world: World, side: Side, user_id: int) -> None:
    """What belongs to one person: saved columns and filters, and a file that an export has made."""
    word = side.accounts
    session.add(ScreenSettings(id=side.number, user_id=user_id, screen="residents_people", columns=["name", "state"],
                               filters=[{"name": word, "query": {"search": word}}], opens_with=None))
    job = Job(f"job-of-{side.number}-0123456789abcdef", user_id, _community(side), "residents_people", f"{word}.xlsx",
              1, done=1, state="ready")
    job.tell()
    job.file.write_bytes(write_table([word], [[word]], word))


def _today(made: dict[str, Any], side: Side) -> None:
    """The own records are of today and the manager's: counters and lists show them, and they can be undone."""
    if side is OWN:
        for record in made.values():
            for key, value in (("day", date(2026, 11, 23)), ("week", date(2026, 11, 23)), ("account", "manager"),
                               ("recorded_at", datetime(2026, 11, 23, 2, tzinfo=UTC))):
                if key in record.__table__.columns:
                    setattr(record, key, value)


def _make_areas(session: Any, app: Flask, at: Any) -> None:
    session.add(Installation(id=1, key_fingerprint=app.extensions["jinlin_keys"].fingerprint, created_at=at))
    for (number, slug), name in ((OWN_STREET, f"{OWN.areas}街道"), (FAR_STREET, f"{FAR.areas}街道")):
        session.add(Area(id=number, name=name, kind=AreaKind.STREET, slug=slug, path=f"/{number}/"))
    session.flush()
    session.add(Area(id=OWN_BINNED.number, parent_id=OWN_STREET[0], name=f"{OWN.areas}关闭", kind=AreaKind.COMMUNITY,
                     slug="quxcl", path=f"/{OWN_STREET[0]}/{OWN_BINNED.number}/", closed_on=START))
    for side in (OWN, OTHER, FAR):
        street = FAR_STREET if side is FAR else OWN_STREET
        session.add(Area(id=side.number, parent_id=street[0], name=f"{side.areas}社区", kind=AreaKind.COMMUNITY,
                         slug=side.slug, path=f"/{street[0]}/{side.number}/",
                         division_code=f"11{side.digits or '1111'}000123"))
        session.flush()
        session.add(AreaProfile(id=side.number, area_id=side.number, year=side.year, households=side.hand().number(),
                                residents=side.hand().number(), note=side.areas))
        session.add(_report(side, at))
        session.add(MonthClosing(id=side.number, area_id=side.number, month=date(side.year, 1, 1),
                                 closed_by=side.accounts, closed_at=at))
        session.add(ReportingRule(id=side.number, area_id=side.number, starts_on=date(side.year, 1, 1), due_hour=10,
                                  set_by=side.accounts))
        for turn, plugin in enumerate(app.extensions["jinlin_plugins"].names):
            session.add(PluginSwitch(id=side.number + 10 * turn, community_id=side.number, plugin=plugin,
                                     on_from=date(side.year, 1, 1), switched_by=side.accounts))
            decides = side.number if side is OTHER else street[0]
            session.add(PluginPolicy(id=side.number + 10 * turn, area_id=decides, plugin=plugin,
                                     policy=Policy.ALLOWED))


def _report(side: Side, at: Any) -> Report:
    """The report that an area has issued, of a month of its own."""
    word = side.areas
    row = {"area": word, "number": side.hand().number(), "before": None, "residents": None, "ever": None}
    metric = {"name": "x.y", "title": word, "unit": word, "parts": 1, "definition": word, "rows": [row],
              "estimated": False, "sources": [word], "days": [], "corrections": [
                  {"area": word, "day": f"{side.year}-01-02", "old": 1, "new": 2, "reason": word}]}
    content = {"area": word, "kind": "month", "start": f"{side.year}-01-01", "end": f"{side.year}-01-31",
               "until": f"{side.year}-01-31", "communities": [word], "metrics": [metric]}
    return Report(id=side.number, area_id=side.number, kind=PeriodKind.MONTH, start=date(side.year, 1, 1),
                  end=date(side.year, 1, 31), version=1, content=content, digest=digest_of(content),
                  issued_by=side.accounts, issued_at=at)


def _make_people(session: Any, at: Any) -> None:
    roles = {role.key: role for role in session.scalars(sa.select(Role))}
    stored = hash_password(PASSWORD)
    views = [f"{m}.{s}.{a.value}" for m, s in (("residents", "people"), ("residents", "tags"), ("canteen", "meals"),
                                              ("canteen", "diners"), ("douyin", "works"))
             for a in (Action.VIEW, Action.EXPORT, Action.EDIT)]
    for side, area in ((OWN, OWN_STREET[0]), (OTHER, OTHER.number), (FAR, FAR_STREET[0])):
        session.add(Role(id=side.number, area_id=area, name=f"{side.accounts}角色", permissions=views))
    session.flush()

    def person(number: int, username: str, name: str, *held: tuple[str, int], until: date | None = None) -> None:
        session.add(User(id=number, username=username, name=name, password_hash=stored, password_changed_at=at))
        session.flush()
        for turn, (role, area) in enumerate(held):
            role_id = roles[role].id if role in roles else int(role)
            session.add(Membership(id=number + 100 * turn, user_id=number, area_id=area, role_id=role_id,
                                   starts_on=START, ends_on=until))

    for number, role in enumerate((SYSTEM, STREET, AUDITOR), 770011):
        person(number, role, f"{OWN.accounts}{role}", (role, OWN_STREET[0]))
    person(770014, "manager", f"{OWN.accounts}经理", (MANAGER, OWN.number))
    person(OWN.number, "staff", f"{OWN.accounts}员工", (STAFF, OWN.number))
    person(770015, "ownrole", f"{OWN.accounts}自定", (str(OWN.number), OWN.number))
    person(770016, "both", f"{OWN.accounts}两处", (MANAGER, OWN.number), (STAFF, OTHER.number))
    person(770017, "ended", f"{OWN.accounts}离开", (MANAGER, OWN.number), until=at.date() - timedelta(days=1))
    person(770018, "nobody", f"{OWN.accounts}无职")
    person(OWN_BINNED.number, "left", f"{OWN.accounts}停用", (STAFF, OWN.number))
    session.get_one(User, OWN_BINNED.number).disabled_at = at
    session.get_one(User, OWN.number).locked_until = at + timedelta(minutes=10)
    for side, area in ((OTHER, OTHER.number), (FAR, FAR.number)):
        person(side.number, f"{side.accounts}1", f"{side.accounts}员工", (STAFF, area))
        person(side.number + 20, f"{side.accounts}2", f"{side.accounts}经理", (MANAGER, area))
    for side, area in ((OWN, OWN.number), (OTHER, OTHER.number), (FAR, FAR.number)):
        name = "staff" if side is OWN else f"{side.accounts}1"
        session.add(AccountEvent(id=side.number, at=at, username=name, address=f"10.0.0.{side.number % 10}",
                                 area_id=area, about=name, what=f"{side.accounts}{side.areas}"))


def _sign_in(world: World, at: Any) -> None:
    """A session on the server and a signed cookie for each, without the slow comparison of passwords."""
    signer = world.app.session_interface.get_signing_serializer(world.app)
    with session_for(None, "the matrix signs in", writes=True) as writing:
        for username in {seat.username for seat in SEATS}:
            content: dict[str, Any] = {"csrf_token": "0" * 40}
            if username is not None:
                user = writing.scalars(sa.select(User).where(User.username == username)).one()
                content |= {"token": start_session(writing, user, at), "who": user.id}
            world.cookies[username] = signer.dumps(content)
    for username, cookie in world.cookies.items():
        client = world.app.test_client(use_cookies=False)
        page = client.get("/login", headers={"Cookie": f"jinlin={cookie}"}).get_data(as_text=True)
        world.tokens[username] = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
