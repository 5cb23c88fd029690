"""One page of a list: its ids first, found through an index, then those rows with what the columns show.

The beginning of a list is counted off; its deep pages are found by their neighbours (`after`, `before`) or from the
end, so that the last page of five million rows costs what the first one does.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from core.admin import query as q
from core.admin.gate import visit
from core.admin.query import COUNTED, ListArguments
from core.areas.models import Area
from core.extensions import db

NEAR = 2_000  # rows from the beginning that each community is asked for


@dataclass(frozen=True)
class Found:
    """The rows of a page, how many there are in all (no further than COUNTED + 1), what lies beside the page.

    `steps` says whether the neighbours can be found by this page's first and last row.
    """

    rows: list[Any]
    total: int
    more_before: bool
    more_after: bool
    steps: bool


def page_of(screen: Any, ids: sa.Select, arguments: ListArguments) -> Found:
    """The page that is asked for: two statements, and those of the screen's own `extra_loads`."""
    order = q.columns_of(screen, arguments)
    steps = _one_way(order)
    anchored = steps and bool(arguments.after or arguments.before or arguments.end)
    found, total = _ids(ids, order, arguments, anchored)
    if anchored and not found:  # the record of an old link is gone: from the beginning, or by the number
        anchored = False
        found, total = _ids(ids, order, arguments, anchored)
    backwards = anchored and not arguments.after
    more, found = len(found) > arguments.size, found[:arguments.size]
    if backwards:
        found.reverse()
    first_page = not anchored and arguments.page < 2
    return Found(
        q.rows_of(screen, found, screen.shown_columns()), total, more if backwards else not first_page,
        bool(arguments.before) if backwards else more, steps,
    )


def _one_way(order: list[tuple[Any, bool]]) -> bool:
    """Whether one comparison of all columns says what comes next: all upwards or all downwards, none unknown."""
    return len({down for _column, down in order}) == 1 and not any(c.property.columns[0].nullable for c, _d in order)


def _ids(
    ids: sa.Select, order: list[tuple[Any, bool]], arguments: ListArguments, anchored: bool,
) -> tuple[list[int], int]:
    """One id more than the page holds, and the number of all, in one statement."""
    total = sa.select(sa.func.count()).select_from(ids.limit(COUNTED + 1).subquery()).scalar_subquery()
    start = 0 if anchored else (max(arguments.page, 1) - 1) * arguments.size
    asked = ids
    if anchored:
        if not arguments.after:
            order = [(column, not down) for column, down in order]
        if anchor := arguments.after or arguments.before:
            asked = asked.where(_beyond(order, anchor))
    page = _first(asked, order, start + arguments.size + 1)
    rows = db.session.execute(page.add_columns(total).limit(arguments.size + 1).offset(start)).all()
    if rows:
        return [row[0] for row in rows], rows[0][1]
    return [], 0 if start == 0 and not anchored else db.session.scalar(sa.select(total)) or 0


def _beyond(order: list[tuple[Any, bool]], anchor: int) -> Any:
    """What comes after this record in the order; a record of another community has no place in it."""
    columns = [column for column, _down in order]
    model = columns[0].class_
    near, there = sa.tuple_(*columns), sa.select(*columns).where(model.id == anchor).scalar_subquery()
    return near < there if order[0][1] else near > there


def _first(ids: sa.Select, order: list[tuple[Any, bool]], number: int) -> sa.Select:
    """The ids in their order.

    Above the communities PostgreSQL may sort every row of all of them; so each gives its first `number` from its
    own index, and those are sorted. Far pages are not found so; SQLite finds a way by itself.
    """
    by = [q.ordered(column, down) for column, down in order]
    model = order[0][0].class_
    near = number <= NEAR and len(order) > 1 and not visit().area.is_community
    if not near or db.session.get_bind().dialect.name != "postgresql":
        return ids.order_by(*by)
    own = ids.with_only_columns(*(c for c, _down in order)).where(model.community_id == Area.id)
    own = own.order_by(*by).limit(number).correlate(Area).lateral("own")
    below = sa.select(own.c.id).select_from(Area).join(own, sa.true())
    below = below.where(Area.path.startswith(visit().area.path, autoescape=True), Area.is_community)
    parts = [own.c[column.key].desc() if down else own.c[column.key].asc() for column, down in order]
    return below.order_by(*(p.nulls_last() if c.property.columns[0].nullable else p
                            for p, (c, _d) in zip(parts, order, strict=True)))
