"""Adding, renaming, moving and closing areas; which plugins a community has on."""
from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from core.areas.models import Area, AreaKind, AreaProfile, PluginPolicy, PluginSettings, PluginSwitch, Policy
from core.errors import ValidationError
from core.extensions import ScopedSession

SLUG = re.compile(r"[a-z][a-z0-9-]{1,38}[a-z0-9]")
RESERVED_SLUGS = frozenset({
    "login", "logout", "static", "healthz", "readyz", "account", "admin", "api", "app", "assets", "docs", "help",
    "jinlin", "metrics", "files", "jobs", "favicon.ico", "robots.txt", "system", "www", "new", "edit",
})
SETTINGS = "plugin_settings"  # where a session keeps what it has read of them


def add_area(
    session: Session, parent: Area | None, name: str, kind: AreaKind, slug: str, division_code: str | None = None,
) -> Area:
    """Add a node below `parent` (None: the root). Raises ValidationError with what to do."""
    if parent is not None and parent.kind == AreaKind.COMMUNITY:
        raise ValidationError(_("A community has no areas below it."), "parent")
    if parent is None and kind == AreaKind.COMMUNITY:
        raise ValidationError(_("A community lies below a street."), "kind")
    if parent is not None and parent.closed_on:
        raise ValidationError(_("“%(name)s” is closed.", name=parent.name), "parent")
    name = check_name(session, name, parent)
    area = Area(
        parent=parent, name=name, kind=kind, slug=check_slug(session, slug),
        division_code=check_division_code(session, division_code, kind),
    )
    session.add(area)
    session.flush()
    area.path = f"{parent.path if parent else '/'}{area.id}/"
    session.flush()
    return area


def edit_area(
    session: Session, area: Area, name: str, kind: AreaKind, slug: str, division_code: str | None,
) -> None:
    """Rename a node or correct its kind, address and code; its records and memberships stay with it."""
    if (kind == AreaKind.COMMUNITY) != area.is_community:
        raise ValidationError(_("A community stays a community: its records belong to it."), "kind")
    area.name = check_name(session, name, area.parent, but=area)
    area.kind = kind
    area.slug = check_slug(session, slug, but=area)
    area.division_code = check_division_code(session, division_code, kind, but=area)
    session.flush()


def check_name(session: Session, name: str, parent: Area | None, but: Area | None = None) -> str:
    """A name, once among its neighbours."""
    name = " ".join(name.split())
    if not 2 <= len(name) <= 30:
        raise ValidationError(_("Please give a name of 2 to 30 characters."), "name")
    double = sa.select(Area.id).where(
        Area.name == name, Area.parent_id == (parent.id if parent else None), Area.id != (but.id if but else 0)
    )
    if session.scalar(double):
        raise ValidationError(_("There is already an area “%(name)s” here.", name=name), "name")
    return name


def check_slug(session: Session, slug: str, but: Area | None = None) -> str:
    """A short name for the address line; reserved words and doubles are refused."""
    slug = slug.strip().lower()
    if not SLUG.fullmatch(slug):
        raise ValidationError(
            _("The short name has 3 to 40 small letters, digits and hyphens and begins with a letter."), "slug"
        )
    if slug in RESERVED_SLUGS:
        raise ValidationError(_("“%(slug)s” is reserved by the system. Please choose another.", slug=slug), "slug")
    if session.scalar(sa.select(Area.id).where(Area.slug == slug, Area.id != (but.id if but else 0))):
        raise ValidationError(_("“%(slug)s” is taken. Please choose another.", slug=slug), "slug")
    return slug


def check_division_code(session: Session, code: str | None, kind: AreaKind, but: Area | None = None) -> str | None:
    """12 digits, once; a community's last three are not 000 (domain.md §6). None if not given."""
    code = "".join(unicodedata.normalize("NFKC", code or "").split())
    if not code:
        return None
    if not re.fullmatch(r"[1-9][0-9]{11}", code):
        raise ValidationError(_("The division code has 12 digits and does not begin with 0."), "division_code")
    if kind == AreaKind.COMMUNITY and code.endswith("000"):
        raise ValidationError(_("The last three digits of a community's code are not 000."), "division_code")
    if kind in (AreaKind.STREET, AreaKind.TOWN) and not code.endswith("000"):
        raise ValidationError(_("The code of a street or town ends with 000."), "division_code")
    if session.scalar(sa.select(Area.id).where(Area.division_code == code, Area.id != (but.id if but else 0))):
        raise ValidationError(_("Another area has this division code."), "division_code")
    return code


