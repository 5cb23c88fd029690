"""Find the header in an office's own file and read the rows below it.

Titles above, unknown columns, any order, blank rows, totals and signature lines are expected. Every row below the
header is either read or listed as skipped with its reason, so that the counts add up to the file's rows.
"""
from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from flask_babel import gettext as _

from core.errors import ValidationError
from core.exchange.cells import CellValue, SheetColumn, is_blank, is_masked, mask_text, show_cell
from core.exchange.grids import TITLE_ROWS, Grid, read_grids
from core.exchange.limits import MAX_ROWS, too_large

SkipReason = Literal["blank", "total", "signature", "title", "note"]

# The column that `writer.write_errors` adds, in every language it was ever written in.
REASON_HEADERS = frozenset(("错误原因", "reasonforerror"))

BRACKETS = re.compile(r"[(\[【〔{](.*?)[)\]】〕}]")
# "电话(监护人)" is somebody else's telephone number, "电话(手机)" is not.
ANOTHER_PERSON = re.compile("监护|家属|家长|配偶|子女|儿|女儿|父|母|户主|紧急|联系人|负责人")
TOTAL = re.compile(r"(本页|本月|全部|人数|金额)?(合计|总计|小计|共计|累计)([:(共\d].{0,30})?")
SIGNATURE = re.compile(
    r"(制表|填表|填报|审核|审批|审定|经办|负责|复核|统计|主管|登记|报送|上报|联系|单位|社区|领导|分管)"
    r"(人|员|者|单位|部门|日期|时间|领导|电话|负责人|签字|签名|签章|盖章|\([^)]*\)){0,3}:"
)
NOTE = re.compile(r"(注|备注|说明|填表说明|填写说明|填报说明|注意|注意事项|提示|温馨提示)\d?:|※")
SERIAL_NUMBER = re.compile(r"[\d.]+")
SECTION = re.compile(r"[一二三四五六七八九十]+、|第.{1,4}(网格|小区|组|部分)")


@dataclass(frozen=True)
class CellError:
    """Why one cell is refused; `shown` is the value, masked where the column is private."""

    key: str
    title: str
    shown: str
    reason: str


@dataclass(frozen=True)
class ReadRow:
    """One record of the file. An empty cell has no key in `values`: it never wipes what is stored.

    `number` is the row number in the user's file; `raw` is what a preview may show.
    """

    number: int
    values: dict[str, object] = field(default_factory=dict)
    raw: dict[str, str] = field(default_factory=dict)
    errors: list[CellError] = field(default_factory=list)


@dataclass(frozen=True)
class SkippedRow:
    number: int
    reason: SkipReason


@dataclass(frozen=True)
class ReadResult:
    """One sheet as read. `header_row` is 1-based; rows 1 … header_row + rows + skipped is the whole file."""

    sheet_name: str
    header_row: int
    matched: dict[str, int]
    unknown_headers: list[str]
    missing_required: list[SheetColumn]
    rows: list[ReadRow]
    skipped: list[SkippedRow]


def plain_header(text: str) -> str:
    """A header without what varies: blanks, line breaks, full width, stars, colons ("姓 名*" → "姓名")."""
    return re.sub(r"[\s*※★●:：、]", "", unicodedata.normalize("NFKC", show_cell(text))).casefold()


def read_sheet(data: bytes, filename: str, columns: Sequence[SheetColumn]) -> ReadResult:
    """Read the first visible sheet with a recognisable header.

    Raises ValidationError in words when there is none, when two columns have the same header, or when the file is
    too large, damaged, protected or no sheet. Wrong cells are no exception: they are listed in their rows.
    """
    for grid in read_grids(data, filename):
        if header := _find_header(grid, columns):
            return _read_below(grid, header, columns)
    raise ValidationError(_("No header row was found. Expected headers like: %(headers)s. "
                            "Download the template and copy your rows into it.",
                            headers="、".join(str(column.title) for column in columns)))


@dataclass(frozen=True)
class _Header:
    row: int  # 1-based; of a header in two rows, the lower one
    matched: dict[str, int]
    unknown: list[str]
    words: frozenset[tuple[int, str]]  # column index and text of each header cell


def _match(cells: Sequence[CellValue], columns: Sequence[SheetColumn]) -> dict[int, str]:
    """Column index → key of each recognised header; exact ones go before those recognised without brackets."""
    names = {plain_header(name): column.key for column in columns for name in (str(column.title), *column.aliases)}
    headers = {at: plain_header(cell) for at, cell in enumerate(cells) if isinstance(cell, str) and not is_blank(cell)}
    found = {at: names[header] for at, header in headers.items() if header in names}
    exact = set(found.values())
    for at, header in headers.items():
        key = names.get(BRACKETS.sub("", header))
        if at not in found and key and key not in exact and not _of_another(header, key, names):
            found[at] = key
    return found


