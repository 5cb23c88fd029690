"""The rules of the canteen: which meal it is, what it costs, and who may have it."""
from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, joinedload

from core.api import (
    ConfirmationNeeded,
    LifeState,
    Resident,
    ValidationError,
    add_phones,
    beijing,
    check_resident,
    clean_reason,
    find_resident,
    set_name,
)
from plugins.canteen.ledger.books import book_day, check_seats, hold, is_late, meal_recorded
from plugins.canteen.ledger.models import Method
from plugins.canteen.ledger.takings import Clerk
from plugins.canteen.models import Card, Diner, Meal, MealKind, Price, Source, SubsidyRule, Way
from plugins.canteen.settings import age_counts, canteen_settings, opened_on, seats_a_meal, usual_method
from plugins.canteen.settlement.locks import found_open
from plugins.canteen.subsidies.rules import AgeCounts, age_counted, best, left_by, split_meal
from plugins.canteen.subsidies.services import aid_for, in_force

UNDONE = "撤销"  # stored as the reason of an undone meal, so it stays one word whatever language the screen has
LONGEST_BUILDING = 20  # characters of a resident's building
OLD_AFTER = timedelta(days=31)  # a back entry older than this is asked about
DEFAULT_KINDS = (
    ("早餐", time(6, 30), time(8, 30), Decimal("6.00")),
    ("午餐", time(10, 30), time(13, 0), Decimal("15.00")),
    ("晚餐", time(16, 30), time(18, 30), Decimal("12.00")),
)


class NoPrice(ValidationError):
    """The meal has no price on that day; the screen links to the prices."""


class AlreadyTaken(ValidationError):
    """The diner had this meal; `meal` is the one recorded first."""

    def __init__(self, meal: Meal) -> None:
        super().__init__(taken_text(meal))
        self.meal = meal


def kinds_of(session: Session) -> list[MealKind]:
    """The kinds of meals in the order of the day."""
    return list(session.scalars(
        sa.select(MealKind).where(MealKind.deleted_at.is_(None)).order_by(MealKind.opens, MealKind.id)
    ))


def kind_at(kinds: Sequence[MealKind], clock: time) -> MealKind | None:
    """The meal of this hour; between windows the nearest one, the coming one if both are as near."""
    return min(kinds, key=lambda kind: (_minutes_off(kind, clock), kind.opens < clock), default=None)


def _minutes_off(kind: MealKind, clock: time) -> int:
    now, opens, closes = (t.hour * 60 + t.minute for t in (clock, kind.opens, kind.closes))
    return max(opens - now, now - closes, 0)


def is_open(kind: MealKind, clock: time) -> bool:
    """Whether the meal is served at this hour (both ends included, to the minute)."""
    return _minutes_off(kind, clock) == 0


def price_on(session: Session, kind: MealKind, day: date) -> Decimal | None:
    """The standard price in yuan that holds on a day; None before the first one."""
    return session.scalar(_prices(kind, day))


def _prices(kind: MealKind, day: date) -> sa.Select:
    return (sa.select(Price.amount).where(Price.kind_id == kind.id, Price.starts_on <= day)
            .order_by(Price.starts_on.desc()).limit(1))


def _price_and_rules(session: Session, kind: MealKind, day: date) -> tuple[Decimal | None, bool]:
    """The price of a day, and whether any subsidy rule holds then: no statement more where there is none."""
    any_rule = sa.select(SubsidyRule.id).where(SubsidyRule.community_id == Price.community_id, *in_force(day))
    row = session.execute(_prices(kind, day).add_columns(any_rule.exists())).one_or_none()
    return (row[0], bool(row[1])) if row else (None, False)


def opening_day(session: Session, community_id: int) -> date | None:
    """开业日期 from the settings; None where it was not entered."""
    return opened_on(canteen_settings(session, community_id))


def age_rule(session: Session, community_id: int) -> AgeCounts:
    """From when a new age counts here."""
    return age_counts(canteen_settings(session, community_id))


def meal_of(session: Session, diner_id: int | None, day: date, kind_id: int) -> Meal | None:
    """The valid meal of a diner, day and kind."""
    if diner_id is None:
        return None
    return session.scalar(sa.select(Meal).where(
        Meal.diner_id == diner_id, Meal.day == day, Meal.kind_id == kind_id, *Meal.counts()
    ))


def diner_of(session: Session, resident_id: int) -> Diner | None:
    """The living diner of a resident, with the resident."""
    return session.scalar(sa.select(Diner).where(Diner.resident_id == resident_id, Diner.deleted_at.is_(None))
                          .options(joinedload(Diner.resident)))


