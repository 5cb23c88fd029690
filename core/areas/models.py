"""Areas, their declared figures, and which plugins each community has on."""
from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.extensions import BigId, Choice, Moment, choice_column, db


class AreaKind(Choice):
    """Kinds of nodes; depth is data, so a street may have service areas below it or not."""

    DISTRICT = "district", _l("District")
    STREET = "street", _l("Street")
    TOWN = "town", _l("Town")
    ZONE = "zone", _l("Development zone")
    SERVICE_AREA = "service_area", _l("Service area")
    COMMUNITY = "community", _l("Community")


class Area(db.Model):  # type: ignore[name-defined]
    """A node of the administrative tree; a community is a leaf and the tenant."""

    __tablename__ = "area"
    __table_args__ = (sa.Index(None, "path"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("area.id"))
    name: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Area name")})
    kind: Mapped[AreaKind] = mapped_column(choice_column(AreaKind), info={"label": _l("Kind")})
    slug: Mapped[str] = mapped_column(sa.String(40), unique=True)
    division_code: Mapped[str | None] = mapped_column(sa.String(12), unique=True)
    path: Mapped[str] = mapped_column(sa.String(200), default="/")  # "/1/4/9/": ids from the root to itself
    closed_on: Mapped[date | None]
    row_version: Mapped[int] = mapped_column(default=1)

    parent: Mapped[Area | None] = relationship(remote_side=[id])
    profiles: Mapped[list[AreaProfile]] = relationship(order_by="AreaProfile.year.desc()")

    __mapper_args__ = {"version_id_col": row_version}

    @hybrid_property
    def is_community(self) -> bool:
        """Whether records belong to this area (the tenant)."""
        return self.kind == AreaKind.COMMUNITY

    @property
    def label(self) -> str:
        """Its name."""
        return self.name

    @property
    def depth(self) -> int:
        """0 for the root."""
        return self.path.count("/") - 2

    def contains(self, other: Area) -> bool:
        """Whether `other` is this area or below it."""
        return other.path.startswith(self.path)

    @property
    def ancestor_ids(self) -> list[int]:
        """From the root to itself."""
        return [int(part) for part in self.path.split("/") if part]


class AreaProfile(db.Model):  # type: ignore[name-defined]
    """The figures that a community declares for a year (stations.md: 9 小区, 89 栋, 1549 户, 4318 人)."""

    __tablename__ = "area_profile"
    __table_args__ = (sa.UniqueConstraint("area_id", "year"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    area_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("area.id"))
    year: Mapped[int]
    compounds: Mapped[int | None] = mapped_column(info={"label": _l("Compounds")})
    buildings: Mapped[int | None] = mapped_column(info={"label": _l("Buildings")})
    households: Mapped[int | None] = mapped_column(info={"label": _l("Households")})
    residents: Mapped[int | None] = mapped_column(info={"label": _l("Number of residents")})
    volunteers: Mapped[int | None] = mapped_column(info={"label": _l("Volunteers")})
    teams: Mapped[int | None] = mapped_column(info={"label": _l("Teams")})
    party_branches: Mapped[int | None] = mapped_column(info={"label": _l("Party branches")})
    area_km2: Mapped[Decimal | None] = mapped_column(sa.Numeric(8, 2), info={"label": _l("Area (km²)")})
    founded: Mapped[int | None] = mapped_column(info={"label": _l("Founded (year)")})
    note: Mapped[str | None] = mapped_column(sa.String(200), info={"label": _l("Note")})


class PluginSwitch(db.Model):  # type: ignore[name-defined]
    """A time during which a plugin is on in a community; the dates are kept as denominators of reports."""

    __tablename__ = "plugin_switch"
    __table_args__ = (
        sa.Index(None, "community_id", "plugin", unique=True, sqlite_where=sa.text("off_on IS NULL"),
                 postgresql_where=sa.text("off_on IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    community_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("area.id"))
    plugin: Mapped[str] = mapped_column(sa.String(40))
    on_from: Mapped[date]
    off_on: Mapped[date | None]
    switched_by: Mapped[str] = mapped_column(sa.String(60))


class Policy(Choice):
    """What an area above decides about a plugin."""

    REQUIRED = "required", _l("Must be on")
    ALLOWED = "allowed", _l("May be on")
    FORBIDDEN = "forbidden", _l("Must be off")


class PluginPolicy(db.Model):  # type: ignore[name-defined]
    """The policy of an area for the communities below; the nearest one above holds, else allowed."""

    __tablename__ = "plugin_policy"
    __table_args__ = (sa.UniqueConstraint("area_id", "plugin"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    area_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("area.id"))
    plugin: Mapped[str] = mapped_column(sa.String(40))
    policy: Mapped[Policy] = mapped_column(choice_column(Policy))


class PluginSettings(db.Model):  # type: ignore[name-defined]
    """The settings of a plugin in a community, as its form checked them."""

    __tablename__ = "plugin_settings"
    __table_args__ = (sa.UniqueConstraint("community_id", "plugin"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    community_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("area.id"))
    plugin: Mapped[str] = mapped_column(sa.String(40))
    values: Mapped[dict] = mapped_column(sa.JSON, default=dict)


class Installation(db.Model):  # type: ignore[name-defined]
    """The one row that says whose keys this database needs, and whether it is a demonstration."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True)
    key_fingerprint: Mapped[str] = mapped_column(sa.String(64))
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Moment)
