"""Errors and warnings with stable codes, as the library gives them (docs/codes.md)."""

from __future__ import annotations

import sys
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


class AssayMessage(UserWarning):
    """A warning or a note, with a code. Attributes as those of `AssayError`."""

    def __init__(self, code: str, message: str, where: str = "", fix: str = "") -> None:
        super().__init__(code, message, where, fix)
        self.code, self.message, self.where, self.fix = code, message, where, fix

    def __str__(self) -> str:
        return (
            f"{self.code}: {self.message}"
            + (f" [{self.where}]" if self.where else "")
            + (f"; {self.fix}" if self.fix else "")
        )


class AssayWarning(AssayMessage):
    """A setting lowers the precision (A201), a match was by order: what --strict fails for."""


class AssayNote(AssayMessage):
    """What is so, and no fault: a provider is emulated (A205), a default does not come along."""


def error_of(code: str, message: str, where: str, fix: str, ends_with: int) -> AssayError:
    """Called by the extension module."""
    return (UsageError if ends_with == _WORDS else AssayError)(code, message, where, fix)


def warning_of(code: str, message: str, where: str, fix: str, note: bool) -> AssayMessage:
    """Called by the extension module."""
    return (AssayNote if note else AssayWarning)(code, message, where, fix)


def warnings_in(found: Iterable[object]) -> list[AssayMessage]:
    """Warnings and notes that the extension module made."""
    return [message for message in found if isinstance(message, AssayMessage)]


def announce(found: Iterable[object]) -> None:
    """Gives warnings to Python's `warnings`, as coming from the first caller outside of this package."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).split(".")[0] == "assay":
        frame, level = frame.f_back, level + 1
    for message in warnings_in(found):
        warnings.warn(message, stacklevel=level)
