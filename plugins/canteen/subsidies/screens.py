"""The list and the forms of the subsidy rules."""
from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
import wtforms as wt
from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.attributes import flag_modified
from wtforms import validators as check
from wtforms.widgets import CheckboxInput, ListWidget

from core.api import (
    NONE,
    RowAction,
    Screen,
    ScreenForm,
    SpecialFilter,
    TagKind,
    ValidationError,
    choices,
    create_once,
    db,
    new_key,
    put_error,
    today,
    visit,
)
from plugins.canteen.models import MealKind, RuleKind, RuleTag, SubsidyRule
from plugins.canteen.services import age_rule
from plugins.canteen.subsidies.claims import count_holders
from plugins.canteen.subsidies.services import (
    SHARES,
    check_rule,
    end_rule,
    has_paid,
    in_force,
    overlapping,
    paid_by,
    replace_rule,
    stands_text,
)
from plugins.canteen.subsidies.words import caps_text, payers_text, what_text, who_text

WHEN = ("name", "starts_on", "ends_on")
WHO = ("age_from", "age_to", "registered_only", "tags", "kinds")
WHAT = ("form", "amount", "percent", "priority")
CAPS = ("meals_a_day", "meals_a_month", "yuan_a_day", "yuan_a_month")
LINK = Markup('<a class="link" href="{}">{}</a>')


