"""The views of a settlement as tables: by meal, diner, rule and payer, and the corrections; each has the same sums."""
from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from core.api import Resident, mask_name
from plugins.canteen.models import MealKind, SubsidyRule
from plugins.canteen.settlement.lines import Contents, Line
from plugins.canteen.tables import Column, Table

ZERO = Decimal(0)
PAYERS = (
    ("city_pays", _l("City")), ("district_pays", _l("The district")), ("street_pays", _l("Street")),
    ("community_pays", _l("Community")), ("donors_pay", _l("Donors")),
)
MEASURES: tuple[tuple[Any, Callable[[Line], int | Decimal]], ...] = (
    (_l("Meals in all"), lambda line: line.count), (_l("Standard price"), lambda line: line.standard_price),
    (_l("Subsidy"), lambda line: line.government), (_l("Other aid"), lambda line: line.other_aid),
    (_l("Paid to the operator"), lambda line: line.operator_aid), (_l("Payable"), lambda line: line.payable),
    (_l("Paid by diner"), lambda line: line.self_pay),
)


@dataclass(frozen=True)
class Names:
    """What the ids of the lines are called: kinds of meals in the order of the day, rules, people as the reader may."""

    kinds: dict[int, str]
    rules: dict[int, str]
    people: dict[int, str]  # in the order of the list

    def person(self, resident: int | None) -> str:
        """The name, or 散客."""
        return _("Guest") if resident is None else self.people[resident]

    def rule(self, rule: int | None) -> str:
        """The rule's name."""
        return _("Without a rule") if rule is None else self.rules[rule]


def names_for(session: Session, contents: Contents, sees_names: bool) -> Names:
    """Look the names up. For those who see none they are masked, and not in the order of the names either."""
    kinds = sa.select(MealKind.id, MealKind.name).order_by(MealKind.opens, MealKind.id)
    rules = sa.select(SubsidyRule.id, SubsidyRule.name).order_by(SubsidyRule.priority.desc(), SubsidyRule.id)
    order = (Resident.sort_key, Resident.id) if sees_names else (Resident.id,)
    people = sa.select(Resident.id, Resident.name).where(
        Resident.id.in_({line.resident for line in contents.lines})).order_by(*order)
    served = {line.kind for line in contents.lines}
    return Names(
        {number: name for number, name in session.execute(kinds) if number in served},
        {number: name for number, name in session.execute(rules)},
        {number: name if sees_names else mask_name(name) for number, name in session.execute(people)},
    )


def facts(contents: Contents) -> list[tuple[str, Any]]:
    """What a settlement says about the month in single figures."""
    corrections = contents.corrections
    return [
        (_("Meals"), contents.meals),
        (_("of these of guests"), sum(line.count for line in contents.lines if line.resident is None)),
        (_("Diners"), len({line.resident for line in contents.lines} - {None})),
        (_("Meals without a name (only counted)"), contents.unnamed),
        (_("Corrections of earlier months"), len(corrections)),
        (_("Payable by corrections (yuan)"), sum((line.payable for line in corrections), ZERO)),
    ]


def sheets_of(contents: Contents, names: Names) -> dict[str, Table]:
    """Every view by its name in the address line."""
    return {
        "summary": _grouped(contents, _l("By meal"), _l("Meal"), lambda line: line.kind, names.kinds),
        "diners": _by_diner(contents, names),
        "rules": _grouped(contents, _l("By rule"), _l("Rule"), lambda line: line.rule,
                          {**names.rules, None: names.rule(None)}),
        "payers": _by_payer(contents),
        "corrections": _corrections(contents, names),
    }


def _table(contents: Contents, title: Any, columns: list[Column], rows: list[list[Any]], sums: list[Any]) -> Table:
    return Table(str(title), f"{contents.month:%Y-%m}", columns, rows, sums)


def _measured(lines: Iterable[Line]) -> list[int | Decimal]:
    """The sums of all measures; the number of meals first."""
    lines = list(lines)
    return [sum(map(measure, lines), ZERO if number else 0) for number, (_title, measure) in enumerate(MEASURES)]


