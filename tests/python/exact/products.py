"""Contractions, attention and recurrent networks: acc = fma(a, b, acc) from +0, k ascending."""
import itertools

import numpy as np

from exact.elementwise import exp, hard, log, sigmoid, tanh
from exact.numbers import FORMATS, rounded
from exact.sums import kept, shifted
from exact.table import Given, row, setting, usual, wide


def factors(r, *shape):
    """Numbers of some spread, so that sums round, cancel and run into subnormals."""
    return (r.standard_normal(shape) * np.exp2(r.integers(-8, 6, shape))).astype(np.float32)


def coin(r):
    return r.random() < 0.5


@row("MatMul", lambda r: Given([factors(r, 2, 5, 19), factors(r, 19, 4)] if coin(r) else
                               [factors(r, 3, 4, 33), factors(r, 1, 33, 6)]), rounds=5)
def matmul(m, a, b):
    return m.dot(a, b)


row("MatMul", lambda r: Given([wide(r, 9, 3), wide(r, 3, 8)]), label="special")(matmul)
row("MatMul", lambda r: Given([factors(r, *s) for s in shapes_of_products(r)]), rounds=4, label="large")(matmul)


def shapes_of_products(r):
    """Rows, columns and terms of several vectors, and the rests of them; one row or one column in some."""
    m, n = ((1, 70), (70, 1), (37, 41))[r.integers(0, 3)]
    k = int(r.integers(60, 300))
    return (m, k), (k, n)


def gemm_case(r):
    a, b = (factors(r, 4, 23), factors(r, 23, 5))
    left, right = int(r.integers(0, 2)), int(r.integers(0, 2))
    c = [None, factors(r, 5), factors(r, 4, 5)][r.integers(0, 3)]
    return Given([a.T.copy() if left else a, b.T.copy() if right else b, c],
                 {"transA": left, "transB": right, "alpha": 1.0 if coin(r) else setting(r),
                  "beta": 1.0 if coin(r) else setting(r)})


@row("Gemm", gemm_case, rounds=8)
def gemm(m, a, b, c=None, *, alpha, beta, **turned):
    y = m.dot(a.transpose(1, 0) if turned["transA"] else a, b.transpose(1, 0) if turned["transB"] else b)
    if alpha != 1:
        y = alpha * y
    return y if c is None else y + (c if beta == 1 else beta * c)


# ---- Convolutions

