"""What every screen of every plugin gives: forms that are sent twice or late, the recycle bin, columns, filters."""
from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, time
from typing import Any

import pytest
import sqlalchemy as sa

from core.accounts.screen_settings import ScreenSettings
from core.admin.forms import PrivateField
from core.admin.saving import put_in_bin, restore, send_to_bin
from core.admin.screen import Screen
from core.areas.scope import session_for
from core.areas.tenancy import Deletable, TenantModel, Voidable, tenant_models
from core.errors import ValidationError
from core.testing.records import make, secrets
from core.testing.walk import FOREIGN, OWN, Sender, Walk, path_of, record_screens, start, text_of
from tests.forms import fields_of

LATER = "2026-11-02"  # a day on which no record of the walk begins


@pytest.fixture
def walk(place: Any) -> Walk:
    """Both communities filled with a record of every model."""
    return start(place)


def screens_with(walk: Walk, action: str) -> list[Screen]:
    """The screens over records that know this action."""
    with walk.place.app.test_request_context():
        found = [s for s in record_screens(walk) if action in s.actions()]
    assert found
    return found


def typed(screen: Screen, walk: Walk) -> tuple[str, Callable[[int], str]]:
    """A field of the screen's form that anything can be typed into, and what is typed at the nth time."""
    with walk.place.app.test_request_context():
        form = screen._edit_form_class()
    kinds: list[tuple[str, Callable[[int], str]]] = [
        ("StringField", lambda n: "改一二三四"[: n + 2]), ("TextAreaField", lambda n: f"改{n}"),
        ("IntegerField", lambda n: str(7000 + n)), ("AmountField", lambda n: str(70 + n)),
    ]
    for kind, text in kinds:
        for field in form:
            if field.type == kind and not isinstance(field, PrivateField) and field.name in screen.form_columns:
                return field.name, text
    private = next(f for f in form if isinstance(f, PrivateField))
    return private.name, lambda n: f"改{n}"


def version(walk: Walk, model: type[TenantModel], number: int = OWN) -> int:
    """The version of a record of `upper`."""
    with walk.place.app.app_context(), walk.place.session("upper") as reading:
        return reading.scalar(sa.select(model.row_version).where(model.id == number))


def count(walk: Walk, model: type[TenantModel]) -> int:
    """How many rows a table has in `upper`."""
    with walk.place.app.app_context(), walk.place.session("upper") as reading:
        return reading.scalar(sa.select(sa.func.count()).select_from(model))


def test_a_new_record_that_is_sent_twice_is_made_once(walk: Walk) -> None:
    sender, wrong = Sender(walk, "manager.upper"), []
    for screen in screens_with(walk, "create"):
        url = f"/upper{path_of(screen)}"
        values = entry(walk, screen, sender) if issubclass(screen.model, Voidable) else fields_of(
            text_of(sender.browser.get(f"{url}edit/?id={OWN}"))) | kept_private(walk, screen)
        once = fields_of(text_of(sender.send("GET", f"{url}new/")))["once"]
        values = {k: v for k, v in values.items() if k not in ("row_version", "opened")} | {"once": once}
        if issubclass(screen.model, Deletable):
            known = free(walk, screen.model)
        elif not issubclass(screen.model, Voidable):
            columns = sa.inspect(screen.model).columns
            day = next(k for k in screen.form_columns if k in columns and isinstance(columns[k].type, sa.Date))
            values[day] = LATER
        before = count(walk, screen.model)
        answers = [sender.browser.client.post(f"{url}new/", data={**values, "csrf_token": sender.token})
                   for _click in range(2)]
        if [a.status_code for a in answers] != [302, 302] or count(walk, screen.model) != before + 1:
            wrong.append((screen.endpoint, [a.status_code for a in answers], count(walk, screen.model) - before))
        if issubclass(screen.model, Deletable):
            free(walk, screen.model, known)
    assert wrong == []


def kept_private(walk: Walk, screen: Screen) -> dict[str, str]:
    """What no page shows and a new record cannot be without."""
    with walk.place.app.test_request_context():
        form = screen._create_form_class()
    return {field.name: "A1234" for field in form if isinstance(field, PrivateField) and field.flags.required}


def entry(walk: Walk, screen: Screen, sender: Sender) -> dict[str, Any]:
    """The form of a new entry (no page edits one), filled in with the walk's."""
    shown = fields_of(text_of(sender.send("GET", f"/upper{path_of(screen)}new/")))
    record = walk.records["upper"][screen.model.__tablename__]
    columns = sa.inspect(screen.model).columns
    values = {name: getattr(record, name) for name in screen.form_columns if name in columns}
    return shown | {name: v.strftime("%H:%M") if isinstance(v, time) else str(getattr(v, "value", v))
                    for name, v in values.items() if v not in (None, False)}


