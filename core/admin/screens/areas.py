"""The tree of areas and the figures that each declares for a year."""
from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from core.admin.forms import choices
from core.admin.gate import manager, visit
from core.admin.listing import Column, Row, RowAction, Tool
from core.admin.protection import asked_for
from core.admin.screens.area_forms import AreaForm, MoveForm, NewAreaForm, ProfileForm
from core.admin.screens.office import OfficePage, area_option, listing, number_of, saved
from core.admin.values import NONE, show
from core.areas.models import Area, AreaKind, AreaProfile
from core.areas.service import add_area, areas_below, close_area, edit_area, move_area, reopen_area, save_profile
from core.clock import today
from core.errors import ValidationError
from core.extensions import db
from core.setup import contradictions, open_community, resolve

FIGURES = ("compounds", "buildings", "households", "residents", "volunteers", "teams", "party_branches")
TAG = Markup('<span class="tag{}">{}</span>')


class AreasPage(OfficePage):
    """Areas of this node and below, as a tree."""

    slug = "areas"
    title = _l("Area tree")
    icon = "area"
    menu_action = "settings"
    above_only = frozenset({"new", "edit", "move", "close", "reopen"})

    @expose("/")
    def index(self) -> str:
        """The tree with the latest figures."""
        areas = areas_below(db.session(), visit().area)
        latest = self._latest(areas)
        columns = [Column("name", _("Area name"), lead=True), Column("kind", _("Kind"), lead=True),
                   Column("state", _("State"), lead=True), Column("code", _("Division code")),
                   Column("year", _("Figures of"), numeric=True), Column("households", _("Households"), numeric=True),
                   Column("residents", _("Number of residents"), numeric=True)]
        tools = [] if visit().area.is_community else [
            Tool(_("New area"), self.get_url(".new"), primary=True, icon="plus")]
        rows = [self._row(area, latest.get(area.id)) for area in areas]
        return self.render("admin/list.html", listing=listing(
            str(self.title), columns, rows, "", tools=tools,
            note=_("Records stay with their community, wherever it moves, and when it is closed"),
        ))

    def _latest(self, areas: list[Area]) -> dict[int, AreaProfile]:
        ids = sa.select(Area.id).where(Area.path.startswith(visit().area.path, autoescape=True))
        found = db.session.scalars(
            sa.select(AreaProfile).where(AreaProfile.area_id.in_(ids)).order_by(AreaProfile.year)
        )
        return {profile.area_id: profile for profile in found}

    def _row(self, area: Area, profile: AreaProfile | None) -> Row:
        depth = area.depth - visit().area.depth
        state = TAG.format("", _("Closed")) if area.closed_on else TAG.format(" ok", _("In use"))
        cells = ["　" * depth + area.name, str(area.kind.label), state, area.division_code or NONE]
        cells += [str(profile.year), _count(profile.households), _count(profile.residents)] if profile else [NONE] * 3
        return Row(area.id, area.name, cells, self._actions(area))

    def _actions(self, area: Area) -> list[RowAction]:
        actions = [RowAction(_("Figures"), self.get_url(".figures", id=area.id))]
        if visit().area.is_community:
            return actions
        actions.append(RowAction(_("Edit"), self.get_url(".edit", id=area.id)))
        if not area.closed_on and not area.is_community:
            actions.append(RowAction(_("Add below"), self.get_url(".new", parent=area.id)))
        if area.id == visit().area.id:
            return actions
        if area.closed_on:
            actions.append(RowAction(_("Reopen"), self.get_url(".reopen", id=area.id), "POST",
                                     _("Reopen “%(name)s”? Records can be written there again.", name=area.name)))
        else:
            actions.append(RowAction(_("Move"), self.get_url(".move", id=area.id)))
            actions.append(RowAction(_("Close down"), self.get_url(".close", id=area.id), "POST", _(
                "Close “%(name)s”? Its records are kept and can be read; nothing new is written there.", name=area.name
            ), True))
        return actions

    def _area(self, *, below: bool = False) -> Area:
        """The area of the address line; another branch's is as unknown as one that never was."""
        area = db.session.get(Area, number_of("id"))
        if area is None or not visit().area.contains(area) or (below and area.id == visit().area.id):
            abort(404)
        return area

    def _parents(self, moved: Area | None = None) -> list[Area]:
        return [a for a in self.below() if not a.is_community and not a.closed_on
                and (moved is None or not moved.contains(a))]

    @expose("/new/", methods=("GET", "POST"))
    def new(self) -> ResponseReturnValue:
        """Add a node."""
        parents = {area.id: area for area in self._parents()}
        asked = number_of("parent")
        form = NewAreaForm(request.form if request.method == "POST" else None, kind=AreaKind.COMMUNITY,
                           parent=asked if asked in parents else visit().area.id)
        form.parent.choices = choices(area_option(area) for area in parents.values())
        if request.method == "POST" and form.validate() and (area := self._add(form)):
            if area.is_community:
                try:
                    open_community(area.id, today(), visit().user.username)
                except ValidationError as error:
                    flash(str(error), "warning")
            saved(form.name.data)
            return redirect(self.get_url(".index"))
        return self.form_page(form, _("New area"), fields=[form.name, form.kind, form.parent, form.slug,
                                                           form.division_code])

    def _add(self, form: NewAreaForm) -> Area | None:
        made: list[Area] = []

        def add() -> None:
            parent = db.session.get(Area, form.parent.data)
            made.append(add_area(db.session(), parent, form.name.data, form.kind.data, form.slug.data,
                                 form.division_code.data))
            self.note(_("Added the area “%(name)s”", name=made[0].name), area_id=made[0].id)

        if not self.attempt(add, form):
            return None
        area = db.session.get(Area, made[0].id)
        db.session.refresh(area)
        db.session.expunge(area)
        db.session.rollback()  # preparing the community has a session of its own
        return area

    @expose("/edit/", methods=("GET", "POST"))
    def edit(self) -> ResponseReturnValue:
        """Rename a node or correct it."""
        area = self._area()
        name, own, old_slug = area.name, area.id == visit().area.id, area.slug
        form = AreaForm(request.form if request.method == "POST" else None, obj=area)
        if area.is_community:
            form.kind.choices = choices([(AreaKind.COMMUNITY.value, AreaKind.COMMUNITY.label)])
        else:
            form.kind.choices = choices((k.value, k.label) for k in AreaKind if k != AreaKind.COMMUNITY)

        def change() -> None:
            edit_area(db.session(), area, form.name.data, form.kind.data, form.slug.data, form.division_code.data)
            self.note(_("Changed the area “%(name)s” (now “%(new)s”, %(slug)s)", name=name, new=area.name,
                        slug=area.slug), area_id=area.id)

        if request.method == "POST" and form.validate() and self.attempt(change, form):
            saved(form.name.data)
            slug = area.slug if own else None
            return redirect(self.get_url(".index", **({"area": slug} if slug and slug != old_slug else {})))
        return self.form_page(form, _("Edit: %(name)s", name=name))

    @expose("/move/", methods=("GET", "POST"))
    def move(self) -> ResponseReturnValue:
        """Hang a node elsewhere, after a question that says what it changes."""
        area = self._area(below=True)
        form = MoveForm(request.form if request.method == "POST" else None, parent=area.parent_id)
        form.parent.choices = choices(area_option(a) for a in self._parents(area))
        if request.method == "POST" and form.validate():
            sure = request.form.get("sure") == "1"
            found, name, parent = [], area.name, db.session.get(Area, form.parent.data)
            parent_name = parent.name

            def shift() -> None:
                move_area(db.session(), area, parent)
                found.extend(contradictions(db.session(), [a for a in areas_below(db.session(), area, communities=True)
                                                           if not a.closed_on]))
                self.note(_("Moved “%(name)s” below “%(parent)s”", name=name, parent=parent_name), area_id=area.id)
                if not sure:
                    db.session.rollback()

            if self.attempt(shift, form):
                if not sure:
                    return self._ask_to_move(name, parent_name, form.parent.data, found)
                for reason in resolve(found, today(), visit().user.username):
                    flash(reason, "error")
                flash(_("“%(name)s” now lies below “%(parent)s”.", name=name, parent=parent_name), "success")
                return redirect(self.get_url(".index"))
        return self.form_page(form, _("Move: %(name)s", name=area.name), submit_label=_("Go on"))

    def _ask_to_move(self, name: str, parent_name: str, parent_id: int, found: list[Any]) -> str:
        lines = [_("Move “%(name)s” below “%(parent)s”? Its records and accounts stay with it; who oversees it "
                   "changes.", name=name, parent=parent_name)]
        for each in found:
            words = {"community": each.community, "module": manager().title(each.plugin)}
            lines.append(_("In “%(community)s” the module “%(module)s” is switched on.", **words) if each.should_be_on
                         else _("In “%(community)s” the module “%(module)s” is switched off.", **words))
        return self.render("admin/confirm.html", question="\n".join(lines), action=asked_for() or "",
                           hidden=[("parent", parent_id), ("sure", "1")], cancel_url=self.get_url(".index"),
                           submit_label=_("Move"))

    @expose("/close/", methods=("POST",))
    def close(self) -> ResponseReturnValue:
        """Close a node, with its records kept."""
        area = self._area(below=True)
        name = area.name

        def shut() -> None:
            close_area(db.session(), area, today())
            self.note(_("Closed the area “%(name)s”", name=name), area_id=area.id)

        if self.attempt(shut):
            flash(_("“%(name)s” has been closed. Its records are kept.", name=name), "success")
        return redirect(self.get_url(".index"))

    @expose("/reopen/", methods=("POST",))
    def reopen(self) -> ResponseReturnValue:
        """Open a closed node again."""
        area = self._area(below=True)
        name = area.name

        def open_again() -> None:
            reopen_area(db.session(), area)
            self.note(_("Reopened the area “%(name)s”", name=name), area_id=area.id)

        if self.attempt(open_again):
            flash(_("“%(name)s” is open again.", name=name), "success")
        return redirect(self.get_url(".index"))

    @expose("/figures/")
    def figures(self) -> str:
        """The years of one area."""
        area = self._area()
        columns = [Column("year", _("Year"), lead=True)]
        columns += [Column(n, str(getattr(AreaProfile, n).info["label"]), numeric=True, lead=n in FIGURES[2:4])
                    for n in (*FIGURES, "area_km2", "founded")]
        rows = [
            Row(p.id, str(p.year), [str(p.year), *(_count(getattr(p, n)) for n in FIGURES), show(p.area_km2),
                                    show(p.founded)],
                [RowAction(_("Edit"), self.get_url(".profile", id=area.id, year=p.year))]) for p in area.profiles
        ]
        tools = [Tool(_("New year"), self.get_url(".profile", id=area.id), primary=True, icon="plus")]
        return self.render("admin/list.html", listing=listing(
            _("Declared figures: %(name)s", name=area.name), columns, rows,
            _("No figures have been declared yet. Begin with this year's."), tools=tools,
            note=_("What the community declares for a year; the system never changes it"),
        ))

    @expose("/profile/", methods=("GET", "POST"))
    def profile(self) -> ResponseReturnValue:
        """Write the figures of one year."""
        area, year = self._area(), number_of("year")
        name, back = area.name, self.get_url(".figures", id=area.id)
        stored = next((p for p in area.profiles if p.year == year), None)
        form = ProfileForm(request.form if request.method == "POST" else None, obj=stored,
                           **({} if stored else {"year": today().year}))

        def save() -> None:
            save_profile(db.session(), area, form.year.data, {n: form[n].data for n in form._fields if n != "year"})
            self.note(_("Wrote the figures of %(year)s for “%(name)s”", year=form.year.data, name=name),
                      area_id=area.id)

        if request.method == "POST" and form.validate() and self.attempt(save, form):
            saved(f"{name} {form.year.data}")
            return redirect(back)
        which = stored.year if stored else _("New year")
        return self.form_page(form, _("Declared figures: %(name)s", name=f"{name} · {which}"), cancel_url=back)


def _count(value: int | None) -> str:
    return NONE if value is None else f"{value:,}"