def conv_case(r, inputs=4, outputs=4, size=(6, 7)):
    groups, kernel = int(r.choice([1, 2, inputs])), int(r.integers(1, 4))
    bias = factors(r, outputs) if coin(r) else None
    return Given([factors(r, 2, inputs, *size), factors(r, outputs, inputs // groups, kernel, kernel), bias],
                 {"group": groups, "strides": [int(r.integers(1, 3))] * 2, "pads": [int(r.integers(0, 2))] * 4,
                  "dilations": [int(r.integers(1, 3))] * 2})


def padded(x, pads):
    """With zeros around the last two axes; and where they are not."""
    around = [(0, 0)] * (len(x.shape) - 2) + [(pads[0], pads[2]), (pads[1], pads[3])]
    return x.each(lambda a: np.pad(a, around)), np.pad(np.ones(x.shape, bool), around)


def with_bias(y, bias):
    return y if bias is None else y + bias[:, None, None]


@row("Conv", conv_case, rounds=8)
def conv(m, x, w, bias=None, *, group, strides, pads, dilations):
    x, inside = padded(x, pads)
    outputs, kernel = w.shape[0] // group, w.shape[2:]
    size = [(n - (k - 1) * d - 1) // s + 1 for n, k, d, s in
            zip(x.shape[2:], kernel, dilations, strides, strict=True)]
    parts = []
    for g in range(group):
        total = m.zeros((x.shape[0], outputs, *size))
        for c, i, j in itertools.product(range(w.shape[1]), *map(range, kernel)):
            top, left = i * dilations[0], j * dilations[1]
            at = (slice(None), g * w.shape[1] + c, None, slice(top, top + (size[0] - 1) * strides[0] + 1, strides[0]),
                  slice(left, left + (size[1] - 1) * strides[1] + 1, strides[1]))
            with_tap = m.fma(x[at], w[g * outputs:(g + 1) * outputs, c, i, j][:, None, None], total)
            total = m.where(inside[at], with_tap, total)  # padding is skipped
        parts.append(total)
    return with_bias(m.concat(parts, 1), bias)


row("Conv", lambda r: conv_case(r, 16, 32, (14, 19)), rounds=5, label="large")(conv)


def transposed_case(r):
    groups = int(r.choice([1, 2]))
    return Given([factors(r, 2, 4, 4, 5), factors(r, 4, 3, 3, 2), factors(r, 3 * groups) if coin(r) else None],
                 {"group": groups, "strides": [int(r.integers(1, 3)) for _ in range(2)], "pads": [1, 0, 1, 1]})


@row("ConvTranspose", transposed_case, rounds=6)
def conv_transpose(m, x, w, bias=None, *, group, strides, pads):
    n, channels, height, width = x.shape
    each, kernel = channels // group, w.shape[2:]
    full = [(size - 1) * s + k for size, s, k in zip((height, width), strides, kernel, strict=True)]
    parts = []
    for g in range(group):
        total = np.zeros((n, w.shape[1], *full))
        for c, i, j in itertools.product(range(each), *map(range, kernel)):
            at = (slice(None), slice(None), slice(i, i + (height - 1) * strides[0] + 1, strides[0]),
                  slice(j, j + (width - 1) * strides[1] + 1, strides[1]))
            taps = w[g * each + c, :, i, j][:, None, None]
            total[at] = m.fma(x[:, g * each + c, None], taps, total[at].copy()).lo
        parts.append(m.number(total))
    y = m.concat(parts, 1)[:, :, pads[0]:full[0] - pads[2], pads[1]:full[1] - pads[3]]
    return with_bias(y, bias)


def causal_case(r):
    return Given([factors(r, 2, 3, 9), factors(r, 3, 1, 4), factors(r, 3) if coin(r) else None,
                  factors(r, 2, 3, 3) if coin(r) else None], {"activation": str(r.choice(["none", "silu"]))}, outputs=2)


@row("CausalConvWithState", causal_case, opset=27, rounds=6)
def causal_conv(m, x, w, bias=None, past=None, *, activation):
    whole = m.concat([m.zeros((2, 3, 3)) if past is None else past, x], 2)
    total = m.zeros(x.shape)
    for k in range(4):
        total = m.fma(whole[:, :, k:k + x.shape[2]], w[:, :, k], total)
    if bias is not None:
        total = total + bias[:, None]
    if activation == "silu":
        total = total * sigmoid(m, total)
    return [total, whole[:, :, x.shape[2]:]]


EQUATIONS = {"ij,jk->ik": ((4, 17), (17, 3)), "bij,bkj->bik": ((2, 3, 9), (2, 4, 9)),
             "ijk,jkl->il": ((3, 4, 5), (4, 5, 2)), "ij,jk,kl->il": ((3, 6), (6, 4), (4, 5)), "i,j->ij": ((4,), (5,))}


def einsum_case(r):
    equation = str(r.choice(list(EQUATIONS)))
    return Given([factors(r, *shape) for shape in EQUATIONS[equation]], {"equation": equation})


def contracted(m, left, right, a, b, result):
    """Two operands: labels that end, in order of first appearance, the last one fastest."""
    extents = dict(itertools.chain(zip(left, a.shape, strict=True), zip(right, b.shape, strict=True)))
    ended = [c for c in dict.fromkeys(left + right) if c not in result]

    def laid(labels, x):
        order = [c for c in [*result, *ended] if c in labels]
        x = x.transpose(*(labels.index(c) for c in order))
        return x.reshape(*(extents[c] if c in labels else 1 for c in [*result, *ended]))
    a, b = laid(left, a), laid(right, b)
    total = m.zeros(tuple(extents[c] for c in result))
    for at in itertools.product(*(range(extents[c]) for c in ended)):
        p, q = ((Ellipsis, *(k if x.shape[len(result) + i] > 1 else 0 for i, k in enumerate(at))) for x in (a, b))
        total = m.fma(a[p], b[q], total)
    return total


@row("Einsum", einsum_case, rounds=8)
def einsum(m, *operands, equation):
    terms, result = equation.split("->")
    labels = terms.split(",")
    y, have = operands[0], labels[0]
    for k in range(1, len(operands)):
        later = set(result).union(*labels[k + 1:])
        wanted = result if k == len(operands) - 1 else "".join(
            c for c in dict.fromkeys(have + labels[k]) if c in later)
        y, have = contracted(m, have, labels[k], y, operands[k], wanted), wanted
    return y


def nibbles(r):
    codes = r.integers(0, 16, (5, 2, 16))
    packed = (codes[..., 0::2] | codes[..., 1::2] << 4).astype(np.uint8)
    return Given([usual(r, 3, 32), packed, np.abs(usual(r, 5, 2))],
                 {"K": 32, "N": 5, "bits": 4, "block_size": 16})


@row("MatMulNBits", nibbles, domain="com.microsoft")
def matmul_nbits(m, a, packed, scales, **_):
    codes = np.stack([packed & 15, packed >> 4], -1).reshape(5, 2, 16).astype(np.float64)
    weights = m.number(codes - 8) * scales[:, :, None]
    return m.dot(a, weights.reshape(5, 32).transpose(1, 0))


def bytes_of(codes, bits):
    """Codes packed in bytes, the first in the lowest bits; the last axis shrinks."""
    each = 8 // bits
    parts = codes.reshape(*codes.shape[:-1], -1, each)
    return sum(parts[..., k] << (bits * k) for k in range(each)).astype(np.uint8)


def nbits_case(r):
    bits, n, blocks = int(r.choice([2, 4, 8])), 6, 4
    codes, zeros = r.integers(0, 2**bits, (n, blocks, 16)), r.integers(0, 2**bits, (n, blocks))
    return Given([usual(r, 3, 16 * blocks), bytes_of(codes, bits), np.abs(usual(r, n, blocks)),
                  bytes_of(zeros, bits), None, usual(r, n)],
                 {"K": 16 * blocks, "N": n, "bits": bits, "block_size": 16})


def unpacked(packed, bits, count):
    parts = np.stack([packed >> (bits * k) & (2**bits - 1) for k in range(8 // bits)], -1)
    return parts.reshape(*packed.shape[:-1], -1)[..., :count].astype(np.float64)


@row("MatMulNBits", nbits_case, domain="com.microsoft", rounds=6, label="zero points")
def matmul_nbits_with_zeros(m, a, packed, scales, zeros, group, bias, bits, **_):
    codes = unpacked(packed, bits, 16) - unpacked(zeros, bits, 4)[..., None]
    weights = m.number(codes) * scales[:, :, None]
    return m.dot(a, weights.reshape(6, 64).transpose(1, 0)) + bias


# ---- Recurrent networks

def recurrent_case(gates, lstm=False, **attributes):
    def given(r):
        hidden, width = 4, 3
        inputs = [usual(r, 5, 2, width), usual(r, 1, gates * hidden, width), usual(r, 1, gates * hidden, hidden),
                  usual(r, 1, 2 * gates * hidden) if coin(r) else None, None,
                  usual(r, 1, 2, hidden) if coin(r) else None]
        if lstm and coin(r):
            inputs += [usual(r, 1, 2, hidden), usual(r, 1, 3 * hidden) if coin(r) else None]
        return Given(inputs, {"hidden_size": hidden, **{k: f(r) for k, f in attributes.items()}}, outputs=2 + lstm)
    return given


def recurrent(m, gates, x, w, r, bias, hidden, start, cell):
    """`cell` turns the state by a step; bias comes as two halves."""
    first = m.zeros((2, hidden))
    wb, rb = (None, None) if bias is None else (bias[0, :gates * hidden], bias[0, gates * hidden:])
    states, found = [s[0] if s is not None else first for s in start], []

    def gate(step, h, begin, count):
        at = slice(begin * hidden, (begin + count) * hidden)
        total = m.dot(step, w[0, at].transpose(1, 0)) + m.dot(h, r[0, at].transpose(1, 0))
        return total if wb is None else total + (wb[at] + rb[at])
    for t in range(x.shape[0]):
        states = cell(x[t], states, gate, wb, rb)
        found.append(states[0])
    return [m.stack(found)[:, None], *(s[None] for s in states)]


@row("RNN", recurrent_case(1))
def rnn(m, x, w, r, bias=None, lengths=None, h=None, *, hidden_size):
    return recurrent(m, 1, x, w, r, bias, hidden_size, [h],
                     lambda step, s, gate, wb, rb: [tanh(m, gate(step, s[0], 0, 1))])


@row("GRU", recurrent_case(3, linear_before_reset=lambda r: int(r.integers(0, 2))), rounds=6)
def gru(m, x, w, r, bias=None, lengths=None, h=None, *, hidden_size, linear_before_reset):
    n = hidden_size

    def cell(step, states, gate, wb, rb):
        both = sigmoid(m, gate(step, states[0], 0, 2))
        update, reset = both[:, :n], both[:, n:]
        if linear_before_reset:
            inner = m.dot(states[0], r[0, 2 * n:].transpose(1, 0))
            inner = reset * (inner if rb is None else inner + rb[2 * n:])
            total = m.dot(step, w[0, 2 * n:].transpose(1, 0)) + inner
            total = total if wb is None else total + wb[2 * n:]
        else:
            total = gate(step, reset * states[0], 2, 1)
        return [(1.0 - update) * tanh(m, total) + update * states[0]]
    return recurrent(m, 3, x, w, r, bias, hidden_size, [h], cell)


@row("LSTM", recurrent_case(4, lstm=True), rounds=6)
def lstm(m, x, w, r, bias=None, lengths=None, h=None, c=None, p=None, *, hidden_size):
    n = hidden_size

    def peep(gate, k, state):
        return gate if p is None else gate + p[0, k * n:(k + 1) * n] * state

    def cell(step, states, gate, wb, rb):
        all_gates, c = gate(step, states[0], 0, 4), states[1]
        i, o, f, g = (all_gates[:, k * n:(k + 1) * n] for k in range(4))
        i, f, g = sigmoid(m, peep(i, 0, c)), sigmoid(m, peep(f, 2, c)), tanh(m, g)
        c = f * c + i * g
        return [sigmoid(m, peep(o, 1, c)) * tanh(m, c), c]
    return recurrent(m, 4, x, w, r, bias, hidden_size, [h, c], cell)


ACTIVATIONS = {
    "Relu": lambda m, x: m.where(x.lo < 0, 0.0, x), "Tanh": tanh, "Sigmoid": sigmoid,
    "Affine": lambda m, x: x * 0.75 + 0.3, "LeakyRelu": lambda m, x: m.where(x.lo < 0, x * 0.3, x),
    "ScaledTanh": lambda m, x: tanh(m, x * 0.3) * 0.75, "HardSigmoid": lambda m, x: hard(m, x, 0.3, 0.3),
    "Softsign": lambda m, x: x / (abs(x) + 1.0), "Softplus": lambda m, x: log(m, exp(m, x) + 1.0)}
FACTORS = {"Affine": ([0.75], [0.3]), "LeakyRelu": ([0.3], []), "ScaledTanh": ([0.75], [0.3]),
           "HardSigmoid": ([0.3], [0.3])}


def reversed_case(r):
    name = str(r.choice(list(ACTIVATIONS)))
    alpha, beta = FACTORS.get(name, ([], []))
    stated = {"activation_alpha": alpha} if alpha else {}
    stated |= {"activation_beta": beta} if beta else {}
    return Given([usual(r, 5, 2, 3), usual(r, 1, 4, 3), usual(r, 1, 4, 4, scale=0.5), usual(r, 1, 8)],
                 {"hidden_size": 4, "direction": "reverse", "activations": [name], "clip": 1.5, **stated}, outputs=2)


@row("RNN", reversed_case, rounds=10, label="reversed")
def reversed_rnn(m, x, w, r, bias, *, activations, clip, **_):
    def cell(step, states, gate, wb, rb):
        total = gate(step, states[0], 0, 1)
        return [ACTIVATIONS[activations[0]](m, m.maximum(m.minimum(total, clip), -clip))]
    y, last = recurrent(m, 1, x[::-1], w, r, bias, 4, [None], cell)
    return [y[::-1], last]


# ---- Attention

def attention_case(r):
    queries, keys, width, values = 3, 7, 5, 4
    mask = [None, usual(r, queries, keys), r.random((queries, keys)) < 0.7][r.integers(0, 3)]
    if mask is not None and mask.dtype == bool:
        mask[:, 0] = True
    attributes = {"scale": abs(setting(r))} if coin(r) else {}
    if coin(r):
        attributes["softcap"] = 2.5
    if mask is None and coin(r):
        attributes["is_causal"] = 1
    return Given([usual(r, 2, 4, queries, width), usual(r, 2, 2, keys, width), usual(r, 2, 2, keys, values), mask],
                 attributes)


@row("Attention", attention_case, rounds=8, opset=24)
def attention(m, q, k, v, mask=None, *, scale=None, softcap=0, is_causal=0):
    width = m.number(float(q.shape[-1]))
    root = m.sqrt(m.number(scale)) if scale is not None else m.sqrt(1.0 / m.sqrt(width))
    groups = q.shape[1] // k.shape[1]
    k, v = (x.each(lambda a: np.repeat(a, groups, 1)) for x in (k, v))
    scores = m.dot(q * root, (k * root).transpose(0, 1, 3, 2))
    if softcap:
        scores = tanh(m, scores / softcap) * softcap
    if is_causal:
        mask = np.tril(np.ones(scores.shape[-2:], bool))
    if mask is not None:
        scores = scores + (np.where(mask, 0.0, -np.inf) if isinstance(mask, np.ndarray) else mask)
    return m.dot(softmax_of(m, scores), v)


def softmax_of(m, x):
    axis = len(x.shape) - 1
    e = exp(m, shifted(m, x, axis))
    return e / kept(m.lanes(e), [axis], 1)


TYPES = {1: "float32", 10: "float16", 16: "bfloat16"}


def attention_with_past(r):
    return Given([usual(r, 2, 3, 4 * 5), usual(r, 2, 2, 2 * 5), usual(r, 2, 2, 2 * 3), None, usual(r, 2, 2, 4, 5),
                  usual(r, 2, 2, 4, 3)],
                 {"q_num_heads": 4, "kv_num_heads": 2, "softmax_precision": int(r.choice(list(TYPES))),
                  "qk_matmul_output_mode": int(r.choice([0, 1, 3])), "softcap": 3.0}, outputs=4)


@row("Attention", attention_with_past, rounds=8, opset=24, label="past")
def attention_behind_past(m, q, k, v, mask, past_k, past_v, *, softmax_precision, qk_matmul_output_mode, softcap, **_):
    def heads(x, count):
        return x.reshape(2, x.shape[1], count, -1).transpose(0, 2, 1, 3)

    def narrowed(x):
        with np.errstate(all="ignore"):
            return x.each(lambda a: rounded(a, FORMATS[TYPES[softmax_precision]]))
    q, k, v = heads(q, 4), m.concat([past_k, heads(k, 2)], 2), m.concat([past_v, heads(v, 2)], 2)
    root = m.sqrt(1.0 / m.sqrt(m.number(5.0)))
    raw = m.dot(q * root, (k.each(lambda a: np.repeat(a, 2, 1)) * root).transpose(0, 1, 3, 2))
    capped = tanh(m, raw / softcap) * softcap
    weights = narrowed(softmax_of(m, narrowed(capped + 0.0)))
    y = m.dot(weights, v.each(lambda a: np.repeat(a, 2, 1)))
    shown = {0: raw, 1: capped, 3: weights}[qk_matmul_output_mode]
    return [y.transpose(0, 2, 1, 3).reshape(2, 3, -1), k, v, shown]


@row("FlexAttention", lambda r: Given([usual(r, 2, 4, 3, 5), usual(r, 2, 2, 7, 5), usual(r, 2, 2, 7, 4)],
                                      {"scale": abs(setting(r))}), domain="ai.onnx.preview")
def flex_attention(m, q, k, v, scale):
    return attention(m, q, k, v, scale=scale)


@row("RotaryEmbedding", lambda r: Given([usual(r, 2, 3, 4, 6), usual(r, 2, 4, 3), usual(r, 2, 4, 3)],
                                        {"interleaved": int(r.integers(0, 2))}))
def rotary(m, x, cos, sin, interleaved):
    a, b = (x[..., 0::2], x[..., 1::2]) if interleaved else (x[..., :3], x[..., 3:])
    cos, sin = cos[:, None], sin[:, None]
    real, imaginary = cos * a - sin * b, sin * a + cos * b
    if interleaved:
        return m.stack([real, imaginary], -1).reshape(*x.shape)
    return m.concat([real, imaginary], -1)


def linear_case(r):
    rule = str(r.choice(["linear", "gated", "delta", "gated_delta"]))
    batch, steps, heads, width, values = 2, 4, 2, 3, 5
    inputs = [usual(r, batch, steps, heads * width), usual(r, batch, steps, heads * width, scale=0.4),
              usual(r, batch, steps, heads * values), usual(r, batch, heads, width, values) if coin(r) else None,
              -np.abs(usual(r, batch, steps, heads * width)) if "gated" in rule else None,
              np.abs(usual(r, batch, steps, heads)) if "delta" in rule else None]
    attributes = {"update_rule": rule, "q_num_heads": heads, "kv_num_heads": heads}
    if coin(r):
        attributes["scale"] = abs(setting(r)) + 0.1
    return Given(inputs, attributes, outputs=2)


@row("LinearAttention", linear_case, rounds=8, opset=27)
def linear_attention(m, q, k, v, past=None, decay=None, beta=None, *, kv_num_heads, scale=0.0, **_):
    batch, steps, _ = q.shape

    def heads(x):
        return x.reshape(batch, steps, kv_num_heads, -1).transpose(1, 0, 2, 3)
    q, k, v = heads(q), heads(k), heads(v)
    width = q.shape[-1]
    scale = m.number(scale) if scale else 1.0 / m.sqrt(m.number(float(width)))
    state = m.zeros((batch, kv_num_heads, width, v.shape[-1])) if past is None else past
    found = []
    for t in range(steps):
        value = v[t]
        if decay is not None:
            state = state * exp(m, heads(decay)[t])[..., None]
        if beta is not None:
            value = heads(beta)[t] * (value - m.dot(k[t][..., None, :], state)[..., 0, :])
        state = m.fma(k[t][..., :, None], value[..., None, :], m.zeros(1)) + state
        found.append(m.dot(q[t][..., None, :], state)[..., 0, :] * scale)
    return [m.stack(found).transpose(1, 0, 2, 3).reshape(batch, steps, -1), state]


# ---- Matrices

def eliminated(m, cells, n, width):
    """Row exchanges by the largest magnitude, the first of equals; rows below a pivot less a multiple of its row."""
    sign = 1
    for k in range(n):
        best = max(range(k, n), key=lambda i, k=k: (abs(float(cells[i][k].lo)), -i))
        if best != k:
            cells[k], cells[best], sign = cells[best], cells[k], -sign
        for i in range(k + 1, n):
            factor = -(cells[i][k] / cells[k][k])
            for j in range(k + 1, width):
                cells[i][j] = m.fma(factor, cells[k][j], cells[i][j])
    return sign


@row("Det", lambda r: Given([usual(r, 3, 4, 4)]), opset=22)
def det(m, x):
    found = []
    for matrix in range(x.shape[0]):
        cells = [[x[matrix, i, j] for j in range(4)] for i in range(4)]
        sign = eliminated(m, cells, 4, 4)
        y = cells[0][0]
        for k in range(1, 4):
            y = y * cells[k][k]
        found.append(y if sign > 0 else -y)
    return m.stack(found)
