"""就餐人员名册 from Excel: residents with what the canteen must know of them, and their cards."""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session, joinedload, selectinload

from core.api import (
    SAME_PERSON,
    LifeState,
    Resident,
    ResidentRows,
    Sheet,
    SheetColumn,
    ValidationError,
    in_pieces,
    parse_choice,
    parse_text,
    resident_columns,
)
from plugins.canteen.finding import CARD, card_number
from plugins.canteen.models import Card, Diner, Way

WAYS = {"堂食": Way.DINE_IN, "自取": Way.TAKE_AWAY, "打包": Way.TAKE_AWAY, "带走": Way.TAKE_AWAY,
        "送餐": Way.DELIVERY, "配送": Way.DELIVERY, "上门": Way.DELIVERY, "送餐上门": Way.DELIVERY}
NOTES = ("allergy", "diet_note", "delivery_address")


def _card(cell: Any) -> str:
    number = card_number(parse_text(40)(cell))
    if not CARD.fullmatch(number):
        raise ValidationError(_("A card number has 3 to 32 letters and digits. Please scan the card again."), "card")
    return number


def diner_columns() -> tuple[SheetColumn, ...]:
    """The resident's columns, then the canteen's."""
    return (
        *resident_columns(),
        _column("card", _l("Card number"), "卡号 就餐卡号 餐卡号 饭卡号 IC卡号 餐卡", _card,
                hint=_l("A new number replaces the card in use"), example="00123"),
        _column("diet_note", _l("Diet note"), "忌口 饮食备注 饮食禁忌 饮食习惯 饮食要求 忌口/饮食备注 忌口/饮食要求",
                parse_text(200), private=True, example="少盐、糖尿病"),
        _column("allergy", _l("Allergy"), "过敏 过敏原 过敏史 食物过敏", parse_text(200), private=True, example="花生"),
        _column("delivery_address", _l("Delivery address"), "送餐地址 配送地址", parse_text(200), private=True),
        _column("usual_way", _l("Usual way"), "就餐方式 用餐方式 取餐方式 常用方式", parse_choice(WAYS),
                choices=("堂食", "自取", "送餐")),
    )


def _column(key: str, title: Any, headers: str, parse: Callable[[Any], object], **more: Any) -> SheetColumn:
    return SheetColumn(key, title, tuple(headers.split()), parse, **more)


class DinerRows(ResidentRows):
    """Residents, their being diners, and the cards in use, looked up for the whole file."""

    def __init__(self, session: Session, rows: Sequence[dict[str, Any]]) -> None:
        super().__init__(session, rows)
        self._times = Counter(row["card"] for row in rows if "card" in row)
        self._diners: dict[int, Diner] = {}
        living = sa.select(Diner).where(Diner.deleted_at.is_(None)).options(selectinload(Diner.cards))
        for some in in_pieces([resident.id for resident in self.residents()]):
            for diner in session.scalars(living.where(Diner.resident_id.in_(some))):
                self._diners[diner.resident_id] = diner
        self._owners: dict[str, Card] = {}
        in_use = sa.select(Card).where(Card.ended_on.is_(None)).options(
            joinedload(Card.diner).options(joinedload(Diner.resident))
        )
        for some in in_pieces(sorted(self._times)):
            self._owners |= {card.number: card for card in session.scalars(in_use.where(Card.number.in_(some)))}

    def check(self, values: dict[str, Any], record: Resident | None) -> Iterator[ValidationError]:
        """Beside the resident's own rules: a card of somebody else, and people who do not eat here any more."""
        yield from super().check(values, record)
        if record is not None and values.get("state", record.state) is not LifeState.ALIVE:
            yield ValidationError(_("This resident has moved away or died. Correct the resident's state first."),
                                  "name")
        number = values.get("card")
        if number is None:
            return
        owner = self._owners.get(number)
        if owner is not None and (record is None or owner.diner.resident_id != record.id):
            yield ValidationError(_("Card %(number)s is in use by %(name)s.", number=number, name=owner.diner.label),
                                  "card")
        elif self._times[number] > 1:
            yield ValidationError(_("This card stands in several rows of the file."), "card")

    def is_new(self, record: Resident | None) -> bool:
        """Whether the person was no diner yet."""
        return record is None or record.id not in self._diners

    def changes(self, values: dict[str, Any], record: Resident) -> list[str]:
        """Also what changes for the canteen."""
        diner = self._diners[record.id]
        changed = {key for key in (*NOTES, "usual_way") if key in values and values[key] != getattr(diner, key)}
        if "card" in values and (diner.card is None or diner.card.number != values["card"]):
            changed.add("card")
        return super().changes(values, record) + [str(c.title) for c in diner_columns() if c.key in changed]

    def apply(self, values: dict[str, Any], record: Resident | None) -> Diner:
        """Create or update the resident and the diner; a new card ends the one in use today."""
        resident = super().apply(values, record)
        diner = self._diners.get(record.id) if record is not None else None
        if diner is None:
            diner = Diner(resident=resident, usual_way=Way.DINE_IN)
            self.session.add(diner)
        for key in (*NOTES, "usual_way"):
            if key in values:
                setattr(diner, key, values[key])
        if "card" in values:
            self._give_card(diner, values["card"])
        return diner

    def _give_card(self, diner: Diner, number: str) -> None:
        old = diner.card
        if old is not None and old.number == number:
            return
        if old is not None:
            old.ended_on, old.end_reason = self.today, _("Replaced by the roster")
        diner.cards.append(Card(number=number, issued_on=self.today))


DINER_SHEET = Sheet(
    name="canteen.diners", title=_l("Diner roster"), columns=diner_columns(), permission="canteen.diners.import",
    unique_by=SAME_PERSON, rows=DinerRows,
)