def make_diner(session: Session, resident: Resident) -> Diner:
    """The resident as a diner, made at the first meal."""
    diner = diner_of(session, resident.id)
    if diner is None:
        diner = Diner(resident=resident, usual_way=Way.DINE_IN)
        session.add(diner)
        session.flush()
    return diner


def new_resident(
    session: Session, name: str, phone: str, birth_date: date | None, building: str, today: date,
    confirmed: Collection[str] = (),
) -> Resident:
    """Somebody whom nobody knows yet, with the little that the counter asks.

    Raises ValidationError with the field, ConfirmationNeeded "same_name" where somebody of that name is known.
    """
    building = clean_reason(building)
    if len(building) > LONGEST_BUILDING:
        raise ValidationError(_("A building has at most %(most)s characters.", most=LONGEST_BUILDING), "building")
    resident = Resident(birth_date=birth_date, building=building or None, state=LifeState.ALIVE)
    set_name(resident, name)
    if phone.strip():
        add_phones(resident, [phone])
    check_resident(resident, today)
    known = find_resident(session, {"name": resident.name})
    if known and "same_name" not in confirmed:
        raise ConfirmationNeeded(
            _("There is already: %(people)s. Is this somebody else, to be added as new?",
              people="、".join(person.long_label for person in known[:3])), "same_name")
    session.add(resident)
    session.flush()
    return resident


def taken_text(meal: Meal) -> str:
    """Who recorded a meal and when, for the one who tries again."""
    moment = beijing(meal.recorded_at)
    when = moment.strftime("%H:%M") if moment.date() == meal.day else moment.strftime("%Y-%m-%d %H:%M")
    return _("%(name)s already had %(kind)s on %(day)s: recorded at %(when)s by %(by)s.",
             name=meal.diner.label if meal.diner else _("Guest"), kind=meal.kind.name, day=meal.day.isoformat(),
             when=when, by=meal.recorded_by)


def deceased_text(resident: Resident) -> str:
    """Why no meal is recorded for somebody who died."""
    return _("%(name)s is recorded as deceased on %(day)s. If that is wrong, please correct the resident's record "
             "first.", name=resident.name, day=resident.state_on or "—")


def record_meal(
    session: Session, diner: Diner | None, day: date, kind: MealKind, way: Way, by: str, at: datetime, *,
    source: Source = Source.COUNTER, reason: str | None = None, moved_reason: str | None = None,
    confirmed: Collection[str] = (), card: Card | None = None, account: str | None = None,
    method: Method | None = None,
) -> Meal:
    """Add one meal at the price of its day; `diner` None is a guest (散客), `at` the moment of recording (UTC).

    `by` is the name shown beside the meal, `account` the one that may undo it. Where the counter takes money the meal
    is paid by `method`; None is the diner's balance if it suffices, else the community's usual method.

    Raises AlreadyTaken, NoPrice or ValidationError with what to do, ConfirmationNeeded for what is unusual:
    the questions "lost_card", "moved" (wants `moved_reason`), "hours", "early", "old" and "seats" are answered by
    `confirmed`.
    """
    settings = canteen_settings(session, kind.community_id)
    check_day(kind, day, at, opened_on(settings))
    hold(session, kind.community_id)
    if diner is not None:
        _check_diner(session, diner, day, kind)
    if source == Source.BACK_ENTRY and len((reason or "").strip()) < 2:
        raise ValidationError(_("Please give the reason for the back entry."), "reason")
    price, rules_hold = _price_and_rules(session, kind, day)
    if price is None:
        raise NoPrice(_("%(kind)s has no price on %(day)s yet. Please set a price first.", kind=kind.name,
                        day=day.isoformat()))
    late = is_late(session, day)
    if not late:
        found_open(session, day)
    if late and len((reason or "").strip()) < 2:
        raise ValidationError(_("%(day)s is closed. Please use the back entry and give the reason.",
                                day=day.isoformat()), "reason")
    _ask(diner, day, kind, at, source, moved_reason, confirmed, card)
    if way is Way.DINE_IN and "seats" not in confirmed:
        check_seats(session, day, kind, seats_a_meal(settings))
    how, chosen = age_counts(settings), None
    if diner is not None and rules_hold:
        chosen = best(aid_for(session, diner, kind, day, price, how))
    meal = Meal(
        diner=diner, kind=kind, day=day, booked_on=book_day(session, day, beijing(at).date()) if late else day,
        way=way, source=source, recorded_by=by, account=account, recorded_at=at,
        reason="；".join(part.strip() for part in (reason, moved_reason) if part and part.strip())[:200] or None,
        rule=chosen.rule if chosen else None, age=age_counted(diner.resident, day, how) if diner else None,
        **vars(split_meal(price, chosen)),
    )
    session.add(meal)
    meal_recorded(session, meal, method, usual_method(settings), Clerk(by, at, account))
    return meal


