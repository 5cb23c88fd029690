"""Passwords: how they are stored, and which are refused."""
from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import gettext as _
from flask_babel import ngettext
from pypinyin import lazy_pinyin

from core.errors import ValidationError

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
NOBODY = HASHER.hash("nobody has this password")  # so that an unknown name takes the same time
SHORTEST, LONGEST = 10, 1000
PHRASE = 64  # as long as this it is a phrase and not looked up among the common ones
# What zxcvbn, made for English, does not know; tried with any digits and signs around it.
COMMON_STEMS = frozenset({
    "woaini", "woaiwojia", "woaizhongguo", "woshishui", "wodemima", "mima", "mimamima", "nihao", "zhongguo",
    "beijing", "shanghai", "shequ", "jiedao", "password", "passwd", "pass", "admin", "administrator", "root",
    "system", "user", "test", "guest", "welcome", "letmein", "iloveyou", "qwerty", "asdfgh", "qwertyuiop",
    "asdfghjkl", "zxcvbnm", "qazwsx", "qwer", "asdf", "zxcv", "abc", "abcd", "abcde", "abcdef", "aa", "aaa", "a",
})
COMMON_DIGITS = re.compile(r"5201314|1314520|7758521|123456789|12345678|1234567|123456|12345|1234|(\d)\1+|20[0-3]\d")
UNLEET = str.maketrans("@0$1!3", "aosiie")
PLACE_WORDS = re.compile(r"(街道办事处|街道|社区居委会|社区|居委会|开发区|服务区|新区|镇|乡|区)$")
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # no 0 O 1 l I: they are read aloud


def hash_password(password: str) -> str:
    """argon2id with 19 MiB, t=2, p=1 (40 ms)."""
    return HASHER.hash(_normal(password))


def verify_password(stored: str | None, password: str) -> bool:
    """Whether it is the password; takes the same time when there is none to compare with."""
    try:
        return HASHER.verify(stored or NOBODY, _normal(password)) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def one_time_password() -> str:
    """A random password, to be changed at once."""
    return "".join(secrets.choice(LETTERS) for _i in range(14))


def check_password(password: str, names: Iterable[str], *, classes: bool) -> None:
    """Refuse a password that others would guess; `names` are the person's and the areas' names.

    `classes` asks for three of four kinds of characters (a setting, off). Any character is taken.

    Raises ValidationError with what to do.
    """
    plain = _normal(password)
    if len(plain) < SHORTEST:
        raise ValidationError(
            ngettext(
                "Please use at least 10 characters; this is %(num)s.",
                "Please use at least 10 characters; these are %(num)s.", len(plain),
            ), "password",
        )
    if len(plain) > LONGEST:
        raise ValidationError(_("Please use at most 1000 characters."), "password")
    if _holds_a_name(plain, names):
        raise ValidationError(
            _("Please leave out your own name, your account and the name of the street or community."), "password"
        )
    if len(plain) < PHRASE and _is_common(plain):
        raise ValidationError(
            _("This password is among the first that others would try. Please think of a longer sentence."),
            "password",
        )
    if classes and _classes(plain) < 3:
        raise ValidationError(
            _("Please use three of these: capital letters, small letters, digits, other characters."), "password"
        )


def _holds_a_name(plain: str, names: Iterable[str]) -> bool:
    """Whether a name stands in it: as written, without 街道 or 社区 at its end, or in pinyin."""
    text = "".join(plain.casefold().split())
    return any(part in text for name in names for part in _parts_of(name))


def _parts_of(name: str) -> set[str]:
    folded = "".join(_normal(name).casefold().split())
    forms = {folded, PLACE_WORDS.sub("", folded)}
    chinese = {form for form in forms if not form.isascii()}
    return {f for f in chinese if len(f) > 1} | {
        f for f in (forms - chinese) | {"".join(lazy_pinyin(f)) for f in chinese} if len(f) > 3
    }


def _is_common(plain: str) -> bool:
    from zxcvbn import zxcvbn  # only where a password is chosen: its lists of words take 12 MB of every process

    folded = plain.casefold()
    stems = {re.sub(r"[^a-z]", "", folded), re.sub(r"[^a-z]", "", folded.translate(UNLEET))}
    asciis = folded.isascii()
    return (
        (asciis and (bool(stems & COMMON_STEMS) or len(re.sub(r"[\W_]", "", COMMON_DIGITS.sub("", folded))) < 4))
        or zxcvbn(plain)["score"] < 2
    )


def _classes(text: str) -> int:
    kinds = (str.isupper, str.islower, str.isdigit, lambda c: not c.isalnum())
    return sum(any(kind(c) for c in text) for kind in kinds)


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password[: LONGEST + 1])
