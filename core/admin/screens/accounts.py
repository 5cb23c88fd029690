"""Accounts: who works here with which role, from when to when; passwords and locks."""
from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy.orm import selectinload

from core.accounts.management import (
    give_role,
    is_mine,
    may_end,
    may_manage,
    person,
    person_to_add,
    take_role,
    unended,
    visible_users,
)
from core.accounts.models import AccountEvent, Membership, SignInResult, User
from core.accounts.service import create_user, disable, enable, find_user, reset_password, unlock
from core.admin.gate import visit
from core.admin.listing import Column, Row, RowAction, Tool
from core.admin.query import whole
from core.admin.screens.account_forms import ExistingAccountForm, NameForm, NewAccountForm, RoleForm
from core.admin.screens.office import (
    PAGE_SIZE,
    OfficePage,
    chosen,
    listing,
    number_of,
    pager,
    saved,
    text_of,
)
from core.admin.values import NONE, show
from core.clock import now, today
from core.errors import ValidationError
from core.extensions import db

TAG = Markup('<span class="tag {}">{}</span>')
STATES = {
    "": lambda: User.disabled_at.is_(None), "disabled": lambda: User.disabled_at.is_not(None),
    "locked": lambda: sa.and_(User.disabled_at.is_(None), User.locked_until > now()),
    "one_time": lambda: sa.and_(User.disabled_at.is_(None), User.must_change.is_(True)),
}


