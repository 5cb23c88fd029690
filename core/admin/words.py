"""The words of a page in its language: a list asks for some two hundred, so the way to them must be short."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from babel import Locale, support
from flask import current_app, g
from flask_babel import Domain, force_locale
from wtforms.i18n import messages_path


class Words(Domain):
    """The catalogue of the page's language, looked up once a page; Flask-Babel does it for each word."""

    def get_translations(self) -> support.NullTranslations:
        """As long as the language of the page is known to Flask-Babel, so is its catalogue."""
        found = g.get("catalogue")
        if found is None:
            found = g.catalogue = super().get_translations()
        return found


@contextmanager
def office_words() -> Iterator[None]:
    """The office's own language, whatever the reader's: for what is kept and must not depend on who makes it."""
    g.pop("catalogue", None)
    try:
        with force_locale(current_app.config["BABEL_DEFAULT_LOCALE"]):
            yield
    finally:
        g.pop("catalogue", None)


@cache
def form_words(locale: Locale) -> support.NullTranslations:
    """WTForms' own sentences, read from its file once and not at each form."""
    return support.Translations.load(messages_path(), [locale], domain="wtforms")
