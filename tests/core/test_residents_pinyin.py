"""Names are kept in one form and found by every way they are read."""
from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import ValidationError
from core.residents.pinyin import normalise_name, pinyin_key, sort_key

han_names = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=30)


def refusal(text: str) -> str:
    with pytest.raises(ValidationError) as caught:
        normalise_name(text)
    assert caught.value.field == "name"
    return str(caught.value)


@pytest.mark.parametrize(("name", "reading"), [
    ("单桂兰", "shanguilan"), ("曾国藩", "zengguofan"), ("仇英", "qiuying"), ("解缙", "xiejin"), ("区明", "ouming"),
    ("查明", "zhaming"), ("任红", "renhong"), ("华英", "huaying"), ("盖明", "geming"), ("朴英", "piaoying"),
    ("翟英", "zhaiying"), ("缪英", "miaoying"), ("乐英", "yueying"), ("覃英", "qinying"), ("尉迟英", "yuchiying"),
    ("万俟英", "moqiying"), ("长孙英", "zhangsunying"), ("欧阳英", "ouyangying"), ("澹台英", "tantaiying"),
    ("万英", "wanying"), ("尉英", "weiying"), ("吕英", "lvying"), ("王长乐", "wangchangle"), ("欧阳", "ouyang"),
])
def test_the_surname_is_read_as_a_surname(name, reading):
    assert sort_key(name) == reading


@pytest.mark.parametrize(("name", "tokens"), [
    ("单桂兰", "shanguilan sgl danguilan dgl"),
    ("吕英", "lvying lyuying luying ly"),
    ("闾丘略", "lvqiulve lyuqiulyue luqiulue lql"),
    ("尉迟恭", "yuchigong ycg weichigong wcg"),
    ("王乐", "wangle wl wangyue wy"),
    ("阿依古丽·买买提", "ayigulimaimaiti ayglmmt ayiguli aygl maimaiti mmt"),
    ("Anna Müller", "annamuller am anna muller"),
    ("安娜Maria", "annamaria anm"),
    ("䶮𠮷", "yanji yj"),
])
def test_a_name_is_found_by_every_reading_and_its_initials(name, tokens):
    assert set(tokens.split()) <= set(pinyin_key(name).split())


def test_a_key_begins_with_the_likeliest_reading():
    assert pinyin_key("单桂兰") == "shanguilan sgl danguilan dgl"


def test_the_surname_keeps_both_readings_when_the_given_name_has_many():
    readings = pinyin_key("曾长乐行").split()
    assert readings[0] == "zengchanglexing" and "cengchanglexing" in readings


def test_a_name_with_a_dot_has_no_surname_in_front():
    assert sort_key("单·买买提") == "danmaimaiti"


def test_a_character_of_unknown_sound_is_left_out():
    assert pinyin_key("王\U0003fff0明") == "wangming wm"
    assert pinyin_key("王·\U0003fff0·明") == "wangming wm wang w ming m"


def test_a_name_of_unknown_sound_sorts_after_the_others():
    assert pinyin_key("\U0003fff0") == ""
    assert sort_key("\U0003fff0") > sort_key("周英")


@given(han_names)
def test_a_key_is_bounded_lower_case_ascii_without_repeats(name):
    tokens = pinyin_key(name).split(" ")
    assert all(token.isascii() and token.isalpha() and token.islower() for token in tokens if token)
    assert len(tokens) == len(set(tokens)) <= 8 * 4
    assert len(pinyin_key(name)) <= 1000


def test_no_name_has_more_than_eight_readings():
    assert len({token for token in pinyin_key("单长乐行朝重").split() if len(token) > 6}) == 8


def test_a_long_name_has_one_reading():
    assert pinyin_key("阿" + "乐" * 29) == f"{'a' + 'le' * 29} {'a' + 'l' * 29}"


@given(st.text(max_size=40))
def test_whatever_is_typed_has_a_key(text):
    assert pinyin_key(text).isascii()


@pytest.mark.parametrize(("written", "kept"), [
    ("张 三", "张三"), ("张　三", "张三"), (" 张三\n", "张三"), ("张\u200b三", "张三"), ("欧阳 娜 娜", "欧阳娜娜"),
    ("Ａｎｎａ", "Anna"), ("Anna  Maria", "Anna Maria"), ("Anna　Maria", "Anna Maria"), ("张 Anna", "张Anna"),
    ("J. Smith", "J. Smith"), ("Ｊ．Ｓｍｉｔｈ", "J.Smith"), ("O'Neil-Smith", "O'Neil-Smith"),
    ("阿依古丽·买买提", "阿依古丽·买买提"), ("阿依古丽•买买提", "阿依古丽·买买提"),
    ("阿依古丽・买买提", "阿依古丽·买买提"), ("阿依古丽．买买提", "阿依古丽·买买提"),
    ("阿依古丽 · 买买提", "阿依古丽·买买提"), ("阿依古丽.买买提", "阿依古丽·买买提"), ("·张三·", "张三"),
    ("e\u0301", "é"), ("𠮷野", "𠮷野"), ("䶮", "䶮"), ("王\U00031350", "王\U00031350"), ("王\ue863", "王\ue863"),
    ("张三2", "张三2"), ("王〇", "王〇"), ("张", "张"),
])
def test_a_name_is_kept_in_one_form(written, kept):
    assert normalise_name(written) == kept


@pytest.mark.parametrize(("text", "words"), [
    ("", "Enter the name"), (" 　", "Enter the name"), ("·", "Enter the name"),
    ("123", "needs letters"), ("１２３", "needs letters"), ("--", "needs letters"),
    ("张\x00三", "unreadable"), ("张\x07三", "unreadable"), ("张\ud800三", "unreadable"),
    ("张*", "masked"), ("王＊＊", "masked"), ("王××", "masked"),
    ("阿" * 31, "has 31 characters; enter at most 30"),
])
def test_what_is_no_name_is_refused_with_a_reason(text, words):
    assert words in refusal(text)


def test_a_name_of_thirty_rare_characters_fits():
    assert normalise_name("𠮷" * 30) == "𠮷" * 30


@given(st.one_of(st.text(max_size=35), st.text("张三𠮷Aeé ·•．.　\u0301\u200d\u00a01'-", max_size=12)))
@example("A· ·0")
def test_a_kept_name_stays_as_it_is(text):
    try:
        name = normalise_name(text)
    except ValidationError:
        return
    assert normalise_name(name) == name
    assert 1 <= len(name) <= 30 and unicodedata.is_normalized("NFC", name)
    name.encode("utf-8")


@given(han_names, st.sampled_from([" ", "　", "\t"]))
def test_blanks_between_chinese_characters_do_not_count(name, blank):
    assert normalise_name(blank.join(name)) == name
