"""A valid record of any tenant model, so that a new model cannot be forgotten by the contract tests."""
from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.areas.tenancy import Deletable, TenantModel, Voidable, model_of, tenant_models
from core.encryption import EncryptedText
from core.exchange.roster import RESIDENT_SHEET
from core.exchange.writer import write_table
from core.extensions import Moment, Money
from core.residents.models import Resident
from core.residents.service import identity_hash, make_phone, set_name
from core.residents.sex import Sex

ENDED = {*Deletable.__annotations__, *Voidable.__annotations__}
LEFT_OUT = {"id", "community_id", "row_version"}
RARE = "彧翀翮旻昉昱晞曈榑樾橐櫂欢歆殊毓沄泠洺浥涘涣湉溦滢漪潆澹瀚炜烨"  # letters that no page has by itself
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Hand:
    """How the made-up values look, so that they can be told from others: the letters of texts, the year, digits.

    `whole` fills what may stay empty too, `ended` what ends a record (deleted, void, lost …).
    """

    letters: str = RARE
    day: date = date(2026, 11, 20)
    born: date = date(1951, 3, 4)
    digits: str = ""
    whole: bool = False
    ended: bool = False

    def two(self) -> str:
        """Two letters, another pair each time."""
        number, length = next(_numbers), len(self.letters)
        return self.letters[number % length] + self.letters[number // length % length]

    def number(self) -> int:
        """A number that shows the digits."""
        return int(f"{self.digits}{next(_numbers):04}") if self.digits else next(_numbers)

    def fills(self, column: sa.Column) -> bool:
        """Whether a column gets a value."""
        if column.key in LEFT_OUT or (column.key in ENDED and not self.ended):
            return False
        text = isinstance(column.type, sa.String | EncryptedText | sa.JSON) and not isinstance(column.type, sa.Enum)
        return not column.nullable or bool(column.info.get("private")) or self.ended or (self.whole and text)


def make(
    session: Session, model: type[TenantModel], made: dict[str, Any], hand: Hand | None = None, **values: Any
) -> Any:
    """Add a record of `model`; what it refers to is taken from `made` (by table) or made likewise."""
    record, hand = model(**values), hand or Hand()
    for column in model.__table__.columns:
        if column.key in values:
            continue
        if column.info.get("references"):
            _refer(session, record, column, made, hand, values)
        elif hand.fills(column):
            setattr(record, column.key, value_of(column, hand))
    if after := ODDITIES.get(model.__tablename__):
        after(record, hand)
    session.add(record)
    session.flush()
    made[model.__tablename__] = record
    return record


def _refer(
    session: Session, record: Any, column: sa.Column, made: dict[str, Any], hand: Hand, values: dict[str, Any]
) -> None:
    target = column.info["references"]
    if target == record.__tablename__:
        assert column.nullable, f"{column} needs a record of its own kind: please say how in ODDITIES"
        return
    if target not in made:
        make(session, model_of(target), made, hand, **{k: v for k, v in values.items() if k == "id"})
    setattr(record, column.key, made[target].id)


def value_of(column: sa.Column, hand: Hand) -> Any:
    """Something valid of the column's type; texts are never the same twice."""
    kind = column.type
    if isinstance(kind, sa.Enum):
        return next(iter(kind.enum_class))
    for types, value in VALUES:
        if isinstance(kind, types):
            return value(hand)
    text = f"{column.key}{next(_numbers)}{hand.two()}"
    return text if isinstance(kind, EncryptedText) else text[-(kind.length or 60):]


VALUES: tuple[tuple[Any, Callable[[Hand], Any]], ...] = (
    (sa.Boolean, lambda hand: False), (sa.Time, lambda hand: time(11)), (sa.Date, lambda hand: hand.day),
    (Moment, lambda hand: datetime(hand.day.year, hand.day.month, hand.day.day, 1, tzinfo=UTC)),
    (Money | sa.Numeric, lambda hand: Decimal(f"{hand.digits or 0}.00")),
    (sa.JSON, lambda hand: {"note": [hand.two(), hand.two()]}), (sa.LargeBinary, lambda hand: hand.two().encode()),
    (sa.Integer, Hand.number),
)


def _resident(resident: Resident, hand: Hand) -> None:
    set_name(resident, hand.two() if hand.digits else f"钱{hand.two()}")
    resident.sex, resident.birth_date = Sex.MALE, hand.born  # the 17th digit of a man is odd
    resident.identity_number = with_check_digit(f"990000{hand.born:%Y%m%d}{hand.number() % 500 * 2 + 1:03}")
    resident.identity_hash = identity_hash(resident.identity_number)


def with_check_digit(digits: str) -> str:
    """The 18 characters of an identity number, from its first 17 (GB 11643-1999)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return digits + "10X98765432"[sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11]


def _phone(phone: Any, hand: Hand) -> None:
    made = make_phone(f"138{hand.number() % 10**4:04}{hand.digits or '0000'}")
    phone.number, phone.number_hash, phone.last4_hash = made.number, made.number_hash, made.last4_hash


def _once(key: Any, hand: Hand) -> None:
    key.key = f"key-of-a-form-{hand.number():012}"


def _batch(batch: Any, hand: Hand) -> None:
    upload(batch, hand.two(), 1, hand.two())


def upload(batch: Any, name: str, candidate: int, other: str) -> None:
    """Make it an upload that waits: row 3 may mean the resident `candidate`, row 4 of somebody else is wrong."""
    title, sex = (column.aliases[0] for column in RESIDENT_SHEET.columns[:2])
    batch.sheet, batch.filename = RESIDENT_SHEET.name, f"{other}.xlsx"
    batch.file = write_table([title, sex], [[name, "女"], [other, other]], other)
    batch.counts = {"new": 0, "update": 0, "wrong": 1, "asked": 1, "left_out": 0, "skipped": 0, "total": 2}
    batch.plan = {
        "sheet_name": other, "header_row": 2, "unknown": [other], "skipped": [], "rows": {}, "left_out": [],
        "wrong": [[4, sex, other, other]], "updates": [[5, other, [other]]],
        "asked": [[3, [["name", name]], [[candidate, name]]]],
    }


def _card(card: Any, hand: Hand) -> None:
    card.number = f"C{hand.number():09}"


def _of_all_modules(record: Any, hand: Hand) -> None:
    record.plugin = record.plugin if hand.whole else ""  # a module that is gone may be named


def _opening_days(rule: Any, hand: Hand) -> None:
    _of_all_modules(rule, hand)
    rule.weekdays = "12345"


def _opening(balance: Any, _hand: Hand) -> None:
    balance.metric, balance.since, balance.until = "canteen.meals", None, date(2020, 1, 1)  # before any record


def _meal_kind(kind: Any, _hand: Hand) -> None:
    kind.opens, kind.closes = time(21), time(22)  # beside the hours that every community begins with


def _meal(meal: Any, hand: Hand) -> None:
    meal.government = meal.other_aid = Decimal("0.00")
    meal.self_pay, meal.rule_id = meal.standard_price, None  # a rule that has paid is not edited any more
    for payer in ("operator_aid", "city_pays", "district_pays", "street_pays", "community_pays", "donors_pay"):
        setattr(meal, payer, Decimal("0.00"))


def _rule(rule: Any, _hand: Hand) -> None:
    rule.amount, rule.street_share = Decimal("3.00"), 100
    rule.city_share = rule.district_share = rule.community_share = rule.donor_share = 0


def _closed_day(closed: Any, hand: Hand) -> None:
    closed.day = hand.day.replace(day=2 if hand.ended else 1)  # the other records are of a day whose books are open


def _menu_week(week: Any, hand: Hand) -> None:
    monday = hand.day - timedelta(days=hand.day.weekday())
    week.monday = monday - timedelta(weeks=1) if hand.ended else monday


def _tally(tally: Any, _hand: Hand) -> None:
    tally.number, tally.unnamed = 20, 20


def _settlement(settlement: Any, hand: Hand) -> None:
    settlement.month = (hand.day.replace(day=1) - timedelta(days=hand.ended)).replace(day=1)


def _usual_meal(usual: Any, _hand: Hand) -> None:
    usual.weekday = 6  # Sunday: of no meal of the days that tests look at


def _dish(dish: Any, _hand: Hand) -> None:
    dish.allergens = ["egg"]


def _food_sample(sample: Any, _hand: Hand) -> None:
    sample.grams = 125


def _disinfection(record: Any, _hand: Hand) -> None:
    record.minutes = 30  # of a day at most


def _morning_check(check: Any, _hand: Hand) -> None:
    check.temperature = 365  # tenths of a degree


def _purchase_check(check: Any, _hand: Hand) -> None:
    check.licence_seen = True  # what nobody vouches for is refused


ODDITIES: dict[str, Callable[[Any, Hand], None]] = {  # by table: what no type can tell
    "closure": _of_all_modules, "opening_days": _opening_days, "metric_opening": _opening,
    "canteen_card": _card,
    "canteen_closed_day": _closed_day,
    "canteen_dish": _dish,
    "canteen_disinfection": _disinfection,
    "canteen_food_sample": _food_sample,
    "canteen_meal": _meal,
    "canteen_meal_kind": _meal_kind,
    "canteen_menu_week": _menu_week,
    "canteen_morning_check": _morning_check,
    "canteen_purchase_check": _purchase_check,
    "canteen_settlement": _settlement,
    "canteen_subsidy_rule": _rule,
    "canteen_tally": _tally,
    "canteen_usual_meal": _usual_meal,
    "import_batch": _batch,
    "once_key": _once,
    "resident": _resident,
    "resident_phone": _phone,
}


def fill(session: Session, number: int, hand: Hand | None = None) -> dict[str, Any]:
    """A record of every tenant model with this id in the session's community; the records by table."""
    made: dict[str, Any] = {}
    for model in tenant_models():
        if model.__tablename__ not in made:
            by_itself = session.get(model, number)  # a part that its owner made when it was added
            made[model.__tablename__] = by_itself or make(session, model, made, hand, id=number)
    return made


def secrets(records: dict[str, Any]) -> set[str]:
    """What of these records is private: people's names and every value that is kept encrypted."""
    found = {record.name for record in records.values() if isinstance(record, Resident)}
    for record in records.values():
        for column in record.__table__.columns:
            value = getattr(record, column.key)
            if isinstance(column.type, EncryptedText) and isinstance(value, str):
                found.add(value)
    return found
