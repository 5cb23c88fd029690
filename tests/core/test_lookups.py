"""A reference with more choices than a drop-down holds is looked up: in forms, and as a filter above a list."""
from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from core.admin.lookups import MOST_IN_LIST, MOST_OPTIONS
from core.setup import switch_plugin_on
from core.testing.place import NOON
from core.testing.records import make
from plugins.canteen.models import Meal
from plugins.canteen.screens import MealScreen
from plugins.douyin.models import Column, Work

WORKS = "/upper/douyin/works/"
ASK = f"{WORKS}ajax/lookup/?name=column&filter=1&query="


@pytest.fixture
def columns(place: Any) -> dict[str, int]:
    """As many columns as a drop-down holds, one of another community, and a work under the last; ids by name."""
    with place.app.app_context():
        for slug in ("upper", "lower"):
            switch_plugin_on(place.ids[slug], "douyin", date(2026, 1, 1), "test")
        with place.session("upper", writes=True) as writing:
            found = [Column(name=f"栏目{number:03}") for number in range(MOST_OPTIONS)]
            writing.add_all(found)
            writing.flush()
            ids = {column.name: column.id for column in found}
            make(writing, Work, {"douyin_column": found[-1]}, name="合唱", column_id=found[-1].id)
            make(writing, Work, {"douyin_column": found[0]}, name="剪纸", column_id=found[0].id)
        with place.session("lower", writes=True) as writing:
            ids["别处"] = make(writing, Column, {}, name="别处的栏目").id
    return ids


def add(place: Any, **values: Any) -> int:
    """One column more than a drop-down holds."""
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        return make(writing, Column, {}, **values).id


def filter_of(page: str, name: str) -> str:
    """What stands above the list for this filter: its drop-down or its look-up."""
    found = re.search(rf'<select name="{name}">.*?</select>|<div class="lookup"[^>]*><input type="hidden" '
                      rf'name="{name}".*?</div>', page, re.DOTALL)
    return found.group(0) if found else ""


def test_a_filter_is_a_drop_down_as_long_as_it_holds_all_choices(place: Any, columns: dict[str, int]) -> None:
    found = filter_of(place.browser("staff.upper").get(WORKS).get_data(as_text=True), "column")
    assert found.count("<option") == MOST_OPTIONS + 1
    add(place, name="删掉的", deleted_at=NOON, deleted_by="x")
    assert filter_of(place.browser("staff.upper").get(WORKS).get_data(as_text=True), "column") == found


def test_a_filter_with_more_choices_is_looked_up_and_cuts_none_off(place: Any, columns: dict[str, int]) -> None:
    last, staff = add(place, name="最后的栏目"), place.browser("staff.upper")
    found = filter_of(staff.get(WORKS).get_data(as_text=True), "column")
    assert "<option" not in found and 'data-lookup="/upper/douyin/works/ajax/lookup/?' in found
    assert staff.get(f"{ASK}最后").json == [[last, "最后的栏目"]]
    assert len(staff.get(ASK).json) == MOST_IN_LIST
    page = staff.get(f"{WORKS}?column={columns['栏目199']}").get_data(as_text=True)
    assert 'value="栏目199"' in filter_of(page, "column")
    assert "合唱" in page and "剪纸" not in page


def test_a_filter_looks_up_nothing_of_another_community_and_nothing_deleted(
    place: Any, columns: dict[str, int]
) -> None:
    add(place, name="最后的栏目")
    add(place, name="删掉的栏目", deleted_at=NOON, deleted_by="x")
    staff = place.browser("staff.upper")
    assert staff.get(f"{ASK}别处").json == staff.get(f"{ASK}删掉").json == []
    assert "别处" not in staff.get(f"{WORKS}?column={columns['别处']}").get_data(as_text=True)
    assert place.browser("street").get("/street/douyin/works/ajax/lookup/?name=column&filter=1&query=别处").json == [
        [columns["别处"], "别处的栏目"]]


def test_only_filters_of_the_list_are_looked_up(place: Any, columns: dict[str, int]) -> None:
    staff = place.browser("staff.upper")
    for name in ("state", "published_on", "nothing", "", "community"):
        assert staff.get(f"{WORKS}ajax/lookup/?name={name}&filter=1&query=x").status_code == 404, name


def test_a_form_with_more_choices_is_looked_up_too(place: Any, columns: dict[str, int]) -> None:
    staff = place.browser("staff.upper")
    assert '<select id="column"' in staff.get(f"{WORKS}new/").get_data(as_text=True)
    last = add(place, name="最后的栏目")
    page = staff.get(f"{WORKS}new/").get_data(as_text=True)
    assert '<select id="column"' not in page and 'data-lookup="/upper/douyin/works/ajax/lookup/?name=column"' in page
    assert staff.get(f"{WORKS}ajax/lookup/?name=column&query=最后").json == [[last, "最后的栏目"]]


def test_people_are_looked_up_by_those_who_see_names_only(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MealScreen, "filter_by", ("day", "diner"))
    monkeypatch.setattr("core.admin.lookups.MOST_OPTIONS", 0)
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        made: dict[str, Any] = {}
        make(writing, Meal, made)
        number, name = made["canteen_diner"].id, made["resident"].name
    ask = f"/upper/canteen/meals/ajax/lookup/?name=diner&filter=1&query={name}"
    keeper, auditor = place.browser("manager.upper"), place.browser("auditor")
    assert keeper.get(ask).json[0][0] == number
    assert filter_of(keeper.get("/upper/canteen/meals/").get_data(as_text=True), "diner")
    page = auditor.get("/upper/canteen/meals/")
    assert page.status_code == 200 and not filter_of(page.get_data(as_text=True), "diner")
    assert auditor.get(ask).status_code == 404