def check_day(kind: MealKind, day: date, at: datetime, opened: date | None) -> None:
    """Raises ValidationError where no meal of this kind can have been taken on this day."""
    if kind.deleted_at is not None:
        raise ValidationError(_("%(kind)s is no longer served. Please choose another meal.", kind=kind.name), "kind")
    if day > beijing(at).date():
        raise ValidationError(_("%(day)s lies in the future. Please choose today or an earlier day.",
                                day=day.isoformat()), "day")
    if opened and day < opened:
        raise ValidationError(_("The canteen opened on %(opened)s. Please choose that day or a later one.",
                                opened=opened.isoformat()), "day")


def _check_diner(session: Session, diner: Diner, day: date, kind: MealKind) -> None:
    resident = diner.resident
    if diner.deleted_at is not None or resident.deleted_at is not None:
        raise ValidationError(_("%(name)s is in the recycle bin. Please restore the record first.",
                                name=resident.name))
    if resident.state == LifeState.DECEASED and left_by(resident, day):
        raise ValidationError(deceased_text(resident))
    if meal := meal_of(session, diner.id, day, kind.id):
        raise AlreadyTaken(meal)


def _ask(
    diner: Diner | None, day: date, kind: MealKind, at: datetime, source: Source, moved_reason: str | None,
    confirmed: Collection[str], card: Card | None,
) -> None:
    """Raise the first question that was not answered yet."""
    clock, hours = beijing(at).time(), f"{kind.opens:%H:%M}–{kind.closes:%H:%M}"
    if card is not None and card.ended_on is not None and "lost_card" not in confirmed:
        raise ConfirmationNeeded(
            _("This card was reported lost or replaced on %(day)s. Record the meal of %(name)s all the same?",
              day=card.ended_on.isoformat(), name=card.diner.label), "lost_card")
    if diner is not None and diner.resident.state == LifeState.MOVED and left_by(diner.resident, day) and (
            "moved" not in confirmed or len((moved_reason or "").strip()) < 2):
        raise ConfirmationNeeded(
            _("%(name)s moved away on %(day)s. To record the meal all the same, please give the reason.",
              name=diner.label, day=diner.resident.state_on or "—"), "moved")
    if source == Source.COUNTER and not is_open(kind, clock) and "hours" not in confirmed:
        raise ConfirmationNeeded(
            _("%(kind)s is served %(hours)s, and it is %(now)s now. Record it all the same?", kind=kind.name,
              hours=hours, now=clock.strftime("%H:%M")), "hours")
    if source == Source.BACK_ENTRY and day == beijing(at).date() and clock < kind.opens and "early" not in confirmed:
        raise ConfirmationNeeded(
            _("%(kind)s of today has not begun yet (%(hours)s). Record it all the same?", kind=kind.name,
              hours=hours), "early")
    if source == Source.BACK_ENTRY and beijing(at).date() - day > OLD_AFTER and "old" not in confirmed:
        raise ConfirmationNeeded(old_text(day), "old")


def old_text(day: date) -> str:
    """Ask about a day that may be a slip."""
    return _("%(day)s is more than a month ago. Record it all the same?", day=day.isoformat())


def add_default_kinds(session: Session, day: date) -> None:
    """Breakfast, lunch and dinner with a first price each, where there is no kind at all yet."""
    if session.scalar(sa.select(MealKind.id).limit(1)) is not None:
        return
    for name, opens, closes, amount in DEFAULT_KINDS:
        kind = MealKind(name=name, opens=opens, closes=closes)
        session.add(kind)
        session.flush()
        session.add(Price(kind_id=kind.id, starts_on=day, amount=amount))
    session.flush()


def check_hours(session: Session, kind: MealKind) -> None:
    """Raises ValidationError where a meal ends before it begins or overlaps another."""
    if kind.opens >= kind.closes:
        raise ValidationError(_("The meal must end after it begins."), "closes")
    for other in kinds_of(session):
        if other.id != kind.id and kind.opens <= other.closes and other.opens <= kind.closes:
            raise ValidationError(_("These hours overlap %(kind)s (%(opens)s–%(closes)s).", kind=other.name,
                                    opens=f"{other.opens:%H:%M}", closes=f"{other.closes:%H:%M}"), "opens")
