"""Usual meals and single days of each diner on one page; the lists of orders and of pauses."""
from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
import wtforms as wt
from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy.orm import joinedload

from core.api import (
    NONE,
    ConfirmationNeeded,
    PageLink,
    Resident,
    Screen,
    Tool,
    ValidationError,
    create_once,
    db,
    new_key,
    now,
    today,
    visit,
)
from plugins.canteen.finding import find_diners
from plugins.canteen.models import Diner, MealKind, Way
from plugins.canteen.orders.expected import plans_of
from plugins.canteen.orders.models import WEEK, MealOrder, Pause, UsualMeal
from plugins.canteen.orders.people import PeoplePage, diner_or_404, whole
from plugins.canteen.orders.services import (
    PauseValues,
    closing_of,
    first_open_day,
    save_pause,
    save_usual,
    set_order,
    usual_of,
)
from plugins.canteen.services import kinds_of

SECTION = _l("Orders and delivery")
AHEAD = 14  # days shown of one diner
PAGE = 50  # diners in the list of usual meals
TAG = Markup('<span class="tag %s">%s</span>')
QUESTIONS = frozenset({"paused", "late"})


class PlansPage(PeoplePage):
    """常订餐: everybody's usual meals in a line each; of one diner the grid, and the next two weeks."""

    slug = "plans"
    title = _l("Usual meals")
    section = SECTION
    icon = "columns"
    menu_action = "view"
    needs = {"save": "edit", "order": "edit"}

    def actions(self) -> set[str]:
        """Also who may make exceptions after the set hour: those with the settings."""
        return super().actions() | {"settings"}

    @expose("/")
    def index(self) -> str:
        """Those who have usual meals; or those who are looked for."""
        kinds, text = kinds_of(db.session()), request.args.get("q", "").replace("\x00", "").strip()[:60]
        page = min(max(0, whole(request.args.get("page"))), 9999)
        if text and kinds:
            found = [m.diner for m in find_diners(db.session(), text, today(), kinds[0]).matches if m.diner]
            return self._list(found, text, 0, len(found))
        having = sa.select(UsualMeal.diner_id).where(UsualMeal.ends_on.is_(None))
        diners = sa.select(Diner).where(Diner.id.in_(having), Diner.deleted_at.is_(None))
        total = db.session.scalar(sa.select(sa.func.count()).select_from(diners.subquery())) or 0
        found = db.session.scalars(
            diners.join(Resident, Diner.resident_id == Resident.id).order_by(Resident.sort_key, Diner.id)
            .options(joinedload(Diner.resident)).limit(PAGE).offset(page * PAGE))
        return self._list(list(found), "", page, total)

    def _list(self, diners: list[Diner], text: str, page: int, total: int) -> str:
        rows = _usual_lines(diners)
        links = [PageLink(str(n + 1), self.get_url(".index", page=n), n == page) for n in range(-(-total // PAGE))]
        return self.render("canteen/plans.html", title=str(self.title), rows=rows, text=text, total=total,
                           pages=links if len(links) > 1 else [], page=self)

    @expose("/of/")
    def of(self) -> str:
        """One diner: the grid of the week, pauses, and the next two weeks day by day."""
        return self._diner_page(diner_or_404(request.args.get("id")))

    def _diner_page(self, diner: Diner) -> str:
        session = db.session()
        kinds, days = kinds_of(session), [today() + timedelta(days=n) for n in range(AHEAD)]
        closing = {day: closing_of(session, diner.community_id, day) for day in days[:3]}
        pauses = session.scalars(sa.select(Pause).where(
            Pause.diner_id == diner.id, Pause.deleted_at.is_(None),
            sa.or_(Pause.ends_on.is_(None), Pause.ends_on >= today())).order_by(Pause.starts_on)).all()
        return self.render(
            "canteen/plan.html", title=diner.label, diner=diner, kinds=kinds, days=days, week=WEEK, ways=list(Way),
            grid=usual_of(session, diner), plans=plans_of(session, diner, days, kinds), pauses=pauses, page=self,
            closed={day for day, moment in closing.items() if moment <= now()}, may_except=self.may("settings"),
            first=first_open_day(session, diner.community_id, now()),
            seen=_told(usual_of(session, diner)),
        )

    @expose("/save/", methods=("POST",))
    def save(self) -> ResponseReturnValue:
        """The grid of a diner; the same form again changes nothing."""
        diner = diner_or_404(request.args.get("id"))
        try:
            create_once(db.session(), Diner, new_key(), lambda: _save_grid(diner))
        except ValidationError as error:
            db.session.rollback()
            flash(str(error), "error")
        return redirect(self.get_url(".of", id=request.args.get("id")))

    @expose("/order/", methods=("POST",))
    def order(self) -> ResponseReturnValue:
        """Order or call off one meal of one day; what is unusual is asked first."""
        diner = diner_or_404(request.args.get("id"))
        back = self.get_url(".of", id=diner.id)
        try:
            kind, day, way = _asked_meal(diner)
            create_once(db.session(), MealOrder, new_key(), lambda: set_order(
                db.session(), diner, kind, day, way, by=visit().user.name, at=now(),
                reason=request.form.get("reason", ""), confirmed=QUESTIONS & set(request.form.getlist("confirmed")),
                may_except=self.may("settings")))
            flash(_("Ordered: %(what)s", what=_meal_text(diner, day, kind)) if way
                  else _("Called off: %(what)s", what=_meal_text(diner, day, kind)), "success")
        except ConfirmationNeeded as question:
            db.session.rollback()
            return self._ask(question, back)
        except ValidationError as error:
            db.session.rollback()
            flash(str(error), "error")
        return redirect(back)

    def _ask(self, question: ConfirmationNeeded, back: str) -> str:
        kept = [(k, v) for k, v in request.form.items(multi=True) if k not in ("csrf_token", "reason")]
        return self.render(
            "admin/confirm.html", question=str(question), action=self.get_url(".order", id=request.args.get("id")),
            reason=question.question == "late", hidden=[*kept, ("confirmed", question.question)], cancel_url=back,
            submit_label=_("Yes, change it"))


def _save_grid(diner: Diner) -> Diner:
    grid, seen = _grid(kinds_of(db.session())), _read(request.form.get("seen", ""))
    first = save_usual(db.session(), diner, grid, seen, now())
    flash(_("The usual meals of %(name)s are saved; they hold from %(day)s.", name=diner.label, day=first.isoformat()),
          "success")
    return diner


def _usual_lines(diners: list[Diner]) -> list[dict[str, Any]]:
    """For each diner: the grid in words, and a pause that holds today."""
    ids = [d.id for d in diners]
    rows = db.session.scalars(
        sa.select(UsualMeal).where(UsualMeal.diner_id.in_(ids), UsualMeal.ends_on.is_(None))
        .options(joinedload(UsualMeal.kind)).order_by(UsualMeal.weekday)).all() if ids else []
    paused = {p.diner_id: p for p in db.session.scalars(
        sa.select(Pause).where(Pause.diner_id.in_(ids), Pause.covers(today())))} if ids else {}
    return [{"diner": d, "usual": _in_words([r for r in rows if r.diner_id == d.id]), "pause": paused.get(d.id)}
            for d in diners]


def _in_words(rows: Iterable[UsualMeal]) -> list[str]:
    """午餐 送餐 周一至周五."""
    by_meal: dict[tuple[Any, ...], list[int]] = {}
    for row in rows:
        by_meal.setdefault((row.kind.opens, row.kind.name, row.way), []).append(row.weekday)
    return [f"{name} {way.label} {_days_text(days)}" for (_opens, name, way), days in sorted(
        by_meal.items(), key=lambda item: item[0][:2])]


def _days_text(days: list[int]) -> str:
    if len(days) == 7:
        return _("every day")
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return _("%(first)s to %(last)s", first=WEEK[days[0]].label, last=WEEK[days[-1]].label)
    return "、".join(str(WEEK[day].label) for day in days)


def _grid(kinds: list[MealKind]) -> dict[tuple[int, int], Way]:
    """The ticks of the form; a way that is none counts as eating in."""
    ways, form = {w.value: w for w in Way}, request.form
    return {(day, kind.id): ways.get(form.get(f"way-{day}-{kind.id}", ""), Way.DINE_IN)
            for day in range(7) for kind in kinds if form.get(f"meal-{day}-{kind.id}")}


def _told(grid: dict[tuple[int, int], Way]) -> str:
    """The grid as a hidden field keeps it: what the person saw."""
    return ",".join(f"{day}-{kind}-{way.value}" for (day, kind), way in sorted(grid.items()))


def _read(text: str) -> dict[tuple[int, int], Way]:
    found = {}
    for part in text[:2000].split(","):
        day, _dash, rest = part.partition("-")
        kind, _dash, way = rest.partition("-")
        if day.isdecimal() and kind.isdecimal() and len(kind) < 19 and way in {w.value for w in Way}:
            found[int(day[:2]), int(kind)] = Way(way)
    return found


def _asked_meal(diner: Diner) -> tuple[MealKind, date, Way | None]:
    """Which meal the pressed button means; `meal` is "2026-11-24 3 order" or "… cancel"."""
    day_text, _blank, rest = request.form.get("meal", "").partition(" ")
    kind_text, _blank, do = rest.partition(" ")
    kind = next((k for k in kinds_of(db.session()) if str(k.id) == kind_text), None)
    try:
        day = date.fromisoformat(day_text)
    except ValueError:
        day = None
    if kind is None or day is None or do not in ("order", "cancel"):
        raise ValidationError(_("Please choose the meal first."), "kind")
    ways = {w.value: w for w in Way}
    return kind, day, ways.get(request.form.get("way", ""), diner.usual_way) if do == "order" else None


def _meal_text(diner: Diner, day: date, kind: MealKind) -> str:
    return f"{diner.label} · {day:%m-%d} {kind.name}"


class OrderScreen(Screen):
    """Every order for a single day, and every meal that was called off."""

    model = MealOrder
    slug = "orders"
    title = _l("Orders")
    section = SECTION
    icon = "list"
    column_list = ("diner", "day", "kind", "wanted", "way", "reason", "recorded_by", "recorded_at")
    lead_columns = 4
    filter_by = ("day", "kind", "wanted", "way")
    search_by = ("diner.resident",)
    search_hint = _l("Name, initials, last 4 of the phone")
    default_order = ("-day",)
    empty_text = _l("Nothing is ordered for a single day yet. Find the diner under “Usual meals”.")

    def shown_paths(self) -> tuple[str, ...]:
        """The diner's label is the resident's name."""
        return ("diner.resident", "kind")

    def cell_wanted(self, order: MealOrder) -> Markup:
        """订, or 退."""
        return TAG % (("ok", _("Ordered")) if order.wanted else ("warn", _("Called off")))

    def cell_way(self, order: MealOrder) -> str:
        """Only of what is wanted."""
        return str(order.way.label) if order.wanted else NONE

    def tools(self, arguments: Any) -> list[Tool]:
        """Ordering begins with the diner."""
        tools = super().tools(arguments)
        if visit().area.is_community and visit().access.may(f"{self.plugin}.plans.edit"):
            tools.insert(0, Tool(_("Order for a diner"), self.get_url("canteen_plans.index"), primary=True,
                                 icon="plus"))
        return tools


class PauseScreen(Screen):
    """停餐: from a day to a day, or until further notice."""

    model = Pause
    slug = "pauses"
    title = _l("Pauses")
    section = SECTION
    icon = "calendar"
    column_list = ("diner", "starts_on", "ends_on", "reason", "recorded_by")
    lead_columns = 4
    filter_by = ("starts_on", "ends_on")
    search_by = ("diner.resident",)
    search_hint = _l("Name, initials, last 4 of the phone")
    default_order = ("-starts_on",)
    form_columns = ("diner", "starts_on", "ends_on", "reason")
    form_extra_fields = {"orders_too": wt.BooleanField(_l("Leave out the meals ordered for single days too"))}
    empty_text = _l("Nobody pauses. A pause takes out the usual meals from a day to a day.")

    def shown_paths(self) -> tuple[str, ...]:
        """The diner's label is the resident's name."""
        return ("diner.resident",)

    def cell_ends_on(self, pause: Pause) -> str:
        """An open end in words."""
        return pause.ends_on.isoformat() if pause.ends_on else _("until further notice")

    def prefill(self) -> dict[str, Any]:
        """From today on; of the diner whose page it was opened from."""
        known = request.args.get("diner")
        return {"starts_on": today(), **({"diner": diner_or_404(known)} if known else {})}

    def form_sections(self, form: wt.Form) -> list[tuple[str, list[wt.Field]]]:
        """The tick only where there is something to leave out."""
        doubt = [form.orders_too] if form.orders_too.errors or form.orders_too.data else []
        return [("", [*doubt, *(form[name] for name in self.form_columns)])]

    def save(self, record: Pause, form: wt.Form, is_created: bool) -> None:
        """Through the service."""
        values = PauseValues(form.diner.data, form.starts_on.data, form.ends_on.data, form.reason.data or "")
        save_pause(db.session(), record, values, visit().user.name, now(), orders_too=form.orders_too.data)
