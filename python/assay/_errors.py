"""Errors and warnings with stable codes, as the library gives them (docs/codes.md)."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

_WORDS = 2  # the exit code of errors in what the caller wrote


class AssayError(Exception):
    """What went wrong, where, and what to do.

    Attributes: `code` ("A101"; `assay.explain(code)` has the long form), `message`, `where` (file, byte offset, node or
    key; may be empty), `fix` (what to do; may be empty).
    """

    def __init__(self, code: str, message: str, where: str = "", fix: str = "") -> None:
        super().__init__(code, message, where, fix)
        self.code, self.message, self.where, self.fix = code, message, where, fix

    def __str__(self) -> str:
        lines = [f"{self.code}: {self.message}"]
        if self.where:
            lines.append(f"  at: {self.where}")
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(lines)


class UsageError(AssayError, ValueError):
    """What the caller wrote is wrong: the name of a profile, a rule, an option (A0xx)."""


class AssayWarning(UserWarning):
    """A warning with a code. Attributes as those of `AssayError`."""

    def __init__(self, code: str, message: str, where: str = "", fix: str = "") -> None:
        super().__init__(code, message, where, fix)
        self.code, self.message, self.where, self.fix = code, message, where, fix

    def __str__(self) -> str:
        return (
            f"{self.code}: {self.message}"
            + (f" [{self.where}]" if self.where else "")
            + (f"; {self.fix}" if self.fix else "")
        )


class AssayNote(AssayWarning):
    """What is so, and no fault: a provider is emulated (A205), a default does not come along."""


def error_of(code: str, message: str, where: str, fix: str, ends_with: int) -> AssayError:
    """Called by the extension module."""
    return (UsageError if ends_with == _WORDS else AssayError)(code, message, where, fix)


def warning_of(code: str, message: str, where: str, fix: str, note: bool) -> AssayWarning:
    """Called by the extension module."""
    return (AssayNote if note else AssayWarning)(code, message, where, fix)


def warnings_in(found: Iterable[object]) -> list[AssayWarning]:
    """Warnings that the extension module made."""
    return [warning for warning in found if isinstance(warning, AssayWarning)]


def announce(found: Iterable[object], stacklevel: int) -> None:
    """Gives warnings to Python's `warnings`, as coming from the caller of the caller."""
    for warning in warnings_in(found):
        warnings.warn(warning, stacklevel=stacklevel + 1)