def move_area(session: Session, area: Area, parent: Area) -> None:
    """Hang a node elsewhere, with all below it and their records."""
    if area.contains(parent):
        raise ValidationError(_("An area cannot lie below itself."), "parent")
    if parent.kind == AreaKind.COMMUNITY:
        raise ValidationError(_("A community has no areas below it."), "parent")
    if parent.closed_on:
        raise ValidationError(_("“%(name)s” is closed.", name=parent.name), "parent")
    check_name(session, area.name, parent, but=area)
    old, new = area.path, f"{parent.path}{area.id}/"
    area.parent = parent
    for below in session.scalars(sa.select(Area).where(Area.path.startswith(old, autoescape=True))):
        below.path = new + below.path.removeprefix(old)
    session.flush()


def close_area(session: Session, area: Area, day: date) -> None:
    """Close a node; its records are kept and can be read, nothing new is written."""
    open_below = session.scalars(
        sa.select(Area.name).where(
            Area.path.startswith(area.path, autoescape=True), Area.id != area.id, Area.closed_on.is_(None)
        )
    ).all()
    if open_below:
        raise ValidationError(_("Please close these first: %(names)s", names="、".join(open_below)))
    area.closed_on = day
    session.flush()


def reopen_area(session: Session, area: Area) -> None:
    """Open a closed node again. Raises ValidationError while the area above is closed."""
    if area.parent is not None and area.parent.closed_on:
        raise ValidationError(_("“%(name)s” is closed.", name=area.parent.name))
    area.closed_on = None
    session.flush()


def save_profile(session: Session, area: Area, year: int, figures: dict[str, Any]) -> None:
    """Keep the declared figures of a year; a year has one profile."""
    profile = session.scalar(
        sa.select(AreaProfile).where(AreaProfile.area_id == area.id, AreaProfile.year == year)
    )
    if profile is None:
        profile = AreaProfile(area_id=area.id, year=year)
        session.add(profile)
    for name, value in figures.items():
        setattr(profile, name, value)
    session.flush()


def areas_below(session: Session, area: Area, *, communities: bool = False) -> list[Area]:
    """The node and everything below it (or only the communities), in the order of the tree."""
    found = sa.select(Area).where(Area.path.startswith(area.path, autoescape=True))
    found = found.where(Area.is_community) if communities else found
    return sorted(session.scalars(found), key=lambda node: node.ancestor_ids)


def plugins_on(session: Session, area: Area) -> set[str]:
    """The plugins that are on in this community, or in any community below this area."""
    on = sa.select(PluginSwitch.plugin).where(PluginSwitch.off_on.is_(None))
    if area.is_community:
        return set(session.scalars(on.where(PluginSwitch.community_id == area.id)))
    on = on.join(Area, Area.id == PluginSwitch.community_id)
    return set(session.scalars(on.where(Area.path.startswith(area.path, autoescape=True)).distinct()))


def was_ever_on(session: Session, community: Area, plugin: str) -> bool:
    """Whether the plugin has ever been on in this community."""
    rows = sa.select(PluginSwitch.id).where(PluginSwitch.community_id == community.id, PluginSwitch.plugin == plugin)
    return session.scalar(rows.limit(1)) is not None


def switch_of(session: Session, community: Area, plugin: str) -> PluginSwitch | None:
    """The open switch row, if the plugin is on."""
    return session.scalar(
        sa.select(PluginSwitch).where(
            PluginSwitch.community_id == community.id, PluginSwitch.plugin == plugin, PluginSwitch.off_on.is_(None)
        )
    )


def switch_on(session: Session, community: Area, plugin: str, day: date, by: str) -> None:
    """Turn a plugin on from this day."""
    if switch_of(session, community, plugin) is None:
        session.add(PluginSwitch(community_id=community.id, plugin=plugin, on_from=day, switched_by=by))
        session.flush()


