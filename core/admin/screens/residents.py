"""Residents (居民档案) and the dictionary of tags."""
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
import wtforms as wt
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.attributes import flag_modified
from wtforms import validators as check
from wtforms.widgets import CheckboxInput, ListWidget

from core.accounts.roles import Action
from core.admin.forms import plain_text, strip
from core.admin.gate import manager, sees_plugin, visit
from core.admin.listing import Tool
from core.admin.lookups import living
from core.admin.query import ListArguments, SpecialFilter
from core.admin.screen import Screen
from core.admin.values import show
from core.clock import today
from core.declarations import Entry
from core.errors import ValidationError
from core.extensions import db
from core.residents.masking import mask_phone
from core.residents.models import LifeState, Resident, ResidentTag, TagKind
from core.residents.phone import parse_phones
from core.residents.service import fill_resident, find_doubles, make_phone, tick_tags
from core.tasks.service import tasks_about

MOST_ENTRIES = 20
STATE_KINDS = {LifeState.ALIVE: "ok", LifeState.MOVED: "warn", LifeState.DECEASED: ""}
BASIC = ("name", "sex", "birth_date", "identity_number", "registered_here")
PLACE = ("compound", "building", "unit", "room", "lives_elsewhere", "other_address")
STATE = ("state", "state_on")


