"""What a list page shows, as plain data: prepared by Screen, drawn by `admin/list.html`."""
from __future__ import annotations

from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class RowAction:
    """A link (`method` GET) or a button that posts; `confirm` is the second question, naming the record."""

    label: str
    url: str
    method: str = "GET"
    confirm: str | None = None
    danger: bool = False
    reason: bool = False  # ask for a reason in the same dialog (作废)


@dataclass(frozen=True)
class Row:
    """One record: its id, its name for labels, a cell for each column, what can be done with it."""

    id: int
    label: str
    cells: list[str | Markup]
    actions: list[RowAction]

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
    asked = f' data-confirm="{escape(action.confirm)}" data-verb="{label}"' if action.confirm else ""
    reason = " data-reason" if action.reason else ""
    return f'<button{css} form="post" formaction="{url}"{asked}{reason} aria-label="{label} {name}">{label}</button>'


@dataclass(frozen=True)
class FilterField:
    """A filter above the list: `kind` is "select", "date" or "text"; `options` are (value, label)."""

    name: str
    label: str
    kind: str
    value: str
    options: list[tuple[str, str]] = field(default_factory=list)


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


@dataclass(frozen=True)
class BulkAction:
    """An action on the ticked rows; `confirm` may hold %(count)s for the number of rows."""

    name: str
    label: str
    confirm: str
    danger: bool = False
    reason: bool = False


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
