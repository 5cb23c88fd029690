"""The peer: plain Flask-Admin over the same tables, as its own documentation shows it."""
from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_admin.theme import Bootstrap4Theme
from flask_babel import Babel
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase

TABLES = {"Resident": "resident", "Kind": "canteen_meal_kind", "Diner": "canteen_diner", "Meal": "canteen_meal"}


def plain_app(url: str, community_id: int) -> Flask:
    """Meals of the whole street and of one community, and the diners' form with ajax references; nobody signs in."""
    app = Flask("plain")
    app.config.update(SQLALCHEMY_DATABASE_URI=url, SECRET_KEY="bench")
    Babel(app)  # Flask-Admin asks for it wherever it is installed
    db = SQLAlchemy(app, model_class=type("Base", (DeclarativeBase,), {}))
    with app.app_context():
        models = _models(db)
    admin = Admin(app, theme=Bootstrap4Theme())

    class MealView(ModelView):
        column_list = ("diner.resident.name", "kind", "way", "day", "standard_price", "government", "self_pay",
                       "recorded_by")
        column_filters = ("day", "way", "source")
        column_searchable_list = ("diner.resident.name",)
        column_default_sort = ("id", True)
        can_view_details = can_export = can_set_page_size = True
        page_size_options = (20, 50, 100)
        form_ajax_refs = {"diner": {"fields": ("id",)}}

    class OneCommunity(MealView):
        def get_query(self) -> Any:
            return super().get_query().filter(self.model.community_id == community_id)

        def get_count_query(self) -> Any:
            return super().get_count_query().filter(self.model.community_id == community_id)

        def on_model_change(self, form: Any, model: Any, is_created: bool) -> None:
            model.community_id = community_id

    class DinerView(ModelView):
        form_ajax_refs = {"resident": {"fields": ("name",)}}

    class ResidentView(ModelView):
        column_searchable_list = ("name",)

    admin.add_view(MealView(models["Meal"], db, endpoint="street", url="/street"))
    admin.add_view(OneCommunity(models["Meal"], db, endpoint="one", url="/one"))
    admin.add_view(ResidentView(models["Resident"], db, endpoint="residents", url="/residents"))
    admin.add_view(DinerView(models["Diner"], db, endpoint="diners", url="/diners"))
    return app


def _models(db: SQLAlchemy) -> dict[str, Any]:
    """Models of the tables that are there, without anything of Jinlin's."""
    tables = {name: sa.Table(name, db.metadata, autoload_with=db.engine, resolve_fks=False)
              for name in TABLES.values()}
    for name in ("area", "canteen_subsidy_rule"):  # what keys of these point to is asked when a row is written
        sa.Table(name, db.metadata, autoload_with=db.engine, resolve_fks=False)
    for table in tables.values():
        for constraint in list(table.foreign_key_constraints):
            table.constraints.discard(constraint)

    def relation(target: str, table: str, column: str) -> Any:
        return db.relationship(target, primaryjoin=tables[table].c[column] == tables[TABLES[target]].c.id,
                               foreign_keys=[tables[table].c[column]], viewonly=False)

    made: dict[str, Any] = {}
    made["Resident"] = type("Resident", (db.Model,), {"__table__": tables["resident"],
                                                      "__str__": lambda self: self.name})
    made["Kind"] = type("Kind", (db.Model,), {"__table__": tables["canteen_meal_kind"],
                                              "__str__": lambda self: self.name})
    made["Diner"] = type("Diner", (db.Model,), {
        "__table__": tables["canteen_diner"], "resident": relation("Resident", "canteen_diner", "resident_id"),
        "__str__": lambda self: self.resident.name,
    })
    made["Meal"] = type("Meal", (db.Model,), {
        "__table__": tables["canteen_meal"], "diner": relation("Diner", "canteen_meal", "diner_id"),
        "kind": relation("Kind", "canteen_meal", "kind_id"),
    })
    return made
