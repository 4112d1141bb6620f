"""Arithmetic as docs/semantics.md states it: every step exact, then rounded once to a format, by code of this file.

A Number is an array with a lower and an upper bound. The two are one but behind elementary functions, whose error has a
stated bound: there the steps that follow are done on both. Bounds are float64s, which hold the values of all formats.

Exactness: products of numbers of at most 26 bits are exact in float64; sums are made exact by their error term and
rounded to odd, so that the rounding to a format of at most 51 bits that follows is that of the exact sum. Quotients and
square roots of numbers of at most 24 bits cannot lie so near to the middle between two numbers of 25 bits (or fewer)
that float64 confuses the sides, unless they lie there exactly.
"""
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np


@dataclass(frozen=True)
class Format:
    name: str
    digits: int  # of the significand, the hidden one counted
    least: int  # exponent of the smallest subnormal
    largest: float


FLOAT32 = Format("float32", 24, -149, float(np.finfo(np.float32).max))
FORMATS = {"float32": FLOAT32, "float16": Format("float16", 11, -24, 65504.0),
           "bfloat16": Format("bfloat16", 8, -133, float(2.0**127 * (2 - 2.0**-7)))}


def quantum(x, fmt):
    """Exponent of the format's unit in the last place at each element."""
    return np.maximum(np.frexp(x)[1] - fmt.digits, fmt.least)


def rounded(x, fmt):
    """To nearest, ties to even, subnormals kept, overflow to infinity."""
    exponent = quantum(x, fmt)
    y = np.ldexp(np.rint(np.ldexp(x, -exponent)), exponent)
    return np.where(np.abs(y) > fmt.largest, np.copysign(np.inf, y), y)


def rounded_fraction(x, fmt):
    """The same of one Fraction, in integers: what the test of `rounded` and of the steps compares with."""
    if x == 0:
        return 0.0
    exponent = max(math.frexp(abs(x))[1] if abs(x) < 2**1000 else 1001, -2000) - fmt.digits
    while abs(x) >= Fraction(2)**(exponent + fmt.digits):
        exponent += 1
    while abs(x) < Fraction(2)**(exponent + fmt.digits - 1):
        exponent -= 1
    exponent = max(exponent, fmt.least)
    y = round(x / Fraction(2)**exponent) * Fraction(2)**exponent
    return float(y) if abs(y) <= fmt.largest else math.copysign(math.inf, y)


def sum_to_odd(a, b):
    """a + b: where float64 cannot hold it, the neighbour whose last bit is odd."""
    s = a + b
    back = s - a
    error = (a - (s - back)) + (b - back)
    even = (s.view(np.int64) & 1) == 0
    away = np.isfinite(s) & (error != 0) & even
    return np.where(away, np.nextafter(s, np.copysign(np.inf, error)), s)


def of(value):
    """A float64 array of at least one dimension, whatever was given (settings are float32)."""
    if isinstance(value, (int, float)):
        value = np.float32(value) if isinstance(value, float) else value
    return np.asarray(value).astype(np.float64)


class Number:
    """Elements of a program between two bounds, under an Arithmetic."""

    __array_ufunc__ = None  # arrays on the left give way to the methods below

    def __init__(self, m, lo, hi=None):
        self.m, self.lo = m, np.asarray(lo, np.float64)
        self.hi = self.lo if hi is None else np.asarray(hi, np.float64)

    @property
    def sharp(self):
        return self.hi is self.lo

    @property
    def shape(self):
        return self.lo.shape

    def each(self, f):
        """f of the bounds: what moves or selects, and functions that do not fall."""
        lo = f(self.lo)
        return Number(self.m, lo, lo if self.sharp else f(self.hi))

    def __getitem__(self, key):
        return self.each(lambda a: a[key])

    def reshape(self, *shape):
        return self.each(lambda a: a.reshape(*shape))

    def moveaxis(self, source, to):
        return self.each(lambda a: np.moveaxis(a, source, to))

    def transpose(self, *axes):
        return self.each(lambda a: a.transpose(*axes))

    def __add__(self, other):
        return self.m.add(self, other)

    def __radd__(self, other):
        return self.m.add(other, self)

    def __sub__(self, other):
        return self.m.add(self, -self.m.number(other))

    def __rsub__(self, other):
        return self.m.add(other, -self)

    def __mul__(self, other):
        return self.m.mul(self, other)

    __rmul__ = __mul__

    def __truediv__(self, other):
        return self.m.div(self, other)

    def __rtruediv__(self, other):
        return self.m.div(other, self)

    def __neg__(self):
        return Number(self.m, -self.lo) if self.sharp else Number(self.m, -self.hi, -self.lo)

    def __abs__(self):
        if self.sharp:
            return Number(self.m, np.abs(self.lo))
        low, high = np.abs(self.lo), np.abs(self.hi)
        inside = (self.lo <= 0) & (self.hi >= 0)
        return Number(self.m, np.where(inside, 0.0, np.minimum(low, high)), np.maximum(low, high))


