"""Accumulators of devices, in Fractions: a product of matrices under a profile made for each (docs/semantics.md 2)."""
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from exact.numbers import FLOAT32, FORMATS, rounded_fraction

HALF, BRAIN = FORMATS["float16"], FORMATS["bfloat16"]


def exponent_of(x):
    """e with 2^e <= |x| < 2^(e + 1)."""
    e = math.frexp(float(x))[1] - 1
    return e + (abs(x) >= Fraction(2) ** (e + 1)) - (abs(x) < Fraction(2) ** e)


def toward(x, fmt, odd=False):
    """Toward zero; or to the neighbour with an odd last bit where that is not exact."""
    if x == 0:
        return Fraction(0)
    unit = Fraction(2) ** max(exponent_of(x) - fmt.digits + 1, fmt.least)
    whole = abs(x) // unit
    if odd and whole * unit != abs(x) and whole % 2 == 0:
        whole += 1
    return (whole if x > 0 else -whole) * unit


def nearest(x, fmt):
    return Fraction(rounded_fraction(x, fmt))


def once(fmt):
    return lambda x: nearest(x, fmt)


def chain(step, product=None):
    def dot(terms):
        total = Fraction(0)
        for a, b in terms:
            total = step(total + (product(a * b) if product else a * b))
        return total
    return dot


def lanes(count, step):
    def dot(terms):
        sums = [chain(step)(terms[i::count]) for i in range(count)]
        while len(sums) > 1:
            half = len(sums) // 2
            sums = [step(sums[i] + sums[i + half]) for i in range(half)]
        return sums[0]
    return dot


def exact(terms):
    return nearest(sum(a * b for a, b in terms), FLOAT32)


