"""Names: how they are written down, and the pinyin by which they are found and sorted (domain.md §6)."""
from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import product

from flask_babel import gettext as _
from pypinyin import Style, pinyin

from core.errors import ValidationError
from core.residents.masking import HAN, looks_masked, surname_length

FIELD = "name"
LONGEST_NAME = 30  # characters
MOST_READINGS = 8
VOWELS = ("v", "yu", "u")  # how ü is typed
_MANY_CHARACTERS = 6  # longer names are sound for sound (买买提): each character has its one reading

# Surnames that are read otherwise than the character alone; the usual reading is kept as a second one.
_SURNAME_READINGS = {name: readings.split("/") for name, readings in re.findall(r"(\S+):(\S+)", """
    单:shan 單:shan 曾:zeng 仇:qiu 解:xie 区:ou 區:ou 查:zha 盖:ge 蓋:ge 朴:piao 翟:zhai 缪:miao 繆:miao 乐:yue/le
    樂:yue/le 覃:qin/tan 召:shao 隗:wei/kui 种:chong 折:she 繁:po 员:yun 贠:yun 柏:bai/bo 秘:bi 洗:xian 黑:he 卜:bu
    谌:chen/shen 阚:kan 闞:kan 郗:xi/chi 郇:xun/huan 都:du 祭:zhai 宓:mi/fu 乜:nie 藏:zang 尉:wei/yu 能:nai 牟:mou/mu
    句:gou 莘:shen/xin 郄:qie/xi 蔚:yu/wei 颉:xie/jie 炅:gui/jiong 角:jue/jiao 泌:bi 钭:tou/dou 迮:ze/zuo 隽:juan
    粘:nian/zhan 佴:nai
""")}
_DOUBLE_SURNAME_READINGS = {
    "尉迟": ("yu", "chi"), "尉遲": ("yu", "chi"), "长孙": ("zhang", "sun"), "長孫": ("zhang", "sun"),
    "万俟": ("mo", "qi"), "澹台": ("tan", "tai"), "澹臺": ("tan", "tai"), "单于": ("chan", "yu"),
}
# Characters with more than one reading that are usual in given names, the likelier one first.
_GIVEN_READINGS = {name: readings.split("/") for name, readings in re.findall(r"(\S+):(\S+)", """
    乐:le/yue 樂:le/yue 行:xing/hang 重:chong/zhong 朝:chao/zhao 长:chang/zhang 長:chang/zhang 茜:qian/xi
    晟:sheng/cheng 盛:sheng/cheng 柏:bai/bo 朴:pu/piao 藏:cang/zang 参:can/shen 缪:miao/mou 角:jiao/jue 觉:jue/jiao
    隽:jun/juan 莎:sha/suo 浚:jun/xun 蔓:man/wan 薄:bo/bao 颉:jie/xie 栖:qi/xi 禅:chan/shan 澄:cheng/deng
    率:shuai/lv 绿:lv/lu 仔:zai/zi 伽:jia/qie 勒:le/lei 厦:xia/sha 召:zhao/shao 尉:wei/yu 单:dan/shan
    曾:zeng/ceng 盖:gai/ge 种:zhong/chong 炅:jiong/gui 纶:lun/guan 莞:wan/guan 钿:dian/tian 鹄:hu/gu 栎:li/yue
    珩:heng/hang 传:chuan/zhuan 调:diao/tiao 降:jiang/xiang 翟:di/zhai 查:cha/zha 解:jie/xie 仇:chou/qiu 秘:mi/bi
    员:yuan/yun 圩:xu/wei 尾:wei/yi 弄:nong/long 将:jiang/qiang 宿:su/xiu 便:bian/pian 会:hui/kuai 扎:zha/za
    呢:ni/ne 色:se/shai 陆:lu/liu 铅:qian/yan 蔚:wei/yu 莘:xin/shen 埔:pu/bu 徵:zheng/zhi 𠮷:ji
""")}
_DOTS = str.maketrans("•・‧∙⋅", "·····")


def normalise_name(text: str) -> str:
    """A name as it is kept: 张 三 → 张三, full-width letters made half-width, 阿依古丽·买买提 with this one dot.

    Raises ValidationError (field "name") if nothing can be a name, or there are more than 30 characters.
    """
    name = unicodedata.normalize("NFC", "".join(_half_width(c) for c in text.translate(_DOTS)))
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in name):
        raise ValidationError(_("The name has unreadable characters; type it again"), FIELD)
    if looks_masked(name):
        raise ValidationError(_("This name is masked; enter the full name"), FIELD)
    name = _without_blanks_in_chinese(" ".join(name.split()))
    if not name:
        raise ValidationError(_("Enter the name"), FIELD)
    if not any(HAN.match(c) or c.isalpha() for c in name):
        raise ValidationError(_("A name needs letters or Chinese characters; enter the name"), FIELD)
    if len(name) > LONGEST_NAME:
        raise ValidationError(_("The name has %(count)d characters; enter at most %(most)d",
                                count=len(name), most=LONGEST_NAME), FIELD)
    return name


