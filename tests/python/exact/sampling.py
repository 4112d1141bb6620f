"""Samples between elements, grids, windows and transforms: coordinates and weights in float32 whatever the policy."""
import itertools
import math

import numpy as np

from exact.products import factors
from exact.table import Given, Typed, row, usual

F32 = np.float32
HALF, ONE, TWO = F32(0.5), F32(1), F32(2)


def f32(value):
    return np.asarray(value, F32)


# ---- Resize: along each axis that changes, from the first to the last, taps ascending

def coordinate(mode, o, size, scale):
    o, size, scale = f32(o), F32(size), F32(scale)
    if mode == "half_pixel":
        return (o + HALF) / scale - HALF
    if mode == "asymmetric":
        return o / scale
    return o * (size - ONE) / (scale * size - ONE)  # align_corners


def cubic(x, a=-0.75):
    x, a = abs(x), F32(a)
    if x <= 1:
        return ((a + TWO) * x - (a + F32(3))) * x * x + ONE
    return ((a * x - F32(5) * a) * x + F32(8) * a) * x - F32(4) * a if x < TWO else F32(0)


def taps_of(kind, x):
    """Places counted from floor(x), and their weights."""
    ratio = x - np.floor(x)
    if kind == "linear":
        return [(t, max(F32(0), ONE - abs(F32(t) - ratio))) for t in (0, 1)]
    return [(t, cubic(F32(t) - ratio)) for t in (-1, 0, 1, 2)]


def resized(m, x, axis, scale, kind, mode):
    size = x.shape[axis]
    grid = [coordinate(mode, o, size, scale) for o in range(math.floor(F32(scale) * F32(size)))]
    return resized_at(m, x, axis, grid, kind)


def resized_at(m, x, axis, grid, kind):
    lines = x.moveaxis(axis, 0)
    size, found = lines.shape[0], []
    for at in grid:
        total = m.zeros(lines.shape[1:])
        for offset, weight in taps_of(kind, at):
            if weight != 0:
                place = min(max(int(np.floor(at)) + offset, 0), size - 1)
                total = m.fma(lines[place], float(weight), total)
        found.append(total)
    return m.stack(found).moveaxis(0, axis)


def resize_case(r):
    return Given([usual(r, 1, 2, 5, 6), None, Typed(f32([1, 1, r.choice([1.5, 2, 2.7]), r.choice([0.6, 1.7])]))],
                 {"mode": str(r.choice(["linear", "cubic"])), "coordinate_transformation_mode": str(
                     r.choice(["half_pixel", "asymmetric", "align_corners"]))})


@row("Resize", resize_case, rounds=8)
def resize(m, x, roi, scales, mode, coordinate_transformation_mode):
    for axis in (2, 3):
        x = resized(m, x, axis, scales.lo[axis], mode, coordinate_transformation_mode)
    return x


def stretched_taps(kind, x, scale, size, a, exclude):
    """The kernel made wider where the result is smaller, or cut at the border; then its weights add up to 1."""
    scale = F32(scale) if scale < 1 and not exclude else ONE
    reach = F32(2 if kind == "cubic" else 1)
    first = int(np.floor(-reach / scale)) + 1
    base = np.floor(x)
    weights = []
    for tap in range(first, 2 - first):
        distance = (F32(tap) - (x - base)) * scale
        weight = cubic(distance, a) if kind == "cubic" else max(F32(0), ONE - abs(distance))
        outside = exclude and not 0 <= int(base) + tap < size
        weights.append(F32(0) if outside else weight)
    total = F32(0)
    for weight in weights:
        total = total + weight
    return [(first + k, weight / total) for k, weight in enumerate(weights)]


@row("Resize", lambda r: Given([usual(r, 1, 2, 9, 8), None, Typed(f32([1, 1, r.choice([0.4, 0.7, 1.6]), 0.6]))],
                               {"mode": str(r.choice(["linear", "cubic"])), "cubic_coeff_a": -0.5, "axes": [0, 1, 2, 3],
                                str(r.choice(["antialias", "exclude_outside"])): 1}), rounds=8, label="normalised")
def resize_by_other_kernels(m, x, roi, scales, mode, cubic_coeff_a, axes, antialias=0, exclude_outside=0):
    for axis in (2, 3):
        scale, size = scales.lo[axis], x.shape[axis]
        lines, found = x.moveaxis(axis, 0), []
        for o in range(math.floor(F32(scale) * F32(size))):
            at, total = coordinate("half_pixel", o, size, scale), m.zeros(lines.shape[1:])
            for offset, weight in stretched_taps(mode, at, scale, size, cubic_coeff_a, exclude_outside):
                if weight != 0:
                    place = min(max(int(np.floor(at)) + offset, 0), size - 1)
                    total = m.fma(lines[place], float(weight), total)
            found.append(total)
        x = m.stack(found).moveaxis(0, axis)
    return x


