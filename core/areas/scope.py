"""The scope of a database session: the communities whose rows it may touch (docs/tenancy.md).

Every session has at most one scope, for its whole life. A statement that names a tenant table in a
session without a scope is refused, never answered with everything.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, attributes, with_loader_criteria
from sqlalchemy.orm.util import LoaderCriteriaOption

from core.areas.models import Area, AreaKind, PluginSwitch
from core.areas.statements import named_tenant_tables
from core.areas.tenancy import TenantModel
from core.errors import ScopeError
from core.extensions import ScopedSession, db

WHOLE_PATH = re.compile(r"/(?:[0-9]+/)*")
WORD = re.compile(r"[a-z0-9_]+")
SCOPES_KEPT = 1_000
COMMUNITIES_BELOW = (  # the server makes the list and keeps it: 2,000 numbers need not travel for every transaction
    "DO $$ BEGIN EXECUTE format('SET LOCAL app.scope = %%L', (SELECT COALESCE(string_agg(id::text, ','), '') FROM area "
    "WHERE starts_with(path, '{path}') AND kind = 'community'{on})); END $$"
)
ON = " AND id IN (SELECT community_id FROM plugin_switch WHERE plugin = '{plugin}' AND off_on IS NULL)"


@dataclass(frozen=True)
class Scope:
    """One community (`community_id`), or every community below `path` (read only).

    `plugin` narrows an area to the communities where that plugin is on: switched off is hidden.
    """

    path: str
    community_id: int | None = None
    plugin: str | None = None

    def criteria(self) -> LoaderCriteriaOption:
        """The WHERE that every statement on tenant tables gets in this scope, whatever it joins.

        SQLAlchemy keeps the SQL of these lambdas and binds only the plain values in their closures anew: a whole
        subquery in a closure would be the one of the first scope for ever after.
        """
        if self.community_id is not None:
            community_id = self.community_id
            return with_loader_criteria(
                TenantModel, lambda cls: cls.community_id == community_id, include_aliases=True
            )
        below = f"{self.path}%"
        if self.plugin is None:
            return with_loader_criteria(
                TenantModel, lambda cls: cls.community_id.in_(
                    sa.select(Area.id).where(Area.path.like(below), Area.kind == AreaKind.COMMUNITY)
                ), include_aliases=True,
            )
        plugin = self.plugin
        return with_loader_criteria(
            TenantModel, lambda cls: cls.community_id.in_(
                sa.select(Area.id).join(PluginSwitch, PluginSwitch.community_id == Area.id).where(
                    Area.path.like(below), Area.kind == AreaKind.COMMUNITY, PluginSwitch.plugin == plugin,
                    PluginSwitch.off_on.is_(None),
                )
            ), include_aliases=True,
        )

    def setting(self) -> str:
        """The same for row-level security: what the transaction begins with (docs/decisions/row-level-security.md)."""
        if self.community_id is not None:
            return f"SET LOCAL app.scope = '{int(self.community_id)}'"
        if not WHOLE_PATH.fullmatch(self.path) or not (self.plugin is None or WORD.fullmatch(self.plugin)):
            raise ScopeError("not a path of an area, or not a plugin's name")
        return COMMUNITIES_BELOW.format(path=self.path, on="" if self.plugin is None else ON.format(plugin=self.plugin))

    def holds_for(self, model: type[TenantModel]) -> sa.ColumnElement[bool]:
        """The same as a plain condition on one model."""
        if self.community_id is not None:
            return model.community_id == self.community_id
        return model.community_id.in_(
            sa.select(Area.id).where(Area.path.like(f"{self.path}%"), Area.kind == AreaKind.COMMUNITY)
        )


criteria_of = lru_cache(maxsize=SCOPES_KEPT)(Scope.criteria)  # by value; making one looks through its lambda each time
EVERYWHERE = Scope("/")  # every community, to read; who opens a session with it says why


def scope_of(area: Area, plugin: str | None = None) -> Scope:
    """The scope of an area's pages: the community itself, or all communities below."""
    if area.is_community:
        return Scope(area.path, area.id)
    return Scope(area.path, plugin=plugin)


def set_scope(session: Session, scope: Scope) -> None:
    """Give a session its scope. Raises ScopeError if it has another one: it would mix communities."""
    if session.info.setdefault("scope", scope) != scope:
        raise ScopeError("a session keeps its scope for life")
    session.info["scope_setting"] = scope.setting()


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


@event.listens_for(ScopedSession, "do_orm_execute")
def _limit_to_scope(state: ORMExecuteState) -> None:
    if state.execution_options.get("unscoped_ok"):
        return
    made_by_orm = state.is_column_load or state.is_relationship_load
    if not (set(tables_of_mappers(state)) if made_by_orm else named_tenant_tables(state.statement)):
        return
    scope = state.session.info.get("scope")
    if scope is None:
        raise ScopeError("this session has no scope")
    if not state.is_orm_statement or state.is_insert or isinstance(state.parameters, list):
        raise ScopeError("only ORM statements can be limited to a community")
    if state.is_update or state.is_delete:
        _check_bulk(state, scope)
    if state.is_column_load:  # a refresh: it takes no criteria
        state.statement = state.statement.where(*(scope.holds_for(m.class_) for m in state.all_mappers))
    elif not (state.is_relationship_load and _carries_criteria(state)):
        state.statement = state.statement.options(criteria_of(scope))


def tables_of_mappers(state: ORMExecuteState) -> Iterator[sa.Table]:
    """The tenant tables that a statement of the ORM's own (a relation, a refresh) reads."""
    return (m.local_table for m in state.all_mappers if m.local_table.info.get("tenant"))


def _check_bulk(state: ORMExecuteState, scope: Scope) -> None:
    if scope.community_id is None:
        raise ScopeError("an area is read only")
    changed = {*(getattr(state.statement, "_values", None) or {}), *(state.parameters or {})}
    if any(getattr(column, "key", column) == "community_id" for column in changed):
        raise ScopeError("rows do not move to another community")


def _carries_criteria(state: ORMExecuteState) -> bool:
    return any(
        isinstance(option, LoaderCriteriaOption) and option.root_entity is TenantModel
        for option in state.user_defined_options
    )


@event.listens_for(ScopedSession, "before_flush")
def _check_rows(session: Session, _context: object, _instances: object) -> None:
    scope = session.info.get("scope")
    for row in session.new | session.dirty | session.deleted:
        if isinstance(row, TenantModel):
            if scope is not None and sa.inspect(row).pending and row.community_id is None:
                row.community_id = scope.community_id
            _check_row(row, scope)


def _check_row(row: TenantModel, scope: Scope | None) -> None:
    if scope is None or scope.community_id is None:
        raise ScopeError("rows are written in the session of one community")
    history = attributes.get_history(row, "community_id")
    touched = {*history.added, *history.deleted, *history.unchanged} - {None}
    if touched != {scope.community_id}:
        raise ScopeError("a row of another community")
