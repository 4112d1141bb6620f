"""ONNX Runtime's own operators, which are their steps in ai.onnx's: each of these is a node, and stores its result."""
import math

import numpy as np

from exact.elementwise import MANY, gelu, gelu_tanh, sigmoid
from exact.products import coin, factors, gemm, softmax_of
from exact.sums import layer_normalization, rms_normalization
from exact.table import Given, row, setting, usual, wide

F32 = np.float32


def microsoft(kind, given, **more):
    return row(kind, given, domain="com.microsoft", **more)


microsoft("Gelu", lambda r: Given([wide(r, MANY)]))(gelu)


@microsoft("BiasGelu", lambda r: Given([usual(r, 20, 9), usual(r, 9)]))
def bias_gelu(m, x, bias):
    return gelu(m, m.stored(x + bias))


@microsoft("FastGelu", lambda r: Given([usual(r, 20, 9), usual(r, 9) if coin(r) else None]))
def fast_gelu(m, x, bias=None):
    return gelu_tanh(m, x if bias is None else m.stored(x + bias), "tanh")


@microsoft("QuickGelu", lambda r: Given([wide(r, MANY)], {"alpha": abs(setting(r))}), declared=False)
def quick_gelu(m, x, alpha):
    return x * m.stored(sigmoid(m, m.stored(x * alpha)))


@microsoft("BiasSplitGelu", lambda r: Given([usual(r, 2, 4, 10), usual(r, 10)]))
def bias_split_gelu(m, x, bias):
    y = m.stored(x + bias)
    return y[..., :5] * m.stored(gelu(m, y[..., 5:]))


def turned(r):
    turn = coin(r)
    return Given([factors(r, 13, 7) if turn else factors(r, 7, 13), factors(r, 13, 5)],
                 {"transA": int(turn), "alpha": setting(r)})


@microsoft("FusedMatMul", turned, declared=False, rounds=5)
def fused_matmul(m, a, b, transA, alpha):  # noqa: N803
    return m.stored(m.dot(a.transpose(1, 0) if transA else a, b)) * alpha


@microsoft("FusedGemm", lambda r: Given([factors(r, 4, 9), factors(r, 9, 5), factors(r, 5)],
                                        {"activation": str(r.choice(["Relu", "Sigmoid"])), "alpha": 0.75}))
def fused_gemm(m, a, b, c, activation, alpha):
    y = m.stored(gemm(m, a, b, c, alpha=alpha, beta=1, transA=0, transB=0))
    return m.where(y.lo < 0, 0.0, y) if activation == "Relu" else sigmoid(m, y)


def skipped(r, *more):
    return Given([usual(r, 2, 3, 21), usual(r, 2, 3, 21), *more], {"epsilon": float(F32(1e-5))})


@microsoft("SkipLayerNormalization", lambda r: skipped(r, usual(r, 21), usual(r, 21), usual(r, 21)))
def skip_layer_normalization(m, x, skip, scale, bias, more, epsilon):
    return layer_normalization(m, m.stored(m.stored(x + skip) + more), scale, bias, 2, epsilon)[0]


@microsoft("SkipSimplifiedLayerNormalization", lambda r: skipped(r, usual(r, 21)))
def skip_rms_normalization(m, x, skip, scale, epsilon):
    return rms_normalization(m, m.stored(x + skip), scale, epsilon)


@microsoft("ComplexMul", lambda r: Given([wide(r, 20, 5, 2), wide(r, 20, 5, 2)]))
def complex_product(m, a, b):
    def times(i, k):
        return m.stored(a[..., i] * b[..., k])
    return m.stack([times(0, 0) - times(1, 1), times(0, 1) + times(1, 0)], -1)


@microsoft("MultiHeadAttention", lambda r: Given([usual(r, 2, 3, 8), usual(r, 2, 6, 8), usual(r, 2, 6, 8)],
                                                 {"num_heads": 2}), declared=False)
def multi_head_attention(m, q, k, v, num_heads):
    def heads(x):
        return x.reshape(2, -1, num_heads, 4).transpose(0, 2, 1, 3)
    scores = m.stored(m.stored(m.dot(heads(q), heads(k).transpose(0, 1, 3, 2))) * float(F32(1 / math.sqrt(4))))
    y = m.stored(m.dot(m.stored(softmax_of(m, scores)), heads(v)))
    return y.transpose(0, 2, 1, 3).reshape(2, 3, 8)