def free(walk: Walk, model: Any, known: set[int] | None = None) -> set[int]:
    """Put the record of the walk aside, whoever refers to it: its unique values are free; the ids that there are.

    `known`, those of before: the other way, what was made in between goes instead.
    """
    with walk.place.app.app_context(), walk.place.session("upper", writes=True) as writing:
        ids = set(writing.scalars(sa.select(model.id)))
        for number in ids - known if known else ():
            writing.get_one(model, number).deleted_at = walk.place.clock()
        writing.flush()
        writing.get_one(model, OWN).deleted_at = None if known else walk.place.clock()
        return ids


def test_an_edit_that_is_sent_twice_is_saved_once_and_the_second_is_as_good(walk: Walk) -> None:
    sender, wrong = Sender(walk, "manager.upper"), []
    for screen in screens_with(walk, "edit"):
        url, (name, text) = f"/upper{path_of(screen)}edit/?id={OWN}", typed(screen, walk)
        values = {**fields_of(text_of(sender.browser.get(url))), name: text(1), "csrf_token": sender.token}
        before = version(walk, screen.model)
        answers = [sender.browser.client.post(url, data=values).status_code for _click in range(2)]
        if answers != [302, 302] or version(walk, screen.model) != before + 1:
            wrong.append((screen.endpoint, name, answers, version(walk, screen.model) - before))
    assert wrong == []


def test_a_stale_form_shows_both_values_and_takes_the_one_chosen(walk: Walk) -> None:
    """Theirs is 1, mine is 2; a field that was not touched proposes theirs."""
    sender, wrong = Sender(walk, "manager.upper"), []
    post = sender.browser.client.post
    for screen in screens_with(walk, "edit"):
        url, (name, text) = f"/upper{path_of(screen)}edit/?id={OWN}", typed(screen, walk)
        mine = {**fields_of(text_of(sender.browser.get(url))), "csrf_token": sender.token}
        theirs = {**fields_of(text_of(sender.browser.get(url))), "csrf_token": sender.token}
        assert post(url, data={**theirs, name: text(1)}).status_code == 302, screen.endpoint
        stale = post(url, data={**mine, name: text(2)})
        page = text_of(stale)
        again = {**fields_of(page), "csrf_token": sender.token}
        if stale.status_code != 409 or text(2) not in page or (text(1) not in page and not is_private(screen, name)):
            wrong.append((screen.endpoint, "shown", stale.status_code))
        proposed = {k: v for k, v in again.items() if k.startswith("take-")}
        if proposed.pop(f"take-{name}", None) != "mine" or {*proposed.values()} - {"theirs"}:
            wrong.append((screen.endpoint, "proposed", proposed))
        for take, kept in (("theirs", text(1)), ("mine", text(2))):
            fresh = fields_of(text_of(sender.browser.get(url)))
            sent = {**again, f"take-{name}": take, "row_version": fresh["row_version"], "once": fresh["once"]}
            if post(url, data=sent).status_code != 302 or str(stored(walk, screen.model, name)) != kept:
                wrong.append((screen.endpoint, take, stored(walk, screen.model, name)))
    assert wrong == []


def is_private(screen: Screen, name: str) -> bool:
    column = sa.inspect(screen.model).column_attrs.get(name)
    return column is not None and bool(column.columns[0].info.get("private"))


def stored(walk: Walk, model: type[TenantModel], name: str) -> Any:
    """A value of the walk's record as it stands in the database."""
    with walk.place.app.app_context(), walk.place.session("upper") as reading:
        return getattr(reading.get_one(model, OWN), name)


def test_an_untouched_field_does_not_bring_an_old_value_back(walk: Walk) -> None:
    """They changed the note, I changed the name: the note that I never touched stays theirs."""
    sender, url = Sender(walk, "manager.upper"), f"/upper/residents/tags/edit/?id={OWN}"
    post, token = sender.browser.client.post, {"csrf_token": sender.token}
    mine = fields_of(text_of(sender.browser.get(url)))
    theirs = fields_of(text_of(sender.browser.get(url)))
    post(url, data={**theirs, **token, "note": "别人的备注"})
    stale = post(url, data={**mine, **token, "name": "我的名字"})
    assert stale.status_code == 409
    again = fields_of(text_of(stale))
    assert (again["take-note"], again["take-name"]) == ("theirs", "mine")
    assert post(url, data={**again, **token}).status_code == 302
    model = next(s.model for s in record_screens(walk) if s.endpoint == "residents_tags")
    assert (stored(walk, model, "name"), stored(walk, model, "note")) == ("我的名字", "别人的备注")


