"""The kitchen's people: health certificates, the duty roster, and the morning check."""
from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, joinedload, selectinload

from core.api import ValidationError, clean_reason, settings_of
from plugins.canteen.kitchen.models import Cook, Duty, HealthCertificate, MorningCheck
from plugins.canteen.settings import PLUGIN

REMINDERS = (30, 7, 0)  # days before the last day of a certificate (domain.md §2.4)
FEVER = 373  # tenths of a degree, where the settings say nothing else
POSSIBLE = range(340, 430)  # tenths of a degree
LONGEST_SYMPTOMS = 60
DEGREES = re.compile(r"(\d{2})(?:\.(\d))?")

Shift = tuple[int, date]  # the id of a cook and a day


# -- certificates --------------------------------------------------------------------------------

def latest_end(issued: date) -> date:
    """One year after the day of issue (食品安全法 art. 45); of 29 February the end of that month."""
    try:
        return issued.replace(year=issued.year + 1)
    except ValueError:
        return date(issued.year + 1, 2, 28)


def check_certificate(certificate: HealthCertificate, today: date) -> None:
    """Raises ValidationError for dates that no health certificate can have."""
    if certificate.issued_on > today:
        raise ValidationError(_("The day of issue lies in the future."), "issued_on")
    if certificate.expires_on < certificate.issued_on:
        raise ValidationError(_("The last day cannot lie before the day of issue."), "expires_on")
    if certificate.expires_on > (end := latest_end(certificate.issued_on)):
        raise ValidationError(_("A health certificate holds for one year at most: the last day is %(end)s at the "
                                "latest.", end=end.isoformat()), "expires_on")


def cooks_of(session: Session, day: date | None = None) -> list[Cook]:
    """The kitchen's people with their certificates, by name; with a day those who have not left before it."""
    query = sa.select(Cook).where(Cook.deleted_at.is_(None)).options(selectinload(Cook.certificates))
    if day is not None:
        query = query.where(sa.or_(Cook.left_on.is_(None), Cook.left_on >= day))
    return list(session.scalars(query.order_by(Cook.name, Cook.id)))


def holding(cook: Cook) -> list[HealthCertificate]:
    """The certificates that are not in the recycle bin, the one that ends last at the end."""
    return [certificate for certificate in cook.certificates if certificate.deleted_at is None]


def certified_on(cook: Cook, day: date) -> bool:
    """Whether a certificate holds that day, its last day included."""
    return any(c.issued_on <= day <= c.expires_on for c in holding(cook))


def why_not(cook: Cook, day: date, named: Callable[[str], str] = str) -> str | None:
    """Why somebody cannot be on duty that day; None where he can. `named` masks the name for those who see none."""
    name = named(cook.name)
    if cook.left_on is not None and day > cook.left_on:
        return _("%(name)s left on %(left)s.", name=name, left=cook.left_on.isoformat())
    if certified_on(cook, day):
        return None
    ended = [c.expires_on for c in holding(cook) if c.expires_on < day]
    if ended:
        return _("%(name)s has no valid health certificate on %(day)s: it ended on %(ended)s.", name=name,
                 day=day.isoformat(), ended=max(ended).isoformat())
    return _("%(name)s has no valid health certificate on %(day)s.", name=name, day=day.isoformat())


def ending(session: Session, today: date) -> list[tuple[Cook, date | None, int | None]]:
    """Who must renew: (cook, last day of the last certificate, days left), the most urgent first; None: has none."""
    found = []
    for cook in cooks_of(session, today):
        last = max((c.expires_on for c in holding(cook)), default=None)
        left = (last - today).days if last else None
        if left is None or left <= REMINDERS[0]:
            found.append((cook, last, left))
    return sorted(found, key=lambda row: (row[2] is not None, row[2] or 0))


# -- the roster ----------------------------------------------------------------------------------

def duties_between(session: Session, first: date, last: date) -> list[Duty]:
    """Who is on duty from a day to a day, by day and name; the certificates with them."""
    return list(session.scalars(
        sa.select(Duty).join(Cook, Duty.cook_id == Cook.id).where(Duty.day.between(first, last))
        .options(joinedload(Duty.cook).selectinload(Cook.certificates)).order_by(Duty.day, Cook.name, Duty.id)))


