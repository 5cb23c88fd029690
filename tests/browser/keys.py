"""Working with the keyboard alone: going to a control by Tab, and what can be seen at every stop."""
from __future__ import annotations

from typing import Any

STOP = """() => {
  const e = document.activeElement;
  if (!e || e === document.body || e === document.documentElement) return null;
  const shown = (element) => {
    const s = getComputedStyle(element);
    const line = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1 && !/, 0\\)$/.test(s.outlineColor);
    return line || s.boxShadow !== 'none';
  };
  const box = e.getBoundingClientRect(), filter = e.closest('.filter');
  const x = Math.min(Math.max(box.left + box.width / 2, 0), innerWidth - 1);
  const y = Math.min(Math.max(box.top + box.height / 2, 0), innerHeight - 1);
  const top = document.elementFromPoint(x, y);
  const clear = top && (e.contains(top) || top.contains(e) || (top.tagName === 'LABEL' && top.control === e));
  const name = e.getAttribute('aria-label') || (e.labels && e.labels[0] || e).textContent || e.name;
  return {what: `${e.tagName.toLowerCase()} ${name.trim().slice(0, 40)}`, clear: Boolean(clear),
    shown: shown(e) || Boolean(filter && shown(filter)) || e.type === 'date',  // its button inside has its own ring
    inside: box.bottom > 0 && box.top < innerHeight};
}"""


def stop(tab: Any) -> dict[str, Any] | None:
    """What has the focus: whether one sees it there; None at the end of the page."""
    return tab.evaluate(STOP)


def go(tab: Any, selector: str, key: str = "Tab", most: int = 150) -> None:
    """Press a key until this control has the focus."""
    passed = []
    for _press in range(most):
        if tab.evaluate("s => Boolean(document.activeElement && document.activeElement.matches(s))", selector):
            return
        tab.keyboard.press(key)
        here = stop(tab)
        passed.append(here["what"] if here else "—")
    raise AssertionError(f"{selector} is not reached by {key}: {passed}")


def on(tab: Any, selector: str) -> bool:
    """Whether the focus is there."""
    return tab.evaluate("s => Boolean(document.activeElement.closest(s))", selector)


def enter(tab: Any) -> None:
    """Press Enter on what leads to another page, and wait for it."""
    with tab.expect_navigation():
        tab.keyboard.press("Enter")


def stops(tab: Any, most: int = 220) -> list[dict[str, Any]]:
    """Every stop of Tab from the skip link to the end of the page."""
    tab.focus(".skip")
    found = []
    for _press in range(most):
        tab.keyboard.press("Tab")
        here = stop(tab)
        if here is None:
            return found
        found.append(here)
    raise AssertionError(f"no end after {most} stops: {[s['what'] for s in found[-5:]]}")