def _of_another(header: str, key: str, names: dict[str, str]) -> bool:
    inside = "".join(BRACKETS.findall(header))
    return names.get(inside, key) != key or bool(ANOTHER_PERSON.search(inside))


def _find_header(grid: Grid, columns: Sequence[SheetColumn]) -> _Header | None:
    """The row with the most known headers, joined with the other row of a header in two rows."""
    found = [_match(row, columns) for row in grid.rows[:TITLE_ROWS]]
    scores = [len(set(match.values())) for match in found]
    if not scores or max(scores) < min(2, len(columns)):
        return None
    best = scores.index(max(scores))
    match, last = dict(found[best]), best
    for other in (best - 1, best + 1):
        more = _second_half(grid, found, best, other)
        match |= more
        last = max(last, other) if more else last
    _refuse_twice(match, columns)
    _refuse_long(grid, last)
    words = [(at, show_cell(cell)) for at, cell in enumerate(grid.rows[best]) if not is_blank(cell)]
    unknown = [word for at, word in words if at not in match and plain_header(word) not in REASON_HEADERS]
    return _Header(last + 1, {key: at for at, key in match.items()}, unknown, frozenset(words))


def _second_half(grid: Grid, found: list[dict[int, str]], best: int, other: int) -> dict[int, str]:
    """Headers in the row beside the best one, if that row is the other half of merged header cells."""
    if not 0 <= other < len(found):
        return {}
    more = {at: key for at, key in found[other].items() if at not in found[best]}
    more = {at: key for at, key in more.items() if key not in found[best].values()}
    filled = [at for at, cell in enumerate(grid.rows[other]) if not is_blank(cell)]
    below_known = other > best and any(at in found[best] for at in filled)
    return {} if below_known else more


def _refuse_twice(match: dict[int, str], columns: Sequence[SheetColumn]) -> None:
    twice = [key for key, times in Counter(match.values()).items() if times > 1]
    for column in columns:
        if column.key in twice:
            raise ValidationError(_("Several columns have the header %(title)s. Keep one, or rename the others.",
                                    title=str(column.title)), column.key)


def _refuse_long(grid: Grid, header: int) -> None:
    if len(grid.rows) - header - 1 > MAX_ROWS:
        raise too_large()


def _read_below(grid: Grid, header: _Header, columns: Sequence[SheetColumn]) -> ReadResult:
    result = ReadResult(grid.sheet_name, header.row, header.matched, header.unknown,
                        [c for c in columns if c.required and c.key not in header.matched], [], [])
    present = [(column, header.matched[column.key]) for column in columns if column.key in header.matched]
    for number, cells in enumerate(grid.rows[header.row:], header.row + 1):
        if reason := _skip_reason(cells, header, number in grid.merged):
            result.skipped.append(SkippedRow(number, reason))
        else:
            result.rows.append(_read_row(number, cells, present))
    return result


def _skip_reason(cells: Sequence[CellValue], header: _Header, merged: bool) -> SkipReason | None:
    filled = {at: show_cell(cell) for at, cell in enumerate(cells) if not is_blank(cell)}
    known = [at for at in header.matched.values() if at in filled]
    word = next((text for text in filled.values() if not SERIAL_NUMBER.fullmatch(text)), "")
    word = re.sub(r"\s", "", unicodedata.normalize("NFKC", word))
    if not word and not known:
        return "blank"  # at most a serial number, written in advance
    if TOTAL.fullmatch(word):
        return "total"
    if SIGNATURE.match(word):
        return "signature"
    if NOTE.match(word):
        return "note"
    if len(filled) == 1 and word and (merged or SECTION.match(word)):
        return "title"
    if len(header.words & filled.items()) >= min(2, len(header.words)):
        return "title"  # the header again, at the top of a printed page
    return None if known else "note"


def _read_row(number: int, cells: Sequence[CellValue], present: Sequence[tuple[SheetColumn, int]]) -> ReadRow:
    row = ReadRow(number)
    for column, at in present:
        cell = cells[at] if at < len(cells) else None
        if is_blank(cell):
            if column.required:
                row.errors.append(CellError(column.key, str(column.title), "", _("Please fill in this cell.")))
            continue
        shown = show_cell(cell)
        row.raw[column.key] = mask_text(shown) if column.private else shown
        try:
            row.values[column.key] = _parsed(cell, shown, column)
        except ValidationError as refused:
            row.errors.append(CellError(column.key, str(column.title), row.raw[column.key], str(refused)))
    return row


def _parsed(cell: CellValue, shown: str, column: SheetColumn) -> object:
    if is_masked(shown, column.private):
        raise ValidationError(_("Part of this value is hidden by stars. Enter the whole value, or leave the cell empty "
                                "to keep what is stored."), column.key)
    return column.parse(cell)
