"""The rules of the house that no reader should have to remember (docs/plugins.md, setup.cfg)."""
from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).resolve().parent.parent
CORE = sorted(p for p in (ROOT / "core").rglob("*.py") if "versions" not in p.parts)
PLUGINS = sorted(p for p in (ROOT / "plugins").rglob("*.py") if "versions" not in p.parts)
EVERYTHING = [*CORE, *PLUGINS]
LIBRARIES_OF_PLUGINS = {
    "core.api", "flask", "flask_admin", "flask_babel", "markupsafe", "sqlalchemy", "werkzeug", "wtforms",
}
LONGEST_FUNCTION = 60


def trees(files: list[Path]) -> Iterator[tuple[str, ast.Module]]:
    for file in files:
        yield str(file.relative_to(ROOT)), ast.parse(file.read_text())


def test_who_may_import_whom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("importlinter.cli._configure_logging", lambda _verbose: None)  # it silences all other loggers
    assert lint_imports(config_filename=str(ROOT / "setup.cfg"), no_cache=True, is_debug_mode=False,
                        show_timings=False, verbose=False) == EXIT_STATUS_SUCCESS


def test_plugins_import_the_api_and_few_libraries() -> None:
    found = []
    for name, tree in trees(PLUGINS):
        own = ".".join(Path(name).parts[:2])
        for module in imported(tree):
            root = module.partition(".")[0]
            if module in LIBRARIES_OF_PLUGINS or root in LIBRARIES_OF_PLUGINS - {"core"} or module.startswith(own):
                continue
            if root in sys.stdlib_module_names or re.fullmatch(r"plugins\.\w+\.services", module):
                continue
            found.append((name, module))
    assert found == []


def test_nothing_imports_the_plugins_but_the_app() -> None:
    found = [n for n, tree in trees(CORE) if any(m.partition(".")[0] == "plugins" for m in imported(tree))]
    assert found == ["core/app.py"]


def test_the_core_does_not_import_its_own_api() -> None:
    found = [n for n, tree in trees(CORE) if "core.api" in imported(tree)]
    assert found == ["core/plugin_tryout.py"]  # the child process loads what plugins build upon


def test_nothing_imports_tests() -> None:
    assert [n for n, tree in trees(EVERYTHING) if any(m.split(".")[0] == "tests" for m in imported(tree))] == []


def test_no_import_stands_in_a_function() -> None:
    """But for modules that some systems do not have, or that take much memory for a rare need; the line says which."""
    found = []
    for name, tree in trees(EVERYTHING):
        lines = (ROOT / name).read_text().splitlines()
        for node in (n for f in functions(tree) for n in ast.walk(f) if isinstance(n, ast.Import | ast.ImportFrom)):
            tried = "ImportError" in "".join(lines[node.lineno:node.lineno + 2])
            if not tried and not re.search(r"# .*(not installed on|only|there is no)", lines[node.lineno - 1]):
                found.append((name, node.lineno))
    assert found == []


def test_what_takes_memory_for_a_rare_need_is_not_loaded_to_serve() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "import sys, core.cli, core.server, plugins.canteen.plugin, plugins.douyin.plugin\n"
                               "print({'zxcvbn', 'openpyxl'} & sys.modules.keys() or 'neither')"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout
    assert said.strip() == "neither"


BANNED = {
    "text": r"\bsa\.text\(|import .*\btext\b", "Core insert": r"\bsa\.insert\(|(?<![.\w])insert\(",
    "Core table": r"__table__",
    "session.get": r"session\(?\)?\.get\(|session\.get_one\(", "Markup of an f-string": r"Markup\(f[\"']",
    "another engine": r"\.engine\b|create_engine|\.connection\(", "unscoped_ok": "unscoped_ok",
    "the clock": r"datetime\.now\(|date\.today\(|utcnow\(|time\.time\(", "raw SQL": r"exec_driver_sql|literal_column",
}


@pytest.mark.parametrize("what", BANNED)
def test_plugins_do_not_use(what: str) -> None:
    found = [
        (str(file.relative_to(ROOT)), number) for file in PLUGINS
        for number, line in enumerate(file.read_text().splitlines(), 1) if re.search(BANNED[what], line)
    ]
    assert found == []


