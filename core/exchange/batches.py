"""An import from upload to result: read, planned, decided by a person, written in one transaction or not at all."""
from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.audit.models import Deed
from core.audit.trail import note_deed
from core.declarations import Sheet, SheetRows
from core.errors import ValidationError
from core.exchange.models import BatchState, ImportBatch
from core.exchange.planning import Outcome, PlannedRow, plan_rows
from core.exchange.reader import CellError, ReadResult, read_sheet

FILES_KEPT = timedelta(days=7)
DONE_OUTCOMES = (Outcome.NEW, Outcome.UPDATE)


def read_upload(sheet: Sheet, data: bytes, filename: str) -> ReadResult:
    """The rows of a file; slow, so call it while no write lock is held.

    Raises ValidationError in words for a file that is no such sheet, lacks a needed column or has no rows.
    """
    result = read_sheet(data, filename, sheet.columns)
    if result.missing_required:
        missing = "、".join(str(column.title) for column in result.missing_required)
        raise ValidationError(_("The sheet has no column %(columns)s. Add it, or copy your rows into the template.",
                                columns=missing))
    if not result.rows:
        raise ValidationError(_("There are no rows below the header in row %(row)d.", row=result.header_row))
    return result


def make_batch(
    session: Session, sheet: Sheet, result: ReadResult, data: bytes, filename: str, by: str, at: datetime
) -> ImportBatch:
    """The upload with its preview, not yet in the session (which is only read)."""
    planned, work = plan_rows(session, sheet, result)
    return ImportBatch(
        sheet=sheet.name, filename=plain_filename(filename), state=BatchState.PREVIEW, uploaded_by=by, uploaded_at=at,
        file=data, counts=count_rows(planned, result), plan=_told(planned, result) | {
            "asked": [[p.number, list(p.row.raw.items()), [[c.id, describe(c)] for c in p.candidates]]
                      for p in planned if p.outcome is Outcome.ASKED],
            "updates": [[p.number, _name(p), work.changes(p.row.values, p.record)]
                        for p in planned if p.outcome is Outcome.UPDATE],
        },
    )


def carry_out(
    session: Session, batch: ImportBatch, sheet: Sheet, result: ReadResult, decisions: Mapping[int, str], *,
    all_or_none: bool, at: datetime,
) -> None:
    """Import the rows as they fit the database now, `decisions` answering for the rows in doubt.

    A second decision about the same batch raises StaleDataError at the first flush and changes nothing.
    """
    batch.state, batch.decided_at = BatchState.DONE, at
    session.flush()
    with session.no_autoflush:
        planned, work = plan_rows(session, sheet, result, decisions)
        if not _write(session, planned, work, all_or_none):
            batch.state = BatchState.REFUSED
            _leave_all_out(planned)
    batch.counts, batch.plan = count_rows(planned, result), _told(planned, result)
    note_deed(session, Deed.IMPORTED, ImportBatch.__tablename__, batch.id,
              changes={"sheet": sheet.name, "file": batch.filename, **batch.counts})


def _write(session: Session, planned: Sequence[PlannedRow], work: SheetRows, all_or_none: bool) -> bool:
    """Whether the good rows went in; with `all_or_none` one wrong row keeps all out."""
    if all_or_none and any(p.outcome is Outcome.WRONG for p in planned):
        return False
    everything = session.begin_nested()
    for each in planned:
        if each.outcome in DONE_OUTCOMES and not _apply(each, work) and all_or_none:
            everything.rollback()
            return False
    session.flush()
    everything.commit()
    return True


def _apply(planned: PlannedRow, work: SheetRows) -> bool:
    try:
        work.apply(planned.row.values, planned.record)
    except ValidationError as refused:
        planned.outcome = Outcome.WRONG
        planned.errors.append(CellError(refused.field or "", refused.field or "", "", str(refused)))
        return False
    return True


def _leave_all_out(planned: Iterable[PlannedRow]) -> None:
    for each in planned:
        if each.outcome in DONE_OUTCOMES:
            each.outcome, each.note = Outcome.LEFT_OUT, _("Nothing was imported, because other rows are wrong.")


def discard(batch: ImportBatch, at: datetime) -> None:
    """Drop an upload without importing it; its file goes at once."""
    batch.state, batch.decided_at, batch.file = BatchState.DISCARDED, at, None


def forget_files(session: Session, at: datetime) -> None:
    """Remove files that were given back with their errors, or are a week old; their rows go too, counts stay."""
    fetched = sa.and_(ImportBatch.fetched_at.is_not(None), ImportBatch.state != BatchState.PREVIEW)
    old = ImportBatch.uploaded_at < at - FILES_KEPT
    found = sa.select(ImportBatch).where(sa.or_(fetched, old), ImportBatch.sealed_file.is_not(None))
    for batch in session.scalars(found):
        batch.file = None
        if batch.state is BatchState.PREVIEW:
            batch.state, batch.plan = BatchState.DISCARDED, None


def file_with_reasons(data: bytes, filename: str, plan: Mapping[str, Any]) -> bytes:
    """The user's own file with 错误原因 beside each row that did not go in."""
    from core.exchange.corrections import write_errors  # only for such a file: openpyxl takes 6 MB of every process

    reasons: dict[int, list[str]] = {}
    for row, title, _shown, reason in plan["wrong"]:
        reasons.setdefault(row, []).append(f"{title}: {reason}" if title else reason)
    for row, note in plan["left_out"]:
        reasons.setdefault(row, []).append(note)
    return write_errors(data, filename, plan["header_row"], reasons, plan["sheet_name"])


def count_rows(planned: Sequence[PlannedRow], result: ReadResult) -> dict[str, int]:
    """Rows by outcome; all but `total` add up to `total`, the rows of the file below its header."""
    counts = {outcome.value: sum(p.outcome is outcome for p in planned) for outcome in Outcome}
    return counts | {"skipped": len(result.skipped), "total": len(planned) + len(result.skipped)}


def _told(planned: Sequence[PlannedRow], result: ReadResult) -> dict[str, Any]:
    """What both pages show: every wrong cell, every row that stays out, and which rows go in."""
    return {
        "sheet_name": result.sheet_name, "header_row": result.header_row, "unknown": result.unknown_headers,
        "skipped": [[s.number, s.reason] for s in result.skipped],
        "wrong": [[p.number, e.title, e.shown, e.reason] for p in planned if p.outcome is Outcome.WRONG
                  for e in p.errors],
        "left_out": [[p.number, p.note] for p in planned if p.outcome is Outcome.LEFT_OUT],
        "rows": {outcome.value: [p.number for p in planned if p.outcome is outcome] for outcome in Outcome},
    }


def describe(record: Any) -> str:
    """A record as a person tells it from others of its name."""
    return str(getattr(record, "long_label", record.label))


def _name(planned: PlannedRow) -> str:
    return next(iter(planned.row.raw.values()), "")


def plain_filename(name: str) -> str:
    """The file's own name without folders and without what cannot be seen."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if unicodedata.category(c)[0] != "C").strip()[-120:] or _("Unnamed")


def ranges(numbers: Iterable[int]) -> str:
    """Row numbers in short: 4–98、101."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return "、".join(str(a) if a == b else f"{a}–{b}" for a, b in runs)
