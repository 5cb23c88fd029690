"""The core's own screens, grouped as they stand in the menu."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from core.admin.figures.page import FiguresPage
from core.admin.screens.accounts import AccountsPage
from core.admin.screens.areas import AreasPage
from core.admin.screens.figures_stated import CorrectionScreen, OpeningScreen, ZeroReportScreen
from core.admin.screens.imports import ImportPage
from core.admin.screens.logs import AuditScreen, LogPage
from core.admin.screens.months import MonthsPage
from core.admin.screens.openings import ClosureScreen, HolidaysPage, OpeningDaysScreen
from core.admin.screens.plugins import PluginsPage
from core.admin.screens.reports import ReportsPage
from core.admin.screens.residents import ResidentScreen, TagKindScreen
from core.admin.screens.roles import RolesPage
from core.admin.screens.sign_zero import SignZeroPage
from core.admin.screens.tasks import FinishTaskPage, TaskScreen


@dataclass(frozen=True)
class Module:
    """A part of the core that looks like a plugin in the menu, but is always on."""

    name: str
    title: Any
    screens: tuple[type, ...]


def core_modules() -> list[Module]:
    """In the order of the menu; the first holds records, the others are for the office."""
    return [
        Module("residents", _l("Residents"), (ResidentScreen, TagKindScreen, ImportPage, TaskScreen, FinishTaskPage)),
        Module("figures", _l("Figures and reports"), (
            FiguresPage, ReportsPage, ZeroReportScreen, SignZeroPage, OpeningScreen, CorrectionScreen, MonthsPage)),
        Module("manage", _l("Management"), (AreasPage, AccountsPage, RolesPage, PluginsPage, AuditScreen, LogPage,
                                            HolidaysPage, OpeningDaysScreen, ClosureScreen)),
    ]
