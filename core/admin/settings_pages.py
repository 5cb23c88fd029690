"""列设置 and 常用筛选: what a person sets up for a screen, for every community; pages that work without script."""
from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import MultiDict

from core.accounts.screen_settings import ScreenSettings, settings_of_screen
from core.admin import query as q
from core.admin.forms import CONTROL
from core.admin.gate import visit
from core.admin.listing import PageLink
from core.admin.query import PAGE_SIZES, ListArguments
from core.errors import ValidationError
from core.extensions import db

MOST_FILTERS = 20
LONGEST_NAME = 20
MOVES = {"up": -1, "down": 1}


class SettingsPages:
    """What a person has set up for this screen, and the two pages on which it is done."""

    # -- columns ------------------------------------------------------------------------------

    def settings(self) -> ScreenSettings | None:
        """What this person has set up; read once a request."""
        if "screen_settings" not in g:
            g.screen_settings = settings_of_screen(db.session(), visit().user.id, self.endpoint)
        return g.screen_settings

    def choosable(self) -> tuple[str, ...]:
        """Every column that may stand in the list: its own, then what the details page shows."""
        language = str(get_locale())  # two columns may be called the same in one language and not in the other
        if language not in self._choosable:
            found: dict[str, str] = {}
            for path in (*self.column_list, *self.detail_list):
                label = str(self.field(path).label)
                if path not in found and label not in found.values():
                    found[path] = label
            self._choosable[language] = tuple(found)
        return self._choosable[language]

    def shown_columns(self) -> tuple[str, ...]:
        """The chosen columns in their order; one that the screen does not know any more is left aside."""
        chosen = self.settings().columns if self.settings() else None
        known = self.choosable() if chosen else ()
        return tuple(path for path in chosen or () if path in known) or self.column_list

    def usual_size(self) -> int:
        """Rows per page where the address does not say."""
        size = self.settings().page_size if self.settings() else None
        return size if size in PAGE_SIZES else PAGE_SIZES[1]

    @expose("/columns/", methods=("GET", "POST"))
    def columns_view(self) -> ResponseReturnValue:
        """Which columns stand in the list, in which order, and how many rows."""
        shown, known = self.shown_columns(), self.choosable()
        order = [*shown, *(path for path in known if path not in shown)]
        ticked, size, error = set(shown), self.usual_size(), None
        if request.method == "POST":
            order = list(dict.fromkeys(p for p in request.form.getlist("order") if p in known)) or order
            ticked = set(request.form.getlist("column")) & set(order)
            size = q.whole(request.form.get("size"), 1, 100, size)
            if request.form.get("do") == "reset":
                return self._keep_columns(None, None)
            way, _colon, path = request.form.get("move", "").partition(":")
            if way in MOVES and path in order:
                _shift(order, path, MOVES[way])
            elif ticked:
                chosen = [path for path in order if path in ticked]
                return self._keep_columns(chosen if chosen != list(self.column_list) else None,
                                          size if size in PAGE_SIZES else None)
            else:
                error = _("Please tick at least one column.")
        page = self.render(
            "admin/columns.html", title=_("Columns: %(title)s", title=self.title), error=error, sizes=PAGE_SIZES,
            size=size, fields=[(path, str(self.field(path).label), path in ticked) for path in order],
            action=self.get_url(".columns_view"), back=self.back_url(),
        )
        return page, 422 if error else 200

    def _keep_columns(self, columns: list[str] | None, size: int | None) -> ResponseReturnValue:
        def change(settings: ScreenSettings) -> None:
            settings.columns, settings.page_size = columns, size

        self._keep(change)
        flash(_("The columns are set for you, in every community.") if columns or size
              else _("The columns are as the screen gives them."), "success")
        return redirect(self.back_url())

    def _keep(self, change: Any) -> None:
        """Change the settings and commit; of two browsers at once the later one repeats on what the first kept."""
        for attempt in (1, 2):
            try:
                settings = settings_of_screen(db.session(), visit().user.id, self.endpoint)
                if settings is None:
                    settings = ScreenSettings(user_id=visit().user.id, screen=self.endpoint, filters=[])
                    db.session.add(settings)
                change(settings)
                db.session.commit()
                return
            except (IntegrityError, StaleDataError):
                db.session.rollback()
                if attempt == 2:
                    raise

    # -- filters ------------------------------------------------------------------------------

    def saved_filters(self) -> list[dict[str, Any]]:
        """The person's filters by name, in order."""
        return list(self.settings().filters) if self.settings() else []

    def opening_url(self) -> str | None:
        """Where the screen opens for this person, if a filter of theirs is the usual one."""
        name = self.settings().opens_with if self.settings() else None
        chosen = next((f for f in self.saved_filters() if f["name"] == name), None)
        return self.get_url(".index_view", **chosen["query"]) if chosen else None

    def everything_url(self) -> str:
        """The list without filters, past the filter with which it opens."""
        return self.get_url(".index_view", **({"all": 1} if self.opening_url() else {}))

    def saved_links(self, arguments: ListArguments) -> list[PageLink]:
        """The saved filters as links above the list."""
        asked = request.args.to_dict()
        return [PageLink(f["name"], self.get_url(".index_view", **f["query"]),
                         all(asked.get(k) == v for k, v in f["query"].items()) and not arguments.bin)
                for f in self.saved_filters()]

    def gone(self, name: str, query: dict[str, str]) -> list[str]:
        """The conditions of a saved filter that this screen does not understand any more."""
        with_all = q.read_arguments(self, MultiDict(query))
        understood = {k: str(v) for k, v in with_all.query().items()}
        return [key for key in query if key not in ("size", "page") and key not in understood]

    def lost_conditions(self) -> list[str]:
        """Sentences on saved filters that are asked for now and have lost a condition: never silently everything."""
        asked = request.args.to_dict()
        return [
            _("The saved filter “%(name)s” also asked for “%(what)s”, which this list does not have any more (or you "
              "may not use). It is left out: please check, and save the filter again.", name=f["name"],
              what="、".join(lost))
            for f in self.saved_filters()
            if all(asked.get(k) == v for k, v in f["query"].items()) and (lost := self.gone(f["name"], f["query"]))
        ]

    @expose("/filters/", methods=("GET", "POST"))
    def filters_view(self) -> ResponseReturnValue:
        """Name what is set now; rename, delete, choose the one with which the screen opens."""
        now_set = {k: str(v) for k, v in q.read_arguments(self, request.args).query(page=None, size=None,
                                                                                    bin=None).items()}
        error = None
        if request.method == "POST":
            try:
                self._keep(lambda settings: _rewrite(settings, now_set))
                flash(_("Your filters have been saved."), "success")
                return redirect(self.get_url(".index_view", **now_set) if now_set else self.everything_url())
            except ValidationError as refused:
                db.session.rollback()
                error = str(refused)
        settings = self.settings()
        page = self.render(
            "admin/filters.html", title=_("Saved filters: %(title)s", title=self.title), error=error,
            saved=self.saved_filters(), opens_with=settings.opens_with if settings else None,
            can_add=bool(now_set), typed=request.form, longest=LONGEST_NAME,
            action=self.get_url(".filters_view", **now_set), back=self.get_url(".index_view", **now_set),
        )
        return page, 422 if error else 200


