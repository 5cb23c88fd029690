"""A report as it is read: sentences with footnotes, and tables; the page, the Excel file and the PDF show the same."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _

from core.metrics.expectations import DayState
from core.metrics.periods import Period, PeriodKind
from core.metrics.units import change_of, change_text, in_units, per_thousand
from core.reports.content import text_of, whole
from core.reports.wording import in_words


@dataclass(frozen=True)
class Sentence:
    """What is said in words, and the exact number, definition and sources behind it."""

    text: str
    note: str


@dataclass(frozen=True)
class Table:
    """Columns (label, numeric), rows of values, and the row of sums, if any; values are numbers, texts or None."""

    title: str
    columns: list[tuple[str, bool]]
    rows: list[list[Any]]
    sums: list[Any]

    @property
    def all_rows(self) -> list[list[Any]]:
        """With the sums, where there are any, as the last row."""
        return [*self.rows, self.sums] if self.sums else self.rows

    @staticmethod
    def text(value: Any) -> str:
        """A value as shown."""
        return "—" if value is None else value if isinstance(value, str) else f"{value:,}"


@dataclass(frozen=True)
class Document:
    """The whole report."""

    title: str
    area: str
    period: str
    sentences: list[Sentence]
    tables: list[Table]


def period_of_content(content: dict[str, Any]) -> Period:
    """What the content is about."""
    return Period(PeriodKind(content["kind"]), date.fromisoformat(content["start"]), date.fromisoformat(content["end"]))


def document(content: dict[str, Any]) -> Document:
    """The content in words and tables."""
    period = period_of_content(content)
    title = {PeriodKind.MONTH: _("Monthly report"), PeriodKind.QUARTER: _("Quarterly report")}.get(
        period.kind, _("Yearly report"))
    said = period.label if content["until"] == content["end"] else _(
        "%(period)s (until %(day)s)", period=period.label, day=content["until"])
    metrics = content["metrics"]
    tables = [_table(m) for m in metrics] + [_days(m) for m in metrics if m["days"]]
    changed = [[m["title"], *_change(each, m["parts"])] for m in metrics for each in m["corrections"]]
    if changed:
        tables.append(Table(_("Corrected after the month was closed"), [
            (_("Figure"), False), (_("Community"), False), (_("Day"), False), (_("Before"), True), (_("Now"), True),
            (_("Reason"), False)], changed, []))
    return Document(f"{content['area']} {period.label} {title}", content["area"], said,
                    [_sentence(m, content) for m in metrics if whole(m)["number"] is not None], tables)


def _sentence(metric: dict[str, Any], content: dict[str, Any]) -> Sentence:
    parts, unit, all_ = metric["parts"], metric["unit"], whole(metric)
    number, before, ever = all_["number"], all_["before"], all_["ever"]
    text = _("%(what)s %(number)s %(unit)s", what=metric["title"], number=in_words(in_units(number, parts)), unit=unit)
    note = _("%(what)s: exactly %(number)s %(unit)s, %(start)s to %(until)s", what=metric["title"],
             number=text_of(number, parts), unit=unit, start=content["start"], until=content["until"])
    change = change_of(number, before)
    if change is not None:
        text += _(", %(percent)s against last year", percent=change_text(change))
        note += _("; %(number)s in the same days of last year", number=text_of(before, parts))
    if ever and ever != number:
        text += _("; %(number)s %(unit)s since the beginning", unit=unit,
                  number=in_words(in_units(ever, parts), estimate=metric["estimated"]))
        note += _("; %(number)s since the beginning", number=text_of(ever, parts))
        if metric["sources"]:
            note += _(" (opening balances from: %(sources)s)", sources="、".join(metric["sources"]))
    if metric["definition"]:
        note += _(". Definition: %(text)s", text=metric["definition"].rstrip("。."))
    counted = "、".join(row["area"] for row in metric["rows"] if row["number"] is not None)
    return Sentence(text + _("."), note + _(". Source: the records of %(areas)s", areas=counted))


def _table(metric: dict[str, Any]) -> Table:
    parts = metric["parts"]
    columns = [(_("Community"), False), (_("Number"), True), (_("Same period last year"), True),
               (_("Against last year"), True), (_("Per 1,000 residents"), True), (_("Since the beginning"), True)]
    rows = [[row["area"], *_figures({**row, "of_residents": row["number"]}, parts)] for row in metric["rows"]]
    sums = [_("In all"), *_figures(whole(metric), parts)]
    return Table(f"{metric['title']}（{metric['unit']}）", columns, rows, sums)


def _figures(row: dict[str, Any], parts: int) -> list[Any]:
    change = change_of(row["number"], row["before"])
    number, before, ever = (None if row[what] is None else in_units(row[what], parts)
                            for what in ("number", "before", "ever"))
    return [number, before, None if change is None else change_text(change),
            per_thousand(row["of_residents"], row["residents"], parts), ever]


def _days(metric: dict[str, Any]) -> Table:
    """Expected days and what became of them; a community that nothing was expected of has —."""
    states = (DayState.DONE, DayState.LATE, DayState.ZERO, DayState.MISSING)
    columns = [(_("Community"), False), (_("Expected days"), True),
               *((str(state.label), True) for state in states), (_("Completeness"), True)]
    sums = {what: sum(row[what] for row in metric["days"]) for what in ("expected", *(s.value for s in states))}
    return Table(_("%(what)s: expected and reported days", what=metric["title"]), columns,
                 [_kept(row["area"], row) for row in metric["days"]], _kept(_("In all"), sums))


def _kept(name: str, row: dict[str, Any]) -> list[Any]:
    if not row["expected"]:
        return [name, *[None] * 6]
    answered = row["expected"] - row[DayState.MISSING.value]
    return [name, row["expected"], *(row[s.value] for s in (DayState.DONE, DayState.LATE, DayState.ZERO,
                                                            DayState.MISSING)), f"{answered * 100 // row['expected']}%"]


def _change(each: dict[str, Any], parts: int) -> list[Any]:
    return [each["area"], each["day"], in_units(each["old"], parts), in_units(each["new"], parts),
            each["reason"] or _("Not stated")]
