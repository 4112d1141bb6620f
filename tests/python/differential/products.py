"""Random cases of matrix products, convolutions, recurrences, sampling and quantisation."""
import numpy as np

from differential.harness import Case
from differential.sums import window

F32, F64, I64 = np.float32, np.float64, np.int64


def matmul(r, _):
    m, k, n = (r.int(1, 20) for _ in range(3))
    a, b = r.broadcast_pair()
    dtype = r.pick([F32, F32, F64, np.int32])
    left, right = (*a[-2:], m, k), (*b[-2:], k, n)
    choice = r.int(0, 4)
    if choice == 0:
        left = (k,)
    elif choice == 1:
        right = (k,)
    elif choice == 2 and r.coin(0.3):
        left, right = (m, 0), (0, n)
    return Case("MatMul", [r.values(left, dtype, low=-1, high=1), r.values(right, dtype, low=-1, high=1)],
                weights=(1,) if r.coin() else ())


def matmul_special(r, _):
    return Case("MatMul", [r.floats((3, 4), special=True), r.floats((4, 5), low=0.5, high=1)])


def gemm(r, _):
    m, k, n = (r.int(1, 20) for _ in range(3))
    ta, tb = r.int(0, 1), r.int(0, 1)
    c = r.pick([None, (n,), (1, n), (m, 1), (m, n), (1,), ()])
    attributes = {"transA": ta, "transB": tb}
    if r.coin():
        attributes |= {"alpha": r.pick([0.5, 1.5]), "beta": r.pick([0.5, 0.0, 2.0])}
    dtype = r.pick([F32, F32, F64])
    a, b = (k, m) if ta else (m, k), (n, k) if tb else (k, n)
    return Case("Gemm", [r.floats(a, dtype, -1, 1), r.floats(b, dtype, -1, 1),
                         None if c is None else r.floats(c, dtype)], attributes, weights=(1, 2) if r.coin() else ())


