"""Pages that no link leads to: signing in, what went wrong, what is shown once, and the steps of an import."""
from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import InternalServerError, MethodNotAllowed, RequestEntityTooLarge, TooManyRequests

from core.accounts.roles import STAFF
from core.accounts.service import add_membership, built_in_role, create_user, find_user
from core.admin import export_pages
from core.admin.export_jobs import Job
from core.admin.gate import visit
from core.areas.models import Area
from core.areas.scope import session_for
from core.areas.service import save_settings
from core.clock import today
from core.errors import JinlinError
from core.testing.place import PASSWORD, Place
from core.testing.walk import OWN
from plugins.canteen.delivery.models import DeliveryRound, RoundStop
from plugins.canteen.models import Diner, MealKind, Way
from plugins.canteen.orders.models import MealOrder
from tests.core.test_roster_import import START, WANG, ZHANG, workbook
from tests.pages import Crawl, Page, filled
from tests.plugins.canteen_people import add_diner

TAG = "/upper/residents/tags/new/"


def scenes(place: Place) -> list[Page]:
    """Each of them once."""
    found = [page for scene in SCENES for page in scene(place)]
    assert None not in found, [str(page) for page in found]
    return found


def _signing_in(place: Place) -> Iterator[Page]:
    """The page, a wrong password, what was typed before a time-out, and its going on."""
    someone = Crawl(place, "staff.upper")
    place.clock.forward(minutes=31)
    kept = someone.post(TAG, {"name": "高龄<独居>", "once": "a" * 30})
    yield kept
    again = filled(kept.tree.find(".//form")) | {"username": "staff.upper"}
    yield someone.post("/login", again | {"password": "wrong"})
    yield someone.post("/login", again | {"password": PASSWORD})
    yield Crawl(place, None).get("/login")
    place.app.extensions["jinlin_demo"], real = lambda: True, place.app.extensions["jinlin_demo"]
    yield Crawl(place, None).get("/login")
    yield Crawl(place, "staff.upper").get("/upper/")
    place.app.extensions["jinlin_demo"] = real


def _new_people(place: Place) -> Iterator[Page]:
    """The one-time password, the change that it asks for, an account without a role, a language and a font."""
    office = Crawl(place, "street")
    with place.app.app_context(), session_for(None, "a test looks") as reading:
        area, role = place.ids["upper"], built_in_role(reading, STAFF).id
    yield office.post("/street/manage/accounts/new/", {"name": "新来的人", "username": "new.one", "area_id": area,
                                                       "role_id": role, "starts_on": "2026-11-23"})
    with place.app.app_context(), session_for(None, "a test adds people", writes=True) as writing:
        for name in ("first.day", "no.role", "large.font"):
            create_user(writing, name, name, place.clock(), PASSWORD)
        find_user(writing, "first.day").must_change = True
        find_user(writing, "large.font").large_font = True
        add_membership(writing, find_user(writing, "large.font"), writing.get_one(Area, area),
                       built_in_role(writing, STAFF), today())
    yield Crawl(place, "first.day").get("/")
    yield Crawl(place, "no.role").get("/")
    large = Crawl(place, "large.font")
    large.post("/account/language", {"language": "en"})
    for path in ("/upper/", "/upper/residents/people/", "/upper/residents/people/new/", "/upper/canteen/counter/"):
        yield large.get(path)


def _imports(place: Place) -> Iterator[Page]:
    """No file; a preview with rows that are right, wrong and in doubt; its result; a discarded one."""
    staff = Crawl(place, "manager.upper")
    yield staff.post(START, {"sheet": "residents"})
    rows = [[1, "王桂兰", WANG, "女", None, "13800001234", "2幢301", "高龄", None],
            [2, "张某", "990000193811300000", "男", None, "1", None, None, None],
            [3, "张建国", ZHANG, "男", None, None, None, None, None]]
    for action in ("good", "discard"):
        staff.post(START, {"sheet": "residents", "file": (io.BytesIO(workbook(rows)), "名册.xlsx"),
                           "once": action * 10})
        number = _last_batch(place)
        yield staff.get(f"/upper/residents/import/batch/?id={number}")
        staff.post(f"/upper/residents/import/decide/?id={number}", {"action": action})
        yield staff.get(f"/upper/residents/import/batch/?id={number}")
        rows[2][1] = "张建军"  # the same number, another name: who is meant?


def _last_batch(place: Place) -> int:
    from core.exchange.models import ImportBatch
    with place.app.app_context(), place.session("upper") as reading:
        return reading.scalar(sa.select(sa.func.max(ImportBatch.id)))


def _counter(place: Place) -> Iterator[Page]:
    """Somebody found, and the question that the counter asks without script."""
    staff = Crawl(place, "staff.upper")
    yield staff.get("/upper/canteen/counter/?q=王")
    with place.app.app_context(), place.session("upper") as reading:
        from plugins.canteen.models import Diner, MealKind
        kind = reading.scalars(sa.select(MealKind).where(MealKind.name == "午餐")).one().id
        resident = reading.scalars(sa.select(Diner)).first().resident_id
    twice = {"resident": resident, "kind": kind}
    staff.post("/upper/canteen/counter/record/", twice | {"once": "round-of-the-scenes-0123456789"})
    yield staff.get(f"/upper/canteen/counter/?kind={kind}")


