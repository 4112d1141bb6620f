"""What every result has, and how JSON becomes one."""

from __future__ import annotations

import dataclasses
import html
import json
import types
import typing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Union

from assay import _assay
from assay._errors import AssayMessage, warnings_in

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import Self

_NOT_FINITE = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


def build(hint: Any, value: Any) -> Any:
    """A JSON value as a type of this module: dataclasses by their fields, keys that they do not know left out."""
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        options = [option for option in typing.get_args(hint) if option is not type(None)]
        return None if value is None else build(options[0], value) if len(options) == 1 else value
    if origin is list:
        (item,) = typing.get_args(hint)
        return [build(item, part) for part in value]
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        known = [f.name for f in dataclasses.fields(hint) if f.name in value]
        return typing.cast(Any, hint)(**{name: build(hints[name], value[name]) for name in known})
    if hint is float:
        return _NOT_FINITE[value] if isinstance(value, str) else float(value)
    return value


def table(columns: list[str], rows: list[list[Any]]) -> str:
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def frame(rows: list[Any]) -> pd.DataFrame:
    """Dataclasses as rows."""
    import pandas as pd  # noqa: PLC0415  # an optional package

    return pd.DataFrame([dataclasses.asdict(row) for row in rows])


@dataclass(kw_only=True)
class Result:
    """What every result has.

    Attributes: `text`, the result for people, as the command prints it; `warnings`; `passed`, whether all checks held.
    """

    text: str = field(default="", repr=False)
    warnings: list[AssayMessage] = field(default_factory=list, repr=False)
    passed: bool = True
    _json: str = field(default="null", repr=False)
    _asked: str = field(default="", repr=False, compare=False)  # the envelope's `meta.asked`: how it was asked for

    @classmethod
    def from_report(cls, report: _assay.Report) -> Self:
        """From the extension module's report."""
        result: Self = build(cls, cls._keys(json.loads(report.json)))
        result.text, result.passed, result._json = report.text, report.passed, report.json
        result.warnings = warnings_in(report.warnings)
        result._asked = dict(report.meta).get("asked", "")
        return result

    @classmethod
    def _keys(cls, value: Any) -> Any:
        """The command's JSON as an object whose keys are the fields."""
        return value

    def to_json(self) -> str:
        """The command's `result`: the same bytes for the same question."""
        return self._json

    def _envelope(self) -> str:
        """The result as the command's `--json` holds it, with model, data and command where they are known."""
        if not self._asked:
            return self._json
        return f'{{"schema":1,"result":{self._json},"meta":{{"asked":{self._asked}}}}}'

    def to_html(self) -> str:
        """As HTML: a part of a page."""
        return self._repr_html_()

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.text)}</pre>"

    def __str__(self) -> str:
        return self.text
