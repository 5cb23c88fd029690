"""The forms of the canteen's books."""
from __future__ import annotations

from typing import Any

import wtforms as wt
from flask_babel import lazy_gettext as _l
from wtforms import validators as check

from core.api import AmountField, Choice, ScreenForm, choices, two_places
from plugins.canteen.ledger.models import Method, TallyMode, TallySource
from plugins.canteen.models import Way

AMOUNT = {"inputmode": "decimal", "autocomplete": "off"}
TYPED = wt.widgets.TextInput()  # a number input of the browser takes no full-width digits


def choice_field(label: Any, choice: type[Choice], members: tuple[Choice, ...] = (), **more: Any) -> wt.SelectField:
    """A drop-down of a Choice, or of some of it."""
    return wt.SelectField(label, choices=choices((m.value, m.label) for m in members or choice),
                          coerce=choice, default=(members or tuple(choice))[0], **more)


class MoneyForm(ScreenForm):
    """A top-up or a refund."""

    amount = AmountField(_l("Amount (yuan)"), [check.InputRequired(), two_places], widget=TYPED, render_kw=AMOUNT)
    method = choice_field(_l("Way of payment"), Method, (Method.CASH, Method.CODE))
    reason = wt.StringField(_l("Reason"), [check.Length(max=200)], render_kw={"autocomplete": "off"})


class CountForm(ScreenForm):
    """What is in the drawer at the end of a day."""

    cash = AmountField(_l("Cash counted (yuan)"), [check.InputRequired(), two_places], widget=TYPED, render_kw=AMOUNT)
    code = AmountField(_l("Received by code (yuan)"), [check.InputRequired(), two_places], widget=TYPED,
                       render_kw=AMOUNT, description=_l("From the day's list of the payment service"))
    note = wt.StringField(_l("Note"), [check.Length(max=200)], render_kw={"autocomplete": "off"},
                          description=_l("How a difference came about"))


class TallyForm(ScreenForm):
    """A number of meals from tickets or a paper list."""

    day = wt.DateField(_l("Day"), [check.InputRequired()])
    kind = wt.SelectField(_l("Meal"), [check.InputRequired()], coerce=int)
    mode = choice_field(_l("The number is"), TallyMode)
    source = choice_field(_l("Counted by"), TallySource)
    way = choice_field(_l("Way"), Way)
    number = wt.IntegerField(_l("Meals counted"), [check.InputRequired()], widget=TYPED,
                             render_kw={"inputmode": "numeric", "autocomplete": "off"})
    reason = wt.StringField(_l("Reason"), [check.Length(max=200)], render_kw={"autocomplete": "off"},
                            description=_l("Needed where the day is closed"))
