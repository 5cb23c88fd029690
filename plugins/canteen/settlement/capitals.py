"""大写金额 as banks ask for it: 《正确填写票据和结算凭证的基本规定》 (支付结算办法, appendix 一)."""
from __future__ import annotations

from decimal import Decimal

DIGITS = "零壹贰叁肆伍陆柒捌玖"
WAN, YI, LIMIT = 10**4, 10**8, 10**16


def capital_yuan(amount: Decimal) -> str:
    """An amount of yuan in capitals: 1007.14 → 壹仟零柒元壹角肆分, -10 → 负壹拾元整; below one yuan 元 is left out.

    整 ends what has no 分. Raises ValueError for parts of a fen and from 10^16 yuan on.
    """
    fen = abs(amount) * 100
    if fen != fen.to_integral_value() or fen >= LIMIT * 100:
        raise ValueError(amount)
    yuan, rest = divmod(int(fen), 100)
    jiao, cents = divmod(rest, 10)
    text = f"{_whole(yuan)}元" if yuan else ""
    if jiao:
        text += f"{DIGITS[jiao]}角"
    elif cents and yuan:
        text += "零"
    text += f"{DIGITS[cents]}分" if cents else "整"
    return ("负" if amount < 0 else "") + (text if fen else "零元整")


def _whole(number: int) -> str:
    """A number above zero in groups of 亿 and 万; a group that does not fill its places begins with 零."""
    for unit, word in ((YI, "亿"), (WAN, "万")):
        if number >= unit:
            high, low = divmod(number, unit)
            gap = "零" if 0 < low < unit // 10 else ""
            return f"{_whole(high)}{word}{gap}{_whole(low) if low else ''}"
    return _below_wan(number)


def _below_wan(number: int) -> str:
    """1 to 9999; zeros between digits are one 零, at the end none."""
    text, waiting = "", False
    for place, word in ((1000, "仟"), (100, "佰"), (10, "拾"), (1, "")):
        digit = number // place % 10
        if digit:
            text += ("零" if waiting and text else "") + DIGITS[digit] + word
        waiting = not digit
    return text
