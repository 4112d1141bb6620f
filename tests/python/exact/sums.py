"""Reductions, poolings, softmax and normalisations: sums in the order of docs/semantics.md, section 1."""
import itertools
import math

import numpy as np

from exact.elementwise import exp, log
from exact.table import Given, row, setting, shape_of, usual, wide


def reduced(make=usual):
    """Cases of a Reduce operator: any axes, the last one often among them, runs of more than 16 elements."""
    def given(r):
        shape = (*shape_of(r, 2, 5), int(r.integers(1, 40)))
        count = int(r.integers(1, 4))
        axes = sorted(int(a) for a in r.choice(3, count, replace=False))
        return Given([make(r, *shape), np.array(axes)], {"keepdims": int(r.integers(0, 2))})
    return given


def kept(y, axes, keepdims):
    if not keepdims:
        return y
    return y.each(lambda a: np.expand_dims(a, tuple(int(k) for k in axes)))


def reduction(kind, steps, make=usual):
    @row(kind, reduced(make))
    def whole(m, x, axes, keepdims):
        return kept(steps(m, x, [int(a) for a in axes]), axes, keepdims)


def large(r):
    axes = [[0], [1], [2], [0, 1], [1, 2], [0, 2]][r.integers(0, 6)]
    return Given([usual(r, 6, 33, 150), np.array(axes)], {"keepdims": 1})


def count_of(x, axes):
    return math.prod(x.shape[a] for a in axes)


def together(x, axes):
    """The reduced axes as one, behind the others."""
    others = [a for a in range(len(x.shape)) if a not in axes]
    return x.each(lambda a: a.transpose(*others, *axes).reshape(*(a.shape[k] for k in others), -1))


def extreme(choice, start):
    def steps(m, x, axes):
        flat = together(x, axes)
        y = m.number(np.full(flat.shape[:-1], start))
        for i in range(flat.shape[-1]):
            y = getattr(m, choice)(y, flat[..., i])
        return y
    return steps


def product(m, x, axes):
    flat = together(x, axes)
    y = m.number(np.ones(flat.shape[:-1]))
    for i in range(flat.shape[-1]):
        y = y * flat[..., i]
    return y


def log_sum_exp(m, x, axes):
    top = extreme("maximum", -np.inf)(m, x, axes)
    top = m.where(np.isfinite(top.lo), top, 0.0)
    shifted = x - kept(top, axes, 1)
    return top + log(m, m.sum(exp(m, shifted), axes))


reduction("ReduceSum", lambda m, x, axes: m.sum(x, axes), wide)
reduction("ReduceMean", lambda m, x, axes: m.sum(x, axes) / count_of(x, axes))
reduction("ReduceL1", lambda m, x, axes: m.sum(abs(x), axes))
reduction("ReduceL2", lambda m, x, axes: m.sqrt(m.sum(x, axes, squares=True)), wide)
reduction("ReduceSumSquare", lambda m, x, axes: m.sum(x, axes, squares=True), wide)
reduction("ReduceLogSum", lambda m, x, axes: log(m, m.sum(x, axes)), lambda r, *s: np.abs(usual(r, *s)))
reduction("ReduceLogSumExp", log_sum_exp)
reduction("ReduceMax", extreme("maximum", -np.inf), wide)
reduction("ReduceMin", extreme("minimum", np.inf), wide)
reduction("ReduceProd", product)


@row("ReduceSum", large, rounds=4, label="large")
def sum_of_many(m, x, axes, keepdims):
    return kept(m.sum(x, list(axes)), axes, keepdims)


@row("ReduceL2", large, rounds=4, label="large")
def norm_of_many(m, x, axes, keepdims):
    return kept(m.sqrt(m.sum(x, list(axes), squares=True)), axes, keepdims)


# ---- Along an axis

def running(step, start):
    def steps(m, x, axis, reverse, exclusive):
        lines = x.moveaxis(int(axis), 0)
        total, found = m.number(np.full(lines.shape[1:], start)), []
        order = range(lines.shape[0])
        for i in reversed(order) if reverse else order:
            after = step(total, lines[i])
            found.append(total if exclusive else after)
            total = after
        return m.stack(found[::-1] if reverse else found, 0).moveaxis(0, int(axis))
    return steps


def along(r):
    return Given([usual(r, 3, 7, 5), np.array(r.integers(0, 3))],
                 {"reverse": int(r.integers(0, 2)), "exclusive": int(r.integers(0, 2))})