# ---- Grids

def reflected(x, low, high):
    span = high - low
    distance = low - x if x < low else x - high if x > high else F32(0)
    if distance == 0:
        return x
    turns = np.floor(distance / span)
    rest = distance - turns * span
    return low + rest if (x < low) == (turns % 2 == 0) else high - rest


def reflected_taps(v, size, align):
    v, n = F32(v), F32(size)
    x = near(x_of(v, n, align))
    low, high = (F32(0), n - ONE) if align else (-HALF, n - HALF)
    x = reflected(x, low, high)
    base, found = np.floor(x), []
    for offset, weight in grid_weights("linear", x - base):
        place = int(base) + offset
        if not 0 <= place < size:
            place = min(max(int(reflected(F32(place), low, high)), 0), size - 1)
        found.append((place, weight))
    return found


@row("GridSample", lambda r: Given([usual(r, 1, 2, 3, 4, 5), r.uniform(-2.5, 2.5, (1, 2, 2, 3, 3)).astype(F32)],
                                   {"padding_mode": "reflection", "align_corners": int(r.integers(0, 2))}),
     rounds=4, label="reflection")
def volume_sample(m, x, grid, padding_mode, align_corners):
    points = []
    for at in itertools.product(*map(range, grid.shape[:4])):
        place = grid.lo[at]
        planes, rows, columns = (reflected_taps(place[2 - k], x.shape[2 + k], align_corners) for k in range(3))
        total = m.zeros(x.shape[1])
        for p, deep in planes:
            middle = m.zeros(x.shape[1])
            for q, down in rows:
                inner = m.zeros(x.shape[1])
                for k, across in columns:
                    inner = m.fma(float(across), x[at[0], :, p, q, k], inner)
                middle = m.fma(float(down), inner, middle)
            total = m.fma(float(deep), middle, total)
        points.append(total)
    return m.stack(points).reshape(*grid.shape[:4], x.shape[1]).transpose(0, 4, 1, 2, 3)


def grid_case(r):
    return Given([usual(r, 2, 3, 4, 5), r.uniform(-1.3, 1.3, (2, 3, 4, 2)).astype(F32)],
                 {"mode": str(r.choice(["linear", "cubic"])), "padding_mode": str(r.choice(["zeros", "border"])),
                  "align_corners": int(r.integers(0, 2))})


def x_of(v, n, align):
    with np.errstate(over="ignore"):
        return (v + ONE) / TWO * (n - ONE) if align else ((v + ONE) * n - ONE) / TWO


def near(x):
    """Far outside is far enough; what is no number is there too."""
    return x if abs(x) < F32(1e9) else F32(1e9) if x > 0 else F32(-1e9)


def axis_taps(v, size, mode, border, align):
    v, n = F32(v), F32(size)
    x = near(x_of(v, n, align))
    low, high = (F32(0), n - ONE) if align else (-HALF, n - HALF)
    if border and (x < low or x > high):
        x = np.clip(x, F32(0), n - ONE)
    base = np.floor(x)
    found = []
    for offset, weight in grid_weights(mode, x - base):
        place = int(base) + offset
        if 0 <= place < size or border:
            found.append((min(max(place, 0), size - 1), weight))
    return found


def grid_weights(mode, r):
    if mode == "linear":
        return [(0, ONE - r), (1, r)]
    a, three, four, five, eight = (F32(v) for v in (-0.75, 3, 4, 5, 8))
    return [(-1, ((a * (r + ONE) - five * a) * (r + ONE) + eight * a) * (r + ONE) - four * a),
            (0, ((a + TWO) * r - (a + three)) * r * r + ONE),
            (1, ((a + TWO) * (ONE - r) - (a + three)) * (ONE - r) * (ONE - r) + ONE),
            (2, ((a * (TWO - r) - five * a) * (TWO - r) + eight * a) * (TWO - r) - four * a)]


@row("GridSample", grid_case, rounds=8)
def grid_sample(m, x, grid, mode, padding_mode, align_corners):
    border, points = padding_mode == "border", []
    for n, i, j in itertools.product(*map(range, grid.shape[:3])):
        u, v = grid.lo[n, i, j]
        rows = axis_taps(v, x.shape[2], mode, border, align_corners)
        columns = axis_taps(u, x.shape[3], mode, border, align_corners)
        total = m.zeros(x.shape[1])
        for place, weight in rows:
            inner = m.zeros(x.shape[1])
            for column, across in columns:
                inner = m.fma(float(across), x[n, :, place, column], inner)
            total = m.fma(float(weight), inner, total)
        points.append(total)
    shape = grid.shape[:3]
    return m.stack(points).reshape(*shape, x.shape[1]).transpose(0, 3, 1, 2)


