"""Convolutions and poolings, against loops over windows; padding, cropping, resizing."""
import itertools
import math

import numpy as np

from .harness import Cases, noise

cases = Cases()


def same_pads(extents, kernel, stride, top_left=False):
    """Starts, then ends."""
    starts, ends = [], []
    for n, k, s in zip(extents, kernel, stride, strict=True):
        total = max(0, (math.ceil(n / s) - 1) * s + k - n)
        less = total // 2
        starts.append(total - less if top_left else less)
        ends.append(less if top_left else total - less)
    return starts + ends


def windows(x, kernel, stride, pads, dilation=None, value=0.0, extra=None):
    """(output position, window) over the last axes of x, whose pads hold `value`."""
    n = len(kernel)
    dilation = dilation or [1] * n
    extra = extra or [0] * n
    width = [(0, 0)] * (x.ndim - n) + [(pads[i], pads[n + i] + extra[i]) for i in range(n)]
    x = np.pad(x.astype(np.float64), width, constant_values=value)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    out = [(x.shape[x.ndim - n + i] - reach[i]) // stride[i] + 1 for i in range(n)]
    for at in itertools.product(*map(range, out)):
        cut = tuple(slice(a * s, a * s + r, d) for a, s, r, d in zip(at, stride, reach, dilation, strict=True))
        yield out, at, x[(..., *cut)]


def conv(x, w, b=None, stride=None, pads=None, dilation=None, groups=1):
    n = w.ndim - 2
    stride, pads = stride or [1] * n, pads or [0] * 2 * n
    result = None
    for out, at, window in windows(x, w.shape[2:], stride, pads, dilation):
        if result is None:
            result = np.zeros((x.shape[0], w.shape[0], *out))
        for g in range(groups):
            cs, os = w.shape[1], w.shape[0] // groups
            part = np.tensordot(window[:, g * cs:(g + 1) * cs], w[g * os:(g + 1) * os].astype(np.float64),
                                axes=(list(range(1, n + 2)), list(range(1, n + 2))))
            result[(slice(None), slice(g * os, (g + 1) * os), *at)] = part
    return result if b is None else result + b.reshape(-1, *[1] * n)


def deconv(x, w, b=None, stride=None, pads=None, out=None, groups=1):
    """w is [Cin, Cout / groups, ...]."""
    n = w.ndim - 2
    stride, pads = stride or [1] * n, pads or [0] * 2 * n
    k = w.shape[2:]
    full = [(x.shape[2 + i] - 1) * stride[i] + k[i] for i in range(n)]
    y = np.zeros((x.shape[0], w.shape[1] * groups, *[f + 64 for f in full]))
    cs, os = x.shape[1] // groups, w.shape[1]
    for at in itertools.product(*map(range, x.shape[2:])):
        for g in range(groups):
            value = x[(slice(None), slice(g * cs, (g + 1) * cs), *at)].astype(np.float64)
            part = np.tensordot(value, w[g * cs:(g + 1) * cs].astype(np.float64), axes=(1, 0))
            y[(slice(None), slice(g * os, (g + 1) * os),
               *[slice(a * s, a * s + d) for a, s, d in zip(at, stride, k, strict=True)])] += part
    out = out or [full[i] - pads[i] - pads[n + i] for i in range(n)]
    y = y[(..., *[slice(pads[i], pads[i] + out[i]) for i in range(n)])]
    return y if b is None else y + b.reshape(-1, *[1] * n)


def add_conv(name, x, w, expected, legacy=False, bias=None, deconvolve=False, groups=1, **more):
    k = w.shape[2:]
    kernel = w.shape[0] if deconvolve else w.shape[1]
    out = w.shape[1] * groups if deconvolve else w.shape[0]
    stored = np.transpose(w, (2, 3, 0, 1) if deconvolve else (2, 3, 1, 0))
    more = {"border_mode": "valid", "stride_height": 1, "stride_width": 1, **more}
    shape = expected.shape[1:] if legacy else expected.shape
    cases.add(f"convolution-{name}", x[0] if legacy else x,
              lambda b: b.add_convolution("f", kernel, out, k[0], k[1], groups=groups, W=stored, b=bias,
                                          has_bias=bias is not None, is_deconv=deconvolve, input_name="x",
                                          output_name="y", **more),
              expected.reshape(shape), legacy=legacy)


X, W, BIAS = noise(2, 4, 7, 6), noise(3, 4, 3, 2, seed=1, scale=0.5), noise(3, seed=2)
add_conv("plain", X, W, conv(X, W))
add_conv("bias", X, W, conv(X, W, BIAS), bias=BIAS)
add_conv("legacy", X[:1], W, conv(X[:1], W, BIAS), bias=BIAS, legacy=True)
add_conv("stride", X, W, conv(X, W, stride=[2, 3]), stride_height=2, stride_width=3)
add_conv("dilation", X, W, conv(X, W, dilation=[2, 3]), dilation_factors=[2, 3])
add_conv("pads", X, W, conv(X, W, pads=[1, 0, 2, 3]), padding_top=1, padding_bottom=2, padding_left=0, padding_right=3)
for heavy in ("BOTTOM_RIGHT_HEAVY", "TOP_LEFT_HEAVY"):
    for stride in ([1, 1], [2, 3]):
        pads = same_pads(X.shape[2:], [3, 2], stride, heavy.startswith("TOP"))
        add_conv(f"same-{heavy}-{stride[0]}", X, W, conv(X, W, stride=stride, pads=pads), border_mode="same",
                 same_padding_asymmetry_mode=heavy, stride_height=stride[0], stride_width=stride[1])
add_conv("same-dilated", X, W, conv(X, W, dilation=[2, 2], pads=same_pads(X.shape[2:], [5, 3], [1, 1])),
         border_mode="same", dilation_factors=[2, 2])
WG = noise(6, 2, 3, 2, seed=3)
add_conv("groups", X, WG, conv(X, WG, groups=2), groups=2)
X5 = noise(2, 3, 4, 7, 6, seed=4)
cases.add("convolution-rank5", X5,
          lambda b: b.add_convolution("f", 4, 3, 3, 2, 1, 1, "valid", 1, np.transpose(W, (2, 3, 1, 0)), BIAS, True,
                                      input_name="x", output_name="y"),
          conv(X5.reshape(6, 4, 7, 6), W, BIAS).reshape(2, 3, 3, 5, 5))
cases.add("convolution-two-inputs", [X, W],
          lambda b: b.add_convolution("f", 4, 3, 3, 2, 2, 1, "valid", 1, None, None, False, input_name=["x", "z"],
                                      output_name="y"), conv(X, W, stride=[2, 1]))

D, WD, DB = noise(2, 4, 3, 5, seed=5), noise(4, 3, 3, 2, seed=6), noise(3, seed=7)
add_conv("deconv", D, WD, deconv(D, WD, DB), bias=DB, deconvolve=True)
add_conv("deconv-stride-pads", D, WD, deconv(D, WD, stride=[2, 3], pads=[1, 0, 1, 1]), deconvolve=True, stride_height=2,
         stride_width=3, padding_top=1, padding_left=0, padding_bottom=1, padding_right=1)
WDG = noise(4, 3, 3, 2, seed=8)
add_conv("deconv-groups", D, WDG, deconv(D, WDG, stride=[2, 2], groups=2), deconvolve=True, groups=2, stride_height=2,
         stride_width=2)
for heavy in ("BOTTOM_RIGHT_HEAVY", "TOP_LEFT_HEAVY"):
    top = heavy.startswith("TOP")
    starts = [(k - s + (1 if top else 0)) // 2 if k > s else 0 for k, s in zip([3, 2], [2, 1], strict=True)]
    add_conv(f"deconv-same-{heavy}", D, WD, deconv(D, WD, stride=[2, 1], pads=[*starts, 0, 0], out=[6, 5]),
             deconvolve=True, border_mode="same", same_padding_asymmetry_mode=heavy, stride_height=2, stride_width=1)
add_conv("deconv-output-shape", D, WD, deconv(D, WD, stride=[2, 2], pads=[0, 1, 0, 0], out=[7, 8]), deconvolve=True,
         stride_height=2, stride_width=2, output_shape=[7, 8])
add_conv("deconv-output-shape-larger", D, WD, deconv(D, WD, stride=[2, 2], out=[8, 11]), deconvolve=True,
         stride_height=2, stride_width=2, output_shape=[8, 11])

V, W3, B3 = noise(2, 4, 5, 6, 4, seed=9), noise(6, 2, 2, 3, 2, seed=10, scale=0.5), noise(6, seed=11)


def add_conv3d(name, w, expected, deconvolve=False, groups=1, bias=None, x=V, **more):
    out = w.shape[1] * groups if deconvolve else w.shape[0]
    stored = np.transpose(w, (1, 0, 2, 3, 4)) if deconvolve else w
    cases.add(f"convolution3d-{name}", x,
              lambda b: b.add_convolution3d("f", x.shape[1], out, *w.shape[2:], stored, bias, bias is not None, groups,
                                            is_deconv=deconvolve, input_name="x", output_name="y", **more), expected,
              rtol=1e-5, atol=1e-5)


add_conv3d("groups", W3, conv(V, W3, B3, groups=2), groups=2, bias=B3)
add_conv3d("custom", W3, conv(V, W3, stride=[2, 1, 2], pads=[1, 0, 2, 0, 1, 1], groups=2, dilation=[1, 2, 1]), groups=2,
           padding_mode="custom", padding_front=1, padding_back=0, padding_top=0, padding_bottom=1, padding_left=2,
           padding_right=1, stride_depth=2, stride_width=2, dilation_height=2)
add_conv3d("same", W3, conv(V, W3, stride=[2, 2, 2], pads=same_pads(V.shape[2:], W3.shape[2:], [2, 2, 2]), groups=2),
           groups=2, padding_mode="same", stride_depth=2, stride_height=2, stride_width=2)
WD3 = noise(4, 3, 2, 3, 2, seed=12)
add_conv3d("deconv", WD3, deconv(V, WD3, stride=[1, 2, 1], groups=2), deconvolve=True, groups=2, stride_height=2)
add_conv3d("deconv-output-shape", WD3, deconv(V, WD3, out=[6, 7, 5], pads=[0] * 6, groups=2), deconvolve=True, groups=2,
           output_shape=[6, 7, 5])


POOLS = {"MAX": lambda x, axes, _: x.max(axes), "AVERAGE": lambda x, axes, count: x.sum(axes) / count.sum(),
         "L2": lambda x, axes, _: np.sqrt((x**2).sum(axes))}


def pool(x, kind, kernel, stride, pads, exclude=True, extra=None):
    result, counts = None, None
    n = len(kernel)
    ones = np.ones(x.shape[-n:])
    if not exclude:  # padding counts, what hangs over behind it does not
        ones = np.pad(ones, [(pads[i], pads[n + i]) for i in range(n)], constant_values=1)
        counts = windows(ones, kernel, stride, [0] * 2 * n, extra=extra)
    else:
        counts = windows(ones, kernel, stride, pads, extra=extra)
    value = -np.inf if kind == "MAX" else 0
    for (out, at, window), (_, _, count) in zip(windows(x, kernel, stride, pads, value=value, extra=extra), counts,
                                                strict=True):
        if result is None:
            result = np.zeros((*x.shape[:-n], *out))
        axes = tuple(range(-n, 0))
        result[(..., *at)] = POOLS[kind](window, axes, count)
    return result


def last_pixel(n, k, s, p, any_padding):
    """Extent of the output, and how far the last window hangs over the padding."""
    out = math.ceil((n + 2 * p - k) / s) + 1
    if any_padding and (out - 1) * s >= n + p:
        out -= 1
    return max(0, (out - 1) * s + k - (n + 2 * p))


M = noise(2, 3, 7, 6, seed=13)
for kind in ("MAX", "AVERAGE", "L2"):
    for exclude in (True, False) if kind == "AVERAGE" else (True,):
        tag = f"{kind}-{'exclude' if exclude else 'include'}"
        for stride, p in (([2, 2], [1, 0, 1, 1]), ([1, 3], [0, 0, 0, 0])):
            cases.add(f"pooling-{tag}-valid-{stride[1]}", M,
                      lambda b, kind=kind, s=stride, p=p, e=exclude: b.add_pooling(
                          "f", 3, 2, *s, kind, "VALID", "x", "y", e, False, p[0], p[2], p[1], p[3]),
                      pool(M, kind, [3, 2], stride, p, exclude))
        for heavy in ("BOTTOM_RIGHT_HEAVY", "TOP_LEFT_HEAVY"):
            pads = same_pads([7, 6], [3, 2], [2, 1], heavy.startswith("TOP"))
            cases.add(f"pooling-{tag}-same-{heavy}", M,
                      lambda b, kind=kind, e=exclude, h=heavy: b.add_pooling(
                          "f", 3, 2, 2, 1, kind, "SAME", "x", "y", e, False, same_padding_asymmetry_mode=h),
                      pool(M, kind, [3, 2], [2, 1], pads, exclude))
        for p in ([0, 0], [1, 1], [1, 0]):
            extra = [last_pixel(n, k, s, q, any(p)) for n, k, s, q in zip([7, 6], [3, 3], [3, 2], p, strict=True)]
            cases.add(f"pooling-{tag}-last-{p[0]}{p[1]}", M,
                      lambda b, kind=kind, e=exclude, p=p: b.add_pooling(
                          "f", 3, 3, 3, 2, kind, "INCLUDE_LAST_PIXEL", "x", "y", e, False, p[0], p[0], p[1], p[1]),
                      pool(M, kind, [3, 3], [3, 2], [*p, *p], exclude, extra))
    full = {"MAX": M.max((2, 3)), "AVERAGE": M.mean((2, 3)), "L2": np.sqrt((M.astype(np.float64)**2).sum((2, 3)))}[kind]
    cases.add(f"pooling-{kind}-global", M,
              lambda b, kind=kind: b.add_pooling("f", 3, 3, 1, 1, kind, "VALID", "x", "y", is_global=True),
              full[..., None, None])
cases.add("pooling-legacy", M[0], lambda b: b.add_pooling("f", 2, 2, 2, 2, "MAX", "VALID", "x", "y"),
          pool(M[0], "MAX", [2, 2], [2, 2], [0] * 4), legacy=True)
cases.add("pooling-rank5", X5, lambda b: b.add_pooling("f", 2, 2, 2, 2, "AVERAGE", "VALID", "x", "y"),
          pool(X5, "AVERAGE", [2, 2], [2, 2], [0] * 4))
for kind in ("MAX", "AVERAGE"):
    for count in (True, False):
        cases.add(f"pooling3d-{kind}-{count}", V,
                  lambda b, kind=kind, e=count: b.add_pooling3d(
                      "f", "x", "y", kind, 2, 3, 2, 1, 2, 2, "CUSTOM", 1, 0, 1, 1, 0, 1,
                      average_pooling_count_excludes_padding=e),
                  pool(V, kind, [2, 3, 2], [1, 2, 2], [1, 1, 0, 0, 1, 1], count))
    cases.add(f"pooling3d-{kind}-same", V,
              lambda b, kind=kind: b.add_pooling3d("f", "x", "y", kind, 2, 3, 2, 2, 2, 2, "SAME",
                                                   average_pooling_count_excludes_padding=True),
              pool(V, kind, [2, 3, 2], [2, 2, 2], same_pads(V.shape[2:], [2, 3, 2], [2, 2, 2])))
    cases.add(f"globalPooling3d-{kind}", V, lambda b, kind=kind: b.add_global_pooling3d("f", "x", "y", kind),
              (V.max((2, 3, 4)) if kind == "MAX" else V.mean((2, 3, 4), dtype=np.float64))[..., None, None, None])

P = noise(2, 3, 4, seed=14)
for mode, np_mode in (("constant", "constant"), ("reflection", "reflect"), ("replication", "edge")):
    more = {"constant_values": 1.5} if mode == "constant" else {}
    cases.add(f"padding-{mode}", P,
              lambda b, mode=mode: b.add_padding("f", 1, 2, 2, 0, 1.5 if mode == "constant" else 0, "x", "y", mode),
              np.pad(P, ((0, 0), (2, 0), (1, 2)), np_mode, **more))
cases.add("crop", M[0], lambda b: b.add_crop("f", 1, 2, 3, 0, None, ["x"], "y"), M[0][:, 3:, 1:-2], legacy=True)
cases.add("crop-two", [M, np.zeros((2, 3, 4, 2))], lambda b: b.add_crop("f", 0, 0, 0, 0, [2, 1], ["x", "z"], "y"),
          M[:, :, 2:6, 1:3])


def grid(mode, extent, count):
    i = np.arange(count)
    if mode == "STRICT_ALIGN_ENDPOINTS_MODE":
        g = np.linspace(0, extent - 1, count) if count > 1 else np.zeros(1)
    elif mode == "ALIGN_ENDPOINTS_MODE":
        g = np.linspace(0, extent - 1, count) if count > 1 else np.array([(extent - 1) / 2])
    elif mode in ("UPSAMPLE_MODE", "DEFAULT"):
        g = i * extent / count
    elif mode == "ROI_ALIGN_MODE":
        g = (i + 0.5) * max(1, extent - 1) / count
    else:  # align corners is false
        g = (i + 0.5) * extent / count - 0.5
    return np.clip(g, 0, extent - 1)


def sample(x, axis, points):
    """Linear interpolation along an axis."""
    low = np.floor(points).astype(int)
    high = np.minimum(low + 1, x.shape[axis] - 1)
    shape = [1] * x.ndim
    shape[axis] = -1
    f = (points - low).reshape(shape)
    return np.take(x, low, axis) * (1 - f) + np.take(x, high, axis) * f


def resize(x, mode, height, width):
    x = x.astype(np.float64)
    return sample(sample(x, x.ndim - 2, grid(mode, x.shape[-2], height)), x.ndim - 1, grid(mode, x.shape[-1], width))


R = noise(2, 4, 5, seed=15)
for mode in ("STRICT_ALIGN_ENDPOINTS_MODE", "ALIGN_ENDPOINTS_MODE", "UPSAMPLE_MODE", "ROI_ALIGN_MODE"):
    for h, w in ((7, 3), (1, 10)):
        cases.add(f"resizeBilinear-{mode}-{h}", R,
                  lambda b, m=mode, h=h, w=w: b.add_resize_bilinear("f", "x", "y", h, w, m), resize(R, mode, h, w),
                  legacy=True, rtol=1e-5, atol=1e-5)
cases.add("upsample-nearest", R, lambda b: b.add_upsample("f", 2, 3, "x", "y", "NN"), R.repeat(2, 1).repeat(3, 2),
          legacy=True)
for mode, kind in (("DEFAULT", "UPSAMPLE_MODE"), ("ALIGN_CORNERS_TRUE", "STRICT_ALIGN_ENDPOINTS_MODE"),
                   ("ALIGN_CORNERS_FALSE", "half")):
    cases.add(f"upsample-{mode}", R,
              lambda b, m=mode: b.add_upsample("f", 2, 3, "x", "y", "BILINEAR", m), resize(R, kind, 8, 15), rtol=1e-5,
              atol=1e-5)
cases.add("upsample-fractional", R, lambda b: b.add_upsample("f", 1.5, 2.5, "x", "y", "BILINEAR", "ALIGN_CORNERS_TRUE"),
          resize(R, "STRICT_ALIGN_ENDPOINTS_MODE", 6, 12), rtol=1e-5, atol=1e-5)

IMAGE = noise(1, 2, 3, 6, 8, seed=16)
BOX = np.array([[1, 1.5, 4, 6], [0, 0, 5, 7], [2, 3, 2, 3.5]])


def crop_resize(x, box, height, width):
    """One image [C, H, W], corners (top, left, bottom, right), upsampling grid."""
    rows = np.minimum(box[0] + np.arange(height) * (box[2] - box[0] + 1) / height, box[2])
    columns = np.minimum(box[1] + np.arange(width) * (box[3] - box[1] + 1) / width, box[3])
    return sample(sample(x.astype(np.float64), 1, rows), 2, columns)


ALL = np.stack([[crop_resize(IMAGE[0, i], box, 3, 2) for i in range(2)] for box in BOX])
cases.add("cropResize", [IMAGE, BOX.reshape(3, 1, 4, 1, 1)],
          lambda b: b.add_crop_resize("f", ["x", "z"], "y", 3, 2, "UPSAMPLE_MODE"), ALL, rtol=1e-5, atol=1e-5)
WHICH = np.concatenate([[[1], [0], [1]], BOX], 1)
PICK = np.stack([ALL[n, i] for n, i in enumerate((1, 0, 1))])[:, None]
cases.add("cropResize-indexed", [IMAGE, WHICH.reshape(3, 1, 5, 1, 1)],
          lambda b: b.add_crop_resize("f", ["x", "z"], "y", 3, 2, "UPSAMPLE_MODE"), PICK, rtol=1e-5, atol=1e-5)
CENTER = np.stack([(BOX[:, 1] + BOX[:, 3]) / 2, (BOX[:, 0] + BOX[:, 2]) / 2, BOX[:, 3] - BOX[:, 1],
                   BOX[:, 2] - BOX[:, 0]], 1)
cases.add("cropResize-center-normalised", [IMAGE, (CENTER / [7, 5, 7, 5] / 0.5).reshape(3, 1, 4, 1, 1)],
          lambda b: b.add_crop_resize("f", ["x", "z"], "y", 3, 2, "UPSAMPLE_MODE", True, "CENTER_SIZE_WIDTH_FIRST",
                                      0.5), ALL, rtol=1e-4, atol=1e-4)
