"""示范街道 and its five communities, with the figures that five real stations have published.

What was published as a round figure (近20000人) is kept as that number, and the note says how it was worded.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

STREET = "示范街道", "shifan", "990001001000"  # name, slug, division code; no real region begins with 99
SERVICE_AREA = "京杭路服务区", "jinghanglu"


@dataclass(frozen=True)
class DemoCommunity:
    """A community of the demonstration: its houses, how many people are invented for it, what it has on.

    `compounds` gives the buildings (栋) of each 小区, `profile` the declared figures of a year, `plugins` since when
    each is on.
    """

    slug: str
    name: str
    code: str
    people: int
    compounds: dict[str, int]
    profile: dict[str, Any]
    plugins: dict[str, date] = field(default_factory=dict)
    in_service_area: bool = False


COMMUNITIES = (
    DemoCommunity(
        "jinghangjiayuan", "京杭佳苑社区", "990001001001", 220, {"京杭佳苑东区": 14, "京杭佳苑西区": 12, "运河人家": 8},
        {"year": 2021, "volunteers": 325, "teams": 7, "note": "志愿服务者325名，社区自组织7支（截至2021年12月31日）"},
        {"canteen": date(2022, 3, 1), "douyin": date(2024, 3, 4)}, in_service_area=True,
    ),
    DemoCommunity(
        "zhongfu", "中福社区", "990001001002", 260, {"帕佳图小区": 16, "中福新村": 22, "礼江苑": 9},
        {"year": 2025, "founded": 2015, "area_km2": Decimal("0.70"), "households": 4000, "residents": 20000,
         "volunteers": 500, "teams": 5, "note": "公布口径：4000余户，近20000人，志愿者近500名；志愿队伍5类"},
        {"canteen": date(2023, 9, 1)},
    ),
    DemoCommunity(
        "qiyue", "齐悦国际社区", "990001001003", 180, {"齐悦国际花园": 18, "盛悦园": 32},
        {"year": 2021, "volunteers": 100, "note": "公布口径：志愿者近百名，社区志愿服务项目9个"},
        {"douyin": date(2021, 6, 7)},
    ),
    DemoCommunity(
        "jianshenglu", "建胜路社区", "990001001004", 240,
        {"平安小区": 11, "建胜路12号院": 4, "东风里": 9, "胜利佳园": 7},
        {"year": 2024, "households": 2250, "residents": 4100, "party_branches": 6, "teams": 10,
         "note": "公布口径：2250户，4100余人，党支部6个，志愿服务队伍10支"},
        {"canteen": date(2024, 5, 6)},
    ),
    DemoCommunity(
        "jiaojia", "焦家社区", "990001001005", 300,
        {"焦家一村": 12, "焦家二村": 10, "姑溪苑": 9, "青莲佳苑": 14, "翠竹园": 8, "凌云小区": 11, "太白花园": 7,
         "经开公寓": 6, "松塘新居": 12},
        {"year": 2023, "compounds": 9, "buildings": 89, "households": 1549, "residents": 4318, "volunteers": 660,
         "teams": 8, "note": "公布口径：9个居民小区，89栋，1549户，4318人，注册志愿者660余人，队伍8支"},
        {"canteen": date(2021, 6, 1)},
    ),
)
