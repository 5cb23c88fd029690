"""What stands around every page: menu, area switcher, person, notices."""
from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from types import SimpleNamespace
from typing import Any

from flask import Flask, current_app, g, has_request_context, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from core.admin.gate import Visit, manager
from core.admin.protection import asked_for
from core.clock import today

WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True)
class MenuItem:
    """A link of the menu."""

    title: str
    url: str
    icon: str
    current: bool
    badge: int | None = None


@dataclass(frozen=True)
class MenuGroup:
    """A plugin's part of the menu, or one section of it; a section is folded unless one is in it."""

    title: str
    items: list[MenuItem] = field(default_factory=list)
    section: bool = False

    @property
    def is_open(self) -> bool:
        """Whether its screens stand below it from the start."""
        return not self.section or any(item.current for item in self.items)


def install_shell(app: Flask) -> None:
    """Give every template its `shell`."""

    @app.context_processor
    def shell_of_page() -> dict[str, Any]:
        return {"shell": build_shell()} if has_request_context() else {}


def build_shell() -> SimpleNamespace:
    """The shell of this request; without a signed-in person there is no menu."""
    here: Visit | None = g.get("visit")
    area = here.area if here else None
    chinese, menu = str(get_locale()).startswith("zh"), _menu() if area else []
    return SimpleNamespace(
        lang="zh-CN" if chinese else "en", large=bool(here and here.user.large_font), product=_("Jinlin"),
        demo=current_app.extensions["jinlin_demo"](), open_line=_open_line(),
        area_name=area.name if area else "", area_kind_label=str(area.kind.label) if area else "",
        home_url=url_for("workbench.index", area=area.slug) if area else url_for("account.home"),
        areas=_areas(here) if here else [], menu=menu,
        screen=next((i.title for g in menu for i in g.items if i.current), ""),
        user_name=here.user.name if here else None, date_text=date_text(today(), chinese),
        urls=SimpleNamespace(
            password=url_for("account.password"), logout=url_for("account.logout"), large=url_for("account.large"),
            language=url_for("account.language"), language_value="en" if chinese else "zh_Hans_CN",
            language_label="English" if chinese else "中文",
        ), path=asked_for() or "",
    )


def date_text(day: date, chinese: bool) -> str:
    """11月23日 星期一."""
    if chinese:
        return f"{day.month}月{day.day}日 星期{WEEKDAYS[day.weekday()]}"
    return f"{day:%a %d %b %Y}"


def _open_line() -> bool:
    """Whether the line is not encrypted (a plain http address that is not this machine)."""
    host = (request.host or "").rsplit(":", 1)[0]
    return not request.is_secure and host not in ("127.0.0.1", "localhost", "[::1]")


def _areas(here: Visit) -> list[SimpleNamespace]:
    return [
        SimpleNamespace(name=a.name, url=url_for("workbench.index", area=a.slug), depth=a.depth,
                        current=here.area is not None and a.id == here.area.id, closed=a.closed_on is not None)
        for a in here.areas
    ]


def _menu() -> list[MenuGroup]:
    groups = []
    for title, screens in current_app.extensions["jinlin_menu"]:
        own: dict[str, MenuGroup] = {}
        for screen in screens:
            with manager().at_work(screen.plugin, f"{screen.slug}: menu"):
                if screen.is_shown():
                    section = str(screen.section)
                    group = own.setdefault(section, MenuGroup(section or str(title), section=bool(section)))
                    group.items.append(MenuItem(
                        str(screen.title), url_for(f"{screen.endpoint}.{screen._default_view}"), screen.icon,
                        request.blueprint == screen.endpoint,
                    ))
        groups += own.values()
    return groups