def _shift(order: list[str], path: str, by: int) -> None:
    here = order.index(path)
    there = min(max(here + by, 0), len(order) - 1)
    order.insert(there, order.pop(here))


def _rewrite(settings: ScreenSettings, now_set: dict[str, str]) -> None:
    """The filters as the form says: renamed, without the ticked ones, with the new one at the end."""
    form, kept, default = request.form, [], None
    for number, each in enumerate(settings.filters):
        if form.get(f"remove-{number}"):
            continue
        name = _clean(form.get(f"name-{number}", each["name"]))
        kept.append({"name": name, "query": each["query"]})
        if form.get("default") == str(number):
            default = name
    if now_set and (new := form.get("name", "").strip()):
        kept.append({"name": _clean(new), "query": now_set})
        default = _clean(new) if form.get("default") == "new" else default
    elif now_set and form.get("do") == "add":
        raise ValidationError(_("Please give the filter a name."))
    names = [each["name"] for each in kept]
    if len(set(names)) < len(names):
        raise ValidationError(_("Two filters cannot have the same name."))
    if len(kept) > MOST_FILTERS:
        raise ValidationError(_("At most %(most)s filters. Please delete one first.", most=MOST_FILTERS))
    settings.filters, settings.opens_with = kept, default


def _clean(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or CONTROL.search(name):
        raise ValidationError(_("A name has 1 to %(most)s characters.", most=LONGEST_NAME))
    return name
