"""What rounds by a rule of its own: casts, codes, and products of codes (docs/semantics.md, section 11)."""
import itertools
import math

import ml_dtypes
import numpy as np
from onnx import TensorProto

from exact.elementwise import leaky, sigmoid, tanh
from exact.numbers import FORMATS, final, rounded
from exact.products import coin
from exact.sums import average_pool, global_average, kept, softmax
from exact.table import Given, Typed, row, usual, wide

MICROSOFT = "com.microsoft"


def codes(r, *shape, dtype=np.uint8):
    info = np.iinfo(dtype)
    return r.integers(info.min, info.max + 1, shape).astype(dtype)


def scale(r, *shape):
    return Typed(np.asarray(r.uniform(0.01, 0.1, shape), np.float32))


def zero(r, dtype=np.uint8, *shape):
    return codes(r, *shape, dtype=dtype)


def to_codes(quotient, zero_point, dtype):
    """To the nearest integer, ties to even, plus the zero point, saturated; NaN: 0. Between the codes of the bounds."""
    info = np.iinfo(dtype)
    with np.errstate(invalid="ignore"):
        def code(a):
            return np.clip(np.nan_to_num(np.rint(a) + np.float64(zero_point), nan=0.0), info.min, info.max)
        return final(code(quotient.lo), code(quotient.hi))


def values(m, x, by, zero_point):
    """(code - zero point) * scale."""
    return m.number(x.astype(np.float64) - np.float64(zero_point)) * by


# ---- Casts

INTEGERS = {TensorProto.INT8: np.int8, TensorProto.UINT8: np.uint8, TensorProto.INT32: np.int32,
            TensorProto.INT64: np.int64}


@row("Cast", lambda r: Given([usual(r, 200, scale=300)], {"to": int(r.choice(list(INTEGERS)))}), label="to integers")
def cast_to_integer(m, x, to):
    info = np.iinfo(INTEGERS[to])
    if to == TensorProto.INT64:  # whose largest number is no float64
        return np.array([max(info.min, min(info.max, 0 if math.isnan(v) else int(np.clip(v, -2.0**64, 2.0**64))))
                         for v in x.lo.tolist()])
    return np.clip(np.trunc(np.nan_to_num(x.lo, nan=0.0)), info.min, info.max).astype(INTEGERS[to])


@row("Cast", lambda r: Given([r.integers(-2**40, 2**40, 200) >> r.integers(0, 40, 200)], {"to": TensorProto.FLOAT}),
     declared=False, label="of integers")
def cast_of_integer(m, x, to):
    """One rounding: to the storage under a storage policy, not to float32 before it."""
    return m.number(x.astype(np.float64))


NARROW = {TensorProto.FLOAT16: ("float16", np.float16), TensorProto.BFLOAT16: ("bfloat16", ml_dtypes.bfloat16)}


@row("Cast", lambda r: Given([wide(r, 200)], {"to": int(r.choice(list(NARROW)))}), label="to halves")
def cast_to_half(m, x, to):
    with np.errstate(all="ignore"):
        return final(rounded(x.lo, FORMATS[NARROW[to][0]]))


@row("CastLike", lambda r: Given([wide(r, 200), Typed(np.zeros(1, np.float16))]))
def cast_like(m, x, like):
    with np.errstate(all="ignore"):
        return final(rounded(x.lo, FORMATS["float16"]))


@row("FeatureVectorizer", lambda r: Given([usual(r, 4, 3), usual(r, 4, 2)], {"inputdimensions": [3, 2]}),
     domain="ai.onnx.ml", declared=False)
def feature_vectorizer(m, x, y, inputdimensions):
    return m.concat([x, y], 1)


# ---- Codes

def many(r):
    return () if coin(r) else (5,)


def dequantize_case(r):
    shape = many(r)
    return Given([codes(r, 7, 5), np.asarray(r.uniform(0.001, 3, shape), np.float32), zero(r, np.uint8, *shape)],
                 {"axis": 1})


@row("DequantizeLinear", dequantize_case, rounds=5)
def dequantize(m, x, by, zero_point, axis):
    return values(m, x, by, zero_point)


def quantize_case(r):
    shape = many(r)
    return Given([usual(r, 60, 5, scale=3), np.asarray(r.uniform(0.01, 0.1, shape), np.float32),
                  zero(r, np.uint8, *shape)], {"axis": 1})


@row("QuantizeLinear", quantize_case, rounds=5)
def quantize(m, x, by, zero_point, axis):
    """The type of the scale determines the precision of the division."""
    return to_codes(m.precise(x / by), zero_point, np.uint8)