@row("AffineGrid", lambda r: Given([usual(r, 2, 2, 3), np.array([2, 1, 4, 5])],
                                   {"align_corners": int(r.integers(0, 2))}))
def affine_grid(m, theta, size, align_corners):
    def along(n):
        n = int(n)
        if align_corners:
            step, start = m.number(2.0) / (m.number(float(n)) - 1.0), m.number(-1.0)
        else:
            step = m.number(2.0) / float(n)
            start = -1.0 + step / 2.0
        return m.number(np.arange(n)) * step + start
    y, x = along(size[2]), along(size[3])
    shape = (*y.shape, *x.shape)
    points = m.stack([x.each(lambda a: np.broadcast_to(a[None], shape)),
                      y.each(lambda a: np.broadcast_to(a[:, None], shape)), m.number(np.ones(shape))], -1)
    return m.dot(points.reshape(1, -1, 3), theta.transpose(0, 2, 1)).reshape(2, *shape, 2)


# ---- Regions

def roi_case(r):
    corners = r.uniform(0, 5, (3, 2, 2)).astype(F32)
    boxes = np.sort(corners, 1).reshape(3, 4)
    return Given([usual(r, 2, 3, 6, 7), boxes, r.integers(0, 2, 3)],
                 {"output_height": 2, "output_width": 3, "sampling_ratio": 2, "mode": str(r.choice(["avg", "max"])),
                  "spatial_scale": float(F32(r.uniform(0.6, 1.2)))})


def neighbours(y, x, height, width):
    """Four, in row-major order, and their weights."""
    if not (-1 <= y <= height and -1 <= x <= width):
        return [((0, 0), F32(0))] * 4

    def place(v, size):
        v = max(v, F32(0))
        low = int(v)
        return (size - 1, size - 1, F32(0)) if low >= size - 1 else (low, low + 1, v - F32(low))
    y0, y1, down = place(y, height)
    x0, x1, right = place(x, width)
    up, left = ONE - down, ONE - right
    return [((y0, x0), up * left), ((y0, x1), up * right), ((y1, x0), down * left), ((y1, x1), down * right)]


@row("RoiAlign", roi_case, rounds=4)
def roi_align(m, x, rois, batch, output_height, output_width, sampling_ratio, mode, spatial_scale):
    cells = []
    for n, i, j in itertools.product(range(3), range(output_height), range(output_width)):
        x1, y1, x2, y2 = f32(rois.lo[n]) * F32(spatial_scale) - HALF
        high, wide = (y2 - y1) / F32(output_height), (x2 - x1) / F32(output_width)
        ratio, image, total = F32(sampling_ratio), x[int(batch[n])], None
        for a, b in itertools.product(range(sampling_ratio), repeat=2):
            y = y1 + F32(i) * high + (F32(a) + HALF) * high / ratio
            z = x1 + F32(j) * wide + (F32(b) + HALF) * wide / ratio
            for (p, q), weight in neighbours(y, z, x.shape[2], x.shape[3]):
                if mode == "avg":
                    total = m.fma(float(weight), image[:, p, q], m.zeros(x.shape[1]) if total is None else total)
                else:
                    term = image[:, p, q] * float(weight)
                    total = term if total is None else m.maximum(total, term)
        cells.append(total / float(sampling_ratio**2) if mode == "avg" else total)
    return m.stack(cells).reshape(3, output_height, output_width, x.shape[1]).transpose(0, 3, 1, 2)


@row("DeformConv", lambda r: Given([factors(r, 1, 2, 5, 5), factors(r, 3, 2, 2, 2), usual(r, 1, 8, 4, 4), factors(r, 3),
                                    usual(r, 1, 4, 4, 4)], {"kernel_shape": [2, 2]}), opset=22)
def deform_conv(m, x, w, offset, bias, mask, kernel_shape):
    columns = []
    for tap, (i, j) in enumerate(itertools.product(range(2), repeat=2)):
        points = []
        for p, q in itertools.product(range(4), repeat=2):
            y = m.number(float(p + i)) + offset[0, 2 * tap, p, q]
            z = m.number(float(q + j)) + offset[0, 2 * tap + 1, p, q]
            points.append(between(m, x[0], y, z) * mask[0, tap, p, q])
        columns.append(m.stack(points, 1))
    taps = m.stack(columns, 1).reshape(-1, 16)
    return (m.dot(w.reshape(3, -1), taps) + bias[:, None]).reshape(1, 3, 4, 4)


def between(m, image, y, x):
    """By linear interpolation: weights are steps of the policy; neighbours inside, in row-major order."""
    total = m.zeros(image.shape[0])
    if not (-1 < y.lo < image.shape[1] and -1 < x.lo < image.shape[2]):
        return total
    places = []
    for v in (y, x):
        base = np.floor(v.lo)
        high = v - base
        places.append([(int(base), 1.0 - high), (int(base) + 1, high)])
    for (p, down), (q, right) in itertools.product(*places):
        if 0 <= p < image.shape[1] and 0 <= q < image.shape[2]:
            total = m.fma(down * right, image[:, p, q], total)
    return total


