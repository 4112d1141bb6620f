"""Profiles, operators, codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay._results.base import Result, frame, table

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class ProfileSummary:
    """A profile in one line."""

    name: str
    doc: str
    storage: str
    variants: list[str]


@dataclass
class ProfilesResult(Result):
    """The profiles there are."""

    profiles: list[ProfileSummary]

    @classmethod
    def _keys(cls, value: Any) -> Any:
        return {"profiles": value}

    def _repr_html_(self) -> str:
        return table(["profile", "storage", ""], [[p.name, p.storage, p.doc] for p in self.profiles])

    def to_pandas(self) -> pd.DataFrame:
        """A row for each profile."""
        return frame(self.profiles)


@dataclass
class ProfileVariant:
    """One way in which a device may compute: statements with their evidence."""

    name: str
    doc: str
    storage: str
    statements: list[dict[str, Any]]


@dataclass
class ProfileResult(Result):
    """What is known of a device, from where, and how sure."""

    name: str
    doc: str
    storage: str
    variants: list[ProfileVariant]
    not_modelled: list[dict[str, Any]]


@dataclass
class TableResult(Result):
    """Rows as the command's JSON has them: operators, codes."""

    rows: list[dict[str, Any]]

    @classmethod
    def _keys(cls, value: Any) -> Any:
        return {"rows": value if isinstance(value, list) else [value]}

    def to_pandas(self) -> pd.DataFrame:
        """A row for each."""
        import pandas as pd  # noqa: PLC0415  # an optional package

        return pd.DataFrame(self.rows)