row("CumSum", along)(running(lambda a, x: a + x, 0.0))
row("CumProd", along, opset=26)(running(lambda a, x: a * x, 1.0))


def one_axis(r):
    return Given([usual(r, 4, 5, 37, scale=2)], {"axis": int(r.integers(-3, 3))})


def shifted(m, x, axis):
    return x - kept(m.max(x, axis), [axis], 1)


@row("Softmax", one_axis)
def softmax(m, x, axis):
    e = exp(m, shifted(m, x, axis % len(x.shape)))
    return e / kept(m.sum(e, [axis]), [axis], 1)


@row("LogSoftmax", one_axis)
def log_softmax(m, x, axis):
    y = shifted(m, x, axis % len(x.shape))
    return y - kept(log(m, m.sum(exp(m, y), [axis])), [axis], 1)


row("Softmax", lambda r: Given([usual(r, 3, 40, 300, scale=2)], {"axis": int(r.integers(0, 3))}),
    label="large")(softmax)


@row("LpNormalization", lambda r: Given([usual(r, 4, 5, 20)],
                                        {"axis": int(r.integers(0, 3)), "p": int(r.integers(1, 3))}), opset=22)
def lp_normalization(m, x, axis, p):
    norm = m.sum(abs(x), [axis]) if p == 1 else m.sqrt(m.sum(x, [axis], squares=True))
    norm = kept(norm, [axis], 1)
    return m.where(norm.lo == 0, 0.0, x / norm)


# ---- Normalisations

def normalised(m, x, axes, epsilon, centred=True):
    """y = d * r, and what it was made of."""
    mean = None
    if centred:
        mean = kept(m.sum(x, axes) / count_of(x, axes), axes, 1)
        x = x - mean
    variance = kept(m.sum(x, axes, squares=True) / count_of(x, axes), axes, 1)
    inverse = 1.0 / m.sqrt(variance + epsilon)
    return x * inverse, mean, inverse


def layer(r):
    axis = int(r.integers(1, 3))
    shape = (3, 4, 21)
    return Given([usual(r, *shape), usual(r, *shape[axis:]), usual(r, *shape[axis:])],
                 {"axis": axis, "epsilon": abs(setting(r, 1e-3))}, outputs=3)


@row("LayerNormalization", layer)
def layer_normalization(m, x, scale, bias, axis, epsilon):
    y, mean, inverse = normalised(m, x, list(range(axis, 3)), epsilon)
    return [y * scale + bias, m.single(mean), m.single(inverse)]


@row("RMSNormalization", lambda r: Given([usual(r, 3, 4, 21), usual(r, 21)], {"epsilon": abs(setting(r, 1e-3))}))
def rms_normalization(m, x, scale, epsilon):
    return normalised(m, x, [2], epsilon, centred=False)[0] * scale


def grouped(m, x, scale, bias, groups, epsilon):
    n, channels, *rest = x.shape
    y = normalised(m, x.reshape(n, groups, -1), [2], epsilon)[0].reshape(n, channels, -1)
    return (y * scale[:, None] + bias[:, None]).reshape(n, channels, *rest)


def channels(r):
    return [usual(r, 2, 6, 3, 7), usual(r, 6), usual(r, 6)]


@row("GroupNormalization", lambda r: Given(channels(r), {"num_groups": int(r.choice([1, 2, 3])),
                                                         "epsilon": abs(setting(r, 1e-3))}))
def group_normalization(m, x, scale, bias, num_groups, epsilon):
    return grouped(m, x, scale, bias, num_groups, epsilon)


@row("InstanceNormalization", lambda r: Given(channels(r), {"epsilon": abs(setting(r, 1e-3))}))
def instance_normalization(m, x, scale, bias, epsilon):
    return grouped(m, x, scale, bias, x.shape[1], epsilon)


@row("BatchNormalization", lambda r: Given(
    [usual(r, 3, 5, 4, 7), usual(r, 5), usual(r, 5), usual(r, 5), np.abs(usual(r, 5))],
    {"epsilon": abs(setting(r, 1e-3)), "momentum": 0.875 + abs(setting(r, 1e-2)), "training_mode": 1}, outputs=3),
    label="training")