# ---- Made of settings alone

@row("Range", lambda r: Given([f32(r.uniform(*ends)) for ends in ((-3, 3), (20, 30), (0.2, 0.9))]))
def ranged(m, start, limit, delta):
    count = math.ceil((limit.lo - start.lo) / delta.lo)
    return m.number(np.arange(count)) * delta + start


def window(kind, a0, a1, a2=0.0):
    @row(kind, lambda r: Given([np.array(r.integers(2, 60))], {"periodic": int(r.integers(0, 2))}), declared=False)
    def steps(m, size, periodic):
        increment = float(F32(2 * math.pi)) / m.number(float(size if periodic else size - 1))
        w = m.number(np.arange(int(size))) * increment
        y = m.number(float(F32(a0))) - m.function(np.cos, w) * float(F32(a1))
        return y + m.function(np.cos, w * 2.0) * float(F32(a2)) if a2 else y


window("HannWindow", 0.5, 0.5)
window("HammingWindow", 25 / 46, 21 / 46)
window("BlackmanWindow", 0.42, 0.5, 0.08)


@row("MelWeightMatrix", lambda r: Given([np.array(r.integers(3, 9)), np.array(64), np.array(8000), f32(20.0),
                                         f32(3900.0)]))
def mel_weights(m, bands, length, rate, lower, upper):
    """Corners in float64; weights are quotients of integers, rounded once."""
    low, high = (2595 * math.log10(1 + float(f) / 700) for f in (lower.lo, upper.lo))
    step = (high - low) / (bands + 2)
    corners = [math.floor((length + 1) * (700 * (10 ** ((k * step + low) / 2595) - 1)) / rate)
               for k in range(bands + 2)]
    y = np.zeros((length // 2 + 1, bands))
    for band in range(bands):
        left, centre, right = corners[band:band + 3]
        if left == centre:
            y[centre, band] = 1
        for j in range(left, centre + 1):
            if left < centre:
                y[j, band] = (j - left) / (centre - left)
        for j in range(centre, right):
            if centre < right:
                y[j, band] = (right - j) / (right - centre)
    return m.single(m.number(y))


# ---- Transforms: in float64 whatever the policy, rounded once

def transformed(m, spectrum, scale):
    """Bounds of a float64 computation: the result within a little of the largest element's last place."""
    parts = np.stack([spectrum.real, spectrum.imag], -1)
    return type(m.zeros(1))(m, parts - scale * 1e-13, parts + scale * 1e-13)


def direct(signal):
    """The definition, along the last axis."""
    n = signal.shape[-1]
    turns = np.outer(np.arange(n), np.arange(n)) % n
    return signal @ np.exp(-2j * np.pi * turns / n)


@row("DFT", lambda r: Given([usual(r, 2, int(r.integers(3, 40)), 1), None, np.array(1)]))
def dft(m, x, length, axis):
    return transformed(m, direct(x.lo[..., 0]), np.abs(x.lo).sum())


@row("STFT", lambda r: Given([usual(r, 2, 60, 1), np.array(7), np.abs(usual(r, 16)), None], {"onesided": 1}), opset=17)
def stft(m, x, step, window, length, onesided):
    starts = range(0, 60 - 16 + 1, int(step))
    frames = np.stack([x.lo[:, s:s + 16, 0] for s in starts], 1) * window.lo
    return transformed(m, direct(frames)[..., :9], np.abs(x.lo).sum() * np.abs(window.lo).max())


# ---- Boxes: corners, areas and overlaps in float32 whatever the policy

@row("NonMaxSuppression", lambda r: Given([boxes(r), r.random((1, 1, 20)).astype(F32), np.array(9), Typed(f32(0.3)),
                                           Typed(f32(0.2))]), declared=False)
def non_maximum(m, corners, scores, most, overlap, least):
    kept = []
    for i in sorted(range(20), key=lambda k: -scores.lo[0, 0, k]):
        if scores.lo[0, 0, i] > least.lo and len(kept) < most and not any(
                overlaps(f32(corners.lo[0, i]), f32(corners.lo[0, k])) > f32(overlap.lo) for k in kept):
            kept.append(i)
    return np.array([[0, 0, i] for i in kept])


def boxes(r):
    corners = np.sort(r.random((1, 20, 2, 2)), 2)
    return corners.reshape(1, 20, 4).astype(F32)


def overlaps(a, b):
    height, width = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if height <= 0 or width <= 0:
        return F32(0)
    common = height * width
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return common / (areas[0] + areas[1] - common)
