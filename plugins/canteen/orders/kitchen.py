"""What the kitchen prepares on a day: how many of each kind and way, which notes, and what changed too late."""
from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, joinedload

from core.api import LifeState, Resident, beijing
from plugins.canteen.models import Diner, MealKind, Way
from plugins.canteen.orders.expected import Expected, expected_meals
from plugins.canteen.orders.models import LateChange, Pause, UsualMeal
from plugins.canteen.services import kinds_of

BETWEEN_NOTES = re.compile(r"[、，,;；/。\s]+")
NOTHING = frozenset({"无", "没有", "无过敏", "无忌口", "否", "-", "—"})
ALLERGIC = "过敏"


@dataclass
class Note:
    """A diet note or an allergy, and whose it is."""

    text: str
    is_allergy: bool
    names: list[str] = field(default_factory=list)


@dataclass
class KindCount:
    """A kind of meal: how many in each way; allergies come first among the notes, then what many have."""

    kind: MealKind
    ways: Counter[Way]
    notes: list[Note]

    @property
    def total(self) -> int:
        """Of all ways."""
        return sum(self.ways.values())


@dataclass(frozen=True)
class Late:
    """A change after the set hour, in words."""

    name: str
    kind: str
    what: str
    reason: str
    when: str


def count_meals(session: Session, day: date) -> list[KindCount]:
    """Every kind that is served, with those expected on that day."""
    expected = expected_meals(session, day)
    return [_count(kind, [e for e in expected if e.kind.id == kind.id]) for kind in kinds_of(session)]


def _count(kind: MealKind, expected: list[Expected]) -> KindCount:
    notes: dict[tuple[bool, str], Note] = {}
    for each in expected:
        for is_allergy, text in notes_of(each.diner):
            note = notes.setdefault((not is_allergy, text), Note(text, is_allergy))
            note.names.append(each.diner.resident.name)
    found = sorted(notes.items(), key=lambda item: (item[0][0], -len(item[1].names), item[0][1]))
    return KindCount(kind, Counter(e.way for e in expected), [note for _key, note in found])


def notes_of(diner: Diner) -> list[tuple[bool, str]]:
    """(is an allergy, text) of each thing to look to: “花生、海鲜过敏” are two allergies, 花生过敏 and 海鲜过敏."""
    allergies = [part.removesuffix(ALLERGIC) for part in _parts(diner.allergy)]
    found = [(True, part + ALLERGIC if re.search("[^\x00-\x7f]", part) else _("%(what)s allergy", what=part))
             for part in allergies if part]
    return list(dict.fromkeys(found + [(False, part) for part in _parts(diner.diet_note)]))


def _parts(text: str | None) -> list[str]:
    return [part for part in BETWEEN_NOTES.split(text or "") if part and part not in NOTHING]


def late_changes(session: Session, day: date, closed_at: datetime) -> list[Late]:
    """What the kitchen learns apart, in the order in which it happened: who fell out comes last."""
    changes = session.scalars(
        sa.select(LateChange).where(LateChange.day == day).order_by(LateChange.changed_at, LateChange.id)
        .options(joinedload(LateChange.diner).joinedload(Diner.resident), joinedload(LateChange.kind)))
    found = [Late(c.diner.label, c.kind.name, _change_text(c.before, c.after), c.reason or "",
                  _when(c.changed_at, c.changed_by)) for c in changes]
    return found + _lifted(session, day, closed_at) + _fallen_out(session, day)


def _change_text(before: Way | None, after: Way | None) -> str:
    if before is None and after is not None:
        return _("added: %(way)s", way=after.label)
    if after is None and before is not None:
        return _("called off: %(way)s", way=before.label)
    return f"{before.label if before else ''} → {after.label if after else ''}"


def _when(moment: datetime, by: str) -> str:
    return f"{beijing(moment):%m-%d %H:%M} {by}"


def _lifted(session: Session, day: date, closed_at: datetime) -> list[Late]:
    """Pauses that were deleted after the hour: these people eat again."""
    pauses = {p.diner_id: p for p in session.scalars(sa.select(Pause).where(
        Pause.deleted_at > closed_at, Pause.starts_on <= day,
        sa.or_(Pause.ends_on.is_(None), Pause.ends_on >= day)))}
    back = [e for e in expected_meals(session, day, pauses) if not e.ordered] if pauses else []
    return [Late(e.diner.label, e.kind.name, _("added: %(way)s", way=e.way.label), _("The pause was deleted"),
                 _when(pauses[e.diner.id].deleted_at, pauses[e.diner.id].deleted_by or "")) for e in back]


def _fallen_out(session: Session, day: date) -> list[Late]:
    """Those who would have eaten, but are known since the day before to have died or moved away."""
    rows = session.scalars(
        sa.select(UsualMeal).join(Diner, UsualMeal.diner_id == Diner.id)
        .join(Resident, Diner.resident_id == Resident.id)
        .where(UsualMeal.weekday == day.weekday(), UsualMeal.starts_on <= day,
               sa.or_(UsualMeal.ends_on.is_(None), UsualMeal.ends_on >= day),
               Resident.state != LifeState.ALIVE, Resident.state_on >= day - timedelta(days=1))
        .options(joinedload(UsualMeal.diner).joinedload(Diner.resident), joinedload(UsualMeal.kind)))
    return [Late(row.diner.label, row.kind.name, _("called off: %(way)s", way=row.way.label),
                 str(row.diner.resident.state.label), str(row.diner.resident.state_on)) for row in rows]
