"""The State Council's yearly notice of holidays: what the program knows, what the office pastes or types."""
from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import chinese_calendar
import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.areas.models import Area
from core.calendar.models import Holiday
from core.errors import ValidationError

ASKED_FROM = 10  # the notice for the next year comes in autumn: from October on the street is asked for it
LONGEST_NOTICE = 5_000
LONGEST_HOLIDAY = 31  # days in one range: more is a typing error
KNOWN_YEARS = range(min(chinese_calendar.holidays).year, max(chinese_calendar.holidays).year + 1)
SHORT_NAMES = {"元旦": "元旦", "春节": "春节", "清明": "清明节", "劳动": "劳动节", "端午": "端午节", "中秋": "中秋节",
               "国庆": "国庆节"}

ANY_DATE = r"(?:(?:(?P<y{0}>\d{{4}})[-/.年])?(?P<m{0}>\d{{1,2}})[-/.月])?(?P<d{0}>\d{{1,2}})(?P<s{0}>日?)"
UNTIL = r"\s*(?:至|到|~|—+|–|-{1,2}(?=\s*\d))\s*"
DAYS = re.compile(rf"(?<!\d){ANY_DATE.format(1)}(?:{UNTIL}{ANY_DATE.format(2)})?(?!\d|天)")
ASIDE = re.compile(r"\([^)]*\)|共\d+天|星期.|周[一二三四五六日]|第\d+[条号]")
NUMBERED = re.compile(r"^[一二三四五六七八九十\d]+[、.](?!\d)\s*")


@dataclass(frozen=True)
class NoticeDay:
    """A day that differs from an ordinary week, or lies in a holiday."""

    day: date
    name: str
    is_off: bool


def known_year(year: int) -> list[NoticeDay]:
    """The notice of a year as the program brought it (package chinesecalendar); [] for years that it does not know."""
    if year not in KNOWN_YEARS:
        return []
    found = []
    for number in range(366):
        day = date(year, 1, 1) + timedelta(days=number)
        if day.year == year:
            is_off, holiday = chinese_calendar.get_holiday_detail(day)
            if holiday is not None:
                name = chinese_calendar.Holiday(holiday).chinese
                found.append(NoticeDay(day, short_name(name), is_off))
    return found


def short_name(text: str) -> str:
    """中秋、国庆 as lists call them."""
    names = [short for key, short in SHORT_NAMES.items() if key in text]
    return "、".join(names) or text[:20]


def holidays_between(session: Session, start: date, end: date) -> dict[date, Holiday]:
    """The days of the notices from `start` to `end`, both included."""
    found = session.scalars(sa.select(Holiday).where(Holiday.day >= start, Holiday.day <= end).order_by(Holiday.day))
    return {holiday.day: holiday for holiday in found}


def years_there(session: Session) -> list[int]:
    """The years whose notice is in the table; a December alone may belong to the next year's."""
    year = sa.extract("year", Holiday.day)
    found = session.scalars(sa.select(year).where(sa.extract("month", Holiday.day) < 12).distinct())
    return sorted(int(each) for each in found)


def year_wanted(session: Session, today: date) -> int | None:
    """The year whose notice is missing: this one, or from October on the next; None while nothing is missing."""
    wanted = [today.year, *([today.year + 1] if today.month >= ASKED_FROM else [])]
    there = set(years_there(session))
    return next((year for year in wanted if year not in there), None)


def without_notice(year: int) -> str:
    """What holds in a year whose notice is not there."""
    return _("The holidays of %(year)s are not known here yet: until they are entered, Monday to Friday count as "
             "workdays and Saturday and Sunday as the weekend.", year=year)


def keeps_holidays(area: Area) -> bool:
    """Whether the table is kept at this area: at the highest one, for everybody below."""
    return area.parent_id is None


def save_day(session: Session, day: date, name: str, is_off: bool, but: Holiday | None = None) -> Holiday:
    """Add a day or change one. Raises ValidationError where the day is there already, or cannot be worked off."""
    name = " ".join(name.split())[:20]
    if not name:
        raise ValidationError(_("Please name the holiday."), "name")
    twice = session.scalar(sa.select(Holiday).where(Holiday.day == day, Holiday.id != (but.id if but else 0)))
    if twice is not None:
        raise ValidationError(_("%(day)s is in the table already (%(name)s).", day=day.isoformat(), name=twice.name),
                              "day")
    if not is_off and day.isoweekday() <= 5:
        raise ValidationError(_("%(day)s is no Saturday or Sunday: it is a workday as it is.", day=day.isoformat()),
                              "is_off")
    row = but or Holiday()
    row.day, row.name, row.is_off = day, name, is_off
    session.add(row)
    session.flush()
    return row


