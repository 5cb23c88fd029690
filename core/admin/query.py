"""From the address line of a list to one statement: parsed by type, clamped, never trusted."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy import inspect
from sqlalchemy.orm import joinedload
from werkzeug.datastructures import MultiDict

from core.admin.gate import visit
from core.admin.listing import FilterField
from core.admin.lookups import few, finds_people, living
from core.admin.values import field_at, private_label_of
from core.areas.tenancy import Deletable, Voidable
from core.extensions import db

PAGE_SIZES = (10, 20, 50, 100)
COUNTED = 10_000  # exact up to here, then "10,000+"
LONGEST_SEARCH = 60


def whole(text: str | None, low: int, high: int, default: int) -> int:
    """A whole number from the address line, clamped; anything else is the default."""
    if not text or not text.isascii() or not text.isdecimal() or len(text) > 12:
        return default
    return min(max(int(text), low), high)


def day(text: str | None) -> date | None:
    """An ISO day from the address line, None when it is none."""
    try:
        return date.fromisoformat(text) if text and len(text) == 10 else None
    except ValueError:
        return None


@dataclass(frozen=True)
class ListArguments:
    """What the reader asked for, after parsing."""

    page: int
    size: int
    sort: str | None
    descending: bool
    search: str
    filters: dict[str, str]
    bin: bool = False
    after: int | None = None  # the page that follows this record, precedes that one, or is the last: deep pages are
    before: int | None = None  # found by their neighbours, not by counting from the beginning; their number may be
    end: bool = False  # unknown then (`page` 0)
    usual_size: int = PAGE_SIZES[1]

    def query(self, **changes: Any) -> dict[str, Any]:
        """The address-line arguments with some changed; None leaves one out."""
        asked: dict[str, Any] = {
            **self.filters, "search": self.search or None, "sort": self.sort, "desc": 1 if self.descending else None,
            "size": self.size if self.size != self.usual_size else None, "page": self.page if self.page > 1 else None,
            "bin": 1 if self.bin else None, **changes,
        }
        return {k: v for k, v in asked.items() if v not in (None, "")}


def read_arguments(screen: Any, args: MultiDict[str, str]) -> ListArguments:
    """Parse the address line for this screen; what it does not know is left aside."""
    usual = screen.usual_size()
    size = whole(args.get("size"), 1, 100, usual)
    sort = args.get("sort")
    names = [n for f in usable_filters(screen) for n in filter_names(screen, f)]
    after, before = (whole(args.get(name), 0, 2**53, 0) or None for name in ("after", "before"))
    end = args.get("end") == "1"
    return ListArguments(
        page=whole(args.get("page"), 1, 10**9, 0 if after or before or end else 1), after=after, before=before, end=end,
        size=size if size in PAGE_SIZES else usual,
        sort=sort if sort in sortable(screen) else None, descending=args.get("desc") == "1",
        search=args.get("search", "").replace("\x00", "").strip()[:LONGEST_SEARCH] if screen.searches() else "",
        filters={n: v[:60] for n in names if (v := args.get(n, "").replace("\x00", "").strip())},
        bin=args.get("bin") == "1" and issubclass(screen.model, Deletable), usual_size=usual,
    )


def usable_filters(screen: Any) -> list[str]:
    """The filters that the person may use: one by a private value would tell who is there."""
    if visit().access.sees_names:
        return list(screen.filter_by)
    return [name for name in screen.filter_by if name == "voided" or not _tells_names(screen, name)]


def _tells_names(screen: Any, name: str) -> bool:
    if name in screen.special_filters:
        return False
    mapper = inspect(screen.model)
    if name in mapper.relationships:
        target = mapper.relationships[name].mapper.class_
        return private_label_of(target) is not None or finds_people(target)
    return bool(mapper.column_attrs[name].columns[0].info.get("private"))


def filter_names(screen: Any, name: str) -> list[str]:
    """A day has two filters (from, to), everything else one."""
    column = inspect(screen.model).column_attrs.get(name)
    if isinstance(screen.special_filters.get(name), DaysFilter) or (
            column is not None and isinstance(column.columns[0].type, sa.Date)):
        return [f"{name}_from", f"{name}_to"]
    return [name]


def sortable(screen: Any) -> set[str]:
    """Columns of the table itself can be sorted; others only where the screen says how (`sort_by`).

    Those who see names masked cannot sort by them: the order would tell them.
    """
    own = {c.key: c.columns[0] for c in inspect(screen.model).column_attrs}
    ready = {name.removeprefix("-") for name in screen.default_order} | _indexed(screen.model)
    known = {name for name, column in own.items() if not column.info.get("private") and name in ready}
    found = {c for c in screen.choosable() if c in screen.sort_by or c in known}
    if visit().access.sees_names:
        return found
    return {c for c in found if not any(_tells(screen.model, n) for n in screen.sort_by.get(c, (c,)))}


def _tells(model: type, name: str) -> bool:
    """Whether an order by this column would tell names."""
    return bool(inspect(model).column_attrs[name.removeprefix("-")].columns[0].info.get("private"))


def _indexed(model: type) -> set[str]:
    """What can be sorted by at once; master data are few and may be sorted by anything."""
    if issubclass(model, Deletable):
        return {c.key for c in model.__table__.columns}
    return {index.columns[1].key for index in model.__table__.indexes
            if len(index.columns) > 1 and index.columns[0].key == "community_id"}


def listed_ids(screen: Any, arguments: ListArguments) -> sa.Select:
    """The ids that the list shows, unordered: filters and search, on the driving table only."""
    model = screen.model
    ids = sa.select(model.id)
    if issubclass(model, Deletable):
        ids = ids.where(model.deleted_at.is_not(None) if arguments.bin else model.deleted_at.is_(None))
    if issubclass(model, Voidable) and "voided" in screen.filter_by:
        voided = arguments.filters.get("voided", "no")
        if voided != "all":
            ids = ids.where(model.voided_at.is_not(None) if voided == "yes" else model.voided_at.is_(None))
    for name in usable_filters(screen):
        for condition in _conditions(screen, name, arguments.filters):
            ids = ids.where(condition)
    if arguments.search:
        ids = ids.where(sa.or_(*(_search(model, path, arguments.search) for path in screen.search_by)))
    return ids


def _conditions(screen: Any, name: str, filters: dict[str, str]) -> list[Any]:
    model = screen.model
    if name == "voided":
        return []
    if name in screen.special_filters:
        special, value = screen.special_filters[name], filters.get(name)
        if isinstance(special, DaysFilter):
            start, end = _span(name, filters)
            return [special.condition(start, end)] if start or end else []
        known = value and value in {option for option, _label in special.options()}
        return [special.condition(value)] if known else []
    mapper = inspect(model)
    if name in mapper.relationships:
        column = getattr(model, next(iter(mapper.relationships[name].local_columns)).key)
        value = filters.get(name)
        return [column == whole(value, 0, 2**62, -1)] if value else []
    column = getattr(model, name)
    if isinstance(column.type, sa.Date):
        start, end = _span(name, filters)
        return [c for c in (start and column >= start, end and column <= end) if c is not None]
    value = filters.get(name)
    if not value:
        return []
    if isinstance(column.type, sa.Enum):
        values = {m.value: m for m in column.type.enum_class}
        return [column == values[value]] if value in values else []
    if isinstance(column.type, sa.Boolean):
        return [column.is_(value == "1")] if value in ("0", "1") else []
    if isinstance(column.type, sa.Integer):
        return [column == whole(value, 0, 2**31 - 1, -1)]
    if not isinstance(column.type, sa.String):
        return []
    return [column == value]


def _span(name: str, filters: dict[str, str]) -> tuple[date | None, date | None]:
    return day(filters.get(f"{name}_from")), day(filters.get(f"{name}_to"))


def _search(model: type, path: str, text: str) -> Any:
    """Resolve a path to ids first, then filter by ids (a join would turn the plan around)."""
    head, _dot, rest = path.partition(".")
    mapper = inspect(model)
    if head in mapper.relationships:
        target = mapper.relationships[head].mapper.class_
        own = getattr(model, next(iter(mapper.relationships[head].local_columns)).key)
        condition = _search(target, rest, text) if rest else target.matches(text)
        return own.in_(sa.select(target.id).where(condition))
    if head == "matches":
        return model.matches(text)
    return getattr(model, head).contains(text, autoescape=True)


def searches_people(model: type, path: str) -> bool:
    """Whether a search path ends at somebody's name, phone or number."""
    for step in path.split("."):
        relation = inspect(model).relationships.get(step)
        if relation is None:
            column = inspect(model).column_attrs.get(step)
            return column is None or bool(column.columns[0].info.get("private"))
        model = relation.mapper.class_
    return True


