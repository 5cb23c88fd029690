"""The errors that services raise; their message is a sentence for the person at the screen."""


class JinlinError(Exception):
    """Something the person at the screen can act on; `message` says what to do (may be lazy)."""

    def __init__(self, message: object = "") -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


class ValidationError(JinlinError):
    """A value is refused. `field` names the form field or sheet column, where there is one."""

    def __init__(self, message: object, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class ConfirmationNeeded(JinlinError):
    """Allowed, but unusual: ask the person, then call again with the answer (`question` is its key)."""

    def __init__(self, message: object, question: str) -> None:
        super().__init__(message)
        self.question = question


class ScopeError(Exception):
    """A statement would leave its community: a fault in the program, never shown in detail."""


class SetupError(JinlinError):
    """The server cannot start or a command cannot run; the message says why and what to do."""
