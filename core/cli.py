"""The command `jinlin`: set up, serve, look after the data. Every refusal is one sentence and exit code 2."""
from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa
from flask import Flask
from flask_babel import Babel
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.service import find_user, reset_password
from core.accounts.sign_in import log_event
from core.areas.models import Area, AreaKind, PluginSwitch
from core.areas.scope import session_for
from core.backup import make_backup, own_backup_path
from core.clock import now
from core.config import ROOT, Settings, command_language, prepare_instance, settings_from_environment
from core.demo import demo_accounts
from core.errors import JinlinError, SetupError, ValidationError
from core.installation import (
    KINDS_OF_OFFICE,
    clear,
    installed,
    load_demonstration,
    make_tables,
    nobody_serving,
    office,
    opened,
    serving,
    set_street_up,
    setting_up,
)
from core.keys import unreachable
from core.migrations.upgrade import pending, upgrade
from core.restore import restore_backup
from core.server import LOOPBACK, address, check_port, is_loopback, serve

PRIVATE = 0o077  # nothing that the commands write can be read by other accounts of the machine


class LazyHelp(click.Option):
    """An option whose help is translated when it is shown."""

    def __init__(self, *names: Any, help: object = None, **more: Any) -> None:
        super().__init__(*names, **more)
        self.lazy = help

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Name and help, in the language of the commands."""
        self.help = str(self.lazy)
        return super().get_help_record(ctx)


def option(*names: str, **more: Any) -> Any:
    """click.option with a lazy help."""
    return click.option(*names, cls=LazyHelp, **more)


def main() -> None:
    """Run a command; what a person can act on is told in words, never as a trace."""
    os.umask(PRIVATE)
    with speaker().app_context():
        try:
            cli(prog_name="jinlin")
        except (JinlinError, sa.exc.DBAPIError, OSError) as error:
            click.secho(_in_words(error), fg="red", err=True)
            sys.exit(2)


def speaker() -> Flask:
    """An app that only translates: settings and keys may be refused before the real one stands."""
    app = Flask("jinlin")
    app.config.update(BABEL_TRANSLATION_DIRECTORIES=str(ROOT / "translations"))
    Babel(app, locale_selector=command_language)
    return app


def _in_words(error: Exception) -> str:
    if isinstance(error, sa.exc.DBAPIError):
        return str(unreachable(settings_from_environment(), error))
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return _("This did not work: %(reason)s", reason=f"{where}{error.strerror or error}")
    return str(error)


@click.group(help=_l("Jinlin 近邻, the workspace of community stations."))
def cli() -> None:
    """All commands read the same variables: PORT, JINLIN_INSTANCE, JINLIN_DATABASE_URL, JINLIN_KEY_FILE …"""


@cli.command(help=_l("Set up a real street and its first administrator."))
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


@cli.command(help=_l("Load the demonstration street, or remove it."))
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
    _print_accounts()


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


def _print_accounts() -> None:
    click.echo(_("Demonstration accounts (account, password):"))
    for name, password, _who in demo_accounts():
        click.echo(f"{name}  {password}")


@cli.command("serve", help=_l("Serve the pages."))
@option("--host", default=LOOPBACK, help=_l("Address to listen on; 0.0.0.0 for the whole office"))
@option("--port", type=click.IntRange(1, 65535), help=_l("Port, 8000 if not given (also PORT)"))
@option("--proxies", type=click.IntRange(0, 5), help=_l("How many proxies of your own stand in front (also "
                                                        "JINLIN_PROXIES)"))
@option("--demo", "with_demo", is_flag=True, help=_l("Load the demonstration first where nothing is set up"))
def serve_command(host: str, port: int | None, proxies: int | None, with_demo: bool) -> None:
    """Checks first, in words; then the address, and the accounts of a demonstration."""
    settings = settings_from_environment()
    given = {"port": port, "proxies": proxies}
    settings = dataclasses.replace(settings, **{k: v for k, v in given.items() if v is not None})
    prepare_instance(settings)
    check_port(host, settings.port)
    with serving(settings):
        is_demo = _prepare_to_serve(settings, with_demo)
        if is_demo and not is_loopback(host):
            raise SetupError(_("The demonstration has passwords that everybody knows: it is served on this computer "
                               "alone (127.0.0.1). For the office set up a real street: jinlin init"))
        serve(settings, host, lambda: _announce(host, settings.port, is_demo))


def _prepare_to_serve(settings: Settings, with_demo: bool) -> bool:
    """Whether it is a demonstration that will be served."""
    with setting_up(settings):
        if with_demo:
            return load_demonstration(settings).demo
        with opened(settings):
            make_tables()
            found = installed()
    if found is None:
        raise SetupError(_("Nothing is set up here yet. Set up your street with “jinlin init”, or look at the "
                           "demonstration with “jinlin demo”."))
    return found.demo


def _announce(host: str, port: int, is_demo: bool) -> None:
    if is_demo:
        _print_accounts()
    click.secho(_("Jinlin is ready: %(address)s (Ctrl-C stops it)", address=address(host, port)), bold=True)
    sys.stdout.flush()


@cli.group("db", help=_l("Look after the tables."))
def database() -> None:
    """The tables."""


@database.command("upgrade", help=_l("Bring the tables up to this program; takes a backup first."))
@option("--no-backup", is_flag=True, help=_l("Without a backup (you took one yourself)"))
def db_upgrade(no_backup: bool) -> None:
    """Stops at the first doubt; nothing is half done."""
    settings = settings_from_environment()
    prepare_instance(settings)
    with setting_up(settings), nobody_serving(settings), opened(settings):
        if pending() and installed() is not None and not no_backup:
            kept = make_backup(settings, own_backup_path(settings, "before-upgrade"))
            click.echo(_("Backup: %(path)s", path=kept))
        for step in upgrade():  # also with nothing pending: it mends policies and rights that somebody changed
            click.echo(f"  {step}")
    click.echo(_("The tables are up to date."))


@cli.command("plugins", help=_l("List the modules and where they are on."))
def list_plugins() -> None:
    """name, title, state, communities."""
    with opened(settings_from_environment()) as app:
        manager = app.extensions["jinlin_plugins"]
        on = _where_on() if installed() else {}
        loaded = _("loaded")
        for name in manager.names:
            places = "、".join(on.get(name, [])) or _("on nowhere")
            click.echo(f"{name}  {manager.title(name)}  {loaded}  {places}")
        for name, fault in manager.faults.items():
            title = manager.title(name)
            state = _("not loaded: %(fault)s", fault=fault)
            click.secho(f"{name}  {title}  {state}", fg="red")


def _where_on() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    with session_for(None, "where plugins are on") as reading:
        rows = sa.select(PluginSwitch.plugin, Area.name).join(Area, Area.id == PluginSwitch.community_id)
        for plugin, name in reading.execute(rows.where(PluginSwitch.off_on.is_(None)).order_by(Area.path)):
            found.setdefault(plugin, []).append(name)
    return found


@cli.group(help=_l("Look after accounts."))
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


@cli.command(help=_l("Write the database and the uploaded files into one file."))
@click.argument("path", type=click.Path(path_type=Path))
def backup(path: Path) -> None:
    """Works while the server runs."""
    settings = settings_from_environment()
    with opened(settings):
        if installed() is None:
            raise SetupError(_("Nothing is set up here yet, so there is nothing to keep."))
        kept = make_backup(settings, path)
    click.echo(_("Backup: %(path)s", path=kept))
    click.echo(_("The key file %(path)s is not in it: keep a copy of it in another place.", path=settings.key_file))


@cli.command(help=_l("Replace the database and the uploaded files by a backup."))
@click.argument("path", type=click.Path(path_type=Path))
@option("--yes", is_flag=True, help=_l("Do not ask"))
def restore(path: Path, yes: bool) -> None:
    """Whole or not at all; what is replaced is kept as a backup."""
    settings = settings_from_environment()
    prepare_instance(settings)
    with setting_up(settings), nobody_serving(settings):
        restore_backup(settings, path, lambda question: yes or click.confirm(question, abort=True), click.echo)