def final(lo, hi=None):
    """A result that is not rounded to the storage type any more."""
    return Number(None, lo, hi)


class Arithmetic:
    """Steps under one policy: rounded to `step`; elementary functions right (`exact`), or within one ULP of float32."""

    def __init__(self, step, storage, exact, declared=False):
        self.step, self.storage, self.exact, self.declared = FORMATS[step], FORMATS[storage], exact, declared

    def number(self, value):
        return value if isinstance(value, Number) else Number(self, of(value))

    def round(self, lo, hi=None):
        """One step: bounds as float64 computed them (to odd), rounded."""
        with np.errstate(all="ignore"):
            low = rounded(lo, self.step)
            return Number(self, low, low if hi is None else rounded(hi, self.step))

    def stored(self, value):
        """As memory holds it: inputs, weights and results."""
        value = self.number(value)
        with np.errstate(all="ignore"):
            return value.each(lambda a: rounded(a, self.storage))

    def single(self, value):
        """A result that is float32 whatever type the operands are declared as."""
        return final(rounded(value.lo, FLOAT32), rounded(value.hi, FLOAT32)) if self.declared else value

    def precise(self, quotient):
        """A quotient of a scale, in the scale's type."""
        return self.stored(quotient) if self.declared else quotient

    def add(self, a, b):
        a, b = self.number(a), self.number(b)
        with np.errstate(all="ignore"):
            lo = sum_to_odd(*np.broadcast_arrays(a.lo, b.lo))
            return self.round(lo, None if a.sharp and b.sharp else sum_to_odd(*np.broadcast_arrays(a.hi, b.hi)))

    def corners(self, a, b, operation):
        """The least and the largest of an operation that is monotone in each operand; unrounded."""
        with np.errstate(all="ignore"):
            if a.sharp and b.sharp:
                return operation(a.lo, b.lo), None
            every = [operation(p, q) for p in (a.lo, a.hi) for q in (b.lo, b.hi)]
            low, high = every[0], every[0]
            for corner in every[1:]:
                low, high = np.minimum(low, corner), np.maximum(high, corner)
            return low, high

    def mul(self, a, b):
        return self.round(*self.corners(self.number(a), self.number(b), np.multiply))

    def div(self, a, b):
        return self.round(*self.corners(self.number(a), self.number(b), np.divide))

    def fma(self, a, b, c):
        """a * b + c, rounded once."""
        c = self.number(c)
        low, high = self.corners(self.number(a), self.number(b), np.multiply)
        with np.errstate(all="ignore"):
            if high is None and c.sharp:
                return self.round(sum_to_odd(*np.broadcast_arrays(low, c.lo)))
            high = low if high is None else high
            return self.round(sum_to_odd(*np.broadcast_arrays(low, c.lo)), sum_to_odd(*np.broadcast_arrays(high, c.hi)))

    def sqrt(self, a):
        with np.errstate(all="ignore"):
            return self.round(np.sqrt(a.lo), None if a.sharp else np.sqrt(a.hi))

    def function(self, f, *operands):
        """An elementary function that does not fall (or of sharp operands): `f` on float64s is its true value."""
        with np.errstate(all="ignore"):
            low = f(*(a.lo for a in operands))
            high = low if all(a.sharp for a in operands) else f(*(a.hi for a in operands))
            if self.exact:
                return self.round(low, high)
            limit = np.isinf(operands[0].lo) & np.isin(low, (-1.0, 1.0))  # of erf and tanh
            sure = ~np.isfinite(low) | (low == 0) & (high == 0) | limit
            ulp = np.ldexp(1.0, quantum(np.maximum(np.abs(low), np.abs(high)), FLOAT32))
            below, above = low - ulp, high + ulp  # on the true value's side of 0
            below = np.where(low > 0, np.maximum(below, 0.0), below)
            above = np.where(high < 0, np.minimum(above, -0.0), above)
            return self.round(np.where(sure, low, below), np.where(sure, high, above))

    def where(self, condition, a, b):
        a, b = self.number(a), self.number(b)
        lo = np.where(condition, a.lo, b.lo)
        return Number(self, lo, lo if a.sharp and b.sharp else np.where(condition, a.hi, b.hi))

    def maximum(self, a, b):
        return self._choice(a, b, np.maximum, lambda p, q: ~(np.signbit(p) & np.signbit(q)))

    def minimum(self, a, b):
        return self._choice(a, b, np.minimum, lambda p, q: ~(np.signbit(p) | np.signbit(q)))

    def _choice(self, a, b, choose, positive):
        """IEEE 754-2019's maximum or minimum: NaN wins, and +0 > -0."""
        a, b = self.number(a), self.number(b)

        def of_bounds(p, q):
            zeros = (p == 0) & (q == 0)
            return np.where(zeros, np.where(positive(p, q), 0.0, -0.0), choose(p, q))
        lo = of_bounds(a.lo, b.lo)
        return Number(self, lo, lo if a.sharp and b.sharp else of_bounds(a.hi, b.hi))

    def stack(self, numbers, axis=0):
        numbers = [self.number(n) for n in numbers]
        lo = np.stack([n.lo for n in numbers], axis)
        return Number(self, lo, lo if all(n.sharp for n in numbers) else np.stack([n.hi for n in numbers], axis))

    def concat(self, numbers, axis=0):
        numbers = [self.number(n) for n in numbers]
        lo = np.concatenate([n.lo for n in numbers], axis)
        sharp = all(n.sharp for n in numbers)
        return Number(self, lo, lo if sharp else np.concatenate([n.hi for n in numbers], axis))

    def zeros(self, shape):
        return Number(self, np.zeros(shape))

    # ---- Sums

    def ascending(self, terms, squares=False):
        """Along the first axis, from +0."""
        total = self.zeros(terms.shape[1:])
        for i in range(terms.shape[0]):
            total = self.fma(terms[i], terms[i], total) if squares else total + terms[i]
        return total

    def lanes(self, terms, squares=False):
        """Along the last axis: 16 lanes, then halves."""
        count = -terms.shape[-1] % 16
        padded = terms.each(lambda a: np.concatenate([a, np.zeros((*a.shape[:-1], count))], -1))
        lanes = padded.each(lambda a: np.moveaxis(a.reshape(*a.shape[:-1], -1, 16), -2, 0))
        total = self.ascending(lanes, squares)
        for half in (8, 4, 2, 1):
            total = total[..., :half] + total[..., half:2 * half]
        return total[..., 0]

    def sum(self, x, axes, squares=False):
        """ReduceSum's order over the axes, which go away."""
        rank = len(x.shape)
        axes = sorted(a % rank for a in axes)
        kept = [a for a in range(rank) if a not in axes]
        flat = x.each(lambda a: a.transpose(*kept, *axes).reshape(*(a.shape[k] for k in kept), -1))
        if rank - 1 in axes:
            return self.lanes(flat, squares)
        return self.ascending(flat.moveaxis(-1, 0), squares)

    def dot(self, a, b):
        """a [..., m, k] times b [..., k, n]: acc = fma(a, b, acc), k ascending."""
        a, b = self.number(a), self.number(b)
        shape = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        total = self.zeros((*shape, a.shape[-2], b.shape[-1]))
        for k in range(a.shape[-1]):
            total = self.fma(a[..., :, k:k + 1], b[..., k:k + 1, :], total)
        return total

    def max(self, x, axis):
        """Of all elements along an axis: NaN if any is."""
        total = x.each(lambda a: np.full(np.delete(a.shape, axis), -np.inf))
        for i in range(x.shape[axis]):
            total = self.maximum(total, x.each(lambda a, i=i: np.take(a, i, axis)))
        return total
