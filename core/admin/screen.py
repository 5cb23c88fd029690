"""Screen: the only ModelView; what it repairs in Flask-Admin is listed in docs/screen.md."""
from __future__ import annotations

from typing import Any, ClassVar

from flask import abort
from flask.typing import ResponseReturnValue
from flask_admin.contrib.sqla import ModelView
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import inspect

from core.admin import query as q
from core.admin.export_pages import ExportPages
from core.admin.form_pages import FormPages
from core.admin.gate import visit
from core.admin.list_pages import ListPages
from core.admin.page import ABOVE, COMMUNITY, GuardedView
from core.admin.query import DaysFilter, SpecialFilter
from core.admin.record_pages import RecordPages
from core.admin.removal_pages import RemovalPages
from core.admin.settings_pages import SettingsPages
from core.admin.values import Field, field_at, is_there, private_label, private_label_of
from core.areas.tenancy import Deletable, Voidable
from core.extensions import db


class Screen(ListPages, SettingsPages, RecordPages, FormPages, RemovalPages, ExportPages, GuardedView, ModelView):
    """A table of a plugin or of the core, with everything that is the same for all of them.

    Declare `model`, `slug`, `title`, `column_list` and, where wanted, `filter_by`, `search_by`,
    `form_columns` (none: nothing is typed here), `sort_by`, `default_order`, `detail_list`.
    Methods `cell_<path with _>` may draw a column, `save` may replace how a form fills a record.
    """

    model: ClassVar[type]
    levels = frozenset({COMMUNITY, ABOVE})
    needs = {
        "create_view": "create", "edit_view": "edit", "delete_view": "void", "restore_view": "void",
        "void_view": "void", "undo_view": "void", "action_view": "view", "reveal_view": "reveal", "export": "export",
        "exported_view": "export", "ajax_lookup": "view",
    }
    column_list: ClassVar[tuple[str, ...]] = ()
    lead_columns: ClassVar[int] = 3  # how many stay visible on a phone
    column_labels: ClassVar[dict[str, Any]] = {}
    filter_by: ClassVar[tuple[str, ...]] = ()
    looked_up: ClassVar[tuple[str, ...]] = ()  # filters that ask the database only when they are used
    special_filters: ClassVar[dict[str, SpecialFilter | DaysFilter]] = {}
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
        self._choosable: dict[str, tuple[str, ...]] = {}
        super().__init__(self.model, db, name=str(self.slug), endpoint=f"{plugin}_{self.slug.replace('-', '_')}",
                         url=f"{plugin}/{self.slug}")

    def actions(self) -> set[str]:
        """The actions that mean something for this model."""
        known = {"view", "export"}
        if self.form_columns or self.form_extra_fields:
            known |= {"create"} if issubclass(self.model, Voidable) else {"create", "edit"}  # entries are never edited
        if issubclass(self.model, Deletable | Voidable):
            known.add("void")
        if any(f.private for f in self._details_fields()):
            known.add("reveal")
        return known

    def writable(self) -> bool:
        """Whether records are written here: in a community, not above it, nor in a closed one."""
        return visit().area.is_community

    def allows(self, action: str) -> bool:
        """Whether this person may do this with records of this screen, here and now; each row asks the same."""
        allowed, question = visit().allowed, (self.endpoint, action)
        if question not in allowed:
            allowed[question] = self._allows(action)
        return allowed[question]

    def _allows(self, action: str) -> bool:
        if action not in self.actions() or not self.may(action):
            return False
        return action in ("view", "export") or (self.writable() and (action == "reveal" or self.knows_them()))

    def knows_them(self) -> bool:
        """Whether the person may write about those whom the records name: forms and refusals say names in full."""
        relations = inspect(self.model).relationships
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
        for action in self.known_bulk():
            getattr(self, f"bulk_{action.name}")

    def field(self, path: str) -> Field:
        """The field at a path, looked up once."""
        if path not in self._fields:
            found = field_at(self.model, path)
            label = self.column_labels.get(path, found.label)
            self._fields[path] = Field(path, label, found.private, found.numeric, found.bare)
        return self._fields[path]

    def record_url(self, view: str, record: Any) -> str:
        """The address of a view of one record; each row asks for several, so all but the id is made once."""
        known, key = visit().addresses, (self.endpoint, view)
        if key not in known:
            known[key] = self.get_url(view, id="")
        return f"{known[key]}{record.id}"

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