def pinyin_key(name: str) -> str:
    """What a name is searched by: each reading in full and its initials, blank separated, the likeliest reading first.

    "shanguilan sgl danguilan dgl" for 单桂兰; ü as v, yu and u ("lv lyu lu"); the parts of a name with · or blanks
    follow by themselves. Lower-case ASCII; characters of unknown sound are left out.
    """
    return " ".join(dict.fromkeys(key for reading in _readings(name) for key in _keys(reading)))


def syllables_of(name: str) -> list[list[str]]:
    """Every reading of a name, the likeliest first, as its syllables; with ü in each of its spellings."""
    spelt = ([_spelt(syllable, vowel) for unit in reading for syllable in unit]
             for reading in _readings(name) for vowel in VOWELS)
    return [list(reading) for reading in dict.fromkeys(map(tuple, spelt)) if reading]


def _readings(name: str) -> list[list[tuple[str, ...]]]:
    """The likeliest ways to read a name, then its parts by themselves."""
    units = _units(name)
    if not units:
        return []
    readings = _likeliest([readings for readings, _part in units])
    last_part = units[-1][1]
    if last_part:
        readings += [[found[0] for found, part in units if part == n] for n in range(last_part + 1)]
    return readings


def sort_key(name: str) -> str:
    """The likeliest reading in full; the name itself where no character's sound is known (so it sorts last)."""
    return pinyin_key(name).partition(" ")[0] or name


def _half_width(character: str) -> str:
    if "！" <= character <= "～":
        return chr(ord(character) - 0xFEE0)
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) == "Cf" else character  # invisible marks come with copied text


def _without_blanks_in_chinese(name: str) -> str:
    han = HAN.pattern
    name = re.sub(f"(?<={han}) | (?={han})", "", name)
    name = re.sub(rf"(?<={han}) ?\. ?(?={han})", "·", name)
    return re.sub(" ?(?:· ?)+", "·", name).strip(" ·")


def _units(name: str) -> list[tuple[list[tuple[str, ...]], int]]:
    """The name's syllables and Latin words in order: (possible readings, which part of the name it stands in).

    A reading is a tuple of syllables, because a double surname is one unit.
    """
    units: list[tuple[list[tuple[str, ...]], int]] = []
    many = len(name) > _MANY_CHARACTERS
    surname = surname_length(name)
    for n, part in enumerate(p for p in re.split(r"[·\s]+", name) if p):
        start = 0
        if n == 0 and surname:
            units.append((_surname_readings(part[:surname]), n))
            start = surname
        for latin, character in re.findall(r"([A-Za-z\u00c0-\u024f]+)|(.)", part[start:]):
            found = list(filter(None, [_ascii(latin)])) if latin else _given_readings(character)
            if found:
                units.append(([(reading,) for reading in (found[:1] if many else found)], n))
    return [unit for unit in units if unit[0]]


def _surname_readings(surname: str) -> list[tuple[str, ...]]:
    if len(surname) > 1:
        usual = tuple(sound for character in surname for sound in _given_readings(character)[:1])
        return list(dict.fromkeys([_DOUBLE_SURNAME_READINGS.get(surname, usual), usual]))
    known = _SURNAME_READINGS.get(surname, []) + _given_readings(surname)[:1] + _sounds(surname)
    return [(sound,) for sound in dict.fromkeys(known)]


def _given_readings(character: str) -> list[str]:
    return _GIVEN_READINGS.get(character) or _sounds(character)


@lru_cache(maxsize=4096)
def _sounds(character: str) -> list[str]:
    """The usual sound of a character alone, in a list; an empty one if it is not known."""
    found = pinyin(character, style=Style.NORMAL, errors="ignore")
    sound = _ascii(found[0][0]) if found else ""
    return [sound] if sound else []


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub("[^a-z]", "", plain.lower())


def _likeliest(units: list[list[tuple[str, ...]]]) -> list[list[tuple[str, ...]]]:
    """At most 8 ways to read all units, those that differ in the fewest from the likeliest first."""
    ways = product(*(range(len(readings)) for readings in units))
    fewest = sorted(ways, key=lambda way: (sum(map(bool, way)), way))[:MOST_READINGS]
    return [[readings[n] for readings, n in zip(units, way, strict=True)] for way in fewest]


def _keys(reading: list[tuple[str, ...]]) -> Iterator[str]:
    """A reading in full, its other spellings of ü, its initials."""
    syllables = [syllable for unit in reading for syllable in unit]
    if not syllables:
        return
    for vowel in VOWELS:
        yield "".join(_spelt(syllable, vowel) for syllable in syllables)
    yield "".join(syllable[0] for syllable in syllables)


def _spelt(syllable: str, vowel: str) -> str:
    return re.sub("(?<=^[ln])v", vowel, syllable)
