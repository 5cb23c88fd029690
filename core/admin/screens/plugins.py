"""Modules: what an area above decides about them, what a community has switched on, their settings."""
from __future__ import annotations

import sqlalchemy as sa
import wtforms as wt
from flask import abort, current_app, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from core.admin.forms import ScreenForm, choices
from core.admin.gate import manager, visit
from core.admin.listing import Column, Listing, Row, RowAction
from core.admin.screen import Screen
from core.admin.screens.office import OfficePage, listing
from core.admin.screens.plugin_conditions import conditions
from core.admin.screens.plugin_settings import filled, to_json
from core.admin.values import NONE
from core.areas.models import Area, PluginSwitch, Policy
from core.areas.scope import scope_of, session_for
from core.areas.service import communities_with, deciding_policy, save_settings, settings_of
from core.clock import today
from core.errors import ValidationError
from core.extensions import db
from core.setup import apply_policy, check_policy, goes_off_with, hidden_records, switch_plugin_off, switch_plugin_on

TAG = Markup('<span class="tag {}">{}</span>')
KINDS = {Policy.REQUIRED: "info", Policy.ALLOWED: "", Policy.FORBIDDEN: "bad"}


class PolicyForm(ScreenForm):
    """What holds for the communities below."""

    policy = wt.RadioField(_l("Policy"), coerce=Policy)


