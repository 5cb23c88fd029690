"""The floor: the same SQL with bare Flask and one small template; nothing can be much faster than that."""
from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Flask, render_template, request
from jinja2 import DictLoader

PAGE = """<!doctype html><title>Meals</title><h1>Meals</h1><p>{{ total }}</p><table>
{% for r in rows %}<tr><td>{{ r.name }}</td><td>{{ r.kind }}</td><td>{{ r.way }}</td><td>{{ r.day }}</td>
<td>{{ r.standard_price / 100 }}</td><td>{{ r.government / 100 }}</td><td>{{ r.self_pay / 100 }}</td>
<td>{{ r.recorded_by }}</td><td><a href="/meals/{{ r.id }}">View</a></td></tr>
{% endfor %}</table>"""
REPORT = """<!doctype html><title>Year</title><table>{% for name, numbers in rows %}<tr><td>{{ name }}</td>
{% for n in numbers %}<td>{{ n }}</td>{% endfor %}</tr>{% endfor %}</table>"""
FORM = """<!doctype html><title>Diner</title><form method="post"><input name="name" value="{{ r.name }}">
<input name="allergy" value="{{ r.allergy or '' }}"><input name="note" value="{{ r.diet_note or '' }}">
<select name="way"><option>{{ r.usual_way }}</option></select><button>Save</button></form>"""
COUNT = "SELECT count(*) FROM (SELECT 1 FROM canteen_meal WHERE voided_at IS NULL {where} LIMIT 10001) AS m"
IDS = "SELECT id FROM canteen_meal WHERE voided_at IS NULL {where} ORDER BY {order} LIMIT :size OFFSET :start"
ROWS = """SELECT m.id, r.name, k.name AS kind, m.way, m.day, m.standard_price, m.government, m.self_pay, m.recorded_by
FROM canteen_meal m JOIN canteen_diner d ON d.id = m.diner_id JOIN resident r ON r.id = d.resident_id
JOIN canteen_meal_kind k ON k.id = m.kind_id WHERE m.id IN :ids"""
NAMED = """ AND diner_id IN (SELECT d.id FROM canteen_diner d JOIN resident r ON r.id = d.resident_id
WHERE r.name LIKE :name {people})"""
DINER = """SELECT d.id, r.name, d.allergy, d.diet_note, d.usual_way FROM canteen_diner d
JOIN resident r ON r.id = d.resident_id WHERE d.id = :id"""

ROLLED_UP = """SELECT a.name, f.day AS month, f.number FROM area a JOIN metric_figure f ON f.community_id = a.id
WHERE a.kind = 'community' AND f.metric = 'canteen.named_meals' AND f.period = 'month' AND f.day >= :first
ORDER BY a.path, f.day"""
SCANNED = """SELECT a.name, {month} AS month, count(*) AS number FROM area a
JOIN canteen_meal m ON m.community_id = a.id
WHERE a.kind = 'community' AND m.voided_at IS NULL AND m.reversed_on IS NULL AND m.reverses_id IS NULL
AND m.day >= :first
GROUP BY a.path, a.name, {month}
ORDER BY a.path, {month}"""
MONTH = {"sqlite": "substr(m.day, 1, 7)", "postgresql": "date_trunc('month', m.day)"}


def floor_app(url: str, community_id: int) -> Flask:
    """`/one/` and `/street/` list meals, `/diner/` is a form."""
    app = Flask("floor")
    app.jinja_loader = DictLoader({"list.html": PAGE, "form.html": FORM, "report.html": REPORT})
    engine = sa.create_engine(url)

    def listed(where: str, order: str, values: dict[str, Any]) -> str:
        size, page = request.args.get("page_size", 20, int), request.args.get("page", 1, int)
        if name := request.args.get("search"):
            where += NAMED.format(people="AND r.community_id = :c" if "c" in values else "")
            values = {**values, "name": f"%{name}%"}
        with engine.connect() as connection:
            total = connection.scalar(sa.text(COUNT.format(where=where)), values)
            ids = connection.execute(sa.text(IDS.format(where=where, order=order)),
                                     {**values, "size": size, "start": (page - 1) * size}).scalars().all()
            rows = connection.execute(sa.text(ROWS).bindparams(sa.bindparam("ids", expanding=True)), {"ids": ids})
            found = {row.id: row for row in rows}
        return render_template("list.html", total=total, rows=[found[i] for i in ids])

    @app.route("/one/")
    def one() -> str:
        return listed("AND community_id = :c", "day DESC, id DESC", {"c": community_id})

    @app.route("/street/")
    def street() -> str:
        return listed("", "id DESC", {})

    def year_of(sql: str) -> str:
        rows: dict[str, list[int]] = {}
        with engine.connect() as connection:
            found = connection.execute(sa.text(sql), {"first": request.args["first"]})
            for name, _month, number in found:
                rows.setdefault(name, []).append(number)
        return render_template("report.html", rows=list(rows.items()))

    @app.route("/report/")
    def report() -> str:
        return year_of(ROLLED_UP)

    @app.route("/scan/")
    def scan() -> str:
        return year_of(SCANNED.format(month=MONTH[engine.dialect.name]))

    @app.route("/diner/")
    def diner() -> str:
        with engine.connect() as connection:
            row = connection.execute(sa.text(DINER), {"id": request.args.get("id", 1, int)}).one()
        return render_template("form.html", r=row)

    return app