def deletable() -> Iterator[type[TenantModel]]:
    return (m for m in tenant_models() if issubclass(m, Deletable))


def test_what_comes_back_doubles_nothing_and_the_refusal_names_it(place: Any) -> None:
    """Every model with a recycle bin and a unique key."""
    tried = []
    with place.app.test_request_context():
        for model in deletable():
            with place.session("upper", writes=True) as writing:
                made: dict[str, Any] = {}
                first = make(writing, model, made)
                keys = [[c.key for c in i.columns if c.key != "community_id"]
                        for i in model.__table__.indexes if i.unique]
                send_to_bin(writing, first, "test")
                restore(writing, first)
                assert first.deleted_at is None
                for key in keys:
                    send_to_bin(writing, first, "test")
                    second = make(writing, model, dict(made))
                    for name in key:
                        setattr(second, name, getattr(first, name))
                    writing.commit()
                    with pytest.raises(ValidationError) as refused:
                        restore(writing, first)
                    assert second.label in str(refused.value)
                    writing.rollback()
                    assert first.deleted_at is not None
                    put_in_bin(writing, second, "test")
                    restore(writing, first)
                    tried.append(model.__tablename__)
    assert len(tried) >= 5


def everything_chosen(walk: Walk, sender: Sender, screen: Screen, slug: str) -> list[str]:
    """Choose every column of a screen, last first; the heads in their order."""
    url = f"/{slug}{path_of(screen)}"
    page = text_of(sender.send("GET", f"{url}columns/"))
    paths = re.findall(r'name="order" value="([^"]+)"', page)
    answer = sender.browser.client.post(f"{url}columns/", data={
        "order": paths[::-1], "column": paths, "size": "50", "csrf_token": sender.token})
    assert answer.status_code == 302, screen.endpoint
    with walk.place.app.test_request_context():
        return [str(screen.field(path).label) for path in paths[::-1]]


@pytest.mark.parametrize(("username", "slug"), [("manager.upper", "upper"), ("street", "street")])
def test_every_column_can_be_chosen_and_stays_masked(walk: Walk, username: str, slug: str) -> None:
    """In the list and in the exports, which hold what the list shows."""
    sender, wrong = Sender(walk, username), []
    names = {r.name for r in walk.records["upper"].values() if r.__tablename__ == "resident"}
    hidden = secrets(walk.records["upper"]) - (names if username == "manager.upper" else set())
    for screen in screens_with(walk, "view"):
        url, asked = f"/{slug}{path_of(screen)}", {"voided": "all"}
        heads = everything_chosen(walk, sender, screen, slug)
        page = text_of(sender.send("GET", url, asked))
        shown = re.findall(r"<th scope=\"col\"[^>]*>(?:<a [^>]*>)?([^<]*)", page)
        if "<thead>" in page and [h for h in shown if h.strip() and h != "社区"] != heads:
            wrong.append((screen.endpoint, shown, heads))
        texts = [page]
        if "export" in screen.actions():
            for kind in ("csv", "xlsx"):
                texts.append(text_of(sender.send("POST", f"{url}export/{kind}/", asked)))
        wrong += [(screen.endpoint, n, secret) for n, text in enumerate(texts) for secret in hidden if secret in text]
    assert wrong == []


def test_columns_that_a_screen_lost_are_left_aside(walk: Walk) -> None:
    sender = Sender(walk, "manager.upper")
    for screen in screens_with(walk, "view"):
        everything_chosen(walk, sender, screen, "upper")
    with walk.place.app.app_context(), session_for(None, "a test changes a plugin", writes=True) as writing:
        for settings in writing.scalars(sa.select(ScreenSettings)):
            settings.columns, settings.page_size = ["gone", "gone.too", *settings.columns[:2]], 7
    for screen in screens_with(walk, "view"):
        assert sender.send("GET", f"/upper{path_of(screen)}").status_code == 200, screen.endpoint


