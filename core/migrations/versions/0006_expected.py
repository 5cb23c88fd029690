"""Holidays, closures, signed zeros, opening balances, closed months."""

import sqlalchemy as sa
from alembic import op

from core.calendar.holidays import KNOWN_YEARS, known_year

revision = "core_0006"
down_revision = "core_0005"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables, and fill in the holidays of the years that the program knows."""
    op.create_table(
        "holiday",
        sa.Column("id", BIG, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("is_off", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holiday")),
        sa.UniqueConstraint("day", name=op.f("uq_holiday_day")),
    )
    op.create_table(
        "closure",
        sa.Column("id", BIG, nullable=False),
        sa.Column("community_id", BIG, nullable=False),
        sa.Column("plugin", sa.String(length=40), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by", sa.String(length=60), nullable=True),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_closure_order")),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_closure_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closure")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_closure_community_id_id")),
    )
    with op.batch_alter_table("closure", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_closure_community_id_ends_on"), ["community_id", "ends_on"], unique=False)

    op.create_table(
        "metric_correction",
        sa.Column("id", BIG, nullable=False),
        sa.Column("community_id", BIG, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("metric", sa.String(length=80), nullable=False),
        sa.Column("old", sa.BigInteger(), nullable=False),
        sa.Column("new", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("changed_by", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_metric_correction_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metric_correction")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_metric_correction_community_id_id")),
    )
    with op.batch_alter_table("metric_correction", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_metric_correction_community_id_month"), ["community_id", "month"], unique=False
        )

    op.create_table(
        "metric_first_entry",
        sa.Column("id", BIG, nullable=False),
        sa.Column("community_id", BIG, nullable=False),
        sa.Column("metric", sa.String(length=80), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_metric_first_entry_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metric_first_entry")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_metric_first_entry_community_id_id")),
    )
    with op.batch_alter_table("metric_first_entry", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_metric_first_entry_community_id_metric_day"), ["community_id", "metric", "day"], unique=True
        )

    op.create_table(
        "metric_opening",
        sa.Column("id", BIG, nullable=False),
        sa.Column("community_id", BIG, nullable=False),
        sa.Column("metric", sa.String(length=80), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("parts", sa.BigInteger(), nullable=False),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("entered_by", sa.String(length=60), nullable=False),
        sa.Column("account", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_by", sa.String(length=60), nullable=True),
        sa.Column("void_reason", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_metric_opening_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metric_opening")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_metric_opening_community_id_id")),
    )
    with op.batch_alter_table("metric_opening", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_metric_opening_community_id_metric"),
            ["community_id", "metric"],
            unique=True,
            sqlite_where=sa.text("voided_at IS NULL"),
            postgresql_where=sa.text("voided_at IS NULL"),
        )

    op.create_table(
        "month_closing",
        sa.Column("id", BIG, nullable=False),
        sa.Column("area_id", BIG, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("closed_by", sa.String(length=60), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_month_closing_area_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_month_closing")),
        sa.UniqueConstraint("area_id", "month", name=op.f("uq_month_closing_area_id_month")),
    )
    op.create_table(
        "opening_days",
        sa.Column("id", BIG, nullable=False),
        sa.Column("community_id", BIG, nullable=False),
        sa.Column("plugin", sa.String(length=40), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("weekdays", sa.String(length=7), nullable=False),
        sa.Column("on_holidays", sa.Boolean(), nullable=False),
        sa.Column("on_workdays", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=100), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_opening_days_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening_days")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_opening_days_community_id_id")),
    )
    with op.batch_alter_table("opening_days", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_opening_days_community_id_plugin_starts_on"),
            ["community_id", "plugin", "starts_on"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.create_table(
        "reporting_rule",
        sa.Column("id", BIG, nullable=False),
        sa.Column("area_id", BIG, nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("due_hour", sa.Integer(), nullable=False),
        sa.Column("closes_on", sa.Integer(), nullable=True),
        sa.Column("set_by", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_reporting_rule_area_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reporting_rule")),
        sa.UniqueConstraint("area_id", "starts_on", name=op.f("uq_reporting_rule_area_id_starts_on")),
    )
    op.create_table(
        "zero_report",
        sa.Column("id", BIG, nullable=False),
        sa.Column("community_id", BIG, nullable=False),
        sa.Column("metric", sa.String(length=80), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("signed_by", sa.String(length=60), nullable=False),
        sa.Column("account", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_by", sa.String(length=60), nullable=True),
        sa.Column("void_reason", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["community_id"], ["area.id"], name=op.f("fk_zero_report_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zero_report")),
        sa.UniqueConstraint("community_id", "id", name=op.f("uq_zero_report_community_id_id")),
    )
    with op.batch_alter_table("zero_report", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_zero_report_community_id_metric_day"),
            ["community_id", "metric", "day"],
            unique=True,
            sqlite_where=sa.text("voided_at IS NULL"),
            postgresql_where=sa.text("voided_at IS NULL"),
        )
    holiday = sa.table("holiday", sa.column("day", sa.Date), sa.column("name"), sa.column("is_off", sa.Boolean))
    op.bulk_insert(
        holiday,
        [
            {"day": each.day, "name": each.name, "is_off": each.is_off}
            for year in KNOWN_YEARS
            for each in known_year(year)
        ],
    )
