"""Which tenant tables a statement names, and the refusal of statements whose rows could not be limited.

`with_loader_criteria` reaches ORM entities only: a piece of text, a Core table or a statement within
`from_statement` would be read whole, without any error.
"""
from __future__ import annotations

import re
from collections.abc import Hashable, Iterator

import sqlalchemy as sa
from sqlalchemy.orm.context import FromStatement
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import ClauseElement, ColumnClause
from sqlalchemy.sql.selectable import AliasedReturnsRows, SelectBase, TableClause

from core.errors import ScopeError
from core.extensions import db

MADE_BY_ORM = {"parententity", "local"}  # an attribute of a model; the near side of its relation in .has()
PLAIN_LITERAL = re.compile(r"[*\w]*", re.ASCII)
MOST_KEPT = 1_000
_passed: dict[tuple[Hashable, frozenset[str]], frozenset[str]] = {}  # what was asked → its tenant tables


def named_tenant_tables(statement: sa.Executable) -> frozenset[str]:
    """The names of the tenant tables in a statement, subqueries included.

    Raises ScopeError where one is named in a way that the scope cannot limit. A statement that passed is known again
    by the key under which SQLAlchemy keeps its SQL: tables, text and what the ORM made of them are all in it, values
    are not. What was refused is looked at anew each time, and so is what has no key.
    """
    key = statement._generate_cache_key()
    if key is None:
        return _walk(statement)
    question = (key.key, tenant_tables())
    found = _passed.get(question)
    if found is None:
        found = _walk(statement)
        if len(_passed) >= MOST_KEPT:
            _passed.clear()
        _passed[question] = found
    return found


def tenant_tables() -> frozenset[str]:
    """The names of all tenant tables; plugins bring theirs, and take them away when they are left out."""
    return frozenset(name for name, table in db.metadata.tables.items() if table.info.get("tenant"))


def _walk(statement: sa.Executable) -> frozenset[str]:
    found: set[str] = set()
    for part in _selects(statement):
        orm: set[object] = set()
        core: dict[object, str] = {}
        for element in _elements(part):
            _refuse_text(element)
            for source, name in _sources(element):
                found.add(name)
                if element._annotations.keys() & MADE_BY_ORM:
                    orm.add(source)
                else:
                    core[source] = name
        unlimited = {name for source, name in core.items() if source not in orm}
        if unlimited:
            raise ScopeError(f"only ORM entities can be limited to a community, not {sorted(unlimited)}")
    if found and isinstance(statement, FromStatement):
        raise ScopeError("from_statement cannot be limited to a community")
    return frozenset(found)


def _selects(statement: sa.Executable) -> Iterator[ClauseElement]:
    """The statement and every SELECT in it: each has its own FROM."""
    yield statement
    for element in visitors.iterate(statement):
        if isinstance(element, SelectBase) and element is not statement:
            yield element


def _elements(part: ClauseElement) -> Iterator[ClauseElement]:
    """What belongs to this SELECT itself; an alias of a table counts once, as the alias."""
    waiting = [part]
    while waiting:
        element = waiting.pop()
        yield element
        if not isinstance(element, AliasedReturnsRows):
            waiting += [child for child in element.get_children() if not isinstance(child, SelectBase)]


def _sources(element: ClauseElement) -> Iterator[tuple[object, str]]:
    """(table or alias, name of the tenant table) that an element reads from."""
    source = element if isinstance(element, TableClause | AliasedReturnsRows) else getattr(element, "table", None)
    name = _tenant_name(source)
    if name is not None:
        yield source, name


def _tenant_name(source: object) -> str | None:
    while isinstance(source, AliasedReturnsRows):
        source = source.element
    if not isinstance(source, TableClause):
        return None
    known = db.metadata.tables.get(source.name)
    return source.name if known is not None and known.info.get("tenant") else None


def _refuse_text(element: ClauseElement) -> None:
    if isinstance(element, sa.TextClause):
        raise ScopeError("text() cannot be limited to a community")
    if isinstance(element, ColumnClause) and element.is_literal and not PLAIN_LITERAL.fullmatch(element.name):
        raise ScopeError("literal_column() cannot be limited to a community")
