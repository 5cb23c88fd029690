"""Imports: the uploaded file, what it would do, and what it did. File and rows are kept encrypted, and not for long."""
from __future__ import annotations

import json
import zlib
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, deferred, mapped_column

from core.areas.tenancy import TenantModel, tenant_index
from core.encryption import ring_of_app
from core.extensions import Choice, Moment, choice_column

FILE, PLAN = "import_batch.file", "import_batch.plan"


class BatchState(Choice):
    """How far an import is."""

    PREVIEW = "preview", _l("To be checked")
    DONE = "done", _l("Import finished")
    REFUSED = "refused", _l("Nothing imported")
    DISCARDED = "discarded", _l("Discarded")


class ImportBatch(TenantModel):
    """One uploaded file: its preview, and once it is decided, its result. `counts` are numbers of rows."""

    __tablename__ = "import_batch"
    __table_args__ = (tenant_index("uploaded_at"),)

    sheet: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Sheet")})
    filename: Mapped[str] = mapped_column(sa.String(120), info={"label": _l("File")})
    state: Mapped[BatchState] = mapped_column(choice_column(BatchState), info={"label": _l("State")})
    counts: Mapped[dict[str, int]] = mapped_column(sa.JSON, default=dict, info={"label": _l("Rows")})
    uploaded_by: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Uploaded by")})
    uploaded_at: Mapped[datetime] = mapped_column(Moment, info={"label": _l("Uploaded at")})
    decided_at: Mapped[datetime | None] = mapped_column(Moment, info={"label": _l("Decided at")})
    fetched_at: Mapped[datetime | None] = mapped_column(Moment, info={"label": _l("Fetched at")})
    sealed_file: Mapped[bytes | None] = deferred(mapped_column(sa.LargeBinary, info={"private": "text"}))
    sealed_plan: Mapped[bytes | None] = deferred(mapped_column(sa.LargeBinary, info={"private": "text"}))

    @property
    def label(self) -> str:
        """The file's name."""
        return self.filename

    @property
    def file(self) -> bytes | None:
        """The uploaded file, None once it is removed."""
        return None if self.sealed_file is None else ring_of_app().decrypt_bytes(self.sealed_file, FILE)

    @file.setter
    def file(self, content: bytes | None) -> None:
        self.sealed_file = None if content is None else ring_of_app().encrypt_bytes(content, FILE)

    @property
    def plan(self) -> dict[str, Any]:
        """What the pages of this import show, as `core.exchange.batches` wrote it."""
        if self.sealed_plan is None:
            return {}
        return json.loads(zlib.decompress(ring_of_app().decrypt_bytes(self.sealed_plan, PLAN)))

    @plan.setter
    def plan(self, content: dict[str, Any] | None) -> None:
        packed = None if content is None else zlib.compress(json.dumps(content, ensure_ascii=False).encode())
        self.sealed_plan = None if packed is None else ring_of_app().encrypt_bytes(packed, PLAN)
