"""Looks at saved pages in chromium: axe-core, the content policy, the console, the edges, and what is asked of the net.

The pages are answers of the app with their own headers, policy and all; only the net between is left out, so that
answers to forms (422, 409, a question) can be looked at like any other. axe-core is put in by the debugger, after the
page has been watched for violations of its policy, which stays in force.
"""
from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import axe_playwright_python

from core.config import ROOT
from tests.pages import Page

HOME = "http://jinlin.test"
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WATCH = """window.__broken = [];
document.addEventListener('securitypolicyviolation', (e) =>
  window.__broken.push(`${e.effectiveDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`))"""
WIDE, NARROW = (1366, 768), (390, 844)
LOOKS = [(WIDE, False), (NARROW, False), (NARROW, True), (WIDE, True)]  # (size, large font)


@dataclass
class Inspector:
    """One tab for all pages; `looks` are the sizes and fonts in which each is shown."""

    browser: Any
    looks: list[tuple[tuple[int, int], bool]] = field(default_factory=lambda: list(LOOKS))
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shown: Page | None = None
        self.context = self.browser.new_context(locale="zh-CN")
        self.context.route("**/*", self._answer)
        self.context.add_init_script(WATCH)
        self.tab = self.context.new_page()
        self.tab.on("console", lambda m: self.said.append(m.text) if m.type in ("error", "warning") else None)
        self.tab.on("pageerror", lambda error: self.said.append(str(error)))

    def close(self) -> None:
        """The tab is not needed any more."""
        self.context.close()

    def faults(self, page: Page) -> list[str]:
        """What is wrong with a page, in any of the looks."""
        self.shown, self.said[:] = page, []
        self.tab.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        self.tab.goto(HOME + page.asked.split()[1])
        said = [s for s in self.said if not (page.status >= 400 and "Failed to load resource" in s)]
        wrong = said + self.tab.evaluate("window.__broken")
        self.tab.evaluate(AXE)
        for size, large in self.looks:
            wrong += [f"{size[0]}{' large' if large else ''}: {fault}" for fault in self._look(size, large)]
        return wrong

    def _look(self, size: tuple[int, int], large: bool) -> Iterator[str]:
        self.tab.set_viewport_size({"width": size[0], "height": size[1]})
        self.tab.evaluate("large => document.documentElement.classList.toggle('large', large)", large)
        self.tab.evaluate("window.dispatchEvent(new Event('resize'))")  # now; by itself it comes with some next frame
        wide = self.tab.evaluate("document.scrollingElement.scrollWidth")
        if wide > size[0]:
            yield f"{wide} pixels wide"
        found = self.tab.evaluate(
            "tags => axe.run(document, {resultTypes: ['violations'], runOnly: {type: 'tag', values: tags}})", RULES)
        for rule in found["violations"]:
            for node in rule["nodes"]:
                yield f"{rule['id']}: {node['html'][:160]} ({node['failureSummary'][:300]})"

    def _answer(self, route: Any) -> None:
        address = urlsplit(route.request.url)
        if f"{address.scheme}://{address.netloc}" != HOME:
            self.said.append(f"asks {route.request.url}")
            route.abort()
        elif address.path.startswith("/static/"):
            file = static_file(address.path)
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            route.fulfill(body=file.read_bytes(), content_type=kind)
        else:
            route.fulfill(status=self.shown.status, headers=dict(self.shown.headers), body=self.shown.body)


def static_file(path: str) -> Path:
    """The file behind /static/… or /static/plugins/<plugin>/…."""
    parts = path.removeprefix("/static/").split("/")
    folder = ROOT / "plugins" / parts[1] / "static" if parts[0] == "plugins" else ROOT / "core" / "static"
    return folder.joinpath(*parts[2 if parts[0] == "plugins" else 0:])
