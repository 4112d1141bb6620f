"""Random cases of operators as older operator sets wrote them: what the importer upgrades."""
import numpy as np

from differential.harness import Case

F32, I64 = np.float32, np.int64


def axes_attribute(r, kind):
    """Squeeze, Unsqueeze and reductions, whose axes were an attribute."""
    if kind in ("Squeeze", "Unsqueeze"):
        shape = list(r.shape(most=3))
        places = sorted(r.rng.permutation(len(shape) + 2)[:2].tolist())
        if kind == "Squeeze":
            for p in places:
                shape.insert(p, 1)
        return Case(kind, [r.floats(shape)], {"axes": places}, opset=r.pick([1, 9, 11]))
    shape = r.shape(least=1, largest=6)
    opset = r.pick([1, 11] if kind == "ReduceSum" else [7, 11, 13])
    axes = sorted({a % len(shape) for a in r.axes(len(shape))})
    if opset >= 11 and r.coin():
        axes = [a - len(shape) for a in axes]
    attributes = {"keepdims": r.int(0, 1)} | ({"axes": axes} if r.coin(0.8) else {})
    return Case(kind, [r.floats(shape, low=0.5, high=2)], attributes, opset=opset)


def slice_attributes(r, _):
    shape = r.shape(least=1, largest=7)
    axes = sorted({a % len(shape) for a in r.axes(len(shape))})
    attributes = {"starts": [r.int(-9, 9) for _ in axes], "ends": [r.pick([r.int(-9, 9), 2**31 - 1]) for _ in axes]}
    if axes != list(range(len(axes))) or r.coin():
        attributes["axes"] = axes
    return Case("Slice", [r.floats(shape)], attributes, opset=r.pick([1, 9]))


def split_attribute(r, _):
    shape = list(r.shape(least=1))
    axis = r.int(0, len(shape) - 1)
    sizes = [r.int(1, 3) for _ in range(r.int(1, 3))]
    shape[axis] = sum(sizes)
    return Case("Split", [r.floats(shape)], {"axis": axis, "split": sizes}, outputs=len(sizes), opset=r.pick([2, 11]))


def split_equal(r, _):
    parts = r.int(1, 3)
    return Case("Split", [r.floats((2, parts * r.int(1, 3)))], {"axis": 1}, outputs=parts, opset=r.pick([2, 11, 13]))


def pad_attributes(r, _):
    shape = r.shape(least=1, largest=6)
    mode = r.pick(["constant", "edge", "reflect"])
    pads = [r.int(0, min(3, d - 1)) for d in (*shape, *shape)]
    attributes = {"mode": mode, "pads": pads} | ({"value": 0.3} if r.coin() else {})
    return Case("Pad", [r.floats(shape)], attributes, opset=r.pick([2, 10]))


def clip_attributes(r, _):
    attributes = {"min": -0.1} if r.coin(0.8) else {}
    return Case("Clip", [r.floats(r.shape(least=1))], attributes | ({"max": 0.7} if r.coin(0.8) else {}), opset=6)


def flattening(r, kind):
    """Softmax and its kin flattened to two dimensions before 13."""
    shape = r.shape(least=1, largest=6, empty=0.2 if kind != "Hardmax" else 0)
    opset = r.pick([1, 11])
    axis = r.axis(len(shape), negative=opset == 11)
    x = r.floats(shape, low=-5, high=5)
    return Case(kind, [x], {"axis": axis} if r.coin(0.8) or len(shape) == 1 else {}, opset=opset)


def dropout(r, _):
    return Case("Dropout", [r.floats(r.shape(least=1))], {"ratio": 0.3}, outputs=1, opset=r.pick([7, 10]))


def batch_norm(r, _):
    shape = (r.int(1, 3), r.int(1, 5), *r.shape(2))
    c = shape[1:2]
    inputs = [r.floats(shape), r.floats(c), r.floats(c), r.floats(c), r.floats(c, low=0.1, high=3)]
    return Case("BatchNormalization", inputs, {"epsilon": 1e-3}, opset=r.pick([7, 9, 14]))


def upsample(r, _):
    scales = [1.0, 1.0, float(r.int(1, 3)), float(r.int(1, 3))]
    return Case("Upsample", [r.floats(r.shape(4))], {"mode": r.pick(["nearest", "linear"]), "scales": scales}, opset=7)


