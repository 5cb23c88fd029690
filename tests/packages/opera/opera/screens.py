"""The list and the form of events."""
from __future__ import annotations

from flask_admin.base import expose
from flask_babel import lazy_gettext as _l
from wtforms import Form

from core.api import Page, Screen, db, today
from opera.models import Event, Member
from opera.services import check_event, coming


class EventScreen(Screen):
    """Events, the latest first."""

    model, slug, title, icon = Event, "events", _l("Events"), "calendar"
    column_list = form_columns = ("name", "day", "place", "people")
    filter_by, default_order = ("day",), ("-day",)
    search_by, search_hint = ("name",), _l("Event")

    def save(self, record: Event, form: Form, is_created: bool) -> None:
        """The rules stand in the services."""
        super().save(record, form, is_created)
        check_event(record, today())


class MemberScreen(Screen):
    """Who belongs to it."""

    model, slug, title, icon = Member, "members", _l("Opera members"), "people"
    column_list = form_columns = ("resident", "part")
    search_by, search_hint = ("resident",), _l("Name or pinyin initials")


class BoardPage(Page):
    """What comes next, for the notice board."""

    slug, title, icon = "board", _l("Opera notice board"), "calendar"

    @expose("/")
    def index(self) -> str:
        """The events from today on."""
        return self.render("opera/board.html", title=str(self.title), events=coming(db.session(), today()))
