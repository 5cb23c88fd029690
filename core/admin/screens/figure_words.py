"""Figures and modules in the words of a page: titles, choices, numbers in their unit."""
from __future__ import annotations

from flask_babel import gettext as _

from core.admin.gate import manager, sees_plugin, visit
from core.admin.values import NONE
from core.calendar.models import ALL_MODULES
from core.declarations import Metric
from core.metrics.units import text_of


def module_choices() -> list[tuple[str, str]]:
    """All modules together, or one that is on here."""
    return [(ALL_MODULES, _("All modules")), *((name, manager().title(name)) for name in sorted(visit().plugins))]


def module_title(name: str) -> str:
    """What a module is called, also one that is no longer installed."""
    if name == ALL_MODULES:
        return _("All modules")
    return manager().title(name) if name in manager().names else name


def metrics_here(*, daily: bool = False) -> list[Metric]:
    """The figures of the modules that are on here and that the person may see."""
    here = visit()
    return [metric for plugin, metric in manager().metrics()
            if plugin in here.plugins and sees_plugin(here.access, plugin) and (metric.daily or not daily)]


def metric_choices() -> list[tuple[str, str]]:
    """The same for a drop-down."""
    return [(metric.name, str(metric.title)) for metric in metrics_here()]


def counted_choices() -> list[tuple[str, str]]:
    """Those that are counted from records; of a sum its parts."""
    parts = {part.name: str(part.title) for metric in metrics_here() for part in metric.counted}
    return list(parts.items())


def metric_named(name: str) -> Metric | None:
    """A figure by its name, also where its module is off; None where it is not installed. Of a sum its parts too."""
    known = [metric for _plugin, metric in manager().metrics()]
    return next((m for m in [*known, *(part for metric in known for part in metric.counted)] if m.name == name), None)


def metric_title(name: str) -> str:
    """What a figure is called."""
    metric = metric_named(name)
    return str(metric.title) if metric else name


def in_units(name: str, parts: int | None) -> str:
    """Stored parts as people read them: 55,000 份; money with 2 places, hours with 1."""
    if parts is None:
        return NONE
    metric = metric_named(name)
    return f"{text_of(metric, parts)} {metric.unit}" if metric else f"{parts:,}"
