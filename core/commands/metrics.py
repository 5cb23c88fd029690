"""Kept figures: whether they are what the records say, and making them so."""
from __future__ import annotations

import sys

import click
import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.areas.models import Area
from core.areas.scope import session_for
from core.commands.words import option
from core.config import settings_from_environment
from core.errors import SetupError
from core.installation import opened
from core.metrics.checking import catch_up, check, communities, outdated, rebuild
from core.metrics.groups import kept
from core.migrations.upgrade import pending


@click.group(help=_l("Look after the figures that are kept."))
def metrics() -> None:
    """Figures by community and day."""


@metrics.command("check", help=_l("Recount every figure from the records and name each that differs."))
def metrics_check() -> None:
    """Works while the server runs; exit code 1 where a figure differs."""
    with opened(settings_from_environment()):
        _check_ready()
        old, wrong = outdated(), 0
        for name in old:
            click.secho(_("%(name)s: its definition has changed since its figures were built.", name=name), fg="red")
        for difference in check():
            click.secho(str(difference), fg="red")
            wrong += 1
        if old or wrong:
            click.echo(_("%(num)s figures differ. Mend them with: jinlin metrics rebuild", num=wrong))
            sys.exit(1)
        click.echo(_("All figures of %(metrics)s metrics in %(communities)s communities are what the records say.",
                     metrics=len(kept().metrics), communities=len(communities())))


@metrics.command("rebuild", help=_l("Build the figures anew from the records."))
@option("--metric", "names", multiple=True, help=_l("Only this one, such as canteen.meals (may be given again)"))
@option("--area", "slug", help=_l("Only this area and what is below it, by its short name"))
def metrics_rebuild(names: tuple[str, ...], slug: str | None) -> None:
    """Works while the server runs: each community is a transaction of its own."""
    with opened(settings_from_environment()):
        _check_ready()
        for name in names:
            if name not in kept().metrics:
                raise SetupError(_("There is no metric “%(name)s”. There are: %(names)s", name=name,
                                   names="、".join(kept().metrics)))
        mended = rebuild(_below(slug), names or None, click.echo)
        if not names and slug is None:
            catch_up(click.echo)
    click.echo(_("%(num)s figures were mended.", num=mended))


def _check_ready() -> None:
    if pending():
        raise SetupError(_("The database is older than this program. Please run: jinlin db upgrade"))


def _below(slug: str | None) -> list[Area]:
    if slug is None:
        return communities()
    with session_for(None, "which area is meant") as reading:
        path = reading.scalar(sa.select(Area.path).where(Area.slug == slug))
    if path is None:
        raise SetupError(_("There is no area “%(name)s”.", name=slug))
    return communities(path)
