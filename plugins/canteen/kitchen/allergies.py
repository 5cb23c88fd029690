"""Which dish somebody should not eat, by the free words of his allergy note. In doubt it warns."""
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from core.api import LifeState, Resident
from plugins.canteen.kitchen.models import Allergen, Dish
from plugins.canteen.models import Diner

WORDS: dict[Allergen, tuple[str, ...]] = {  # as people write them in notes, and as they stand in names of dishes
    Allergen.GLUTEN: ("麸", "小麦", "麦", "面粉", "面筋", "面条", "面食", "拌面", "汤面", "炒面", "馒头", "包子",
                      "花卷", "饺", "馄饨", "烧饼", "油条", "面包", "面片"),
    Allergen.CRUSTACEAN: ("甲壳", "虾", "蟹", "海鲜"),
    Allergen.FISH: ("鱼", "海鲜", "水产"),
    Allergen.EGG: ("蛋",),
    Allergen.PEANUT: ("花生",),
    Allergen.SOY: ("大豆", "黄豆", "毛豆", "豆腐", "豆制品", "豆浆", "豆干", "豆皮", "豆花", "腐竹", "千张"),
    Allergen.MILK: ("奶", "乳", "芝士", "黄油"),
    Allergen.NUT: ("坚果", "核桃", "杏仁", "腰果", "榛", "开心果", "松子", "松仁"),
}
NOT_MEANT = ("鱼香", "鱼腥草", "腐乳", "乳瓜", "乳鸽", "奶白菜", "蟹味菇")  # no fish, no milk, no crab
SAID = re.compile(r"食物过敏|过敏史|过敏|忌口|忌食|不能吃|不吃|禁食|忌|对|严重|轻微|有|类|等|食品|制品")
BETWEEN = re.compile(r"[\W_]+|[和及与或]")
NONE_SAID = re.compile(r"^\W*(无|没有|没|否|未发现|不详|暂无)?(药物|食物)?(过敏史|过敏)?\W*$")


@dataclass(frozen=True)
class Warned:
    """A diner, and the dishes that his note speaks against, each with the word of it."""

    diner: Diner
    dishes: list[tuple[Dish, str]]


def clashes(note: str, dishes: Iterable[Dish]) -> list[tuple[Dish, str]]:
    """The dishes that an allergy note speaks against: by their allergens, or because a word stands in their name."""
    if NONE_SAID.match(note):
        return []
    said = [allergen for allergen, words in WORDS.items() if any(word in note for word in words)]
    words = [word for word in BETWEEN.split(SAID.sub(" ", note)) if word]
    found = []
    for dish in dishes:
        allergens = contained(dish)
        because = next((str(a.label) for a in said if a in allergens), None)
        because = because or next((word for word in words if word in _words_of(dish)), None)
        if because:
            found.append((dish, because))
    return found


def contained(dish: Dish) -> set[Allergen]:
    """What is entered for a dish, and what its name tells besides."""
    name = _words_of(dish)
    return {*dish.known_allergens, *(a for a, words in WORDS.items() if any(word in name for word in words))}


def _words_of(dish: Dish) -> str:
    text = f"{dish.name} {dish.note or ''}"
    for word in NOT_MEANT:
        text = text.replace(word, "")
    return text


def warnings(session: Session, dishes: Iterable[Dish]) -> list[Warned]:
    """The living diners with a note against one of these dishes; the notes are decrypted here and nowhere kept."""
    dishes = list(dishes)
    if not dishes:
        return []
    diners = session.scalars(
        sa.select(Diner).join(Resident, Diner.resident_id == Resident.id)
        .where(Diner.deleted_at.is_(None), Diner.allergy.is_not(None), Resident.deleted_at.is_(None),
               Resident.state == LifeState.ALIVE)
        .options(joinedload(Diner.resident)).order_by(Resident.sort_key, Diner.id))
    found = (Warned(diner, clashes(diner.allergy or "", dishes)) for diner in diners)
    return [warned for warned in found if warned.dishes]