class AccountsPage(OfficePage):
    """Accounts of this area and below, as far as this administrator manages them."""

    slug = "accounts"
    title = _l("Accounts")
    icon = "key"
    menu_action = "users"

    # -- list ---------------------------------------------------------------------------------

    @expose("/")
    def index(self) -> str:
        """Living accounts; ended ones by the filter."""
        state = chosen("state", _("State"), [("", _("In use")), ("disabled", _("Ended")), ("locked", _("Locked")),
                                             ("one_time", _("One-time password"))])
        search, page = text_of("search"), whole(request.args.get("page"), 1, 10**6, 1)
        found = visible_users(visit().access).where(STATES[state.value]())
        if search:
            found = found.where(sa.or_(User.name.contains(search, autoescape=True),
                                       User.username.contains(search.casefold(), autoescape=True)))
        total = db.session.scalar(sa.select(sa.func.count()).select_from(found.subquery())) or 0
        users = db.session.scalars(found.options(selectinload(User.memberships)).order_by(User.username)
                                   .limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)).all()
        last = self._last_sign_ins([user.username for user in users])
        kept = {k: v for k, v in (("state", state.value), ("search", search)) if v}
        columns = [Column("name", _("Name"), lead=True), Column("username", _("Account"), lead=True),
                   Column("roles", _("Roles"), lead=True), Column("state", _("State"), lead=True),
                   Column("last", _("Last sign-in"))]
        tools = [Tool(_("Add an existing account"), self.get_url(".add")),
                 Tool(_("New account"), self.get_url(".new"), primary=True, icon="plus")]
        return self.render("admin/list.html", listing=listing(
            str(self.title), columns, [self._row(user, last) for user in users],
            _("Nobody matches. Please change or clear the filters.") if kept else _("There are no accounts here yet."),
            total=total, filters=[state], tools=tools, search=search, search_hint=_("Name or account"),
            pages=pager(lambda n: self.get_url(".index", page=n, **kept), page, total),
            clear_url=self.get_url(".index"),
        ))

    def _last_sign_ins(self, usernames: list[str]) -> dict[str, Any]:
        newest = sa.select(AccountEvent.username, sa.func.max(AccountEvent.id)).where(
            AccountEvent.username.in_(usernames), AccountEvent.result == SignInResult.SUCCESS
        ).group_by(AccountEvent.username)
        ids = [event_id for _username, event_id in db.session.execute(newest)]
        return {e.username: e.at for e in db.session.scalars(sa.select(AccountEvent).where(AccountEvent.id.in_(ids)))}

    def _row(self, user: User, last: dict[str, Any]) -> Row:
        roles = [_role_text(m) for m in unended(user, today()) if is_mine(visit().access, m)]
        cells = [user.name, user.username, "、".join(roles) or NONE, _state(user), show(last.get(user.username))]
        return Row(user.id, user.name, cells, [RowAction(_("View"), self.get_url(".account", id=user.id))])

    # -- one account --------------------------------------------------------------------------

    def _person(self) -> User:
        """The account of the address line; one that is not his to see is unknown."""
        user = person(db.session(), visit().access, number_of("id"))
        if user is None:
            abort(404)
        return user

    def _managed(self) -> User:
        user = self._person()
        if not may_manage(visit().access, user, today()):
            abort(403)
        return user

    @expose("/account/", methods=("GET", "POST"))
    def account(self) -> ResponseReturnValue:
        """An account with its roles; posting gives it another one."""
        user = self._person()
        own = user.id == visit().user.id
        form = RoleForm(request.form if request.method == "POST" else None, areas=self.below())
        if request.method == "POST":
            if own:
                abort(403)
            name, back = user.name, self.get_url(".account", id=user.id)
            if form.validate() and self.attempt(lambda: self._give(user, form), form):
                flash(_("%(name)s has the new role from the day given.", name=name), "success")
                return redirect(back)
            user = self._person()
        access = visit().access
        mine = [(m, may_end(access, m, today())) for m in user.memberships if is_mine(access, m)]
        return self.render(
            "manage/account.html", title=user.name, user=user, state=_state(user), form=None if own else form,
            memberships=[(m, _role_state(m), ends) for m, ends in mine], managed=may_manage(access, user, today()),
            elsewhere=len(mine) < len(user.memberships), own=own,
            locked=bool(user.locked_until and user.locked_until > now()),
            last=show(self._last_sign_ins([user.username]).get(user.username)),
        )

    def _give(self, user: User, form: RoleForm) -> None:
        area, role = form.chosen()
        give_role(db.session(), visit().access, user, area, role, form.starts_on.data, form.ends_on.data)
        self.note(_("Gave %(user)s the role “%(role)s” at “%(area)s”", user=user.label, role=role.label,
                    area=area.name), about=user.username, area_id=area.id)

    @expose("/new/", methods=("GET", "POST"))
    def new(self) -> ResponseReturnValue:
        """Make an account; its one-time password is shown once, on the answer to this very request."""
        form = NewAccountForm(request.form if request.method == "POST" else None, areas=self.below())
        fields = [form.name, form.username, form.area_id, form.role_id, form.starts_on, form.ends_on]
        shown: list[str] = []

        def make() -> None:
            shown.append(create_user(db.session(), form.username.data, form.name.data, now()))
            user = find_user(db.session(), form.username.data)
            self.note(_("Made the account %(user)s", user=user.label), about=user.username)
            self._give(user, form)

        if request.method == "POST" and form.validate() and self.attempt(make, form):
            return self._one_time(find_user(db.session(), form.username.data), shown[0])
        return self.form_page(form, _("New account"), fields=fields, submit_label=_("Make account"), note=_(
            "A one-time password is shown after saving, once"
        ))

    @expose("/add/", methods=("GET", "POST"))
    def add(self) -> ResponseReturnValue:
        """Give a person of another community a role here, by the exact name of the account."""
        form = ExistingAccountForm(request.form if request.method == "POST" else None, areas=self.below())
        fields = [form.username, form.area_id, form.role_id, form.starts_on, form.ends_on]

        def give() -> None:
            self._give(person_to_add(db.session(), visit().access, form.username.data, today()), form)

        if request.method == "POST" and form.validate() and self.attempt(give, form):
            flash(_("“%(name)s” has been added here.", name=form.username.data.strip()), "success")
            return redirect(self.get_url(".index"))
        return self.form_page(form, _("Add an existing account"), fields=fields)

    @expose("/rename/", methods=("GET", "POST"))
    def rename(self) -> ResponseReturnValue:
        """Correct a person's name."""
        user = self._managed()
        old, back = user.name, self.get_url(".account", id=user.id)
        form = NameForm(request.form if request.method == "POST" else None, obj=user)

        def change() -> None:
            user.name = " ".join(form.name.data.split())
            if not user.name:
                raise ValidationError(_("Please give a name of 1 to 60 characters."), "name")
            self.note(_("Renamed %(old)s to %(user)s", old=old, user=user.label), about=user.username)

        if request.method == "POST" and form.validate() and self.attempt(change, form):
            saved(form.name.data)
            return redirect(back)
        return self.form_page(form, _("Edit: %(name)s", name=old), cancel_url=back)

    @expose("/end-role/", methods=("POST",))
    def end_role(self) -> ResponseReturnValue:
        """Take a role away; it counts at the person's next request."""
        membership = db.session.get(Membership, number_of("membership"))
        if membership is None or not is_mine(visit().access, membership):
            abort(404)
        user = membership.user
        back = self.get_url(".account", id=user.id)

        def take() -> None:
            take_role(db.session(), visit().access, membership, today())
            self.note(_("Took the role “%(role)s” at “%(area)s” away from %(user)s", role=membership.role.label,
                        area=membership.area.name, user=user.label), about=user.username, area_id=membership.area_id)

        if self.attempt(take):
            flash(_("The role has been taken away."), "success")
        return redirect(back)

    @expose("/reset/", methods=("POST",))
    def reset(self) -> ResponseReturnValue:
        """A one-time password, shown once on the answer to this very request."""
        user, shown = self._managed(), []
        if user.disabled_at is not None:
            abort(404)

        def renew() -> None:
            shown.append(reset_password(db.session(), user, now()))
            self.note(_("Reset the password of %(user)s", user=user.label), about=user.username)

        if self.attempt(renew):
            return self._one_time(user, shown[0])
        return redirect(self.get_url(".account", id=number_of("id")))

    def _one_time(self, user: User, password: str) -> str:
        return self.render("manage/one_time.html", title=_("One-time password"), user=user, password=password,
                           back_url=self.get_url(".account", id=user.id))

    @expose("/unlock/", methods=("POST",))
    def unlock(self) -> ResponseReturnValue:
        """End the 15 minutes of a lock."""
        return self._change(lambda user: unlock(user), _l("Unlocked %(user)s"))

    @expose("/disable/", methods=("POST",))
    def disable(self) -> ResponseReturnValue:
        """End an account: signed out everywhere at once."""
        return self._change(lambda user: disable(db.session(), user, now(), today()), _l("Ended the account %(user)s"))

    @expose("/enable/", methods=("POST",))
    def enable(self) -> ResponseReturnValue:
        """Open an ended account again."""
        return self._change(lambda user: enable(user), _l("Reopened the account %(user)s"))

    def _change(self, act: Any, done: Any) -> ResponseReturnValue:
        user = self._managed()
        text, number = str(done) % {"user": user.label}, user.id

        def change() -> None:
            act(user)
            self.note(text, about=user.username)

        if self.attempt(change):
            flash(text, "success")
        return redirect(self.get_url(".account", id=number))


def _role_text(membership: Membership) -> str:
    text = membership.role.label
    if membership.area_id != visit().area.id:
        text = f"{text} · {membership.area.name}"
    return text if membership.holds_on(today()) else _("%(role)s (from %(day)s)", role=text, day=membership.starts_on)


def _role_state(membership: Membership) -> Markup:
    if membership.holds_on(today()):
        return TAG.format("ok", _("In force"))
    return TAG.format("info", _("Later")) if membership.starts_on > today() and (
        membership.ends_on is None or membership.ends_on >= membership.starts_on
    ) else TAG.format("", _("Past"))


def _state(user: User) -> Markup:
    if user.disabled_at is not None:
        return TAG.format("", _("Ended"))
    if user.locked_until and user.locked_until > now():
        return TAG.format("bad", _("Locked"))
    if user.must_change:
        return TAG.format("warn", _("One-time password"))
    if not any(m.holds_on(today()) for m in user.memberships):
        return TAG.format("warn", _("No role"))
    return TAG.format("ok", _("In use"))