class _Ticks(wt.SelectMultipleField):
    """Boxes to tick; what can be ticked is asked of the record or the database when the form is made."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, coerce=int, choices=[], validate_choice=True, **kwargs)
        self.type = "SelectMultipleField"  # how the form's macro knows it


class PhonesToRemove(_Ticks):
    """The stored phones, masked; the ticked ones are removed."""

    def process_data(self, phones: Any) -> None:
        """Nothing is ticked at first."""
        self.choices = [(p.id, " ".join(t for t in (mask_phone(p.number), p.whose) if t)) for p in phones or ()]
        self.data = []


class TagsOfToday(_Ticks):
    """The dictionary, with the tags ticked that the resident has today."""

    _known: list[tuple[int, str]] | None = None

    @property
    def choices(self) -> list[tuple[int, str]]:
        """In the order of the dictionary, read once, when the form is first shown or checked."""
        if self._known is None:
            found = db.session.execute(living(TagKind).with_only_columns(TagKind.id, TagKind.name).order_by(TagKind.id))
            self._known = [(number, name) for number, name in found]
        return self._known

    @choices.setter
    def choices(self, _given: Any) -> None:
        """WTForms sets what it was given; there is only the dictionary."""

    def process_data(self, tags: Any) -> None:
        """Ticked: what the resident has today."""
        self.data = [tag.kind_id for tag in tags or () if tag.holds_on(today())]


def _with_tag(name: str) -> Any:
    """Residents who have a tag of this name today."""
    kinds = sa.select(TagKind.id).where(TagKind.name == name)
    holding = sa.select(ResidentTag.resident_id).where(
        ResidentTag.kind_id.in_(kinds), ResidentTag.starts_on <= today(),
        sa.or_(ResidentTag.ends_on.is_(None), ResidentTag.ends_on >= today()),
    )
    return Resident.id.in_(holding)


def _tag_names() -> list[tuple[str, str]]:
    names = sa.select(TagKind.name, sa.func.min(TagKind.id)).where(TagKind.deleted_at.is_(None))
    found = db.session.execute(names.group_by(TagKind.name).order_by(sa.func.min(TagKind.id)).limit(100))
    return [(name, name) for name, _id in found]


class ResidentScreen(Screen):
    """Everybody whom the community knows."""

    model = Resident
    slug = "people"
    title = _l("Residents")
    icon = "people"
    always_on = True
    column_list = ("name", "sex", "age", "address", "tags", "state")
    column_labels = {"address": _l("Address"), "age": _l("Age"), "tags": _l("Tags")}
    lead_columns = 4
    filter_by = ("state", "tag", "sex", "registered_here")
    special_filters = {"tag": SpecialFilter(_l("Tag"), _tag_names, _with_tag)}
    search_by = ("matches",)
    search_hint = _l("Name, pinyin, last four digits, phone or identity number")
    sort_by = {"name": ("sort_key",)}
    default_order = ("sort_key",)
    empty_text = _l("Nobody is recorded yet. Add the first resident, or import the roster from Excel.")
    detail_list = (*BASIC, *PLACE, "contact_note", *STATE)
    form_columns = (*BASIC, *PLACE, "contact_note", *STATE)
    form_extra_fields = {
        "phones": PhonesToRemove(_l("Tick to remove")),
        "new_phones": wt.StringField(
            _l("Add a phone"), filters=[strip], validators=[check.Optional(), plain_text, check.Length(max=200)],
            description=_l("Several numbers are possible, with 、 between them"),
        ),
        "whose": wt.StringField(
            _l("Whose phone"), filters=[strip], validators=[check.Optional(), plain_text, check.Length(max=20)],
            description=_l("e.g. the person's own, daughter, neighbour"),
        ),
        "tags": TagsOfToday(_l("Tags that hold today")),
        "tags_on": wt.DateField(
            _l("Tags change on"), validators=[check.Optional()],
            description=_l("Today if empty. Newly ticked tags hold from this day, unticked ones no longer."),
        ),
        "another_person": wt.BooleanField(_l("Add anyway: this is another person")),
    }

    # -- list and page ------------------------------------------------------------------------

    def shown_paths(self) -> tuple[str, ...]:
        """Tags are loaded below, with their names."""
        return tuple(path for path in self.column_list if path != "tags")

    def extra_loads(self) -> tuple[Any, ...]:
        """The tags of all rows in one statement."""
        return (selectinload(Resident.tags).options(joinedload(ResidentTag.kind)),)

    def tools(self, arguments: ListArguments) -> list[Tool]:
        """导入 stands after 新增."""
        tools = super().tools(arguments)
        access = visit().access
        if self.writable() and not arguments.bin and access.sees_names and access.may(
                f"residents.import.{Action.IMPORT}"):
            tools.insert(1, Tool(_("Import"), self.get_url("residents_import.index"), icon="import"))
        return tools

    def cell_age(self, record: Resident) -> str:
        """Full years today; somebody who died has none."""
        return show(record.age_on(today()) if record.state is not LifeState.DECEASED else None)

    def cell_address(self, record: Resident) -> str:
        """The house number only for those who keep the records."""
        return show(record.address if visit().access.sees_names else record.masked_address)

    def cell_tags(self, record: Resident) -> str | Markup:
        """The tags of today; the hidden 、 divides them in exports and for screen readers."""
        names = [tag.kind.name for tag in record.tags if tag.holds_on(today())]
        if not names:
            return show(None)
        tags = [Markup('<span class="tag">%s</span>') % name for name in names]
        return Markup('<span class="hush">、</span> ').join(tags)

    def cell_state(self, record: Resident) -> Markup:
        """A word in a tag."""
        return Markup('<span class="tag %s">%s</span>') % (STATE_KINDS[record.state], record.state.label)

    def sections(self, record: Resident, revealed: dict[str, str]) -> list[tuple[str, list[Any]]]:
        """Under headings; phones and tags are rows of their own."""
        place = [(_("Address"), self.cell_address(record), None)]
        if record.lives_elsewhere:
            place.append(self.fact("other_address", record, revealed))
        contact = [self._phone_fact(phone, record, revealed) for phone in record.phones]
        state = [path for path in STATE if path == "state" or record.state is not LifeState.ALIVE]
        return [
            (_("About the person"), [self.fact(path, record, revealed) for path in BASIC]
             + [(_("Age"), self.cell_age(record), None)]),
            (_("Contact"), [*(contact or [(_("Phone"), "", None)]), self.fact("contact_note", record, revealed)]),
            (_("Where the person lives"), place),
            (_("Tags"), [(tag.kind.name, tag_dates(tag), None) for tag in record.tags]),
            (_("State"), [self.fact(path, record, revealed) for path in state]),
        ]

    def _phone_fact(self, phone: Any, record: Resident, revealed: dict[str, str]) -> tuple[str, Any, str | None]:
        path = f"phone-{phone.id}"
        label = _("Phone (%(whose)s)", whose=phone.whose) if phone.whose else _("Phone")
        if path in revealed:
            return label, revealed[path], None
        url = self.get_url(".reveal_view", id=record.id, field=path) if self.allows("reveal") else None
        return label, mask_phone(phone.number), url

    def clear_value(self, record: Resident, path: str) -> str | None:
        """A phone is shown by its row."""
        phone = next((p for p in record.phones if f"phone-{p.id}" == path), None)
        return phone.number if phone else super().clear_value(record, path)

    def timeline(self, record: Resident) -> list[Any]:
        """What the plugins that are on here know about the resident, newest first."""
        seen = {p for p in visit().plugins if sees_plugin(visit().access, p)}
        answers = manager().ask("resident_timeline", seen, db.session(), resident=record)
        entries = [*self._tasks(record), *(e for _plugin, found in answers for e in found)]
        entries.sort(key=lambda e: e.day, reverse=True)
        return [SimpleNamespace(day_text=show(e.day), title=str(e.title), url=e.url) for e in entries[:MOST_ENTRIES]]

    def _tasks(self, record: Resident) -> list[Entry]:
        """待办任务 about the resident, with how they ended."""
        if not visit().access.may(f"residents.tasks.{Action.VIEW}"):
            return []
        return [Entry(task.due, " · ".join(str(part) for part in (task.title, (task.outcome or task.state).label)),
                      self.get_url("residents_tasks.details_view", id=task.id))
                for task in tasks_about(db.session(), record, MOST_ENTRIES)]

    # -- form ---------------------------------------------------------------------------------

    def form_sections(self, form: wt.Form) -> list[tuple[str, list[wt.Field]]]:
        """What there is nothing to choose from, or no doubt about, is left out."""
        stored = ("phones",) if form.phones.choices else ()
        doubt = ("another_person",) if form.another_person.errors or form.another_person.data else ()
        parts = [
            (_("About the person"), (*doubt, *BASIC)),
            (_("Contact"), (*stored, "new_phones", "whose", "contact_note")),
            (_("Where the person lives"), PLACE),
            (_("Tags"), ("tags", "tags_on") if form.tags.choices else ()),
            (_("State"), STATE),
        ]
        return [(heading, [form[name] for name in names]) for heading, names in parts if names]

    def save(self, record: Resident, form: wt.Form, is_created: bool) -> None:
        """Through the service; a new record that looks like a known person asks first."""
        fill_resident(record, {name: form[name].data for name in self.form_columns}, today())
        with db.session.no_autoflush:
            changed = self._save_phones(record, form) | self._save_tags(record, form)
        if is_created and not form.another_person.data and (doubles := find_doubles(db.session(), record)):
            raise ValidationError(_(
                "There is already: %(who)s. If this is another person, tick this box and save again.",
                who="; ".join(double.long_label for double in doubles[:5]),
            ), "another_person")
        if changed and not is_created:
            flag_modified(record, "name")  # the record's version counts for its phones and tags too

    def _save_phones(self, record: Resident, form: wt.Form) -> bool:
        gone = [phone for phone in record.phones if phone.id in form.phones.data]
        for phone in gone:
            record.phones.remove(phone)
        known = {phone.number for phone in record.phones}
        try:
            new = [number for number in parse_phones(form.new_phones.data or "") if number not in known]
        except ValidationError as error:
            raise ValidationError(error.message, "new_phones") from error
        record.phones += [make_phone(number, form.whose.data) for number in new]
        return bool(gone or new)

    def _save_tags(self, record: Resident, form: wt.Form) -> bool:
        before = {(tag.kind_id, tag.ends_on) for tag in record.tags}
        kinds = list(db.session.scalars(living(TagKind).where(TagKind.id.in_(form.tags.data or []))))
        tick_tags(record, kinds, form.tags_on.data or today(), today(), source=None)
        return before != {(tag.kind_id, tag.ends_on) for tag in record.tags}

    def after_save_url(self, number: int | None) -> str:
        """To the record: is it right?"""
        return self.get_url(".details_view", id=number)


def tag_dates(tag: ResidentTag) -> str:
    """2026-01-01 – 2026-06-30 · 低保名单."""
    span = _("from %(day)s", day=tag.starts_on) if tag.ends_on is None else f"{tag.starts_on} – {tag.ends_on}"
    return f"{span} · {tag.source}" if tag.source else span


class TagKindScreen(Screen):
    """The tags that can be given to residents."""

    model = TagKind
    slug = "tags"
    title = _l("Tags")
    icon = "list"
    always_on = True
    column_list = ("name", "note")
    form_columns = ("name", "note")
