"""Sheets that go out: templates, plain tables, and the user's own file with the reasons for wrong rows.

Text that we write never starts a formula in Excel or WPS (see `harmless`); numbers and days stay numbers and days.
"""
from __future__ import annotations

import codecs
import csv
import io
import math
import re
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import IO, Any

import xlsxwriter
from flask_babel import LazyString
from flask_babel import gettext as _
from xlsxwriter.exceptions import FileCreateError

from core.errors import ValidationError
from core.exchange.cells import LARGEST_EXACT_NUMBER, CellValue, SheetColumn
from core.exchange.limits import MAX_ROWS

FORMULA_STARTERS = tuple("=+-@＝＋－＠")  # Excel in Chinese takes the full-width ones too
LONGEST_TEXT = 32_767  # characters in a cell of Excel
LAST_ROW = 1_048_576
LONGEST_LIST = 255  # characters of a drop-down written out
CHINA = timezone(timedelta(hours=8))  # one zone, no summer time
HEADER_STYLE = {"bold": True, "bg_color": "#F2F2F2", "border": 1, "align": "center", "text_wrap": True}


def harmless(text: str) -> str:
    """The text without control characters, and with an apostrophe before what Excel would run as a formula.

    A lone dash, the usual sign for "nothing", stays; the reader takes the apostrophe away again.
    """
    flat = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    kept = "".join(c for c in flat if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs"))
    return f"'{kept}" if kept.lstrip().startswith(FORMULA_STARTERS) and kept.strip(" -") else kept


@contextmanager
def _workbook(target: IO[bytes], *, constant_memory: bool = False) -> Iterator[Any]:
    """A new workbook; a full disk is the OSError that it was, and the pieces on the way go in any case."""
    with tempfile.TemporaryDirectory(prefix="jinlin-") as folder:
        options = {"strings_to_formulas": False, "strings_to_urls": False, "constant_memory": constant_memory,
                   "tmpdir": folder}
        try:
            with xlsxwriter.Workbook(target, options) as book:
                yield book
        except FileCreateError as error:  # the library's wrapping
            raise error.args[0] from error


def write_template(columns: Sequence[SheetColumn], title: str | LazyString, sheet_name: str | LazyString) -> bytes:
    """An empty sheet to fill in, and a second one that explains each column. `read_sheet` recognises it."""
    target = io.BytesIO()
    with _workbook(target) as book:
        sheet = book.add_worksheet(_sheet_name(str(sheet_name)))
        guide = book.add_worksheet(_sheet_name(_("How to fill in")))
        _write_head(book, sheet, columns, str(title))
        _write_guide(book, guide, columns)
        for at, column in enumerate(columns):
            _offer_choices(sheet, guide, at, column)
    return target.getvalue()


def _write_head(book: Any, sheet: Any, columns: Sequence[SheetColumn], title: str) -> None:
    note = _("Columns marked with * must be filled in. Do not change the headers. An empty cell changes nothing.")
    _write_across(sheet, 0, len(columns), harmless(title), book.add_format({"bold": True, "font_size": 16,
                                                                            "align": "center"}))
    _write_across(sheet, 1, len(columns), note, book.add_format({"font_color": "#666666", "text_wrap": True}))
    sheet.set_row(1, 32)
    plain, needed = book.add_format(HEADER_STYLE), book.add_format(HEADER_STYLE | {"font_color": "#C00000"})
    text = book.add_format({"num_format": "@"})  # identity numbers keep their digits, days stay as they are typed
    for at, column in enumerate(columns):
        header = str(column.title) + ("*" if column.required else "")
        sheet.write_string(2, at, header, needed if column.required else plain)
        sheet.set_column(at, at, max(10, _shown_width(header) + 3, _shown_width(column.example) + 3), text)
    sheet.freeze_panes(3, 0)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{MAX_ROWS}"})


def _write_across(sheet: Any, row: int, width: int, text: str, style: Any) -> None:
    if width > 1:
        sheet.merge_range(row, 0, row, width - 1, text, style)
    else:
        sheet.write_string(row, 0, text, style)


def _write_guide(book: Any, guide: Any, columns: Sequence[SheetColumn]) -> None:
    header, wrap = book.add_format(HEADER_STYLE), book.add_format({"text_wrap": True, "valign": "top"})
    rows = [(_("Column"), _("Required"), _("How to fill in"), _("Example"), _("Possible values"))]
    rows += [(str(c.title), _("Yes") if c.required else _("No"), str(c.hint), c.example, "、".join(c.choices))
             for c in columns]
    for number, row in enumerate(rows):
        for at, text in enumerate(row):
            guide.write_string(number, at, harmless(text), wrap if number else header)
    for at, width in enumerate((18, 10, 50, 24, 40)):
        guide.set_column(at, at, width)


def _offer_choices(sheet: Any, guide: Any, at: int, column: SheetColumn) -> None:
    """A drop-down for the choices and the hint as a note beside the cell."""
    if not column.choices and not column.hint:
        return
    rule: dict[str, Any] = {"validate": "any"}
    if column.choices:
        rule = {"validate": "list", "source": list(column.choices), "error_title": _("Please choose"),
                "error_message": _("Choose a value from the list.")}
        if len(",".join(column.choices)) > LONGEST_LIST:
            # A long list must stand in cells: right of the guide, one column each.
            for number, choice in enumerate(column.choices):
                guide.write_string(number, 10 + at, choice)
            first = xlsxwriter.utility.xl_rowcol_to_cell(0, 10 + at, True, True)
            last = xlsxwriter.utility.xl_rowcol_to_cell(len(column.choices) - 1, 10 + at, True, True)
            rule["source"] = f"='{guide.get_name()}'!{first}:{last}"
    if column.hint:
        rule |= {"input_title": str(column.title)[:32], "input_message": str(column.hint)[:255]}
    sheet.data_validation(3, at, MAX_ROWS, at, rule)


def write_table(headers: Sequence[object], rows: Iterable[Sequence[object]], title: str | LazyString) -> bytes:
    """A plain .xlsx as bytes: title, headers, rows."""
    target = io.BytesIO()
    fill_table(target, headers, rows, title)
    return target.getvalue()


def fill_table(
    target: IO[bytes], headers: Sequence[object], rows: Iterable[Sequence[object]], title: str | LazyString
) -> None:
    """The same into a file. Rows are taken one by one and not kept in memory."""
    with _workbook(target, constant_memory=True) as book:
        _fill_sheet(book, str(title), headers, rows, str(title))


def write_tables(tables: Iterable[tuple[str, Sequence[object], Iterable[Sequence[object]]]], title: str) -> bytes:
    """A plain .xlsx of several sheets as bytes: (name, headers, rows) each; the name follows the title above it."""
    target = io.BytesIO()
    with _workbook(target, constant_memory=True) as book:
        for name, headers, rows in tables:
            _fill_sheet(book, name, headers, rows, f"{title} {name}")
    return target.getvalue()


def _fill_sheet(book: Any, name: str, headers: Sequence[object], rows: Iterable[Sequence[object]], title: str) -> None:
    sheet = book.add_worksheet(_sheet_name(name))
    big, head = book.add_format({"bold": True, "font_size": 14}), book.add_format(HEADER_STYLE)
    put = _cell_writer(book, sheet)
    for at, header in enumerate(headers):
        sheet.set_column(at, at, min(40, max(12, _shown_width(str(header)) + 4)))
    sheet.freeze_panes(2, 0)
    sheet.write_string(0, 0, harmless(title), big)
    for at, header in enumerate(headers):
        sheet.write_string(1, at, harmless(str(header)), head)
    for number, row in enumerate(rows, 2):
        if number >= LAST_ROW:
            raise ValidationError(_("A sheet holds at most %(most)d rows. Narrow the selection.", most=LAST_ROW))
        for at, value in enumerate(row):
            put(number, at, value)


def write_csv(headers: Sequence[object], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """The table as CSV in UTF-8 with the mark that lets Excel see it, one piece per row."""
    yield codecs.BOM_UTF8
    yield _csv_line(headers)
    for row in rows:
        yield _csv_line(row)


def _csv_line(row: Sequence[object]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow([_csv_text(_plain_value(value)) for value in row])
    return line.getvalue().encode()


def _csv_text(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case date() | int() | float() | Decimal():
            return str(value)
    return harmless(str(value))


def _plain_value(value: object) -> object:
    """A value that Excel knows: aware times become Beijing time, truth a word, numbers without a value nothing."""
    match value:
        case bool():
            return _("Yes") if value else _("No")
        case datetime() if value.tzinfo:
            return value.astimezone(CHINA).replace(tzinfo=None)
        case float() | Decimal() if not math.isfinite(value):
            return None
    return value


def _cell_writer(book: Any, sheet: Any) -> Any:
    day, moment = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    money = book.add_format({"num_format": "0.00"})

    def put(row: int, at: int, value: object) -> None:
        value = _plain_value(value)
        match value:
            case None | "":
                return
            case datetime() if value.year >= 1900:
                sheet.write_datetime(row, at, value, moment if (value.hour, value.minute) != (0, 0) else day)
            case date() if value.year >= 1900:
                sheet.write_datetime(row, at, value, day)
            case Decimal() if abs(value) < LARGEST_EXACT_NUMBER:
                sheet.write_number(row, at, value, money)
            case int() | float() if abs(value) < LARGEST_EXACT_NUMBER:
                sheet.write_number(row, at, value)
            case int() | float() | Decimal():
                sheet.write_string(row, at, str(value))
            case _:
                sheet.write_string(row, at, harmless(str(value))[:LONGEST_TEXT])

    return put


def write_copy(rows: Sequence[Sequence[CellValue]], sheet_name: str, header_row: int, reasons: Mapping[int, str],
               at: int) -> bytes:
    """The values of a sheet that cannot be changed in place (.xls, CSV), with the texts of `reasons` in column `at`.

    Rows are counted from 1, `at` from 0; below the header, what stood in that column before is left out.
    """
    target = io.BytesIO()
    with _workbook(target) as book:
        sheet = book.add_worksheet(_sheet_name(sheet_name))
        put, wrong = _cell_writer(book, sheet), book.add_format({"bg_color": "#F8CBAD", "text_wrap": True})
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                if column != at or number < header_row:
                    put(number - 1, column, value)
        for number, reason in reasons.items():
            sheet.write_string(number - 1, at, harmless(reason)[:LONGEST_TEXT], wrong)
        sheet.set_column(at, at, 40)
    return target.getvalue()


def _sheet_name(name: str) -> str:
    return re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", name).strip(" '")[:31].strip(" '") or "Sheet1"


def _shown_width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
