"""The settlements of a community: the list, one with its views and steps, on paper and as Excel."""
from __future__ import annotations

from typing import Any

from flask import abort, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from core.api import Deed, Screen, Tool, beijing, db, download, new_key, note_deed, visit, write_tables
from plugins.canteen.settlement import services
from plugins.canteen.settlement.capitals import capital_yuan
from plugins.canteen.settlement.lines import Contents, read_canonical
from plugins.canteen.settlement.models import Settlement, SettlementState, SettlementStep, StepKind
from plugins.canteen.settlement.sheets import facts, names_for, sheets_of
from plugins.canteen.settlement.steps import due, may
from plugins.canteen.tables import XLSX

STATE_COLOUR = {
    SettlementState.DRAFT: "", SettlementState.SUBMITTED: "warn", SettlementState.RETURNED: "bad",
    SettlementState.APPROVED: "info", SettlementState.PAID: "ok",
}
TAG = Markup('<span class="tag %s">%s</span>')


def state_tag(state: SettlementState) -> Markup:
    """The state as a tag."""
    return TAG % (STATE_COLOUR[state], state.label)


class SettlementScreen(Screen):
    """结算 by month. Nothing is typed into one: its figures are those of the records."""

    model = Settlement
    slug = "settlements"
    title = _l("Settlements")
    section = _l("Subsidies and money")
    icon = "money"
    needs = {**Screen.needs, "excel_view": "export"}
    column_list = ("month", "state", "meals", "payable", "paid_on", "payment_reference")
    lead_columns = 4
    filter_by = ("state",)
    default_order = ("-month",)
    empty_text = _l("No month is settled yet. Make the settlement of the last month first.")

    def cell_month(self, settlement: Settlement) -> str:
        """2026-10."""
        return settlement.label

    def cell_state(self, settlement: Settlement) -> Markup:
        """The state as a tag."""
        return state_tag(settlement.state)

    def tools(self, arguments: Any) -> list[Tool]:
        """The draft of a month is what is next here."""
        tools = super().tools(arguments)
        if visit().area.is_community and may("create"):
            tools.insert(0, Tool(_("New settlement"), self.get_url("canteen_settlement_steps.index"), True, "plus"))
        return tools

    # -- one settlement -------------------------------------------------------------------------

    def details_page(self, record: Settlement, revealed: dict[str, str] | None = None) -> str:
        """Figures, steps, a view, the history; an earlier snapshot where one is asked for."""
        step = self._asked_snapshot(record)
        contents = self._contents(record, step)
        sheets = sheets_of(contents, names_for(db.session(), contents, visit().access.sees_names))
        part = request.args.get("part", "")
        return self.render(
            "canteen/settlement.html", title=_("Settlement of %(month)s", month=record.label), settlement=record,
            state=state_tag(record.state), contents=contents, facts=facts(contents), sheets=sheets, page=self,
            part=part if part in sheets else "summary", old=step, steps=[] if step else due(record),
            unchanged=services.is_unchanged(db.session(), record) if record.is_locked and not step else None,
            beijing=beijing, once=new_key(), capitals=capital_yuan(contents.payable),
        )

    def _asked_snapshot(self, record: Settlement) -> SettlementStep | None:
        """An earlier submission of this settlement, if the address names one."""
        text = request.args.get("snapshot")
        if text is None:
            return None
        found = next((s for s in record.steps if str(s.id) == text and s.kind == StepKind.SUBMITTED), None)
        return found or abort(404)

    def _contents(self, record: Settlement, step: SettlementStep | None = None) -> Contents:
        """What was submitted where the month is locked, else what the records say."""
        kept = step or (record.submission if record.is_locked else None)
        return read_canonical(kept.snapshot) if kept else services.live(db.session(), record)

    # -- paper and Excel ------------------------------------------------------------------------

    @expose("/paper/")
    def paper_view(self) -> str:
        """On A4, to be signed."""
        record = self.record_or_404()
        contents = self._contents(record)
        return self.render(
            "canteen/settlement_paper.html", title=_("Settlement of the community canteen"), settlement=record,
            state=record.state.label, contents=contents, facts=facts(contents),
            sheets=sheets_of(contents, names_for(db.session(), contents, visit().access.sees_names)),
            capitals=capital_yuan(contents.payable),
            date_text=_("%(year)s-%(month)s", year=record.month.year, month=f"{record.month:%m}"),
            back_url=self.get_url(".details_view", id=record.id),
            signatures=[_("Made by:"), _("Checked by:"), _("Head of the community:"), _("Examined by the street:")],
        )

    @expose("/excel/", methods=("POST",))
    def excel_view(self) -> ResponseReturnValue:
        """A sheet for each view, logged."""
        record = self.record_or_404()
        contents = self._contents(record)
        sheets = sheets_of(contents, names_for(db.session(), contents, visit().access.sees_names))
        tables = [(_("Overview"), [_("What"), _("Value")], [*facts(contents), (_("Payable (yuan)"), contents.payable),
                   (_("Payable in capitals"), capital_yuan(contents.payable)), (_("State"), str(record.state.label)),
                   (_("SHA-256"), record.digest)])]
        tables += [(sheet.title, [c.label for c in sheet.columns], [*sheet.rows, sheet.sums])
                   for sheet in sheets.values()]
        title = f"{visit().area.name} {_('Settlement of %(month)s', month=record.label)}"
        note_deed(db.session(), Deed.EXPORTED, Settlement.__tablename__, record.id,
                  changes={"rows": len(contents.lines)})
        db.session.commit()
        return download(write_tables(tables, title), XLSX, f"{title}.xlsx")
