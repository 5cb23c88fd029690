"""The rules of the house for what plugins declare and answer: plain data of the right kind, and not too much of it."""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from wtforms import Form

from core.areas.tenancy import TenantModel
from core.declarations import Entry, Metric, PluginInfo, Sheet, Todo

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
OF_THE_CORE = frozenset({
    "accounts", "admin", "areas", "audit", "core", "exchange", "figures", "imports", "jobs", "manage", "metrics",
    "office", "plugins", "reports", "residents", "setup", "tasks",
})
LONGEST_NAME = 32  # its version table must fit into PostgreSQL's 63 characters, its switch into its column
MOST_DECLARED, MOST_LINES, LONGEST_TEXT = 100, 100, 300
LONGEST_METRIC = 80  # its name stands beside every figure that is kept
KINDS = ("bad", "warn", "info")
NO_TEXT = (bytes, bytearray, bool, list, tuple, set, dict, type(None))


class PluginFault(Exception):
    """A plugin breaks a rule of the house; the message names the rule."""


def some(value: Any, kind: type, most: int, what: str) -> list[Any]:
    """The things in a list, tuple, set or generator; None is none."""
    if value is None:
        return []
    if isinstance(value, str | bytes | dict) or not isinstance(value, Iterable):
        raise PluginFault(f"{what} gives {_a(value)}, not a list of {kind.__name__}")
    found = list(islice(value, most + 1))
    if wrong := [each for each in found if not isinstance(each, kind)]:
        raise PluginFault(f"{what} gives a list with {_a(wrong[0])} in it, not a list of {kind.__name__}")
    return found


def text(value: Any, what: str) -> str:
    """A text in the language of the page, on one line, without characters that no page can hold."""
    if isinstance(value, NO_TEXT):
        raise PluginFault(f"{what} is {_a(value)}, not a text")
    said = str(value).encode("utf-8", "replace").decode()
    said = " ".join("".join(c for c in said if c.isprintable() or c.isspace()).split())
    if not said:
        raise PluginFault(f"{what} is empty")
    return said[:LONGEST_TEXT]


