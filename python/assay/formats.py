"""Number formats: rounding, neighbours, distances in ULPs, and scores that change sides by being rounded.

    >>> assay.formats.float16.round(0.1)
    0.0999755859375
    >>> assay.formats.float16.rounding_interval(0.5).becomes_positive
    Interval(low=0.4998779296875, high=0.5, low_included=True, high_included=False)

Meanings: docs/semantics.md, section 1. Every value of every format here is a float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from assay import _assay


@dataclass(frozen=True)
class Interval:
    """Real numbers between two ends."""

    low: float
    high: float
    low_included: bool
    high_included: bool

    def __contains__(self, value: float) -> bool:
        above = value > self.low or (self.low_included and value == self.low)
        below = value < self.high or (self.high_included and value == self.high)
        return above and below

    def __str__(self) -> str:
        return f"{'[' if self.low_included else '('}{self.low}, {self.high}{']' if self.high_included else ')'}"


@dataclass(frozen=True)
class ThresholdIntervals:
    """Scores whose decision at a threshold changes when they are rounded; at most one of the two is not None."""

    becomes_positive: Interval | None
    becomes_negative: Interval | None


def _interval(found: _assay.Interval) -> Interval | None:
    return None if found.empty else Interval(found.low, found.high, found.low_included, found.high_included)


class Format:
    """A binary floating-point format."""

    def __init__(self, handle: _assay.Format) -> None:
        self._handle = handle

    @property
    def name(self) -> str:
        """As ONNX calls it, in lower case."""
        return self._handle.name

    @property
    def exponent_bits(self) -> int:
        """Bits of the exponent."""
        return self._handle.exponent_bits

    @property
    def significand_bits(self) -> int:
        """Stored bits of the significand, without the hidden one."""
        return self._handle.significand_bits

    @property
    def max(self) -> float:
        """The largest finite value."""
        return self._handle.max_finite

    @property
    def smallest_normal(self) -> float:
        """The smallest positive normal value."""
        return self._handle.min_normal

    @property
    def smallest_subnormal(self) -> float:
        """The smallest positive value."""
        return self._handle.min_subnormal

    def round(
        self,
        values: Any,
        *,
        mode: str = "nearest_even",
        flush_subnormals: bool = False,
        overflow: str = "infinity",
        limit: float = 0,
    ) -> Any:
        """`values` rounded once to this format.

        A number gives a number; an array one of the same shape, float32 if it was float32 or narrower, else float64.
        mode: nearest_even, nearest_away, toward_zero or to_odd. overflow: infinity, or clamp (to the largest finite
        value). limit: magnitudes that round to this or more overflow (0: the format's own).
        """
        array = np.asarray(values)
        if array.dtype.kind in "cOmM" or array.dtype.itemsize > np.dtype(np.float64).itemsize:
            raise TypeError(f"real numbers of at most 64 bits are rounded, not {array.dtype}")
        narrow = array.dtype.itemsize <= np.dtype(np.float32).itemsize and array.dtype.kind not in "iub"
        options = _options(mode, flush_subnormals, overflow, limit)
        rounded: Any
        if narrow:
            rounded = np.array(array, dtype=np.float32, order="C", ndmin=1)
            self._handle.round_float32(rounded, options)
        else:
            rounded = np.array(array, dtype=np.float64, order="C", ndmin=1)
            self._handle.round_float64(rounded, options)
        number = array.ndim == 0 and not isinstance(values, np.ndarray)
        return float(rounded[0]) if number else rounded.reshape(array.shape)

    def is_exact(self, values: Any) -> Any:
        """Whether values survive the round trip through this format: a bool, or an array of them."""
        rounded = self.round(values)
        same = (np.asarray(rounded) == np.asarray(values)) | np.isnan(np.asarray(values, dtype=np.float64))
        return bool(same) if same.ndim == 0 else same

    def next_up(self, value: float) -> float:
        """The next larger value of this format."""
        return self._handle.next_up(value)

    def next_down(self, value: float) -> float:
        """The next smaller value of this format."""
        return self._handle.next_down(value)

    def ulp(self, value: float) -> float:
        """Spacing of this format's values at |value|; 0 for NaN and infinities."""
        return self._handle.ulp(value)

    def ulp_distance(self, a: float, b: float) -> int:
        """Steps between two values of this format; 2**64 - 1 between a NaN and a number.

        Raises AssayError A309 for numbers that are none of its values.
        """
        return self._handle.ulp_distance(a, b)

    def rounding_interval(
        self,
        threshold: float,
        *,
        strict: bool = False,
        mode: str = "nearest_even",
        flush_subnormals: bool = False,
        overflow: str = "infinity",
        limit: float = 0,
    ) -> ThresholdIntervals:
        """The scores whose decision `score >= threshold` (`>` if strict) changes by rounding to this format."""
        found = self._handle.rounding_interval(threshold, strict, _options(mode, flush_subnormals, overflow, limit))
        return ThresholdIntervals(_interval(found.becomes_positive), _interval(found.becomes_negative))

    def encode(self, value: float) -> int:
        """The bit pattern of a value of this format. Raises AssayError A309 for numbers that are none."""
        return self._handle.encode(value)

    def decode(self, bits: int) -> float:
        """The value of a bit pattern."""
        return self._handle.decode(bits)

    def __repr__(self) -> str:
        return f"assay.formats.{self.name}"


def _options(mode: str, flush_subnormals: bool, overflow: str, limit: float) -> _assay.RoundingOptions:
    options = _assay.RoundingOptions()
    options.mode, options.flush_subnormals, options.overflow, options.limit = mode, flush_subnormals, overflow, limit
    return options


def ieee_like(exponent_bits: int, significand_bits: int) -> Format:
    """A format with infinities, NaNs and subnormals of 2 to 11 exponent and 1 to 52 stored significand bits."""
    return Format(_assay.Format.ieee_like(exponent_bits, significand_bits))


def named(name: str) -> Format:
    """A format by its name. Raises UsageError A001 for other names."""
    return Format(_assay.Format.named(name))


float64 = named("float64")
float32 = named("float32")
tf32 = named("tf32")
bfloat16 = named("bfloat16")
float16 = named("float16")
float8e4m3fn = named("float8e4m3fn")
float8e4m3fnuz = named("float8e4m3fnuz")
float8e5m2 = named("float8e5m2")
float8e5m2fnuz = named("float8e5m2fnuz")
float8e8m0 = named("float8e8m0")
float4e2m1 = named("float4e2m1")
