"""The second question where no script asks it: a button that carries its question is answered by a page that asks."""
from __future__ import annotations

from flask import Flask, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from core.admin.gate import page_before

ASK, ASK_WHY = "ask", "ask-why"  # the question; one that wants a reason too. Our script asks and sends without them
LONGEST_QUESTION = 1000


def install_questions(app: Flask) -> None:
    """Stand behind the gate and before every view: what is to be asked first is not done."""
    app.before_request(_ask_first)


def _ask_first() -> ResponseReturnValue | None:
    """Only who holds the token of the page gets here, so nobody else can put words into the question."""
    if request.method != "POST" or request.endpoint is None:
        return None
    form = request.form
    question = form.get(ASK) or form.get(ASK_WHY)
    if not question:
        return None
    kept = [(k, v) for k, v in form.items(multi=True) if k not in ("csrf_token", "reason", "back", ASK, ASK_WHY)]
    before = page_before()
    return render_template(
        "admin/confirm.html", title=_("Please confirm"), question=question[:LONGEST_QUESTION],
        action=request.full_path.rstrip("?"), hidden=[*kept, ("back", before or "")], reason=ASK_WHY in form,
        cancel_url=before or url_for("account.home"),
    )
