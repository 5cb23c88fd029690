"""The Douyin corner's lists and forms."""
from datetime import timedelta

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Form

from core.api import Screen, ValidationError, today
from plugins.douyin.models import Account, Column, WeeklyFigure, Work
from plugins.douyin.services import check_work


class WorkScreen(Screen):
    """Works from the idea to the publication."""
    model, slug, title, icon = Work, "works", _l("Works"), "video"
    column_list = form_columns = ("name", "column", "account", "state", "published_on", "link")
    filter_by = ("published_on", "state", "column", "account")
    search_by, search_hint = ("name",), _l("Title of the work")

    def save(self, record: Work, form: Form, is_created: bool) -> None:
        super().save(record, form, is_created)
        check_work(record, today())


class WeeklyFigureScreen(Screen):
    """Followers, plays and so on, week by week."""
    model, slug, title, icon = WeeklyFigure, "weeks", _l("Weekly figures"), "calendar"
    column_list = form_columns = ("account", "week", "followers", "plays", "likes", "comments", "shares")
    filter_by, default_order = ("week", "account"), ("-week",)

    def save(self, record: WeeklyFigure, form: Form, is_created: bool) -> None:
        if form.week.data > today():
            raise ValidationError(_("This week has not begun."), "week")
        form.week.data -= timedelta(days=form.week.data.weekday())  # the week is kept as its Monday
        super().save(record, form, is_created)


class ColumnScreen(Screen):
    """Columns and how often they appear."""
    model, slug, title, icon = Column, "columns", _l("Columns of works"), "columns"
    column_list = form_columns = ("name", "cadence")


class AccountScreen(Screen):
    """Accounts with their approval, opening and closing."""
    model, slug, title, icon = Account, "accounts", _l("Douyin accounts"), "person"
    column_list = form_columns = ("name", "number", "approval", "opened_on", "closed_on")

    def save(self, record: Account, form: Form, is_created: bool) -> None:
        super().save(record, form, is_created)
        if record.closed_on and record.closed_on < record.opened_on:
            raise ValidationError(_("An account cannot close before it opens."), "closed_on")
