"""Reports of a month, quarter or year: how they stand now, issued versions, and what changed between them."""
from __future__ import annotations

from datetime import date
from typing import Any

from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.roles import Action
from core.admin.export_pages import download
from core.admin.gate import manager, sees_plugin, visit
from core.admin.listing import Column, Row, RowAction
from core.admin.query import whole
from core.admin.screens.office import OfficePage, listing, number_of
from core.admin.words import office_words
from core.areas.models import Area
from core.areas.scope import scope_of, session_for
from core.clock import beijing, now, today
from core.exchange.writer import write_tables
from core.extensions import db
from core.metrics.periods import Period, PeriodKind, period_of
from core.reports.content import compose, text_of
from core.reports.document import document
from core.reports.models import Report
from core.reports.pdf import write_pdf
from core.reports.service import changes, digest_of, is_unchanged, issue, issued, latest, version_of

KINDS = (PeriodKind.MONTH, PeriodKind.QUARTER, PeriodKind.YEAR)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ReportsPage(OfficePage):
    """What an area reports: no names in it, so that everybody who sees figures may read it."""

    slug = "reports"
    title = _l("Reports")
    icon = "print"
    needs = {"issue": Action.EXPORT, "excel": Action.EXPORT, "pdf": Action.EXPORT}

    @expose("/")
    def index(self) -> str:
        """The issued versions, newest first, and the choice of a period."""
        rows = [
            Row(r.id, document(r.content).title, [
                document(r.content).title, _("version %(number)s", number=r.version),
                f"{r.issued_by} {beijing(r.issued_at):%Y-%m-%d %H:%M}", r.digest[:12],
            ], [RowAction(_("Open"), self.get_url(".show", id=r.id))]) for r in issued(db.session(), visit().area.id)
        ]
        columns = [Column("report", _("Report"), lead=True), Column("version", _("Version"), lead=True),
                   Column("issued", _("Issued by and at"), lead=True), Column("digest", _("Hash"))]
        return self.render("reports/index.html", kinds=KINDS, months=_recent(), page=self, listing=listing(
            str(self.title), columns, rows, _("No report has been issued yet. Choose a period above.")))

    @expose("/draft/")
    def draft(self) -> str:
        """The report as it stands now, and what changed since it was issued."""
        period = self._period()
        content, before = self._content(period), latest(db.session(), visit().area.id, period)
        return self.render(
            "reports/show.html", title=document(content).title, report=document(content), page=self, issued=None,
            before=before, changes=_shown(changes(before.content, content)) if before else [], here=_asked(period),
            runs=period.end >= today(), unchanged=None,
            holds=before is not None and before.digest == digest_of(content))

    @expose("/issue/", methods=("POST",))
    def issue(self) -> ResponseReturnValue:
        """Keep it as it stands now."""
        period, here = self._period(), visit()
        content = self._content(period)
        made: list[Report] = []

        def keep() -> None:
            made.append(issue(db.session(), here.area.id, period, content, here.user.username, now()))
            self.note(_("Issued the report “%(title)s”", title=document(content).title))

        if not self.attempt(keep):  # somebody else has issued the same version at this moment
            return redirect(self.get_url(".draft", **_asked(period)))
        flash(_("“%(name)s” is issued: version %(version)s holds the figures as they are now.",
                name=document(content).title, version=made[0].version), "success")
        return redirect(self.get_url(".show", id=made[0].id))

    @expose("/show/")
    def show(self) -> str:
        """An issued version as it was, whether its hash holds, and what changed since the version before."""
        report = self._report()
        before = version_of(db.session(), report.area_id, report.period, report.version - 1)
        return self.render(
            "reports/show.html", title=document(report.content).title, report=document(report.content), page=self,
            issued=report, before=before, changes=_shown(changes(before.content, report.content)) if before else [],
            here={"id": report.id}, runs=False, unchanged=is_unchanged(report), beijing=beijing)

    @expose("/print/")
    def paper(self) -> str:
        """On A4."""
        content, foot = self._asked_content()
        return self.render("reports/print.html", title=document(content).title, report=document(content), foot=foot,
                           date_text=document(content).period, back_url=self.get_url(".index"))

    @expose("/excel/", methods=("POST",))
    def excel(self) -> ResponseReturnValue:
        """A sheet for the sentences and one for each figure; sums are numbers."""
        content, foot = self._asked_content()
        report = document(content)
        sheets = [(_("Report"), [_("No."), _("In words"), _("Exactly")],
                   [[n, s.text, s.note] for n, s in enumerate(report.sentences, 1)] + [[None, foot, None]])]
        sheets += [(t.title, [label for label, _numeric in t.columns], t.all_rows) for t in report.tables]
        self._noted(report.title)
        return download(write_tables(sheets, report.title), XLSX, f"{report.title}.xlsx")

    @expose("/pdf/", methods=("POST",))
    def pdf(self) -> ResponseReturnValue:
        """As PDF."""
        content, foot = self._asked_content()
        report = document(content)
        body = write_pdf(report, foot)
        self._noted(report.title)
        return download(body, "application/pdf", f"{report.title}.pdf")

    def _noted(self, title: str) -> None:
        self.note(_("Exported the report “%(title)s”", title=title))
        db.session.commit()

    def _asked_content(self) -> tuple[dict[str, Any], str]:
        """The content that the address asks for, issued or as it stands, and what stands at the foot of each page."""
        if "id" in request.args:
            report = self._report()
            return report.content, _("version %(number)s · SHA-256 %(digest)s", number=report.version,
                                     digest=report.digest)
        return self._content(self._period()), _("Draft of %(moment)s, not issued",
                                                moment=f"{beijing(now()):%Y-%m-%d %H:%M}")

    def _report(self) -> Report:
        """An issued report of this very area."""
        report = db.session.get(Report, number_of("id"))
        if report is None or report.area_id != visit().area.id:
            abort(404)
        return report

    def _period(self) -> Period:
        """The month, quarter or year that the address asks for; last month without."""
        kind = next((k for k in KINDS if k.value == request.args.get("kind")), PeriodKind.MONTH)
        last_month = period_of(PeriodKind.MONTH, today()).previous().start
        year = whole(request.args.get("year"), 2000, today().year, last_month.year)
        place = whole(request.args.get("place"), 1, {PeriodKind.MONTH: 12, PeriodKind.QUARTER: 4}.get(kind, 1),
                      last_month.month if kind == PeriodKind.MONTH else 1)
        month = place if kind == PeriodKind.MONTH else place * 3 if kind == PeriodKind.QUARTER else 1
        period = period_of(kind, date(year, month, 1))
        return period if period.start <= today() else period_of(kind, today())

    def _content(self, period: Period) -> dict[str, Any]:
        here = visit()
        communities: list[Area] = [a for a in here.areas if a.is_community and here.area.contains(a)]
        metrics = [(p, m) for p, m in manager().metrics() if sees_plugin(here.access, p)]
        with office_words(), session_for(scope_of(here.area), "figures of a report") as reading:
            return compose(reading, here.area, communities, metrics, period, today())


def _asked(period: Period) -> dict[str, Any]:
    """The address of a period."""
    start = period.start
    place = {PeriodKind.MONTH: start.month, PeriodKind.QUARTER: (start.month + 2) // 3}.get(period.kind, 1)
    return {"kind": period.kind.value, "year": start.year, "place": place}


def _recent() -> list[tuple[str, dict[str, Any]]]:
    """The periods that are asked for most: the last three months, two quarters, two years."""
    found = []
    for kind, many in ((PeriodKind.MONTH, 3), (PeriodKind.QUARTER, 2), (PeriodKind.YEAR, 2)):
        period = period_of(kind, today())
        for _n in range(many):
            found.append((period.label, _asked(period)))
            period = period.previous()
    return found


def _shown(found: list[Any]) -> list[tuple[str, str, str, str]]:
    names = {"number": "", "before": _("Same period last year"), "ever": _("Since the beginning")}
    return [(_("Declared residents") if c.what == "residents" else " · ".join(filter(None, (c.title, names[c.what]))),
             c.area, text_of(c.old, c.parts), text_of(c.new, c.parts)) for c in found]