def batch_normalization_in_training(m, x, scale, bias, mean, variance, epsilon, momentum, training_mode):
    axes, momentum = [0, 2, 3], m.number(momentum)
    own = m.sum(x, axes) / count_of(x, axes)
    spread = m.sum(x - own[:, None, None], axes, squares=True) / count_of(x, axes)
    a = scale / m.sqrt(spread + epsilon)
    y = m.fma(x, a[:, None, None], m.fma(-own, a, bias)[:, None, None])
    rest = 1.0 - momentum
    return [y, mean * momentum + own * rest, variance * momentum + spread * rest]


def square(m, x):
    return m.function(np.square, abs(x))


@row("MeanVarianceNormalization", lambda r: Given([usual(r, 2, 3, 4, 5)], {"axes": [[0, 2, 3], [1, 2, 3], [0, 1]][
    r.integers(0, 3)]}))
def mean_variance_normalization(m, x, axes):
    """As ONNX's function body has it: E[x^2] - E[x]^2."""
    count = count_of(x, axes)
    mean = kept(m.sum(x, axes) / count, axes, 1)
    mean_of_squares = kept(m.sum(square(m, x), axes) / count, axes, 1)
    deviation = m.sqrt(mean_of_squares - square(m, mean))
    return (x - mean) / (deviation + 1e-9)


@row("LRN", lambda r: Given([usual(r, 2, 7, 3, 5)], {"size": int(r.integers(1, 6)), "alpha": abs(setting(r)),
                                                     "beta": 0.75, "bias": abs(setting(r)) + 0.5}))
