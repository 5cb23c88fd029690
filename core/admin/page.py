"""Page: any screen in the shell; access is checked here, once, for every view of every plugin."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from flask import abort
from flask.typing import ResponseReturnValue
from flask_admin.base import BaseView
from flask_babel import gettext as _

from core.accounts.roles import Action, Permission
from core.admin.gate import manager, visit
from core.admin.protection import Refused
from core.areas.scope import scope_of, session_for, set_scope
from core.areas.service import was_ever_on
from core.extensions import db

COMMUNITY, ABOVE = "community", "above"


class ModuleOff(Refused):
    """A screen of a module that was on here: people who had it read why it is gone."""

    code = 404

    def __init__(self, module: str) -> None:
        super().__init__(_("“%(name)s” is switched off here", name=module),
                         _("Its records are kept. A manager switches it on again under “Modules”."))


class GuardedView:
    """What Page and Screen share: where they appear, who may open them, the scope of their session.

    Declare `slug` (the last part of the address), `title`, `icon`; `levels` says whether the screen exists in a
    community, above it, or both; `needs` names the action for each view function (others need `view`).
    """

    slug: ClassVar[str] = ""
    title: ClassVar[Any] = ""
    icon: ClassVar[str] = "list"
    section: ClassVar[Any] = ""  # a large module divides its part of the menu: the words above these screens
    levels: ClassVar[frozenset[str]] = frozenset({COMMUNITY})
    needs: ClassVar[dict[str, str]] = {}
    in_menu: ClassVar[bool] = True
    always_on: ClassVar[bool] = False  # screens of the core
    menu_action: ClassVar[str] = Action.VIEW

    plugin: str
    endpoint: str

    def permission(self, action: str) -> str:
        """The name of a permission on this screen."""
        return f"{self.plugin}.{self.slug}.{action}"

    def actions(self) -> set[str]:
        """The actions that this screen knows."""
        return {self.menu_action, *self.needs.values()}

    def permissions(self) -> list[Permission]:
        """What can be granted on this screen."""
        return [Permission(self.permission(action), self.title) for action in sorted(self.actions())]

    def check_declaration(self) -> None:
        """Asked once, when plugins are tried: raises where a declaration names something that is not there."""
        for action in self.actions():
            Action(action)

    def is_here(self) -> bool:
        """Whether the screen exists for this area: its level, and its plugin is on."""
        here = visit()
        if here.area is None:
            return False
        level = COMMUNITY if here.area.is_community else ABOVE
        return level in self.levels and (self.always_on or self.plugin in here.plugins)

    def may(self, action: str) -> bool:
        """Whether the person may do this here."""
        access = visit().access
        return access is not None and access.may(self.permission(action))

    def is_shown(self) -> bool:
        """Whether it stands in the menu here."""
        return self.in_menu and self.is_here() and self.may(self.menu_action)

    def _handle_view(self, name: str, **_kwargs: Any) -> ResponseReturnValue | None:
        if not self.is_here():
            self._say_why_not()
            abort(404)
        if not self.may(self.needs.get(name, self.menu_action)):
            abort(403)
        here = visit()
        set_scope(db.session(), scope_of(here.area, None if self.always_on else self.plugin))
        return None

    def _say_why_not(self) -> None:
        """Those who worked with a module that has been switched off here are told so."""
        here = visit()
        if here.area is None or self.always_on or self.plugin in here.plugins or not self.may(self.menu_action):
            return
        with session_for(None, "was this module on here") as reading:
            was_on = was_ever_on(reading, here.area, self.plugin)
        if was_on:
            raise ModuleOff(manager().title(self.plugin))

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call plainly: Flask-Admin's own takes any TypeError inside a view for a wrong signature."""
        try:
            return fn(self, *args, **kwargs)
        except SystemExit as error:  # a plugin's sys.exit() would end the worker with everybody's requests
            raise RuntimeError("a view ends the program") from error


class Page(GuardedView, BaseView):
    """A screen that is no table: counter, roster grid, board."""

    def __init__(self, plugin: str) -> None:
        """Named and addressed after its plugin and slug."""
        self.plugin = plugin
        super().__init__(name=str(self.slug), endpoint=f"{plugin}_{self.slug.replace('-', '_')}",
                         url=f"{plugin}/{self.slug}")
