"""What a list page shows, as plain data: prepared by Screen, drawn by `admin/list.html`."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from markupsafe import Markup, escape

MOST_INLINE = 3  # actions beside each other in a row; of more, two stay and the others fold away


@dataclass(frozen=True)
class Column:
    """One column head. `numeric` aligns right; `lead` stays visible on a phone card."""

    name: str
    label: str
    numeric: bool = False
    lead: bool = False
    sort_url: str | None = None
    sorted: str | None = None  # "asc", "desc" or None
    bare: bool = False  # a value that needs its label beside it on a phone: a number, a day, an hour


@dataclass(frozen=True)
class RowAction:
    """A link (`method` GET) or a button that posts; `confirm` is the second question, naming the record.

    The `primary` one is the red button of the record's own page: what one opens it for.
    """

    label: str
    url: str
    method: str = "GET"
    confirm: str | None = None
    danger: bool = False
    reason: bool = False  # ask for a reason in the same dialog (作废)
    primary: bool = False


@dataclass(frozen=True)
class Row:
    """One record: its id, its name for labels, a cell for each column, what can be done with it."""

    id: int
    label: str
    cells: list[str | Markup]
    actions: list[RowAction]
    void: bool = False  # drawn as crossed out

    @property
    def acts(self) -> Markup:
        """What can be done with it as one piece of the page: half of a list's time went into drawing it by macros."""
        name, actions = escape(self.label), self.actions
        if len(actions) <= MOST_INLINE:
            return Markup("".join(_drawn(action, name) for action in actions))
        inline, folded = ("".join(_drawn(a, name) for a in part) for part in (actions[:2], actions[2:]))
        more, about = escape(_("More")), escape(_("More actions for %(name)s", name=self.label))
        fold = f'<details class="pop end"><summary aria-label="{about}">{more}</summary>'
        return Markup("".join((inline, fold, '<div class="pop-panel">', folded, "</div></details>")))


def _drawn(action: RowAction, name: Markup) -> str:
    """A link, or a button of the page's one posting form; `name` is escaped already."""
    url, label = escape(action.url), escape(action.label)
    css = ' class="danger"' if action.danger else ""
    if action.method == "GET":
        return f'<a{css} href="{url}" aria-label="{label} {name}">{label}</a>'
    ask = "ask-why" if action.reason else "ask"
    asked = f' name="{ask}" value="{escape(action.confirm)}" data-verb="{label}"' if action.confirm else ""
    return f'<button{css} form="post" formaction="{url}"{asked} aria-label="{label} {name}">{label}</button>'


@dataclass(frozen=True)
class FilterField:
    """A filter above the list: `kind` is "select", "date", "text" or "lookup"; `options` are (value, label).

    A look-up asks `lookup_url`; its options are only what is chosen.
    """

    name: str
    label: str
    kind: str
    value: str
    options: list[tuple[str, str]] = field(default_factory=list)
    lookup_url: str = ""


@dataclass(frozen=True)
class PageLink:
    """A link of the pager; `url` is None for the current page and for gaps ("…")."""

    label: str
    url: str | None
    current: bool = False


@dataclass(frozen=True)
class Tool:
    """A button of the toolbar (新增 / 导入 / 导出 …); at most one is `primary`."""

    label: str
    url: str
    primary: bool = False
    icon: str | None = None
    post: bool = False
    choices: tuple[Tool, ...] = ()  # a small menu of its own (导出)


@dataclass(frozen=True)
class Chip:
    """A filter that is set: its label and value in words, and the address without it."""

    label: str
    text: str
    url: str


@dataclass(frozen=True)
class BulkAction:
    """An action on the ticked rows; `confirm` may hold %(count)s for the number of rows.

    `needs` is the action of the role that may do it; `in_bin`: offered in the recycle bin instead of the list.
    """

    name: str
    label: Any
    confirm: Any
    danger: bool = False
    reason: bool = False
    needs: str = "void"
    in_bin: bool = False


@dataclass(frozen=True)
class Listing:
    """A whole list page."""

    title: str
    count_text: str  # "共 186 条"
    columns: list[Column]
    rows: list[Row]
    tools: list[Tool]
    filters: list[FilterField]
    search: str
    search_hint: str | None  # None: no search
    pages: list[PageLink]
    page_sizes: list[PageLink]
    bulk: list[BulkAction]
    bulk_url: str
    filtered: bool  # some filter or search is set
    clear_url: str
    empty_text: str  # what an empty list says to do next
    hidden: list[tuple[str, str]] = field(default_factory=list)  # query kept by the filter form
    quick: list[PageLink] = field(default_factory=list)  # 常用: ready-made filters
    note: str | None = None  # a sentence under the title
    chips: list[Chip] = field(default_factory=list)  # what is set, each with the way out
    lost: list[str] = field(default_factory=list)  # sentences on conditions that are not there any more
    saved: list[PageLink] = field(default_factory=list)  # the person's own filters
    filters_url: str | None = None  # where they are named and managed; None: there is nothing to name or manage
    can_save: bool = False  # something is set that could be named
    columns_url: str | None = None  # 列设置
    refresh_url: str | None = None
    ticked_export_url: str | None = None  # where the ticked rows are exported
    bin: bool = False
