"""A demonstration kitchen: four weeks of menus, samples, people with their certificates, and the checks of each day.

Some of it is missing on purpose, so that the workbench and the month show what they do.
"""
from __future__ import annotations

from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from sqlalchemy.orm import Session

from core.api import BEIJING, save_settings, settings_of
from plugins.canteen.kitchen.menus import monday_of
from plugins.canteen.kitchen.models import (
    Cook,
    Dish,
    Disinfected,
    Disinfection,
    Duty,
    FoodSample,
    HealthCertificate,
    MenuDish,
    MenuWeek,
    Method,
    MorningCheck,
    PurchaseCheck,
    Verdict,
)
from plugins.canteen.kitchen.people import certified_on, latest_end
from plugins.canteen.models import MealKind
from plugins.canteen.services import kinds_of
from plugins.canteen.settings import PLUGIN

WEEKS = 4
SAMPLED_DAYS = 12
FRIDGES = ("留样冰箱1号", "留样冰箱2号")
DRINK = {"小米粥": (), "南瓜粥": (), "白米粥": (), "豆浆": ("soy",), "牛奶": ("milk",)}
BREAKFAST = {"馒头": ("gluten",), "菜包": ("gluten",), "花卷": ("gluten",), "葱油饼": ("gluten", "egg")}
BESIDE = {"水煮蛋": ("egg",), "茶叶蛋": ("egg", "soy"), "拌萝卜丝": (), "酱黄瓜": ("soy",)}
MAIN = {"红烧肉": ("soy",), "清蒸鲈鱼": ("fish", "soy"), "宫保鸡丁": ("peanut", "soy"), "番茄炒蛋": ("egg",),
        "土豆烧牛肉": ("soy",), "虾仁豆腐": ("crustacean", "soy"), "冬瓜排骨": (), "香菇滑鸡": ("soy",),
        "肉末蒸蛋": ("egg",), "红烧带鱼": ("fish", "soy"), "腰果西芹": ("nut",), "鱼香肉丝": ("soy",)}
GREEN = {"清炒青菜": (), "蒜蓉菠菜": (), "炒豆芽": ("soy",), "手撕包菜": (), "炒西葫芦": (), "凉拌黄瓜": (),
         "麻婆豆腐": ("soy",), "木耳山药": ()}
SOUP = {"紫菜蛋花汤": ("egg", "crustacean"), "冬瓜海带汤": (), "番茄蛋汤": ("egg",), "萝卜骨头汤": (),
        "青菜豆腐汤": ("soy",)}
STAPLE = {"米饭": (), "杂粮饭": (), "青菜面": ("gluten",)}
UNKNOWN = {"今日时令小炒"}  # nobody has looked at its allergens
PLANS = {"早餐": ((DRINK, 1), (BREAKFAST, 2), (BESIDE, 1)), "午餐": ((MAIN, 2), (GREEN, 2), (SOUP, 1), (STAPLE, 1)),
         "晚餐": ((MAIN, 1), (GREEN, 1), (SOUP, 1), (STAPLE, 1))}
FAMILY, GIVEN = "周吴郑孙钱冯蒋沈韩杨", ("建民", "秀英", "桂芳", "志强", "红梅", "国庆", "玉兰", "春生")
JOBS = ("厨师长", "厨师", "帮厨", "配餐员")
GOODS = (("大米", "50 公斤", "丰裕粮油店", 300), ("猪后腿肉", "12 公斤", "惠民肉品", 2),
         ("青菜", "20 公斤", "城南菜场合作社", None), ("鸡蛋", "15 公斤", "绿源禽蛋", 20),
         ("豆腐", "8 公斤", "老街豆制品坊", 1), ("菜籽油", "20 升", "丰裕粮油店", 400),
         ("鲈鱼", "10 公斤", "水产批发部", 1), ("面粉", "25 公斤", "丰裕粮油店", 180))


def demo_records(session: Session, community: Any, today: date, at: datetime) -> None:
    """Four weeks until the end of this one; the same each time."""
    chance = Random(f"{community.slug} kitchen")
    save_settings(session, community.id, PLUGIN, {**settings_of(session, community.id, PLUGIN), "kitchen": "own"})
    first = monday_of(today) - timedelta(weeks=WEEKS - 1)
    days = [first + timedelta(days=number) for number in range(7 * WEEKS)]
    kinds = kinds_of(session)
    menus = _menus(session, chance, days, kinds)
    cooks = _cooks(session, chance, today)
    duties = _duties(cooks, days)
    session.add_all(duties)
    session.add_all(_samples(chance, menus, kinds, cooks, today, at))
    session.add_all(_checks(chance, duties, today))
    for day in (day for day in days if day <= today):
        session.add_all(_day_records(chance, day, cooks, today, at))
    session.flush()


def _at(day: date, hour: int, minute: int) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=BEIJING)


def _menus(
    session: Session, chance: Random, days: list[date], kinds: list[MealKind]
) -> dict[tuple[date, int], list[Dish]]:
    """Dishes for every sitting, and the weeks published on the Friday before."""
    known = DRINK | BREAKFAST | BESIDE | MAIN | GREEN | SOUP | STAPLE
    dishes = {name: Dish(name=name, allergens=list(allergens)) for name, allergens in known.items()}
    dishes |= {name: Dish(name=name) for name in UNKNOWN}
    session.add_all(dishes.values())
    for monday in days[::7]:
        session.add(MenuWeek(monday=monday, published_on=monday - timedelta(days=3), changed_by="陈静",
                             changed_at=_at(monday - timedelta(days=3), 15, 20)))
    session.flush()
    menus = {}
    for day in days:
        for kind in kinds:
            names = [name for part, number in PLANS.get(kind.name, PLANS["晚餐"]) for name in
                     chance.sample(sorted(part), number)]
            if kind.name == "晚餐" and day.weekday() == 4:
                names.append(*UNKNOWN)
            menus[day, kind.id] = [dishes[name] for name in names]
            session.add_all(MenuDish(day=day, kind_id=kind.id, dish_id=dishes[name].id) for name in names)
    return menus