def resize(r, _):
    scales = np.array([1, 1, r.pick([0.5, 2, 1.5]), r.pick([2, 3])], F32)
    shape = (*r.shape(2), r.int(2, 5), r.int(2, 5))
    if r.coin():
        mode = r.pick(["nearest", "linear"])
        return Case("Resize", [r.floats(shape), scales], {"mode": mode}, weights=(1,), opset=10)
    attributes = {"mode": r.pick(["nearest", "linear", "cubic"]), "coordinate_transformation_mode": r.pick(
        ["half_pixel", "asymmetric", "pytorch_half_pixel", "tf_half_pixel_for_nn"])}
    if attributes["mode"] != "nearest" and attributes["coordinate_transformation_mode"] == "tf_half_pixel_for_nn":
        attributes["mode"] = "nearest"
    return Case("Resize", [r.floats(shape), np.zeros(0, F32), scales], attributes, weights=(1, 2),
                opset=r.pick([11, 13]))


def top_k(r, _):
    shape = r.shape(least=1, largest=7)
    axis = r.int(0, len(shape) - 1)
    k = r.int(1, shape[axis])
    if r.coin():
        return Case("TopK", [r.floats(shape)], {"axis": axis, "k": k}, outputs=2, opset=1)
    return Case("TopK", [r.floats(shape), np.array([k], I64)], {"axis": axis}, outputs=2, opset=10)


def gemm(r, _):
    m, k, n = (r.int(1, 6) for _ in range(3))
    return Case("Gemm", [r.floats((m, k)), r.floats((k, n)), r.floats(r.pick([(n,), (m, n), (1, n)]))], {"beta": 0.5},
                opset=r.pick([7, 9]))


def scatter(r, _):
    shape = r.shape(least=1)
    axis = r.int(0, len(shape) - 1)
    where = tuple(1 if k == axis else d for k, d in enumerate(shape))
    at = r.ints(where, I64, 0, shape[axis])
    return Case("Scatter", [r.floats(shape), at, r.floats(where)], {"axis": axis}, opset=9)


def pool(r, kind):
    size = r.shape(2, largest=7)
    kernel = [r.int(1, min(3, d)) for d in size]
    attributes = {"kernel_shape": kernel, "strides": [r.int(1, 2), r.int(1, 2)]}
    if r.coin():
        attributes["pads"] = [r.int(0, k - 1) for k in kernel] * 2
    return Case(kind, [r.floats((1, 2, *size))], attributes, opset=r.pick([7, 10, 11]))


def arg(r, kind):
    shape = r.shape(least=1)
    attributes = {"axis": r.int(0, len(shape) - 1), "keepdims": r.int(0, 1)}
    return Case(kind, [r.floats(shape)], attributes, opset=r.pick([1, 11, 12]))


def group_norm(r, _):
    """Scale and bias were given per group before 21."""
    groups = r.int(1, 3)
    x = r.floats((r.int(1, 2), groups * r.int(1, 3), r.int(6, 9)))
    return Case("GroupNormalization", [x, r.floats((groups,)), r.floats((groups,))], {"num_groups": groups}, opset=18)


def grid_sample(r, _):
    x, grid = r.floats((1, 2, 5, 4)), r.floats((1, 3, 3, 2), low=-1, high=1)
    return Case("GridSample", [x, grid], {"mode": r.pick(["bilinear", "nearest", "bicubic"])}, opset=16)


def binary(r, kind):
    a, b = r.broadcast_pair(empty=0.1)
    return Case(kind, [r.floats(a), r.floats(b)], opset=r.pick([7, 13]))


def unary(r, kind):
    return Case(kind, [r.floats(r.shape(empty=0.1), low=0.1)], opset=r.pick([6, 9, 13]))


REDUCTIONS = ["ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
              "ReduceProd", "ReduceSum", "ReduceSumSquare"]

CASES = {
    **dict.fromkeys(["Squeeze", "Unsqueeze", *REDUCTIONS], axes_attribute),
    **dict.fromkeys(["Softmax", "LogSoftmax", "Hardmax"], flattening),
    **dict.fromkeys(["MaxPool", "AveragePool"], pool), **dict.fromkeys(["ArgMax", "ArgMin"], arg),
    **dict.fromkeys(["Add", "Sub", "Mul", "Div", "Pow"], binary),
    **dict.fromkeys(["Abs", "Exp", "Log", "Neg", "Relu", "Sigmoid", "Sqrt", "Tanh"], unary),
    "Slice": slice_attributes, "Split": split_attribute, "Split (equal)": split_equal, "Pad": pad_attributes,
    "Clip": clip_attributes, "Dropout": dropout, "BatchNormalization": batch_norm, "Upsample": upsample,
    "Resize": resize, "TopK": top_k, "Gemm": gemm, "Scatter": scatter, "GroupNormalization": group_norm,
    "GridSample": grid_sample}