def rows_of(screen: Any, ids: list[int], columns: tuple[str, ...] = ()) -> list[Any]:
    """The rows of these ids, in their order, with the relations that the columns show."""
    paths = dict.fromkeys((*screen.shown_paths(), *(c for c in columns if c not in screen.column_list)))
    loads = [_load(screen.model, path) for path in paths if "." in path or _is_relation(screen, path)]
    query = sa.select(screen.model).where(screen.model.id.in_(ids)).options(*loads, *screen.extra_loads())
    rows = {row.id: row for row in db.session.scalars(query).unique()}
    return [rows[i] for i in ids if i in rows]


def _is_relation(screen: Any, path: str) -> bool:
    return path in inspect(screen.model).relationships


def _load(model: type, path: str) -> Any:
    option = None
    for step in path.split("."):
        relation = inspect(model).relationships.get(step)
        if relation is None:
            break
        attribute = getattr(model, step)
        option = option.joinedload(attribute) if option else joinedload(attribute)
        model = relation.mapper.class_
    return option


def order_of(screen: Any, arguments: ListArguments) -> list[Any]:
    """The order asked for, else the screen's own, as ORDER BY; what is not known comes last, upwards and downwards."""
    return [ordered(column, down) for column, down in columns_of(screen, arguments)]


def columns_of(screen: Any, arguments: ListArguments) -> list[tuple[Any, bool]]:
    """(column, downwards) of the order, made total by the id, which follows the first: one index serves both ways."""
    names = [f"{'-' * arguments.descending}{c}" for c in screen.sort_by.get(arguments.sort, (arguments.sort,))] \
        if arguments.sort else _usual_order(screen) or ["-id"]
    return [(getattr(screen.model, name.removeprefix("-")), name.startswith("-"))
            for name in dict.fromkeys((*names, f"{'-' * names[0].startswith('-')}id"))]