def _cooks(session: Session, chance: Random, today: date) -> list[Cook]:
    """Four people: one certificate ends soon, one has ended."""
    names = [family + given for family, given in
             zip(chance.sample(FAMILY, len(JOBS)), chance.sample(GIVEN, len(JOBS)), strict=True)]
    cooks = [Cook(name=name, job=job, phone=f"139{chance.randint(0, 10**8 - 1):08d}")
             for name, job in zip(names, JOBS, strict=True)]
    session.add_all(cooks)
    session.flush()
    for cook, left in zip(cooks, (240, 150, 18, -9), strict=True):
        ends = today + timedelta(days=left)
        for year in (1, 0):
            issued = (ends - timedelta(days=365)) - timedelta(days=365 * year)
            session.add(HealthCertificate(
                cook_id=cook.id, number=f"990{issued:%y%m}{chance.randint(0, 99999):05d}", issued_on=issued,
                expires_on=min(latest_end(issued), issued + timedelta(days=365))))
    session.flush()
    return cooks


def _duties(cooks: list[Cook], days: list[date]) -> list[Duty]:
    """Everybody but one each day, as far as certificates hold."""
    return [Duty(cook_id=cook.id, day=day) for number, day in enumerate(days) for place, cook in enumerate(cooks)
            if place != number % len(cooks) and certified_on(cook, day)]


def _samples(
    chance: Random, menus: dict[tuple[date, int], list[Dish]], kinds: list[MealKind], cooks: list[Cook], today: date,
    at: datetime,
) -> list[FoodSample]:
    """Of every dish of the last days, before it was served; thrown away on the third day, but for the latest."""
    samples = []
    for back in range(SAMPLED_DAYS, -1, -1):
        day = today - timedelta(days=back)
        for kind in kinds:
            taken = datetime.combine(day, kind.opens, tzinfo=BEIJING) + timedelta(minutes=chance.randint(-15, 10))
            gone = _at(day + timedelta(days=3), 9, chance.randint(0, 50))
            for dish in menus.get((day, kind.id), ()):
                if taken > at or (back in (0, 4) and kind.name == "午餐" and dish.name in STAPLE):
                    continue  # forgotten
                thrown = back > 3 and gone < at
                samples.append(FoodSample(
                    day=day, kind_id=kind.id, dish_id=dish.id, grams=chance.choice((125, 125, 130, 150)),
                    fridge=FRIDGES[day.weekday() % 2], taken_at=taken, taken_by=cooks[day.weekday() % 2].name,
                    recorded_by="陈静", disposed_at=gone if thrown else None,
                    disposed_by=cooks[2].name if thrown else None))
    return samples


def _checks(chance: Random, duties: list[Duty], today: date) -> list[MorningCheck]:
    """Everybody is checked at six; one was unfit, and the last of today has not been checked."""
    checks = []
    for number, duty in enumerate(duty for duty in duties if duty.day <= today):
        unfit = number == 40
        checks.append(MorningCheck(
            cook_id=duty.cook_id, day=duty.day, temperature=378 if unfit else chance.randint(361, 368),
            symptoms="发热、咽痛" if unfit else None, fit=not unfit, checked_at=_at(duty.day, 6, chance.randint(5, 25)),
            checked_by="李华"))
    return checks[:-1]


def _day_records(chance: Random, day: date, cooks: list[Cook], today: date, at: datetime) -> list[Any]:
    """Disinfection after each sitting and deliveries in the morning; five days ago the first was forgotten."""
    forgotten = day == today - timedelta(days=5)
    records: list[Any] = [
        Disinfection(day=day, began=time(hour, 40), what=what, method=method, minutes=minutes, done_by=cooks[2].name,
                     recorded_by="陈静", note=note)
        for hour, what, method, minutes, note in (
            (8, Disinfected.TABLEWARE, Method.CABINET, 30, "消毒柜 125 ℃"),
            (13, Disinfected.TABLEWARE, Method.STEAM, 15, "煮沸 100 ℃"),
            (14, Disinfected.SURFACES, Method.CHLORINE, 10, "有效氯 250 mg/L"),
        ) if not forgotten and _at(day, hour, 40) <= at
    ]
    if day.weekday() < 6:
        for item, quantity, supplier, keeps in chance.sample(GOODS, 2):
            bad = day == today - timedelta(days=8) and keeps is not None
            records.append(PurchaseCheck(
                day=day, supplier=supplier, item=item, quantity=quantity, batch=f"{day:%Y%m%d}" if keeps else None,
                expires_on=day + timedelta(days=-1 if bad else keeps) if keeps else None, licence_seen=True,
                proof_seen=keeps is not None, verdict=Verdict.REFUSED if bad else Verdict.ACCEPTED,
                note="已过保质期，当场退回" if bad else None, checked_by=cooks[0].name, recorded_by="陈静"))
    return records
