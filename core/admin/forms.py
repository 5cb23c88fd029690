"""Forms made from models: native inputs, references by look-up, private values never sent to the page."""
from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
import wtforms as wt
from flask import url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup, escape
from sqlalchemy import inspect
from wtforms import validators as check
from wtforms.fields.choices import SelectChoice
from wtforms.meta import DefaultMeta
from wtforms.widgets import HiddenInput, Input
from wtforms.widgets.core import clean_key

from core.admin.lookups import few, living
from core.admin.values import MASKS, NONE, SHOWN_TO_RECORD_KEEPERS
from core.admin.words import form_words
from core.encryption import EncryptedText
from core.extensions import Choice, Money, db

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
COMMAS = re.compile(r"(?<=[0-9]),(?=[0-9]{3})|\s")
AMOUNT = re.compile(r"[+-]?[0-9]*\.?[0-9]*")
EMPTY = "This field is required."  # what WTForms says, in its own catalogue
LARGEST = 10**12  # of a number with a point; its rules know the real limit


def attributes(**values: Any) -> Markup:
    """The attributes of an input as WTForms writes them; its own way takes a quarter of a form's time."""
    told = ((clean_key(name), value) for name, value in sorted(values.items()) if value is not False)
    return Markup(" ".join(name if value is True else f'{name}="{_quoted(value)}"' for name, value in told))


def _quoted(value: Any) -> str:
    return str(escape(value)).replace('"', "&quot;")


Input.html_params = staticmethod(attributes)


class ScreenForm(wt.Form):
    """The base of every form: messages in the person's language."""

    class Meta(DefaultMeta):
        """CSRF is checked for every request before any form is read."""

        def get_translations(self, form: wt.Form) -> Any:
            """WTForms' own sentences in the language of the page."""
            return form_words(get_locale())

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        """An empty field is told by its own name: 请填写姓名, 请选择餐次."""
        valid = super().validate(*args, **kwargs)
        for field in self:
            empty = field.gettext(EMPTY)
            field.errors = [missing(field) if error == empty else error for error in field.errors]
        return valid


def missing(field: wt.Field) -> str:
    """What to do with a field that was left empty."""
    label = str(field.label.text)
    chosen = isinstance(field, wt.SelectField | wt.DateField | wt.TimeField | ReferenceField)
    return _("Please choose: %(label)s", label=label) if chosen else _("Please fill in: %(label)s", label=label)


def strip(text: str | None) -> str | None:
    """No blanks around; empty is none."""
    return (text or "").strip() or None


def plain_text(_form: wt.Form, field: wt.Field) -> None:
    """Refuse characters that cannot be seen (they break exports and databases)."""
    if isinstance(field.data, str) and CONTROL.search(field.data):
        raise check.ValidationError(_("Please remove the invisible characters."))


def two_places(_form: wt.Form, field: wt.Field) -> None:
    """Refuse parts of a fen: the sum would not be the one that was typed."""
    if field.data is not None and field.data != round(field.data, 2):
        raise check.ValidationError(_("At most two digits after the point."))


class AmountField(wt.DecimalField):
    """A number with a point, also typed full-width or with commas (１，２００．５, 12。5).

    "NaN", "Infinity", "1e3", "1_000" and what no amount ever is are no number here, though Python reads them.
    """

    def process_formdata(self, valuelist: list[str]) -> None:
        """Refuse before any rule compares or rounds the value."""
        texts = [COMMAS.sub("", unicodedata.normalize("NFKC", text.replace("。", "."))) for text in valuelist]
        try:
            super().process_formdata(texts)
        except ValueError as error:
            raise ValueError(_("Please type a number, such as 12.50.")) from error
        if self.data is not None and not (AMOUNT.fullmatch(texts[0]) and abs(self.data) < LARGEST):
            self.data = None
            raise ValueError(_("Please type a number, such as 12.50."))


class PrivateField(wt.StringField):
    """An encrypted value: the page gets it masked; left empty it stays, `=` clears it."""

    def __init__(self, *args: Any, mask: str, **kwargs: Any) -> None:
        """`mask` is a key of MASKS."""
        super().__init__(*args, **kwargs)
        self.mask = mask

    def _value(self) -> str:
        return self.raw_data[0] if self.raw_data else ""

    def process_data(self, value: Any) -> None:
        """Keep what is stored aside: an empty input keeps it."""
        self.stored = value
        self.data = value
        self.render_kw = {**(self.render_kw or {}), "autocomplete": "off"}
        if value:
            self.render_kw["placeholder"] = MASKS[self.mask](value)
            self.description = _("Stored, not shown. Leave empty to keep it, type = to remove it.")

    def process_formdata(self, valuelist: list[str]) -> None:
        """Empty keeps, "=" clears, anything else replaces."""
        text = (valuelist[0] if valuelist else "").strip()
        if text in ("=", "＝"):
            self.data = None
        elif text:
            self.data = text


