"""What every screen of the core and of every plugin keeps to, without a word in its own tests."""
from __future__ import annotations

from urllib.parse import quote, unquote

import pytest

from core.accounts.roles import OFFICE, WRITING, Action
from core.admin.page import ABOVE, COMMUNITY
from core.declarations import PluginInfo
from core.testing.hostile import HOSTILE, LIST_ARGUMENTS, NASTIEST, aimed, every, filters, form_names, records_of
from core.testing.records import secrets
from core.testing.walk import FOREIGN, NOBODYS, OWN, PLAIN, Sender, Walk, body, path_of, record_screens, text_of


def test_every_plugin_says_what_it_is_for(walk: Walk) -> None:
    manager = walk.place.app.extensions["jinlin_plugins"]
    with walk.place.app.test_request_context():
        for name in manager.names:
            info = manager.infos[name]
            assert isinstance(info, PluginInfo) and str(info.title) and str(info.summary)
            assert manager.screens(name), name


def test_every_screen_has_a_title_a_level_and_known_actions(walk: Walk) -> None:
    with walk.place.app.test_request_context():
        for screen in walk.screens():
            assert str(screen.title), screen.endpoint
            assert screen.levels and screen.levels <= {COMMUNITY, ABOVE}, screen.endpoint
            for action in screen.actions():
                Action(action)
            for view in screen.needs:
                assert hasattr(screen, view), (screen.endpoint, view)
            screen.check_declaration()


def test_metrics_open_lists_that_exist(walk: Walk) -> None:
    endpoints = {screen.endpoint: screen for screen in walk.screens()}
    for _plugin, metric in walk.place.app.extensions["jinlin_plugins"].metrics():
        if metric.screen:
            assert metric.screen in endpoints, metric.name
            assert ABOVE in endpoints[metric.screen].levels, metric.name


def test_signed_out_is_sent_to_the_sign_in_page(walk: Walk) -> None:
    sender, before, wrong = Sender(walk, None), walk.rows(), []
    for url in every(walk, "GET"):
        answer = sender.send("GET", url, aimed(walk))
        if answer.status_code != 302 or not unquote(answer.location).startswith("/login?next=/upper/"):
            wrong.append(url)
    for url in every(walk, "POST"):
        answer = sender.send("POST", url, aimed(walk))
        if answer.status_code != 401 or 'name="password"' not in text_of(answer):
            wrong.append(url)
    assert wrong == []
    assert walk.rows() == before


def test_the_auditor_writes_nothing(walk: Walk) -> None:
    sender, before, wrong = Sender(walk, "auditor"), walk.rows(), []
    for slug in ("upper", "street"):
        for url in records_of(every(walk, "POST", slug)):
            status = sender.send("POST", url, aimed(walk)).status_code
            if status not in (403, 404):
                wrong.append((url, status))
    assert wrong == []
    assert walk.rows() == before


def test_the_street_writes_no_records(walk: Walk) -> None:
    """It may export (masked), which is logged; nothing else of the communities changes."""
    sender, before = Sender(walk, "street"), walk.rows()
    for screen in record_screens(walk):
        if screen.actions() & WRITING:
            for rule in walk.rules("POST", {screen.endpoint}):
                if not rule.endpoint.endswith(".export"):
                    for slug in ("upper", "street"):
                        for url in records_of(walk.addresses(rule, slug, OWN)):
                            status = sender.send("POST", url, aimed(walk)).status_code
                            assert status in (403, 404), (url, status)
    assert walk.rows() == before


