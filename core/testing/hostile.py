"""Bad input for every address and every form of an app."""
from __future__ import annotations

from core.testing.walk import OWN, PLAIN, Walk, record_screens

HOSTILE = [
    "\x00", "0", "-1", "9" * 18, "9" * 30, "99999999999999999999", "1e9", "1.5", "٣", "１２", "½", "NaN", "inf",
    "' OR 1=1 --", "\"; DROP TABLE resident; --", "%", "_", "\\", "%00", "../../etc/passwd", "<script>", "{{7*7}}",
    "None", "true", "[]", "[1]", "2026-13-40", "0000-00-00", "9999-12-31", "2026-W01-1", "𠮷䶮", "\u202e", "😀", " ",
    "x" * 5000, "\ud7ff",
]
NASTIEST = ["\x00", "9" * 18, "x" * 5000]
LIST_ARGUMENTS = ["page", "size", "sort", "desc", "search", "bin", "voided", "id", "name", "query", "field", "day",
                  "day_from", "day_to", "month", "year", "date"]


def every(walk: Walk, method: str, slug: str = "upper") -> list[str]:
    """Every address of this method in a community, aimed at an own record."""
    return [url for rule in walk.rules(method) for url in walk.addresses(rule, slug, OWN)]


def records_of(urls: list[str]) -> list[str]:
    """Without the pages on which everybody sets up a list for himself alone."""
    return [url for url in urls if not url.endswith(("/columns/", "/filters/"))]


def aimed(walk: Walk, number: int = OWN) -> dict[str, str]:
    """All arguments that hold an id, and the plain ones."""
    return dict.fromkeys(walk.keys(), str(number)) | PLAIN


def form_names(walk: Walk, endpoint: str) -> set[str]:
    """The inputs of a screen's forms."""
    screen = next(s for s in walk.screens() if s.endpoint == endpoint)
    form = getattr(screen, "_create_form_class", None)
    with walk.place.app.test_request_context():
        return set(form()._fields) if form else set()


def filters(walk: Walk) -> set[str]:
    """Every filter of every screen."""
    names = {name for screen in record_screens(walk) for name in (*screen.filter_by, *screen.sort_by)}
    return names | {f"{name}_{end}" for name in names for end in ("from", "to")}
