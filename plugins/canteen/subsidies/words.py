"""A rule in the words of the office: who, what, how much at most, who pays."""
from __future__ import annotations

from decimal import Decimal

from flask_babel import gettext as _

from plugins.canteen.models import AidForm, SubsidyRule
from plugins.canteen.subsidies.rules import Offer


def who_text(rule: SubsidyRule) -> str:
    """70–89 岁 · 特困或低保 · 户籍在本社区 · 午餐."""
    parts = [
        _age_text(rule.age_from, rule.age_to), _(" or ").join(part.tag_kind.name for part in rule.tags),
        _("registered here") if rule.registered_only else "", "、".join(part.kind.name for part in rule.kinds),
    ]
    return " · ".join(part for part in parts if part) or _("Everybody, every meal")


def _age_text(low: int | None, high: int | None) -> str:
    if low is not None and high is not None:
        return _("aged %(low)s–%(high)s", low=low, high=high)
    if low is not None:
        return _("aged %(low)s or more", low=low)
    return _("aged %(high)s or less", high=high) if high is not None else ""


def what_text(rule: SubsidyRule) -> str:
    """减 3.00 元; 减价格的 30%; 只付 5.00 元; 补运营方 0.80 元."""
    if rule.form is AidForm.SHARE:
        return _("%(percent)s %% off the price", percent=rule.percent)
    amount = f"{rule.amount:.2f}"
    if rule.form is AidForm.FIXED_PRICE:
        return _("pays %(amount)s yuan", amount=amount) if rule.amount else _("pays nothing")
    if rule.form is AidForm.OPERATOR:
        return _("%(amount)s yuan to the operator", amount=amount)
    return _("%(amount)s yuan off", amount=amount)


def caps_text(rule: SubsidyRule) -> str:
    """每天 1 餐 · 每月 60.00 元; empty where there is no limit."""
    parts = []
    if rule.meals_a_day is not None:
        parts.append(_("%(num)s meals a day", num=rule.meals_a_day))
    if rule.meals_a_month is not None:
        parts.append(_("%(num)s meals a month", num=rule.meals_a_month))
    if rule.yuan_a_day is not None:
        parts.append(_("%(amount)s yuan a day", amount=f"{rule.yuan_a_day:.2f}"))
    if rule.yuan_a_month is not None:
        parts.append(_("%(amount)s yuan a month", amount=f"{rule.yuan_a_month:.2f}"))
    return " · ".join(parts)


def payers_text(rule: SubsidyRule) -> str:
    """区级 60% · 慈善捐助 40%."""
    named = ((_("City"), rule.city_share), (_("The district"), rule.district_share), (_("Street"), rule.street_share),
             (_("Community"), rule.community_share), (_("Donors"), rule.donor_share))
    return " · ".join(f"{name} {share}%" for name, share in named if share)


def offer_text(offer: Offer | None) -> str:
    """高龄补贴 3.00 元; — for none."""
    return f"{offer.rule.name} {yuan(offer.aid)}" if offer else "—"


def yuan(amount: Decimal) -> str:
    """3.00 元."""
    return _("%(amount)s yuan", amount=f"{amount:.2f}")