def _usual_order(screen: Any) -> list[str]:
    """The screen's own order, without what would tell names to those who see them masked."""
    sees_names = visit().access.sees_names
    return [name for name in screen.default_order if sees_names or not _tells(screen.model, name)]


def ordered(column: Any, down: bool) -> Any:
    """One part of an ORDER BY."""
    told = column.desc() if down else column.asc()
    return told.nulls_last() if column.property.columns[0].nullable else told


def filter_fields(screen: Any, arguments: ListArguments) -> list[FilterField]:
    """The filters above the list, with what is set now."""
    fields = []
    for name in usable_filters(screen):
        if name == "voided":
            fields.append(_select("voided", _("State"), arguments, [("", _("Valid")), ("yes", _("Voided")),
                                                                    ("all", _("All"))]))
            continue
        if name in screen.special_filters:
            special = screen.special_filters[name]
            if isinstance(special, DaysFilter):
                fields += _days(name, str(special.label), arguments)
                continue
            fields.append(_select(name, special.label, arguments, [("", _("All")), *special.options()]))
            continue
        fields += _field(screen, name, arguments)
    return fields


def _field(screen: Any, name: str, arguments: ListArguments) -> list[FilterField]:
    label = str(field_at(screen.model, name).label)
    mapper = inspect(screen.model)
    if name in mapper.relationships:
        return [_reference(screen, name, label, arguments)]
    kind = mapper.column_attrs[name].columns[0].type
    if isinstance(kind, sa.Date):
        return _days(name, label, arguments)
    if isinstance(kind, sa.Enum):
        options = [(m.value, str(m.label)) for m in kind.enum_class]
    elif isinstance(kind, sa.Boolean):
        options = [("1", _("Yes")), ("0", _("No"))]
    else:
        return [FilterField(name, label, "text", arguments.filters.get(name, ""))]
    return [_select(name, label, arguments, [("", _("All")), *options])]


def _days(name: str, label: str, arguments: ListArguments) -> list[FilterField]:
    start, end = (arguments.filters.get(f"{name}_{which}", "") for which in ("from", "to"))
    return [FilterField(f"{name}_from", _("%(label)s from", label=label), "date", start),
            FilterField(f"{name}_to", _("to"), "date", end)]


def filter_target(screen: Any, name: str) -> type | None:
    """What a filter of the list refers to; None where it is no reference, or where the person has no such filter."""
    relation = inspect(screen.model).relationships.get(name) if name in usable_filters(screen) else None
    return None if relation is None else relation.mapper.class_


def _reference(screen: Any, name: str, label: str, arguments: ListArguments) -> FilterField:
    """A drop-down of all choices; a look-up where they are too many for one, or where the screen says so."""
    target, value = filter_target(screen, name), arguments.filters.get(name, "")
    rows = None if name in screen.looked_up else few(target)
    if rows is not None:
        return _select(name, label, arguments, [("", _("All")), *((str(r.id), r.label) for r in rows)])
    chosen = db.session.scalar(living(target).where(target.id == whole(value, 0, 2**62, -1))) if value else None
    return FilterField(name, label, "lookup", value, [(str(chosen.id), chosen.label)] if chosen else [],
                       screen.get_url(".ajax_lookup", name=name, filter=1))


def _select(name: str, label: Any, arguments: ListArguments, options: list[tuple[str, str]]) -> FilterField:
    return FilterField(name, str(label), "select", arguments.filters.get(name, ""),
                       [(v, str(text)) for v, text in options])


@dataclass(frozen=True)
class SpecialFilter:
    """A filter that is no column: its label, its options, and the condition for a chosen value."""

    label: Any
    options: Any
    condition: Any


@dataclass(frozen=True)
class DaysFilter:
    """A filter by days in no column of the list's model: its label, and the condition from a day to a day (or None)."""

    label: Any
    condition: Any
