"""Tasks (待办任务): the list, the page of one, and the form that finishes it."""
from __future__ import annotations

from typing import Any

import sqlalchemy as sa
import wtforms as wt
from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy.orm import joinedload
from wtforms import validators as check

from core.admin.form_pages import put_error
from core.admin.forms import ScreenForm, choices, plain_text, strip
from core.admin.gate import manager, visit
from core.admin.listing import PageLink, RowAction
from core.admin.once import create_once, new_key
from core.admin.page import Page
from core.admin.screen import Screen
from core.clock import now, today
from core.errors import ValidationError
from core.extensions import db
from core.tasks.models import Outcome, Task, TaskState
from core.tasks.service import LONGEST_NOTE, close_task

TAG = Markup('<span class="tag %s">%s</span>')


class TaskScreen(Screen):
    """What is to be done about residents; finished with an outcome, voided, never deleted."""

    model = Task
    slug = "tasks"
    title = _l("Tasks")
    icon = "todo"
    always_on = True
    column_list = ("resident", "title", "state", "due", "outcome", "opened_by", "done_by")
    detail_list = ("resident", "title", "state", "due", "source", "opened_by", "opened_at", "outcome", "outcome_note",
                   "done_by", "done_at", "voided_at", "voided_by", "void_reason")
    lead_columns = 4
    filter_by = ("due", "state", "outcome", "voided")
    search_by = ("resident",)
    search_hint = _l("Name, initials, last 4 of the phone")
    default_order = ("-due",)
    empty_text = _l("There are no tasks. One appears when nobody answers at a delivery.")

    def cell_state(self, task: Task) -> Markup:
        """Red while somebody waits."""
        late = task.state == TaskState.OPEN and task.due < today()
        kind = "ok" if task.state == TaskState.DONE else "alarm" if late else "bad"
        return TAG % (kind, task.state.label)

    def cell_source(self, task: Task) -> str:
        """The module's title."""
        return manager().title(task.source)

    def quick_filters(self) -> list[PageLink]:
        """待办, 已办结."""
        asked = request.args.get("state")
        return [PageLink(str(state.label), self.get_url(".index_view", state=state.value), asked == state.value)
                for state in TaskState]

    def row_actions(self, record: Task, in_bin: bool = False) -> list[RowAction]:
        """办结 while it is open, and where it came from."""
        actions = super().row_actions(record, in_bin)
        if not visit().area.is_community or record.voided_at is not None:
            return actions
        if record.state == TaskState.OPEN and FinishTaskPage.is_for(visit()):
            actions.insert(0, RowAction(
                _("Finish"), self.get_url("residents_finish_task.index", id=record.id), primary=True))
        return actions

    def detail_actions(self, record: Task) -> list[RowAction]:
        """On its own page also the way to the person and to where it came from."""
        actions, access = super().detail_actions(record), visit().access
        if access.may("residents.people.view"):
            actions.append(RowAction(_("The resident’s record"),
                                     self.get_url("residents_people.details_view", id=record.resident_id)))
        if record.link and access.sees_names:
            actions.append(RowAction(_("Where it came from"), f"{self.get_url('workbench.index')}/{record.link}"))
        return actions


class FinishForm(ScreenForm):
    """How it ended, as a choice and in words."""

    outcome = wt.SelectField(
        _l("Outcome"), [check.InputRequired()],
        choices=choices([("", _l("Please choose")), *((o.value, o.label) for o in Outcome)]),
        coerce=lambda value: Outcome(value) if value else None)
    note = wt.TextAreaField(
        _l("What happened"), [check.InputRequired(), plain_text, check.Length(max=LONGEST_NOTE)], filters=[strip],
        description=_l("e.g. the daughter was reached by phone, the person is at her place"))


class FinishTaskPage(Page):
    """办结: opened from a task."""

    slug = "finish-task"
    title = _l("Finish a task")
    icon = "check"
    in_menu = False
    always_on = True
    menu_action = "edit"

    @staticmethod
    def is_for(here: Any) -> bool:
        """Whether the person may finish tasks here: who writes down what happened must know about whom."""
        return here.access.may("residents.finish-task.edit") and here.access.sees_names

    @expose("/", methods=("GET", "POST"))
    def index(self) -> ResponseReturnValue:
        """Ask for the outcome; a second click finds it done."""
        if not self.is_for(visit()):
            abort(403)
        task = self._task()
        record_url = self.get_url("residents_tasks.details_view", id=task.id)
        form = FinishForm(request.form if request.method == "POST" else None)
        if request.method == "POST" and form.validate():
            try:
                create_once(db.session(), Task, request.form.get("once", ""), lambda: close_task(
                    db.session(), task, form.outcome.data, form.note.data or "", visit().user.name, now()))
                flash(_("The task is finished."), "success")
                return redirect(record_url)
            except ValidationError as error:
                db.session.rollback()
                put_error(form, error)
        page = self.render(
            "admin/form.html", title=_("Finish: %(name)s", name=task.label), form=form, sections=[("", list(form))],
            hidden=[("once", request.form.get("once") or new_key())], cancel_url=record_url, conflict=None,
            submit_label=_("Finish the task"), delete=None)
        return page, 422 if form.errors else 200

    def _task(self) -> Task:
        text = request.args.get("id", "")
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else -1
        task = db.session.scalar(sa.select(Task).where(Task.id == number).options(joinedload(Task.resident)))
        if task is None:
            abort(404)
        return task
