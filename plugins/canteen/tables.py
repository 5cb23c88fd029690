"""The day's sheet (a line a meal, to be signed) and the month's list by diner; on paper and as Excel."""
from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session, joinedload

from core.api import (
    Deed,
    Page,
    Resident,
    ValidationError,
    beijing,
    db,
    download,
    mask_name,
    note_deed,
    now,
    today,
    visit,
    write_table,
)
from plugins.canteen.models import Diner, Meal, MealKind, Way
from plugins.canteen.services import kind_at, kinds_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class Column:
    """A column of a printed table; numeric ones are right-aligned."""

    label: str
    numeric: bool = False
    to_sign: bool = False  # left empty, wide enough for a signature


@dataclass(frozen=True)
class Table:
    """A table that can be shown, printed and exported: amounts are Decimal yuan, the last row is the sum."""

    title: str
    when: str
    columns: list[Column]
    rows: list[list[Any]]
    sums: list[Any]

    @staticmethod
    def text(value: Any) -> str:
        """A value as printed."""
        return f"{value:,.2f}" if isinstance(value, Decimal) else "" if value is None else str(value)


def day_table(session: Session, day: date, kind: MealKind, way: Way | None, sees_names: bool) -> Table:
    """Every valid meal of a day and kind in the order of recording, with a place to sign."""
    query = sa.select(Meal).where(Meal.day == day, Meal.kind_id == kind.id, *Meal.counts()).options(
        joinedload(Meal.diner).joinedload(Diner.resident)).order_by(Meal.id)
    meals = list(session.scalars(query.where(Meal.way == way) if way else query))
    rows = [[n, _name(m.diner.resident if m.diner else None, sees_names), m.way.label, m.standard_price, m.government,
             m.other_aid, m.self_pay, None] for n, m in enumerate(meals, 1)]
    title = _("%(kind)s sheet", kind=kind.name) + (f"（{way.label}）" if way else "")
    return Table(title, day.isoformat(), [
        Column(_("No."), True), Column(_("Name")), Column(_("Way")), Column(_("Standard price"), True),
        Column(_("Subsidy"), True), Column(_("Other aid"), True), Column(_("Paid by diner"), True),
        Column(_("Signature"), to_sign=True),
    ], rows, [None, _("Sum of %(num)s meals", num=len(meals)), None, *_column_sums(rows, range(3, 7)), None])


def month_table(session: Session, month: date, sees_names: bool) -> Table:
    """A line a diner: meals of each kind, amounts; guests together in the last line."""
    first, last = month.replace(day=1), month.replace(day=calendar.monthrange(month.year, month.month)[1])
    kinds = kinds_of(session)
    counted = session.execute(
        sa.select(Meal.diner_id, Meal.kind_id, sa.func.count(), sa.func.sum(Meal.standard_price),
                  sa.func.sum(Meal.government), sa.func.sum(Meal.other_aid), sa.func.sum(Meal.self_pay))
        .where(Meal.day.between(first, last), *Meal.counts()).group_by(Meal.diner_id, Meal.kind_id)
    ).all()
    people = {row.id: row for row in session.execute(
        sa.select(Diner.id, Resident.name, Resident.sort_key).join(Resident, Diner.resident_id == Resident.id)
        .where(Diner.id.in_(sa.select(Meal.diner_id).where(Meal.day.between(first, last))))
    )}
    by_diner: dict[int | None, dict[int, Any]] = {}
    for row in counted:
        by_diner.setdefault(row[0], {})[row[1]] = row
    order = sorted(by_diner, key=lambda i: (i is None, people[i].sort_key if i else "", i or 0))
    rows = []
    for number, diner_id in enumerate(order, 1):
        own = by_diner[diner_id]
        name = _shown(people[diner_id].name, sees_names) if diner_id else _("Guests")
        amounts = [sum((row[at] for row in own.values()), Decimal(0)) for at in range(3, 7)]
        rows.append([number, name, *(own[k.id][2] if k.id in own else 0 for k in kinds),
                     sum(row[2] for row in own.values()), *amounts])
    width = len(kinds)
    return Table(_("Meals by diner"), f"{month:%Y-%m}", [
        Column(_("No."), True), Column(_("Name")), *(Column(k.name, True) for k in kinds),
        Column(_("Meals in all"), True),
        Column(_("Standard price"), True), Column(_("Subsidy"), True), Column(_("Other aid"), True),
        Column(_("Paid by diner"), True),
    ], rows, [None, _("Sum of %(num)s people", num=len(order) - (None in order)),
              *_column_sums(rows, range(2, 3 + width), 0), *_column_sums(rows, range(3 + width, 7 + width))])


