"""Finding who stands at the counter: by card, a piece of the name, pinyin initials, or the end of a phone."""
from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from core.api import LifeState, Resident, ResidentTag
from plugins.canteen.models import Card, Diner, Meal, MealKind, Way
from plugins.canteen.orders.expected import expected_meals
from plugins.canteen.subsidies.rules import left_by

MOST_SHOWN = 8
MOST_RANKED = 200
CARD = re.compile(r"[0-9A-Z]{3,32}")


@dataclass(frozen=True)
class Match:
    """Somebody who may be meant. `card` is set where the text is a number of this person's cards."""

    resident: Resident
    diner: Diner | None  # None: a resident who has not eaten here yet
    taken: Meal | None  # this meal of this day, if it is recorded already
    card: Card | None = None
    ordered: Way | None = None  # how this meal was ordered, for the day or as usual
    died: bool = False  # by the day of this meal

    @property
    def may_eat(self) -> bool:
        """Whether Enter may record the meal."""
        return self.taken is None and not self.died

    def way(self, chosen: Way | None) -> Way:
        """The way chosen at the counter, else the diner's usual one."""
        return chosen or (self.diner.usual_way if self.diner else Way.DINE_IN)


@dataclass(frozen=True)
class Found:
    """The likeliest matches first; `total` counts those not shown too (no further than MOST_RANKED)."""

    matches: list[Match]
    total: int

    @property
    def sure(self) -> bool:
        """Whether Enter may record without anybody looking: one match, or a card."""
        return self.total == 1 or bool(self.matches and self.matches[0].card)


def plain(text: str) -> str:
    """What was typed, with full-width letters and digits made half-width and no blanks between characters."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text.replace("\x00", "")))[:60]


def card_number(text: str) -> str:
    """A card number as it is kept: no blanks or hyphens, capital letters."""
    return plain(text).replace("-", "").upper()


def find_diners(session: Session, text: str, day: date, kind: MealKind) -> Found:
    """Who may be meant by what was typed or scanned; also residents who are not diners yet."""
    text = plain(text)
    if not text:
        return Found([], 0)
    cards = _cards(session, text)
    people = _people(session, text)
    ids = list(dict.fromkeys([*(card.diner.resident_id for card in cards), *people]))
    by_card = {card.diner.resident_id: card for card in reversed(cards)}
    return Found(_matches(session, ids[:MOST_SHOWN], day, kind, by_card), len(ids))


def _cards(session: Session, text: str) -> list[Card]:
    """Cards of exactly this number, the one in use first."""
    number = card_number(text)
    if not CARD.fullmatch(number):
        return []
    found = session.scalars(
        sa.select(Card).join(Diner, Card.diner_id == Diner.id)
        .where(Card.number == number, Diner.deleted_at.is_(None))
        .order_by(Card.ended_on.is_not(None), Card.id.desc())
    ).all()
    in_use = [card for card in found if card.ended_on is None]
    return in_use or list(found[:1])


def _people(session: Session, text: str) -> list[int]:
    """Ids of residents, likeliest first: living here, known diners, those whose name begins so."""
    if text.isascii() and len(text) == 1 and text.isdigit():
        return []
    rows = session.execute(
        sa.select(Resident.id, Resident.name, Resident.search_key, Resident.state, Diner.id)
        .outerjoin(Diner, sa.and_(Diner.resident_id == Resident.id, Diner.deleted_at.is_(None)))
        .where(Resident.deleted_at.is_(None), Resident.matches(text))
        .order_by(Diner.id.is_(None), Resident.sort_key, Resident.id).limit(MOST_RANKED)
    ).all()
    lower = text.lower()

    def rank(row: sa.Row) -> tuple[bool, bool, int]:
        _id, name, key, state, diner = row
        words = key.split(" ")
        fit = 0 if name == text or lower in words else 1 if name.startswith(text) or any(
            word.startswith(lower) for word in words) else 2
        return state != LifeState.ALIVE, diner is None, fit

    return [row[0] for row in sorted(rows, key=rank)]


def _matches(
    session: Session, ids: list[int], day: date, kind: MealKind, by_card: dict[int, Card]
) -> list[Match]:
    if not ids:
        return []
    residents = {r.id: r for r in session.scalars(
        sa.select(Resident).where(Resident.id.in_(ids))
        .options(selectinload(Resident.tags).joinedload(ResidentTag.kind))
    )}
    diners = {d.resident_id: d for d in session.scalars(
        sa.select(Diner).where(Diner.resident_id.in_(ids), Diner.deleted_at.is_(None))
    )}
    taken = {m.diner_id: m for m in session.scalars(sa.select(Meal).where(
        Meal.diner_id.in_([d.id for d in diners.values()]), Meal.day == day, Meal.kind_id == kind.id,
        *Meal.counts(),
    ))} if diners else {}
    expected = {e.diner.resident_id: e.way for e in expected_meals(session, day, [d.id for d in diners.values()])
                if e.kind.id == kind.id} if diners else {}
    meal_of_resident = {i: taken[diner.id] for i, diner in diners.items() if diner.id in taken}
    return [
        Match(residents[i], diners.get(i), meal_of_resident.get(i), by_card.get(i), expected.get(i),
              residents[i].state == LifeState.DECEASED and left_by(residents[i], day))
        for i in ids if i in residents
    ]
