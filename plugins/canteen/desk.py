"""What the counter is set to, and what stands beside it: totals and the meals just recorded."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, joinedload

from core.api import ValidationError, beijing, clean_reason
from plugins.canteen.ledger.days import book_day, is_late
from plugins.canteen.ledger.models import Method
from plugins.canteen.models import Diner, Meal, MealKind, Way
from plugins.canteen.services import check_day, is_open, kind_at, kinds_of, price_on
from plugins.canteen.settings import age_counts, canteen_settings, opened_on, usual_method
from plugins.canteen.subsidies.rules import AgeCounts

MOST_RECENT = 8


@dataclass(frozen=True)
class Desk:
    """A counter at work: which meal of which day, in which way. `back` is a list entered afterwards (补录)."""

    day: date
    kinds: list[MealKind]
    kind: MealKind | None  # None: the community has no kinds of meals yet
    chosen: bool  # the kind was chosen by hand, else by the clock
    way: Way | None  # None: each diner's usual way
    price: Decimal | None
    open: bool
    back: bool = False
    back_reason: str = ""
    text: str = ""
    problem: str = ""  # why nothing can be recorded for this day
    late: str = ""  # what is entered for a closed day is booked on another
    usual: Method | None = None  # how meals are usually paid; None: the counter takes no money
    pay: Method | None = None  # None: from the balance if it suffices, else as usual
    ages: AgeCounts = AgeCounts.DAY

    @property
    def hours(self) -> str:
        """10:30–13:00."""
        return f"{self.kind.opens:%H:%M}–{self.kind.closes:%H:%M}" if self.kind else ""

    @property
    def ready(self) -> bool:
        """Whether the field may be typed into."""
        return bool(self.kind and not self.problem and (not self.back or self.back_reason))


@dataclass(frozen=True)
class Totals:
    """The valid meals of a day and kind: how many in each way, and what they come to in yuan."""

    count: int
    ways: dict[Way, int] = field(default_factory=dict)
    standard: Decimal = Decimal(0)
    self_pay: Decimal = Decimal(0)


def read_desk(
    session: Session, values: Mapping[str, str], at: datetime, *, back: bool, priced: bool = True
) -> Desk:
    """The counter's settings from an address line or form; what cannot be read is left at its default.

    `priced` False leaves the price out: recording asks for it itself.
    """
    local = beijing(at)
    kinds = kinds_of(session)
    chosen = next((k for k in kinds if str(k.id) == values.get("kind")), None)
    kind = chosen or kind_at(kinds, local.time() if not back else time(12))
    day = _day(values.get("day")) or local.date() - timedelta(days=1) if back else local.date()
    settings = canteen_settings(session, kind.community_id) if kind else {}
    is_closed = kind is not None and is_late(session, day)
    problem = _problem(kind, day, at, is_closed and not back, opened_on(settings)) if kind else ""
    late = _late(session, day, local.date()) if is_closed else ""
    usual = usual_method(settings)
    return Desk(
        day=day, kinds=kinds, kind=kind, chosen=chosen is not None, way=_way(values.get("way")),
        price=price_on(session, kind, day) if kind and priced else None,
        open=bool(kind and is_open(kind, local.time())),
        back=back, back_reason=clean_reason(values.get("back_reason", ""))[:100] if back else "",
        text=values.get("q", "").replace("\x00", "").strip()[:60],
        problem=problem, late=late, usual=Method(usual) if usual else None,
        pay=_pay(values.get("pay")) if usual else None, ages=age_counts(settings),
    )


def _problem(kind: MealKind, day: date, at: datetime, closed: bool, opened: date | None) -> str:
    try:
        check_day(kind, day, at, opened)
    except ValidationError as error:
        return str(error)
    if closed:
        return _("Today is closed already. Please enter late meals as a back entry, with the reason.")
    return ""


def _late(session: Session, day: date, today: date) -> str:
    """Into which day and month a meal of a closed day goes."""
    booked = book_day(session, day, today)
    return _("%(day)s is closed. Meals entered now are booked on %(booked)s, in the settlement of %(month)s.",
             day=day.isoformat(), booked=booked.isoformat(), month=f"{booked:%Y-%m}")


def _pay(text: str | None) -> Method | None:
    return Method(text) if text in {method.value for method in Method} else None


def _way(text: str | None) -> Way | None:
    return Way(text) if text in {way.value for way in Way} else None


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text and len(text) == 10 else None
    except ValueError:
        return None


def day_totals(session: Session, day: date, kind: MealKind) -> Totals:
    """How many meals of this kind the day has, by way, and their sums."""
    rows = session.execute(
        sa.select(Meal.way, sa.func.count(), sa.func.sum(Meal.standard_price), sa.func.sum(Meal.self_pay))
        .where(Meal.day == day, Meal.kind_id == kind.id, *Meal.counts()).group_by(Meal.way)
    ).all()
    return Totals(
        sum(count for _way, count, *_sums in rows), {way: count for way, count, *_sums in rows},
        sum((standard for _w, _c, standard, _p in rows), Decimal(0)),
        sum((paid for *_rest, paid in rows), Decimal(0)),
    )


def just_recorded(session: Session, day: date, kind: MealKind, account: str, at: datetime) -> list[Meal]:
    """The latest valid meals that this account recorded today for the day and kind, newest first."""
    start = beijing(at).replace(hour=0, minute=0, second=0, microsecond=0)
    return list(session.scalars(
        sa.select(Meal).where(
            Meal.day == day, Meal.kind_id == kind.id, Meal.account == account, Meal.recorded_at >= start,
            *Meal.counts(),
        ).options(joinedload(Meal.diner).joinedload(Diner.resident)).order_by(Meal.id.desc()).limit(MOST_RECENT)
    ))
