"""Who did what to which record (a community's audit trail), and the log of sign-ins and accounts."""
from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app, g, request
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from core.accounts.management import visible_users
from core.accounts.models import AccountEvent, Membership, SignInResult, User
from core.accounts.roles import AUDITOR, MANAGER, SYSTEM
from core.admin import query as q
from core.admin.gate import visit
from core.admin.listing import Column, FilterField, Row
from core.admin.query import SpecialFilter, day, whole
from core.admin.screen import Screen
from core.admin.screens.office import PAGE_SIZE, OfficePage, chosen, listing, pager, text_of
from core.admin.values import NONE, field_at, show
from core.areas.models import Area
from core.areas.tenancy import tenant_models
from core.audit.models import AuditEntry
from core.clock import BEIJING, now
from core.extensions import db

PERIODS = {"1": _l("Last 24 hours"), "7": _l("Last 7 days"), "30": _l("Last 30 days"), "365": _l("Last year")}
KINDS = {SignInResult.SUCCESS: "ok", SignInResult.WRONG: "warn", SignInResult.LOCKED: "bad",
         SignInResult.SIGNED_OUT: ""}


def _tables() -> dict[str, str]:
    """Table → the title of the screen that shows it."""
    found = {}
    for _module, screens in current_app.extensions["jinlin_screens"]:
        for screen in screens:
            if isinstance(screen, Screen):
                found.setdefault(screen.model.__tablename__, str(screen.title))
    return found


def _screen_of(table: str) -> Screen | None:
    """The screen that shows the records of a table, if the reader may open it here."""
    screens = (s for _module, found in current_app.extensions["jinlin_screens"] for s in found)
    return next((s for s in screens if isinstance(s, Screen) and s.model.__tablename__ == table
                 and s.is_here() and s.may("view")), None)


def _since(days: str) -> Any:
    return AuditEntry.at >= now() - timedelta(days=int(days)) if days in PERIODS else sa.true()


class AuditScreen(Screen):
    """谁对哪条记录做了什么: read only, never changed."""

    model = AuditEntry
    slug = "audit"
    title = _l("Audit log")
    icon = "list"
    always_on = True
    column_list = ("at", "username", "deed", "table_name", "record_id", "changed", "reason")
    detail_list = ("at", "username", "deed", "table_name", "record_id", "changes", "reason")
    column_labels = {"table_name": _l("Kind of record"), "changed": _l("Changes")}
    lead_columns = 4
    filter_by = ("deed", "username", "period", "kind_of_record")
    special_filters = {
        "period": SpecialFilter(_l("Time"), lambda: [(k, str(v)) for k, v in PERIODS.items()], _since),
        "kind_of_record": SpecialFilter(_l("Kind of record"), lambda: sorted(_tables().items(), key=lambda t: t[1]),
                                        lambda table: AuditEntry.table_name == table),
    }
    default_order = ("-at",)
    empty_text = _l("Nothing has been recorded yet.")

    def cell_table_name(self, entry: AuditEntry) -> str:
        """The title of the list that the record stands in."""
        return _tables().get(entry.table_name, entry.table_name)

    def prepare(self, rows: list[AuditEntry]) -> None:
        """The records that the entries of a page are about, each kind in one statement."""
        numbers: dict[str, set[int]] = {}
        for entry in rows:
            if entry.record_id is not None:
                numbers.setdefault(entry.table_name, set()).add(entry.record_id)
        g.audit_names = {(table, record.id): screen.record_label(record) for table, ids in numbers.items()
                         if (screen := _screen_of(table)) for record in q.rows_of(screen, sorted(ids))}

    def cell_record_id(self, entry: AuditEntry) -> str:
        """What the record is called, for those who may look at it; else its number."""
        if entry.record_id is None:
            return NONE
        return g.get("audit_names", {}).get((entry.table_name, entry.record_id)) or str(entry.record_id)

    def details_page(self, record: AuditEntry, revealed: dict[str, str] | None = None) -> str:
        """With the name of its record."""
        self.prepare([record])
        return super().details_page(record, revealed)

    def cell_changed(self, entry: AuditEntry) -> str:
        """In the list under a name of its own: JSON cannot be sorted by."""
        return self.cell_changes(entry)

    def cell_changes(self, entry: AuditEntry) -> str:
        """Field: old → new; private fields by their name alone."""
        model = next((m for m in tenant_models() if m.__tablename__ == entry.table_name), None)
        parts = []
        for name, values in (entry.changes or {}).items():
            label = str(field_at(model, name).label) if model is not None and hasattr(model, name) else name
            parts.append(label if not isinstance(values, list) or len(values) != 2 else
                         _("%(label)s: %(old)s → %(new)s", label=label, old=show(values[0]), new=show(values[1])))
        return "; ".join(parts) or NONE


