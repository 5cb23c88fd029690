"""Charts as SVG, drawn on the server: no script, no style of their own, a sentence for those who do not see them."""
from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from xml.etree.ElementTree import Element

import pygal
from flask_babel import gettext as _
from markupsafe import Markup
from pygal.style import Style

from core.declarations import Metric
from core.metrics.units import number_of, text_of

# it looks for maps of its own in every import that fails, in a way that Python 3.11 warns of: we have no maps
sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, pygal.PluginImportFixer)]

WIDTH, HEIGHT, ROW = 720, 240, 26
MOST_LABELS = 12  # along the time axis
DROPPED = frozenset({"style", "script", "title", "desc"})  # what our policy forbids, and what repeats the table
TREND, COMPARISON = "trend", "comparison"
KEPT = 64  # drawings: that of 60 communities has 20 KiB
LONG = re.compile(r"[0-9]+\.[0-9]{2,}")  # a tenth of a pixel is enough
TOOLTIPS = "plot tooltip-overlay"
ROOM = Style(label_font_size=19, major_label_font_size=12, value_font_size=12)  # Chinese is wider than it reckons


@dataclass(frozen=True)
class Chart:
    """A picture with its sentence and the table beside it: (label, value as text) of each point."""

    title: str
    text: str
    svg: Markup
    rows: list[tuple[str, str]]


def trend(title: str, metric: Metric, points: Sequence[tuple[str, int | None]]) -> Chart | None:
    """A line over time, the oldest first; a gap (None) where nothing is known. None without two points."""
    if sum(number is not None for _label, number in points) < 2:
        return None
    return _drawn(TREND, title, metric, points)


def comparison(title: str, metric: Metric, points: Sequence[tuple[str, int | None]]) -> Chart | None:
    """A bar for each community that has the figure, in the order of the tree: no ranking."""
    known = [(label, number) for label, number in points if number is not None]
    if len(known) < 2:
        return None
    return _drawn(COMPARISON, title, metric, list(reversed(known)), points)


def _settings(height: int) -> dict[str, Any]:
    return {
        "width": WIDTH, "height": height, "margin": 8, "margin_right": 30, "js": (), "css": (), "style": ROOM,
        "no_prefix": True, "disable_xml_declaration": True, "show_legend": False, "no_data_text": "",
        "include_x_axis": True, "max_scale": 6, "min_scale": 3, "truncate_label": -1, "allow_interruptions": True,
    }


def _drawn(
    kind: str, title: str, metric: Metric, points: Sequence[tuple[str, int | None]],
    shown: Sequence[tuple[str, int | None]] | None = None,
) -> Chart:
    numbers = [None if number is None else float(number_of(metric, number)) for _label, number in points]
    rows = [(label, text_of(metric, number)) for label, number in shown or points]
    return Chart(title, _in_words(title, metric, points), _svg(kind, tuple(label for label, _n in points),
                                                               tuple(numbers)), rows)


@lru_cache(maxsize=KEPT)
def _svg(kind: str, labels: tuple[str, ...], numbers: tuple[float | None, ...]) -> Markup:
    """The drawing; kept, for one of 60 communities takes as long as half of its page."""
    if kind == TREND:
        every = -(-len(labels) // MOST_LABELS)
        chart = pygal.Line(**_settings(HEIGHT), dots_size=2, x_labels_major_every=every, show_minor_x_labels=False)
    else:
        chart = pygal.HorizontalBar(**_settings(48 + ROW * len(labels)), print_values=True, print_values_position="top")
    chart.x_labels = labels
    chart.value_formatter = lambda value: f"{value:,.10g}"
    chart.add(None, numbers)
    chart.add_xml_filter(_plain)
    return Markup(chart.render(is_unicode=True))  # its texts are our own labels, and the library's writer escapes them


def _plain(root: Element) -> Element:
    """The drawing without style, script, comments and tooltips; how it looks is said in the house's own style sheet."""
    for parent in list(root.iter()):
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag in DROPPED or child.get("class") == TOOLTIPS:
                parent.remove(child)
        parent.attrib.pop("style", None)
        for name in ("x", "y", "d", "width", "height", "cx", "cy", "transform"):
            if name in parent.attrib:
                parent.set(name, LONG.sub(lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), parent.get(name)))
        if parent.get("class") == "bar":  # ours are the filters above a list, which no paper shows
            parent.set("class", "beam")
    root.attrib.pop("id", None)
    root.attrib.update({"aria-hidden": "true", "focusable": "false"})
    return root


def _in_words(title: str, metric: Metric, points: Sequence[tuple[str, int | None]]) -> str:
    """What the picture shows, in a sentence."""
    known = [(label, number) for label, number in points if number is not None]
    most, least = max(known, key=lambda p: p[1]), min(known, key=lambda p: p[1])
    return _("%(title)s: from %(least)s (%(where)s) to %(most)s (%(there)s) %(unit)s", title=title, unit=metric.unit,
             least=text_of(metric, least[1]), where=least[0], most=text_of(metric, most[1]), there=most[0])
