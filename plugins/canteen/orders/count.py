"""厨房备餐: the count of a day for the kitchen, on the screen, on A4 and as Excel."""
from __future__ import annotations

from datetime import date
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.api import Deed, Page, beijing, db, download, is_open, mask_name, note_deed, now, visit, write_table
from plugins.canteen.models import Way
from plugins.canteen.orders.kitchen import KindCount, Late, count_meals, late_changes
from plugins.canteen.orders.models import MealOrder
from plugins.canteen.orders.screens import SECTION
from plugins.canteen.orders.services import closing_of, count_day
from plugins.canteen.settings import PLUGIN
from plugins.canteen.tables import XLSX


class CountPage(Page):
    """How many of each meal the kitchen prepares; names only for those who may see them."""

    slug = "count"
    title = _l("Kitchen’s count")
    section = SECTION
    icon = "bowl"
    menu_action = "view"
    needs = {"excel": "export"}

    @expose("/")
    def index(self) -> str:
        """On the screen."""
        return self.render("canteen/count.html", title=str(self.title), **self._words())

    @expose("/print/")
    def paper(self) -> str:
        """On A4."""
        words = self._words()
        return self.render("canteen/count_paper.html", title=str(self.title), date_text=words["day"].isoformat(),
                           back_url=self.get_url(".index", day=words["day"].isoformat()), **words)

    @expose("/excel/", methods=("POST",))
    def excel(self) -> ResponseReturnValue:
        """As Excel, logged; counts are numbers."""
        words = self._words()
        rows = [row for count in words["counts"] for row in _rows(count, words["sees_names"])]
        rows += [[late.kind, _("After the set hour: %(what)s", what=late.what), 1, self._who(late), late.reason]
                 for late in words["late"]]
        note_deed(db.session(), Deed.EXPORTED, MealOrder.__tablename__, changes={"rows": len(rows)})
        db.session.commit()
        title = f"{visit().area.name} {self.title} {words['day']}"
        heads = [_("Meal"), _("Counted"), _("Number"), _("Names"), _("Reason")]
        return download(write_table(heads, rows, title), XLSX, f"{title.replace(' ', '-')}.xlsx")

    def _words(self) -> dict[str, Any]:
        here, session = visit().area, db.session()
        day = _day(request.args.get("day")) or count_day(session, here.id, now())
        closing = closing_of(session, here.id, day)
        return {"day": day, "counts": count_meals(session, day), "late": late_changes(session, day, closing),
                "closing": beijing(closing), "is_closed": closing <= now(), "ways": list(Way), "page": self,
                "sees_names": visit().access.sees_names, "who": self._who,
                "is_open": is_open(session, here.id, PLUGIN, day)}

    @staticmethod
    def _who(late: Late) -> str:
        return late.name if visit().access.sees_names else mask_name(late.name)


def _rows(count: KindCount, sees_names: bool) -> list[list[Any]]:
    name = count.kind.name
    return [
        *([name, str(way.label), count.ways[way], None, None] for way in Way),
        [name, _("Together"), count.total, None, None],
        *([name, note.text, len(note.names), "、".join(note.names) if sees_names else None, None]
          for note in count.notes),
    ]


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text and len(text) == 10 else None
    except ValueError:
        return None