def conv(r, _):
    spatial = r.int(1, 3)
    size = r.shape(spatial, largest=9)
    attributes = window(r, spatial, size)
    group = r.pick([1, 1, 2, 3])
    c, m = group * r.int(1, 4), group * r.int(1, 6)
    if r.coin(0.25):  # depthwise
        group = c = m = r.int(1, 20)
    attributes["group"] = group
    inputs = [r.floats((r.int(1, 2), c, *size)), r.floats((m, c // group, *attributes["kernel_shape"]), low=-1, high=1),
              r.floats((m,)) if r.coin() else None]
    if r.coin(0.3):
        del attributes["kernel_shape"]
    return Case("Conv", inputs, attributes, weights=(1, 2) if r.coin() else ())


def conv_transpose(r, _):
    spatial = r.int(1, 2)
    size = r.shape(spatial, largest=5)
    kernel = [r.int(1, 3) for _ in size]
    strides = [r.int(1, 3) for _ in size]
    attributes = {"kernel_shape": kernel, "strides": strides, "group": r.pick([1, 2])}
    if r.coin():
        attributes["pads"] = [r.int(0, k - 1) if d > 2 else 0 for k, d in zip(kernel, size, strict=True)] * 2
    if r.coin(0.4):
        attributes["dilations"] = [r.int(1, 2) for _ in size]
    if r.coin(0.4):
        attributes["output_padding"] = [r.int(0, s - 1) for s in strides]
    c, m = attributes["group"] * r.int(1, 3), r.int(1, 4)
    inputs = [r.floats((r.int(1, 2), c, *size)), r.floats((c, m, *kernel), low=-1, high=1),
              r.floats((m * attributes["group"],)) if r.coin() else None]
    return Case("ConvTranspose", inputs, attributes)


EQUATIONS = ["ij,jk->ik", "bij,bjk->bik", "ij->ji", "ii->i", "i,i->", "ij,ij->i", "bhqd,bhkd->bhqk",
             "...ij,...jk->...ik", "i,j->ij", "ij->", "ab,bc,cd->ad", "bij , bjk", "abc->b"]


def einsum(r, _):
    equation = r.pick(EQUATIONS)
    size, rest = {}, r.shape(most=2)
    inputs = []
    for term in equation.split("->")[0].replace(" ", "").split(","):
        lead = rest if term.startswith("...") else ()
        inputs.append(r.floats((*lead, *(size.setdefault(label, r.int(1, 6)) for label in term.lstrip(".")))))
    return Case("Einsum", inputs, {"equation": equation})


def recurrent(r, kind):
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[kind]
    direction = r.pick(["forward", "reverse", "bidirectional"])
    d = 2 if direction == "bidirectional" else 1
    steps, batch, width, hidden = r.int(1, 5), r.int(1, 3), r.int(1, 5), r.int(1, 6)
    def floats(*shape):
        return r.floats(shape, low=-0.7, high=0.7)
    inputs = [floats(steps, batch, width), floats(d, gates * hidden, width), floats(d, gates * hidden, hidden),
              floats(d, 2 * gates * hidden) if r.coin() else None,
              r.ints((batch,), np.int32, 1, steps + 1) if r.coin(0.3) else None,
              floats(d, batch, hidden) if r.coin() else None]
    attributes = {"hidden_size": hidden, "direction": direction}
    if kind == "LSTM":
        inputs += [floats(d, batch, hidden) if r.coin() else None, floats(d, 3 * hidden) if r.coin(0.3) else None]
    if kind == "GRU":
        attributes["linear_before_reset"] = r.int(0, 1)
    if r.coin(0.2):
        attributes["clip"] = 0.5
    return Case(kind, inputs, attributes, outputs=3 if kind == "LSTM" else 2)


def resize(r, _):
    size = r.shape(2, largest=7)
    shape = (r.int(1, 2), r.int(1, 3), *size)
    mode = r.pick(["nearest", "linear", "cubic"])
    attributes = {"mode": mode, "coordinate_transformation_mode": r.pick(
        ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"])}
    if mode == "nearest":
        attributes["nearest_mode"] = r.pick(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
    if mode == "cubic":
        attributes |= {"cubic_coeff_a": r.pick([-0.75, -0.5]), "exclude_outside": r.int(0, 1)}
    x = r.floats(shape)
    if r.coin():
        sizes = np.array([*shape[:2], r.int(1, 12), r.int(1, 12)], I64)
        return Case("Resize", [x, None, None, sizes], attributes, weights=(3,))
    scales = np.array([1, 1, r.pick([0.5, 1, 2, 1.5, 3]), r.pick([0.5, 1, 2, 2.5])], F32)
    if min(int(d * s) for d, s in zip(size, scales[2:], strict=True)) < 1:
        scales[2:] = 2
    return Case("Resize", [x, None, scales], attributes, weights=(2,))


def upsample(r, _):
    scales = np.array([1, 1, r.pick([1, 2, 3]), r.pick([1, 2, 1.5])], F32)
    mode = r.pick(["nearest", "linear"])
    return Case("Upsample", [r.floats(r.shape(4)), scales], {"mode": mode}, weights=(1,), opset=9)


def grid_sample(r, _):
    n, c, h, w = r.shape(4, largest=6)
    x = r.floats((n, c, h, w))
    grid = r.floats((n, r.int(1, 5), r.int(1, 5), 2), low=-1.3, high=1.3)
    return Case("GridSample", [x, grid], {"mode": r.pick(["linear", "nearest", "cubic"]), "align_corners": r.int(0, 1),
                                          "padding_mode": r.pick(["zeros", "border", "reflection"])})


def roi_align(r, _):
    n, c = r.int(1, 2), r.int(1, 3)
    count = r.int(1, 4)
    corner = r.floats((count, 2), low=0, high=4)
    rois = np.concatenate([corner, corner + r.floats((count, 2), low=1, high=5)], 1).astype(F32)
    inputs = [r.floats((n, c, 9, 8)), rois, r.ints((count,), I64, 0, n)]
    return Case("RoiAlign", inputs, {
        "output_height": r.int(1, 4), "output_width": r.int(1, 4), "sampling_ratio": r.int(0, 2),
        "spatial_scale": r.pick([1.0, 0.5]), "mode": r.pick(["avg", "max"]),
        "coordinate_transformation_mode": r.pick(["half_pixel", "output_half_pixel"])}, opset=16)


def non_max_suppression(r, _):
    n, boxes, classes = r.int(1, 2), r.int(1, 12), r.int(1, 2)
    corner = r.floats((n, boxes, 2), low=0, high=5)
    both = np.concatenate([corner, corner + r.floats((n, boxes, 2), low=1, high=4)], 2).astype(F32)
    inputs = [both, r.floats((n, classes, boxes), low=0, high=1), np.array([r.int(0, 6)], I64),
              np.array([0.4], F32), np.array([0.2], F32) if r.coin() else None]
    return Case("NonMaxSuppression", inputs, {"center_point_box": r.int(0, 1)})


def col2im(r, _):
    h, w, kh, kw = r.int(3, 6), r.int(3, 6), r.int(1, 3), r.int(1, 3)
    blocks = (h - kh + 1) * (w - kw + 1)
    return Case("Col2Im", [r.floats((r.int(1, 2), r.int(1, 3) * kh * kw, blocks)), np.array([h, w], I64),
                           np.array([kh, kw], I64)])


def range_of(r, _):
    dtype = r.pick([F32, F64, np.int32, I64])
    start, step = (r.values((), dtype) for _ in range(2))
    step = np.asarray(np.where(np.abs(step) < 0.3, 2, step)).astype(dtype)
    limit = np.asarray(start + step * r.int(-1, 9) + step * r.pick([0, 0.25])).astype(dtype)
    return Case("Range", [start, limit, step])


def quantize(r, _):
    shape = r.shape(least=1)
    axis = r.axis(len(shape))
    per_axis = r.coin()
    scale = r.floats((shape[axis],) if per_axis else (), low=0.01, high=0.3)
    dtype = r.pick([np.int8, np.uint8])
    zero = r.ints(scale.shape, dtype, -20, 20) if r.coin(0.8) else None
    x, opset = r.floats(shape, low=-9, high=9), {}
    if r.coin(0.3):  # before version 23 ONNX Runtime divides float16 in float32
        x, scale, opset = x.astype(np.float16), scale.astype(np.float16), {"opset": 23}
    return Case("QuantizeLinear", [x, scale, zero], {"axis": axis} if per_axis else {}, **opset)


def dequantize(r, _):
    shape = r.shape(least=1)
    axis = r.axis(len(shape))
    per_axis = r.coin()
    scale = r.floats((shape[axis],) if per_axis else (), low=0.01, high=0.3)
    dtype = r.pick([np.int8, np.uint8, np.int32])
    zero = r.ints(scale.shape, dtype, -20, 20) if r.coin(0.8) and dtype != np.int32 else None
    return Case("DequantizeLinear", [r.ints(shape, dtype), scale, zero], {"axis": axis} if per_axis else {})


def dynamic_quantize(r, _):
    return Case("DynamicQuantizeLinear", [r.floats(r.shape(least=1), low=-9, high=r.pick([-1, 9]))], outputs=3)


CASES = {
    "MatMul": matmul, "MatMul (special)": matmul_special, "Gemm": gemm, "Conv": conv, "ConvTranspose": conv_transpose,
    "Einsum": einsum, "RNN": recurrent, "GRU": recurrent, "LSTM": recurrent, "Resize": resize, "Upsample": upsample,
    "GridSample": grid_sample, "RoiAlign": roi_align, "NonMaxSuppression": non_max_suppression, "Col2Im": col2im,
    "Range": range_of, "QuantizeLinear": quantize, "DequantizeLinear": dequantize,
    "DynamicQuantizeLinear": dynamic_quantize}
