"""By which pieces a name is found: kept in the transaction that writes the name (a trigram finds no two characters)."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import get_history

from core.extensions import ScopedSession
from core.residents.models import NamePart, Resident
from core.residents.pinyin import syllables_of

LONGEST_PART = 40  # characters; a longer piece is found by its beginning


def parts_of(name: str) -> set[str]:
    """Every end of the name and of its readings: 王桂兰, 桂兰, 兰, wangguilan, guilan, lan, wgl, gl, l.

    What is searched for is the beginning of one of them, so any piece of a name is found, however short.
    """
    whole = [name, *(name[n:] for n in range(1, len(name)))]
    for reading in syllables_of(name):
        whole += ["".join(reading[n:]) for n in range(len(reading))]
        whole += ["".join(syllable[0] for syllable in reading[n:]) for n in range(len(reading))]
    return {part[:LONGEST_PART] for part in whole if part.strip(" ·")}


def rows_of_parts(residents: Iterable[tuple[int, int, str]]) -> list[dict[str, Any]]:
    """The rows for (community, resident, name)."""
    return [{"community_id": community_id, "resident_id": resident_id, "part": part, "row_version": 1}
            for community_id, resident_id, name in residents for part in sorted(parts_of(name))]


@event.listens_for(ScopedSession, "after_flush")
def _keep(session: Session, _context: object) -> None:
    """Through the connection, as the audit trail is: ids are known now and no second flush is needed."""
    new = [row for row in session.new if isinstance(row, Resident)]
    renamed = [row for row in session.dirty if isinstance(row, Resident) and get_history(row, "name").has_changes()]
    table = NamePart.__table__
    if renamed:
        session.connection().execute(table.delete().where(
            table.c.community_id == renamed[0].community_id, table.c.resident_id.in_([row.id for row in renamed])))
    if rows := rows_of_parts((row.community_id, row.id, row.name) for row in (*new, *renamed)):
        session.connection().execute(table.insert(), rows)