def _measure_columns() -> list[Column]:
    return [Column(str(title), True) for title, _measure in MEASURES]


def _parted(lines: Iterable[Line], key: Callable[[Line], Hashable]) -> dict[Any, list[Line]]:
    parts: dict[Any, list[Line]] = {}
    for line in lines:
        parts.setdefault(key(line), []).append(line)
    return parts


def _grouped(
    contents: Contents, title: Any, head: Any, key: Callable[[Line], Any], labels: dict[Any, str],
) -> Table:
    parts = _parted(contents.lines, key)
    rows = [[label, *_measured(parts[group])] for group, label in labels.items() if group in parts]
    return _table(contents, title, [Column(str(head)), *_measure_columns()], rows,
                  [_("Sum"), *_measured(contents.lines)])


def _by_diner(contents: Contents, names: Names) -> Table:
    """A line a person: meals of each kind, amounts; guests together in the last line."""
    parts = _parted(contents.lines, lambda line: line.resident)
    order = [*(number for number in names.people if number in parts), *([None] if None in parts else [])]
    per_kind = partial(_per_kind, kinds=list(names.kinds))
    rows = [[number, _("Guests") if person is None else names.person(person), *per_kind(parts[person]),
             *_measured(parts[person])] for number, person in enumerate(order, 1)]
    people = len(order) - (None in parts)
    return _table(contents, _("By diner"), [
        Column(_("No."), True), Column(_("Name")), *(Column(name, True) for name in names.kinds.values()),
        *_measure_columns(),
    ], rows, [None, _("Sum of %(num)s people", num=people), *per_kind(contents.lines), *_measured(contents.lines)])


def _per_kind(lines: Iterable[Line], kinds: list[int]) -> list[int]:
    counted = {kind: sum(line.count for line in part) for kind, part in _parted(lines, lambda line: line.kind).items()}
    return [counted.get(kind, 0) for kind in kinds]


def _by_payer(contents: Contents) -> Table:
    rows = []
    for name, label in PAYERS:
        whole = sum((getattr(line, name) for line in contents.lines), ZERO)
        operator = sum((_to_operator(line)[name] for line in contents.lines), ZERO)
        rows.append([str(label), whole - operator, operator, whole])
    return _table(contents, _("By payer"), [
        Column(_("Payer")), Column(_("Towards the price"), True), Column(_("Paid to the operator"), True),
        Column(_("Payable"), True),
    ], rows, [_("Sum"), *(sum((row[at] for row in rows), ZERO) for at in (1, 2, 3))])


def _to_operator(line: Line) -> dict[str, Decimal]:
    """What each payer gives to the operator: all of it by a rule of that form, else the last payers' yuan first."""
    left, shares = line.operator_aid, {}
    for name, _label in reversed(PAYERS):
        paid = getattr(line, name)
        shares[name] = min(paid, left) if left > 0 else max(paid, left) if left < 0 else ZERO
        left -= shares[name]
    return shares


def _corrections(contents: Contents, names: Names) -> Table:
    """What belongs to earlier months; each line names its meal and why it came late."""
    lines = contents.corrections
    rows = [[
        number, names.person(line.resident), line.day.isoformat(), names.kinds[line.kind],
        _("Taken back") if line.reverses else _("Came late"), line.booked_on.isoformat(), line.reason, line.count,
        line.payable, line.self_pay,
    ] for number, line in enumerate(lines, 1)]
    return _table(contents, _("Corrections"), [
        Column(_("No."), True), Column(_("Name")), Column(_("Day of the meal")), Column(_("Meal")),
        Column(_("Correction")), Column(_("Booked on")), Column(_("Reason")), Column(_("Meals"), True),
        Column(_("Payable"), True), Column(_("Paid by diner"), True),
    ], rows, [None, _("Sum"), None, None, None, None, None, sum(line.count for line in lines),
              sum((line.payable for line in lines), ZERO), sum((line.self_pay for line in lines), ZERO)])
