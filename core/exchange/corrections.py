"""The user's own file back, with the reasons for its wrong rows in an added last column (错误原因)."""
from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from zipfile import BadZipFile

from flask_babel import gettext as _
from openpyxl import load_workbook
from openpyxl.cell import MergedCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from core.exchange.cells import show_cell
from core.exchange.grids import Grid, read_grids
from core.exchange.limits import COMPOUND, ZIP, not_a_sheet
from core.exchange.reader import REASON_HEADERS, plain_header
from core.exchange.writer import LONGEST_TEXT, harmless, write_copy

LIGHT_RED = PatternFill("solid", fgColor="F8CBAD")
# What openpyxl raises on files that Excel and WPS open: unknown styles, odd dates, missing parts.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, IndexError, SyntaxError, BadZipFile, OSError)


def write_errors(original: bytes, filename: str, header_row: int, errors: Mapping[int, Sequence[str]],
                 sheet_name: str | None = None) -> bytes:
    """An .xlsx of the user's file, formatting kept where it is an .xlsx, with each row's reasons beside it.

    `errors` maps row numbers of the file to sentences. `sheet_name` is the sheet that was read (the first visible
    one if None). An earlier column of reasons is emptied and used again.
    """
    grid = _grid(original, filename, sheet_name)
    at = _reason_column(grid, header_row)
    reasons = {row: "; ".join(sentences) for row, sentences in errors.items() if sentences}
    if original.startswith(ZIP):
        try:
            return _in_place(original, grid, header_row, at, reasons)
        except UNREADABLE:
            pass  # the values are what matters: hand back a copy without formatting
    return write_copy(grid.rows, grid.sheet_name, header_row, {header_row: _("Reason for error")} | reasons, at)


def _grid(original: bytes, filename: str, sheet_name: str | None) -> Grid:
    workbook = original.startswith((ZIP, COMPOUND))  # a text is one sheet, called as its file was when it was read
    for grid in read_grids(original, filename):
        if not workbook or sheet_name in (None, grid.sheet_name):
            return grid
    raise not_a_sheet()


def _reason_column(grid: Grid, header_row: int) -> int:
    headers = grid.rows[header_row - 1] if header_row <= len(grid.rows) else []
    for at, cell in enumerate(headers):
        if plain_header(show_cell(cell)) in REASON_HEADERS:
            return at
    return grid.width


def _in_place(original: bytes, grid: Grid, header_row: int, at: int, reasons: Mapping[int, str]) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # parts that openpyxl does not keep (slicers and the like) are not ours
        book = load_workbook(io.BytesIO(original))
    sheet = book[grid.sheet_name]
    for number in range(header_row + 1, len(grid.rows) + 1):
        _put_reason(sheet, number, at + 1, reasons.get(number))
    header = sheet.cell(header_row, at + 1)
    if not isinstance(header, MergedCell):
        header.value, header.font = _("Reason for error"), Font(bold=True, color="C00000")
    sheet.column_dimensions[get_column_letter(at + 1)].width = 40
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _put_reason(sheet: Worksheet, row: int, column: int, reason: str | None) -> None:
    cell = sheet.cell(row, column)
    if isinstance(cell, MergedCell):
        return
    if reason is None:
        cell.value, cell.fill = None, PatternFill()
        return
    cell.value = harmless(reason)[:LONGEST_TEXT]
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    cell.fill = LIGHT_RED
