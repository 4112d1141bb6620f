"""What Core ML alone has a single operator for: operations of an ML Program, by their formulas in docs/ops.md."""
import itertools
import math
from fractions import Fraction

import numpy as np
from mil_programs import build, mb, save

from exact.elementwise import exp, leaky, log, modulo, sigmoid, tanh
from exact.harness import execute, wrong
from exact.products import softmax_of
from exact.sampling import F32, HALF, f32, resized_at
from exact.table import usual, wide

LAYERS = {}
INPUTS = {"a": (lambda r: wide(r, 4, 2, 6, 7)), "b": (lambda r: np.abs(usual(r, 4, 2, 6, 7)) + F32(0.1)),
          "c": (lambda r: usual(r, 4, 2, 6, 7, scale=20)), "d": (lambda r: f32([[0.5, 1, 3.5, 5], [1, 0, 4, 3]]))}
ALPHA, BETA, EPSILON = (float(F32(v)) for v in (0.3, 1.7, 1e-3))


def layer(kind, made):
    """`made` builds the operation of the inputs a, b, c, d; the function decorated has its steps."""
    def keep(steps):
        LAYERS[kind] = (made, steps)
        return steps
    return keep


@layer("ClampedRelu", lambda a, b, c, d: mb.clamped_relu(x=a, alpha=ALPHA, beta=BETA))
def clamped(m, a, b, c, d):
    return m.minimum(leaky(m, a, ALPHA), BETA)


@layer("ThresholdedRelu", lambda a, b, c, d: mb.thresholded_relu(x=a, alpha=ALPHA))
def thresholded(m, a, b, c, d):
    return m.where(a.lo < F32(ALPHA), 0.0, a)


@layer("LinearActivation", lambda a, b, c, d: mb.linear_activation(x=a, alpha=ALPHA, beta=BETA))
def linear(m, a, b, c, d):
    return a * ALPHA + BETA


@layer("ScaledTanh", lambda a, b, c, d: mb.scaled_tanh(x=a, alpha=ALPHA, beta=BETA))
def scaled_tanh(m, a, b, c, d):
    return tanh(m, a * BETA) * ALPHA


@layer("Inverse", lambda a, b, c, d: mb.inverse(x=b, epsilon=EPSILON))
def inverse(m, a, b, c, d):
    return 1.0 / (b + EPSILON)


@layer("Log", lambda a, b, c, d: mb.log(x=b, epsilon=EPSILON))
def logarithm(m, a, b, c, d):
    return log(m, b + EPSILON)


@layer("Rsqrt", lambda a, b, c, d: mb.rsqrt(x=b, epsilon=EPSILON))
def rsqrt(m, a, b, c, d):
    return 1.0 / m.sqrt(b + EPSILON)


def softplus_of(m, x):
    return log(m, exp(m, -abs(x)) + 1.0) + m.maximum(x, 0.0)


@layer("Softplus", lambda a, b, c, d: mb.softplus(x=a))
def softplus(m, a, b, c, d):
    return softplus_of(m, a)


TABLES = f32([ALPHA, 2]), f32([BETA, -1])


@layer("ParametricSoftplus", lambda a, b, c, d: mb.softplus_parametric(x=c, alpha=TABLES[0], beta=TABLES[1]))
def parametric(m, a, b, c, d):
    """Tables by channel are weights: rounded as they are stored."""
    alpha, beta = (m.stored(table)[:, None, None] for table in TABLES)
    return softplus_of(m, c * beta) * alpha


@layer("Mod", lambda a, b, c, d: mb.mod(x=c, y=b))
def remainder(m, a, b, c, d):
    return modulo(m, c, b)


@layer("FloorDiv", lambda a, b, c, d: mb.floor_div(x=c, y=b))
def floor_div(m, a, b, c, d):
    pairs = zip(c.lo.ravel().tolist(), b.lo.ravel().tolist(), strict=True)
    whole = [math.floor(Fraction(x) / Fraction(y)) for x, y in pairs]
    signed = np.where(np.array(whole) == 0, np.copysign(0.0, c.lo.ravel()), np.array(whole, np.float64))
    return m.round(signed.reshape(c.shape))


