"""Read a workbook in a process of its own: run as a script by `grids`, the file on stdin, sheets on stdout.

Damaged .xls files can make the sheet library end its whole process (a failed allocation in Rust is no exception);
here that ends nothing but this one. Imports nothing of Jinlin, so that it starts in a tenth of a second.
"""
from __future__ import annotations

import io
import pickle
import sys
from typing import BinaryIO

from python_calamine import CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

MOST_MEMORY = 2 * 1024**3  # bytes

PASSWORD, END = "password", "end"


def main() -> None:
    _limit_memory()
    target = sys.stdout.buffer
    try:
        _send_sheets(sys.stdin.buffer.read(), target)
        pickle.dump(END, target)
    except PasswordError:
        pickle.dump(PASSWORD, target)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


def _send_sheets(data: bytes, target: BinaryIO) -> None:
    """(name, rows merged across columns, rows of cells) of each visible sheet."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    for number, about in enumerate(book.sheets_metadata):
        if about.visible == SheetVisibleEnum.Visible and about.typ == SheetTypeEnum.WorkSheet:
            sheet = book.get_sheet_by_index(number)
            pickle.dump((sheet.name, _merged(sheet), _rows(sheet)), target)
            target.flush()


def _merged(sheet: CalamineSheet) -> frozenset[int]:
    return frozenset(first[0] + 1 for first, last in sheet.merged_cell_ranges or () if last[1] > first[1])


def _rows(sheet: CalamineSheet) -> list[list[object]]:
    # iter_rows() begins in row 1, but in the first filled column.
    left = [None] * (sheet.start[1] if sheet.start else 0)
    rows = [[*left, *row] for row in sheet.iter_rows()]
    for row in rows:
        while row and row[-1] in ("", None):
            row.pop()
    return rows


if __name__ == "__main__":
    main()