class ReferenceField(wt.Field):
    """A record of the same community: a short list, or a look-up by name when there may be many."""

    widget = HiddenInput()

    def __init__(self, label: Any = None, *, target: type, name_of: str, endpoint: str, **kwargs: Any) -> None:
        """`endpoint` serves the look-up of the field `name_of`."""
        super().__init__(label, **kwargs)
        self.target, self.name_of, self.endpoint = target, name_of, endpoint
        self.searchable = hasattr(target, "matches")

    def process_formdata(self, valuelist: list[str]) -> None:
        """Only a living record in scope is taken; any other number is unknown, whoever owns it."""
        text = (valuelist[0] if valuelist else "").strip()
        self.data = None
        if text:
            self.data = self._living(text)
            if self.data is None:
                raise ValueError(_("Please choose from the list."))

    def _living(self, text: str) -> Any:
        if not text.isascii() or not text.isdecimal() or len(text) > 18:
            return None
        return db.session.scalar(living(self.target).where(self.target.id == int(text)))

    def options(self) -> list[tuple[str, str]] | None:
        """(id, label) of a short list; None when there are more than a drop-down holds."""
        rows = few(self.target)
        return None if rows is None else [(str(row.id), row.label) for row in rows]

    def __call__(self, **kwargs: Any) -> Markup:
        """A native drop-down for a short list, else the look-up input that our script serves."""
        chosen = str(self.data.id) if self.data is not None else ""
        if not self.searchable and (options := self.options()) is not None:
            return self._select(chosen, options, kwargs)
        url = url_for(f"{self.endpoint}.ajax_lookup", name=self.name_of)
        label = self.data.label if self.data is not None else ""
        return Markup(
            '<span class="lookup" data-lookup="{}"><input type="hidden" name="{}" value="{}">'
            '<input type="text" id="{}" value="{}" autocomplete="off" placeholder="{}"{}></span>'
        ).format(url, self.name, chosen, self.id, label, _("Type a name or pinyin initials"), _attributes(kwargs))

    def _select(self, chosen: str, options: list[tuple[str, str]], kwargs: dict[str, Any]) -> Markup:
        options = [("", _("Please choose") if self.flags.required else NONE), *options]
        inner = Markup("").join(
            Markup('<option value="{}"{}>{}</option>').format(
                value, Markup(" selected") if value == chosen else "", label
            ) for value, label in options
        )
        return Markup('<select id="{}" name="{}"{}>{}</select>').format(
            self.id, self.name, _attributes(kwargs), inner
        )


def _attributes(kwargs: dict[str, Any]) -> Markup:
    names = {k.rstrip("_").replace("_", "-"): v for k, v in kwargs.items() if v not in (None, False)}
    return Markup("".join(f' {escape(k)}="{_quoted(v)}"' for k, v in names.items()))


def form_for(screen: Any) -> type[wt.Form]:
    """A form class for the columns and references in the screen's `form_columns`."""
    mapper = inspect(screen.model)
    fields: dict[str, Any] = {}
    for name in screen.form_columns or ():
        if name in mapper.relationships:
            fields[name] = _reference(screen, mapper, name)
        elif name in mapper.column_attrs:
            fields[name] = _column_field(mapper.column_attrs[name].columns[0])
    fields |= screen.form_extra_fields or {}
    return type(f"{screen.model.__name__}Form", (ScreenForm,), fields)


def _reference(screen: Any, mapper: Any, name: str) -> ReferenceField:
    prop = mapper.relationships[name]
    column = next(iter(prop.local_columns))
    return ReferenceField(
        prop.info.get("label", name), target=prop.mapper.class_, name_of=name, endpoint=screen.endpoint,
        validators=[check.Optional() if column.nullable else check.InputRequired()],
    )


def _column_field(column: sa.Column) -> Any:
    label, hint = column.info.get("label", column.name), column.info.get("hint", "")
    options: dict[str, Any] = {"label": label, "description": hint, "validators": _validators(column)}
    default = column.default.arg if column.default is not None and column.default.is_scalar else None
    kind = column.type
    if isinstance(kind, EncryptedText) and column.info.get("private") not in SHOWN_TO_RECORD_KEEPERS:
        if not column.nullable:  # left empty it keeps what is stored
            options["validators"][0] = check.DataRequired()
        return PrivateField(mask=column.info["private"], **options)
    if isinstance(kind, sa.Enum):
        return _choice_field(kind.enum_class, default, column.nullable, options)
    if isinstance(kind, sa.Boolean):
        if not column.nullable:
            return wt.BooleanField(label=label, description=hint, default=bool(default))
        return wt.SelectField(choices=choices([("", NONE), ("1", _l("Yes")), ("0", _l("No"))]), coerce=_maybe,
                              label=label, description=hint, validators=[])
    if isinstance(kind, sa.Date):
        return wt.DateField(**options)
    if isinstance(kind, sa.Time):
        return wt.TimeField(**options)
    if isinstance(kind, Money | sa.Numeric):
        options["validators"] += [check.NumberRange(min=0, max=99_999_999), two_places]
        return AmountField(places=2, default=default, **options)
    if isinstance(kind, sa.Integer):
        options["validators"].append(check.NumberRange(min=0, max=2_000_000_000))
        return wt.IntegerField(default=default, **options)
    long = isinstance(kind, sa.Text) or (kind.length or 0) > 100
    return (wt.TextAreaField if long else wt.StringField)(filters=[strip], default=default, **options)


def _validators(column: sa.Column) -> list[Any]:
    required = not column.nullable and column.default is None
    rules: list[Any] = [check.InputRequired() if required else check.Optional()]
    if isinstance(column.type, sa.String | EncryptedText):
        rules.append(plain_text)
        rules.append(check.Length(max=getattr(column.type, "length", None) or 500))
    return rules


def _choice_field(choice: type[Choice], default: Any, nullable: bool, options: dict[str, Any]) -> wt.SelectField:
    blank = [("", NONE if nullable else _l("Please choose"))] if nullable or default is None else []
    options["validators"] = [check.Optional() if nullable else check.InputRequired()]
    return wt.SelectField(
        choices=choices([*blank, *((member.value, member.label) for member in choice)]), default=default,
        coerce=lambda value: choice(value) if value else None, **options,
    )


def choices(pairs: Iterable[tuple[str, Any]]) -> list[SelectChoice]:
    """(value, label) pairs as WTForms wants them."""
    return [SelectChoice(value=value, label=label) for value, label in pairs]


def _maybe(value: Any) -> bool | None:
    return None if value in ("", None) else value in ("1", True, "True")
