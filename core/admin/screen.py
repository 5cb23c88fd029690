"""Screen: the only ModelView; what it repairs in Flask-Admin is listed in docs/screen.md."""
from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import quote

import sqlalchemy as sa
import wtforms as wt
from flask import Response, abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_admin.contrib.sqla import ModelView
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from core.accounts.sign_in import log_event
from core.admin import query as q
from core.admin.forms import MOST_IN_LIST, ReferenceField, form_for, living
from core.admin.gate import visit
from core.admin.listing import BulkAction, Column, Listing, PageLink, Row, RowAction, Tool
from core.admin.page import ABOVE, COMMUNITY, Access
from core.admin.query import ListArguments, SpecialFilter
from core.admin.saving import (
    Stale,
    clean_reason,
    commit,
    create_once,
    put_in_bin,
    restore,
    save_changes,
    send_to_bin,
    void,
)
from core.admin.values import NONE, Field, field_at, is_there, private_label, private_label_of, show
from core.areas.tenancy import Deletable, Voidable
from core.audit.models import Deed
from core.audit.trail import note_deed
from core.clock import now, today
from core.errors import ValidationError
from core.exchange.writer import write_csv, write_table
from core.extensions import db

MOST_EXPORTED = 200_000


class Screen(Access, ModelView):
    """A table of a plugin or of the core, with everything that is the same for all of them.

    Declare `model`, `slug`, `title`, `column_list` and, where wanted, `filter_by`, `search_by`,
    `form_columns` (none: nothing is typed here), `sort_by`, `default_order`, `detail_list`.
    Methods `cell_<path with _>` may draw a column, `save` may replace how a form fills a record.
    """

    model: ClassVar[type]
    levels = frozenset({COMMUNITY, ABOVE})
    needs = {
        "create_view": "create", "edit_view": "edit", "delete_view": "void", "restore_view": "void",
        "void_view": "void", "action_view": "void", "reveal_view": "reveal", "export": "export",
        "ajax_lookup": "view",
    }
    column_list: ClassVar[tuple[str, ...]] = ()
    lead_columns: ClassVar[int] = 3  # how many stay visible on a phone
    column_labels: ClassVar[dict[str, Any]] = {}
    filter_by: ClassVar[tuple[str, ...]] = ()
    special_filters: ClassVar[dict[str, SpecialFilter]] = {}
    search_by: ClassVar[tuple[str, ...]] = ()
    search_hint: ClassVar[Any] = None
    sort_by: ClassVar[dict[str, tuple[str, ...]]] = {}
    default_order: ClassVar[tuple[str, ...]] = ()
    detail_list: ClassVar[tuple[str, ...]] = ()
    form_columns: ClassVar[tuple[str, ...]] = ()
    empty_text: ClassVar[Any] = None
    can_view_details = True

    def __init__(self, plugin: str) -> None:
        """Named and addressed after its plugin and slug."""
        self.plugin = plugin
        self._fields: dict[str, Field] = {}
        super().__init__(self.model, db, name=str(self.slug), endpoint=f"{plugin}_{self.slug.replace('-', '_')}",
                         url=f"{plugin}/{self.slug}")

    # -- what is possible here ---------------------------------------------------------------

    def actions(self) -> set[str]:
        """The actions that mean something for this model."""
        known = {"view", "export"}
        if self.form_columns or self.form_extra_fields:
            known |= {"create", "edit"}
        if issubclass(self.model, Deletable | Voidable):
            known.add("void")
        if any(f.private for f in self._details_fields()):
            known.add("reveal")
        return known

    def writable(self) -> bool:
        """Whether records are written here: in a community, not above it, nor in a closed one."""
        return visit().area.is_community

    def allows(self, action: str) -> bool:
        """Whether this person may do this with records of this screen, here and now."""
        if action not in self.actions() or not self.may(action):
            return False
        return action in ("view", "export") or (self.writable() and (action == "reveal" or self.knows_them()))

    def knows_them(self) -> bool:
        """Whether the person may write about those whom the records name: forms and refusals say names in full."""
        relations = sa.inspect(self.model).relationships
        named = [self.model, *(relations[name].mapper.class_ for name in self.form_columns if name in relations)]
        return visit().access.sees_names or not any(private_label_of(model) for model in named)

    def _handle_view(self, name: str, **kwargs: Any) -> ResponseReturnValue | None:
        answer = super()._handle_view(name, **kwargs)
        action = self.needs.get(name, "view")
        if answer is None and not self.allows(action):
            abort(403 if action in self.actions() else 404)
        return answer

    def check_declaration(self) -> None:
        """Every path, filter, order and search of the declaration must be there."""
        super().check_declaration()
        for path in (*self.column_list, *self.detail_list):
            if not hasattr(self, f"cell_{path.replace('.', '_')}") and not is_there(self.model, path):
                raise AttributeError(path)
        for name in (*self.filter_by, *self.form_columns):
            if name not in self.special_filters and name != "voided" and not hasattr(self.model, name):
                raise AttributeError(name)
        for name in (*self.default_order, *(column for columns in self.sort_by.values() for column in columns)):
            getattr(self.model, name.removeprefix("-"))
        for path in self.search_by:
            q.searches_people(self.model, path)

    def is_action_allowed(self, name: str) -> bool:
        """Bulk actions are for those who may void."""
        return self.allows("void")

    # -- fields -------------------------------------------------------------------------------

    def field(self, path: str) -> Field:
        """The field at a path, looked up once."""
        if path not in self._fields:
            found = field_at(self.model, path)
            label = self.column_labels.get(path, found.label)
            self._fields[path] = Field(path, label, found.private, found.numeric)
        return self._fields[path]

    def _details_fields(self) -> list[Field]:
        return [self.field(path) for path in self.detail_list or self.column_list]

    def shown_paths(self) -> tuple[str, ...]:
        """What a list row needs loaded."""
        return self.column_list

    def extra_loads(self) -> tuple[Any, ...]:
        """Loader options beyond the columns."""
        return ()

    def searches(self) -> bool:
        """Searching people needs the right to see names: else it would tell who is there."""
        return bool(self.search_by) and (visit().access.sees_names or not self.searches_people())

    def searches_people(self) -> bool:
        """Whether the search looks at residents."""
        return any(q.searches_people(self.model, path) for path in self.search_by)

    def cell(self, path: str, record: Any) -> str | Markup:
        """A value as shown in lists, details and exports."""
        own = getattr(self, f"cell_{path.replace('.', '_')}", None)
        return own(record) if own else self.field(path).shown(record, visit().access.sees_names)

    def record_label(self, record: Any) -> str:
        """The record's name in questions and messages; masked for those who do not see names."""
        if visit().access.sees_names or not private_label(record):
            return record.label
        return _("No. %(id)s", id=record.id)

    # -- list ---------------------------------------------------------------------------------

    @expose("/")
    def index_view(self) -> str:
        """The list."""
        arguments = q.read_arguments(self, request.args)
        ids = q.listed_ids(self, arguments)
        total = q.count(ids)
        rows = q.page_of(self, ids, arguments)
        return self.render("admin/list.html", listing=self.listing(arguments, total, rows))

    def listing(self, arguments: ListArguments, total: int, rows: list[Any]) -> Listing:
        """The whole list page as data."""
        above = not visit().area.is_community
        return Listing(
            title=str(self.title) if not arguments.bin else _("%(title)s: recycle bin", title=self.title),
            count_text=count_text(total), columns=self._heads(arguments, above),
            rows=[self._row(row, above, arguments) for row in rows], tools=self.tools(arguments),
            filters=q.filter_fields(self, arguments), search=arguments.search,
            search_hint=str(self.search_hint or _("Search")) if self.searches() else None,
            pages=self._pages(arguments, total), page_sizes=[
                PageLink(str(n), self._url(arguments, size=n, page=None), n == arguments.size) for n in q.PAGE_SIZES
            ], bulk=self.bulk_actions(arguments), bulk_url=self.get_url(".action_view"),
            filtered=bool(arguments.search or arguments.filters), clear_url=self.get_url(".index_view"),
            empty_text=self._empty_text(arguments), quick=self.quick_filters(),
            hidden=[(k, str(v)) for k, v in arguments.query(page=None).items()
                    if k in ("sort", "desc", "size", "bin")],
            note=self.note(),
        )

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

    def _heads(self, arguments: ListArguments, above: bool) -> list[Column]:
        heads = [Column("community", _("Community"), lead=True)] if above else []
        can_sort = q.sortable(self)
        for number, path in enumerate(self.column_list):
            here = arguments.sort == path
            url = self._url(arguments, sort=path, desc=1 if here and not arguments.descending else None, page=None)
            heads.append(Column(
                path, str(self.field(path).label), self.field(path).numeric, number < self.lead_columns,
                url if path in can_sort else None, ("desc" if arguments.descending else "asc") if here else None,
            ))
        return heads

    def _row(self, record: Any, above: bool, arguments: ListArguments) -> Row:
        names = {a.id: a.name for a in visit().areas} if above else {}
        cells: list[str | Markup] = [names.get(record.community_id, NONE)] if above else []
        cells += [self.cell(path, record) for path in self.column_list]
        return Row(record.id, self.record_label(record), cells, self.row_actions(record, arguments.bin))

    def row_actions(self, record: Any, in_bin: bool = False) -> list[RowAction]:
        """What can be done with one record."""
        if not visit().area.is_community:
            return []
        if in_bin:
            return [RowAction(_("Restore"), self.get_url(".restore_view", id=record.id), "POST")] \
                if self.allows("void") else []
        actions = [RowAction(_("View"), self.get_url(".details_view", id=record.id))]
        if self.allows("edit") and not isinstance(record, Voidable):
            actions.append(RowAction(_("Edit"), self.get_url(".edit_view", id=record.id)))
        return actions + self._removing(record)

    def _removing(self, record: Any) -> list[RowAction]:
        if not self.allows("void"):
            return []
        name = self.record_label(record)
        if isinstance(record, Voidable):
            if record.voided_at is not None:
                return []
            return [RowAction(_("Void"), self.get_url(".void_view", id=record.id), "POST",
                              _("Void “%(name)s”? It stays in the list, marked as void.", name=name), True, True)]
        if isinstance(record, Deletable):
            return [RowAction(_("Delete"), self.get_url(".delete_view", id=record.id), "POST",
                              _("Delete “%(name)s”? It goes to the recycle bin.", name=name), True)]
        return []

    def tools(self, arguments: ListArguments) -> list[Tool]:
        """The toolbar: 新增 / 导入 / 导出, then 回收站."""
        tools = []
        if self.allows("create") and not arguments.bin:
            tools.append(Tool(_("New"), self.get_url(".create_view"), primary=True, icon="plus"))
        if self.allows("export"):
            asked = arguments.query(page=None, size=None)
            for kind, label in (("xlsx", _("Export Excel")), ("csv", _("Export CSV"))):
                url = self.get_url(".export", export_type=kind, **asked)
                tools.append(Tool(label, url, icon="export", post=True))
        if issubclass(self.model, Deletable) and self.allows("void"):
            tools.append(Tool(_("Back to the list"), self.get_url(".index_view"), icon="list") if arguments.bin else
                         Tool(_("Recycle bin"), self.get_url(".index_view", bin=1), icon="trash"))
        return tools

    def bulk_actions(self, arguments: ListArguments) -> list[BulkAction]:
        """What can be done with the ticked rows."""
        if not self.allows("void") or arguments.bin or not issubclass(self.model, Deletable):
            return []
        return [BulkAction("delete", _("Delete"), _("Delete the %(count)s ticked records?"), True)]

    def _url(self, arguments: ListArguments, **changes: Any) -> str:
        return self.get_url(".index_view", **arguments.query(**changes))

    def _pages(self, arguments: ListArguments, total: int) -> list[PageLink]:
        last = max(1, -(-total // arguments.size))
        here = arguments.page
        near = sorted({1, last, *range(max(1, here - 1), min(last, here + 1) + 1)})
        links: list[PageLink] = []
        for before, number in zip([0, *near], near, strict=False):
            if number - before > 1:
                links.append(PageLink("…", None))
            links.append(PageLink(str(number), self._url(arguments, page=number), number == here))
        return links if last > 1 else []

    # -- one record ---------------------------------------------------------------------------

    def record_or_404(self) -> Any:
        """The record of the address line; another community's is as unknown as one that never was."""
        text = request.args.get("id", "")
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else -1
        record = db.session.scalar(sa.select(self.model).where(self.model.id == number).options(*self.extra_loads()))
        if record is None or not visit().area.is_community:
            abort(404)
        return record

    @expose("/details/")
    def details_view(self) -> str:
        """Everything about one record, private values masked."""
        return self.details_page(self.record_or_404())

    def details_page(self, record: Any, revealed: dict[str, str] | None = None) -> str:
        """The page of a record; `revealed` holds the values shown in clear this once."""
        return self.render(
            "admin/details.html", title=self.record_label(record), subtitle=str(self.title), record=record,
            sections=self.sections(record, revealed or {}), actions=self.detail_actions(record),
            timeline=self.timeline(record), list_url=self.get_url(".index_view"),
        )

    def sections(self, record: Any, revealed: dict[str, str]) -> list[tuple[str, list[tuple[str, Any, str | None]]]]:
        """(heading, [(label, value, address that reveals it)])."""
        return [("", [self.fact(path, record, revealed) for path in self.detail_list or self.column_list])]

    def fact(self, path: str, record: Any, revealed: dict[str, str]) -> tuple[str, Any, str | None]:
        """(label, value, address that reveals it) of a field."""
        field = self.field(path)
        hidden = path not in revealed and self._is_hidden(field, record) and self.allows("reveal")
        url = self.get_url(".reveal_view", id=record.id, field=path) if hidden else None
        return str(field.label), revealed.get(path) or self.cell(path, record), url

    def clear_value(self, record: Any, path: str) -> str | None:
        """A hidden value of the record's page in clear; None where there is no such value, or it is not hidden."""
        field = next((f for f in self._details_fields() if f.path == path), None)
        return show(field.value(record)) if field is not None and self._is_hidden(field, record) else None

    def _is_hidden(self, field: Field, record: Any) -> bool:
        value = field.value(record)
        return bool(field.private and value not in (None, "") and field.shown(record, True) != show(value))

    def timeline(self, record: Any) -> list[Any]:
        """Entries of other plugins about the record."""
        return []

    def detail_actions(self, record: Any) -> list[RowAction]:
        """The buttons on a record's page."""
        in_bin = getattr(record, "deleted_at", None) is not None
        here = self.get_url(".details_view", id=record.id)
        return [action for action in self.row_actions(record, in_bin) if action.url != here]

    @expose("/reveal/", methods=("POST",))
    def reveal_view(self) -> ResponseReturnValue:
        """Show one private value in clear, with a reason, which is logged."""
        record = self.record_or_404()
        path = request.args.get("field", "")
        revealed = self.clear_value(record, path)
        if revealed is None:
            abort(404)
        reason = clean_reason(request.form.get("reason", ""))
        if len(reason) < 2:
            flash(_("Please give the reason for looking at it."), "error")
            return redirect(self.get_url(".details_view", id=record.id))
        note_deed(db.session(), Deed.REVEALED, record.__tablename__, record.id, reason=reason,
                  changes={path: None})
        page = self.details_page(record, {path: revealed})
        db.session.commit()
        return page

    # -- writing ------------------------------------------------------------------------------

    def scaffold_form(self) -> type[wt.Form]:
        """Forms are ours (core/admin/forms.py), not Flask-Admin's."""
        return form_for(self)

    def save(self, record: Any, form: wt.Form, is_created: bool) -> None:
        """Fill the record from the form, in the transaction; may raise ValidationError."""
        form.populate_obj(record)

    def new_record(self, form: wt.Form) -> Any:
        """Make the record of a form (not yet in the session)."""
        record = self.model()
        self.save(record, form, True)
        return record

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> ResponseReturnValue:
        """Make a record; a double click makes one."""
        form = self._create_form_class(request.form if request.method == "POST" else None, **self.prefill())
        if request.method == "POST" and form.validate():
            try:
                number, created = create_once(db.session(), request.form.get("once", ""),
                                              lambda: self.new_record(form))
                flash(_("“%(name)s” has been saved.", name=self._label_of(number)), "success")
                return redirect(self.after_save_url(number))
            except ValidationError as error:
                db.session.rollback()
                put_error(form, error)
        return self._form_page(form, _("New: %(title)s", title=self.title),
                               [("once", request.form.get("once") or secrets.token_urlsafe(24))])

    def prefill(self) -> dict[str, Any]:
        """Values that a new record's form begins with."""
        return {}

    def after_save_url(self, number: int | None) -> str:
        """Where to go after saving."""
        return self.get_url(".index_view")

    def _label_of(self, number: int | None) -> str:
        record = db.session.get(self.model, number) if number else None
        return self.record_label(record) if record is not None else ""

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> ResponseReturnValue:
        """Change a record; somebody else's change in between is shown, not overwritten."""
        record = self.record_or_404()
        if isinstance(record, Voidable) or getattr(record, "deleted_at", None):
            abort(404)
        posted = request.method == "POST"
        form = self._edit_form_class(request.form if posted else None, obj=record)
        version = request.form.get("row_version", "") if posted else str(record.row_version)
        conflict = None
        if posted and form.validate():
            name = self.record_label(record)
            try:
                save_changes(db.session(), record, version, lambda: self.save(record, form, False))
                flash(_("“%(name)s” has been saved.", name=name), "success")
                return redirect(self.after_save_url(record.id))
            except ValidationError as error:
                db.session.rollback()
                put_error(form, error)
            except Stale:
                db.session.expire_all()
                record = self.record_or_404()
                conflict, version = self._conflict(form, record), str(record.row_version)
        return self._form_page(form, _("Edit: %(name)s", name=self.record_label(record)),
                               [("row_version", version)], conflict)

    def _conflict(self, form: wt.Form, record: Any) -> list[tuple[str, str, str]]:
        """(label, what is stored now, what was typed) where they differ."""
        stored = self._edit_form_class(None, obj=record)
        pairs = [(stored[f.name], f) for f in form if f.name in stored]
        return [(str(mine.label.text), shown_input(theirs), shown_input(mine)) for theirs, mine in pairs
                if (theirs.data != mine.data if hasattr(mine, "mask") else shown_input(theirs) != shown_input(mine))]

    def _form_page(
        self, form: wt.Form, title: str, hidden: list[tuple[str, str]],
        conflict: list[tuple[str, str, str]] | None = None,
    ) -> ResponseReturnValue:
        page = self.render(
            "admin/form.html", title=title, form=form, sections=self.form_sections(form), hidden=hidden,
            cancel_url=self.get_url(".index_view"), conflict=conflict, submit_label=_("Save"), delete=None,
        )
        return page, 409 if conflict is not None else 422 if form.errors else 200

    def form_sections(self, form: wt.Form) -> list[tuple[str, list[wt.Field]]]:
        """The fields under their headings."""
        return [("", list(form))]

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> ResponseReturnValue:
        """Delete to the recycle bin."""
        record = self.record_or_404()
        if not isinstance(record, Deletable):
            abort(404)
        return self._do(lambda: send_to_bin(db.session(), record, visit().user.username),
                        _("“%(name)s” is in the recycle bin.", name=self.record_label(record)))

    @expose("/restore/", methods=("POST",))
    def restore_view(self) -> ResponseReturnValue:
        """Take a record out of the recycle bin."""
        record = self.record_or_404()
        if not isinstance(record, Deletable):
            abort(404)
        return self._do(lambda: restore(db.session(), record),
                        _("“%(name)s” is back.", name=self.record_label(record)))

    @expose("/void/", methods=("POST",))
    def void_view(self) -> ResponseReturnValue:
        """作废 an entry with a reason."""
        record = self.record_or_404()
        if not isinstance(record, Voidable):
            abort(404)
        return self._do(
            lambda: void(db.session(), record, visit().user.username, request.form.get("reason", "")),
            _("“%(name)s” is void.", name=self.record_label(record)),
        )

    def _do(self, work: Any, done: str) -> ResponseReturnValue:
        try:
            work()
            flash(done, "success")
        except ValidationError as error:
            db.session.rollback()
            flash(str(error), "error")
        return redirect(self.get_url(".index_view"))

    @expose("/action/", methods=("POST",))
    def action_view(self) -> ResponseReturnValue:
        """A bulk action on the ticked rows of this community; all or none."""
        if request.form.get("action") != "delete" or not issubclass(self.model, Deletable):
            abort(404)
        ticked = request.form.getlist("rowid")[: q.PAGE_SIZES[-1] + 1]
        wanted = {int(t) for t in ticked if t.isascii() and t.isdecimal() and len(t) < 19}
        rows = list(db.session.scalars(living(self.model).where(self.model.id.in_(wanted)))) if wanted else []
        if not rows or len(rows) != len(ticked):
            flash(_("Some of the ticked records are not there any more. Please tick again."), "error")
            return redirect(self.get_url(".index_view"))

        def delete_all() -> None:
            for row in rows:
                put_in_bin(db.session(), row, visit().user.username)
            commit(db.session())

        return self._do(delete_all, ngettext("%(num)s record is in the recycle bin.",
                                             "%(num)s records are in the recycle bin.", len(rows)))

    # -- look-ups and export ------------------------------------------------------------------

    @expose("/ajax/lookup/")
    def ajax_lookup(self) -> ResponseReturnValue:
        """Choices of a reference field as [[id, label], …], at most 20."""
        field = self._create_form_class()._fields.get(request.args.get("name", ""))
        if not isinstance(field, ReferenceField) or not visit().access.sees_names or not self.writable():
            abort(404)
        text = request.args.get("query", "").replace("\x00", "").strip()[:q.LONGEST_SEARCH]
        target = field.target
        found = living(target).limit(MOST_IN_LIST).order_by(target.id)
        if text and field.searchable:
            found = found.where(target.matches(text))
        return [[row.id, getattr(row, "long_label", row.label)] for row in db.session.scalars(found)]

    @expose("/export/<export_type>/", methods=("POST",))
    def export(self, export_type: str) -> ResponseReturnValue:
        """The filtered list as Excel or CSV, masked as on the screen, logged."""
        if export_type not in ("csv", "xlsx"):
            abort(404)
        arguments = q.read_arguments(self, request.args)
        ids = list(db.session.scalars(
            q.listed_ids(self, arguments).order_by(*q.order_of(self, arguments)).limit(MOST_EXPORTED)
        ))
        self._note_export(len(ids))
        above = not visit().area.is_community
        heads = [c.label for c in self._heads(arguments, above)]
        name = f"{visit().area.name}-{self.title}-{today():%Y%m%d}.{export_type}"
        if export_type == "csv":
            body: Any = list(write_csv(heads, self._export_rows(ids, above)))
            kind = "text/csv; charset=utf-8"
        else:
            body = write_table(heads, self._export_rows(ids, above), str(self.title))
            kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        return download(body, kind, name)

    def _export_rows(self, ids: list[int], above: bool) -> Iterator[list[Any]]:
        for start in range(0, len(ids), 500):
            for record in q.rows_of(self, ids[start:start + 500]):
                row = self._row(record, above, ListArguments(1, 20, None, False, "", {}))
                yield [cell.striptags() if isinstance(cell, Markup) else cell for cell in row.cells]

    def _note_export(self, rows: int) -> None:
        """Log first, then read: the write lock is not held while a long list is written."""
        here, session = visit(), db.session()
        if here.area.is_community:
            note_deed(session, Deed.EXPORTED, self.model.__tablename__, changes={"rows": rows})
        else:
            log_event(session, here.user.username, request.remote_addr, now(), area_id=here.area.id,
                      what=f"{Deed.EXPORTED.value}: {self.endpoint} × {rows}")
        session.commit()
        session.info["writes"] = False


def download(body: Any, kind: str, name: str) -> Response:
    """A file to keep; its name may be Chinese (RFC 5987: header lines themselves are Latin letters only)."""
    response = Response(body, mimetype=kind)
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\/' else "_" for c in name)
    response.headers.set("Content-Disposition", "attachment", filename=plain,
                         **{"filename*": f"UTF-8''{quote(name, safe='')}"})
    return response


def put_error(form: wt.Form, error: ValidationError) -> None:
    """Show a service's refusal at the field that it names, else above the form."""
    field = form._fields.get(error.field or "")
    if field is not None:
        field.errors = [*field.errors, str(error)]
    else:
        form.form_errors.append(str(error))


def shown_input(field: wt.Field) -> str:
    """What a form field holds, as text for the comparison; of a private one only what was typed just now."""
    if hasattr(field, "mask"):
        return field._value() or ("***" if field.data else "")
    return show(field.data)


def count_text(total: int) -> str:
    """共 N 条, exact to 10,000."""
    if total > q.COUNTED:
        return _("More than %(num)s records", num=f"{q.COUNTED:,}")
    return ngettext("%(num)s record", "%(num)s records", total)
