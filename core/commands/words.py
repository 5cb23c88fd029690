"""Options and groups whose help is translated when it is shown."""
from __future__ import annotations

from typing import Any

import click


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
