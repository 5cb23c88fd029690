"""Stored and reflected text never runs: every page, list, form, look-up, print, flash, file and error."""
from __future__ import annotations

import csv
import io
import re
import zipfile
from typing import Any

import pytest

from core.testing.walk import OWN, PLAIN, Sender, Walk, start
from tests.core.test_roster_import import upload, workbook
from tests.hostile.corpus import LIST_NAMES
from tests.hostile.pages import forms
from tests.hostile.poison import PAYLOADS, SHORT, payload, poison, runs


@pytest.fixture
def kind() -> str:
    """Pages are the same on both databases."""
    return "sqlite"


@pytest.fixture
def walk(place: Any) -> Walk:
    """Both communities filled, and every text of the upper one spoilt."""
    made = start(place)
    assert poison(made) > 60
    return made


def test_stored_text_never_runs(walk: Walk) -> None:
    aimed, found, seen = {**dict.fromkeys(walk.keys(), str(OWN)), **PLAIN, "q": "xss", "name": "resident"}, [], 0
    for username, slug in (("manager.upper", "upper"), ("street", "street")):
        sender = Sender(walk, username)
        urls = [(m, u) for m in ("GET", "POST") for r in walk.rules(m) for u in walk.addresses(r, slug, OWN)]
        for method, url in urls:
            if method == "POST" and not re.search("export|excel|file|reveal|find", url):
                continue
            is_list = method == "GET" and url.count("/") == 4
            for values in ({}, aimed) if is_list else (aimed,):  # also without a filter that finds nothing
                answer = sender.send(method, url, values)
                found += [(url, danger) for danger in runs(answer)]
                found += [(url, cell) for cell in formulas(answer)]
                seen += "xss" in answer.get_data(as_text=True) if answer.mimetype == "text/html" else 0
    assert found == []
    assert seen > 40  # else nothing was spoilt


def formulas(answer: Any) -> list[str]:
    """Cells of an export that Excel would run."""
    if answer.mimetype == "text/csv":
        rows = csv.reader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff")))
        return [cell for row in rows for cell in row if cell.lstrip()[:1] in tuple("=+-@\t\r") and len(cell) > 1]
    if answer.mimetype.endswith(".sheet"):
        with zipfile.ZipFile(io.BytesIO(answer.get_data())) as book:
            sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/")]
            return [name for name in sheets if b"<f>" in book.read(name)]
    return []


def test_reflected_text_never_runs(walk: Walk) -> None:
    found = []
    for username, slug in (("manager.upper", "upper"), ("street", "street")):
        sender = Sender(walk, username)
        for turn, rule in enumerate(walk.rules("GET")):
            for url in walk.addresses(rule, slug, OWN):
                names = {**dict.fromkeys([*LIST_NAMES, *walk.keys()], PAYLOADS[turn % len(PAYLOADS)]), "id": str(OWN)}
                others = {"search": payload(60), "q": payload(60), "next": payload(200), SHORT: SHORT, "id": str(OWN)}
                answer = sender.send("GET", url, names if turn % 2 else others)
                found += [(url, danger) for danger in runs(answer)]
        for url in (f"/{SHORT}", f"/upper/{SHORT}/", f"/login?next=/{SHORT}", f"/static/{SHORT}", f"/{PAYLOADS[3]}"):
            found += [(url, danger) for danger in runs(sender.browser.get(url))]
    assert found == []


def test_what_is_typed_into_any_form_never_runs(walk: Walk) -> None:
    """Refused or saved: the answer, and the page after it with its message."""
    found, saved = [], 0
    for username, slug in (("manager.upper", "upper"), ("street", "street")):
        sender = Sender(walk, username)
        for rule in list(walk.rules("GET")):
            for url in walk.addresses(rule, slug, OWN):
                page = sender.browser.get(f"{url}?id={OWN}")
                if page.mimetype != "text/html":
                    continue
                for form in [f for f in forms(page.get_data(as_text=True)) if f.texts][:1]:
                    typed = {name: payload(30) for name in form.texts}
                    for values in (typed, {form.texts[0]: typed[form.texts[0]]}):
                        target = form.action or f"{url}?id={OWN}"
                        answer = sender.browser.client.post(target, data=form.filled(**values))
                        found += [(url, danger) for danger in runs(answer)]
                        if answer.status_code == 302:
                            saved += 1
                            found += [(url, danger) for danger in runs(sender.browser.get(answer.location))]
    assert found == []
    assert saved > 3


def test_what_stands_in_a_file_never_runs(place: Any) -> None:
    browser, found = place.browser("staff.upper"), []
    header = ["序号", "姓名", "身份证号码", "联系电话", "家庭住址", "备注", SHORT]
    rows = [[n, f"王{text}"[:30], text, text, text, text, text] for n, text in enumerate(PAYLOADS, 1)]
    rows += [[99, "李四", None, None, "幸福路1号", "".join(PAYLOADS)[:150], 1]]
    answer = upload(browser, workbook(rows, header=header, titles=(f"名册{SHORT}",)), name=f"名册{SHORT}.xlsx")
    assert answer.status_code == 302
    pages = [browser.get(answer.location), browser.get("/upper/residents/import/")]
    number = answer.location.rsplit("=", 1)[1]
    pages.append(browser.post(f"/upper/residents/import/decide/?id={number}", {"action": "good"}))
    pages += [browser.get(answer.location), browser.get("/upper/residents/people/")]
    pages.append(upload(browser, b"<xss>", name=f"{SHORT}.csv"))
    for page in pages:
        found += [(page.request.path, danger) for danger in runs(page)]
    kept = browser.post(f"/upper/residents/import/file/?id={number}", {})
    assert found == []  # formulas in it are his own: it is the file that he sent
    assert "\n" not in kept.headers.get("Content-Disposition", "") and "<" not in kept.headers["Content-Disposition"]


def test_a_failed_sign_in_never_runs(place: Any) -> None:
    for text in PAYLOADS[:4]:
        typed = {"username": text, "password": text, f"kept:{SHORT}": text, "kept_by": text, "next": "/upper/"}
        answer = place.browser().post("/login", typed)
        assert answer.status_code == 200 and "xss" in answer.get_data(as_text=True) and runs(answer) == []