def _bulk(place: Place) -> Iterator[Page]:
    """The question about ticked rows, and the private value that a reason opens."""
    staff = Crawl(place, "manager.upper")
    yield staff.post("/upper/residents/people/action/", {"action": "delete", "rowid": "770001"})
    yield staff.post("/upper/residents/people/reveal/?id=770001&field=identity_number", {"reason": "居民本人来电"})


def _what_went_wrong(place: Place) -> Iterator[Page]:
    """Every page of core/admin/errors.py."""
    staff = Crawl(place, "staff.upper")
    yield staff.get("/upper/nothing/here/")
    yield staff.get("/upper/manage/accounts/")
    yield staff.post("/upper/", {})
    broken: list[Any] = [OperationalError("", {}, Exception()), InternalServerError(), RequestEntityTooLarge(),
                         TooManyRequests(), MethodNotAllowed(), JinlinError("这样不行。")]
    nobody = Crawl(place, None)
    for error in broken:
        yield nobody.take(f"GET /upper/ {type(error).__name__}", lambda error=error: _answer(place, error))
    yield nobody.take(f"POST {TAG} busy", lambda: _answer(place, broken[0], path=TAG, data={"name": "高龄<独居>"}))


def _answer(place: Place, error: Exception, path: str = "/upper/", data: dict[str, str] | None = None) -> Any:
    """What a person sees when this goes wrong."""
    with place.app.test_request_context(path, method="POST" if data else "GET", data=data):
        return place.app.process_response(place.app.make_response(place.app.handle_user_exception(error)))


def _long_export(place: Place) -> Iterator[Page]:
    """An export under way, ready, and failed."""
    staff, jobs = Crawl(place, "manager.upper"), []

    def begun(screen: str, name: str, rows: int, *_work: Any, **_wait: Any) -> Job:
        jobs.append(Job("a" * 32, visit().user.id, visit().area.id, screen, name, rows))
        jobs[0].tell()
        return jobs[0]

    export_pages.start_job, real = begun, export_pages.start_job
    staff.post("/upper/residents/people/export/xlsx/", {})
    export_pages.start_job = real
    for state in (jobs[0].state, "ready", "failed"):
        jobs[0].state = state
        with place.app.app_context():
            jobs[0].tell()
        yield staff.get(f"/upper/residents/people/exported/?job={jobs[0].token}")


def _modules(place: Place) -> Iterator[Page]:
    """The plugins page with one that could not be loaded; a page out of date."""
    manager = place.app.extensions["jinlin_plugins"]
    manager.faults["swimming"] = "No module named 'swimming'"
    yield Crawl(place, "street").get("/street/manage/plugins/")
    del manager.faults["swimming"]
    staff = Crawl(place, "staff.upper")
    staff.token = "old"
    yield staff.post(TAG, {})


def canteen_scenes(place: Place) -> Iterator[Page]:
    """Pages of the canteen that share a view with others, and those of a counter that takes money.

    Before anybody has pressed every button: they want records that stand.
    """
    add_diner(place, "送餐人", usual_way=Way.DELIVERY)
    with place.app.app_context(), place.session("upper", writes=True) as writing:
        save_settings(writing, place.ids["upper"], "canteen", {"takes_money": True})
        diner = writing.scalars(sa.select(Diner).order_by(Diner.id.desc())).first()
        kind = MealKind(name="夜宵", opens=time(22, 30), closes=time(23, 0))
        stop = RoundStop(kind=kind, diner=diner, position=1, added_on=today())
        around = DeliveryRound(name="新路线", kind=kind, stops=[stop])
        writing.add_all([around, MealOrder(diner=diner, kind=kind, day=today(), wanted=True, way=Way.DELIVERY,
                                           recorded_by="王敏", recorded_at=place.clock())])
        writing.flush()
        door = f"kind={kind.id}&round={around.id}"
    manager, canteen = Crawl(place, "manager.upper"), "/upper/canteen"
    for url in ("rules/new/", f"account/?id={OWN}", f"entries/receipt/?id={OWN}", f"rounds/stops/?id={OWN}",
                "sampling/labels/", f"settlements/details/?id={OWN}", f"settlements/paper/?id={OWN}"):
        yield manager.get(f"{canteen}/{url}")
    manager.browser.post(f"{canteen}/delivery/open/?{door}", {"once": "round-of-the-scenes-0123456789"})
    for url in ("run", "print"):
        yield manager.get(f"{canteen}/delivery/{url}/?{door}")


SCENES = (_imports, _counter, _bulk, _long_export, _new_people, _what_went_wrong, _modules, _signing_in)