def split(count, block, dot_of_block, start=Fraction(0)):
    """Parts of whole blocks; the results of all but the first are added in float32."""
    def dot(terms):
        part = -(-len(terms) // count)
        part = -(-part // block) * block
        totals = []
        for begin in range(0, len(terms), part):
            total = start
            for at in range(begin, min(begin + part, len(terms)), block):
                total = dot_of_block(terms[at:min(at + block, begin + part)], total)
            totals.append(total)
        result = totals[0]
        for total in totals[1:]:
            result = nearest(result + total, FLOAT32)
        return result
    return dot


def cut(x, unit):
    """Toward zero, to a multiple."""
    whole = abs(x) // unit
    return (whole if x > 0 else -whole) * unit


def factor_exponent(x, fmt):
    return -126 if x == 0 else max(exponent_of(x), fmt.least + fmt.digits - 1)


def aligned(block, bits, result, factors, parts=1):
    def of_block(terms, total):
        rows = [(a * b, factor_exponent(a, factors) + factor_exponent(b, factors)) for a, b in terms]
        rows.append((total, factor_exponent(total, FLOAT32)))
        unit = Fraction(2) ** (max(e for _, e in rows) - bits)
        return result(sum(cut(x, unit) for x, _ in rows))
    return split(parts, block, of_block)


def apart(terms, total):
    """CDNA3: 4 products alone to 24 bits; then their sum to 31 bits and the accumulator to 24, both downwards."""
    rows = [(a * b, factor_exponent(a, HALF) + factor_exponent(b, HALF)) for a, b in terms]
    top = max(e for _, e in rows)
    products = sum(cut(x, Fraction(2) ** (top - 24)) for x, _ in rows)
    top = max(top, factor_exponent(total, FLOAT32))

    def down(x, bits):
        return (x / Fraction(2) ** (top - bits)).__floor__() * Fraction(2) ** (top - bits)
    return nearest(down(products, 31) + down(total, 24), FLOAT32)


def tiles(block, bits, step, product=None):
    def add(x, y):
        if x == 0 or y == 0:
            return x + y
        unit = Fraction(2) ** (max(exponent_of(x), exponent_of(y)) - bits + 1)
        return cut(x, unit) + cut(y, unit)

    def dot(terms):
        total = Fraction(0)
        for at in range(0, len(terms), block):
            tile = Fraction(0)
            for a, b in terms[at:at + block]:
                tile = add(tile, product(a * b) if product else a * b)
            total += tile
        return step(total)
    return dot


def paired(rule):
    def dot(terms):
        terms = terms + [(Fraction(0), Fraction(0))] * (len(terms) % 2)
        total, single = Fraction(0), once(FLOAT32)
        for at in range(0, len(terms), 2):
            (a, b), (c, d) = terms[at:at + 2]
            if rule == "odd-then-even":
                total = single(a * b + single(c * d + total))
            else:
                pair = toward(toward(a * b, FLOAT32, True) + toward(c * d, FLOAT32, True), FLOAT32, True)
                total = toward(total + pair, FLOAT32, True)
        return total
    return dot


def even_odd(block):
    def of_block(terms, total):
        single = once(FLOAT32)
        return single(single(chain(single)(terms[0::2]) + chain(single)(terms[1::2])) + total)
    return split(1, block, of_block)


@dataclass(frozen=True)
class Device:
    settings: str  # of a statement of a profile
    dot: object
    storage: str = "float16"
    result: object = None  # what becomes of sum and bias; a sum rounded as stored where there is none


NEAREST = 'step = "float16 nearest-even"'
DEVICES = {
    "unfused": Device(f'set.accumulator = {{ kind = "chain", fused = false, {NEAREST} }}',
                      chain(once(HALF), once(HALF))),
    "float32 unfused": Device('set.accumulator = { kind = "chain", fused = false }',
                              chain(once(FLOAT32), once(FLOAT32))),
    "toward zero": Device('set.accumulator = { kind = "chain", step = "float16 toward-zero" }',
                          chain(lambda x: toward(x, HALF))),
    "twice": Device(f'set.accumulator = {{ kind = "chain", {NEAREST}, step-via-float32 = true }}',
                    chain(lambda x: nearest(nearest(x, FLOAT32), HALF))),
    "lanes": Device('set.accumulator = { kind = "lanes", lanes = 8 }', lanes(8, once(FLOAT32))),
    "half lanes": Device(f'set.accumulator = {{ kind = "lanes", lanes = 4, {NEAREST} }}', lanes(4, once(HALF))),
    "exact": Device('set.accumulator = "exact"', exact),
    "exact bfloat16": Device('set.accumulator = "exact"', exact, "bfloat16"),
    "volta": Device('set.accumulator = { kind = "aligned", block = 4, fraction-bits = 23, '
                    'block-rounding = "float32 toward-zero", factors = "float16" }',
                    aligned(4, 23, lambda x: toward(x, FLOAT32), HALF)),
    "ampere": Device('set.accumulator = { kind = "aligned", block = 8, fraction-bits = 24, '
                     'block-rounding = "float32 toward-zero", factors = "bfloat16", split-k = 2 }',
                     aligned(8, 24, lambda x: toward(x, FLOAT32), BRAIN, 2), "bfloat16"),
    "hopper": Device('set.accumulator = { kind = "aligned", block = 16, fraction-bits = 25, '
                     'block-rounding = "float16 nearest-even", factors = "float16" }',
                     aligned(16, 25, once(HALF), HALF)),
    "cdna3": Device('set.accumulator = { kind = "aligned", block = 4, fraction-bits = 24, '
                    'block-rounding = "float32 nearest-even", factors = "float16", accumulator-apart = true }',
                    split(1, 4, apart)),
    "engine": Device(f'set.accumulator = {{ kind = "tiles", block = 4, fraction-bits = 12, {NEAREST} }}',
                     tiles(4, 12, once(HALF))),
    "engine products": Device('set.accumulator = { kind = "tiles", block = 4, fraction-bits = 12, '
                              f'product = "float16 nearest-even", {NEAREST} }}',
                              tiles(4, 12, once(HALF), once(HALF))),
    "avx512": Device('set.accumulator = { kind = "pairs", pairs = "odd-then-even" }', paired("odd-then-even"),
                     "bfloat16"),
    "amx": Device('set.accumulator = { kind = "pairs", pairs = "even-odd-sums", block = 32 }', even_odd(32),
                  "bfloat16"),
    "arm": Device('set.accumulator = { kind = "pairs", pairs = "round-to-odd" }', paired("round-to-odd"), "bfloat16"),
    "bias first": Device('set.bias = "first"', chain(once(FLOAT32)), result="first"),
    "bias after store": Device('set.bias = "after-store"', chain(once(FLOAT32)), result="after-store"),
    "operands": Device('set.operand = "bfloat16 nearest-even"',
                       lambda terms: chain(once(FLOAT32))([(nearest(a, BRAIN), nearest(b, BRAIN)) for a, b in terms])),
}


def profile(name, device):
    return f"""
name = "{name.replace(" ", "-")}"
doc = "An accumulator."
storage = "{device.storage} nearest-even"
[[statement]]
{device.settings}
evidence.source = "docs/semantics.md section 2"
evidence.certainty = "definition"
"""


def products(device, a, b, bias):
    """a [m, k] times b [k, n], + bias [n], as the device stores it."""
    fmt = FORMATS[device.storage]
    left, right, more = ([Fraction(rounded_fraction(Fraction(float(v)), fmt)) for v in array.ravel()]
                         for array in (a, b, bias))
    (rows, depth), columns = a.shape, b.shape[1]
    y = np.empty((rows, columns))
    for i in range(rows):
        for j in range(columns):
            terms = [(left[i * depth + k], right[k * columns + j]) for k in range(depth)]
            if device.result == "first":
                total = more[j]
                for p, q in terms:
                    total = nearest(total + p * q, FLOAT32)
            elif device.result == "after-store":
                total = nearest(nearest(device.dot(terms), fmt) + more[j], FLOAT32)
            else:
                total = nearest(device.dot(terms) + more[j], FLOAT32)
            y[i, j] = rounded_fraction(total, fmt)
    return y