@row("DynamicQuantizeLinear", lambda r: Given([usual(r, 300, scale=3)], outputs=3), declared=False)
def dynamic_quantize(m, x):
    by, zero_point = dynamic(m, x)
    return [to_codes(x / by, zero_point, np.uint8), by, np.uint8(zero_point)]


def dynamic(m, x):
    low, high = m.number(min(0.0, x.lo.min())), m.number(max(0.0, x.lo.max()))
    by = (high - low) / 255
    zero_point = 0 - low / by
    return by, np.rint(np.clip(zero_point.lo, 0, 255))


# ---- Products of codes

def product(m, a, b, a_zero, b_zero):
    """Exact, then rounded to the compute type."""
    exact = (a.astype(np.int64) - np.int64(a_zero)) @ (b.astype(np.int64) - np.asarray(b_zero, np.int64))
    return compute_type(m, exact)


def compute_type(m, exact):
    return m.number(rounded(exact.astype(np.float64), FORMATS["float32"]))


def qlinear_matmul_case(r):
    shape = () if coin(r) else (6,)
    return Given([codes(r, 5, 40), scale(r), zero(r), codes(r, 40, 6, dtype=np.int8), scale(r, *shape),
                  zero(r, np.int8, *shape), Typed(np.float32(r.uniform(0.5, 3))), zero(r)])


@row("QLinearMatMul", qlinear_matmul_case, rounds=5, opset=21)
def qlinear_matmul(m, a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero):
    factor = a_scale * b_scale / y_scale
    return to_codes(product(m, a, b, a_zero, b_zero) * factor, y_zero, np.uint8)


@row("QLinearConv", lambda r: Given(
    [codes(r, 1, 3, 6, 6), scale(r), zero(r), codes(r, 4, 3, 2, 2, dtype=np.int8), scale(r, 4), np.zeros(4, np.int8),
     Typed(np.float32(r.uniform(0.1, 0.5))), zero(r), r.integers(-2000, 2000, 4).astype(np.int32)]), declared=False)
def qlinear_conv(m, x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias):
    x = x.astype(np.int64) - np.int64(x_zero)
    sums = np.zeros((1, 4, 5, 5), np.int64) + bias.astype(np.int64)[:, None, None]
    for c, i, j in itertools.product(range(3), range(2), range(2)):
        sums += x[:, c, None, i:i + 5, j:j + 5] * w[:, c, i, j].astype(np.int64)[:, None, None]
    factor = x_scale * w_scale / y_scale
    return to_codes(compute_type(m, sums) * factor[:, None, None], y_zero, np.uint8)


@row("MatMulIntegerToFloat", lambda r: Given(
    [codes(r, 5, 40), codes(r, 40, 6), scale(r), scale(r, 6), zero(r), zero(r, np.uint8, 6),
     usual(r, 6) if coin(r) else None]), domain=MICROSOFT, declared=False, rounds=5)
def matmul_integer_to_float(m, a, b, a_scale, b_scale, a_zero, b_zero, bias=None):
    y = product(m, a, b, a_zero, b_zero) * (a_scale * b_scale)
    return y if bias is None else y + bias


def qgemm_case(r):
    inputs = [codes(r, 5, 40), scale(r), zero(r), codes(r, 40, 6), scale(r, 6), zero(r, np.uint8, 6),
              r.integers(-2000, 2000, 6).astype(np.int32)]
    if coin(r):
        inputs += [Typed(np.float32(r.uniform(0.5, 3))), zero(r)]
    return Given(inputs, {"alpha": float(r.choice([1.0, 0.5, 1.3]))})


@row("QGemm", qgemm_case, domain=MICROSOFT, declared=False, rounds=6)
def qgemm(m, a, a_scale, a_zero, b, b_scale, b_zero, c, y_scale=None, y_zero=None, *, alpha):
    exact = (a.astype(np.int64) - np.int64(a_zero)) @ (b.astype(np.int64) - b_zero.astype(np.int64)) + c
    factor = alpha * a_scale * b_scale
    if y_scale is None:
        return compute_type(m, exact) * factor
    return to_codes(compute_type(m, exact) * (factor / y_scale), y_zero, np.uint8)


@row("GatherBlockQuantized", lambda r: Given(
    [codes(r, 6, 16), r.integers(0, 6, 4), np.abs(usual(r, 6, 2)), None],
    {"bits": 4, "block_size": 16, "gather_axis": 0, "quantize_axis": 1}), domain=MICROSOFT)
def gather_block_quantized(m, data, picks, scales, zeros=None, **_):
    whole = np.stack([data & 15, data >> 4], -1).reshape(6, 2, 16)
    y = values(m, whole, scales[:, :, None], 8).reshape(6, 32)
    return y[picks]