def _a(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


# -- what is declared ------------------------------------------------------------------------------


def declared(name: str, hook: str, value: Any) -> Any:
    """What a declaring hook gave, as it is kept. Raises PluginFault."""
    return DECLARED[hook](name, value)


def _info(_name: str, value: Any) -> PluginInfo:
    if not isinstance(value, PluginInfo):
        raise PluginFault(f"plugin_info gives {_a(value)}, not a PluginInfo")
    text(value.title, "its title")
    text(value.summary, "its summary")
    requires = some(value.requires, str, MOST_DECLARED, "requires")
    return replace(value, icon=text(value.icon, "its icon"), requires=tuple(requires))


def _screens(_name: str, value: Any) -> list[type]:
    screens = some(value, type, MOST_DECLARED, "register_screens")
    seen = set()
    for screen in screens:
        slug = getattr(screen, "slug", None)
        if not isinstance(slug, str) or not SLUG.fullmatch(slug) or slug in seen:
            raise PluginFault(f"the screen {screen.__name__} has no slug of its own (small letters, digits, single -)")
        seen.add(slug)
    for screen in screens:
        text(getattr(screen, "title", None), f"the title of the screen {screen.__name__}")
    return screens


def _metrics(name: str, value: Any) -> list[Metric]:
    metrics = some(value, Metric, MOST_DECLARED, "register_metrics")
    for metric in metrics:
        what = f"the metric {metric.name!r}"
        text(metric.title, f"the title of {what}")
        text(metric.unit, f"the unit of {what}")
        for part in metric.counted:
            if not isinstance(part, Metric):
                raise PluginFault(f"{what} sums {_a(part)}, not metrics")
            _check_counted(part, what)
    _check_names(name, metrics)
    return metrics


def _check_names(name: str, metrics: list[Metric]) -> None:
    """Figures are kept by the name: it is the plugin's own, and means one thing."""
    known: dict[str, Metric] = {}
    for metric in (*metrics, *(part for each in metrics for part in each.counted)):
        what = f"the metric {metric.name!r}"
        if not str(metric.name).startswith(f"{name}.") or len(metric.name) > LONGEST_METRIC:
            raise PluginFault(f"{what} does not start with {name + '.'!r}, or is longer than {LONGEST_METRIC} letters")
        if known.setdefault(metric.name, metric) is not metric:
            raise PluginFault(f"two metrics are called {metric.name!r}")


def _check_counted(metric: Metric, what: str) -> None:
    if not (isinstance(metric.model, type) and issubclass(metric.model, TenantModel)):
        raise PluginFault(f"{what} counts {_a(metric.model)}, not records of a model")
    if not isinstance(getattr(metric.day, "type", None), sa.Date):
        raise PluginFault(f"the day of {what} is no column of dates")
    if metric.amount is not None and metric.once_per is not None:
        raise PluginFault(f"{what} either sums an amount or counts once per something")
    columns = (metric.amount, metric.once_per, *(dimension.column for dimension in metric.by))
    try:
        counted = sa.select(metric.model.community_id, metric.day, *(c for c in columns if c is not None))
        str(counted.where(*metric.where))
    except (sa.exc.SQLAlchemyError, TypeError, AttributeError) as error:
        raise PluginFault(f"{what} cannot be counted: {' '.join(str(error).split())[:120]}") from error


def _sheets(name: str, value: Any) -> list[Sheet]:
    sheets = some(value, Sheet, MOST_DECLARED, "register_sheets")
    for sheet in sheets:
        what = f"the sheet {sheet.name!r}"
        text(sheet.title, f"the title of {what}")
        if not str(sheet.permission).startswith(f"{name}.") or not str(sheet.permission).endswith(".import"):
            raise PluginFault(f"{what} needs a permission like {name + '.….import'!r}")
        if not (callable(sheet.rows) or (callable(sheet.find) and callable(sheet.apply))):
            raise PluginFault(f"{what} has neither rows nor find and apply")
        if not some(sheet.columns, object, MOST_DECLARED, what):
            raise PluginFault(f"{what} has no columns")
    return sheets


def _form(_name: str, value: Any) -> type[Form] | None:
    if value is not None and not (isinstance(value, type) and issubclass(value, Form)):
        raise PluginFault(f"settings_form gives {_a(value)}, not a form class")
    return value


DECLARED: dict[str, Callable[[str, Any], Any]] = {
    "plugin_info": _info, "register_screens": _screens, "register_metrics": _metrics, "register_sheets": _sheets,
    "settings_form": _form,
}


# -- what is answered ------------------------------------------------------------------------------


def _todo(todo: Todo) -> Todo:
    if todo.kind not in KINDS:
        raise PluginFault(f"the kind of a Todo is none of {', '.join(KINDS)}")
    label, said = text(todo.label, "the label of a Todo"), text(todo.text, "the text of a Todo")
    return Todo(todo.kind, label, said, _url(todo.url))


def _entry(entry: Entry) -> Entry:
    if not isinstance(entry.day, date):
        raise PluginFault(f"the day of an Entry is {_a(entry.day)}, not a date")
    day = entry.day.date() if isinstance(entry.day, datetime) else entry.day
    return Entry(day, text(entry.title, "the title of an Entry"), _url(entry.url))


def _url(url: Any) -> str | None:
    if url is None or (isinstance(url, str) and re.fullmatch(r"/(?!/)[\x21-\x7e]*", url)):
        return url
    raise PluginFault("an address begins with / and stays in this house: please use url_for")


ANSWERED: dict[str, tuple[type, Callable[[Any], Any]]] = {
    "todo_items": (Todo, _todo), "resident_timeline": (Entry, _entry),
}


def answered(hook: str, value: Any) -> list[Any]:
    """What a reacting hook answered, as plain checked data; more than MOST_LINES are cut off. Raises PluginFault."""
    if hook not in ANSWERED:
        return []
    kind, check = ANSWERED[hook]
    return [check(each) for each in some(value, kind, MOST_LINES, hook)[:MOST_LINES]]