class Ticks(wt.SelectMultipleField):
    """Boxes to tick for what a rule names; each tick is a row of its own (`part`, with the id in `column`)."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(self, label: Any, target: type, part: type, column: str, **kwargs: Any) -> None:
        """What can be ticked are the living records of `target`, asked when the form is made."""
        self.target, self.part, self.column = target, part, column
        super().__init__(label, coerce=int, choices=self._choices, **kwargs)
        self.type = "SelectMultipleField"  # how the form's macro knows it

    def _choices(self) -> list[Any]:
        living = sa.select(self.target.id, self.target.name).where(self.target.deleted_at.is_(None))
        return choices((number, name) for number, name in db.session.execute(living.order_by(self.target.id)))

    def process_data(self, parts: Any) -> None:
        """Ticked: what the rule names."""
        self.data = [getattr(part, self.column) for part in parts or ()]

    def populate_obj(self, obj: Any, name: str) -> None:
        """Keep the rows that stay; a change here is a change of the rule, for whoever else has it open."""
        old = {getattr(part, self.column): part for part in getattr(obj, name)}
        if set(old) != set(self.data):
            setattr(obj, name, [old.get(number) or self.part(**{self.column: number}) for number in self.data])
            if obj.id is not None:
                flag_modified(obj, "name")


class EndForm(ScreenForm):
    """The last day of a rule."""

    ends_on = wt.DateField(_l("Last day"), [check.InputRequired()],
                           description=_l("The rule still pays on this day; meals after it that are recorded keep it"))


def _in_force(value: str) -> Any:
    if value == "now":
        return sa.and_(*in_force(today()))
    return SubsidyRule.starts_on > today() if value == "later" else SubsidyRule.ends_on < today()


class SubsidyRuleScreen(Screen):
    """Who gets which subsidy, from a day to a day; terms that have paid for a meal stand for ever."""

    model = SubsidyRule
    slug = "rules"
    title = _l("Subsidy rules")
    icon = "money"
    section = _l("Subsidies and money")
    needs = {**Screen.needs, "replace_view": "edit", "end_view": "edit"}
    column_list = ("name", "what", "who", "starts_on", "ends_on", "caps", "payers")
    column_labels = {"who": _l("Who"), "what": _l("What is granted"), "caps": _l("At most"), "payers": _l("Who pays")}
    lead_columns = 2
    detail_list = ("name", "starts_on", "ends_on", "priority")
    filter_by = ("state", "form")
    special_filters = {"state": SpecialFilter(
        _l("Whether in force"), lambda: [("now", _("today")), ("later", _("not yet")), ("over", _("no longer"))],
        _in_force)}
    default_order = ("name", "-starts_on")
    form_columns = (*WHEN, "age_from", "age_to", "registered_only", *WHAT, *CAPS, *SHARES)
    form_extra_fields = {
        "tags": Ticks(_l("Tags"), TagKind, RuleTag, "tag_kind_id",
                      description=_l("Whoever has one of them on the day of the meal. None ticked: everybody.")),
        "kinds": Ticks(_l("Meal"), MealKind, RuleKind, "kind_id", description=_l("None ticked: every meal.")),
    }
    form_template = "canteen/rule_form.html"
    empty_text = _l("There is no subsidy rule yet: everybody pays the standard price. Add the first one.")

    # -- list and page ------------------------------------------------------------------------

    def shown_paths(self) -> tuple[str, ...]:
        """Tags and kinds are loaded below."""
        return ()

    def extra_loads(self) -> tuple[Any, ...]:
        """The tags and kinds of all rules in a statement each."""
        return (selectinload(SubsidyRule.tags).options(joinedload(RuleTag.tag_kind)),
                selectinload(SubsidyRule.kinds).options(joinedload(RuleKind.kind)))

    def cell_who(self, rule: SubsidyRule) -> str:
        """Age, tags, registration, meals."""
        return who_text(rule)

    def cell_what(self, rule: SubsidyRule) -> str:
        """What it pays."""
        return what_text(rule)

    def cell_caps(self, rule: SubsidyRule) -> str:
        """Its limits."""
        return caps_text(rule) or NONE

    def cell_payers(self, rule: SubsidyRule) -> str:
        """Who pays how much of it."""
        return payers_text(rule)

    def note(self) -> str | None:
        """How rules stand to each other."""
        return super().note() or _("Of all rules that hold for a meal the one that pays most counts; they never add up")

    def sections(self, record: SubsidyRule, revealed: dict[str, str]) -> list[Any]:
        """The terms, then what they came to."""
        [(heading, terms)] = super().sections(record, revealed)
        terms[1:1] = [(str(self.column_labels[path]), self.cell(path, record), None)
                      for path in ("who", "what", "caps", "payers")]
        paid, meals = paid_by(db.session(), record), _("%(num)s meals", num=0)
        if paid.meals:
            url = self.get_url("canteen_meals.index_view", rule=record.id, eaten="yes", all=1)
            meals = LINK.format(url, _("%(num)s meals", num=f"{paid.meals:,}"))
        how = age_rule(db.session(), visit().area.id)
        holders = count_holders(db.session(), record, today(), how)
        facts = [
            (_("Paid so far"), meals, None), (_("Paid so far in yuan"), f"{paid.yuan:,.2f}", None),
            (_("Holds today for"), _("%(num)s of %(all)s diners", num=holders.holding, all=holders.all), None),
        ]
        return [(heading, terms), (_("What it came to"), facts)]

    def row_actions(self, record: SubsidyRule, in_bin: bool = False) -> list[RowAction]:
        """从某日起结束并另立新规则, and to end without another."""
        actions = super().row_actions(record, in_bin)
        if not in_bin and self.allows("edit"):
            actions.insert(2, RowAction(_("End and make a new one"), self.record_url(".replace_view", record)))
            actions.insert(3, RowAction(_("End"), self.record_url(".end_view", record)))
        return actions

    # -- forms ----------------------------------------------------------------------------------

    def prefill(self) -> dict[str, Any]:
        """From today on, paid by the street."""
        return {"starts_on": today(), "street_share": 100}

    def form_sections(self, form: wt.Form) -> list[tuple[str, list[wt.Field]]]:
        """In the order in which the office says a rule."""
        return [(heading, [form[name] for name in names]) for heading, names in (
            (_("Which rule, and when"), WHEN), (_("Who"), WHO), (_("What is granted"), WHAT),
            (_("At most, for each diner (empty: no limit)"), CAPS), (_("Who pays, together 100 %"), SHARES))]

    def save(self, record: SubsidyRule, form: wt.Form, is_created: bool) -> None:
        """Refuse what cannot be meant, and other terms for a rule that has paid."""
        session = db.session()
        if not is_created and has_paid(session, record):  # one may have been recorded since the form was opened
            raise ValidationError(stands_text(session, record))
        with session.no_autoflush:
            super().save(record, form, is_created)
            check_rule(record)

    def after_save_url(self, number: int | None) -> str:
        """The rule's page, with a word on another of the same name on the same days."""
        rule = db.session.scalar(sa.select(SubsidyRule).where(SubsidyRule.id == (number or -1)))
        if rule is None:
            return super().after_save_url(number)
        if other := overlapping(db.session(), rule):
            flash(_("Another rule “%(name)s” holds from %(start)s to %(end)s, on some of the same days. Of the two the "
                    "one that pays more counts. If that is not meant, please let one of them end.", name=other.name,
                    start=other.starts_on.isoformat(), end=other.ends_on or NONE), "warning")
        return self.get_url(".details_view", id=number)

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> ResponseReturnValue:
        """Change a rule; one that has paid for a meal is ended and followed by another instead."""
        return self._stands() or super().edit_view()

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> ResponseReturnValue:
        """Delete a rule that has never paid."""
        return self._stands() or super().delete_view()

    def bulk_delete(self, records: list[SubsidyRule], reason: str) -> str:
        """The same for several."""
        for rule in records:
            if has_paid(db.session(), rule):
                raise ValidationError(stands_text(db.session(), rule))
        return super().bulk_delete(records, reason)

    def _stands(self) -> ResponseReturnValue | None:
        rule = self.record_or_404()
        if rule.deleted_at is not None or not has_paid(db.session(), rule):
            return None
        flash(stands_text(db.session(), rule), "warning")
        return redirect(self.get_url(".replace_view", id=rule.id))

    @expose("/replace/", methods=("GET", "POST"))
    def replace_view(self) -> ResponseReturnValue:
        """从某日起结束并另立新规则: the new one's form with the old terms; saved together."""
        old = self._living()
        posted = request.method == "POST"
        form = self._create_form_class(request.form if posted else None, obj=old)
        if not posted:
            first = max(today(), old.starts_on) + timedelta(days=1)
            form.starts_on.data, form.ends_on.data = first, _still_to_come(old.ends_on, first)
        if posted and form.validate():
            try:
                number, _new = create_once(db.session(), SubsidyRule, request.form.get("once", ""),
                                           lambda: self._successor(old, form))
                flash(_("“%(name)s” has been saved.", name=form.name.data), "success")
                return redirect(self.after_save_url(number))
            except ValidationError as error:
                db.session.rollback()
                put_error(form, error)
                old = self._living()
        return self._form_page(form, _("End “%(name)s” and make a new rule", name=old.name),
                               [("once", request.form.get("once") or new_key())])

    def _successor(self, old: SubsidyRule, form: wt.Form) -> SubsidyRule:
        new = self.new_record(form)
        replace_rule(old, new)
        return new

    def _living(self) -> SubsidyRule:
        rule = self.record_or_404()
        if rule.deleted_at is not None:
            abort(404)
        return rule

    @expose("/end/", methods=("GET", "POST"))
    def end_view(self) -> ResponseReturnValue:
        """Let a rule end on a day, with nothing after it."""
        rule, posted = self._living(), request.method == "POST"
        form = EndForm(request.form if posted else None, ends_on=rule.ends_on or today())
        if posted and form.validate():
            name, number = rule.name, rule.id
            try:
                create_once(db.session(), SubsidyRule, request.form.get("once", ""), lambda: self._ended(rule, form))
                flash(_("“%(name)s” has been saved.", name=name), "success")
                return redirect(self.get_url(".details_view", id=number))
            except ValidationError as error:
                db.session.rollback()
                put_error(form, error)
                rule = self._living()
        page = self.render(
            "admin/form.html", title=_("End “%(name)s”", name=rule.name), form=form, sections=[("", list(form))],
            hidden=[("once", request.form.get("once") or new_key())],
            cancel_url=self.get_url(".details_view", id=rule.id), conflict=None, submit_label=_("End"), delete=None,
        )
        return page, 422 if form.errors else 200

    def _ended(self, rule: SubsidyRule, form: EndForm) -> SubsidyRule:
        end_rule(rule, form.ends_on.data)
        return rule


def _still_to_come(last: date | None, first: date) -> date | None:
    return last if last is not None and last >= first else None
