"""Roles: the built-in ones as a table, and those that this area makes from the rights of its screens."""
from __future__ import annotations

from typing import Any

import wtforms as wt
from flask import abort, current_app, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import validators as check

from core.accounts.models import Role
from core.accounts.own_roles import offered, own_roles, remove_role, save_role
from core.accounts.roles import BUILT_IN, Action, Permission
from core.admin.forms import ScreenForm, plain_text
from core.admin.gate import manager, visit
from core.admin.page import ABOVE
from core.admin.screens.office import OfficePage, number_of, saved
from core.areas.models import Area, Policy
from core.areas.service import policy_for
from core.extensions import db


class OwnRoleForm(ScreenForm):
    """A role's name; its rights are ticked in the table below it."""

    name = wt.StringField(_l("Role name"), [check.InputRequired(), plain_text, check.Length(max=60)])
    permissions = wt.SelectMultipleField(_l("Rights"), validate_choice=False)


class RolesPage(OfficePage):
    """Roles that can be handed out at this area and below."""

    slug = "roles"
    title = _l("Roles")
    icon = "shield"
    levels = frozenset({ABOVE})
    menu_action = "settings"

    @expose("/")
    def index(self) -> str:
        """The built-in roles and the own ones."""
        own = own_roles(db.session(), visit().area)
        names = {p.name: self._text(p) for _title, permissions in self._offered() for p in permissions}
        areas = {area.id: area.name for area in visit().areas}
        return self.render(
            "manage/roles.html", title=_("Roles"), actions=list(Action), built_in=[
                (title, [action in rights.own or action in rights.below for action in Action])
                for title, rights in BUILT_IN.values()
            ],
            own=[(role, areas.get(role.area_id, ""), [names[p] for p in role.permissions if p in names],
                  role.area_id == visit().area.id) for role in own],
        )

    def _text(self, permission: Permission) -> str:
        return f"{permission.title}: {permission.action.label}"

    def _offered(self) -> list[tuple[str, list[Permission]]]:
        """(module, its permissions) of the core and of every plugin that this area may have."""
        area = db.session.get(Area, visit().area.id)
        titles = {name: manager().title(name) for name in manager().names}
        found = []
        for module, screens in current_app.extensions["jinlin_screens"]:
            if module in titles and policy_for(db.session(), area, module) == Policy.FORBIDDEN:
                continue
            with manager().at_work(module, "permissions"):
                permissions = offered(module, (p for screen in screens for p in screen.permissions()))
                if permissions:
                    found.append((titles.get(module) or self._module_title(module), permissions))
        return found

    def _module_title(self, module: str) -> str:
        titles = {screens[0].plugin: title for title, screens in current_app.extensions["jinlin_menu"] if screens}
        return str(titles.get(module, module))

    def _role(self) -> Role:
        """A role that this very area made."""
        role = db.session.get(Role, number_of("id"))
        if role is None or role.key or role.area_id != visit().area.id:
            abort(404)
        return role

    @expose("/new/", methods=("GET", "POST"))
    def new(self) -> ResponseReturnValue:
        """Make a role."""
        return self._form(None)

    @expose("/edit/", methods=("GET", "POST"))
    def edit(self) -> ResponseReturnValue:
        """Change a role."""
        return self._form(self._role())

    def _form(self, role: Role | None) -> ResponseReturnValue:
        posted = request.method == "POST"
        form = OwnRoleForm(request.form if posted else None, obj=role)
        offered_here = self._offered()
        allowed = {p.name for _title, permissions in offered_here for p in permissions}
        title = _("Edit: %(name)s", name=role.name) if role else _("New role")

        def save() -> None:
            area = db.session.get(Area, visit().area.id)
            kept = save_role(db.session(), area, role, form.name.data, form.permissions.data, allowed)
            self.note(_("Saved the role “%(name)s” with %(count)s rights", name=kept.name,
                        count=len(kept.permissions)))

        if posted and form.validate() and self.attempt(save, form):
            saved(form.name.data)
            return redirect(self.get_url(".index"))
        return self.render("manage/role.html", title=title, form=form, cancel_url=self.get_url(".index"),
                           modules=[(name, _by_screen(p)) for name, p in offered_here],
                           ticked=set(form.permissions.data or ()))

    @expose("/remove/", methods=("POST",))
    def remove(self) -> ResponseReturnValue:
        """Remove a role that nobody ever held."""
        role = self._role()
        name = role.name

        def drop() -> None:
            remove_role(db.session(), role)
            self.note(_("Removed the role “%(name)s”", name=name))

        if self.attempt(drop):
            flash(_("“%(name)s” has been removed.", name=name), "success")
        return redirect(self.get_url(".index"))


def _by_screen(permissions: list[Permission]) -> list[tuple[str, list[tuple[str, Any]]]]:
    """(screen, [(name of the permission, what it lets one do)])."""
    found: dict[str, list[tuple[str, Any]]] = {}
    order = list(Action)
    for permission in sorted(permissions, key=lambda p: order.index(p.action)):
        found.setdefault(str(permission.title), []).append((permission.name, permission.action.label))
    return list(found.items())
