"""The street's page: the settlements of all communities of a month, and who is missing."""
from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import sqlalchemy as sa
from flask import request
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy.orm import Session, selectinload

from core.api import ABOVE, Area, Page, beijing, communities_with, db, today, visit
from plugins.canteen.models import Meal
from plugins.canteen.settings import PLUGIN
from plugins.canteen.settlement.lines import first_of, last_of
from plugins.canteen.settlement.models import Settlement, SettlementState, SettlementStep, StepKind
from plugins.canteen.settlement.screens import TAG, state_tag


@dataclass(frozen=True)
class CommunityMonth:
    """A community's month: its settlement if there is one, and its figures (the submitted ones where it is locked)."""

    community: Area
    settlement: Settlement | None
    meals: int
    payable: Decimal

    @property
    def missing(self) -> bool:
        """Whether the community has meals to settle and nothing is submitted."""
        return not self.settlement and self.meals > 0 or self.settlement is not None and not self.settlement.is_locked

    @property
    def state(self) -> Markup | str:
        """The state as a tag."""
        if self.settlement:
            return state_tag(self.settlement.state)
        return TAG % (("bad", _("Not made")) if self.meals else ("", _("No meals")))

    def step(self, kind: StepKind) -> SettlementStep | None:
        """The latest step of this kind."""
        steps = self.settlement.steps if self.settlement else []
        return next((s for s in reversed(steps) if s.kind == kind), None)


def month_of(session: Session, communities: list[Area], month: date) -> list[CommunityMonth]:
    """A row for each community, in the order of the tree."""
    counted = {community: (meals, sum(aid, Decimal(0))) for community, meals, *aid in session.execute(
        sa.select(Meal.community_id, sa.func.sum(sa.case((Meal.reverses_id.is_(None), 1), else_=-1)),
                  *(sa.func.sum(column) for column in (Meal.government, Meal.other_aid, Meal.operator_aid)))
        .where(Meal.booked_on.between(month, last_of(month)), Meal.voided_at.is_(None)).group_by(Meal.community_id))}
    settled = {s.community_id: s for s in session.scalars(
        sa.select(Settlement).where(Settlement.month == month).options(selectinload(Settlement.steps)))}
    rows = []
    for community in communities:
        settlement, live = settled.get(community.id), counted.get(community.id, (0, Decimal(0)))
        fixed = settlement is not None and settlement.is_locked
        rows.append(CommunityMonth(community, settlement, settlement.meals if fixed else live[0],
                                   settlement.payable if fixed else live[1]))
    return rows


class SettlementsPage(Page):
    """Every community's settlement of a month, each leading to its page."""

    slug = "settlements-of-month"
    title = _l("Settlements by community")
    section = _l("Subsidies and money")
    icon = "money"
    levels = frozenset({ABOVE})

    @expose("/")
    def index(self) -> str:
        """The month asked for, else the last one that is over."""
        here, month = visit(), self._month()
        communities = [a for a in here.areas if a.is_community and here.area.contains(a) and a.closed_on is None]
        rows = month_of(db.session(), communities_with(db.session(), PLUGIN, communities), month)
        states = [row.settlement.state for row in rows if row.settlement]
        return self.render(
            "canteen/settlements.html", page=self, title=str(self.title), month=f"{month:%Y-%m}", rows=rows,
            missing="、".join(row.community.name for row in rows if row.missing), kinds=StepKind, beijing=beijing,
            to_examine=states.count(SettlementState.SUBMITTED), to_pay=states.count(SettlementState.APPROVED),
            meals=sum(row.meals for row in rows), payable=sum((row.payable for row in rows), Decimal(0)),
        )

    def address(self, row: CommunityMonth) -> str:
        """The settlement's own page, or the community's list where there is none."""
        if row.settlement is None:
            return self.get_url("canteen_settlements.index_view", area=row.community.slug)
        return self.get_url("canteen_settlements.details_view", area=row.community.slug, id=row.settlement.id)

    def _month(self) -> date:
        text = request.args.get("month", "")
        if re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text) and text >= "1900":
            return date.fromisoformat(f"{text}-01")
        return first_of(first_of(today()) - timedelta(days=1))
