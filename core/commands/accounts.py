"""Looking after accounts where the pages cannot be reached."""
from __future__ import annotations

import click
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.service import find_user, reset_password
from core.accounts.sign_in import log_event
from core.areas.scope import session_for
from core.clock import now
from core.config import settings_from_environment
from core.errors import SetupError
from core.installation import installed, opened


@click.group(help=_l("Look after accounts."))
def user() -> None:
    """Accounts."""


@user.command("reset", help=_l("Give an account a one-time password and unlock it."))
@click.argument("name")
def user_reset(name: str) -> None:
    """For the day when nobody else can: the pages do the same."""
    with opened(settings_from_environment()):
        if installed() is None:
            raise SetupError(_("Nothing is set up here yet."))
        with session_for(None, "reset a password", writes=True, actor="jinlin user reset") as writing:
            found = find_user(writing, name)
            if found is None:
                raise SetupError(_("There is no account “%(name)s”.", name=name))
            if found.disabled_at is not None:
                raise SetupError(_("The account “%(name)s” has been ended.", name=name))
            password = reset_password(writing, found, now())
            log_event(writing, "jinlin user reset", None, now(),
                      what=_("Gave %(name)s a one-time password", name=found.username))
    click.secho(_("One-time password of %(name)s: %(password)s", name=name, password=password), bold=True)
    click.echo(_("It must be changed at the next sign-in; open pages of this account are signed out."))
