"""The kitchen's lists and forms."""
from __future__ import annotations

from typing import Any

import sqlalchemy as sa
import wtforms as wt
from flask import g, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy.orm import selectinload
from wtforms import widgets

from core.api import (
    NONE,
    RowAction,
    Screen,
    SpecialFilter,
    beijing,
    choices,
    db,
    now,
    today,
    visit,
)
from plugins.canteen.kitchen.checks import check_disinfection, check_purchase
from plugins.canteen.kitchen.models import (
    Allergen,
    Cook,
    Dish,
    Disinfection,
    FoodSample,
    HealthCertificate,
    MorningCheck,
    PurchaseCheck,
    Verdict,
)
from plugins.canteen.kitchen.pages import SECTION
from plugins.canteen.kitchen.people import REMINDERS, certified_on, check_certificate, holding, latest_end
from plugins.canteen.kitchen.samples import COLOURS, state_of, until_by_community, until_hours

TAG = Markup('<span class="tag %s">%s</span>')


class DishScreen(Screen):
    """Dishes with their allergens."""

    model = Dish
    slug = "dishes"
    title = _l("Dishes")
    section = SECTION
    icon = "bowl"
    column_list = ("name", "allergens", "note")
    form_columns = ("name", "note")
    form_extra_fields = {"allergens": wt.SelectMultipleField(
        _l("Allergens"), choices=choices((a.value, a.label) for a in Allergen), default=(),
        widget=widgets.ListWidget(prefix_label=False), option_widget=widgets.CheckboxInput(),
        description=_l("None ticked: looked at, and none of the eight is in it"))}
    search_by = ("name",)
    special_filters = {"looked": SpecialFilter(
        _l("Allergens"), lambda: [("no", str(_l("Not entered yet"))), ("yes", str(_l("Entered")))],
        lambda value: Dish.allergens.is_(None) if value == "no" else Dish.allergens.is_not(None))}
    filter_by = ("looked",)
    default_order = ("name",)
    empty_text = _l("No dish is known yet. Type the menu of a week: its dishes appear here.")

    def form_sections(self, form: wt.Form) -> list[tuple[str, list[wt.Field]]]:
        """The name first."""
        return [("", [form.name, form.allergens, form.note])]

    def cell_allergens(self, dish: Dish) -> str | Markup:
        """The allergens, or that nobody has looked."""
        if dish.allergens is None:
            return TAG % ("warn", _("Not entered yet"))
        return "、".join(str(a.label) for a in dish.known_allergens) or _("None of the eight")

    def save(self, record: Dish, form: wt.Form, is_created: bool) -> None:
        """Saved is looked at."""
        super().save(record, form, is_created)
        record.allergens = [a.value for a in Allergen if a.value in (form.allergens.data or ())]


class SampleScreen(Screen):
    """Every food sample, never edited; voided with a reason."""

    model = FoodSample
    slug = "samples"
    title = _l("Food samples")
    section = SECTION
    icon = "list"
    in_menu = False  # reached from the page of the day's samples
    column_list = ("dish", "kind", "day", "grams", "taken_at", "taken_by", "disposed_at", "disposed_by")
    column_labels = {"disposed_at": _l("Thrown away at")}
    detail_list = ("dish", "day", "kind", "grams", "fridge", "taken_at", "taken_by", "recorded_by", "disposed_at",
                   "disposed_by", "dispose_reason", "voided_at", "voided_by", "void_reason")
    filter_by = ("day", "kind", "voided")
    default_order = ("-day",)

    def shown_paths(self) -> tuple[str, ...]:
        """The state is computed."""
        return ("dish", "kind")

    def prepare(self, rows: list[FoodSample]) -> None:
        """The settings of every community of a page at once."""
        g.sample_hours = until_by_community(db.session(), rows)

    def cell_disposed_at(self, sample: FoodSample) -> str | Markup:
        """When it was thrown away, or what is to be done."""
        if sample.disposed_at is not None:
            return f"{beijing(sample.disposed_at):%Y-%m-%d %H:%M}"
        if sample.voided_at is not None:
            return NONE
        until = g.get("sample_hours", {}).get(sample.community_id) or until_hours(db.session(), sample.community_id)
        state = state_of(sample, now(), until)
        return TAG % (COLOURS[state], state.label)


class CookScreen(Screen):
    """The people of the kitchen."""

    model = Cook
    slug = "cooks"
    title = _l("Kitchen staff")
    section = SECTION
    icon = "people"
    column_list = ("name", "job", "certificates", "phone", "left_on")
    column_labels = {"certificates": _l("Health certificate")}
    form_columns = ("name", "job", "phone", "left_on")
    default_order = ("name",)

    def shown_paths(self) -> tuple[str, ...]:
        """The certificates are loaded below."""
        return ()

    def extra_loads(self) -> tuple[Any, ...]:
        """The certificates of all in one statement."""
        return (selectinload(Cook.certificates),)

    def cell_certificates(self, cook: Cook) -> str | Markup:
        """Until when somebody may work."""
        last = max((c.expires_on for c in holding(cook)), default=None)
        if last is None:
            return TAG % ("bad", _("None"))
        return _until(last) if certified_on(cook, today()) or last < today() else TAG % ("bad", _("Not yet valid"))

    def row_actions(self, record: Cook, in_bin: bool = False) -> list[RowAction]:
        """A new certificate beside the usual."""
        actions = super().row_actions(record, in_bin)
        if not in_bin and self.allows("edit"):
            actions.insert(2, RowAction(_("New certificate"),
                                        self.get_url("canteen_certificates.create_view", cook=record.id)))
        return actions


