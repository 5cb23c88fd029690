"""A file as plain rows of cells, whatever its kind: .xlsx, .xls, .ods or text (comma or tab)."""
from __future__ import annotations

import csv
import io
import pickle
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from subprocess import DEVNULL, PIPE, Popen
from threading import Timer
from typing import IO, Any

from flask_babel import gettext as _

from core.errors import ValidationError
from core.exchange import workbook_process
from core.exchange.cells import CellValue, is_blank
from core.exchange.limits import COMPOUND, MAX_COLUMNS, MAX_ROWS, ZIP, checked, needs_password, not_a_sheet, too_large

LONGEST_READING = 60  # seconds
TITLE_ROWS = 50  # rows that may stand above and in the header, beside MAX_ROWS


@dataclass(frozen=True)
class Grid:
    """The cells of one visible sheet up to its last filled row; `rows[0]` is row 1 of the file.

    `merged` holds the rows (1-based) in which cells are merged across columns.
    """

    sheet_name: str
    rows: list[list[CellValue]]
    merged: frozenset[int] = field(default=frozenset())

    @property
    def width(self) -> int:
        """How many columns are used, counted from column A."""
        return max(map(len, self.rows), default=0)


def read_grids(data: bytes, filename: str) -> Iterator[Grid]:
    """The visible sheets in their order, each read when it is asked for.

    Raises ValidationError in words for a file that is too large, damaged, protected or no sheet.
    """
    safe = checked(data)
    if safe.startswith((ZIP, COMPOUND)):
        yield from _workbook_grids(safe)
    else:
        yield Grid(filename.rpartition("/")[2], _filled_rows(_text_rows(_decoded(safe))))


def _workbook_grids(data: bytes) -> Iterator[Grid]:
    """Sheets as `workbook_process` sends them; a process that ends early has met a damaged file."""
    with Popen([sys.executable, "-I", workbook_process.__file__], stdin=PIPE, stdout=PIPE, stderr=DEVNULL) as process:
        alarm = Timer(LONGEST_READING, process.kill)
        alarm.start()
        try:
            with suppress(BrokenPipeError), process.stdin as sink:
                sink.write(data)
            while (sent := _next_sent(process.stdout)) != workbook_process.END:
                name, merged, rows = sent
                yield Grid(name, _filled_rows(iter(rows)), merged)
        finally:
            alarm.cancel()
            process.kill()


def _next_sent(source: IO[bytes]) -> Any:
    try:
        sent = pickle.load(source)
    except (EOFError, pickle.UnpicklingError) as fault:
        raise not_a_sheet() from fault
    if sent == workbook_process.PASSWORD:
        raise needs_password()
    return sent


def _filled_rows(source: Iterator[list[CellValue]]) -> list[list[CellValue]]:
    """All rows up to the last one with content, without the blank cells at their ends."""
    rows: list[list[CellValue]] = []
    blank = 0
    for row in source:
        while row and is_blank(row[-1]):
            row.pop()
        if not row:
            blank += 1
            continue
        rows += ([] for _row in range(blank))
        rows.append(row)
        blank = 0
        if len(rows) > MAX_ROWS + TITLE_ROWS or len(row) > MAX_COLUMNS:
            raise too_large()
    return rows


def _decoded(data: bytes) -> str:
    """Text in UTF-8 (with or without mark), UTF-16 with mark (Excel's "Unicode text") or GB18030."""
    if not data.strip():
        raise ValidationError(_("The file is empty."))
    encodings = ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        # Pictures, PDF files and the like; and pages that some systems call .xls.
        if not any(c in text for c in "\0\1\2\3\4\5\6\7\x08") and not text.lstrip().startswith(("<", "%PDF")):
            return text
    raise not_a_sheet()


def _text_rows(text: str) -> Iterator[list[CellValue]]:
    start = "\n".join(text.splitlines()[:20])
    delimiter = max(",\t;", key=start.count)
    # Strict: a quotation mark that is never closed would swallow the rest of the file as one cell.
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from lines
    except csv.Error:
        raise ValidationError(_("The text near line %(line)d cannot be read: a quotation mark is not closed or a cell "
                                "is too long. Save the file as .xlsx and upload that.",
                                line=lines.line_num)) from None