def test_the_system_administrator_sees_no_records(walk: Walk) -> None:
    sender, wrong, hidden = Sender(walk, "system"), [], secrets(walk.records["upper"])
    plugins = walk.place.app.extensions["jinlin_plugins"].names
    records = {s.endpoint for s in walk.screens() if s in record_screens(walk) or s.plugin in plugins}
    records -= {s.endpoint for s in walk.screens() if s.menu_action in OFFICE}
    for rule in walk.rules("GET"):
        for slug in ("upper", "street"):
            for url in walk.addresses(rule, slug, OWN):
                answer = sender.send("GET", url, aimed(walk))
                wrong += [(url, text) for text in hidden if text in text_of(answer)]
                if rule.endpoint.partition(".")[0] in records and answer.status_code not in (403, 404):
                    wrong.append((url, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("username", ["street", "auditor"])
def test_who_sees_no_names_finds_none_anywhere(walk: Walk, username: str) -> None:
    """In lists, details, filters, labels for screen readers, look-ups, searches and exports."""
    sender, found, hidden = Sender(walk, username), [], secrets(walk.records["upper"])
    methods = [("GET", url) for slug in ("upper", "street") for url in every(walk, "GET", slug)]
    methods += [("POST", url) for slug in ("upper", "street") for url in every(walk, "POST", slug) if "export" in url]
    for method, url in methods:
        for values in (aimed(walk), {"voided": "all", "id": OWN}):
            text = text_of(sender.send(method, url, values))
            found += [(url, value) for value in hidden if value in text]
    assert found == []


def test_record_keepers_see_numbers_and_notes_only_when_they_ask(walk: Walk) -> None:
    names = {r.name for r in walk.records["upper"].values() if r.__tablename__ == "resident"}
    hidden, found = secrets(walk.records["upper"]) - names, []
    sender = Sender(walk, "manager.upper")
    for url in every(walk, "GET"):
        for values in (aimed(walk), {"voided": "all", "id": OWN}):
            text = text_of(sender.send("GET", url, values))
            found += [(url, value) for value in hidden if value in text]
    assert found == []


def test_looking_is_the_only_way_to_tell_that_search_hides_people(walk: Walk) -> None:
    """For those who see no names a search for a name gives what a search for anything gives."""
    name = walk.records["upper"]["resident"].name
    for username in ("street", "auditor"):
        sender = Sender(walk, username)
        for screen in record_screens(walk):
            if screen.search_by and screen.searches_people():
                pages = [
                    body(sender.send("GET", f"/street{path_of(screen)}", {"search": text}), text, quote(text))
                    for text in (name, "没有这个人")
                ]
                assert pages[0] == pages[1], screen.endpoint


def test_opening_a_page_changes_nothing(walk: Walk) -> None:
    before, broken = walk.rows(), []
    for username in ("manager.upper", "street"):
        sender = Sender(walk, username)
        for slug in ("upper", "street"):
            for url in every(walk, "GET", slug):
                for values in ({}, aimed(walk), {"id": OWN}):
                    if (status := sender.send("GET", url, values).status_code) >= 500:
                        broken.append((url, status))
    assert broken == []
    assert walk.rows() == before


def test_nothing_is_written_without_the_token(walk: Walk) -> None:
    sender, before, wrong = Sender(walk, "manager.upper"), walk.rows(), []
    for url in every(walk, "POST"):
        status = sender.send("POST", url, aimed(walk), csrf=False).status_code
        if status != 400:
            wrong.append((url, status))
    assert wrong == []
    assert walk.rows() == before


def test_hostile_addresses_never_break_a_page(walk: Walk) -> None:
    """Each value on every sixth address, all arguments at once; the worst ones on each argument of each list alone."""
    sender, broken = Sender(walk, "manager.upper"), []
    names = sorted({*LIST_ARGUMENTS, *walk.keys(), *filters(walk)})
    for turn, url in enumerate(every(walk, "GET")):
        tries = [dict.fromkeys(names, value) for value in HOSTILE[turn % 6::6]]
        if url.count("/") == 4:
            tries += [{name: NASTIEST[n % 3]} for n, name in enumerate(LIST_ARGUMENTS, turn)]
            tries += [{name: ["1", "2"] for name in names}, {f"{name}[]": "1" for name in names}]
        for values in tries:
            if (status := sender.send("GET", url, values).status_code) >= 500:
                broken.append((url, values if len(values) == 1 else next(iter(values.values())), status))
    assert broken == []


def test_hostile_forms_never_break_a_page(walk: Walk) -> None:
    sender, broken = Sender(walk, "manager.upper"), []
    for turn, rule in enumerate(walk.rules("POST")):
        names = sorted({*walk.keys(), *PLAIN, *form_names(walk, rule.endpoint.partition(".")[0]), "once"} - {"id"})
        for url in walk.addresses(rule, "upper", NOBODYS):
            for value in HOSTILE[turn % 6::6]:
                answer = sender.send("POST", url, dict.fromkeys(names, value[:300]) | {"id": str(OWN)})
                if answer.status_code >= 500:
                    broken.append((url, value[:30], answer.status_code))
    assert broken == []


def test_the_two_communities_hold_different_secrets(walk: Walk) -> None:
    """Else the tests that look for them would find nothing by chance."""
    upper, lower = secrets(walk.records["upper"]), secrets(walk.records["lower"])
    assert len(upper) > 3 and not upper & lower
    assert {r.id for r in walk.records["lower"].values()} == {FOREIGN}
