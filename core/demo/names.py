"""Pools of invented names; whoever bears one of them in life is not meant."""
from __future__ import annotations

from random import Random

from core.residents.sex import Sex

SURNAMES = (
    "王李张刘陈杨赵黄周吴" * 4 + "徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧" * 2
    + "程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱"
    + "秦江史顾侯邵孟龙万段单仇解区查翟缪盖"
)
DOUBLE_SURNAMES = ("欧阳", "上官", "司马", "诸葛")
GIVEN = {
    ("old", Sex.MALE): "建国 国强 志明 德福 永年 长贵 玉林 树生 文斌 保田 学礼 洪亮 福来 正华 守义 兴旺 根生 明 义",
    ("old", Sex.FEMALE): "桂兰 秀英 玉珍 淑华 凤英 翠兰 素芬 玉梅 秀珍 金凤 月娥 惠芳 兰英 春香 彩云 巧云 爱莲 英 芳",
    ("middle", Sex.MALE): "伟 强 磊 勇 志刚 建军 海涛 晓东 立新 少华 卫东 振宇 文杰 浩 鹏飞 国栋 家明 俊峰 乐平 行之",
    ("middle", Sex.FEMALE): "丽 静 敏 艳 晓燕 海霞 红梅 雪莲 文娟 丽娜 小红 玉洁 慧 晓琳 春燕 佳 雅琴 冬梅 茜 婷婷",
    ("young", Sex.MALE): "子轩 浩宇 宇航 梓睿 一鸣 嘉懿 奕辰 天佑 明泽 思远 乐 小宝 俊熙 晨阳",
    ("young", Sex.FEMALE): "雨桐 欣怡 梓涵 可馨 诗涵 一诺 语嫣 思彤 佳怡 若曦 小雨 安然 朵朵 沐晴",
}
GIVEN_NAMES = {key: names.split() for key, names in GIVEN.items()}

# What lists, searches and exports must survive: surnames read otherwise, rare characters, a dot.
UNUSUAL = (
    ("单桂兰", Sex.FEMALE), ("曾广明", Sex.MALE), ("仇秀珍", Sex.FEMALE), ("欧阳淑华", Sex.FEMALE), ("张䶮", Sex.MALE),
    ("李𠮷祥", Sex.MALE), ("阿依古丽·买买提", Sex.FEMALE), ("王平", Sex.MALE), ("王平", Sex.MALE),
)


def surname(chance: Random) -> str:
    """A surname, the usual ones more often."""
    return chance.choice(DOUBLE_SURNAMES) if chance.random() < 0.01 else chance.choice(SURNAMES)


def given_name(chance: Random, generation: str, sex: Sex) -> str:
    """A given name as that generation has them; `generation` is old, middle or young."""
    return chance.choice(GIVEN_NAMES[generation, sex])
