"""Why 403, why 404: what a person may do in an area, computed for each request from the database."""
from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cache, cached_property

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.accounts.models import Membership, Role, User
from core.accounts.roles import BUILT_IN, GRANTS, OFFICE, OFFICE_MODULE, OVERSEERS, STREET, SYSTEM, WRITING, Action
from core.areas.models import Area, PluginSwitch


@dataclass(frozen=True)
class Access:
    """What one person may do in one area today. Taken-away memberships count at the next request."""

    user: User
    area: Area
    memberships: tuple[Membership, ...] = field(default=())
    _known: dict[str, bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    def may(self, permission: str) -> bool:
        """Whether the person holds `<plugin>.<screen>.<action>` here; a list asks the same for each of its rows."""
        if permission not in self._known:
            self._known[permission] = self._may(permission)
        return self._known[permission]

    def _may(self, permission: str) -> bool:
        action = Action(permission.rsplit(".", 1)[1])
        if self.area.closed_on and action in WRITING:
            return False
        return any(_grants(m, self.area, permission, action) for m in self.memberships)

    @cached_property
    def sees_names(self) -> bool:
        """Whether names are shown in full: to those who may reveal, in the community itself."""
        return any(_grants(m, self.area, "residents.people.reveal", Action.REVEAL) for m in self.memberships)

    @property
    def role_keys(self) -> set[str]:
        """Keys of the built-in roles held here."""
        return {m.role.key for m in self.memberships if m.role.key}

    def may_grant(self, role: Role, area: Area | None = None) -> bool:
        """Whether the person may hand out this role at `area` (this one or one below; None: this one).

        A role that an area made is known in that area and below; one with office permissions is the street's.
        """
        if role.key:
            return any(role.key in GRANTS.get(key, ()) for key in self.role_keys)
        if role.area_id not in (area or self.area).ancestor_ids:
            return False
        actions = {Action(name.rsplit(".", 1)[1]) for name in role.permissions}
        return bool(self.role_keys & GRANTS.keys()) and (
            not actions & OFFICE or bool(self.role_keys & {SYSTEM, STREET})
        )


def _grants(membership: Membership, area: Area, permission: str, action: Action) -> bool:
    key = membership.role.key
    if key is None:
        return permission in membership.role.permissions
    if permission.startswith(f"{OFFICE_MODULE}.") and action not in OFFICE and key not in OVERSEERS:
        return False
    rights = BUILT_IN[key][1]
    return action in (rights.own if membership.area_id == area.id else rights.below)


def memberships_of(user: User, day: date) -> list[Membership]:
    """The memberships that hold on this day."""
    return [m for m in user.memberships if m.holds_on(day)]


def access_to(user: User, area: Area, day: date) -> Access | None:
    """The person's access to an area, or None if nothing there is theirs (answered as unknown: 404)."""
    found = tuple(m for m in memberships_of(user, day) if m.area.contains(area))
    return Access(user, area, found) if found else None


PLUGINS_ON = sa.select(sa.func.aggregate_strings(PluginSwitch.plugin, ",")).where(
    PluginSwitch.community_id == Area.id, PluginSwitch.off_on.is_(None)).scalar_subquery()


@cache
def _areas_below(paths: int) -> sa.Select:
    """The areas below so many paths: every request asks, so the statement is made once."""
    return sa.select(Area, PLUGINS_ON).where(
        sa.or_(*(Area.path.like(sa.bindparam(f"path_{number}")) for number in range(paths))))


def areas_of(session: Session, user: User, day: date) -> dict[Area, set[str]]:
    """The areas that a person can open, in the order of the tree, with the plugins that are on in each community."""
    paths = [m.area.path for m in memberships_of(user, day)]
    if not paths:
        return {}
    below = {f"path_{number}": f"{path}%" for number, path in enumerate(paths)}  # digits and slashes alone
    # sorted here: how a database orders "/1/10/" and "/1/2/" depends on its collation
    found = sorted(session.execute(_areas_below(len(paths)), below).all(), key=lambda row: row[0].ancestor_ids)
    return {area: set(names.split(",")) if names else set() for area, names in found}
