"""What disinfection records and purchase checks must hold."""
from __future__ import annotations

from datetime import date

from flask_babel import gettext as _

from core.api import ValidationError
from plugins.canteen.kitchen.models import Disinfection, PurchaseCheck, Verdict

LONGEST_MINUTES = 24 * 60


def _not_ahead(day: date, today: date) -> None:
    if day > today:
        raise ValidationError(_("%(day)s lies in the future. Please choose today or an earlier day.",
                                day=day.isoformat()), "day")


def check_disinfection(record: Disinfection, today: date) -> None:
    """Raises ValidationError for a day to come, and for minutes that cannot be."""
    _not_ahead(record.day, today)
    if not 0 < record.minutes <= LONGEST_MINUTES:
        raise ValidationError(_("Please give the minutes, from 1 to %(most)s.", most=LONGEST_MINUTES), "minutes")


def check_purchase(check: PurchaseCheck, today: date) -> None:
    """Expired goods are refused (食品安全法 art. 34), and what nobody vouches for needs a word (art. 53).

    Raises ValidationError with what to do. On the day until which goods keep they are still good.
    """
    _not_ahead(check.day, today)
    if check.verdict == Verdict.ACCEPTED:
        if check.expires_on is not None and check.expires_on < check.day:
            raise ValidationError(_("These goods kept until %(day)s: expired goods cannot be accepted. Please choose "
                                    "“Refused”.", day=check.expires_on.isoformat()), "verdict")
        if not (check.licence_seen or check.proof_seen or check.note):
            raise ValidationError(_("Neither licence nor proof of quality was seen. Please write in the note why the "
                                    "goods are accepted all the same, or refuse them."), "note")
    elif not check.note:
        raise ValidationError(_("Please write in the note why the goods are refused."), "note")
