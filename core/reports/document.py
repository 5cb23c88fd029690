"""A report as it is read: sentences with footnotes, and tables; the page, the Excel file and the PDF show the same."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _

from core.metrics.periods import Period, PeriodKind
from core.reports.content import change_in_percent, in_units, per_thousand, summed, text_of
from core.reports.wording import in_words


@dataclass(frozen=True)
class Sentence:
    """What is said in words, and the exact number, definition and sources behind it."""

    text: str
    note: str


@dataclass(frozen=True)
class Table:
    """Columns (label, numeric), rows of values, and the row of sums; values are numbers, texts or None."""

    title: str
    columns: list[tuple[str, bool]]
    rows: list[list[Any]]
    sums: list[Any]

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
    return Document(f"{content['area']} {period.label} {title}", content["area"], said,
                    [_sentence(m, content) for m in content["metrics"] if summed(m, "number") is not None],
                    [_table(m) for m in content["metrics"]])


def _sentence(metric: dict[str, Any], content: dict[str, Any]) -> Sentence:
    parts, unit = metric["parts"], metric["unit"]
    number, before, ever = (summed(metric, what) for what in ("number", "before", "ever"))
    text = _("%(what)s %(number)s %(unit)s", what=metric["title"], number=in_words(in_units(number, parts) or 0),
             unit=unit)
    change = change_in_percent(number, before)
    if change is not None:
        text += _(", %(percent)s against last year", percent=f"{change:+}%")
    if ever and ever != number:
        text += _("; %(number)s %(unit)s since the beginning", number=in_words(in_units(ever, parts) or 0), unit=unit)
    counted = [row["area"] for row in metric["rows"] if row["number"] is not None]
    note = _("%(what)s: exactly %(number)s %(unit)s, %(start)s to %(until)s", what=metric["title"],
             number=text_of(number, parts), unit=unit, start=content["start"], until=content["until"])
    if before is not None:
        note += _("; %(number)s in the same days of last year", number=text_of(before, parts))
    if ever and ever != number:
        note += _("; %(number)s since the beginning, opening balances included", number=text_of(ever, parts))
    if metric["definition"]:
        note += _(". Definition: %(text)s", text=metric["definition"])
    return Sentence(text + "。" if _is_chinese(text) else text + ".",
                    note + _(". Source: the records of %(areas)s", areas="、".join(counted)))


def _is_chinese(text: str) -> bool:
    return any("\u4e00" <= c <= "\u9fff" for c in text)


def _table(metric: dict[str, Any]) -> Table:
    parts = metric["parts"]
    columns = [(_("Community"), False), (_("Number"), True), (_("Same period last year"), True),
               (_("Against last year"), True), (_("Per 1,000 residents"), True), (_("Since the beginning"), True)]
    rows = [[row["area"], *_figures(row, parts)] for row in metric["rows"]]
    known = [row["residents"] for row in metric["rows"] if row["number"] is not None]
    whole = {what: summed(metric, what) for what in ("number", "before", "ever")}
    whole["residents"] = sum(known) if known and all(known) else None
    return Table(f"{metric['title']}（{metric['unit']}）", columns, rows, [_("In all"), *_figures(whole, parts)])


def _figures(row: dict[str, Any], parts: int) -> list[Any]:
    change = change_in_percent(row["number"], row["before"])
    return [in_units(row["number"], parts), in_units(row["before"], parts), None if change is None else f"{change:+}%",
            per_thousand(row["number"], row["residents"], parts), in_units(row["ever"], parts)]
