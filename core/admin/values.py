"""What a field of a record is called and how its value is shown; masking happens here, once."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import inspect
from sqlalchemy.orm import RelationshipProperty

from core.areas.tenancy import TenantModel, model_of
from core.clock import beijing
from core.extensions import Choice, Moment, Money
from core.residents.masking import mask_identity, mask_name, mask_phone, mask_text

NONE = "—"
MASKS: dict[str, Callable[[str], str]] = {
    "name": mask_name, "identity": mask_identity, "phone": mask_phone, "note": mask_text, "text": mask_text,
    "house": lambda _text: "*", "birth": lambda text: f"{text[:4]}-**-**",
}
SHOWN_TO_RECORD_KEEPERS = frozenset({"name", "birth", "house"})  # the rest only one at a time, with a reason


@dataclass(frozen=True)
class Field:
    """A path from a record ("diner.resident.name") with what its last column says about itself."""

    path: str
    label: Any
    private: str | None
    numeric: bool
    bare: bool = False  # a number, a day or an hour: unclear without its label

    def value(self, record: Any) -> Any:
        """The value at the end of the path, None where a step is empty."""
        for step in self.path.split("."):
            record = getattr(record, step) if record is not None else None
        return record

    def shown(self, record: Any, sees_names: bool) -> str:
        """The value as text, masked as the reader's rights ask."""
        value = self.value(record)
        private = self.private or private_label(value)
        text = show(value)
        if value in (None, "") or not private or (sees_names and private in SHOWN_TO_RECORD_KEEPERS):
            return text
        return MASKS[private](text)


def field_at(model: type, path: str) -> Field:
    """Look a path up; labels and masks come from the column's `info`."""
    *steps, last = path.split(".")
    for step in steps:
        model = inspect(model).relationships[step].mapper.class_
    attribute = inspect(model).all_orm_descriptors.get(last)
    prop = getattr(attribute, "property", None)
    info = dict(prop.info if isinstance(prop, RelationshipProperty) else getattr(attribute, "info", {}))
    if isinstance(prop, RelationshipProperty):
        info["bare"] = prop.uselist
    elif prop is not None:
        info = dict(prop.columns[0].info)
        info.setdefault("numeric", isinstance(prop.columns[0].type, Money))
        info["bare"] = isinstance(prop.columns[0].type, Money | Moment | sa.Numeric | sa.Integer | sa.Date | sa.Time)
    bare = info.get("numeric") or info.get("bare") or not hasattr(model, last)  # what a screen computes itself
    return Field(path, info.get("label") or LABELS.get(last, last), info.get("private"), bool(info.get("numeric")),
                 bool(bare))


def is_there(model: type, path: str) -> bool:
    """Whether a path can be followed from this model to an attribute."""
    *steps, last = path.split(".")
    for step in steps:
        relation = inspect(model).relationships.get(step)
        if relation is None:
            return False
        model = relation.mapper.class_
    return hasattr(model, last)


LABELS = {
    "address": _l("Address"), "age": _l("Age"), "id": _l("No."), "label": _l("Name"), "voided_at": _l("Voided at"),
    "voided_by": _l("Voided by"), "void_reason": _l("Reason for voiding"), "deleted_at": _l("Deleted at"),
    "deleted_by": _l("Deleted by"), "community_id": _l("Community"),
}


def private_label(value: Any) -> str | None:
    """Whether the label of a record is somebody's name: "name", or None.

    Without a word of the model itself, a label of its own making counts as a name where the model refers to
    somebody: a diner's label is the resident's name, though no column of the diner says so.
    """
    return private_label_of(type(value)) if isinstance(value, TenantModel) else None


@cache
def private_label_of(model: type[TenantModel]) -> str | None:
    """The same for every record of a model."""
    if hasattr(model, "label_private"):
        return model.label_private
    if model.label is TenantModel.label:
        return None
    targets = {c.info["references"] for c in model.__table__.columns if c.info.get("references")}
    labels = (private_label_of(model_of(t)) for t in targets if t != model.__tablename__)
    return next((label for label in labels if label), None)


def show(value: Any) -> str:
    """A value as the office writes it: — for none, 2026-01-02, 12.50, 是."""
    if value is None or value == "":
        return NONE
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, Choice):
        return str(value.label)
    if isinstance(value, datetime):
        return beijing(value).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    if isinstance(value, list):
        return "、".join(show(v) for v in value) or NONE
    return str(getattr(value, "label", value))
