"""Serving: the checks before the door opens."""
from __future__ import annotations

import dataclasses
import sys

import click
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.clock import doubt_about
from core.commands.plugins import say_what_is_wrong
from core.commands.street import print_accounts
from core.commands.words import option
from core.config import Settings, prepare_instance, settings_from_environment
from core.errors import SetupError
from core.installation import installed, last_moment, load_demonstration, make_tables, opened, serving, setting_up
from core.server import LOOPBACK, address, check_port, is_loopback, serve


@click.command("serve", help=_l("Serve the pages."))
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
        with opened(settings) as app:
            make_tables()
            found, last = installed(), last_moment()
            say_what_is_wrong(app)
    if last and (doubt := doubt_about(last)):
        click.secho(doubt, fg="yellow", err=True)
    if found is None:
        raise SetupError(_("Nothing is set up here yet. Set up your street with “jinlin init”, or look at the "
                           "demonstration with “jinlin demo”."))
    return found.demo


def _announce(host: str, port: int, is_demo: bool) -> None:
    if is_demo:
        print_accounts()
    click.secho(_("Jinlin is ready: %(address)s (Ctrl-C stops it)", address=address(host, port)), bold=True)
    sys.stdout.flush()
