"""Between a plugin's settings form and the JSON that is stored: days and amounts are ISO strings."""
from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any

import wtforms as wt
from werkzeug.datastructures import MultiDict


def to_json(value: Any) -> Any:
    """A checked form value as JSON keeps it."""
    if isinstance(value, dict):
        return {str(key): to_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set):
        return [to_json(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def filled(form_class: type[wt.Form], stored: dict[str, Any]) -> wt.Form:
    """The form with what was stored, as if a browser had sent it; a new field keeps its default."""
    if not stored:
        return form_class()
    plain = form_class()
    values = {name: to_json(field.data) for name, field in plain._fields.items() if name != "csrf_token"} | stored
    return form_class(MultiDict(pair for name, value in values.items() for pair in _inputs(name, value)))


def _inputs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """(input, text) pairs, those of nested forms and lists under WTForms' names (tiers-0-amount)."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _inputs(f"{name}-{key}", each)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _inputs(f"{name}-{number}" if isinstance(each, dict) else name, each)
    elif value is True:
        yield name, "y"
    elif value is not None and value is not False:
        yield name, str(value)
