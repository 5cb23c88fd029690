"""Personal data at rest: AES-256-GCM by keys from one key file, and keyed hashes to look a value up by.

The key file lies outside the database and outside its backups: either one alone tells nothing.
"""
from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app
from flask_babel import lazy_gettext as _l  # lazy: keys are loaded before the app can translate
from sqlalchemy import Text
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator

from core.errors import SetupError

KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_KEY_ID = re.compile(r"k[0-9]{1,6}")


@dataclass(frozen=True, repr=False)
class KeyRing:
    """The keys of one installation: `encryption` by key id (new values use `current`), `index`, `session_secret`.

    `context` says what a value is ("resident.identity_number"). A value moved to another context does not decrypt,
    and equal values have different indexes there.
    """

    current: str
    encryption: dict[str, bytes]
    index: bytes
    session_secret: bytes  # signs the cookies

    @classmethod
    def create(cls, path: Path) -> KeyRing:
        """Make new keys and write them to `path`, readable by its owner only. Raises SetupError if it exists."""
        new = (secrets.token_bytes(KEY_BYTES) for _n in range(3))
        ring = cls("k1", {"k1": next(new)}, next(new), next(new))
        _write_once(path, ring._as_json())
        return ring

    @classmethod
    def load(cls, path: Path) -> KeyRing:
        """Read the key file. Raises SetupError, in words, if it is missing, open to others, or not a key file."""
        try:
            mode = path.stat().st_mode
            if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
                raise SetupError(_l("Other accounts of this machine can open the key file %(path)s; "
                                    "run: chmod 600 %(path)s", path=path))
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise SetupError(_l("There is no key file %(path)s; put it back from your copy. Without it "
                                "the encrypted data cannot be read", path=path)) from None
        except OSError as error:
            raise SetupError(_l("The key file %(path)s cannot be read (%(reason)s); check who owns it",
                                path=path, reason=error.strerror)) from None
        except UnicodeDecodeError:
            raise _damaged(path) from None
        return cls._from_json(text, path)

    @property
    def fingerprint(self) -> str:
        """16 characters that tell this key file from others and reveal nothing of it.

        Made from the index key, the one that stays when encryption keys are added.
        """
        return hmac.new(self.index, b"fingerprint of the key file", hashlib.sha256).hexdigest()[:16]

    def encrypt(self, plain: str, context: str) -> str:
        """A text token "k1:…", another one each time."""
        sealed = self._seal(plain.encode(), context)
        return f"{self.current}:{base64.b64encode(sealed).decode()}"

    def decrypt(self, token: str, context: str) -> str:
        """The text of a token. Raises SetupError if its key is not in the file, or it was changed or moved."""
        key_id, _colon, encoded = token.partition(":")
        try:
            sealed = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise _changed(context) from None
        return self._open(key_id, sealed, context).decode()

    def encrypt_bytes(self, plain: bytes, context: str) -> bytes:
        """As encrypt, for the content of a file."""
        return self.current.encode() + b":" + self._seal(plain, context)

    def decrypt_bytes(self, sealed: bytes, context: str) -> bytes:
        """As decrypt, for the content of a file."""
        key_id, _colon, rest = sealed.partition(b":")
        return self._open(key_id.decode("ascii", "replace"), rest, context)

    def blind_index(self, value: str, context: str) -> str:
        """32 hex characters, equal for equal values of one context: to find a value that is stored encrypted."""
        return hmac.new(self.index, f"{context}\0{value}".encode(), hashlib.sha256).hexdigest()[:32]

    def __repr__(self) -> str:
        return f"<KeyRing {self.fingerprint}>"

    def _seal(self, plain: bytes, context: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self.encryption[self.current]).encrypt(nonce, plain, context.encode())

    def _open(self, key_id: str, sealed: bytes, context: str) -> bytes:
        if not _KEY_ID.fullmatch(key_id) or len(sealed) < _NONCE_BYTES + _TAG_BYTES:
            raise _changed(context)
        if key_id not in self.encryption:
            raise SetupError(_l("The key file does not have key %(key)s; put back the key file "
                                "that belongs to this database", key=key_id))
        nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return AESGCM(self.encryption[key_id]).decrypt(nonce, content, context.encode())
        except InvalidTag:
            raise _changed(context) from None

    def _as_json(self) -> str:
        return json.dumps({
            "current": self.current,
            "encryption": {key_id: _encoded(key) for key_id, key in self.encryption.items()},
            "index": _encoded(self.index),
            "session": _encoded(self.session_secret),
        }, indent=1)

    @classmethod
    def _from_json(cls, text: str, path: Path) -> KeyRing:
        try:
            content = json.loads(text)
            keys = {key_id: _decoded(key) for key_id, key in content["encryption"].items()}
            ring = cls(content["current"], keys, _decoded(content["index"]), _decoded(content["session"]))
            complete = ring.current in keys and all(map(_KEY_ID.fullmatch, keys))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise _damaged(path) from None
        if not complete:
            raise _damaged(path)
        return ring


class EncryptedText(TypeDecorator[str]):
    """A text column stored encrypted in its own context, EncryptedText("resident.identity_number"); None stays None.

    Two equal values are stored differently: the column cannot be compared, searched or sorted. Keep a
    blind_index beside it to look values up.
    """

    impl = Text
    cache_ok = True

    class comparator_factory(TypeDecorator.Comparator[str]):
        """Refuses what would silently find nothing; only IS NULL has a meaning."""

        def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
            if op in (operators.is_, operators.is_not) or (op in (operators.eq, operators.ne) and other == (None,)):
                return super().operate(op, *other, **kwargs)
            raise TypeError(f"{self.expr} is stored encrypted; compare its blind_index instead")

    def __init__(self, context: str) -> None:
        super().__init__()
        self.context = context

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else ring_of_app().encrypt(value, self.context)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else ring_of_app().decrypt(value, self.context)


def ring_of_app() -> KeyRing:
    """The key ring that create_app() loaded for the app at work."""
    return current_app.extensions["jinlin_keys"]


def _encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


def _decoded(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != KEY_BYTES:
        raise ValueError("a key has another length")
    return key


def _damaged(path: Path) -> SetupError:
    return SetupError(_l("%(path)s is not a complete key file; put it back from your copy", path=path))


def _changed(context: str) -> SetupError:
    return SetupError(_l("An encrypted value (%(context)s) does not fit the key file or was changed; put back the "
                         "key file that belongs to this database, or restore a backup", context=context))


def _write_once(path: Path, text: str) -> None:
    """Write a private file that is there whole or not at all, and never replaces another."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename, refuses to replace
        _keep_entry(path.parent)
    except FileExistsError:
        raise SetupError(_l("The key file %(path)s exists already; it is never overwritten, "
                            "because the data need it", path=path)) from None
    except OSError as error:
        raise SetupError(_l("The key file %(path)s cannot be written (%(reason)s); check the folder",
                            path=path, reason=error.strerror)) from None
    finally:
        draft.unlink(missing_ok=True)


def _keep_entry(folder: Path) -> None:
    """After a power cut the new file must still be there: data encrypted with it would be lost. POSIX only."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
