"""Passwords: how they are stored, and which are refused."""
from __future__ import annotations

import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import gettext as _
from flask_babel import ngettext
from zxcvbn import zxcvbn

from core.errors import ValidationError

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
NOBODY = HASHER.hash("nobody has this password")  # so that an unknown name takes the same time
SHORTEST, LONGEST = 10, 1000
ZXCVBN_LOOKS_AT = 72
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


def check_password(password: str, names: list[str], *, classes: bool) -> None:
    """Refuse a password that others would guess; `names` are the person's and the areas' names.

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
    if any(len(name) > 1 and name.casefold() in plain.casefold() for name in names if name):
        raise ValidationError(
            _("Please leave out your own name, your account and the name of the street or community."), "password"
        )
    if zxcvbn(plain[:ZXCVBN_LOOKS_AT])["score"] < 2:
        raise ValidationError(
            _("This password is among the first that others would try. Please think of a longer sentence."),
            "password",
        )
    if classes and _classes(plain) < 3:
        raise ValidationError(
            _("Please use three of these: capital letters, small letters, digits, other characters."), "password"
        )


def _classes(text: str) -> int:
    kinds = (str.isupper, str.islower, str.isdigit, lambda c: not c.isalnum())
    return sum(any(kind(c) for c in text) for kind in kinds)


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password[: LONGEST + 1])