class CertificateScreen(Screen):
    """Health certificates; the number is private."""

    model = HealthCertificate
    slug = "certificates"
    title = _l("Health certificates")
    section = SECTION
    icon = "shield"
    column_list = ("cook", "number", "issued_on", "expires_on")
    form_columns = ("cook", "number", "issued_on", "expires_on")
    filter_by = ("cook", "expires_on")
    default_order = ("-expires_on",)

    def prefill(self) -> dict[str, Any]:
        """For whom it was asked, from today on."""
        text = request.args.get("cook", "")
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else -1
        cook = db.session.scalar(sa.select(Cook).where(Cook.id == number, Cook.deleted_at.is_(None)))
        return {"cook": cook, "issued_on": today(), "expires_on": latest_end(today())} if cook else {}

    def cell_expires_on(self, certificate: HealthCertificate) -> str | Markup:
        """The last day, marked where it is near or over."""
        return _until(certificate.expires_on)

    def save(self, record: HealthCertificate, form: wt.Form, is_created: bool) -> None:
        """At most a year."""
        with db.session.no_autoflush:
            super().save(record, form, is_created)
            check_certificate(record, today())


def _until(last: Any) -> str | Markup:
    left = (last - today()).days
    if left < 0:
        return Markup("{} ").format(last.isoformat()) + TAG % ("bad", _("Has expired"))
    if left <= REMINDERS[0]:
        colour = "bad" if left <= REMINDERS[1] else "warn"
        return Markup("{} ").format(last.isoformat()) + TAG % (colour, _("%(num)s days left", num=left))
    return last.isoformat()


class MorningCheckScreen(Screen):
    """Every morning check, never edited; voided with a reason."""

    model = MorningCheck
    slug = "morning-checks"
    title = _l("Morning check records")
    section = SECTION
    icon = "list"
    in_menu = False  # reached from the page of the day
    column_list = ("cook", "day", "temperature", "symptoms", "fit", "checked_at", "checked_by")
    filter_by = ("day", "cook", "fit", "voided")
    default_order = ("-day",)

    def cell_temperature(self, check: MorningCheck) -> str:
        """Somebody's health is for those who see names."""
        return check.degrees if visit().access.sees_names else NONE

    def cell_fit(self, check: MorningCheck) -> Markup:
        """Fit, or taken off duty."""
        return TAG % (("ok", _("Fit")) if check.fit else ("bad", _("Unfit, off duty")))


class _DayBook(Screen):
    """A record of a day with who recorded it."""

    section = SECTION
    default_order = ("-day",)

    def prefill(self) -> dict[str, Any]:
        """Today, now."""
        return {"day": today(), "began": beijing(now()).time().replace(second=0, microsecond=0)}

    def save(self, record: Any, form: wt.Form, is_created: bool) -> None:
        """Who records it."""
        super().save(record, form, is_created)
        record.recorded_by = visit().user.name


class DisinfectionScreen(_DayBook):
    """消毒记录, never edited; voided with a reason."""

    model = Disinfection
    slug = "disinfection"
    title = _l("Disinfection")
    icon = "check"
    column_list = ("what", "method", "day", "began", "minutes", "done_by", "note")
    detail_list = (*column_list, "recorded_by", "voided_at", "voided_by", "void_reason")
    form_columns = ("day", "began", "what", "method", "minutes", "done_by", "note")
    filter_by = ("day", "what", "method", "voided")

    def save(self, record: Disinfection, form: wt.Form, is_created: bool) -> None:
        """No day to come."""
        super().save(record, form, is_created)
        check_disinfection(record, today())


class PurchaseScreen(_DayBook):
    """进货查验, never edited; voided with a reason."""

    model = PurchaseCheck
    slug = "purchases"
    title = _l("Purchase checks")
    icon = "import"
    column_list = ("item", "verdict", "day", "supplier", "quantity", "batch", "expires_on", "checked_by")
    detail_list = ("day", "supplier", "item", "quantity", "batch", "expires_on", "licence_seen", "proof_seen",
                   "verdict", "note", "checked_by", "recorded_by", "voided_at", "voided_by", "void_reason")
    form_columns = ("day", "supplier", "item", "quantity", "batch", "expires_on", "licence_seen", "proof_seen",
                    "verdict", "note", "checked_by")
    filter_by = ("day", "verdict", "voided")
    search_by = ("item", "supplier")

    def cell_verdict(self, record: PurchaseCheck) -> Markup:
        """Accepted or refused."""
        return TAG % ("ok" if record.verdict == Verdict.ACCEPTED else "bad", record.verdict.label)

    def save(self, record: PurchaseCheck, form: wt.Form, is_created: bool) -> None:
        """Expired goods are refused."""
        super().save(record, form, is_created)
        check_purchase(record, today())

