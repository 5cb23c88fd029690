"""留样: one fast page for all dishes of a sitting, what stands in the fridge, throwing away, labels."""
from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.api import ValidationError, beijing, commit, create_once, db, new_key, now, today, visit
from plugins.canteen.kitchen.book import read_days
from plugins.canteen.kitchen.menus import menu_between
from plugins.canteen.kitchen.models import LEAST_GRAMS, Dish, FoodSample
from plugins.canteen.kitchen.pages import KitchenPage, asked_day, asked_kind, typed_day, typed_moment
from plugins.canteen.kitchen.people import duties_between
from plugins.canteen.kitchen.samples import (
    COLOURS,
    Kept,
    Line,
    dispose,
    in_the_fridge,
    samples_of,
    state_of,
    take_samples,
    until_hours,
    without_sample,
)
from plugins.canteen.models import MealKind
from plugins.canteen.services import kind_at, kinds_of

SPARE_LINES = 2  # for what is not on the menu
MOST_LINES = 40


class SamplePage(KitchenPage):
    """The sitting of the address line, else the present one."""

    slug = "sampling"
    title = _l("Food samples of the day")
    icon = "bowl"
    needs = {"record": "create", "dispose": "edit"}

    @expose("/")
    def index(self) -> str:
        """What was sampled, what is missing, what stands in the fridge."""
        return self._page()

    @expose("/record/", methods=("POST",))
    def record(self) -> ResponseReturnValue:
        """Record the samples of a sitting, once."""
        kind = self._kind(default=False)
        try:
            if kind is None:
                raise ValidationError(_("Please choose the meal first."))
            self._record(typed_day(), kind)
        except ValidationError as error:
            db.session.rollback()
            return self._page(str(error)), 422
        flash(_("The samples are recorded."), "success")
        return redirect(self.address(asked_day(), kind=kind.id))

    @expose("/dispose/", methods=("POST",))
    def dispose(self) -> ResponseReturnValue:
        """Throw the ticked samples away."""
        form = request.form
        wanted = {int(text) for text in form.getlist("rowid")[:500] if text.isascii() and text.isdecimal()
                  and len(text) < 19}
        try:
            samples = [sample for sample in in_the_fridge(db.session()) if sample.id in wanted]
            if not samples or len(samples) < len(wanted):
                raise ValidationError(_("Please tick the samples that were thrown away."))
            when = typed_moment(typed_day("disposed_on"), form.get("disposed_time", ""), "disposed_at")
            dispose(samples, when, form.get("disposed_by", ""), form.get("reason", ""), now())
            commit(db.session())
        except ValidationError as error:
            db.session.rollback()
            return self._page(str(error)), 422
        flash(_("The samples are marked as thrown away."), "success")
        return redirect(self.address(asked_day(), kind=form.get("kind") or None))

    @expose("/labels/")
    def labels(self) -> str:
        """Labels for the boxes of a day or sitting: dish, day, meal, who took it."""
        day, kind = asked_day(), self._kind(default=False)
        return self.page("sample_labels", _("Labels of food samples"), date_text=day.isoformat(),
                         samples=samples_of(db.session(), day, kind.id if kind else None), beijing=beijing,
                         back_url=self.address(day, kind=kind.id if kind else None))

    # -- the page -------------------------------------------------------------------------------

    def _kind(self, *, default: bool = True) -> MealKind | None:
        kinds = kinds_of(db.session())
        return asked_kind(kinds, kind_at(kinds, beijing(now()).time()) if default else None)

    def _record(self, day: date, kind: MealKind) -> None:
        form, session = request.form, db.session()
        lines = [Line(*pair) for pair in
                 zip(form.getlist("dish")[:MOST_LINES], form.getlist("grams")[:MOST_LINES], strict=False)]

        def make() -> FoodSample:
            taken_at = typed_moment(day, form.get("time", ""), "time")
            return take_samples(session, day, kind, lines, taken_at, form.get("taken_by", ""), form.get("fridge", ""),
                                visit().user.name, now())[0]

        create_once(session, FoodSample, form.get("once", ""), make)

    def _page(self, error: str | None = None) -> str:
        session, day, kind = db.session(), asked_day(), self._kind()
        at, until = now(), until_hours(session, visit().area.id)
        taken = samples_of(session, day, kind.id if kind else None) if kind else []
        menu = menu_between(session, day, day).get((day, kind.id), []) if kind else []
        fridge = in_the_fridge(session)
        return self.page(
            "sampling", self.title, error=error, day=day, kind=kind, kinds=kinds_of(session), taken=taken,
            lines=self._lines(without_sample(menu, taken)), has_menu=bool(menu), once=new_key(), least=LEAST_GRAMS,
            fridge=[(sample, state_of(sample, at, until)) for sample in fridge], colours=COLOURS, kept=Kept,
            clock=f"{beijing(at):%H:%M}", beijing=beijing, known=self._dishes(), people=self._people(day),
            missing=self._missing(day), typed=request.form if error else {},
            ticked=set(request.form.getlist("rowid")) if error else
            {str(s.id) for s in fridge if state_of(s, at, until) in (Kept.MAY_GO, Kept.OVERDUE)},
            may_create=self.may("create") and visit().area.is_community, may_dispose=self.may("edit"),
            last_fridge=next((s.fridge for s in reversed(fridge) if s.fridge), ""), is_today=day == today(),
        )

    def _lines(self, dishes: list[Dish]) -> list[Line]:
        """What was typed, or a line for each dish of the menu without a sample, and empty ones."""
        form = request.form
        if form.getlist("dish"):
            return [Line(*pair) for pair in
                    zip(form.getlist("dish")[:MOST_LINES], form.getlist("grams")[:MOST_LINES], strict=False)]
        return [*(Line(dish.name, str(LEAST_GRAMS)) for dish in dishes), *[Line("", "")] * SPARE_LINES]

    def _missing(self, day: date) -> list[tuple[MealKind, list[Dish]]]:
        """Of the sittings with meals: the dishes without a sample."""
        book = read_days(db.session(), day, day)[day]
        return [(kind, gone) for kind in kinds_of(db.session()) if book.meals.get(kind.id) and (
            gone := without_sample(book.menu.get(kind.id, ()), [s for s in book.samples if s.kind_id == kind.id]))]

    def _dishes(self) -> list[str]:
        return list(db.session.scalars(
            sa.select(Dish.name).where(Dish.deleted_at.is_(None)).order_by(Dish.name).limit(500)))

    def _people(self, day: date) -> list[str]:
        """Who is on duty, to choose from; only for those who see names."""
        return [duty.cook.name for duty in duties_between(db.session(), day, day)] if visit().access.sees_names else []
