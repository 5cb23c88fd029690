"""今日送餐: the rounds of today, and one of them on the driver's phone."""
from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.api import (
    ConfirmationNeeded,
    Deed,
    Resident,
    ValidationError,
    beijing,
    create_once,
    db,
    new_key,
    note_deed,
    now,
    today,
    visit,
)
from plugins.canteen.delivery.models import DeliveryRound, DoorResult, Handover, RoundOpening
from plugins.canteen.delivery.rounds import RoundToday, rounds_on
from plugins.canteen.delivery.services import Door, hand_over, no_answer, undo
from plugins.canteen.ledger.takings import Clerk
from plugins.canteen.models import Diner, MealKind
from plugins.canteen.orders.kitchen import notes_of
from plugins.canteen.orders.people import PeoplePage, diner_or_404, whole
from plugins.canteen.orders.screens import SECTION
from plugins.canteen.services import kind_at, kinds_of


class DeliveryPage(PeoplePage):
    """Names, addresses and phones stand in clear on a round that was opened: docs/decisions/at-the-door.md."""

    slug = "delivery"
    title = _l("Deliver today")
    section = SECTION
    icon = "home"
    menu_action = "view"
    needs = {"open": "reveal", "run": "reveal", "paper": "reveal", "done": "create", "unanswered": "create",
             "undo": "void"}

    @expose("/")
    def index(self) -> str:
        """The rounds of today, the meal of this hour first."""
        kinds = kinds_of(db.session())
        here = kind_at(kinds, beijing(now()).time())
        kinds.sort(key=lambda kind: kind is not here)
        rounds = [each for kind in kinds for each in rounds_on(db.session(), kind, today()) if each.stops]
        return self.render("canteen/rounds.html", title=str(self.title), rounds=rounds, opened=self._opened(),
                           results=DoorResult, page=self, new_key=new_key)

    def _opened(self) -> dict[tuple[int, int | None], list[RoundOpening]]:
        """(kind, round) → who opened it today."""
        found: dict[tuple[int, int | None], list[RoundOpening]] = {}
        for row in db.session.scalars(sa.select(RoundOpening).where(RoundOpening.day == today())
                                      .order_by(RoundOpening.id)):
            found.setdefault((row.kind_id, row.round_id), []).append(row)
        return found

    @expose("/open/", methods=("POST",))
    def open(self) -> ResponseReturnValue:
        """Note who opens the round, once a day and account; then everything on it is shown."""
        each = self._round()
        if not self._is_open(each):
            create_once(db.session(), RoundOpening, request.form.get("once", ""), lambda: _opening(each))
        return redirect(self.url_of(".run", each))

    def _is_open(self, each: RoundToday) -> bool:
        account = visit().user.username
        return any(row.account == account for row in self._opened().get(_key(each), []))

    @expose("/run/")
    def run(self) -> ResponseReturnValue:
        """The round on the phone: the next door first."""
        return self._shown("canteen/run.html", str(self.title))

    @expose("/print/")
    def paper(self) -> ResponseReturnValue:
        """The round on A4 for the driver."""
        return self._shown("canteen/round_paper.html", _("Delivery list"))

    def _shown(self, template: str, title: str) -> ResponseReturnValue:
        each = self._round()
        if not self._is_open(each):
            flash(_("Please open the round first: that shows addresses and phones, and is noted."), "info")
            return redirect(self.get_url(".index"))
        return self.render(template, title=f"{each.kind.name} {each.name}" if template.endswith("run.html") else title,
                           round=each, results=DoorResult, page=self, once=new_key, address_of=address_of,
                           notes_of=notes_of, beijing=beijing, back_url=self.url_of(".run", each),
                           date_text=f"{today().isoformat()} {each.kind.name} {each.name}")

    # -- at the door ----------------------------------------------------------------------------

    @expose("/done/", methods=("POST",))
    def done(self) -> ResponseReturnValue:
        """已送达."""
        each = self._round()
        return self._record(each, lambda door: hand_over(db.session(), door), _("Handed over: %(name)s"))

    @expose("/unanswered/", methods=("POST",))
    def unanswered(self) -> ResponseReturnValue:
        """无人应答."""
        each = self._round()
        link = f"canteen/delivery/run/?kind={each.kind.id}&round={each.round.id if each.round else ''}"
        return self._record(each, lambda door: no_answer(db.session(), door, link),
                            _("No answer: %(name)s. A task to look after the person stands on the workbench."))

    def _record(self, each: RoundToday, act: Any, text: str) -> ResponseReturnValue:
        diner = diner_or_404(request.form.get("diner"))
        user = visit().user
        door = Door(diner, each.kind, each.round.name if each.round else None, user.name, user.username, now())
        name = diner.label
        try:
            create_once(db.session(), Handover, request.form.get("once", ""), lambda: act(door))
            flash(text % {"name": name}, "success")
        except (ValidationError, ConfirmationNeeded) as error:
            db.session.rollback()
            flash(str(error), "error")
        return redirect(self.url_of(".run", each))

    @expose("/undo/", methods=("POST",))
    def undo(self) -> ResponseReturnValue:
        """撤销 what was recorded last at a door today."""
        each = self._round()
        handover = db.session.scalar(sa.select(Handover).where(Handover.id == whole(request.form.get("handover"))))
        if handover is None:
            abort(404)
        name, user = handover.diner.label, visit().user
        try:
            create_once(db.session(), Handover, request.form.get("once", ""),
                        lambda: undo(db.session(), handover, Clerk(user.name, now(), user.username)))
            flash(_("Undone: %(what)s", what=name), "success")
        except ValidationError as error:
            db.session.rollback()
            flash(str(error), "error")
        return redirect(self.url_of(".run", each))

    # -- which round ----------------------------------------------------------------------------

    def _round(self) -> RoundToday:
        """The round of the address; one without stops is still a round."""
        kind = db.session.scalar(sa.select(MealKind).where(
            MealKind.id == whole(request.args.get("kind")), MealKind.deleted_at.is_(None)))
        if kind is None:
            abort(404)
        asked = request.args.get("round", "")
        found = rounds_on(db.session(), kind, today())
        wanted = next((r for r in found if (str(r.round.id) if r.round else "") == asked), None)
        if wanted is None and not asked:
            return RoundToday(None, kind, [])
        if wanted is None:
            abort(404)
        return wanted

    @staticmethod
    def time(moment: datetime) -> str:
        """11:20 in Beijing."""
        return f"{beijing(moment):%H:%M}"

    def url_of(self, view: str, each: RoundToday) -> str:
        """The address of a view of a round."""
        return self.get_url(view, kind=each.kind.id, round=each.round.id if each.round else None)


def _key(each: RoundToday) -> tuple[int, int | None]:
    return each.kind.id, each.round.id if each.round else None


def _opening(each: RoundToday) -> RoundOpening:
    """The row, and a line in the audit trail: who saw the phones of how many people."""
    user = visit().user
    kind_id, round_id = _key(each)
    note_deed(db.session(), Deed.REVEALED, DeliveryRound.__tablename__, round_id,
              reason=_("The round was opened to deliver"), changes={"people": len(each.stops)})
    return RoundOpening(kind_id=kind_id, round_id=round_id, day=today(), account=user.username, opened_by=user.name,
                        opened_at=now())


def address_of(diner: Diner) -> str:
    """Where the meal goes: the delivery address, else where the person lives."""
    resident: Resident = diner.resident
    if diner.delivery_address:
        return diner.delivery_address
    return (resident.other_address or resident.address) if resident.lives_elsewhere else resident.address

