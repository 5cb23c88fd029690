"""Everything that a plugin may import; the core itself never imports this module."""
from __future__ import annotations

from sqlalchemy.orm import foreign, relationship, remote

from core.admin.gate import visit
from core.admin.listing import BulkAction, PageLink, RowAction, Tool
from core.admin.page import ABOVE, COMMUNITY, Page
from core.admin.query import SpecialFilter
from core.admin.saving import create_once, void
from core.admin.screen import Screen
from core.areas.models import Area
from core.areas.service import save_settings, settings_of
from core.areas.tenancy import Deletable, TenantModel, Voidable, tenant_index, tenant_reference, tenant_unique
from core.clock import beijing, now, today
from core.declarations import Entry, Metric, PluginInfo, Sheet, Todo
from core.encryption import EncryptedText
from core.errors import ConfirmationNeeded, ValidationError
from core.extensions import Choice, Moment, Money, choice_column, db
from core.hookspecs import hookimpl
from core.residents.models import LifeState, Resident, ResidentPhone, ResidentTag, TagKind

__all__ = [
    "ABOVE", "Area", "BulkAction", "COMMUNITY", "Choice", "ConfirmationNeeded", "Deletable", "EncryptedText", "Entry",
    "LifeState", "Metric", "Moment", "Money", "Page", "PageLink", "PluginInfo", "Resident", "ResidentPhone",
    "ResidentTag", "RowAction", "Screen", "Sheet", "SpecialFilter", "TagKind", "TenantModel", "Todo", "Tool",
    "ValidationError", "Voidable", "beijing", "choice_column", "create_once", "db", "foreign", "hookimpl", "now",
    "relationship", "remote", "save_settings", "settings_of", "tenant_index", "tenant_reference", "tenant_unique",
    "today", "visit", "void",
]
