"""Rounds and their stops in a set order; the list of what happened at the doors."""
from __future__ import annotations

from typing import Any

import sqlalchemy as sa
import wtforms as wt
from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy.orm import joinedload, selectinload

from core.api import RowAction, Screen, ValidationError, create_once, db, new_key, now, today, visit
from plugins.canteen.delivery.models import DeliveryRound, DoorResult, Handover, RoundStop
from plugins.canteen.delivery.rounds import add_stops, candidates, move, put_in_order, remove_stop
from plugins.canteen.delivery.services import take_back
from plugins.canteen.finding import find_diners, plain
from plugins.canteen.ledger.takings import Clerk
from plugins.canteen.models import Diner
from plugins.canteen.orders.people import whole
from plugins.canteen.orders.screens import SECTION

TAG = Markup('<span class="tag %s">%s</span>')
MOST_STOPS = 500


class RoundScreen(Screen):
    """Rounds; each leads to the page with its stops."""

    model = DeliveryRound
    slug = "rounds"
    title = _l("Delivery rounds")
    section = SECTION
    icon = "area"
    needs = {**Screen.needs, "stops_view": "view", "order_view": "edit", "add_view": "edit"}
    column_list = ("name", "kind", "stops")
    column_labels = {"stops": _l("Stops")}
    detail_list = ("name", "kind")
    filter_by = ("kind",)
    form_columns = ("name", "kind")
    default_order = ("kind_id", "name")
    empty_text = _l("There is no round yet. Name one, then put its stops in order.")

    def shown_paths(self) -> tuple[str, ...]:
        """The stops are loaded below."""
        return ("kind",)

    def extra_loads(self) -> tuple[Any, ...]:
        """The stops of all rounds in one statement."""
        return (selectinload(DeliveryRound.stops),)

    def cell_stops(self, each: DeliveryRound) -> str:
        """How many."""
        return str(len(each.stops))

    def row_actions(self, record: DeliveryRound, in_bin: bool = False) -> list[RowAction]:
        """The stops first: that is what one comes for."""
        actions = super().row_actions(record, in_bin)
        if not in_bin and visit().area.is_community and visit().access.sees_names:
            actions.insert(0, RowAction(_("Stops"), self.record_url(".stops_view", record)))
        return actions

    def save(self, record: DeliveryRound, form: wt.Form, is_created: bool) -> None:
        """The stops follow the round to another meal."""
        super().save(record, form, is_created)
        for stop in record.stops:
            stop.kind_id = record.kind.id

    def after_save_url(self, number: int | None) -> str:
        """To the stops."""
        return self.get_url(".stops_view", id=number)

    # -- the stops ----------------------------------------------------------------------------

    @expose("/stops/")
    def stops_view(self) -> str:
        """The stops in their order, and who could be added."""
        each, session = self._named_round(), db.session()
        text = request.args.get("q", "").replace("\x00", "").strip()[:60]
        here = {stop.diner_id for stop in each.stops}
        found = [m.diner for m in find_diners(session, text, today(), each.kind).matches
                 if m.diner and m.diner.id not in here and m.may_eat] if text else []
        return self.render(
            "canteen/stops.html", title=f"{each.label} · {_('Stops in their order')}", round=each,
            stops=self._stops(each), text=text, found=found,
            candidates=candidates(session, each.kind, today()), page=self, may=self.allows("edit"))

    def _stops(self, each: DeliveryRound) -> list[RoundStop]:
        return list(db.session.scalars(
            sa.select(RoundStop).where(RoundStop.round_id == each.id).order_by(RoundStop.position, RoundStop.id)
            .options(joinedload(RoundStop.diner).joinedload(Diner.resident))))

    @expose("/stops/order/", methods=("POST",))
    def order_view(self) -> ResponseReturnValue:
        """One up, one down, one out, or all by their numbers."""
        each, session = self._named_round(), db.session()
        do, _blank, number = request.form.get("do", "").partition(" ")
        if do in ("up", "down"):
            return self._changed(each, lambda: move(session, each, whole(number), -1 if do == "up" else 1))
        if do == "out":
            return self._changed(each, lambda: remove_stop(session, each, whole(number)))
        typed = {stop.id: whole(plain(request.form.get(f"place-{stop.id}", ""))) for stop in each.stops}
        wanted = {i: n for i, n in typed.items() if 0 < n <= MOST_STOPS}
        return self._changed(each, lambda: put_in_order(session, each, wanted))

    @expose("/stops/add/", methods=("POST",))
    def add_view(self) -> ResponseReturnValue:
        """Those who are ticked, at the end."""
        each, session = self._named_round(), db.session()
        ids = [whole(text) for text in request.form.getlist("diner")[:MOST_STOPS]]
        diners = session.scalars(sa.select(Diner).where(Diner.id.in_(ids), Diner.deleted_at.is_(None)).options(
            joinedload(Diner.resident))).all()
        if not diners:
            flash(_("Please tick who is to be added."), "error")
            return redirect(self.get_url(".stops_view", id=each.id))
        in_order = sorted(diners, key=lambda diner: ids.index(diner.id))
        return self._changed(each, lambda: self._added(add_stops(session, each, in_order, today())))

    @staticmethod
    def _added(number: int) -> None:
        flash(ngettext("%(num)s stop is added.", "%(num)s stops are added.", number), "success")

    def _changed(self, each: DeliveryRound, change: Any) -> ResponseReturnValue:
        url = self.get_url(".stops_view", id=each.id)

        def make() -> DeliveryRound:
            change()
            return each

        try:
            create_once(db.session(), DeliveryRound, new_key(), make)
        except ValidationError as error:
            db.session.rollback()
            flash(str(error), "error")
        return redirect(url)

    def _named_round(self) -> DeliveryRound:
        if not visit().access.sees_names:
            abort(403)
        each = self.record_or_404()
        if each.deleted_at is not None:
            abort(404)
        return each


class HandoverScreen(Screen):
    """What happened at the doors, day by day; a slip is undone on the round's page, or voided here."""

    model = Handover
    slug = "handovers"
    title = _l("Delivery records")
    section = SECTION
    icon = "list"
    column_list = ("diner", "day", "kind", "result", "round_name", "recorded_by", "recorded_at")
    lead_columns = 4
    filter_by = ("day", "kind", "result", "voided")
    search_by = ("diner.resident",)
    search_hint = _l("Name, initials, last 4 of the phone")
    default_order = ("-day",)
    detail_list = ("diner", "day", "kind", "result", "round_name", "meal", "task", "recorded_by", "recorded_at",
                   "voided_at", "voided_by", "void_reason")
    empty_text = _l("Nothing has been delivered yet.")

    def void_record(self, record: Handover, reason: str) -> None:
        """Together with the meal that it made and the task that it opened."""
        user = visit().user
        take_back(db.session(), record, reason, Clerk(user.name, now(), user.username))

    def shown_paths(self) -> tuple[str, ...]:
        """The diner's label is the resident's name."""
        return ("diner.resident", "kind")

    def cell_result(self, handover: Handover) -> Markup:
        """Red where nobody answered."""
        return TAG % ("ok" if handover.result == DoorResult.DELIVERED else "bad", handover.result.label)
