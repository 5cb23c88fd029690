"""For authors of modules: a new one, its migrations, its translations (docs/plugins.md)."""
from __future__ import annotations

import dataclasses
import keyword
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import click
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.commands.words import option
from core.config import settings_from_environment
from core.errors import SetupError
from core.installation import opened
from core.migrations.write import write_migration
from core.plugin_manager import PluginManager
from core.plugin_rules import LONGEST_NAME, NAME, OF_THE_CORE
from core.plugin_words import CHINESE_PO, compile_words, update_words

TEMPLATES = Path(__file__).parent / "new_plugin"
ENDING = ".tmpl"
LONGEST_TITLE = 20


@click.group(help=_l("Write a module of your own."))
def plugin() -> None:
    """A new module, its migrations, its translations."""


@plugin.command("new", help=_l("Write the folder of a new module that works and is tested."))
@click.argument("name")
@option("--title", default=None, help=_l("Its Chinese title, such as 合唱团"))
@option("--into", type=click.Path(path_type=Path, file_okay=False), default=Path(), help=_l("Where to write it"))
def new(name: str, title: str | None, into: Path) -> None:
    """Asks for the title; says what comes next."""
    with opened(settings_from_environment()) as app:
        check_name(name, app.extensions["jinlin_plugins"])
    folder = into / name
    if folder.exists():
        raise SetupError(_("%(path)s exists already; nothing was written. Choose another name.", path=folder))
    title = " ".join((title or click.prompt(_("Chinese title, such as 合唱团"))).split())
    if not 0 < len(title) <= LONGEST_TITLE or not title.isprintable() or set(title) & set('"\\'):
        raise SetupError(_("A title has 1 to %(most)s characters, without quotation marks.", most=LONGEST_TITLE))
    write_folder(folder, name, title)
    click.echo(_("%(path)s is written. What comes next:", path=folder))
    bin_folder = Path(sys.executable).parent
    for line in (f"{bin_folder}/pip install --no-build-isolation --no-deps -e {folder}",
                 f"{bin_folder}/pytest {folder}", f"{bin_folder}/jinlin db upgrade", f"{bin_folder}/jinlin serve"):
        click.echo(f"  {line}")


def check_name(name: str, manager: PluginManager) -> None:
    """Raises SetupError, in words, for a name that is none or that is taken."""
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME or keyword.iskeyword(name):
        raise SetupError(_("“%(name)s” is no name for a module: small letters, digits and single _, a letter first, at "
                           "most %(most)s, such as choir or day_care.", name=name, most=LONGEST_NAME))
    if name in manager.known | OF_THE_CORE:
        raise SetupError(_("There is already a module “%(name)s”. Choose another name.", name=name))
    for other in manager.known:
        if name.startswith(f"{other}_") or other.startswith(f"{name}_"):
            raise SetupError(_("The tables of “%(name)s” could be taken for those of “%(other)s”. Choose another name.",
                               name=name, other=other))
    if name in sys.stdlib_module_names or find_spec(name) is not None:
        raise SetupError(_("Python knows another package “%(name)s”. Choose another name.", name=name))


def write_folder(folder: Path, name: str, title: str) -> None:
    """Fill the templates in; `package` becomes the module's own folder."""
    words = {"@NAME@": name, "@TITLE@": title, "@ENGLISH@": name.replace("_", " ").capitalize()}
    for template in sorted(TEMPLATES.rglob(f"*{ENDING}")):
        place = template.relative_to(TEMPLATES).as_posix().removesuffix(ENDING)
        target = folder / place.replace("package/", f"{name}/", 1).replace("NAME", name)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = template.read_text(encoding="utf-8")
        for mark, word in words.items():
            text = text.replace(mark, word)
        target.write_text(text, encoding="utf-8")
    compile_words(folder / name / CHINESE_PO)


@plugin.command("migrate", help=_l("Write the migration from the models of a module."))
@click.argument("name")
@option("-m", "--message", default="change", help=_l("What it does, in a few words"))
def migrate(name: str, message: str) -> None:
    """Compares the models with the tables that its migrations make in an empty database."""
    settings = settings_from_environment()
    with tempfile.TemporaryDirectory() as folder:
        empty = dataclasses.replace(settings, instance=Path(folder), key_file=Path(folder) / "keys.json",
                                    database_url=f"sqlite:///{folder}/empty.db")
        with opened(empty, MIGRATES=True) as app:
            _check_loaded(app.extensions["jinlin_plugins"], name)
            written = write_migration(name, message)
    click.echo(_("Its migrations make all its tables already; nothing was written.") if written is None else
               _("%(path)s is written. Please read it, then run: jinlin db upgrade", path=written))


def _check_loaded(manager: PluginManager, name: str) -> None:
    if name not in manager.names:
        raise SetupError(_("The module “%(name)s” is not loaded: %(fault)s", name=name, fault=manager.faults.get(
            name, _("it is not installed in this environment"))))


@plugin.command("translate", help=_l("Collect a module's sentences and compile its Chinese."))
@click.argument("name")
def translate(name: str) -> None:
    """Names what still has no Chinese."""
    with opened(settings_from_environment()) as app:
        manager: PluginManager = app.extensions["jinlin_plugins"]
        _check_loaded(manager, name)
        po = manager.folder(name) / CHINESE_PO
    missing = update_words(po)
    compile_words(po)
    click.echo(_("%(path)s is up to date.", path=po))
    for sentence in missing:
        click.secho(_("no Chinese yet: %(sentence)s", sentence=sentence), fg="yellow")
