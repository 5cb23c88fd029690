"""What test_plugin_from_outside.py does in an environment of its own: python house.py STEP '[[url, folder], …]'."""
from __future__ import annotations

import json
import os
import re
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import sqlalchemy as sa

from core import cli
from core.areas.models import Area
from core.areas.scope import session_for
from core.extensions import db
from core.installation import make_tables
from core.migrations.upgrade import pending, upgrade
from core.residents.models import Resident
from core.residents.service import set_name
from core.testing.place import Place
from core.testing.servers import fill, make_app

EVENT = "元宵灯会戏"


def place_at(url: str, folder: Path) -> Place:
    """The app over a database."""
    app, clock = make_app(url, folder)
    place = Place(app, clock)
    with app.app_context():
        if not pending():
            with session_for(None, "a test looks") as reading:
                place.ids = dict(reading.execute(sa.select(Area.slug, Area.id)).all())
    return place


def jinlin(*arguments: str) -> SimpleNamespace:
    """Run a command in this process; what it prints goes to a file."""
    said = Path(os.environ["JINLIN_INSTANCE"]) / "said.txt"
    with said.open("w") as file:
        kept = os.dup(1), os.dup(2)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        sys.argv, code = ["jinlin", *arguments], 0
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code or 0
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(kept[0], 1)
            os.dup2(kept[1], 2)
    return SimpleNamespace(code=code, said=said.read_text())


def begin(place: Place) -> None:
    """Its screens, words, metric, template and static file work; rows go in."""
    with place.app.app_context():
        upgrade()
        fill(place)
        with place.session("upper", writes=True) as writing:
            singer = Resident()
            set_name(singer, "王秀英")
            writing.add(singer)
            writing.flush()
            member = place.app.extensions["jinlin_plugins"].modules["opera"].MemberScreen.model
            writing.add(member(resident_id=singer.id, part="青衣"))
    staff = place.browser("staff.upper")
    form = staff.form("/upper/opera/events/new/")
    saved = staff.post("/upper/opera/events/new/", {**form, "name": EVENT, "day": "2026-11-23", "place": "广场"})
    assert saved.status_code == 302, saved.get_data(as_text=True)
    events = staff.get("/upper/opera/events/").get_data(as_text=True)
    assert EVENT in events and "戏曲社" in events and "活动日期" in events and "Day of the event" not in events
    board = staff.get("/upper/opera/board/").get_data(as_text=True)
    assert EVENT in board
    assert staff.get(re.search(r'href="([^"]*board\.css[^"]*)"', board).group(1)).status_code == 200
    assert "青衣" in staff.get("/upper/opera/members/").get_data(as_text=True)
    assert "举办活动" in staff.get("/upper/").get_data(as_text=True)
    assert EVENT not in place.browser("staff.lower").get("/lower/opera/events/").get_data(as_text=True)
    assert "戏曲社" in place.browser("street").get("/street/manage/plugins/").get_data(as_text=True)


def gone(place: Place) -> None:
    """Without the package: everything else works, and what is left is named to those who may know."""
    with place.app.app_context():
        make_tables()
        assert place.app.extensions["jinlin_plugins"].faults == {} and upgrade() == []
    staff = place.browser("staff.upper")
    assert staff.get("/upper/opera/events/").status_code == 404
    for url in ("/upper/", "/upper/canteen/meals/", "/upper/residents/people/"):
        page = staff.get(url)
        assert page.status_code == 200 and "戏曲社" not in page.get_data(as_text=True), url
    for who, url, counts in (("street", "/street/", True), ("manager.upper", "/upper/", True),
                             ("system", "/street/", False), ("manager.lower", "/lower/", False)):
        page = place.browser(who).get(f"{url}manage/plugins/").get_data(as_text=True)
        assert "opera_event" in page and "opera_member" in page, who
        assert ("上游社区 1" in page.split("opera_event")[1]) == counts, who
    with place.app.app_context():
        db.engine.dispose()
    listed = jinlin("plugins")
    assert listed.code == 0 and "opera_event: 上游社区 1" in listed.said, listed.said
    assert jinlin("db", "upgrade").code == 0
    backup = Path(os.environ["JINLIN_INSTANCE"]) / "kept.zip"
    assert jinlin("backup", str(backup)).code == 0
    restored = jinlin("restore", str(backup), "--yes")
    assert restored.code == 0, restored.said


def back(place: Place) -> None:
    """Installed again: its records are there as they were."""
    with place.app.app_context():
        make_tables()
    staff = place.browser("staff.upper")
    assert EVENT in staff.get("/upper/opera/events/").get_data(as_text=True)
    assert "青衣" in staff.get("/upper/opera/members/").get_data(as_text=True)
    page = place.browser("street").get("/street/manage/plugins/").get_data(as_text=True)
    assert "opera_event" not in page and "戏曲社" in page
    assert date(2026, 11, 23).isoformat() in staff.get("/upper/opera/board/").get_data(as_text=True)


if __name__ == "__main__":
    _file, step, houses = sys.argv
    for url, folder in json.loads(houses):
        os.environ.update(JINLIN_INSTANCE=folder, JINLIN_DATABASE_URL=url, JINLIN_LANG="en")
        at = place_at(url, Path(folder))
        {"begin": begin, "gone": gone, "back": back}[step](at)
        with at.app.app_context():
            db.session.remove()
            db.engine.dispose()
