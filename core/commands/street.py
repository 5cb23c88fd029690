"""Setting up: a real street, or the demonstration."""
from __future__ import annotations

import click
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.areas.models import AreaKind
from core.commands.words import option
from core.config import Settings, prepare_instance, settings_from_environment
from core.demo import demo_accounts
from core.errors import SetupError, ValidationError
from core.installation import (
    KINDS_OF_OFFICE,
    clear,
    installed,
    load_demonstration,
    make_tables,
    nobody_serving,
    office,
    opened,
    set_street_up,
    setting_up,
)


@click.command(help=_l("Set up a real street and its first administrator."))
@option("--name", help=_l("Name of the street, such as 河口街道"))
@option("--slug", help=_l("Short name for the address line, such as hekou"))
@option("--code", default=None, help=_l("Division code of 12 digits, where you know it"))
@option("--kind", type=click.Choice([str(k.value) for k in KINDS_OF_OFFICE]), default="street", help=_l("Its kind"))
@option("--account", default="admin", help=_l("Account of the first administrator"))
def init(name: str | None, slug: str | None, code: str | None, kind: str, account: str) -> None:
    """Questions where no flags are given; a second time nothing is changed."""
    settings = settings_from_environment()
    prepare_instance(settings)
    with setting_up(settings), opened(settings):
        make_tables()
        if found := installed():
            _say_what_stands(found.demo)
            return
        password = _ask_and_set_up(name, slug, code, AreaKind(kind), account)
        street = office()
    click.echo(_("%(name)s is set up. Sign in after: jinlin serve", name=street.name if street else ""))
    click.secho(_("Account: %(account)s  one-time password: %(password)s", account=account, password=password),
                bold=True)
    click.echo(_("This password is shown only now and must be changed at the first sign-in."))
    click.echo(_("Keep a copy of the key file %(path)s apart from the backups: without it they cannot be opened.",
                 path=settings.key_file))


def _say_what_stands(demo: bool) -> None:
    if demo:
        raise SetupError(_("Here stands the demonstration. Remove it with “jinlin demo --remove”, then run jinlin init "
                           "again."))
    street = office()
    click.echo(_("%(name)s is set up already; nothing was changed.", name=street.name if street else ""))


def _ask_and_set_up(name: str | None, slug: str | None, code: str | None, kind: AreaKind, account: str) -> str:
    """Ask for what the flags leave open, again after a refusal; with flags alone a refusal ends the command."""
    asks = not (name and slug)
    while True:
        if asks:
            name = click.prompt(_("Name of the street, such as 河口街道"), default=name)
            slug = click.prompt(_("Short name for the address line, such as hekou"), default=slug)
            code = click.prompt(_("Division code of 12 digits (may stay empty)"), default=code or "",
                                show_default=False)
        try:
            return set_street_up(name or "", slug or "", code, kind, account)
        except ValidationError as error:
            if not asks:
                raise
            click.secho(str(error), fg="red", err=True)


@click.command(help=_l("Load the demonstration street, or remove it."))
@option("--remove", is_flag=True, help=_l("Remove the demonstration with everything that was typed into it"))
@option("--yes", is_flag=True, help=_l("Do not ask"))
def demo(remove: bool, yes: bool) -> None:
    """A real street is never touched."""
    settings = settings_from_environment()
    prepare_instance(settings)
    if remove:
        _remove_demo(settings, yes)
        return
    with setting_up(settings):
        found = load_demonstration(settings)
    if not found.demo:
        raise SetupError(_("A real street stands here; nothing was changed."))
    print_accounts()


def _remove_demo(settings: Settings, yes: bool) -> None:
    with setting_up(settings), nobody_serving(settings):
        with opened(settings):
            found = installed()
        if found is None or not found.demo:
            raise SetupError(_("There is no demonstration here."))
        if not yes:
            click.confirm(_("Remove the demonstration with everything that was typed into it?"), abort=True)
        clear(settings)
    click.echo(_("The demonstration is gone. Set up a real street with: jinlin init"))


def print_accounts() -> None:
    click.echo(_("Demonstration accounts (account, password):"))
    for name, password, _who in demo_accounts():
        click.echo(f"{name}  {password}")
