"""What a read file would do to the database: each row new, an update, to be asked about, or wrong."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from core.declarations import Candidates, Sheet, SheetRows
from core.errors import ValidationError
from core.exchange.reader import CellError, ReadResult, ReadRow
from core.extensions import Choice

NEW_RECORD, LEAVE_OUT = "new", "out"  # decisions about a row; a number is the record to update
MOST_COMPARED = 50  # rows that share a key; a file with more of them is wrong throughout


class Outcome(Choice):
    """What becomes of a row."""

    NEW = "new", _l("New")
    UPDATE = "update", _l("Update")
    ASKED = "asked", _l("To be decided")
    WRONG = "wrong", _l("Wrong")
    LEFT_OUT = "left_out", _l("Left out")


@dataclass
class PlannedRow:
    """A row with what becomes of it; `record` is what it updates, `candidates` what it may mean."""

    row: ReadRow
    outcome: Outcome
    record: Any | None = None
    candidates: list[Any] = field(default_factory=list)
    errors: list[CellError] = field(default_factory=list)
    note: str = ""  # why it is left out

    @property
    def number(self) -> int:
        """Its number in the user's file."""
        return self.row.number


def plan_rows(
    session: Session, sheet: Sheet, result: ReadResult, decisions: Mapping[int, str] | None = None
) -> tuple[list[PlannedRow], SheetRows]:
    """Decide about every row before anything is written, so that no row meets what another has just made.

    `decisions` are a person's answers by row number; without them (a preview) rows in doubt are ASKED.
    """
    work = sheet.rows(session, [r.values for r in result.rows]) if sheet.rows else OneByOne(session, sheet)
    planner = _Planner(sheet, result, work, decisions)
    planned = [planner.plan(row) for row in result.rows]
    _refuse_one_record_twice(planned, sheet)
    return planned, work


class OneByOne:
    """The rows of a simple sheet: each is looked up by itself."""

    def __init__(self, session: Session, sheet: Sheet) -> None:
        self.session, self.sheet = session, sheet

    def find(self, values: dict[str, Any]) -> list[Any]:
        """As the sheet says."""
        return self.sheet.find(self.session, values)

    def check(self, _values: dict[str, Any], _record: Any | None) -> Iterable[ValidationError]:
        """Nothing beyond the columns; `apply` may still refuse."""
        return ()

    def is_new(self, record: Any | None) -> bool:
        """Whether nothing was found."""
        return record is None

    def changes(self, _values: dict[str, Any], _record: Any) -> list[str]:
        """Not told."""
        return []

    def apply(self, values: dict[str, Any], record: Any | None) -> Any:
        """Behind a savepoint, because a simple sheet may refuse half-way."""
        with self.session.begin_nested():
            made = self.sheet.apply(self.session, values, record)
            self.session.flush()
        return made


class _Planner:
    def __init__(
        self, sheet: Sheet, result: ReadResult, work: SheetRows, decisions: Mapping[int, str] | None
    ) -> None:
        self.titles = {column.key: str(column.title) for column in sheet.columns}
        self.work, self.decisions = work, decisions
        self.twice = same_thing_twice(result.rows, sheet.unique_by)

    def plan(self, row: ReadRow) -> PlannedRow:
        if row.errors or row.number in self.twice:
            return self._checked(PlannedRow(row, Outcome.WRONG))
        found = self.work.find(row.values)
        if not found:
            return self._checked(PlannedRow(row, Outcome.NEW))
        if len(found) == 1 and not isinstance(found, Candidates):
            outcome = Outcome.NEW if self.work.is_new(found[0]) else Outcome.UPDATE
            return self._checked(PlannedRow(row, outcome, found[0]))
        return self._decided(PlannedRow(row, Outcome.ASKED, candidates=list(found)))

    def _decided(self, planned: PlannedRow) -> PlannedRow:
        if self.decisions is None:
            return self._checked(planned)
        answer = self.decisions.get(planned.number, LEAVE_OUT)
        chosen = next((record for record in planned.candidates if str(record.id) == answer), None)
        if chosen is not None:
            planned.outcome = Outcome.NEW if self.work.is_new(chosen) else Outcome.UPDATE
            planned.record = chosen
        elif answer == NEW_RECORD:
            planned.outcome = Outcome.NEW
        else:
            planned.outcome, planned.note = Outcome.LEFT_OUT, _("Not decided whom this row means.")
            return planned
        return self._checked(planned)

    def _checked(self, planned: PlannedRow) -> PlannedRow:
        row = planned.row
        planned.errors = [*row.errors]
        if row.number in self.twice:
            planned.errors.append(self._error(row, *self.twice[row.number]))
        told = {error.key for error in planned.errors}
        for refused in self.work.check(row.values, planned.record):
            if refused.field not in told:
                planned.errors.append(self._error(row, refused.field or "", str(refused)))
        if planned.errors:
            planned.outcome = Outcome.WRONG
        return planned

    def _error(self, row: ReadRow, key: str, reason: str) -> CellError:
        return CellError(key, self.titles.get(key, _("Whole row")), row.raw.get(key, ""), reason)


def same_thing_twice(rows: Sequence[ReadRow], keys: Sequence[tuple[str, ...]]) -> dict[int, tuple[str, str]]:
    """Row number → (column, sentence) for rows that mean the same person or thing as another row of the file."""
    found: dict[int, tuple[str, str]] = {}
    for strength, key in enumerate(keys):
        groups: dict[Hashable, list[ReadRow]] = defaultdict(list)
        for row in rows:
            for value in _key_values(row.values, key):
                groups[value].append(row)
        for group in groups.values():
            for row in group if len(group) > 1 else ():
                others = (r for r in group[:MOST_COMPARED] if r is not row)
                other = next((r for r in others if not _differ(row, r, keys[:strength])), None)
                if other is not None:
                    found.setdefault(row.number, (key[-1], _(
                        "Row %(row)d of this file is about the same. Keep one of them.", row=other.number)))
    return found


def _key_values(values: Mapping[str, Any], key: tuple[str, ...]) -> list[Hashable]:
    """The values of a key; several where a column holds a list (each phone counts), none where one is missing."""
    combined: list[tuple[Any, ...]] = [()]
    for name in key:
        value = values.get(name)
        if value in (None, "", []):
            return []
        options = dict.fromkeys(value) if isinstance(value, list) else [value]
        combined = [(*before, option) for before in combined for option in options]
    return combined


def _differ(one: ReadRow, other: ReadRow, keys: Sequence[tuple[str, ...]]) -> bool:
    for key in keys:
        mine, theirs = _key_values(one.values, key), _key_values(other.values, key)
        if mine and theirs and not set(mine) & set(theirs):
            return True
    return False


def _refuse_one_record_twice(planned: Sequence[PlannedRow], sheet: Sheet) -> None:
    """Two rows that mean one stored record by different signs (a number here, a phone there)."""
    rows_of: dict[Any, list[PlannedRow]] = defaultdict(list)
    for each in planned:
        if each.record is not None and each.outcome in (Outcome.NEW, Outcome.UPDATE):
            rows_of[each.record].append(each)
    title = str(sheet.columns[0].title)
    for group in rows_of.values():
        for each in group if len(group) > 1 else ():
            other = next(o for o in group if o is not each)
            each.outcome = Outcome.WRONG
            each.errors.append(CellError(
                sheet.columns[0].key, title, each.row.raw.get(sheet.columns[0].key, ""),
                _("Row %(row)d of this file is about the same. Keep one of them.", row=other.number),
            ))
