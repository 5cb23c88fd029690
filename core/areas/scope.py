"""The scope of a database session: the communities whose rows it may touch (docs/tenancy.md).

Every session has at most one scope, for its whole life. A statement that names a tenant table in a
session without a scope is refused, never answered with everything.
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, attributes, with_loader_criteria
from sqlalchemy.sql import visitors

from core.areas.models import Area, PluginSwitch
from core.areas.tenancy import TenantModel
from core.errors import ScopeError
from core.extensions import ScopedSession, db


@dataclass(frozen=True)
class Scope:
    """One community (`community_id`), or every community below `path` (read only).

    `plugin` narrows an area to the communities where that plugin is on: switched off is hidden.
    """

    path: str
    community_id: int | None = None
    plugin: str | None = None

    def criteria(self) -> object:
        """The WHERE that every statement on tenant tables gets in this scope."""
        if self.community_id is not None:
            community_id = self.community_id
            return with_loader_criteria(
                TenantModel, lambda cls: cls.community_id == community_id, include_aliases=True
            )
        ids = self.communities()
        return with_loader_criteria(
            TenantModel, lambda cls: cls.community_id.in_(ids), include_aliases=True, track_closure_variables=False
        )

    def communities(self) -> sa.Select[tuple[int]]:
        """The ids of the communities in scope, as a subquery (a long list of ids would cost time)."""
        ids = sa.select(Area.id).where(Area.path.startswith(self.path, autoescape=True), Area.is_community)
        if self.plugin:
            on = sa.select(PluginSwitch.community_id).where(
                PluginSwitch.plugin == self.plugin, PluginSwitch.off_on.is_(None)
            )
            ids = ids.where(Area.id.in_(on))
        return ids


EVERYTHING = Scope("/")


def scope_of(area: Area, plugin: str | None = None) -> Scope:
    """The scope of an area's pages: the community itself, or all communities below."""
    if area.is_community:
        return Scope(area.path, area.id)
    return Scope(area.path, plugin=plugin)


def set_scope(session: Session, scope: Scope) -> None:
    """Give a session its scope. Raises ScopeError if it has another one: it would mix communities."""
    if session.info.setdefault("scope", scope) != scope:
        raise ScopeError("a session keeps its scope for life")


@contextmanager
def session_for(
    scope: Scope | None, reason: str, *, writes: bool = False, waits: bool = True, actor: str = "system"
) -> Iterator[Session]:
    """A session of its own beside the request's, for the `reason` given; commits if it writes.

    In a writing request it may only read: on SQLite a second writer would wait for its own lock.
    """
    session = ScopedSession(db, info={"writes": writes, "waits": waits, "reason": reason, "actor": actor})
    if scope is not None:
        set_scope(session, scope)
    with session:
        yield session
        if writes:
            session.commit()


def tenant_tables(statement: sa.Executable) -> set[sa.Table]:
    """The tenant tables that a statement names anywhere, subqueries included."""
    found = set()
    for element in visitors.iterate(statement):
        table = element if isinstance(element, sa.Table) else getattr(element, "table", None)
        if isinstance(table, sa.Table) and table.info.get("tenant"):
            found.add(table)
    return found


@event.listens_for(ScopedSession, "do_orm_execute")
def _limit_to_scope(state: ORMExecuteState) -> None:
    if state.execution_options.get("unscoped_ok") or state.is_column_load:
        return
    if isinstance(state.statement, sa.TextClause):
        raise ScopeError("text() cannot be limited to a community")
    if not tenant_tables(state.statement):
        return
    scope = state.session.info.get("scope")
    if scope is None:
        raise ScopeError("this session has no scope")
    if not state.is_orm_statement or state.is_insert or isinstance(state.parameters, list):
        raise ScopeError("only ORM statements can be limited to a community")
    if state.is_relationship_load and _carries_criteria(state):
        return
    state.statement = state.statement.options(scope.criteria())


def _carries_criteria(state: ORMExecuteState) -> bool:
    return any(isinstance(o, type(EVERYTHING.criteria())) for o in state.user_defined_options)


@event.listens_for(ScopedSession, "before_flush")
def _check_rows(session: Session, _context: object, _instances: object) -> None:
    scope = session.info.get("scope")
    for row in session.new | session.dirty | session.deleted:
        if isinstance(row, TenantModel):
            _check_row(session, row, scope)


def _check_row(session: Session, row: TenantModel, scope: Scope | None) -> None:
    if scope is None or scope.community_id is None:
        raise ScopeError("rows are written in the session of one community")
    if row in session.new and row.community_id is None:
        row.community_id = scope.community_id
    history = attributes.get_history(row, "community_id")
    touched = {*history.added, *history.deleted, *history.unchanged} - {None}
    if touched != {scope.community_id}:
        raise ScopeError("a row of another community")