def _column_sums(rows: list[list[Any]], columns: Iterable[int], zero: Any = Decimal(0)) -> list[Any]:
    return [sum((row[at] for row in rows), zero) for at in columns]


def _name(resident: Resident | None, sees_names: bool) -> str:
    return _shown(resident.name, sees_names) if resident else _("Guest")


def _shown(name: str, sees_names: bool) -> str:
    return name if sees_names else mask_name(name)


class TablePage(Page):
    """A table on the screen, on paper, and as Excel."""

    menu_action = "view"
    needs = {"excel": "export"}

    def table(self) -> Table:
        """The table that the address line asks for."""
        raise NotImplementedError

    def choices(self) -> dict[str, Any]:
        """What can be chosen above the table."""
        raise NotImplementedError

    @expose("/")
    def index(self) -> str:
        """On the screen."""
        return self.render("canteen/table.html", title=str(self.title), table=self.table(), page=self,
                           **self.choices())

    @expose("/print/")
    def paper(self) -> str:
        """On A4."""
        table = self.table()
        return self.render("canteen/paper.html", title=table.title, table=table, date_text=table.when,
                           back_url=self.address(".index"))

    @expose("/excel/", methods=("POST",))
    def excel(self) -> ResponseReturnValue:
        """As Excel, logged."""
        table = self.table()
        note_deed(db.session(), Deed.EXPORTED, Meal.__tablename__, changes={"rows": len(table.rows)})
        db.session.commit()
        body = write_table([c.label for c in table.columns], [[_cell(v) for v in row] for row in
                                                              [*table.rows, table.sums]],
                           f"{visit().area.name} {table.title} {table.when}")
        return download(body, XLSX, f"{visit().area.name}-{table.title}-{table.when}.xlsx")

    def address(self, view: str) -> str:
        """Another view of the same table."""
        return self.get_url(view, **{k: v for k, v in request.args.items() if k in ("day", "kind", "way", "month")})


def _cell(value: Any) -> Any:
    return value if isinstance(value, int | Decimal | None) else str(value)


class DayPage(TablePage):
    """日就餐表."""

    slug = "day"
    title = _l("Day's sheet")
    icon = "calendar"

    def table(self) -> Table:
        """The day and kind asked for; today and the present meal without."""
        chosen = self._chosen()
        if chosen["kind"] is None:
            raise ValidationError(_("There is no kind of meal yet. Please add breakfast, lunch or dinner first."))
        return day_table(db.session(), chosen["day"], chosen["kind"], chosen["way"], visit().access.sees_names)

    def choices(self) -> dict[str, Any]:
        """Day, kind and way."""
        return {**self._chosen(), "ways": list(Way), "month": None}

    def _chosen(self) -> dict[str, Any]:
        kinds = kinds_of(db.session())
        asked = request.args
        return {
            "kinds": kinds, "day": _iso(asked.get("day")) or today(),
            "kind": next((k for k in kinds if str(k.id) == asked.get("kind")), None)
            or kind_at(kinds, beijing(now()).time()),
            "way": Way(asked["way"]) if asked.get("way") in {w.value for w in Way} else None,
        }


class MonthPage(TablePage):
    """月度名单."""

    slug = "month"
    title = _l("Month's list")
    icon = "columns"

    def table(self) -> Table:
        """The month asked for, else this one."""
        return month_table(db.session(), self._month(), visit().access.sees_names)

    def choices(self) -> dict[str, Any]:
        """The month."""
        return {"month": f"{self._month():%Y-%m}"}

    def _month(self) -> date:
        text = request.args.get("month", "")
        return (_iso(f"{text}-01") if re.fullmatch(r"\d{4}-\d{2}", text) else None) or today().replace(day=1)


def _iso(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text and len(text) == 10 else None
    except ValueError:
        return None
