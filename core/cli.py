"""The command `jinlin`: set up, serve, look after the data. Every refusal is one sentence and exit code 2."""
from __future__ import annotations

import os
import sys

import click
import sqlalchemy as sa
from flask import Flask
from flask_babel import Babel
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.clock import keep_beijing_time
from core.commands.accounts import user
from core.commands.authoring import plugin
from core.commands.data import backup, database, restore
from core.commands.metrics import metrics
from core.commands.plugins import list_plugins
from core.commands.serving import serve_command
from core.commands.street import demo, init
from core.config import ROOT, command_language, settings_from_environment
from core.errors import JinlinError
from core.keys import unreachable

PRIVATE = 0o077  # nothing that the commands write can be read by other accounts of the machine


def main() -> None:
    """Run a command; what a person can act on is told in words, never as a trace."""
    os.umask(PRIVATE)
    keep_beijing_time()
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


for command in (init, demo, serve_command, database, list_plugins, plugin, user, metrics, backup, restore):
    cli.add_command(command)
