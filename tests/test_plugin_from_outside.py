"""A module as a package of its own: installed by pip, at work, uninstalled with rows in its tables, installed again."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from core.plugin_words import CHINESE_PO, compile_words
from core.testing import KINDS
from core.testing.servers import Servers

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ROOT / "tests" / "packages"
OFFLINE = ("--quiet", "--disable-pip-version-check", "--no-build-isolation", "--no-deps", "--no-index")


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., str]:
    """Runs Python in a fresh environment that has Jinlin and its libraries, and none of our plugins' packages."""
    venv.create(tmp_path / "venv", symlinks=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(tmp_path / "venv")}))
    (site / "jinlin.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n")
    quiet = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "JINLIN_INSTANCE")}

    def run(*arguments: str) -> str:
        done = subprocess.run([tmp_path / "venv/bin/python", *arguments], cwd=tmp_path, capture_output=True, text=True,
                              env={**quiet, "JINLIN_LANG": "en", "JINLIN_INSTANCE": str(tmp_path / "inst")})
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    return run


@pytest.mark.skipif(sys.platform == "win32", reason="the environment is laid out otherwise on Windows")
def test_a_package_is_installed_works_goes_and_comes_back(
    python: Callable[..., str], servers: Servers, tmp_path: Path
) -> None:
    package = shutil.copytree(PACKAGES / "opera", tmp_path / "opera")
    compile_words(package / "opera" / CHINESE_PO)  # as `jinlin plugin translate` does before a package is built
    houses = []
    for kind in KINDS:
        (tmp_path / kind).mkdir()
        houses.append((servers.empty(kind, tmp_path / kind), str(tmp_path / kind)))
    for step, pip in (("begin", ("install", *OFFLINE, str(package))),
                      ("gone", ("uninstall", "--quiet", "--yes", "jinlin-opera")),
                      ("back", ("install", *OFFLINE, str(package)))):
        python("-m", "pip", *pip)
        python(str(PACKAGES / "house.py"), step, json.dumps(houses))
    for url, _folder in houses:
        servers.drop(url)


def test_a_new_module_passes_its_own_tests_at_once(python: Callable[..., str], tmp_path: Path) -> None:
    jinlin = ("-c", "from core.cli import main; main()")
    said = python(*jinlin, "plugin", "new", "day_choir", "--title", "日间合唱团")
    assert "pip install" in said and (tmp_path / "day_choir" / "day_choir" / "plugin.py").exists()
    python("-m", "pip", "install", *OFFLINE, "-e", "day_choir")
    assert "nothing was written" in python(*jinlin, "plugin", "migrate", "day_choir")
    models = tmp_path / "day_choir" / "day_choir" / "models.py"
    models.write_text(models.read_text() + '    songs: Mapped[str | None] = mapped_column(String(200))\n')
    assert "0002_songs.py" in python(*jinlin, "plugin", "migrate", "day_choir", "-m", "songs")
    assert "no Chinese yet" not in python(*jinlin, "plugin", "translate", "day_choir")
    tested = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not postgresql", "day_choir")
    assert "passed" in tested and "failed" not in tested
