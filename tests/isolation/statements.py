"""Every kind of statement on a model in the session of one community: what it reaches beyond."""
from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from core.areas.tenancy import TenantModel
from tests.isolation.sides import FAR, OTHER, OWN
from tests.isolation.world import World

SELECTS = {
    "select": lambda model: sa.select(model.community_id),
    "entities": lambda model: sa.select(model),
    "alias": lambda model: sa.select(aliased(model).community_id),
    "by id": lambda model: sa.select(model.community_id).where(model.id.in_((OTHER.number, FAR.number))),
    "subquery": lambda model: sa.select(sa.select(model.community_id).subquery()),
    "in": lambda model: sa.select(model.community_id).where(model.id.in_(sa.select(aliased(model).id))),
    "join": lambda model: sa.select(model.community_id).join(other := aliased(model), other.id != model.id),
    "distinct": lambda model: sa.select(sa.func.max(model.community_id)),
    "union": lambda model: sa.union_all(sa.select(model.community_id), sa.select(model.community_id)),
}
CHANGES = {
    "update": lambda model: sa.update(model).where(model.id == OTHER.number).values(row_version=model.row_version + 1),
    "delete": lambda model: sa.delete(model).where(model.id == OTHER.number),
}


def reached_by_statements(world: World, model: type[TenantModel]) -> list[str]:
    """The kinds of statements that reach a row of another community from the session of our own."""
    found = []
    with world.app.app_context():
        for kind, make in SELECTS.items():
            with world.session(OWN) as session:
                found += [kind] if _communities(session, make(model)) - {OWN.number} else []
        with world.session(OWN) as session:
            found += ["get"] if session.get(model, OTHER.number) or session.get(model, FAR.number) else []
        for kind, make in CHANGES.items():
            with world.session(OWN, writes=True) as session:
                found += [kind] if _changes(session, make(model)) else []
    return found


def _communities(session: Session, statement: Any) -> set[int]:
    return {getattr(row, "community_id", row) for row in session.scalars(statement)} - {None}


def _changes(session: Session, statement: Any) -> bool:
    try:
        return bool(session.execute(statement, execution_options={"synchronize_session": False}).rowcount)
    except IntegrityError:  # a record of the neighbours holds it
        return True
    finally:
        session.rollback()
        session.info["writes"] = False  # leaving the session commits nothing
