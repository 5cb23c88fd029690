"""Everything that a plugin may import; the core itself never imports this module."""
from __future__ import annotations

from sqlalchemy.orm import foreign, relationship, remote

from core.accounts.roles import Action
from core.admin.export_pages import download
from core.admin.form_pages import put_error
from core.admin.forms import AmountField, ReferenceField, ScreenForm, choices, two_places
from core.admin.gate import visit
from core.admin.listing import BulkAction, PageLink, RowAction, Tool
from core.admin.lookups import few
from core.admin.once import create_once, new_key
from core.admin.page import ABOVE, COMMUNITY, Page
from core.admin.query import DaysFilter, SpecialFilter
from core.admin.saving import Stale, clean_reason, commit, mark_void, save_changes, void
from core.admin.screen import Screen
from core.admin.values import NONE
from core.areas.models import Area
from core.areas.service import communities_with, save_settings, settings_by_community, settings_of
from core.areas.tenancy import Deletable, TenantModel, Voidable, tenant_index, tenant_reference, tenant_unique
from core.audit.models import Deed
from core.audit.trail import note_deed
from core.calendar.opening import is_open
from core.clock import BEIJING, beijing, now, today
from core.declarations import Dimension, Entry, Metric, PluginInfo, Sheet, Todo
from core.encryption import EncryptedText
from core.errors import ConfirmationNeeded, ValidationError
from core.exchange.cells import SheetColumn, parse_choice, parse_text
from core.exchange.roster import SAME_PERSON, ResidentRows, in_pieces, resident_columns
from core.exchange.writer import write_table, write_tables
from core.extensions import Choice, Moment, Money, choice_column, db
from core.hookspecs import hookimpl
from core.residents.masking import mask_name
from core.residents.models import LifeState, Resident, ResidentPhone, ResidentTag, TagKind
from core.residents.service import add_phones, check_resident, find_resident, set_name
from core.tasks.models import Outcome, Task, TaskState
from core.tasks.service import close_task, open_task

__all__ = [
    "ABOVE", "Action", "add_phones", "AmountField", "Area", "BEIJING", "beijing", "BulkAction", "check_resident",
    "Choice", "choice_column", "choices", "clean_reason", "close_task", "commit", "communities_with", "COMMUNITY",
    "ConfirmationNeeded", "create_once", "db",
    "DaysFilter", "Deed", "Deletable", "Dimension", "download", "EncryptedText", "Entry",
    "few", "find_resident", "foreign", "hookimpl", "in_pieces", "is_open", "LifeState", "mark_void", "mask_name",
    "Metric", "Moment", "Money", "new_key", "NONE", "note_deed", "now", "open_task", "Outcome", "Page", "PageLink",
    "parse_choice", "parse_text", "PluginInfo", "put_error", "ReferenceField", "relationship", "remote", "Resident",
    "resident_columns", "ResidentPhone", "ResidentRows", "ResidentTag", "RowAction", "SAME_PERSON", "save_changes",
    "save_settings", "Screen", "ScreenForm", "set_name", "settings_by_community", "settings_of", "Sheet",
    "SheetColumn", "SpecialFilter", "Stale", "TagKind", "Task", "TaskState", "tenant_index", "tenant_reference",
    "tenant_unique", "TenantModel", "today", "Todo", "Tool", "two_places", "ValidationError", "visit", "void",
    "Voidable", "write_table", "write_tables",
]
