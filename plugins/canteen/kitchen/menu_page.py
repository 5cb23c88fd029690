"""菜谱: the menu of a week, on the screen, in a form, and on paper for the wall."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.api import (
    Stale,
    ValidationError,
    beijing,
    create_once,
    db,
    new_key,
    now,
    save_changes,
    today,
    visit,
)
from plugins.canteen.kitchen.allergies import Warned, warnings
from plugins.canteen.kitchen.menus import (
    Cell,
    changed_since,
    days_of,
    menu_between,
    monday_of,
    publish,
    set_menu,
    touch,
    typed_dishes,
    week_of,
)
from plugins.canteen.kitchen.models import Allergen, Dish, MenuDish, MenuWeek
from plugins.canteen.kitchen.pages import KitchenPage, asked_day
from plugins.canteen.models import MealKind
from plugins.canteen.services import kinds_of

INPUTS, SPARE = 6, 2  # of a sitting in the form: at least so many, and so many empty ones
KNOWN_DISHES = 500  # names that the look-up offers


@dataclass(frozen=True)
class Sheet:
    """A week as the pages show it."""

    days: list[date]
    kinds: list[MealKind]
    week: MenuWeek | None
    cells: dict[Cell, list[Dish]]


class MenuPage(KitchenPage):
    """The week that the address line asks for, else this one."""

    slug = "menu"
    title = _l("Menu of the week")
    icon = "calendar"
    needs = {"edit": "edit", "publish": "edit"}
    model = MenuDish  # whose rows this page shows: a dish that cannot be deleted names it

    @expose("/")
    def index(self) -> str:
        """The week, and whom its dishes of today and tomorrow may harm."""
        sheet = self._sheet()
        return self.page(
            "menu", self.title, sheet=sheet,
            may_edit=self.may("edit"), warned=self._warned(sheet),
            changed=sheet.week is not None and changed_since(sheet.week, beijing(sheet.week.changed_at).date()),
            unknown=sum(dish.allergens is None for dish in self.dishes(sheet)),
        )

    @expose("/print/")
    def paper(self) -> str:
        """A4 across, for the wall."""
        sheet = self._sheet()
        return self.page("menu_paper", _("Menu on paper"), sheet=sheet, back_url=self.address(sheet.days[0]),
                         present=self._present(sheet))

    @expose("/edit/", methods=("GET", "POST"))
    def edit(self) -> ResponseReturnValue:
        """The form of the week; what somebody else saved in between is shown, not overwritten."""
        sheet, error, theirs = self._sheet(), None, {}
        cells: dict[Cell, list[str]] = {cell: [d.name for d in dishes] for cell, dishes in sheet.cells.items()}
        version = request.form.get("row_version", str(sheet.week.row_version) if sheet.week else "")
        if request.method == "POST":
            cells = {(day, kind.id): request.form.getlist(self.input_name(day, kind))
                     for day in sheet.days for kind in sheet.kinds}
            try:
                self._save(sheet, {cell: typed_dishes(texts) for cell, texts in cells.items()})
                flash(_("The menu has been saved."), "success")
                return redirect(self.address(sheet.days[0]))
            except ValidationError as refused:
                db.session.rollback()
                error = str(refused)
            except Stale:
                db.session.expire_all()
                sheet = self._sheet()
                version, theirs = str(sheet.week.row_version), _differing(sheet, cells)
                error = _("Somebody else has changed this menu in the meantime. Nothing of yours is saved yet: "
                          "please compare, then save again.")
        elif request.args.get("copy") == "1":
            cells = {**self._last_week(sheet), **cells}
        page = self.page(
            "menu_form", _("Write the menu"), sheet=sheet, cells=cells, theirs=theirs, error=error,
            known=self._known(), version=version, once=request.form.get("once") or new_key(),
            copied=request.args.get("copy") == "1",
        )
        return page, 409 if theirs else 422 if error else 200

    @expose("/publish/", methods=("POST",))
    def publish(self) -> ResponseReturnValue:
        """公示 this week's menu from today on."""
        sheet = self._sheet()
        try:
            if sheet.week is None or not sheet.cells:
                raise ValidationError(_("This week has no menu yet. Please write it first."))
            save_changes(db.session(), sheet.week, str(sheet.week.row_version),
                         lambda: publish(sheet.week, today()), key=request.form.get("once", ""))
            flash(_("The menu is published."), "success")
        except (ValidationError, Stale) as error:
            db.session.rollback()
            flash(str(error) or _("Somebody else has just changed this record. Please look again."), "error")
        return redirect(self.address(sheet.days[0]))

    # -- what the templates ask -----------------------------------------------------------------

    def input_name(self, day: date, kind: MealKind) -> str:
        """The name of the inputs of a sitting."""
        return f"dish-{day.isoformat()}-{kind.id}"

    def inputs(self, names: list[str]) -> list[str]:
        """What stands in the inputs of a sitting: its dishes, then empty ones."""
        names = [name for name in names if name.strip()]
        return names + [""] * max(SPARE, INPUTS - len(names))

    def dishes(self, sheet: Sheet) -> list[Dish]:
        """Every dish of the week, once."""
        return list({dish.id: dish for dishes in sheet.cells.values() for dish in dishes}.values())

    # -- the week -------------------------------------------------------------------------------

    def _sheet(self) -> Sheet:
        session, days = db.session(), days_of(monday_of(asked_day()))
        cells = menu_between(session, days[0], days[-1])
        return Sheet(days, kinds_of(session), week_of(session, days[0]), cells)

    def _last_week(self, sheet: Sheet) -> dict[Cell, list[str]]:
        before = menu_between(db.session(), sheet.days[0] - timedelta(days=7), sheet.days[-1] - timedelta(days=7))
        return {(day + timedelta(days=7), kind): [dish.name for dish in dishes if dish.deleted_at is None]
                for (day, kind), dishes in before.items()}

    def _save(self, sheet: Sheet, cells: dict[Cell, list[str]]) -> None:
        session, week, by, at = db.session(), sheet.week, visit().user.name, now()
        key = request.form.get("once", "")

        def change() -> None:
            touch(week, by, at)
            set_menu(session, cells, today())

        def make() -> MenuWeek:
            set_menu(session, cells, today())
            return MenuWeek(monday=sheet.days[0], changed_by=by, changed_at=at)

        if week is None:
            create_once(session, MenuWeek, key, make)
        else:
            save_changes(session, week, request.form.get("row_version", ""), change, key=key)

    def _known(self) -> list[str]:
        return list(db.session.scalars(
            sa.select(Dish.name).where(Dish.deleted_at.is_(None)).order_by(Dish.name).limit(KNOWN_DISHES)))

    def _present(self, sheet: Sheet) -> list[Allergen]:
        """The allergens of the week, for the line below the table."""
        found = {allergen for dish in self.dishes(sheet) for allergen in dish.known_allergens}
        return [allergen for allergen in Allergen if allergen in found]

    def _warned(self, sheet: Sheet) -> list[tuple[date, list[Warned]]] | None:
        """Of today and tomorrow; None for those who may not see what people are allergic to."""
        access = visit().access
        if not (access.sees_names and access.may("canteen.diners.reveal")):
            return None
        days = [day for day in (today(), today() + timedelta(days=1)) if day in sheet.days]
        return [(day, warnings(db.session(), {d.id: d for (on, _kind), dishes in sheet.cells.items() if on == day
                                              for d in dishes}.values())) for day in days]


def _differing(sheet: Sheet, cells: dict[Cell, list[str]]) -> dict[Cell, str]:
    """What stands in the database now, where it is not what was typed."""
    stored = {cell: [dish.name for dish in dishes] for cell, dishes in sheet.cells.items()}
    return {cell: "、".join(stored.get(cell, [])) or "—" for cell, texts in cells.items()
            if stored.get(cell, []) != typed_dishes(texts)}