def switch_off(session: Session, community: Area, plugin: str, day: date) -> None:
    """Turn a plugin off; its records are hidden, never deleted."""
    if switch := switch_of(session, community, plugin):
        switch.off_on = day
        session.flush()


def policy_for(session: Session, area: Area, plugin: str) -> Policy:
    """The policy that holds in this area; what an area above decides cannot be changed below it."""
    return deciding_policy(session, area, plugin)[0]


def deciding_policy(session: Session, area: Area, plugin: str) -> tuple[Policy, int | None]:
    """The highest decision over this area and the id of the area that made it; allowed if there is none."""
    policies = dict(session.execute(
        sa.select(PluginPolicy.area_id, PluginPolicy.policy).where(
            PluginPolicy.plugin == plugin, PluginPolicy.area_id.in_(area.ancestor_ids)
        )
    ).all())
    for area_id in area.ancestor_ids:
        if policies.get(area_id, Policy.ALLOWED) != Policy.ALLOWED:
            return policies[area_id], area_id
    return Policy.ALLOWED, None


def set_policy(session: Session, area: Area, plugin: str, policy: Policy) -> None:
    """Decide for the communities below; what it changes for them is shown first by `standing_against`."""
    row = session.scalar(
        sa.select(PluginPolicy).where(PluginPolicy.area_id == area.id, PluginPolicy.plugin == plugin)
    )
    if row is None:
        session.add(PluginPolicy(area_id=area.id, plugin=plugin, policy=policy))
    else:
        row.policy = policy
    session.flush()


def standing_against(session: Session, area: Area, plugin: str, policy: Policy) -> list[Area]:
    """The open communities whose present switch contradicts this policy."""
    if policy == Policy.ALLOWED:
        return []
    should_be_on = policy == Policy.REQUIRED
    return [
        community for community in areas_below(session, area, communities=True)
        if community.closed_on is None and (switch_of(session, community, plugin) is not None) != should_be_on
    ]


def settings_of(session: Session, community_id: int, plugin: str) -> dict:
    """The stored settings of a plugin in a community ({} until they are saved); asked once a transaction."""
    known = session.info.setdefault(SETTINGS, {})
    if (community_id, plugin) not in known:
        known[community_id, plugin] = session.scalar(
            sa.select(PluginSettings.values).where(
                PluginSettings.community_id == community_id, PluginSettings.plugin == plugin
            )
        ) or {}
    return dict(known[community_id, plugin])


@event.listens_for(ScopedSession, "after_transaction_end")
def _forget_settings(session: Session, transaction: SessionTransaction) -> None:
    """With the transaction, and with a savepoint, which may take back what was saved; a flush ends neither."""
    if transaction.parent is None or transaction.nested:
        session.info.pop(SETTINGS, None)


def settings_by_community(session: Session, community_ids: Collection[int], plugin: str) -> dict[int, dict]:
    """The stored settings of a plugin in several communities; those that have saved none are left out."""
    rows = session.execute(sa.select(PluginSettings.community_id, PluginSettings.values).where(
        PluginSettings.community_id.in_(community_ids), PluginSettings.plugin == plugin))
    return {community_id: values for community_id, values in rows}


def save_settings(session: Session, community_id: int, plugin: str, values: dict) -> None:
    """Keep a plugin's checked settings."""
    row = session.scalar(
        sa.select(PluginSettings).where(
            PluginSettings.community_id == community_id, PluginSettings.plugin == plugin
        )
    )
    if row is None:
        session.add(PluginSettings(community_id=community_id, plugin=plugin, values=values))
    else:
        row.values = values
    session.flush()
    session.info.pop(SETTINGS, None)


def communities_with(session: Session, plugin: str, areas: Iterable[Area]) -> list[Area]:
    """Those of the communities where the plugin is on."""
    on = set(session.scalars(
        sa.select(PluginSwitch.community_id).where(PluginSwitch.plugin == plugin, PluginSwitch.off_on.is_(None))
    ))
    return [area for area in areas if area.id in on]
