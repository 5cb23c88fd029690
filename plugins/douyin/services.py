"""What is refused, and which accounts have been silent for too long."""
import re
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.api import ValidationError
from plugins.douyin.models import Account, Stage, Work

LINK = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)
SILENCE = ((14, "bad"), (10, "warn"), (7, "info"))  # days; 14 fail the inspection of domain.md §5.2


def check_work(work: Work, today: date) -> None:
    """Raises ValidationError for a day that does not fit the state, or a link that is no web address."""
    out = work.state in (Stage.PUBLISHED, Stage.WITHDRAWN)
    if out != bool(work.published_on) or (out and work.published_on > today):
        raise ValidationError(_("A published work has its day, not in the future; others have none."), "published_on")
    if work.link and not LINK.fullmatch(work.link):
        raise ValidationError(_("The link must begin with https:// or http://."), "link")


def silent_accounts(session: Session, today: date) -> list[tuple[Account, int, str]]:
    """(account, days without a new work, how urgent) of open accounts; before the first work since the opening."""
    last = select(Work.account_id, func.max(Work.published_on)).group_by(Work.account_id).where(
        Work.state == Stage.PUBLISHED, Work.deleted_at.is_(None))
    days = dict(session.execute(last).all())
    living = select(Account).where(Account.deleted_at.is_(None), Account.closed_on.is_(None))
    waited = [(a, (today - days.get(a.id, a.opened_on)).days) for a in session.scalars(living)]
    return [(a, n, next(kind for limit, kind in SILENCE if n >= limit)) for a, n in waited if n >= SILENCE[-1][0]]