def change_roster(session: Session, add: Iterable[Shift], drop: Iterable[Shift]) -> tuple[int, int]:
    """Put people on duty and take them off it; how many of each. What stands so already is left alone.

    Raises ValidationError for somebody without a valid certificate that day, and for one who was checked already.
    """
    add, drop = set(add), set(drop)
    days = [day for _cook, day in add | drop]
    if not days:
        return 0, 0
    present = {(d.cook_id, d.day): d for d in duties_between(session, min(days), max(days))}
    checked = {(c.cook_id, c.day) for c in checks_between(session, min(days), max(days))}
    cooks = {cook.id: cook for cook in cooks_of(session)}
    dropped = [present[shift] for shift in sorted(drop) if shift in present]
    for duty in dropped:
        if (duty.cook_id, duty.day) in checked:
            raise ValidationError(
                _("%(name)s was checked on the morning of %(day)s and stays on its roster. If that is wrong, please "
                  "void the morning check first.", name=duty.cook.name, day=duty.day.isoformat()))
        session.delete(duty)
    added = sorted(shift for shift in add if shift not in present)
    for cook_id, day in added:
        if cook_id not in cooks:
            raise ValidationError(_("This person is not known here any more. Please search again."))
        if reason := why_not(cooks[cook_id], day):
            raise ValidationError(_("Cannot be put on duty: %(reason)s", reason=reason))
        session.add(Duty(cook_id=cook_id, day=day))
    return len(added), len(dropped)


# -- the morning check ---------------------------------------------------------------------------

@dataclass(frozen=True)
class Checked:
    """One line of the morning check, as typed."""

    cook_id: int
    temperature: str
    symptoms: str
    fit: bool


def checks_between(session: Session, first: date, last: date) -> list[MorningCheck]:
    """The valid morning checks from a day to a day."""
    return list(session.scalars(
        sa.select(MorningCheck).where(MorningCheck.day.between(first, last), MorningCheck.voided_at.is_(None))
        .options(joinedload(MorningCheck.cook)).order_by(MorningCheck.day, MorningCheck.id)))


def fever_from(session: Session, community_id: int) -> int:
    """From which temperature nobody may work, in tenths of a degree."""
    text = settings_of(session, community_id, PLUGIN).get("fever_from")
    return tenths(str(text)) or FEVER if text else FEVER


def tenths(text: str) -> int | None:
    """３６．５ or 36.5 ℃ in tenths of a degree; None where it is no temperature of a person."""
    text = unicodedata.normalize("NFKC", text).replace("。", ".").lower().strip()
    text = text.removesuffix("c").removesuffix("°").removesuffix("度").strip()
    found = DEGREES.fullmatch(text) if text.isascii() else None
    value = int(found[1]) * 10 + int(found[2] or 0) if found else None
    return value if value in POSSIBLE else None


def record_checks(
    session: Session, day: date, lines: Sequence[Checked], fever: int, by: str, at: datetime, today: date
) -> list[MorningCheck]:
    """The morning check of those on duty who came; a line without a temperature waits. `fever` in tenths.

    Raises ValidationError with what to do; nobody with a fever or symptoms is fit.
    """
    if day > today:
        raise ValidationError(_("%(day)s lies in the future. Please choose today or an earlier day.",
                                day=day.isoformat()))
    on_duty = {duty.cook_id: duty.cook for duty in duties_between(session, day, day)}
    known = {check.cook_id for check in checks_between(session, day, day)}
    checks = []
    for line in lines:
        if not line.temperature.strip() and not line.symptoms.strip() and line.fit:
            continue
        if line.cook_id not in on_duty:
            raise ValidationError(_("This person is not on duty that day. Please look again."))
        cook = on_duty[line.cook_id]
        if line.cook_id in known:
            raise ValidationError(_("%(name)s has been checked already.", name=cook.name))
        checks.append(_check(cook, day, line, fever, by, at))
    if not checks:
        raise ValidationError(_("Please give the temperature of at least one person."))
    session.add_all(checks)
    return checks


def _check(cook: Cook, day: date, line: Checked, fever: int, by: str, at: datetime) -> MorningCheck:
    temperature, symptoms = tenths(line.temperature), clean_reason(line.symptoms)
    field = f"temperature-{cook.id}"
    if temperature is None:
        raise ValidationError(_("%(name)s: please give the temperature as 36.5.", name=cook.name), field)
    if len(symptoms) > LONGEST_SYMPTOMS:
        raise ValidationError(_("%(name)s: symptoms have at most %(most)s characters.", name=cook.name,
                                most=LONGEST_SYMPTOMS), field)
    if line.fit and temperature >= fever:
        raise ValidationError(_("%(name)s has %(degrees)s °C and cannot work today. Please choose “unfit”.",
                                name=cook.name, degrees=f"{temperature / 10:.1f}"), field)
    if line.fit and symptoms:
        raise ValidationError(_("%(name)s has symptoms and cannot work today. Please choose “unfit”, or take the "
                                "symptoms out.", name=cook.name), field)
    return MorningCheck(cook_id=cook.id, day=day, temperature=temperature, symptoms=symptoms or None, fit=line.fit,
                        checked_at=at, checked_by=by)


def week_before(days: Sequence[date]) -> tuple[date, date]:
    """The first and last day of the week before."""
    return days[0] - timedelta(days=7), days[-1] - timedelta(days=7)
