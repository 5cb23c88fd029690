"""Hooks whose answers a test decides, and screens that fail each in a way of its own."""
import sys
from datetime import date

from flask_admin.base import expose
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from core.api import Deletable, Metric, Page, PluginInfo, Screen, TenantModel, hookimpl

ANSWERS = {}  # hook → what a test wants it to do


class Thing(Deletable, TenantModel):
    """Something with a day and a name."""

    __tablename__ = "faulty_thing"
    name: Mapped[str] = mapped_column(String(60))
    day: Mapped[date | None]


class ThingScreen(Screen):
    """A list whose cells and labels fail."""

    model, slug, title, column_list, form_columns = Thing, "things", "Things", ("name",), ("name",)

    def cell_name(self, record):
        return ANSWERS.get("cell", lambda record: record.name)(record)


class RaisingPage(Page):
    """Every view fails in a way of its own."""

    slug, title = "raising", "Raising"

    @expose("/")
    def index(self):
        return ANSWERS.get("view", lambda: "fine")()

    @expose("/syntax/")
    def syntax(self):
        return self.render("faulty/syntax.html", title="x")

    @expose("/missing/")
    def missing(self):
        return self.render("faulty/not_there.html", title="x")

    @expose("/undefined/")
    def undefined(self):
        return self.render("faulty/undefined.html", title="x", secret="钱秘密")

    @expose("/ends/")
    def ends(self):
        sys.exit(3)

    @expose("/nothing/")
    def nothing(self):
        return None

    def is_shown(self):
        return ANSWERS.get("is_shown", super().is_shown)()

    def permissions(self):
        return ANSWERS.get("permissions", super().permissions)()


@hookimpl
def plugin_info():
    return PluginInfo("Faulty", "Fails when told to")


@hookimpl
def register_screens():
    return [ThingScreen, RaisingPage]


@hookimpl
def register_metrics():
    return [Metric("faulty.things", "Things", "pieces", Thing, Thing.day, daily=True)]


@hookimpl
def todo_items(session, community, today):
    return ANSWERS.get("todo_items", lambda session: [])(session)


@hookimpl
def resident_timeline(session, resident):
    return ANSWERS.get("resident_timeline", lambda session: [])(session)


@hookimpl
def plugin_enabled(session, community, today):
    return ANSWERS.get("plugin_enabled", lambda session: None)(session)


@hookimpl
def demo_records(session, community, today):
    return ANSWERS.get("demo_records", lambda session: None)(session)