@layer("L2Normalization", lambda a, b, c, d: mb.l2_norm(x=c, epsilon=EPSILON))
def l2_norm(m, a, b, c, d):
    total = m.lanes(c.reshape(4, -1), squares=True) + EPSILON
    return c / m.sqrt(total)[:, None, None, None]


@layer("ScaledDotProductAttention", lambda a, b, c, d: mb.scaled_dot_product_attention(query=c, key=b, value=b))
def attention(m, a, b, c, d):
    width = m.number(float(c.shape[-1]))
    scores = m.dot(c, b.transpose(0, 1, 3, 2)) / m.sqrt(width)
    return m.dot(softmax_of(m, scores), b)


@layer("Resize", lambda a, b, c, d: mb.resize_bilinear(
    x=c, target_size_height=9, target_size_width=5, sampling_mode="OFFSET_CORNERS"))
def resize(m, a, b, c, d):
    for axis, count in ((2, 9), (3, 5)):
        grid = [(F32(i) + HALF) * F32(c.shape[axis] - 1) / F32(count) for i in range(count)]
        c = resized_at(m, c, axis, grid, "linear")
    return c


# ---- Samples at places, all of which are multiples of 1/8, so that grids are exact under every policy

def sampled(m, image, y, x, padding=None):
    """Taps of a row ascend, then rows; those of weight 0 do not enter. Without padding the border goes on."""
    total = m.zeros(image.shape[0])
    for row, down in ((math.floor(y), 1 - y % 1), (math.floor(y) + 1, y % 1)):
        along = m.zeros(image.shape[0])
        for column, across in ((math.floor(x), 1 - x % 1), (math.floor(x) + 1, x % 1)):
            if down == 0 or across == 0:
                continue
            inside = 0 <= row < image.shape[1] and 0 <= column < image.shape[2]
            p, q = (int(np.clip(v, 0, n - 1)) for v, n in ((row, image.shape[1]), (column, image.shape[2])))
            value = image[:, p, q] if inside or padding is None else m.number(np.full(image.shape[0], padding))
            along = m.fma(float(across), value, along)
        total = m.fma(float(down), along, total)
    return total


def eighths(r, low, high, *shape):
    return (r.integers(8 * low, 8 * high + 1, shape) / 8).astype(F32)


PLACES = eighths(np.random.default_rng(6), -2, 8, 4, 3, 5, 2)
MATRICES = eighths(np.random.default_rng(7), -1, 1, 4, 6)


def resampled(m, image, places, padding):
    """[images, rows, columns, (x, y)]"""
    points = [sampled(m, image[n], float(places[n, i, j, 1]), float(places[n, i, j, 0]), padding)
              for n, i, j in itertools.product(*map(range, places.shape[:3]))]
    return m.stack(points).reshape(*places.shape[:3], -1).transpose(0, 3, 1, 2)


@layer("Resample", lambda a, b, c, d: mb.resample(
    x=c, coordinates=PLACES, sampling_mode="bilinear", padding_mode="constant", padding_value=F32(0.5),
    coordinates_mode="unnormalized", align_corners=True))
def resample(m, a, b, c, d):
    return resampled(m, c, PLACES, 0.5)


@layer("Affine", lambda a, b, c, d: mb.affine(
    x=c, transform_matrix=MATRICES, output_height=5, output_width=3, sampling_mode="bilinear", padding_mode="constant",
    padding_value=F32(0), coordinates_mode="normalized_minus_one_to_one", align_corners=True))
