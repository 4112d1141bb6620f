"""Random cases of transforms, windows, grids, regions and losses; of random operators those whose result is certain."""
import numpy as np

from differential.harness import Case

F32, F64, I64 = np.float32, np.float64, np.int64


def window(r, kind):
    types = [1, 11] if kind == "HannWindow" else [1]  # coefficients of the others are theirs in float32
    return Case(kind, [np.array(r.int(2, 40), r.pick([np.int32, I64]))],
                {"periodic": r.int(0, 1), "output_datatype": r.pick(types)}, opset=17)


def dft(r, _):
    dtype = F32  # their twiddle factors are no better in float64
    form = r.pick(["complex", "real", "half", "inverse"])
    shape = (*r.shape(least=1, most=3, largest=r.pick([5, 17, 70])), 2 if form in ("complex", "inverse") else 1)
    axis = r.int(0, len(shape) - 2)
    length = np.array(r.int(1, 40), I64) if r.coin(0.3) else None
    attributes = {"inverse": int(form == "inverse"), "onesided": int(form == "half")}
    if r.coin():
        return Case("DFT", [r.floats(shape, dtype), length], attributes | {"axis": axis}, opset=r.pick([17, 19]))
    place = axis - len(shape) if r.coin() else axis
    return Case("DFT", [r.floats(shape, dtype), length, np.array(place, I64)], attributes, opset=20)


def stft(r, _):
    dtype, length = F32, r.int(2, 24)
    signal = r.floats((r.int(1, 3), r.int(length, 90), 1), dtype)
    step = np.array(r.int(1, 9), I64)
    if r.coin():
        return Case("STFT", [signal, step, None, np.array(length, I64)], {"onesided": r.int(0, 1)}, opset=17)
    return Case("STFT", [signal, step, r.floats((length,), dtype, 0, 1)], {"onesided": r.int(0, 1)}, opset=17)


def mel(r, _):
    length, rate = r.int(16, 200), r.int(4000, 20000)
    numbers = [np.array(v, I64) for v in (r.int(1, 12), length, rate)]
    return Case("MelWeightMatrix", [*numbers, F32(r.int(0, 300)), F32(rate / 2 - r.int(1, 900))], opset=17)


def det(r, _):
    n = r.int(1, 6)
    return Case("Det", [r.floats((*r.shape(most=2), n, n), F32)])


def affine_grid(r, _):
    axes, images = r.int(2, 3), r.int(1, 3)
    size = np.array([images, 2, *(r.int(2, 5) for _ in range(axes))], I64)
    return Case("AffineGrid", [r.floats((images, axes, axes + 1)), size], {"align_corners": r.int(0, 1)}, opset=20)


def deform_conv(r, _):
    groups, offset_groups = r.int(1, 2), r.int(1, 2)
    images, channels, kernel = r.int(1, 2), groups * offset_groups * r.int(1, 2), [r.int(1, 3), r.int(1, 3)]
    size, strides, dilations = [r.int(5, 8), r.int(5, 8)], [r.int(1, 2), r.int(1, 2)], [r.int(1, 2), r.int(1, 2)]
    pads = [r.int(0, 1) for _ in range(4)]
    out = [(size[k] + pads[k] + pads[k + 2] - (kernel[k] - 1) * dilations[k] - 1) // strides[k] + 1 for k in range(2)]
    taps, outputs = kernel[0] * kernel[1], groups * r.int(1, 3)
    inputs = [r.floats((images, channels, *size)), r.floats((outputs, channels // groups, *kernel)),
              r.floats((images, offset_groups * taps * 2, *out)), r.floats((outputs,)) if r.coin() else None,
              r.floats((images, offset_groups * taps, *out), low=0, high=1) if r.coin() else None]
    return Case("DeformConv", inputs, {"group": groups, "offset_group": offset_groups, "strides": strides,
                                       "dilations": dilations, "pads": pads, "kernel_shape": kernel})


def max_roi_pool(r, _):
    images, size = r.int(1, 3), [r.int(4, 9), r.int(4, 9)]
    rois = [[r.int(0, images - 1), *(r.int(0, 6) for _ in range(2)), *(r.int(4, 12) for _ in range(2))]
            for _ in range(r.int(1, 4))]
    # Cells of a size that float32 holds exactly: elsewhere theirs are cut by rounded multiples.
    return Case("MaxRoiPool", [r.floats((images, r.int(1, 3), *size)), np.array(rois, F32)],
                {"pooled_shape": [r.pick([1, 2, 4]), r.pick([1, 2, 4])], "spatial_scale": r.pick([1.0, 0.5])}, opset=1)


def loss(r, kind):
    shape = (r.int(1, 4), r.int(2, 20), *r.shape(most=2))
    targets = np.asarray(r.rng.integers(0, shape[1], (shape[0], *shape[2:]))).astype(r.pick([np.int32, I64]))
    x = r.floats(shape, low=-5, high=5)
    attributes = {"reduction": r.pick(["none", "mean", "sum"])}
    if r.coin():
        attributes["ignore_index"] = r.pick([-1, r.int(0, shape[1] - 1)])
        if attributes["ignore_index"] < 0 and targets.size > 1:
            targets.reshape(-1)[0] = -1
        elif targets.size > 1:
            targets.reshape(-1)[-1] = (attributes["ignore_index"] + 1) % shape[1]
    weights = r.floats(shape[1:2], low=0.1, high=2) if r.coin() else None
    outputs = r.int(1, 2) if kind == "SoftmaxCrossEntropyLoss" else 1
    return Case(kind, [x, targets, weights], attributes, outputs=outputs, opset=13)


def narrow_normal(r, kind):
    """So narrow that every number rounds to the mean; theirs ends where the scale is 0."""
    attributes = {"mean": r.pick([-2.0, -0.5, 0.25, 3.0]), "scale": 1e-20, "dtype": r.pick([1, 11])}
    if kind == "RandomNormal":
        return Case(kind, [], attributes | {"shape": list(r.shape(least=1))}, opset=1)
    return Case(kind, [r.floats(r.shape())], attributes, opset=1)


def no_numbers(r, kind):
    shape = r.shape(least=1, empty=1)
    attributes = {"dtype": r.pick([1, 11])}
    if kind == "RandomUniform":
        return Case(kind, [], attributes | {"shape": list(shape)}, opset=1)
    return Case(kind, [r.floats(shape)], attributes, opset=1)


def certain(r, _):
    probabilities = r.bools(r.shape(least=1)).astype(r.pick([F32, F64]))
    return Case("Bernoulli", [probabilities], {"dtype": r.pick([1, 6, 9, 11])}, opset=15)


def one_class(r, _):
    x = np.full((r.int(1, 4), r.int(1, 6)), -1000, F32)
    for row in x:
        row[r.int(0, len(row) - 1)] = 0
    return Case("Multinomial", [x], {"sample_size": r.int(1, 5), "dtype": r.pick([6, 7])}, opset=7)


CASES = {
    "HannWindow": window, "HammingWindow": window, "BlackmanWindow": window, "DFT": dft, "STFT": stft,
    "MelWeightMatrix": mel, "Det": det, "AffineGrid": affine_grid, "DeformConv": deform_conv,
    "MaxRoiPool": max_roi_pool, "NegativeLogLikelihoodLoss": loss, "SoftmaxCrossEntropyLoss": loss,
    "RandomNormal": narrow_normal, "RandomNormalLike": narrow_normal, "RandomUniform": no_numbers,
    "RandomUniformLike": no_numbers, "Bernoulli": certain, "Multinomial": one_class,
}
