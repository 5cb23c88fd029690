"""Writers that never forget what was acknowledged, and the check that the database has it, whole and once."""
from __future__ import annotations

import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import sqlalchemy as sa

from core.areas.models import Area
from core.areas.scope import Scope, session_for
from core.audit.models import AuditEntry, Deed, OnceKey
from core.extensions import db
from core.residents.models import Resident, TagKind
from plugins.canteen.models import Meal
from tests.faults.running import LOST, Visitor

COUNTER, RESIDENT, TAG = "/upper/canteen/counter/record/", "/upper/residents/people/new/", "/upper/residents/tags/new/"
MODELS = {COUNTER: Meal, RESIDENT: Resident, TAG: TagKind}
SURNAMES, RARE = "赵钱孙李周吴郑王", "彧翀翮旻昉昱晞曈榑樾橐櫂欢歆殊毓沄泠洺浥涘涣湉溦滢漪潆澹瀚炜烨"


@dataclass
class Sent:
    """One form: where, what, and the status of the answer (None: no answer came)."""

    url: str
    values: dict
    status: int | None = None
    text: str = ""
    seconds: float = 0.0

    @property
    def key(self) -> str:
        """Its once-key."""
        return self.values["once"]

    @property
    def acknowledged(self) -> bool:
        """Whether the person was told that it is saved."""
        return self.status in (200, 302)


@dataclass
class Writer:
    """A person who sends one form after the other: meals at the counter, residents, tags."""

    visitor: Visitor
    kind: str  # id of the meal's kind
    number: int
    sent: list[Sent] = field(default_factory=list)
    unanswered: int = 0

    def form(self) -> Sent:
        """The next form, unlike every other."""
        at, mark = len(self.sent), secrets.token_hex(4)
        once = {"once": secrets.token_urlsafe(24)}
        name = SURNAMES[self.number] + "".join(secrets.choice(RARE) for _i in range(6))
        meal = {"kind": self.kind, "way": "dine_in", "confirmed": "hours", **once}
        return [Sent(COUNTER, {"guest": "1", **meal}), Sent(COUNTER, {"name": name, "confirmed": "hours", **meal}),
                Sent(RESIDENT, {"name": name, "sex": "female", "state": "alive", "room": str(at % 900), **once}),
                Sent(TAG, {"name": f"标签{mark}", **once})][(at + self.number) % 4]

    def send(self, sent: Sent) -> Sent:
        """Send a form and remember the answer."""
        began = time.monotonic()
        try:
            sent.status, sent.text = self.visitor.post(sent.url, sent.values, script=sent.url == COUNTER)
        except LOST as error:
            sent.status, sent.text = None, repr(error)
        sent.seconds = time.monotonic() - began
        return sent

    def write_until(self, stop: threading.Event, pause: float = 0.0) -> None:
        """Write until told to stop, or until the server has gone."""
        while not stop.is_set():
            form = self.form()
            self.sent.append(form)
            if self.send(form).status is None:
                return
            stop.wait(pause)


    def write_until_told(self, stop: threading.Event) -> None:
        """Write, and after a 503 wait for as long as it says before the next form."""
        while not stop.is_set():
            form = self.form()
            self.sent.append(form)
            if self.send(form).status == 503:
                stop.wait(float(self.visitor.headers["Retry-After"]))

    def write_on(self, stop: threading.Event) -> None:
        """Write until told to stop; what is not answered is sent again at once, as a person would."""
        while not stop.is_set():
            form = self.form()
            self.sent.append(form)
            if self.send(form).status is None:
                self.unanswered += 1
                self.send(form)


def writers(port: int, number: int = 8) -> list[Writer]:
    """People of one community, signed in, who know the meals of the counter."""
    made = []
    for at in range(number):
        visitor = Visitor(port).sign_in("staff.upper" if at % 2 else "manager.upper")
        page = visitor.get("/upper/canteen/counter/")[1]
        made.append(Writer(visitor, re.search(r'data-kind="(\d+)"', page)[1], at))
    return made


@dataclass
class Reader:
    """A person who looks at one page after the other."""

    visitor: Visitor
    answers: list[tuple[float, int | None, float]] = field(default_factory=list)  # when, status, seconds

    def read_on(self, stop: threading.Event) -> None:
        """Read until told to stop."""
        pages = ("/upper/", "/upper/residents/people/", "/upper/canteen/counter/", "/upper/canteen/meals/")
        while not stop.is_set():
            began = time.monotonic()
            try:
                status = self.visitor.get(pages[len(self.answers) % len(pages)])[0]
            except LOST:
                status = None
            self.answers.append((began, status, time.monotonic() - began))


class AtWork:
    """Several people at work in threads until the block ends."""

    def __init__(self, *works: Callable[[threading.Event], None]) -> None:
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=work, args=(self.stop,)) for work in works]

    def __enter__(self) -> AtWork:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()


@dataclass
class Found:
    """What the database has of the forms that were sent."""

    acknowledged: int
    lost: int
    half: int
    doubled: int
    wrong: Counter

    def __str__(self) -> str:
        return f"{self.acknowledged} acknowledged, {self.lost} lost, {self.half} half, {self.doubled} doubled"


def check(look: Callable[[], AbstractContextManager], sent: list[Sent]) -> Found:
    """Each form's record, audit row and key: all there or none, and all there where it was acknowledged."""
    with look():
        check_database()
        with session_for(None, "a test looks") as reading:
            area = reading.scalars(sa.select(Area).where(Area.slug == "upper")).one()
            scope = Scope(area.path, area.id)
        with session_for(scope, "a test looks") as reading:
            keys = dict(reading.execute(sa.select(OnceKey.key, OnceKey.record_id)).all())
            made = sa.select(AuditEntry.table_name, AuditEntry.record_id).where(AuditEntry.deed == Deed.CREATED)
            audited = Counter((table, record) for table, record in reading.execute(made))
            rows = {m.__tablename__: set(reading.scalars(sa.select(m.id))) for m in MODELS.values()}
    lost = half = 0
    for form in sent:
        table = MODELS[form.url].__tablename__
        number = keys.get(form.key)
        parts = {number is not None, number in rows[table], audited[table, number] == 1}
        half += len(parts) > 1 or (form.key in keys) != (number is not None)
        lost += form.acknowledged and parts != {True}
    owned = Counter(MODELS[f.url].__tablename__ for f in sent if f.key in keys)
    extra = Counter({table: len(ids) for table, ids in rows.items()})
    unaudited = sum(1 for table, ids in rows.items() for number in ids if audited[table, number] != 1)
    doubled = sum(max(extra[t] - owned[t], 0) for t in ("canteen_meal",))  # residents come with meals too
    statuses = Counter(f.status for f in sent if f.status is not None and not f.acknowledged)
    return Found(sum(f.acknowledged for f in sent), lost, half + unaudited,
                 doubled, statuses)


def check_database() -> None:
    """The database's own opinion of itself."""
    if db.engine.dialect.name != "sqlite":
        with db.engine.connect() as connection:
            for table in db.metadata.sorted_tables:  # reads every row of every table
                connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        return
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").first() is None
