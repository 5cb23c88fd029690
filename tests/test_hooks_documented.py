"""docs/hooks.md says exactly what core/hookspecs.py holds; every hook is used here and named by a test."""
from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from core import hookspecs
from core.plugin_manager import DECLARING

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = (ROOT / "docs/hooks.md").read_text()
HOOKS: dict[str, Callable] = {
    name: hook for name, hook in vars(hookspecs).items() if hasattr(hook, "jinlin_spec")
}


def test_there_are_hooks() -> None:
    assert len(HOOKS) > 5


@pytest.mark.parametrize("name", HOOKS)
def test_the_document_has_the_exact_signature(name: str) -> None:
    signature = str(inspect.signature(HOOKS[name])).replace("'", "")
    assert f"```python\n{name}{signature}\n```\n" in DOCUMENT


@pytest.mark.parametrize("name", HOOKS)
def test_the_document_says_what_the_docstring_says(name: str) -> None:
    first = " ".join((inspect.getdoc(HOOKS[name]) or "").split())
    assert first and first in " ".join(DOCUMENT.split())


def test_the_document_names_no_other_hook() -> None:
    assert re.findall(r"```python\n(\w+)\(", DOCUMENT) == list(HOOKS)


@pytest.mark.parametrize("name", HOOKS)
def test_a_plugin_here_uses_it(name: str) -> None:
    sources = [file.read_text() for file in (ROOT / "plugins").rglob("plugin.py")]
    assert any(re.search(rf"@hookimpl\ndef {name}\(", source) for source in sources)


@pytest.mark.parametrize("name", HOOKS)
def test_the_core_asks_it(name: str) -> None:
    sources = [f.read_text() for f in (ROOT / "core").rglob("*.py") if f.name != "hookspecs.py"]
    assert name in DECLARING or any(f'ask("{name}"' in source for source in sources)


@pytest.mark.parametrize("name", HOOKS)
def test_a_test_names_it(name: str) -> None:
    own = Path(__file__).name
    assert any(name in f.read_text() for f in (ROOT / "tests").rglob("test_*.py") if f.name != own)