def local_response(m, x, size, alpha, beta, bias):
    found = []
    for channel in range(x.shape[1]):
        window = x[:, max(0, channel - (size - 1) // 2):channel + size // 2 + 1]
        squares = m.ascending(window.moveaxis(1, 0), squares=True)
        base = squares * (m.number(alpha) / size) + bias
        found.append(x[:, channel] / m.function(np.power, base, m.number(np.full(base.shape, beta))))
    return m.stack(found, 1)


# ---- Pooling

def pooled(m, x, kernel, stride, pad, of_terms, dilation=1):
    """of_terms(the elements of a window that lie inside, how many places it has) for each position."""
    extents = x.shape[2:]
    outs = [(n + 2 * pad - (kernel - 1) * dilation - 1) // stride + 1 for n in extents]
    found = []
    for at in itertools.product(*map(range, outs)):
        taps = []
        for offset in itertools.product(range(kernel), repeat=len(extents)):
            place = [a * stride - pad + k * dilation for a, k in zip(at, offset, strict=True)]
            if all(0 <= p < n for p, n in zip(place, extents, strict=True)):
                taps.append(x[(slice(None), slice(None), *place)])
        found.append(of_terms(taps, kernel ** len(extents)))
    return m.stack(found, -1).reshape(*x.shape[:2], *outs)


def pooling(r, **more):
    kernel = int(r.integers(2, 4))
    return Given([usual(r, 2, 3, 6, 7)], {"kernel_shape": [kernel] * 2, "strides": [int(r.integers(1, 3))] * 2,
                                          "pads": [1] * 4, **more})


@row("AveragePool", lambda r: pooling(r, count_include_pad=int(r.integers(0, 2))))
def average_pool(m, x, kernel_shape, strides, pads, count_include_pad):
    def mean(terms, places):
        return m.ascending(m.stack(terms)) / (places if count_include_pad else len(terms))
    return pooled(m, x, kernel_shape[0], strides[0], pads[0], mean)


def norm(m, terms, p, total):
    if p == 2:
        return m.sqrt(total(terms, True))
    if p == 1:
        return total(abs(terms), False)
    powers = m.function(np.power, abs(terms), m.number(np.full(terms.shape, float(p))))
    sums = total(powers, False)
    return m.function(np.power, sums, m.number(np.full(sums.shape, np.float32(1) / np.float32(p))))


@row("LpPool", lambda r: pooling(r, p=int(r.integers(1, 4))))
def lp_pool(m, x, kernel_shape, strides, pads, p):
    return pooled(m, x, kernel_shape[0], strides[0], pads[0],
                  lambda terms, places: norm(m, m.stack(terms), p, m.ascending))


def dilated_case(r):
    n = int(r.choice([1, 3]))
    return Given([usual(r, 2, 3, *[6] * n)], {"kernel_shape": [2] * n, "dilations": [2] * n, "pads": [1] * 2 * n,
                                              "count_include_pad": int(r.integers(0, 2))})


@row("AveragePool", dilated_case, rounds=4, label="dilated")
def dilated_average(m, x, kernel_shape, dilations, pads, count_include_pad):
    def mean(terms, places):
        return m.ascending(m.stack(terms)) / (places if count_include_pad else len(terms))
    return pooled(m, x, 2, 1, 1, mean, 2)


def planes(x):
    return x.reshape(*x.shape[:2], -1), (*x.shape[:2], *[1] * (len(x.shape) - 2))


@row("GlobalAveragePool", lambda r: Given([usual(r, 2, 3, 5, 9)]))
def global_average(m, x):
    flat, shape = planes(x)
    return (m.lanes(flat) / flat.shape[-1]).reshape(*shape)


@row("GlobalLpPool", lambda r: Given([usual(r, 2, 3, 5, 9)], {"p": int(r.integers(1, 4))}))
def global_lp(m, x, p):
    flat, shape = planes(x)
    return norm(m, flat, p, m.lanes).reshape(*shape)


@row("Col2Im", lambda r: Given([usual(r, 2, 3 * 4, 20), np.array([5, 6]), np.array([2, 2])]))
def col2im(m, x, image, block):
    """Blocks that cover a pixel, ascending over its place in the block."""
    height, width = image
    columns = x.reshape(2, 3, *(int(b) for b in block), height - 1, width - 1)
    pixels = []
    for y, z in itertools.product(range(height), range(width)):
        terms = [columns[:, :, i, j, y - i, z - j] for i, j in itertools.product(range(2), repeat=2)
                 if 0 <= y - i < height - 1 and 0 <= z - j < width - 1]
        pixels.append(m.ascending(m.stack(terms)))
    return m.stack(pixels, -1).reshape(2, 3, height, width)


# ---- Updates

def combine(m, reduction, old, new):
    if reduction in ("max", "min"):
        return getattr(m, reduction + "imum")(old, new)
    return {"none": lambda: new, "add": lambda: old + new, "mul": lambda: old * new}[reduction]()


def place_of_each(m, data, places, updates, reduction):
    """Updates in order; `places` are positions in the flat data."""
    cells = [data.reshape(-1)[i] for i in range(math.prod(data.shape))]
    flat = updates.reshape(-1)
    for n, at in enumerate(places):
        cells[at] = combine(m, reduction, cells[at], flat[n])
    return m.stack(cells).reshape(*data.shape)


def scattered(r):
    return {"reduction": str(r.choice(["add", "mul", "max", "min", "none"]))}


@row("ScatterElements", lambda r: Given([usual(r, 5, 4), r.integers(0, 5, (9, 4)), usual(r, 9, 4)],
                                        {"axis": 0, **scattered(r)}), rounds=6)
def scatter_elements(m, data, indices, updates, axis, reduction):
    places = [int(i) * 4 + k for line in indices for k, i in enumerate(line)]
    return place_of_each(m, data, places, updates, reduction)


@row("ScatterND", lambda r: Given([usual(r, 5, 4), r.integers(0, 5, (9, 1)), usual(r, 9, 4)], scattered(r)), rounds=6)
def scatter_nd(m, data, indices, updates, reduction):
    places = [int(i) * 4 + k for (i,) in indices for k in range(4)]
    return place_of_each(m, data, places, updates, reduction)


# ---- Losses

def loss_inputs(r):
    return Given([usual(r, 3, 5, 4), r.integers(0, 5, (3, 4)), np.abs(usual(r, 5)) if r.random() < 0.6 else None],
                 {"reduction": str(r.choice(["mean", "sum", "none"]))})


def loss(m, logs, target, weight, reduction):
    n, k = np.indices(target.shape)
    losses = -logs[n, target, k]
    weights = None if weight is None else weight[target]
    if weights is not None:
        losses = losses * weights
    if reduction == "none":
        return losses
    total = m.lanes(losses.reshape(-1))
    if reduction == "sum":
        return total
    return total / (m.lanes(weights.reshape(-1)) if weights is not None else target.size)


@row("NegativeLogLikelihoodLoss", loss_inputs)
def negative_log_likelihood(m, x, target, weight=None, reduction="mean"):
    return loss(m, x, target, weight, reduction)


@row("SoftmaxCrossEntropyLoss", loss_inputs)
def softmax_cross_entropy(m, x, target, weight=None, reduction="mean"):
    y = shifted(m, x, 1)
    logs = y - kept(log(m, m.lanes(exp(m, y).moveaxis(1, -1))), [1], 1)
    return loss(m, logs, target, weight, reduction)
