"""The demonstration street: invented people, real stations' figures, accounts that everybody may know."""
from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from core.accounts.models import User
from core.accounts.passwords import hash_password
from core.accounts.service import add_membership, built_in_role
from core.areas.models import Area, AreaKind, AreaProfile, Installation
from core.areas.scope import scope_of, session_for
from core.areas.service import add_area
from core.clock import now, today
from core.demo.people import EARLIEST_TAG, Townsfolk
from core.demo.stated import state
from core.demo.street import COMMUNITIES, SERVICE_AREA, STREET, DemoCommunity
from core.metrics.reporting import close_month
from core.plugin_manager import PluginManager
from core.setup import prepare_community, switch_plugin_on

DEMO_PASSWORD = "near-neighbour-2026"
DEMO = "demo"  # who did it, in the records
ROLES = {"finance": "street"}  # of accounts that are not called after their role


def demo_accounts() -> list[tuple[str, str, str]]:
    """(account, password, who) of the demonstration."""
    people = [("street", "街道管理员"), ("finance", "街道财务"), ("system", "系统管理员"), ("auditor", "审计员")]
    for community in COMMUNITIES:
        people += [(f"manager.{community.slug}", f"{community.name}管理员"),
                   (f"staff.{community.slug}", f"{community.name}工作人员")]
    return [(name, DEMO_PASSWORD, who) for name, who in people]


def load_demo() -> None:
    """Fill an empty, migrated database with 示范街道; does nothing where any area exists."""
    with session_for(None, "make the demonstration street", writes=True, actor=DEMO) as writing:
        if writing.scalar(sa.select(Area.id).limit(1)) is not None:
            return
        writing.merge(Installation(
            id=1, key_fingerprint=current_app.extensions["jinlin_keys"].fingerprint, demo=True, created_at=now(),
        ))
        areas = _make_areas(writing)
        _make_accounts(writing, areas)
        ids = {slug: area.id for slug, area in areas.items()}
    for community in COMMUNITIES:
        _fill(community, ids[community.slug])
    with session_for(None, "close last month in the demonstration", writes=True, actor=DEMO) as writing:
        last_month = today().replace(day=1) - timedelta(days=1)
        close_month(writing, writing.get_one(Area, ids[STREET[1]]), last_month, "street", now())


def _make_areas(session: Session) -> dict[str, Area]:
    """The tree by slug; one community lies below a service area, as station A does."""
    name, slug, code = STREET
    street = add_area(session, None, name, AreaKind.STREET, slug, code)
    name, service_slug = SERVICE_AREA
    service_area = add_area(session, street, name, AreaKind.SERVICE_AREA, service_slug)
    areas = {slug: street}
    for community in COMMUNITIES:
        parent = service_area if community.in_service_area else street
        area = add_area(session, parent, community.name, AreaKind.COMMUNITY, community.slug, community.code)
        session.add(AreaProfile(area_id=area.id, **community.profile))
        areas[community.slug] = area
    return areas


def _make_accounts(session: Session, areas: dict[str, Area]) -> None:
    """Those of the street (finance pays what street approves), manager.… and staff.… of each community; one hash."""
    password = hash_password(DEMO_PASSWORD)
    for username, _password, who in demo_accounts():
        role, _dot, slug = username.partition(".")
        user = User(username=username, name=who, password_hash=password, password_changed_at=now())
        session.add(user)
        session.flush()
        role = built_in_role(session, ROLES.get(role, role))
        add_membership(session, user, areas[slug or STREET[1]], role, EARLIEST_TAG)


def _fill(demo: DemoCommunity, community_id: int) -> None:
    """Plugins first (each prepares the community), then people, then what the plugins record about them."""
    manager: PluginManager = current_app.extensions["jinlin_plugins"]
    plugins = [name for name in manager.names if name in demo.plugins]
    for name in plugins:
        switch_plugin_on(community_id, name, demo.plugins[name], DEMO)
    with session_for(None, "which community") as reading:
        scope = scope_of(reading.get_one(Area, community_id))
    with session_for(scope, "fill a demonstration community", writes=True, actor=DEMO) as writing:
        writing.info["quiet"] = True  # nobody did these deeds
        community = writing.get_one(Area, community_id)
        prepare_community(writing)
        Townsfolk(writing, demo, today()).settle()
        writing.flush()
        for name in plugins:
            manager.ask("demo_records", [name], writing, community=community, today=today())
        writing.flush()
        state(writing, demo.slug, [metric for _plugin, metric in manager.metrics()], today(), now())
