"""How personal data look to those who need not read them in full (脱敏, domain.md §7.2)."""
from __future__ import annotations

import re

HIDDEN = "***"
_MASK_CHARACTERS = frozenset("*＊●×")
# Han characters; planes 2 and 3 as a whole, because Python's tables lack the newest, and the private area, where
# older systems keep rare characters.
HAN = re.compile(
    "[\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\ue000-\uf8ff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_DOUBLE_SURNAME = re.compile("""(?x)(
    欧阳|歐陽|尉迟|尉遲|万俟|长孙|長孫|上官|司马|司馬|司徒|司空|诸葛|諸葛|皇甫|夏侯|令狐|慕容|宇文|东方|東方|公孙|公孫
    |轩辕|端木|独孤|獨孤|澹台|澹臺|淳于|单于|太史|申屠|呼延|鲜于|闻人|濮阳|濮陽|公冶|赫连|西门|南宫|南宮|百里|东郭|拓跋
    |钟离|鍾離|闾丘|宰父|亓官|第五|纳兰|完颜|叶赫|耶律|公羊|左丘|梁丘
)(?=.)""")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")


def mask_name(name: str | None) -> str:
    """张* and 王**; both characters of a double surname stay: 欧阳**. Other names keep one character: 阿**."""
    if not name:
        return ""
    if len(name) == 1:
        return "*"
    kept = surname_length(name)
    if not kept:  # 阿依古丽·买买提, Anna: no surname in front, and the length would tell too much
        return name[0] + "**"
    return name[:kept] + "*" * (len(name) - kept)


def mask_identity(number: str | None) -> str:
    """First 6 and last 4 of an identity number; what follows the 18th character of a 残疾人证 is hidden."""
    if not number:
        return ""
    if len(number) < 15:
        return "*" * 8
    return number[:6] + "*" * 8 + number[:18][-4:] + "*" * len(number[18:])


def mask_phone(phone: str | None) -> str:
    """138****1234; of any other number only the last 4 digits stay."""
    digits = re.sub(r"[\s-]", "", phone or "")
    if _MOBILE.fullmatch(digits):
        return f"{digits[:3]}****{digits[-4:]}"
    return "*" * len(digits) if len(digits) <= 4 else "*" * (len(digits) - 4) + digits[-4:]


def mask_address(compound: str | None, building: str | None, unit: str | None, room: str | None) -> str:
    """Down to the 小区, 幸福小区*栋*单元***; a part that is not known is left out."""
    return "".join((compound or "", "*栋" if building else "", "*单元" if unit else "", HIDDEN if room else ""))


def mask_text(text: str | None) -> str:
    """Notes on health and the like: that there is something, not what or how much."""
    return HIDDEN if text and text.strip() else ""


def looks_masked(text: str) -> bool:
    """Whether a value holds hidden characters, so that storing it would lose the real one."""
    return not _MASK_CHARACTERS.isdisjoint(text)


def surname_length(name: str) -> int:
    """How many characters in front are the surname: 1, or 2 (欧阳娜); 0 where none is (Anna, 阿依古丽·买买提)."""
    if "·" in name or not HAN.match(name):
        return 0
    return 2 if _DOUBLE_SURNAME.match(name) else 1
