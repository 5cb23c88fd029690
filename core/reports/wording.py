"""How a report says a number: 余 is truncated, 近 is close below, 约 is an estimate, and what is exact stays so.

The exact number stands in a footnote (product.md §15), so that the sentence and the table agree.
"""
from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

ODD, NEAR, ABOUT = "余", "近", "约"
CLOSE = Decimal("0.95")  # 近: at most 5 % below the next round number
UNITS = ((100_000_000, "亿"), (10_000, "万"))
NAMED = {100: "百", 1_000: "千", 10_000: "万", 100_000_000: "亿"}  # 近百, 近千, 近万 say no figure before


def in_words(number: int | Decimal, *, estimate: bool = False) -> str:
    """The number as a report says it, without its unit: 507 → 500余, 55,012 → 5.5万余, 9,870 → 近万, 500 → 500.

    From 100 on two figures are said, from 10 on one; below 10 and below zero the number itself. An `estimate` is
    rounded half up to as many figures and said with 约; only an estimate ever is.
    """
    number = Decimal(number)
    if estimate:
        return ABOUT + _plain(_rounded(number)) if number >= 1 else ABOUT + f"{number.normalize():f}"
    if number < 10:
        return f"{number.normalize():f}"
    said = _truncated(number)
    if said == number:
        return _plain(said)
    if number >= (above := _next_round(number)) * CLOSE:
        return NEAR + NAMED.get(int(above), _plain(above))
    return _plain(said) + ODD


def _step(number: Decimal) -> int:
    """The place of the last figure that is said."""
    figures = len(str(int(number)))
    return 10 ** (figures - (2 if figures > 2 else 1))


def _truncated(number: Decimal) -> int:
    step = _step(number)
    return int(number) // step * step


def _rounded(number: Decimal) -> int:
    step = _step(number)
    return int((number / step).quantize(Decimal(1), ROUND_HALF_UP)) * step


def _next_round(number: Decimal) -> int:
    """The next number above with one figure and zeros: 507 → 600, 9,870 → 10,000."""
    place = 10 ** (len(str(int(number))) - 1)
    return (int(number) // place + 1) * place


def _plain(number: int) -> str:
    """5.5万, 2万, 4300: from 10,000 on in 万, from 100 million on in 亿."""
    for size, name in UNITS:
        if number >= size:
            return f"{(Decimal(number) / size).normalize():f}{name}"
    return str(number)
