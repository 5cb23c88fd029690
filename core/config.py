"""Settings of one installation, read from the environment once at start."""
from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from core.errors import SetupError

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """Where this installation keeps its things and how it is reached."""

    instance: Path
    database_url: str
    key_file: Path
    port: int = 8000
    proxies: int = 0  # hops of trusted proxies in front (X-Forwarded-*)
    idle_minutes: int = 30
    absolute_hours: int = 12
    password_classes: bool = False  # three of four kinds of characters
    password_days: int = 0  # 0: passwords do not age

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


def settings_from_environment(environ: dict[str, str] | None = None) -> Settings:
    """Read PORT, JINLIN_INSTANCE, JINLIN_DATABASE_URL, JINLIN_KEY_FILE and the JINLIN_… limits.

    Raises SetupError with the variable's name where a value cannot be used.
    """
    env = os.environ if environ is None else environ
    instance = Path(env.get("JINLIN_INSTANCE") or ROOT / "instance").expanduser().resolve()
    url = env.get("JINLIN_DATABASE_URL") or f"sqlite:///{instance / 'jinlin.db'}"
    return Settings(
        instance=instance,
        database_url=_with_driver(url),
        key_file=Path(env.get("JINLIN_KEY_FILE") or instance / "keys.json").expanduser().resolve(),
        port=_number(env, "PORT", 8000, 1, 65535),
        proxies=_number(env, "JINLIN_PROXIES", 0, 0, 5),
        idle_minutes=_number(env, "JINLIN_IDLE_MINUTES", 30, 1, 24 * 60),
        absolute_hours=_number(env, "JINLIN_ABSOLUTE_HOURS", 12, 1, 24 * 7),
        password_classes=_switch(env, "JINLIN_PASSWORD_CLASSES"),
        password_days=_number(env, "JINLIN_PASSWORD_DAYS", 0, 0, 3650),
    )


def _with_driver(url: str) -> str:
    for plain in ("postgres://", "postgresql://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    if url.startswith(("sqlite:///", "postgresql+psycopg://")):
        return url
    raise SetupError("JINLIN_DATABASE_URL must start with sqlite:/// or postgresql://")


def _number(env: dict[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name) or str(default)
    if not text.isdecimal() or not low <= int(text) <= high:
        raise SetupError(f"{name} must be a whole number from {low} to {high}, not {text!r}")
    return int(text)


def _switch(env: dict[str, str], name: str) -> bool:
    text = (env.get(name) or "off").lower()
    if text not in ("on", "off"):
        raise SetupError(f"{name} must be on or off, not {text!r}")
    return text == "on"
