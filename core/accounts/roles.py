"""The built-in roles as one table: role × what × {own area, below}; docs/roles.md is tested against it."""
from __future__ import annotations

from dataclasses import dataclass

from flask_babel import lazy_gettext as _l

from core.extensions import Choice


class Action(Choice):
    """What a permission lets one do; the last part of its name."""

    VIEW = "view", _l("View")
    REVEAL = "reveal", _l("Reveal")
    CREATE = "create", _l("Create")
    EDIT = "edit", _l("Edit")
    VOID = "void", _l("Void or delete")
    EXPORT = "export", _l("Export")
    IMPORT = "import", _l("Import")
    APPROVE = "approve", _l("Approve")
    SETTINGS = "settings", _l("Settings")
    USERS = "users", _l("Accounts")


WRITING = frozenset({Action.CREATE, Action.EDIT, Action.VOID, Action.IMPORT})
RECORDS = frozenset({Action.VIEW, Action.REVEAL, Action.EXPORT}) | WRITING
OFFICE = frozenset({Action.SETTINGS, Action.USERS})
OVERSIGHT = frozenset({Action.VIEW, Action.EXPORT, Action.APPROVE})  # who approves never writes what is approved


@dataclass(frozen=True)
class Rights:
    """What a built-in role may do at the area of the membership, and in the areas below it."""

    own: frozenset[Action]
    below: frozenset[Action]


SYSTEM, STREET, MANAGER, STAFF, AUDITOR = "system", "street", "manager", "staff", "auditor"

# Without REVEAL names are shown masked (王**): the street and the auditor see figures, not people.
BUILT_IN: dict[str, tuple[object, Rights]] = {
    SYSTEM: (_l("System administrator"), Rights(OFFICE, OFFICE)),
    STREET: (
        _l("Street administrator"),
        Rights(OFFICE | OVERSIGHT, OFFICE | OVERSIGHT),
    ),
    MANAGER: (_l("Community manager"), Rights(RECORDS | OFFICE, RECORDS | OFFICE)),
    STAFF: (_l("Staff"), Rights(RECORDS, RECORDS)),
    AUDITOR: (_l("Read-only auditor"), Rights(frozenset({Action.VIEW}), frozenset({Action.VIEW}))),
}

# The office's own pages (areas, accounts, logs …) are seen by these, not by everybody who sees records.
OFFICE_MODULE = "manage"
OVERSEERS = frozenset({STREET, MANAGER, AUDITOR})

# Who may hand out which built-in role; own roles are handed out by those who may make them.
GRANTS: dict[str, frozenset[str]] = {
    SYSTEM: frozenset(BUILT_IN),
    STREET: frozenset({MANAGER, STAFF, AUDITOR}),
    MANAGER: frozenset({STAFF}),
}


@dataclass(frozen=True)
class Permission:
    """Something that can be granted: `<plugin>.<screen>.<action>`, with the screen's title."""

    name: str
    title: object

    @property
    def action(self) -> Action:
        """The action at the end of the name."""
        return Action(self.name.rsplit(".", 1)[1])