def save_year(session: Session, year: int, days: Iterable[NoticeDay]) -> int:
    """Replace the notice of a year; returns how many days it has."""
    rows = [Holiday(day=each.day, name=each.name, is_off=each.is_off) for each in days]
    session.execute(sa.delete(Holiday).where(sa.or_(
        sa.and_(Holiday.day >= date(year, 1, 1), Holiday.day <= date(year, 12, 31)),
        Holiday.day.in_([row.day for row in rows]))))
    session.add_all(rows)
    session.flush()
    return len(rows)


# -- the notice as text ----------------------------------------------------------------------------


def written(days: Iterable[NoticeDay]) -> str:
    """A line for each day, as `read_notice` reads it."""
    return "\n".join(f"{each.day.isoformat()} {each.name} {'休' if each.is_off else '班'}" for each in days)


def read_notice(text: str, year: int) -> list[NoticeDay]:
    """The days of a year from the pasted notice of the State Council, or from lines such as “2027-02-06 春节 休”.

    A range is written 1月1日至3日 or 2027-01-01~2027-01-03; cells pasted from Excel come with tabs between them. In a
    sentence with 上班 (or a line with 班) the days are worked. Raises ValidationError that names the line.
    """
    found: dict[date, NoticeDay] = {}
    lines = unicodedata.normalize("NFKC", text.replace("\x00", "")[:LONGEST_NOTICE]).splitlines()
    for number, line in enumerate(lines, 1):
        for each in _of_line(line, year, number):
            other = found.get(each.day)
            if other is not None and other.is_off != each.is_off:
                raise _wrong(number, _("%(day)s is both off and worked", day=each.day.isoformat()))
            found[each.day] = each
    if not found:
        raise ValidationError(_("No day was found. Please paste the notice, or write a line for each day such as "
                                "%(example)s.", example=f"{year}-01-01 元旦 休"), "text")
    return [found[day] for day in sorted(found)]


def _of_line(line: str, year: int, number: int) -> Iterator[NoticeDay]:
    text = ASIDE.sub("", NUMBERED.sub("", line.strip()))
    if not re.search(r"\d", text) or not re.search("[休班假]", text):
        signed = re.fullmatch(r"(\d{4})年\d+月\d+日", text)  # the day of the notice itself, under it
        if not (signed and signed[1] != str(year)) and DAYS.search(text) and re.search(r"[月/-]\d", text):
            raise _wrong(number, _("it says neither 休 nor 班"))
        return
    title, colon, _rest = text.partition(":")
    title = title if colon else "".join(re.findall(r"[\u4e00-\u9fff、]+", re.sub(DAYS, " ", text)))
    name = short_name(re.sub(r"放假调休|放假|调休|上班|休息?|班|周末", "", title).strip("、") or _("Holiday"))
    month = 0
    for sentence in re.split("[。;]", _rest if colon else text):
        for match in DAYS.finditer(sentence):
            if not (match["m1"] or (match["s1"] and month)):
                continue
            first, month = _date(match, 1, year, month, number)
            last, month = _date(match, 2, year, month, number) if match["d2"] else (first, month)
            yield from _range(first, last, name, "班" not in sentence, year, number)


def _date(match: re.Match[str], which: int, year: int, month: int, number: int) -> tuple[date, int]:
    month = int(match[f"m{which}"] or month)
    try:
        return date(int(match[f"y{which}"] or year), month, int(match[f"d{which}"])), month
    except ValueError:
        raise _wrong(number, _("“%(text)s” is no day", text=match[0])) from None


def _range(first: date, last: date, name: str, is_off: bool, year: int, number: int) -> Iterator[NoticeDay]:
    if last < first or (last - first).days > LONGEST_HOLIDAY:
        raise _wrong(number, _("%(first)s to %(last)s is no range", first=first.isoformat(), last=last.isoformat()))
    for days in range((last - first).days + 1):
        day = first + timedelta(days=days)
        if day.year != year and not (day.year == year - 1 and day.month == 12):  # 元旦 may begin in December
            raise _wrong(number, _("%(day)s does not lie in %(year)s", day=day.isoformat(), year=year))
        if not is_off and day.isoweekday() <= 5:
            raise _wrong(number, _("%(day)s is no Saturday or Sunday: it is a workday as it is", day=day.isoformat()))
        yield NoticeDay(day, name, is_off)


def _wrong(number: int, why: str) -> ValidationError:
    return ValidationError(_("Line %(number)s: %(why)s.", number=number, why=why), "text")