def affine(m, a, b, c, d):
    y, x = (np.linspace(-1, 1, n) for n in (5, 3))
    grid = np.stack([*np.broadcast_arrays(x[None], y[:, None]), np.ones((5, 3))], -1)
    places = np.einsum("nak,ijk->nija", MATRICES.reshape(4, 2, 3).astype(np.float64), grid)
    return resampled(m, c, (places + 1) / 2 * np.array([c.shape[3] - 1, c.shape[2] - 1]), 0.0)


@layer("CropResize", lambda a, b, c, d: mb.crop_resize(
    x=c, boxes=d, box_indices=np.array([2, 0], np.int32), target_height=4, target_width=4,
    normalized_coordinates=False, spatial_scale=F32(1), box_coordinate_mode="CORNERS_HEIGHT_FIRST",
    sampling_mode="DEFAULT"))
def crop_resize(m, a, b, c, d):
    found = []
    for n, image in enumerate((2, 0)):
        top, left, bottom, right = d.lo[n]
        along = [[start + min(i * (end - start + 1) / 4, end - start) for i in range(4)]
                 for start, end in ((top, bottom), (left, right))]
        found += [sampled(m, c[image], y, x) for y, x in itertools.product(*along)]
    return m.stack(found).reshape(2, 4, 4, -1).transpose(0, 3, 1, 2)


WEIGHTS = [(0.3 * np.random.default_rng(8 + k).standard_normal(shape)).astype(F32)
           for k, shape in enumerate(((12, 42), (12, 3), (12,)))]


@layer("LSTM", lambda a, b, c, d: mb.lstm(
    x=mb.reshape(x=c, shape=[4, 2, 42]), initial_h=np.zeros((2, 3), F32), initial_c=np.zeros((2, 3), F32),
    weight_ih=WEIGHTS[0], weight_hh=WEIGHTS[1], bias=WEIGHTS[2], clip=F32(0.5), output_sequence=True)[0])
def lstm(m, a, b, c, d):
    """Gates i, f, o, g; the cell is clipped before it enters the output gate."""
    w, r, bias = (m.stored(x) for x in WEIGHTS)
    x, h, cell, found = c.reshape(4, 2, 42), m.zeros((2, 3)), m.zeros((2, 3)), []
    for t in range(4):
        gates = m.dot(x[t], w.transpose(1, 0)) + m.dot(h, r.transpose(1, 0)) + bias
        i, f, o, g = (gates[:, 3 * k:3 * k + 3] for k in range(4))
        cell = sigmoid(m, f) * cell + sigmoid(m, i) * tanh(m, g)
        cell = m.maximum(m.minimum(cell, 0.5), -0.5)
        h = sigmoid(m, o) * tanh(m, cell)
        found.append(h)
    return m.stack(found)


UNTESTED = {
    "coreml.NonMaximumSuppression": "scores and boxes are moved; overlaps are float32 whatever the policy",
}


def program(path):
    """One program that gives what every row makes of the inputs; the outputs' names."""
    values = [make(np.random.default_rng(0)) for make in INPUTS.values()]
    body = build(lambda *inputs: [made(*inputs) for made, _ in LAYERS.values()], values, "iOS18")
    return save(body, path, "iOS18")


def differences(assay_path, mode, seed, path, names, folder):
    """By row, where its results are not what the steps allow; nothing where they are."""
    values = {name: make(np.random.default_rng([seed, k])) for k, (name, make) in enumerate(INPUTS.items())}
    out = execute(assay_path, mode, path, values, folder)
    m = mode.arithmetic()
    stored = [m.stored(v) for v in values.values()]
    found = {}
    for name, (kind, (_, steps)) in zip(names, LAYERS.items(), strict=True):
        bounds = m.stored(steps(m, *stored))
        mask = wrong(out[name], bounds)
        if mask is None or mask.any():
            at = None if mask is None else tuple(np.argwhere(mask)[0])
            found[kind] = f"{out[name].shape}, not {bounds.shape}" if mask is None else (
                f"{mask.sum()} of {mask.size}: {out[name][at]!r}, not [{bounds.lo[at]!r}, {bounds.hi[at]!r}] at {at}")
    return found