def coded_lstm(r):
    hidden, width = 4, 3
    return Given([usual(r, 5, 2, width), codes(r, 1, width, 4 * hidden), codes(r, 1, hidden, 4 * hidden),
                  usual(r, 1, 8 * hidden), None, usual(r, 1, 2, hidden), usual(r, 1, 2, hidden), None,
                  *(part for _ in range(2) for part in (Typed(scale(r, 1).array / 8), zero(r, np.uint8, 1)))],
                 {"hidden_size": hidden}, outputs=3)


@row("DynamicQuantizeLSTM", coded_lstm, domain=MICROSOFT, declared=False, throughout=True)
def dynamic_quantize_lstm(m, x, w, r, bias, lengths, h, c, p, w_scale, w_zero, r_scale, r_zero, hidden_size):
    """X becomes codes once; the state of all sequences before each step. Where functions are exact: elsewhere a state
    at the border of two codes may become either."""
    n = hidden_size

    def products(values, matrix, by, zero_point):
        own, own_zero = dynamic(m, values)
        whole = to_codes(values / own, own_zero, np.uint8).lo.reshape(-1, matrix.shape[1])
        sums = (whole - own_zero) @ (matrix[0].astype(np.float64) - zero_point)
        return (compute_type(m, sums) * (by * own)).reshape(*values.shape[:-1], -1)
    inputs, both = products(x, w, w_scale, w_zero), bias[0, :4 * n] + bias[0, 4 * n:]
    h, c, found = h[0], c[0], []
    for t in range(x.shape[0]):
        gates = inputs[t] + products(h, r, r_scale, r_zero) + both
        i, o, f, g = (gates[:, k * n:(k + 1) * n] for k in range(4))
        c = sigmoid(m, f) * c + sigmoid(m, i) * tanh(m, g)
        h = sigmoid(m, o) * tanh(m, c)
        found.append(h)
    return [m.stack(found)[:, None], h[None], c[None]]


# ---- An operator on what codes stand for

def coded(kind, operands, steps, attributes=None, shape=(2, 3, 6, 7)):
    """Codes of `operands`, each with its scale and zero point; then those of the result."""
    def given(r):
        inputs = [part for _ in range(operands) for part in (codes(r, *shape), scale(r), zero(r))]
        return Given([*inputs, scale(r), zero(r)], attributes(r) if attributes else {})

    @row(kind, given, domain=MICROSOFT, declared=False)
    def whole(m, *inputs, **stated):
        floats = [values(m, *inputs[3 * k:3 * k + 3]) for k in range(operands)]
        return to_codes(steps(m, *floats, **stated) / inputs[-2], inputs[-1], np.uint8)


coded("QLinearAdd", 2, lambda m, a, b: a + b)
coded("QLinearMul", 2, lambda m, a, b: a * b)
coded("QLinearSigmoid", 1, sigmoid)
coded("QLinearLeakyRelu", 1, leaky, lambda r: {"alpha": float(np.float32(r.uniform(0.01, 0.5)))})
coded("QLinearSoftmax", 1, lambda m, x, axis, opset: softmax(m, x, axis), lambda r: {"axis": -1, "opset": 13})
coded("QLinearGlobalAveragePool", 1, global_average)
coded("QLinearAveragePool", 1, average_pool, lambda r: {
    "kernel_shape": [2, 2], "strides": [1, 1], "pads": [1] * 4, "count_include_pad": int(r.integers(0, 2))})
coded("QLinearReduceMean", 1, lambda m, x, axes, keepdims: kept(m.sum(x, axes) / (x.shape[1] * x.shape[3]), axes, 1),
      lambda r: {"axes": [1, 3], "keepdims": 1})


@row("QLinearConcat", lambda r: Given([scale(r), zero(r), codes(r, 3, 4), scale(r), zero(r), codes(r, 2, 4), scale(r),
                                       zero(r)], {"axis": 0}), domain=MICROSOFT, declared=False)
def qlinear_concat(m, y_scale, y_zero, a, a_scale, a_zero, b, b_scale, b_zero, axis):
    both = m.concat([values(m, a, a_scale, a_zero), values(m, b, b_scale, b_zero)], axis)
    return to_codes(both / y_scale, y_zero, np.uint8)


@row("QLinearWhere", lambda r: Given([r.random((5, 4)) < 0.5, codes(r, 5, 4), scale(r), zero(r), codes(r, 5, 4),
                                      scale(r), zero(r), scale(r), zero(r)]), domain=MICROSOFT, declared=False)
def qlinear_where(m, condition, a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero):
    chosen = m.where(condition, values(m, a, a_scale, a_zero), values(m, b, b_scale, b_zero))
    return to_codes(chosen / y_scale, y_zero, np.uint8)