class LogPage(OfficePage):
    """Sign-ins, and what was done to accounts, roles, areas and modules."""

    slug = "log"
    title = _l("Sign-in log")
    icon = "clock"
    menu_action = "view"

    def may(self, action: str) -> bool:
        """Those who manage accounts here, and those who oversee."""
        return super().may("users") or super().may("view")

    @expose("/")
    def index(self) -> str:
        """Newest first."""
        result = chosen("result", _("Result"), [("", _("All")), *((r.value, str(r.label)) for r in SignInResult),
                                                ("deed", _("Changes to accounts, areas, modules"))])
        search, page = text_of("search"), whole(request.args.get("page"), 1, 10**6, 1)
        start, end = text_of("from", 10), text_of("to", 10)
        found = self._asked(result.value, search, start, end)
        total = db.session.scalar(sa.select(sa.func.count()).select_from(found.limit(10_001).subquery())) or 0
        events = db.session.scalars(found.order_by(AccountEvent.id.desc()).limit(PAGE_SIZE)
                                    .offset((page - 1) * PAGE_SIZE)).all()
        kept = {k: v for k, v in (("result", result.value), ("search", search), ("from", start), ("to", end)) if v}
        columns = [Column("at", _("Time"), lead=True), Column("username", _("Account"), lead=True),
                   Column("what", _("What"), lead=True), Column("area", _("Area")),
                   Column("address", _("From address"))]
        names = {area.id: area.name for area in visit().areas}
        return self.render("admin/list.html", listing=listing(
            str(self.title), columns, [_row(event, names) for event in events],
            _("Nothing matches. Please change or clear the filters."), total=total,
            filters=[result, FilterField("from", _("From"), "date", start), FilterField("to", _("to"), "date", end)],
            search=search, search_hint=_("Account"), clear_url=self.get_url(".index"),
            pages=pager(lambda n: self.get_url(".index", page=n, **kept), page, total),
        ))

    def _asked(self, result: str, search: str, start: str, end: str) -> sa.Select[tuple[AccountEvent]]:
        found = _events_for_reader()
        if result == "deed":
            found = found.where(AccountEvent.result.is_(None))
        elif result:
            found = found.where(AccountEvent.result == SignInResult(result))
        if search:
            found = found.where(sa.or_(AccountEvent.username.contains(search.casefold(), autoescape=True),
                                       AccountEvent.about.contains(search.casefold(), autoescape=True)))
        if first := day(start):
            found = found.where(AccountEvent.at >= _midnight(first))
        if last := day(end):
            found = found.where(AccountEvent.at < _midnight(last) + timedelta(days=1))
        return found


def _midnight(when: date) -> datetime:
    """The beginning of a day in Beijing, of a century in which no addition overflows."""
    return datetime.combine(min(max(when, date(2000, 1, 1)), date(2999, 1, 1)), time(), BEIJING)


def _events_for_reader() -> sa.Select[tuple[AccountEvent]]:
    """What concerns the reader's people and areas; at the root also names that nobody has."""
    here = visit()
    found, held = sa.select(AccountEvent), here.access.role_keys
    if AUDITOR in held and not held & {SYSTEM}:
        people = sa.select(User.username).where(User.id.in_(
            sa.select(Membership.user_id).join(Membership.area).where(
                Area.path.startswith(here.area.path, autoescape=True))))
    else:
        people = visible_users(here.access).with_only_columns(User.username)
    mine = [AccountEvent.username == here.user.username, AccountEvent.username.in_(people),
            AccountEvent.about.in_(people)]
    below = sa.select(Area.id).where(Area.path.startswith(here.area.path, autoescape=True))
    in_area = AccountEvent.area_id.in_(below)
    if here.area.parent_id is None and held & {SYSTEM, AUDITOR}:
        mine.append(AccountEvent.username.not_in(sa.select(User.username).join(User.memberships)))  # unknown names
    # a manager reads what was done to his community, but of accounts only his own people's
    mine.append(sa.and_(in_area, AccountEvent.about.is_(None)) if MANAGER in held else in_area)
    return found.where(sa.or_(*mine))


def _row(event: AccountEvent, names: dict[int, str]) -> Row:
    what = Markup('<span class="tag {}">{}</span>').format(KINDS[event.result], event.result.label) \
        if event.result is not None else event.what or NONE
    return Row(event.id, event.username, [show(event.at), event.username, what, names.get(event.area_id) or NONE,
                                          event.address or NONE], [])