class PluginsPage(OfficePage):
    """Modules of a community, or the policy of an area above."""

    slug = "plugins"
    title = _l("Modules")
    icon = "plug"
    menu_action = "settings"
    above_only = frozenset({"policy"})

    @expose("/")
    def index(self) -> str:
        """Every module that works; above a community also those that could not be loaded."""
        above = not visit().area.is_community
        area = db.session.get(Area, visit().area.id)
        page = self._policies(area) if above else self._switches(area)
        return self.render("manage/plugins.html", listing=page, **conditions())

    def _policies(self, area: Area) -> Listing:
        communities = [a for a in self.below() if a.is_community and not a.closed_on]
        rows = []
        for name in manager().names:
            policy, decided_by = deciding_policy(db.session(), area, name)
            on = len(communities_with(db.session(), name, communities))
            words = self._policy_tag(area, policy, decided_by)
            decided_above = decided_by not in (None, area.id)
            rows.append(self._row(name, [words, f"{on} / {len(communities)}"], [] if decided_above else [
                RowAction(_("Policy"), self.get_url(".policy", plugin=name))]))
        return listing(_("Modules"), [*self._heads(), Column("policy", _("Policy"), lead=True),
                                      Column("on", _("Communities with it"), numeric=True, lead=True)],
                       rows, _("No module is installed."), note=_("The policy holds for all communities below"))

    def _switches(self, area: Area) -> Listing:
        since = dict(db.session.execute(sa.select(PluginSwitch.plugin, PluginSwitch.on_from).where(
            PluginSwitch.community_id == area.id, PluginSwitch.off_on.is_(None))).all())
        rows = []
        for name in manager().names:
            policy, decided_by = deciding_policy(db.session(), area, name)
            state = TAG.format("ok", _("On")) if name in since else TAG.format("", _("Off"))
            first_day = since[name].isoformat() if name in since else NONE
            cells = [state, self._policy_tag(area, policy, decided_by), first_day]
            rows.append(self._row(name, cells, self._switching(area, name, name in since, policy)))
        return listing(_("Modules"), [*self._heads(), Column("state", _("State"), lead=True),
                                      Column("policy", _("Policy")), Column("since", _("On since"))],
                       rows, _("No module is installed."),
                       note=_("Switching a module off hides its records; it never deletes them"))

    def _heads(self) -> list[Column]:
        return [Column("title", _("Module"), lead=True), Column("summary", _("What it is for"), lead=True)]

    def _row(self, name: str, cells: list[str | Markup], actions: list[RowAction]) -> Row:
        info = manager().infos[name]
        needs = "、".join(manager().title(n) for n in info.requires)
        summary = _("%(summary)s (needs %(names)s)", summary=info.summary, names=needs) if needs else str(info.summary)
        return Row(0, str(info.title), [str(info.title), summary, *cells], actions)

    def _policy_tag(self, area: Area, policy: Policy, decided_by: int | None) -> Markup:
        tag = TAG.format(KINDS[policy], policy.label)
        names = {a.id: a.name for a in visit().areas}
        if decided_by in (None, area.id):
            return tag
        return Markup('{} <span class="muted small">{}</span>').format(tag, names.get(decided_by) or _("from above"))

    def _switching(self, area: Area, name: str, on: bool, policy: Policy) -> list[RowAction]:
        title, actions = manager().title(name), []
        if on and manager().settings_form(name) is not None:
            actions.append(RowAction(_("Settings"), self.get_url(".settings", plugin=name)))
        if area.closed_on:
            return actions
        if on and policy != Policy.REQUIRED:
            actions.append(RowAction(_("Switch off"), self.get_url(".off", plugin=name), danger=True))
        if not on and policy != Policy.FORBIDDEN:
            also = [manager().title(n) for n in manager().with_requirements(name)[:-1]]
            question = _("Switch on “%(name)s” in %(area)s?", name=title, area=area.name)
            if also:
                question += "\n" + _("It also switches on: %(names)s", names="、".join(also))
            actions.append(RowAction(_("Switch on"), self.get_url(".on", plugin=name), "POST", question))
        return actions

    def _plugin(self, *, in_community: bool = True) -> str:
        """The module of the address line."""
        name = request.args.get("plugin", "")
        if name not in manager().names or visit().area.is_community != in_community:
            abort(404)
        if in_community and visit().area.closed_on and request.method == "POST":
            abort(403)
        return name

    # -- a community switches -----------------------------------------------------------------

    @expose("/on/", methods=("POST",))
    def on(self) -> ResponseReturnValue:
        """Switch a module on, with those that it needs; what was recorded before is back."""
        name = self._plugin()
        title = manager().title(name)
        try:
            switch_plugin_on(visit().area.id, name, today(), visit().user.username)
        except ValidationError as error:
            flash(str(error), "error")
            return redirect(self.get_url(".index"))
        self.attempt(lambda: self.note(_("Switched on “%(name)s”", name=title)))
        flash(_("“%(name)s” is on.", name=title), "success")
        return redirect(self.get_url(".index"))

    @expose("/off/", methods=("GET", "POST"))
    def off(self) -> ResponseReturnValue:
        """Switch a module off, after showing what will be hidden and what goes with it."""
        name = self._plugin()
        title = manager().title(name)
        if name not in visit().plugins:
            return redirect(self.get_url(".index"))
        if request.method == "GET":
            return self.render(
                "admin/confirm.html", question=self._what_will_be_hidden(name), cancel_url=self.get_url(".index"),
                action=self.get_url(".off", plugin=name), submit_label=_("Switch off"),
            )
        try:
            gone = switch_plugin_off(visit().area.id, name, today(), visit().user.username)
        except ValidationError as error:
            flash(str(error), "error")
            return redirect(self.get_url(".index"))
        names = "、".join(manager().title(n) for n in reversed(gone))
        self.attempt(lambda: self.note(_("Switched off “%(name)s”", name=names)))
        flash(_("“%(name)s” is off. Its records are kept.", name=title), "success")
        return redirect(self.get_url(".index"))

    def _what_will_be_hidden(self, name: str) -> str:
        here = visit().area
        with session_for(scope_of(here), "what switching off will hide") as reading:
            community = reading.get_one(Area, here.id)
            names = goes_off_with(reading, community, name)
            titles = {s.model: str(s.title) for n in names for s in self._screens(n)}
            hidden = hidden_records(reading, titles)
        lines = [_("Switch off “%(name)s” in %(area)s?", name=manager().title(name), area=here.name)]
        if others := [manager().title(n) for n in names if n != name]:
            lines.append(_("These modules need it and go off with it: %(names)s", names="、".join(others)))
        lines += [_("%(count)s × %(title)s will be hidden", count=f"{n:,}", title=titles[m]) for m, n in hidden.items()]
        lines.append(_("Nothing is deleted: everything is there again when it is switched on.") if hidden
                     else _("There are no records yet."))
        return "\n".join(lines)

    def _screens(self, name: str) -> list[Screen]:
        found = dict(current_app.extensions["jinlin_screens"]).get(name, [])
        return [screen for screen in found if isinstance(screen, Screen)]

    @expose("/settings/", methods=("GET", "POST"))
    def settings(self) -> ResponseReturnValue:
        """The settings of a module in this community."""
        name = self._plugin()
        form_class = manager().settings_form(name)
        if form_class is None or name not in visit().plugins:
            abort(404)
        title, area_id = manager().title(name), visit().area.id
        form = form_class(request.form) if request.method == "POST" else filled(
            form_class, settings_of(db.session(), area_id, name))

        def save() -> None:
            values = {n: to_json(v) for n, v in form.data.items() if n != "csrf_token"}
            save_settings(db.session(), area_id, name, values)
            self.note(_("Changed the settings of “%(name)s”", name=title))

        if request.method == "POST" and form.validate() and self.attempt(save, form):
            flash(_("The settings have been saved."), "success")
            return redirect(self.get_url(".index"))
        fields = [field for field in form if field.name != "csrf_token"]
        return self.form_page(form, _("Settings: %(name)s", name=title), fields=fields)

    # -- an area above decides ----------------------------------------------------------------

    @expose("/policy/", methods=("GET", "POST"))
    def policy(self) -> ResponseReturnValue:
        """Required, allowed or forbidden; the communities that stand against it are named first."""
        name, here = self._plugin(in_community=False), visit().area
        title = manager().title(name)
        with session_for(None, "which policy holds") as reading:
            area = reading.get_one(Area, here.id)
            present, _decided_by = deciding_policy(reading, area, name)
            form = PolicyForm(request.form if request.method == "POST" else None, policy=present)
            form.policy.choices = choices((p.value, p.label) for p in Policy)
            if request.method == "POST" and form.validate():
                try:
                    against = [c.name for c in check_policy(reading, area, name, form.policy.data)]
                except ValidationError as error:
                    form.policy.errors = [str(error)]
                else:
                    return self._decide(name, title, form.policy.data, against)
        return self.form_page(form, _("Policy: %(name)s", name=title), submit_label=_("Go on"))

    def _decide(self, name: str, title: str, policy: Policy, against: list[str]) -> ResponseReturnValue:
        if against and request.form.get("sure") != "1":
            names = "、".join(against)
            question = _("These communities have “%(name)s” off: %(names)s. It is switched on there.", name=title,
                         names=names)
            if policy == Policy.FORBIDDEN:
                question = _("These communities have “%(name)s” on: %(names)s. It is switched off there; their records "
                             "are kept and hidden.", name=title, names=names)
            return self.render("admin/confirm.html", question=question, action=self.get_url(".policy", plugin=name),
                               hidden=[("policy", policy.value), ("sure", "1")], cancel_url=self.get_url(".index"))
        try:
            refused = apply_policy(visit().area.id, name, policy, today(), visit().user.username)
        except ValidationError as error:
            flash(str(error), "error")
            return redirect(self.get_url(".index"))
        self.attempt(lambda: self.note(_("Set the policy of “%(name)s”: %(policy)s", name=title, policy=policy.label)))
        flash(_("“%(name)s” is now: %(policy)s", name=title, policy=policy.label), "success")
        for reason in refused:
            flash(reason, "error")
        return redirect(self.get_url(".index"))
