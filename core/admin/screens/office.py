"""What the pages of the module Management (管理) share: areas, accounts, roles and modules are no tenant rows."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from flask import abort, flash, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from core.accounts.sign_in import log_event
from core.admin.form_pages import put_error
from core.admin.forms import ScreenForm
from core.admin.gate import visit
from core.admin.list_pages import count_text
from core.admin.listing import Column, FilterField, Listing, PageLink, Row, Tool
from core.admin.page import ABOVE, COMMUNITY, Page
from core.admin.query import whole
from core.areas.models import Area
from core.clock import now
from core.errors import ValidationError
from core.extensions import db

PAGE_SIZE = 20
SOMEBODY_ELSE = _l("Somebody else changed this at the same moment. Please look again and repeat it.")


class OfficePage(Page):
    """A page of the office: always there, limited by the area of the address and the rights held in it."""

    levels = frozenset({COMMUNITY, ABOVE})
    always_on = True
    above_only: ClassVar[frozenset[str]] = frozenset()  # views that a community does not have

    def _handle_view(self, name: str, **kwargs: Any) -> ResponseReturnValue | None:
        answer = super()._handle_view(name, **kwargs)
        if name in self.above_only and visit().area.is_community:
            abort(403)
        return answer

    def note(self, what: str, *, about: str | None = None, area_id: int | None = None) -> None:
        """Write into the log who did this."""
        log_event(db.session(), visit().user.username, request.remote_addr, now(), about=about,
                  area_id=area_id if area_id is not None else visit().area.id, what=what)

    def attempt(self, act: Callable[[], Any], form: ScreenForm | None = None) -> bool:
        """Do it and commit; a refusal is shown at its field, else above the page. False when nothing was saved."""
        try:
            act()
            db.session.commit()
        except ValidationError as error:
            db.session.rollback()
            if form is not None and (error.field or "") in form._fields:
                put_error(form, error)
            else:
                flash(str(error), "error")
            return False
        except (IntegrityError, StaleDataError):
            db.session.rollback()
            flash(str(SOMEBODY_ELSE), "error")
            return False
        return True

    def form_page(self, form: ScreenForm, title: str, **values: Any) -> ResponseReturnValue:
        """A form in the look of all forms; 422 where an entry needs correcting."""
        shown = {"fields": list(form), "cancel_url": self.get_url(".index"), **values}
        page = self.render("admin/form.html", title=title, form=form, **shown)
        return page, 422 if form.errors else 200

    def below(self) -> list[Area]:
        """The area of the address and those below it, as this request's visit knows them."""
        here = visit()
        return [area for area in here.areas if here.area.contains(area)]


def number_of(name: str) -> int:
    """An id in the address; -1 (nobody's) when it is none."""
    return whole(request.args.get(name), 0, 2**31 - 1, -1)


def text_of(name: str, longest: int = 60) -> str:
    """A text in the address, as far as it can be searched for."""
    return request.args.get(name, "").replace("\x00", "").strip()[:longest]


def listing(
    title: str, columns: Iterable[Column], rows: list[Row], empty_text: str, *, total: int | None = None,
    filters: Iterable[FilterField] = (), tools: Iterable[Tool] = (), search: str = "", search_hint: str | None = None,
    pages: Iterable[PageLink] = (), clear_url: str = "", note: str | None = None,
) -> Listing:
    """A list page without what the office's lists do not have: sorting, ticked rows, page sizes."""
    fields = list(filters)
    return Listing(
        title=title, count_text=count_text(len(rows) if total is None else total), columns=list(columns), rows=rows,
        tools=list(tools), filters=fields, search=search, search_hint=search_hint, pages=list(pages), page_sizes=[],
        bulk=[], bulk_url="", filtered=bool(search or any(f.value for f in fields)), clear_url=clear_url,
        empty_text=empty_text, note=note,
    )


def pager(url: Callable[..., str], page: int, total: int) -> list[PageLink]:
    """Links to the pages of a list; none when all fits on one."""
    last = max(1, -(-total // PAGE_SIZE))
    if last == 1:
        return []
    near = sorted({1, last, *range(max(1, page - 2), min(last, page + 2) + 1)})
    links: list[PageLink] = []
    for before, number in zip([0, *near], near, strict=False):
        if number - before > 1:
            links.append(PageLink("…", None))
        links.append(PageLink(str(number), url(number), number == page))
    return links


def chosen(name: str, label: str, options: list[tuple[str, str]]) -> FilterField:
    """A drop-down filter with what the address line asks for, if it is one of the options."""
    asked = request.args.get(name, "")
    return FilterField(name, label, "select", asked if asked in dict(options) else "", options)


def area_option(area: Area) -> tuple[str, str]:
    """An area in a drop-down, indented by its depth."""
    return str(area.id), "　" * area.depth + area.name


def saved(name: str) -> None:
    """Say that it has been saved."""
    flash(_("“%(name)s” has been saved.", name=name), "success")