def test_markup_is_never_made_of_an_f_string() -> None:
    assert [str(f) for f in EVERYTHING if re.search(BANNED["Markup of an f-string"], f.read_text())] == []


def test_only_the_clock_asks_for_the_time() -> None:
    found = [f.name for f in CORE if re.search(BANNED["the clock"], f.read_text())]
    assert set(found) <= {"clock.py", "backup.py"}  # a backup is named by the machine's hour, without any app


def test_services_read_no_request_and_never_commit() -> None:
    files = [f for f in EVERYTHING if f.name in ("service.py", "services.py")]
    assert len(files) > 2
    banned = re.compile(r"\brequest\b|\bcurrent_user\b|\bg\.|\.commit\(|\bnow\(\)|\btoday\(\)|\bvisit\(\)")
    found = [
        (str(f.relative_to(ROOT)), number) for f in files
        for number, line in enumerate(code_lines(f), 1) if banned.search(line)
    ]
    assert found == []


def test_everything_is_caught_in_one_place() -> None:
    """`except Exception` is the guard around plugins and nothing else."""
    found = [
        name for name, tree in trees(EVERYTHING) for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and (
            node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")))
        and not (isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None)  # cleans up and lets it go on
    ]
    assert found == ["core/plugin_manager.py"]


def test_functions_are_short() -> None:
    found = [
        (name, f.name, f.end_lineno - f.lineno + 1) for name, tree in trees(EVERYTHING) for f in functions(tree)
        if (f.end_lineno or 0) - f.lineno >= LONGEST_FUNCTION
    ]
    assert found == []


def test_every_function_of_the_core_says_what_it_returns() -> None:
    found = [
        (name, f.name) for name, tree in trees(CORE) for f in functions(tree)
        if f.returns is None and f.name != "__init__"
    ]
    assert found == []


def test_every_module_says_what_it_is_for() -> None:
    assert [name for name, tree in trees(EVERYTHING) if not ast.get_docstring(tree)] == []


def test_a_todo_names_its_issue() -> None:
    found = [str(f) for f in EVERYTHING if re.search(r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))", f.read_text())]
    assert found == []


def test_no_file_is_a_drawer() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert [str(f) for f in ROOT.glob("[cpt]*/**/*.py") if f.stem in drawers] == []


def test_every_lint_exception_has_its_reason() -> None:
    found = [
        (str(f.relative_to(ROOT)), number) for f in EVERYTHING
        for number, line in enumerate(f.read_text().splitlines(), 1)
        if "# noqa" in line and not re.search(r"# noqa: [A-Z]\d+(, [A-Z]\d+)* – \S", line)
    ]
    assert found == []


def test_templates_hold_no_script_and_no_style_of_their_own() -> None:
    """The content security policy would drop them, silently."""
    templates = [*(ROOT / "core/templates").rglob("*.html"), *(ROOT / "plugins").rglob("*.html")]
    inline = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=[\"']|javascript:|https?://(?!www\.w3\.org)")
    assert [str(f) for f in templates if inline.search(f.read_text())] == []


def test_every_posting_form_of_a_template_has_the_token() -> None:
    templates = [*(ROOT / "core/templates").rglob("*.html"), *(ROOT / "plugins").rglob("*.html")]
    form = re.compile(r"<form[^>]*method=[\"']post[\"'].*?</form>", re.S | re.I)
    assert [str(f) for f in templates for made in form.findall(f.read_text()) if "csrf" not in made] == []


def imported(tree: ast.Module) -> set[str]:
    """The modules that a file imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module == "core":
                found |= {f"core.{alias.name}" for alias in node.names}
    return found


def functions(tree: ast.Module) -> list[ast.FunctionDef]:
    """Every function and method."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def code_lines(file: Path) -> list[str]:
    """The lines of a file, its strings and comments blanked."""
    text = file.read_text()
    text = re.sub(r'""".*?"""', lambda m: "\n" * m.group().count("\n"), text, flags=re.S)
    return [re.sub(r"#.*|\"[^\"]*\"", "", line) for line in text.splitlines()]
