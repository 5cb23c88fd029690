"""The list of a screen: what it shows, and what can be done with its rows."""
from __future__ import annotations

from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from core.admin import query as q
from core.admin.gate import visit
from core.admin.listing import Chip, Column, FilterField, Listing, PageLink, Row, RowAction, Tool
from core.admin.paging import Found, page_of
from core.admin.query import ListArguments
from core.admin.values import NONE
from core.areas.tenancy import Deletable, Voidable


class ListPages:
    """The list page; a screen overrides what it draws otherwise."""

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """The list; without any argument it opens with the person's usual filter."""
        if not request.args and (usual := self.opening_url()):
            return redirect(usual)
        arguments = q.read_arguments(self, request.args)
        found = page_of(self, q.listed_ids(self, arguments), arguments)
        self.prepare(found.rows)
        return self.render("admin/list.html", listing=self.listing(arguments, found))

    def prepare(self, rows: list[Any]) -> None:
        """Load for all rows of a page at once what its cells need beyond the columns."""

    def listing(self, arguments: ListArguments, found: Found) -> Listing:
        """The whole list page as data."""
        above, columns = not visit().area.is_community, self.shown_columns()
        filters = q.filter_fields(self, arguments)
        kept = arguments.query(page=None)
        named = {} if arguments.bin else arguments.query(page=None, size=None)
        return Listing(
            title=str(self.title) if not arguments.bin else _("%(title)s: recycle bin", title=self.title),
            count_text=count_text(found.total), columns=self._heads(arguments, above, columns),
            rows=[self._row(row, above, arguments, columns) for row in found.rows], tools=self.tools(arguments),
            filters=filters, search=arguments.search,
            search_hint=str(self.search_hint or self.search_words()) if self.searches() else None,
            pages=self._pages(arguments, found), page_sizes=[
                PageLink(str(n), self._url(arguments, size=n, page=None), n == arguments.size) for n in q.PAGE_SIZES
                if found.total > q.PAGE_SIZES[0]
            ], bulk=self.bulk_actions(arguments), bulk_url=self.get_url(".action_view"),
            filtered=bool(arguments.search or arguments.filters), clear_url=self._clear_url(arguments),
            empty_text=self._empty_text(arguments), quick=self.quick_filters(), saved=self.saved_links(arguments),
            hidden=[(k, str(v)) for k, v in kept.items() if k in ("sort", "desc", "size", "bin")],
            note=self.note(), chips=self._chips(arguments, filters), lost=self.lost_conditions(), bin=arguments.bin,
            filters_url=self.get_url(".filters_view", **named) if named or self.saved_filters() else None,
            can_save=bool(named),
            columns_url=self.get_url(".columns_view"), refresh_url=self._url(arguments),
            ticked_export_url=self.get_url(".export", export_type="xlsx", **kept) if self.allows("export") else None,
        )

    def search_words(self) -> str:
        """What the search looks at, in the words of its fields."""
        labels = [str(self.field(path).label) for path in self.search_by if path != "matches"]
        return "、".join(labels) or _("Search")

    def _clear_url(self, arguments: ListArguments) -> str:
        return self.get_url(".index_view", bin=1) if arguments.bin else self.everything_url()

    def _chips(self, arguments: ListArguments, filters: list[FilterField]) -> list[Chip]:
        """What is set, in words."""
        chips = [Chip(_("Search"), arguments.search, self._without(arguments, search=None))] \
            if arguments.search else []
        for each in filters:
            if each.value:
                known = dict(each.options)
                text = known.get(each.value, _("(not here)")) if each.kind in ("select", "lookup") else each.value
                chips.append(Chip(each.label, text, self._without(arguments, **{each.name: None})))
        return chips

    def _without(self, arguments: ListArguments, **changes: Any) -> str:
        """The list with one condition less; with the last one gone, past the filter with which it opens."""
        asked = arguments.query(page=None, **changes)
        return self.get_url(".index_view", **asked) if asked else self.everything_url()

    def note(self) -> str | None:
        """A sentence under the title."""
        if not visit().area.is_community:
            return _("All communities below, read only")
        return None

    def quick_filters(self) -> list[PageLink]:
        """常用: ready-made filters."""
        return []

    def _empty_text(self, arguments: ListArguments) -> str:
        if arguments.search or arguments.filters:
            return _("Nothing matches. Please change or clear the filters.")
        if arguments.bin:
            return _("The recycle bin is empty.")
        if not visit().area.is_community:
            return _("The communities below have no records yet.")
        return str(self.empty_text or _("There is nothing here yet."))

    def _heads(self, arguments: ListArguments, above: bool, columns: tuple[str, ...]) -> list[Column]:
        heads = [Column("community", _("Community"), lead=True)] if above else []
        can_sort = q.sortable(self)
        for number, path in enumerate(columns):
            here, field = arguments.sort == path, self.field(path)
            url = self._url(arguments, sort=path, desc=1 if here and not arguments.descending else None, page=None)
            heads.append(Column(
                path, str(field.label), field.numeric, number < self.lead_columns, url if path in can_sort else None,
                ("desc" if arguments.descending else "asc") if here else None, field.bare or field.numeric,
            ))
        return heads

    def _row(self, record: Any, above: bool, arguments: ListArguments, columns: tuple[str, ...]) -> Row:
        return Row(record.id, self.record_label(record), self.cells(record, above, columns),
                   self.row_actions(record, arguments.bin), getattr(record, "voided_at", None) is not None)

    def cells(self, record: Any, above: bool, columns: tuple[str, ...]) -> list[str | Markup]:
        """A record's values under these columns; above a community its community stands first."""
        names = {a.id: a.name for a in visit().areas} if above else {}
        return [*([names.get(record.community_id, NONE)] if above else []), *(self.cell(c, record) for c in columns)]

    def row_actions(self, record: Any, in_bin: bool = False) -> list[RowAction]:
        """What can be done with one record."""
        if not visit().area.is_community:
            return []
        if in_bin:
            return [RowAction(_("Restore"), self.record_url(".restore_view", record), "POST")] \
                if self.allows("void") else []
        actions = [RowAction(_("View"), self.record_url(".details_view", record))]
        if self.allows("edit") and not isinstance(record, Voidable):
            actions.append(RowAction(_("Edit"), self.record_url(".edit_view", record)))
        return actions + self._removing(record)

    def _removing(self, record: Any) -> list[RowAction]:
        if not self.allows("void"):
            return []
        name = self.record_label(record)
        if isinstance(record, Voidable):
            if record.voided_at is not None:
                return []
            return [RowAction(_("Void"), self.record_url(".void_view", record), "POST",
                              _("Void “%(name)s”? It stays in the list, marked as void.", name=name), True, True)]
        if isinstance(record, Deletable):
            return [RowAction(_("Delete"), self.record_url(".delete_view", record), "POST",
                              _("Delete “%(name)s”? It goes to the recycle bin.", name=name), True)]
        return []

    def tools(self, arguments: ListArguments) -> list[Tool]:
        """The toolbar: 新增 / 导入 / 导出, then 回收站."""
        tools = []
        if self.allows("create") and not arguments.bin:
            tools.append(Tool(_("New"), self.get_url(".create_view"), primary=True, icon="plus"))
        if self.allows("export"):
            tools.append(self._export_tool(arguments))
        if issubclass(self.model, Deletable) and self.allows("void"):
            tools.append(Tool(_("Back to the list"), self.get_url(".index_view"), icon="list") if arguments.bin else
                         Tool(_("Recycle bin"), self.get_url(".index_view", bin=1), icon="trash"))
        return tools

    def _export_tool(self, arguments: ListArguments) -> Tool:
        """导出: what the list shows, or every column that it could show."""
        asked = arguments.query(page=None, size=None)
        offers = [("xlsx", None, _("Excel, these columns")), ("xlsx", "all", _("Excel, all columns")),
                  ("csv", None, _("CSV, these columns")), ("csv", "all", _("CSV, all columns"))]
        urls = [(label, self.get_url(".export", export_type=kind, **asked, **({"columns": which} if which else {})))
                for kind, which, label in offers if which is None or self.choosable() != self.shown_columns()]
        return Tool(_("Export"), "", icon="export", choices=tuple(Tool(text, url, post=True) for text, url in urls))

    def _url(self, arguments: ListArguments, **changes: Any) -> str:
        return self.get_url(".index_view", **arguments.query(**changes))

    def _pages(self, arguments: ListArguments, found: Found) -> list[PageLink]:
        if found.total > q.COUNTED and found.steps and found.rows:
            return self._neighbours(arguments, found)
        last = max(1, -(-found.total // arguments.size))
        here = max(arguments.page, 1)
        near = sorted({1, last, *range(max(1, here - 1), min(last, here + 1) + 1)})
        links: list[PageLink] = []
        for before, number in zip([0, *near], near, strict=False):
            if number - before > 1:
                links.append(PageLink("…", None))
            links.append(PageLink(str(number), self._url(arguments, page=number), number == here))
        return links if last > 1 else []

    def _neighbours(self, arguments: ListArguments, found: Found) -> list[PageLink]:
        """First, before, here, after, last: the pages of a list too long to be counted, found by their neighbours."""
        here, first, last = arguments.page, found.rows[0].id, found.rows[-1].id
        links = [PageLink("1", self._url(arguments, page=None), not found.more_before)]
        if found.more_before:
            step = {"page": None} if here == 2 else {"page": here - 1 if here else None, "before": first}
            links.append(PageLink("‹", self._url(arguments, **step)))
            links.append(PageLink(str(here) if here else "…", None, bool(here)))
        if found.more_after:
            links.append(PageLink("›", self._url(arguments, page=here + 1 if here else None, after=last)))
        return [*links, PageLink(_("Last page"), self._url(arguments, page=None, end=1), not found.more_after)]


def count_text(total: int) -> str:
    """共 N 条, exact to 10,000."""
    if total > q.COUNTED:
        return _("More than %(num)s records", num=f"{q.COUNTED:,}")
    return ngettext("%(num)s record", "%(num)s records", total)
