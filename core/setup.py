"""Setting a street up: communities and plugins, each with what it needs to begin; switching by policy."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.areas.models import Area, Policy
from core.areas.scope import Scope, scope_of, session_for
from core.areas.service import plugins_on, policy_for, set_policy, standing_against, switch_off, switch_on
from core.areas.tenancy import Deletable, TenantModel, Voidable
from core.errors import ValidationError
from core.plugin_manager import PluginManager
from core.residents.models import TagKind
from core.residents.service import add_default_tags


def _manager() -> PluginManager:
    return current_app.extensions["jinlin_plugins"]


def _scope(community_id: int) -> Scope:
    with session_for(None, "which community") as reading:
        return scope_of(reading.get_one(Area, community_id))


def _alone(writing: Session, area_id: int) -> Area:
    """The area, for the one who switches there now: a second click waits for the first and finds it done."""
    return writing.get_one(Area, area_id, with_for_update={"key_share": True})


def prepare_community(session: Session) -> None:
    """What every community begins with; the session has its scope."""
    if session.scalar(sa.select(sa.func.count()).select_from(TagKind)) == 0:
        add_default_tags(session)


def open_community(community_id: int, day: date, by: str) -> None:
    """Prepare a new community and switch on what the areas above require of it."""
    with session_for(_scope(community_id), "prepare a new community", writes=True, actor=by) as writing:
        prepare_community(writing)
        community = writing.get_one(Area, community_id)
        required = [n for n in _manager().names if policy_for(writing, community, n) == Policy.REQUIRED]
    for name in required:
        switch_plugin_on(community_id, name, day, by)


def switch_plugin_on(community_id: int, plugin: str, day: date, by: str) -> None:
    """Turn a plugin and what it requires on, and let each prepare the community; all or nothing.

    Raises ValidationError where an area above forbids one of them, or one cannot prepare the community.
    """
    manager = _manager()
    with session_for(_scope(community_id), "switch a plugin on", writes=True, actor=by) as writing:
        community = _alone(writing, community_id)
        prepare_community(writing)
        for name in manager.with_requirements(plugin):
            if policy_for(writing, community, name) == Policy.FORBIDDEN:
                raise ValidationError(_("“%(name)s” is forbidden here.", name=manager.title(name)))
            switch_on(writing, community, name, day, by)
            answers = manager.ask("plugin_enabled", [name], writing, community=community, today=day)
            if manager.has(name, "plugin_enabled") and not answers:
                raise ValidationError(_(
                    "“%(name)s” could not prepare this community, so nothing was switched on. Please tell your "
                    "administrator: the server's log says why.", name=manager.title(name)))


def goes_off_with(session: Session, community: Area, plugin: str) -> list[str]:
    """The plugins that are on here and need this one, itself last."""
    on = plugins_on(session, community)
    return [*(n for n in reversed(_manager().dependents(plugin)) if n in on), plugin]


def switch_plugin_off(community_id: int, plugin: str, day: date, by: str) -> list[str]:
    """Turn a plugin off with those that need it; records are hidden, never deleted. Returns what went off.

    Raises ValidationError where an area above requires one of them.
    """
    with session_for(_scope(community_id), "switch a plugin off", writes=True, actor=by) as writing:
        community = _alone(writing, community_id)
        names = goes_off_with(writing, community, plugin)
        for name in names:
            if policy_for(writing, community, name) == Policy.REQUIRED:
                raise ValidationError(_("“%(name)s” is required here.", name=_manager().title(name)))
            switch_off(writing, community, name, day)
    return names


def hidden_records(session: Session, models: Iterable[type[TenantModel]]) -> dict[type[TenantModel], int]:
    """How many living records of each table the session's scope holds, those with none left out."""
    found = {}
    for model in models:
        rows = sa.select(sa.func.count()).select_from(model)
        if issubclass(model, Deletable):
            rows = rows.where(model.deleted_at.is_(None))
        if issubclass(model, Voidable):
            rows = rows.where(model.voided_at.is_(None))
        if count := session.scalar(rows):
            found[model] = count
    return found


@dataclass(frozen=True)
class Contradiction:
    """A community whose switch of a plugin is not what the areas above decided."""

    community_id: int
    community: str
    plugin: str
    should_be_on: bool


def contradictions(session: Session, communities: Iterable[Area]) -> list[Contradiction]:
    """What has to be switched in these communities so that every policy above them holds."""
    found = []
    for community in communities:
        on = plugins_on(session, community)
        for name in _manager().names:
            policy = policy_for(session, community, name)
            if policy != Policy.ALLOWED and (name in on) != (policy == Policy.REQUIRED):
                found.append(Contradiction(community.id, community.name, name, policy == Policy.REQUIRED))
    return found


def resolve(found: Iterable[Contradiction], day: date, by: str) -> list[str]:
    """Switch them, each community by itself: one that cannot be switched holds none of the others up.

    Returns a sentence for each that was not.
    """
    refused = []
    for each in found:
        switch = switch_plugin_on if each.should_be_on else switch_plugin_off
        try:
            switch(each.community_id, each.plugin, day, by)
        except ValidationError as error:
            refused.append(_("%(community)s was not switched: %(reason)s", community=each.community, reason=error))
    return refused


def check_policy(session: Session, area: Area, plugin: str, policy: Policy) -> list[Area]:
    """The communities standing against a new policy. Raises ValidationError where another policy is against it."""
    manager = _manager()
    if area.parent is not None and policy_for(session, area.parent, plugin) != Policy.ALLOWED:
        raise ValidationError(_("An area above has decided this."), "policy")
    if policy == Policy.REQUIRED:
        for name in manager.with_requirements(plugin)[:-1]:
            if policy_for(session, area, name) == Policy.FORBIDDEN:
                raise ValidationError(
                    _("It needs “%(name)s”, which is forbidden here.", name=manager.title(name)), "policy"
                )
    if policy == Policy.FORBIDDEN:
        for name in manager.dependents(plugin):
            if policy_for(session, area, name) == Policy.REQUIRED:
                raise ValidationError(
                    _("“%(name)s” needs it and is required here.", name=manager.title(name)), "policy"
                )
    return standing_against(session, area, plugin, policy)


def apply_policy(area_id: int, plugin: str, policy: Policy, day: date, by: str) -> list[str]:
    """Set the policy, then switch the communities that stand against it; returns why one was not, in a sentence."""
    with session_for(None, "set a plugin's policy", writes=True, actor=by) as writing:
        area = _alone(writing, area_id)
        standing = [(c.id, c.name) for c in check_policy(writing, area, plugin, policy)]
        set_policy(writing, area, plugin, policy)
    return resolve([Contradiction(i, name, plugin, policy == Policy.REQUIRED) for i, name in standing], day, by)
