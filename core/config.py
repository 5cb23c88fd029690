"""Settings of one installation, read from the environment once at start."""
from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l  # lazy: settings are read before there is an app that can translate

from core.errors import SetupError

ROOT = Path(__file__).resolve().parent.parent
CHINESE, ENGLISH = "zh_Hans_CN", "en"


@dataclass(frozen=True)
class Settings:
    """Where this installation keeps its things and how it is reached."""

    instance: Path
    database_url: str
    key_file: Path
    port: int = 8000
    proxies: int = 0  # hops of trusted proxies in front (X-Forwarded-*)
    hosts: tuple[str, ...] = ()  # names that it is called by; none: IP addresses and names without a dot
    idle_minutes: int = 30
    absolute_hours: int = 12
    password_classes: bool = False  # three of four kinds of characters
    password_days: int = 0  # 0: passwords do not age
    server_database_url: str | None = None  # PostgreSQL: how the server reaches what `database_url` says for the owner

    @property
    def is_sqlite(self) -> bool:
        """Whether the embedded database is used."""
        return self.database_url.startswith("sqlite")

    @property
    def sqlite_file(self) -> Path:
        """The database file (SQLite only)."""
        return Path(self.database_url.removeprefix("sqlite:///"))

    @property
    def uploads(self) -> Path:
        """Folder of uploaded files."""
        return self.instance / "uploads"

    @property
    def backups(self) -> Path:
        """Folder of the backups that commands take by themselves."""
        return self.instance / "backups"

    @property
    def shown_database(self) -> str:
        """The database's address without any password."""
        if self.is_sqlite:
            return str(self.sqlite_file)
        url = sa.make_url(self.database_url)
        return sa.URL.create("postgresql", host=url.host, port=url.port, database=url.database).render_as_string()


def settings_from_environment(environ: dict[str, str] | None = None) -> Settings:
    """Read PORT, JINLIN_INSTANCE, JINLIN_DATABASE_URL, JINLIN_KEY_FILE and the JINLIN_… limits.

    Raises SetupError with the variable's name where a value cannot be used.
    """
    env = os.environ if environ is None else environ
    instance = Path(env.get("JINLIN_INSTANCE") or ROOT / "instance").expanduser().resolve()
    url = _with_driver("JINLIN_DATABASE_URL", env.get("JINLIN_DATABASE_URL") or f"sqlite:///{instance / 'jinlin.db'}")
    servers = env.get("JINLIN_SERVER_DATABASE_URL")
    if servers and "sqlite:" in (url[:7], servers[:7]):
        raise SetupError(_l("JINLIN_SERVER_DATABASE_URL is for PostgreSQL: it names the database of "
                            "JINLIN_DATABASE_URL with another role or through a pooler."))
    return Settings(
        instance=instance,
        database_url=url,
        server_database_url=_with_driver("JINLIN_SERVER_DATABASE_URL", servers) if servers else None,
        key_file=Path(env.get("JINLIN_KEY_FILE") or instance / "keys.json").expanduser().resolve(),
        port=_number(env, "PORT", 8000, 1, 65535),
        proxies=_number(env, "JINLIN_PROXIES", 0, 0, 5),
        hosts=_hosts(env),
        idle_minutes=_number(env, "JINLIN_IDLE_MINUTES", 30, 1, 24 * 60),
        absolute_hours=_number(env, "JINLIN_ABSOLUTE_HOURS", 12, 1, 24 * 7),
        password_classes=_switch(env, "JINLIN_PASSWORD_CLASSES"),
        password_days=_number(env, "JINLIN_PASSWORD_DAYS", 0, 0, 3650),
    )


def command_language(environ: dict[str, str] | None = None) -> str:
    """The language of the commands and of what the server says outside a request: Chinese, or JINLIN_LANG=en."""
    env = os.environ if environ is None else environ
    return ENGLISH if (env.get("JINLIN_LANG") or "").startswith("en") else CHINESE


def prepare_instance(settings: Settings) -> None:
    """Make the instance folder, and try that files can be written there. Raises SetupError in words."""
    try:
        settings.instance.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.instance):
            pass
    except OSError as error:
        raise SetupError(_l(
            "The folder %(path)s cannot be written (%(reason)s). Give it to the account that runs Jinlin, or choose "
            "another by JINLIN_INSTANCE.", path=settings.instance, reason=error.strerror,
        )) from None


def _with_driver(name: str, url: str) -> str:
    """The address with our driver; what cannot be read is never repeated, there may be a password in it."""
    for plain in ("postgres://", "postgresql://"):
        if url.startswith(plain):
            url = "postgresql+psycopg://" + url.removeprefix(plain)
    embedded = url.startswith("sqlite:///") and Path(url.removeprefix("sqlite:///")).is_absolute()
    if not embedded and not url.startswith("postgresql+psycopg://"):
        raise SetupError(_l(
            "%(name)s must begin with postgresql:// or with sqlite:/// and a full path.", name=name,
        ))
    try:
        made = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise SetupError(_l("%(name)s cannot be read; it looks like postgresql://name:password@host:5432/"
                            "database, with special characters of the password percent-encoded.", name=name)) from None
    if not made.database:
        raise SetupError(_l("%(name)s does not name a database.", name=name))
    return url


def _hosts(env: dict[str, str]) -> tuple[str, ...]:
    """Names and addresses with commas between them; a leading dot stands for every name below."""
    text = (env.get("JINLIN_HOSTS") or "").lower()
    if not re.fullmatch(r"[a-z0-9.:_\-\[\], ]*", text):
        raise SetupError(_l("JINLIN_HOSTS must be names with commas between them, such as jinlin.example.cn,10.0.0.5; "
                            "not “%(text)s”.", text=text))
    return tuple(name.strip("[]") for name in text.replace(",", " ").split())


def _number(env: dict[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name) or str(default)
    if not text.isascii() or not text.isdecimal() or not low <= int(text) <= high:
        raise SetupError(_l("%(name)s must be a whole number from %(low)s to %(high)s, not “%(text)s”.",
                            name=name, low=low, high=high, text=text))
    return int(text)


def _switch(env: dict[str, str], name: str) -> bool:
    text = (env.get(name) or "off").lower()
    if text not in ("on", "off"):
        raise SetupError(_l("%(name)s must be on or off, not “%(text)s”.", name=name, text=text))
    return text == "on"
