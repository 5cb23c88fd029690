"""Looking after the data: tables, backups."""
from __future__ import annotations

from pathlib import Path

import click
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.backup import make_backup, own_backup_path
from core.commands.plugins import say_what_is_wrong
from core.commands.words import option
from core.config import prepare_instance, settings_from_environment
from core.errors import SetupError
from core.installation import installed, nobody_serving, opened, setting_up
from core.metrics.checking import catch_up
from core.migrations.upgrade import leave_unready_out, pending, upgrade
from core.restore import restore_backup


@click.group("db", help=_l("Look after the tables."))
def database() -> None:
    """The tables."""


@database.command("upgrade", help=_l("Bring the tables up to this program; takes a backup first."))
@option("--no-backup", is_flag=True, help=_l("Without a backup (you took one yourself)"))
def db_upgrade(no_backup: bool) -> None:
    """Stops at the first doubt; nothing is half done."""
    settings = settings_from_environment()
    prepare_instance(settings)
    with setting_up(settings), nobody_serving(settings), opened(settings, MIGRATES=True) as app:
        if pending() and installed() is not None and not no_backup:
            kept = make_backup(settings, own_backup_path(settings, "before-upgrade"))
            click.echo(_("Backup: %(path)s", path=kept))
        for step in upgrade():  # also with nothing pending: it mends policies and rights that somebody changed
            click.echo(f"  {step}")
        leave_unready_out()
        catch_up(lambda step: click.echo(f"  {step}"))
        say_what_is_wrong(app)
    click.echo(_("The tables are up to date."))


@click.command(help=_l("Write the database and the uploaded files into one file."))
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


@click.command(help=_l("Replace the database and the uploaded files by a backup."))
@click.argument("path", type=click.Path(path_type=Path))
@option("--yes", is_flag=True, help=_l("Do not ask"))
def restore(path: Path, yes: bool) -> None:
    """Whole or not at all; what is replaced is kept as a backup."""
    settings = settings_from_environment()
    prepare_instance(settings)
    with setting_up(settings), nobody_serving(settings):
        restore_backup(settings, path, lambda question: yes or click.confirm(question, abort=True), click.echo)
