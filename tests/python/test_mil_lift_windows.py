"""Convolutions and poolings of ML Programs against NumPy."""
import itertools

import numpy as np
import pytest
from mil_programs import close, mb, run
from numpy.lib.stride_tricks import sliding_window_view

RNG = np.random.default_rng(11)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def pads_of(extents, kernel, strides, dilations, pad_type, pad):
    """(begin, end) of each spatial axis."""
    if pad_type == "valid":
        return [(0, 0)] * len(extents)
    if pad_type == "custom":
        return list(zip(pad[::2], pad[1::2], strict=True))
    total = [max(0, (-(-n // s) - 1) * s + (k - 1) * d + 1 - n)
             for n, k, s, d in zip(extents, kernel, strides, dilations, strict=True)]
    upper = [(t // 2, t - t // 2) for t in total]
    return upper if pad_type == "same" else [(e, b) for b, e in upper]


def windows(x, kernel, strides, dilations, pads, value=0.0):
    """[n, c, *out, *kernel]"""
    padded = np.pad(x, [(0, 0), (0, 0), *pads], constant_values=value)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    axes = tuple(range(2, x.ndim))
    view = sliding_window_view(padded, reach, axes)
    steps = tuple(slice(None, None, s) for s in strides)
    taps = tuple(slice(None, None, d) for d in dilations)
    return view[(slice(None), slice(None), *steps, *taps)]


def conv(x, w, strides, dilations, pads, groups):
    seen = windows(x, w.shape[2:], strides, dilations, pads)
    spatial = x.ndim - 2
    out = []
    for g in range(groups):
        a, b = x.shape[1] // groups, w.shape[0] // groups
        part = seen[:, g * a:(g + 1) * a].astype(np.float64)
        axes = ([1, *range(2 + spatial, 2 + 2 * spatial)], [1, *range(2, 2 + spatial)])
        out.append(np.moveaxis(np.tensordot(part, w[g * b:(g + 1) * b], axes), -1, 1))
    return np.concatenate(out, 1)


CONVOLUTIONS = [
    # spatial extents, kernel, strides, dilations, groups, pad_type, pad
    ((7,), (3,), (1,), (1,), 1, "valid", None),
    ((8,), (3,), (2,), (2,), 2, "custom", (2, 1)),
    ((6, 7), (3, 2), (1, 2), (1, 1), 1, "custom", (1, 0, 2, 3)),
    ((6, 7), (3, 4), (2, 3), (2, 1), 2, "same", None),
    ((6, 7), (2, 4), (1, 2), (1, 1), 1, "same_lower", None),
    ((4, 5, 6), (2, 3, 2), (1, 2, 1), (1, 1, 2), 1, "custom", (0, 1, 1, 1, 2, 0)),
]


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
@pytest.mark.parametrize("target", ("iOS16", "iOS17"))
def test_convolution(assay, tmp_path, case, target):
    extents, kernel, strides, dilations, groups, pad_type, pad = case
    x, w, b = floats(2, 4, *extents), floats(6, 4 // groups, *kernel), floats(6)
    words = {"strides": strides, "dilations": dilations, "groups": groups, "pad_type": pad_type,
             **({"pad": pad} if pad else {})}
    found = run(assay, tmp_path, lambda a: [mb.conv(x=a, weight=w, **words), mb.conv(x=a, weight=w, bias=b, **words)],
        [x], target)
    wanted = conv(x, w, strides, dilations, pads_of(extents, kernel, strides, dilations, pad_type, pad), groups)
    close(found[0], wanted)
    close(found[1], wanted + b.reshape(-1, *[1] * len(extents)))


def test_convolution_with_weights_of_the_run(assay, tmp_path):
    x, w = floats(1, 3, 5, 5), floats(2, 3, 3, 3)
    found, = run(assay, tmp_path, lambda a, b: mb.conv(x=a, weight=b), [x, w])
    close(found, conv(x, w, (1, 1), (1, 1), [(0, 0)] * 2, 1))


def conv_transpose(x, w, strides, dilations, groups):
    """The full result, without padding."""
    spatial = x.ndim - 2
    full = [(n - 1) * s + (k - 1) * d + 1
            for n, s, k, d in zip(x.shape[2:], strides, w.shape[2:], dilations, strict=True)]
    each, out = x.shape[1] // groups, w.shape[1]
    y = np.zeros((x.shape[0], out * groups, *full))
    for at in itertools.product(*map(range, x.shape[2:])):
        for tap in itertools.product(*map(range, w.shape[2:])):
            to = tuple(a * s + t * d for a, s, t, d in zip(at, strides, tap, dilations, strict=True))
            for g in range(groups):
                part = x[(slice(None), slice(g * each, (g + 1) * each), *at)] @ \
                    w[(slice(g * each, (g + 1) * each), slice(None), *tap)]
                y[(slice(None), slice(g * out, (g + 1) * out), *to)] += part
    assert spatial == len(full)
    return y


TRANSPOSED = [
    # extents, kernel, strides, dilations, groups, pad_type, pad, output extents, cut in front
    ((5,), (3,), (2,), (1,), 1, "valid", None, None, (0,)),
    ((4, 5), (3, 2), (2, 1), (1, 2), 2, "valid", None, None, (0, 0)),
    ((4, 5), (3, 4), (2, 3), (1, 1), 1, "custom", (1, 0, 2, 1), None, (1, 2)),
    ((4, 5), (3, 4), (2, 3), (1, 1), 1, "same", None, None, (0, 0)),
    ((4, 5), (4, 4), (2, 1), (1, 1), 1, "same", None, None, (1, 1)),
    ((4, 5), (3, 3), (2, 2), (1, 1), 1, "custom", (1, 1, 1, 1), (8, 10), (1, 1)),
    ((4, 5), (3, 3), (2, 2), (1, 1), 1, "same", None, (7, 10), (1, 0)),
    ((2, 3, 3), (2, 2, 3), (1, 2, 2), (1, 1, 1), 1, "valid", None, None, (0, 0, 0)),
]


@pytest.mark.parametrize("case", TRANSPOSED, ids=str)
def test_transposed_convolution(assay, tmp_path, case):
    extents, kernel, strides, dilations, groups, pad_type, pad, out, front = case
    x, w, b = floats(2, 4, *extents), floats(4, 3, *kernel), floats(3 * groups)
    words = {"strides": strides, "dilations": dilations, "groups": groups, "pad_type": pad_type,
             **({"pad": pad} if pad else {}), **({"output_shape": (2, 3 * groups, *out)} if out else {})}
    found, = run(assay, tmp_path, lambda a: mb.conv_transpose(x=a, weight=w, bias=b, **words), [x])
    full = conv_transpose(x, w, strides, dilations, groups)
    kept = full[(slice(None), slice(None), *(slice(f, f + n) for f, n in zip(front, found.shape[2:], strict=True)))]
    wanted = np.zeros(found.shape)  # what lies behind the full result is the bias alone
    wanted[tuple(slice(n) for n in kept.shape)] = kept
    close(found, wanted + b.reshape(-1, *[1] * len(extents)))


POOLS = [
    # extents, kernel, strides, pad_type, pad, ceil
    ((7,), (3,), (2,), "valid", None, False),
    ((7, 8), (3, 2), (1, 1), "custom", (1, 0, 1, 1), False),
    ((7, 8), (3, 2), (2, 3), "same", None, False),
    ((7, 8), (2, 3), (2, 3), "valid", None, True),
    ((6, 8), (3, 3), (2, 2), "custom", (1, 1, 1, 1), True),
    ((4, 5, 6), (2, 2, 3), (2, 1, 2), "valid", None, False),
    ((4, 5), (2, 4), (1, 2), "same_lower", None, False),
]


@pytest.mark.parametrize("case", POOLS, ids=str)
def test_poolings(assay, tmp_path, case):
    extents, kernel, strides, pad_type, pad, ceil = case
    x = floats(2, 3, *extents)
    words = {"kernel_sizes": kernel, "strides": strides, "pad_type": pad_type, "ceil_mode": ceil,
             **({"pad": pad} if pad else {})}
    flat = len(extents) < 3  # windows over three axes have no L2
    found = run(assay, tmp_path, lambda a: [
        mb.max_pool(x=a, **words), mb.avg_pool(x=a, **words),
        mb.avg_pool(x=a, exclude_padding_from_average=True, **words), *([mb.l2_pool(x=a, **words)] if flat else [])],
        [x], "iOS16")
    ones = (1,) * len(extents)
    pads = pads_of(extents, kernel, strides, ones, pad_type, pad)
    behind = [0] * len(extents)  # what ceil_mode adds behind the pads: it is never counted
    if ceil:
        for i, (n, k, s, (b, e)) in enumerate(zip(extents, kernel, strides, pads, strict=True)):
            out = (n + b + e - k + s - 1) // s + 1
            if b + e > 0 and (out - 1) * s >= n + b:
                out -= 1
            behind[i] = max(0, (out - 1) * s + k - n - b - e)
    wide = [(b, e + more) for (b, e), more in zip(pads, behind, strict=True)]
    axes = tuple(range(x.ndim, 2 * x.ndim - 2))
    real = windows(np.pad(np.ones_like(x), [(0, 0)] * x.ndim), kernel, strides, ones, wide).sum(axes)
    counted = windows(np.pad(np.ones_like(x), [(0, 0), (0, 0), *pads], constant_values=1), kernel, strides, ones,
                      [(0, more) for more in behind]).sum(axes)
    sums = windows(x, kernel, strides, ones, wide).sum(axes)
    close(found[0], windows(x, kernel, strides, ones, wide, -np.inf).max(axes))
    close(found[1], sums / counted)
    close(found[2], sums / real)
    if flat:
        close(found[3], np.sqrt((windows(x, kernel, strides, ones, wide) ** 2).sum(axes)))