def test_a_named_filter_stands_above_every_list_and_opens_it_when_asked(walk: Walk) -> None:
    sender, wrong = Sender(walk, "manager.upper"), []
    for screen in screens_with(walk, "view"):
        url = f"/upper{path_of(screen)}"
        page = text_of(sender.browser.get(url))
        sortable = re.search(r"sort=([a-z_.]+)", page)
        if sortable is None:
            continue
        asked = {"sort": sortable.group(1)}
        answer = sender.browser.client.post(f"{url}filters/", query_string=asked, data={
            "name": "我的顺序", "default": "new", "csrf_token": sender.token})
        opened = sender.browser.client.get(url)
        if answer.status_code != 302 or opened.status_code != 302 or f"sort={asked['sort']}" not in opened.location:
            wrong.append((screen.endpoint, answer.status_code, opened.status_code))
        if "我的顺序" not in text_of(sender.send("GET", url, {"all": "1"})):
            wrong.append((screen.endpoint, "not shown"))
    assert wrong == []


def test_every_bulk_action_asks_first_and_names_the_records(walk: Walk) -> None:
    sender, before, wrong, asked = Sender(walk, "manager.upper"), walk.rows(), [], 0
    for screen in record_screens(walk):
        with walk.place.app.test_request_context():
            known = screen.known_bulk()
        for action in known:
            answer = sender.browser.client.post(f"/upper{path_of(screen)}action/", data={
                "action": action.name, "rowid": OWN, "csrf_token": sender.token})
            page, label = text_of(answer), walk.records["upper"][screen.model.__tablename__]
            if action.in_bin:  # the record is not in the bin: refused with words
                wrong += [] if answer.status_code == 302 else [(screen.endpoint, action.name)]
                continue
            asked += 1
            if answer.status_code != 200 or 'name="sure"' not in page or f'value="{OWN}"' not in page:
                wrong.append((screen.endpoint, action.name, answer.status_code, label))
    assert wrong == [] and asked > 5
    assert walk.rows() == before


def test_nothing_is_done_in_bulk_with_a_record_of_another_state_or_community(walk: Walk) -> None:
    sender, before = Sender(walk, "manager.upper"), walk.rows()
    for screen in record_screens(walk):
        with walk.place.app.test_request_context():
            known = screen.known_bulk()
        for action in known:
            for numbers in ([OWN, FOREIGN], [OWN, 660000], [OWN, OWN], ["x"], [], [OWN, "9" * 30]):
                sender.browser.client.post(f"/upper{path_of(screen)}action/", data={
                    "action": action.name, "rowid": numbers, "sure": "1", "reason": "为了测试",
                    "csrf_token": sender.token})
    assert walk.rows() == before


def test_a_button_with_a_question_does_nothing_before_the_answer(walk: Walk) -> None:
    """As a browser without script sends it: every button of every record's page and row."""
    sender, before, asked = Sender(walk, "manager.upper"), walk.rows(), 0
    for screen in record_screens(walk):
        for url in (f"/upper{path_of(screen)}?voided=all", f"/upper{path_of(screen)}details/?id={OWN}"):
            page = text_of(sender.browser.get(url))
            for address, name, question in re.findall(
                    r'formaction="([^"]+)" name="(ask(?:-why)?)" value="([^"]+)"', page):
                answer = sender.browser.client.post(address.replace("&amp;", "&"), data={
                    name: question, "csrf_token": sender.token})
                assert answer.status_code == 200 and question in text_of(answer), address
                assert ('name="reason"' in text_of(answer)) == (name == "ask-why")
                asked += 1
    assert asked > 10
    assert walk.rows() == before


def test_every_deletion_and_void_is_a_button_with_a_question(walk: Walk) -> None:
    sender = Sender(walk, "manager.upper")
    for screen in screens_with(walk, "void"):
        page = text_of(sender.send("GET", f"/upper{path_of(screen)}", {"voided": "no"}))
        if not issubclass(screen.model, Deletable | Voidable):
            continue  # entries of a ledger, which are reversed
        way = "void" if issubclass(screen.model, Voidable) else "delete"
        assert re.search(rf'formaction="[^"]*/{way}/\?id={OWN}" name="ask', page), screen.endpoint


def test_the_days_of_the_walk_are_not_ours() -> None:
    assert date.fromisoformat(LATER).weekday() == 0  # weekly figures keep a Monday


def test_an_export_of_ticked_rows_holds_those(walk: Walk) -> None:
    sender = Sender(walk, "manager.upper")
    for screen in screens_with(walk, "export"):
        url = f"/upper{path_of(screen)}export/xlsx/"
        answer = sender.browser.client.post(url, query_string={"voided": "all"},
                                            data={"rowid": OWN, "csrf_token": sender.token})
        with zipfile.ZipFile(io.BytesIO(answer.get_data())) as book:
            lines = book.read("xl/worksheets/sheet1.xml").decode().count("<row ")
        assert lines == 3, screen.endpoint  # title, heads, one record
