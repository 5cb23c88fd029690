"""Text that would run if a page forgot to escape it, put into every text column of every table."""
from __future__ import annotations

import itertools
from typing import Any

import sqlalchemy as sa

from core.areas.scope import session_for
from core.areas.tenancy import TenantModel
from core.encryption import EncryptedText
from core.extensions import db
from core.testing.walk import Walk
from tests.hostile.pages import dangers

SHORT = "'\"><xss>"  # fits nearly everywhere
PAYLOADS = [
    SHORT, "</title><xss-a>", "</textarea><xss-b>", "<script>xss()</script>", "<img src=x onerror=xss()>",
    "\" onfocus=xss() autofocus xssattr=\"", "' onmouseover='xss()' xssattr='", "<svg/onload=xss()>",
    "javascript:xss()",
    "{{7*7}}xss", "{%print 7*7%}xss", "${7*7}xss", "--><xss-c>", "]]><xss-d>", "&lt;xss-e&gt;", "&#60;xss-f>",
    "\\u003cxss-g\\u003e", "＜xss-h＞", "%3Cxss-i%3E", "</script><xss-j>", "<xss-k\u2028onclick=xss()>",
    "<!--<xss-l>",
    "=cmd|' /c xss'!A1", "@SUM(1+1)xss", "<iframe srcdoc='<script>xss()</script>'>",
    "<a href=\"jav&#x0A;ascript:xss()\">x</a>",
    "</option></select><xss-m>", "<math><mtext><table><mglyph><style><xss-n>", "`-xss()-`", "\\\"-xss()//",
]
FIXED = {"slug", "path", "username", "code", "key", "plugin", "table_name", "account", "token_hash", "password_hash",
         "version_num", "sheet", "uploaded_by", "recorded_by", "identity_hash", "number_hash", "last4_hash", "number"}
_count = itertools.count()


def payload(longest: int) -> str:
    """As much of the corpus as fits, another part each time."""
    start = next(_count)
    text = ""
    for piece in (PAYLOADS[(start + i) % len(PAYLOADS)] for i in range(len(PAYLOADS))):
        if len(text) + len(piece) <= longest:
            text += piece
    return text or SHORT[:longest]


def poison(walk: Walk) -> int:
    """Spoil the own record of every model, and the texts of areas, people, roles and logs; how many columns."""
    done = 0
    with walk.place.app.app_context():
        with walk.place.session("upper", writes=True) as writing:
            writing.info["quiet"] = True
            for record in walk.records["upper"].values():
                stored = writing.scalar(sa.select(type(record)).where(type(record).id == record.id))
                done += _spoil(writing, stored) if stored is not None else 0  # a listener has made others meanwhile
            writing.commit()
        with session_for(None, "a test spoils what is not of one community", writes=True) as writing:
            for mapper in db.Model.registry.mappers:
                if not issubclass(mapper.class_, TenantModel):
                    for record in writing.scalars(sa.select(mapper.class_)).unique():
                        done += _spoil(writing, record)
            writing.commit()
    return done


def _spoil(session: Any, record: Any) -> int:
    """Each column by itself; one whose rules refuse the text is left as it was."""
    done = 0
    for column in sa.inspect(type(record)).columns:
        text = isinstance(column.type, EncryptedText) or (
            isinstance(column.type, sa.String) and not isinstance(column.type, sa.Enum))
        if not (text or isinstance(column.type, sa.JSON)) or column.key in FIXED or column.primary_key:
            continue
        value: Any = payload(getattr(column.type, "length", None) or 2000)
        if isinstance(column.type, sa.JSON):
            if column.key != "changes":
                continue
            value = {"name": [value, value], f"note{SHORT}": [None, value]}
        try:
            with session.begin_nested():
                setattr(record, column.key, value)
                session.flush()
            done += 1
        except sa.exc.IntegrityError:
            session.refresh(record)
    return done


def runs(answer: Any) -> list[str]:
    """What could run in an answer, whatever its kind."""
    if answer.mimetype == "text/html":
        page = answer.get_data(as_text=True)
        return dangers(page) + (["template"] if "49xss" in page else [])
    if answer.mimetype == "application/json":
        return [d for text in _texts(answer.get_json()) for d in dangers(text)]
    return []


def _texts(data: Any) -> list[str]:
    """The pieces of pages in a JSON answer: the script puts these into the page as they are."""
    return [data[name] for name in ("html", "side") if name in data] if isinstance(data, dict) else []
