"""Random cases of reductions, poolings, softmax, normalisations, products, convolutions and recurrences."""
import numpy as np

from differential.harness import Case

F32, F64, I64 = np.float32, np.float64, np.int64
REDUCTIONS = ["ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
              "ReduceProd", "ReduceSum", "ReduceSumSquare"]


def reduction(r, kind):
    shape = r.shape(least=0, largest=7)
    if r.coin(0.3):
        shape = (r.int(1, 3), r.int(17, 70))
    dtype = r.pick([F32, F32, F64, np.int32]) if kind not in ("ReduceLogSum", "ReduceL2", "ReduceLogSumExp") else F32
    x = r.floats(shape, dtype, 0.5, 2) if kind == "ReduceLogSum" else r.values(shape, dtype, special=r.coin(0.2))
    if kind in ("ReduceProd", "ReduceMean"):  # nothing that overflows or, as an integer, is divided with a remainder
        x = r.values(shape, dtype, low=0.3, high=2)
        x = np.asarray(x if dtype != np.int32 else np.full_like(x, r.int(-1, 1)))
    axes = np.array(r.axes(len(shape)), I64) if shape and r.coin(0.8) else None
    attributes = {"keepdims": r.int(0, 1)}
    if axes is None:
        attributes["noop_with_empty_axes"] = r.int(0, 1)
    return Case(kind, [x, axes], attributes, weights=(1,))


def cumulative(r, kind):
    shape = r.shape(least=1, largest=7)
    dtype = r.pick([F32, F64, np.int32, I64])
    x = r.values(shape, dtype)
    return Case(kind, [x, np.array(r.axis(len(shape)), r.pick([np.int32, I64]))],
                {"exclusive": r.int(0, 1), "reverse": r.int(0, 1)}, opset=26 if kind == "CumProd" else 22)


def softmax(r, kind):
    shape = r.shape(least=1, largest=20)
    x = r.floats(shape, r.pick([F32, F32, F64]), -8, 8)
    return Case(kind, [x], {"axis": r.axis(len(shape))})


def window(r, spatial, size, *, dilated=True):
    """Attributes of a random window over `size` that fits at least once."""
    kernel = [r.int(1, min(3, d)) for d in size]
    attributes = {"kernel_shape": kernel}
    dilations = [1] * spatial
    if dilated and r.coin(0.4):
        dilations = [r.int(1, 2) if (k - 1) * 2 + 1 <= d else 1 for k, d in zip(kernel, size, strict=True)]
        attributes["dilations"] = dilations
    if r.coin(0.7):
        attributes["strides"] = [r.int(1, 3) for _ in size]
    choice = r.int(0, 3)
    if choice == 0:
        attributes["pads"] = [r.int(0, k - 1) for k in kernel] + [r.int(0, k - 1) for k in kernel]
    elif choice == 1 and dilations == [1] * spatial:
        attributes["auto_pad"] = r.pick(["SAME_UPPER", "SAME_LOWER", "VALID"])
        if "strides" in attributes:
            attributes["strides"] = [min(s, k) for s, k in zip(attributes["strides"], kernel, strict=True)]
    return attributes


def pool(r, kind):
    spatial = r.int(1, 3)
    size = r.shape(spatial, largest=8)
    attributes = window(r, spatial, size)
    outputs = 1
    if "auto_pad" not in attributes and r.coin(0.3):
        attributes["ceil_mode"] = 1
    if kind == "AveragePool":
        attributes["count_include_pad"] = r.int(0, 1)
    if kind == "LpPool":
        attributes["p"] = r.int(1, 3)
    if kind == "MaxPool":
        outputs = r.int(1, 2)
    return Case(kind, [r.floats((r.int(1, 2), r.int(1, 4), *size))], attributes, outputs=outputs)


def max_unpool(r, _):
    n, c, h, w = r.shape(4, largest=3)
    x = r.floats((n, c, h, w))
    cells = np.stack([r.rng.permutation(4 * h * w)[:h * w] for _ in range(n * c)]).reshape(x.shape)
    places = cells + np.arange(n * c).reshape(n, c, 1, 1) * 4 * h * w
    return Case("MaxUnpool", [x, places.astype(I64)], {"kernel_shape": [2, 2], "strides": [2, 2]})


def global_pool(r, kind):
    shape = (r.int(1, 2), r.int(1, 4), *r.shape(least=1, most=3, largest=9))
    return Case(kind, [r.floats(shape)], {"p": r.int(1, 3)} if kind == "GlobalLpPool" else {}, opset=21)


def batch_norm(r, _):
    shape = (r.int(1, 3), r.int(1, 5), *r.shape(most=3))
    c = shape[1:2]
    inputs = [r.floats(shape), r.floats(c), r.floats(c), r.floats(c), r.floats(c, low=0.1, high=3)]
    return Case("BatchNormalization", inputs, {"epsilon": 1e-3} if r.coin() else {})


def layer_norm(r, kind):
    shape = (*r.shape(least=1, most=2), r.int(3, 40))
    axis = r.axis(len(shape))
    inner = shape[axis:] if axis >= 0 else shape[len(shape) + axis:]
    inputs = [r.floats(shape), r.floats(inner)]
    if kind == "RMSNormalization":
        return Case(kind, inputs, {"axis": axis}, opset=23)
    return Case(kind, [*inputs, r.floats(inner) if r.coin() else None], {"axis": axis, "epsilon": 1e-3})


def channel_norm(r, kind):
    groups = r.int(1, 3)
    c = groups * r.int(1, 3)
    x = r.floats((r.int(1, 2), c, r.int(6, 9), *r.shape(most=1)))  # few elements may lie so close that all is noise
    if kind == "GroupNormalization":
        return Case(kind, [x, r.floats((c,)), r.floats((c,))], {"num_groups": groups, "epsilon": 1e-3})
    return Case(kind, [x, r.floats((c,)), r.floats((c,))], {"epsilon": 1e-3})


def mean_variance(r, _):
    x = r.floats((r.int(1, 3), r.int(5, 9), r.int(3, 6), r.int(3, 6)))
    return Case("MeanVarianceNormalization", [x], {"axes": r.pick([[0, 2, 3], [2, 3], [1]])} if r.coin() else {})


def lp_norm(r, _):
    shape = r.shape(least=1, largest=9)
    return Case("LpNormalization", [r.floats(shape)], {"axis": r.axis(len(shape)), "p": r.int(1, 2)})


def lrn(r, _):
    return Case("LRN", [r.floats((r.int(1, 2), r.int(1, 7), *r.shape(2)))],
                {"size": r.pick([1, 3, 5]), "alpha": 0.01, "beta": 0.75, "bias": 1.5})


CASES = {
    **dict.fromkeys(REDUCTIONS, reduction), "CumProd": cumulative, "CumSum": cumulative, "Softmax": softmax,
    "LogSoftmax": softmax, "AveragePool": pool, "MaxPool": pool, "LpPool": pool, "MaxUnpool": max_unpool,
    "GlobalAveragePool": global_pool, "GlobalMaxPool": global_pool, "GlobalLpPool": global_pool,
    "BatchNormalization": batch_norm, "LayerNormalization": layer_norm, "RMSNormalization": layer_norm,
    "GroupNormalization": channel_norm, "InstanceNormalization": channel_norm,
    "MeanVarianceNormalization": mean_variance, "LpNormalization": lp_norm, "LRN": lrn}
