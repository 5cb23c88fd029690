"""Subsidy rules, residents and meals for the tests of subsidies."""
from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from core.api import LifeState, Resident, ResidentTag, TagKind, set_name
from plugins.canteen.models import AidForm, Diner, RuleKind, RuleTag, SubsidyRule
from plugins.canteen.services import kinds_of

SHARES = ("city", "district", "street", "community", "donor")
START = date(2026, 1, 1)


def rule(number: int = 1, *, tags: tuple[int, ...] = (), kinds: tuple[int, ...] = (), **values: Any) -> SubsidyRule:
    """A rule that is in no database; who pays: street=60, donor=40 (the street alone without)."""
    shares = {name: values.pop(name, 0) for name in SHARES}
    if not any(shares.values()):
        shares["street"] = 100
    terms = {"name": "补贴", "starts_on": START, "form": AidForm.AMOUNT, "registered_only": False, "priority": 0}
    terms |= {f"{name}_share": share for name, share in shares.items()} | values
    for name in ("amount", "yuan_a_day", "yuan_a_month"):
        if terms.get(name) is not None:
            terms[name] = Decimal(terms[name])
    found = SubsidyRule(id=number, **terms)
    found.tags = [RuleTag(tag_kind_id=tag) for tag in tags]
    found.kinds = [RuleKind(kind_id=kind) for kind in kinds]
    return found


def born(birth_date: str | None, **values: Any) -> Resident:
    """A resident who lives here, in no database."""
    day = date.fromisoformat(birth_date) if birth_date else None
    return Resident(birth_date=day, **{"state": LifeState.ALIVE, **values})


def keep(session: Any, **values: Any) -> SubsidyRule:
    """A rule that is stored."""
    found = rule(**values)
    found.id = None
    session.add(found)
    session.flush()
    return found


def settle_in(session: Any, name: str, birth_date: str | None, **values: Any) -> Diner:
    """A diner of the session's community; `tags`: [(name, from, until)]."""
    tags = values.pop("tags", ())
    resident = born(birth_date, **values)
    set_name(resident, name)
    session.add(resident)
    session.flush()
    for tag, starts_on, ends_on in tags:
        session.add(ResidentTag(resident_id=resident.id, kind_id=tag_id(session, tag), starts_on=starts_on,
                                ends_on=ends_on))
    diner = Diner(resident=resident)
    session.add(diner)
    session.flush()
    return diner


def tag_id(session: Any, name: str) -> int:
    """The id of a tag of the dictionary."""
    return session.scalar(sa.select(TagKind.id).where(TagKind.name == name))


def lunch(session: Any) -> Any:
    """午餐, 15.00 yuan."""
    return kinds_of(session)[1]
