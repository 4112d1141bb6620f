"""Data that moves: shapes, joins, parts, indices."""
import numpy as np

from .harness import Cases, noise

cases = Cases()
X = noise(2, 3, 4)
X5 = noise(2, 1, 3, 4, 5)

cases.add("flatten", X, lambda b: b.add_flatten("f", 0, "x", "y"), X.reshape(24, 1, 1))
cases.add("flatten-channel-last", X, lambda b: b.add_flatten("f", 1, "x", "y"),
          X.transpose(1, 2, 0).reshape(24, 1, 1), legacy=True)
cases.add("reshape", X, lambda b: b.add_reshape("f", "x", "y", (4, 3, 2), 0), X.reshape(4, 3, 2), legacy=True)
cases.add("reshape-channel-last", X, lambda b: b.add_reshape("f", "x", "y", (4, 3, 2), 1),
          X.transpose(1, 2, 0).reshape(3, 2, 4).transpose(2, 0, 1), legacy=True)
cases.add("reshape-sequence", X5, lambda b: b.add_reshape("f", "x", "y", (4, 5, 3, 2), 0), X5.reshape(4, 1, 5, 3, 2))
for dim, axes in (((0, 3, 1, 2), (0, 1, 4, 2, 3)), ((3, 1, 2, 0), (4, 1, 2, 3, 0)), ((0, 3, 2, 1), (0, 1, 4, 3, 2))):
    cases.add(f"permute-{''.join(map(str, dim))}", X5, lambda b, d=dim: b.add_permute("f", d, "x", "y"),
              X5.transpose(axes))
cases.add("permute-legacy", X, lambda b: b.add_permute("f", (0, 2, 3, 1), "x", "y"), X.transpose(1, 2, 0), legacy=True)
cases.add("transpose", X5, lambda b: b.add_transpose("f", [4, 2, 0, 1, 3], "x", "y"), X5.transpose(4, 2, 0, 1, 3))
cases.add("transpose-negative", X, lambda b: b.add_transpose("f", [-1, 0, -2], "x", "y"), X.transpose(2, 0, 1))
cases.add("reshapeStatic", X, lambda b: b.add_reshape_static("f", "x", "y", (6, -1)), X.reshape(6, 4))
cases.add("reshapeLike", [X, noise(6, 4)], lambda b: b.add_reshape_like("f", ["x", "z"], "y"), X.reshape(6, 4))
cases.add("reshapeDynamic", [X, [4, -1]], lambda b: b.add_reshape_dynamic("f", ["x", "z"], "y"), X.reshape(4, 6))
cases.add("rankPreservingReshape", X, lambda b: b.add_rank_preserving_reshape("f", "x", "y", (4, 0, -1)),
          X.reshape(4, 3, 2))
cases.add("expandDims", X, lambda b: b.add_expand_dims("f", "x", "y", [0, -1]), X[None, ..., None])
cases.add("squeeze", X5, lambda b: b.add_squeeze("f", "x", "y", [-4]), X5[:, 0])
cases.add("squeeze-all", noise(1, 3, 1), lambda b: b.add_squeeze("f", "x", "y", squeeze_all=True), noise(3))
cases.add("squeeze-last-axis", np.array([3.0]), lambda b: b.add_squeeze("f", "x", "y", [0]), [3.0])
for axis in (-3, -1, 0, 2):
    rows = int(np.prod(X.shape[:axis])) if axis else 1
    cases.add(f"flattenTo2D-{axis}", X, lambda b, a=axis: b.add_flatten_to_2d("f", "x", "y", a), X.reshape(rows, -1))
cases.add("broadcastToStatic", X[:, :1], lambda b: b.add_broadcast_to_static("f", "x", "y", (5, 2, 3, 4)),
          np.broadcast_to(X[:, :1], (5, 2, 3, 4)))
cases.add("broadcastToLike", [X[0], X], lambda b: b.add_broadcast_to_like("f", ["x", "z"], "y"),
          np.broadcast_to(X[0], X.shape))
cases.add("broadcastToDynamic", [X[0], X.shape], lambda b: b.add_broadcast_to_dynamic("f", ["x", "z"], "y"),
          np.broadcast_to(X[0], X.shape))
cases.add("getShape", X, lambda b: b.add_get_shape("f", "x", "y"), X.shape)


def shape_arithmetic(b):
    b.add_get_shape("s", "x", "s")
    b.add_slice_static("t", "s", "t", [0], [2], [1], [False], [False])
    b.add_load_constant_nd("c", "c", np.array([2.0, 2.0]), (2,))
    b.add_concat_nd("d", ["t", "c"], "d", 0)
    b.add_reshape_dynamic("f", ["x", "d"], "y")


cases.add("shape-arithmetic", X, shape_arithmetic, X.reshape(2, 3, 2, 2))

cases.add("concat", [X, noise(5, 3, 4)], lambda b: b.add_elementwise("f", ["x", "z"], "y", "CONCAT"),
          np.concatenate([X, noise(5, 3, 4)]), legacy=True)
cases.add("concat-sequence", [X5, X5[:1]], lambda b: b.add_elementwise("f", ["x", "z"], "y", "SEQUENCE_CONCAT"),
          np.concatenate([X5, X5[:1]]))
cases.add("concatND", [X, X[:, :1]], lambda b: b.add_concat_nd("f", ["x", "z"], "y", -2),
          np.concatenate([X, X[:, :1]], 1))
cases.add("concatND-interleave", [X, X + 1], lambda b: b.add_concat_nd("f", ["x", "z"], "y", 1, True),
          np.stack([X, X + 1], 2).reshape(2, 6, 4))
for axis in (0, 2, 3, -1, -2):
    cases.add(f"stack-{axis}", [X, X + 1], lambda b, a=axis: b.add_stack("f", ["x", "z"], "y", a),
              np.stack([X, X + 1], axis))
cases.add("split", noise(6, 2, 2), lambda b: b.add_split("f", "x", ["y", "z"]),
          {"y": noise(6, 2, 2)[:3], "z": noise(6, 2, 2)[3:]}, legacy=True)
cases.add("splitND", X, lambda b: b.add_split_nd("f", "x", ["y", "z"], -1, 2), {"y": X[..., :2], "z": X[..., 2:]})
cases.add("splitND-sizes", X, lambda b: b.add_split_nd("f", "x", ["y", "z"], 1, 0, [1, 2]),
          {"y": X[:, :1], "z": X[:, 1:]})
cases.add("sequenceRepeat", X5, lambda b: b.add_sequence_repeat("f", 3, "x", "y"), np.tile(X5, (3, 1, 1, 1, 1)))
cases.add("tile", X, lambda b: b.add_tile("f", "x", "y", [2, 1, 3]), np.tile(X, (2, 1, 3)))
cases.add("tile-short", X, lambda b: b.add_tile("f", "x", "y", [3]), np.tile(X, 3))
cases.add("tile-input", [X, [1, 2, 3]], lambda b: b.add_tile("f", ["x", "z"], "y"), np.tile(X, (1, 2, 3)))
cases.add("reverse", X, lambda b: b.add_reverse("f", "x", "y", [True, False, True]), X[::-1, :, ::-1])
S = np.arange(24.0).reshape(2, 3, 4)
want = S.copy()
want[0, :, :3], want[1, :, :1] = S[0, :, 2::-1], S[1, :, :1]
cases.add("reverseSeq", [S, [3, 1]], lambda b: b.add_reverse_sequence("f", ["x", "z"], "y", 0, 2), want)
cases.add("reverseSeq-negative", [S, [3, 1]], lambda b: b.add_reverse_sequence("f", ["x", "z"], "y", -3, -1), want)
E8 = np.arange(1.0, 17).reshape(8, 1, 2)  # the examples of the format's documentation
cases.add("reorganizeData-depth", E8, lambda b: b.add_reorganize_data("f", "x", "y", "DEPTH_TO_SPACE", 2),
          [[[1, 5, 2, 6], [9, 13, 10, 14]], [[3, 7, 4, 8], [11, 15, 12, 16]]])
cases.add("reorganizeData-space",
          np.array([[[1, 5, 2, 6], [9, 13, 10, 14]], [[3, 7, 4, 8], [11, 15, 12, 16]]]),
          lambda b: b.add_reorganize_data("f", "x", "y", "SPACE_TO_DEPTH", 2), E8, legacy=True)
cases.add("reorganizeData-shuffle", E8, lambda b: b.add_reorganize_data("f", "x", "y", "PIXEL_SHUFFLE", 2),
          [[[1, 3, 2, 4], [5, 7, 6, 8]], [[9, 11, 10, 12], [13, 15, 14, 16]]])
cases.add("copy", X, lambda b: b.add_copy("f", "x", "y"), X)
PADS = [0, 1, 2, 0, 1, 3]
cases.add("constantPad", X, lambda b: b.add_constant_pad("f", ["x"], "y", 2.5, False, PADS),
          np.pad(X, ((0, 1), (2, 0), (1, 3)), constant_values=2.5))
cases.add("constantPad-input", [X, PADS], lambda b: b.add_constant_pad("f", ["x", "z"], "y", 2.5),
          np.pad(X, ((0, 1), (2, 0), (1, 3)), constant_values=2.5))
cases.add("constantPad-size", X, lambda b: b.add_constant_pad("f", ["x"], "y", 2.5, True, [0, 5, 4, 0, 0, 3]),
          np.pad(X, ((0, 3), (1, 0), (0, 0)), constant_values=2.5))
cases.add("constantPad-size-input", [X, [0, 5, 4, 0, 0, 0]],
          lambda b: b.add_constant_pad("f", ["x", "z"], "y", 2.5, True),
          np.pad(X, ((0, 3), (1, 0), (0, 0)), constant_values=2.5))

C = noise(3, 4, 5, seed=1)
for axis, start, end, step in (("channel", 1, 3, 1), ("height", 1, -1, 1), ("width", 0, 5, 2)):
    cut = [slice(None)] * 3
    cut[["channel", "height", "width"].index(axis)] = slice(start, end, step)
    cases.add(f"slice-{axis}", C, lambda b, a=axis, s=start, e=end, t=step: b.add_slice("f", "x", "y", a, s, e, t),
              C[tuple(cut)], legacy=True)
Y = noise(5, 5, 5, seed=2)
SLICES = [
    ([1, 2, 3], [3, -3, 2], [2, 2, 2], [1, 0, 1], [0, 1, 1], None, np.s_[:3:2, 2::2, ::2]),
    ([1, 2, 3], [3, -3, 2], [2, 2, 2], [1, 0, 1], [0, 1, 1], [0, 1, 0], np.s_[:3:2, 2, ::2]),
    ([-1, 4, 3], [0, 0, -5], [-1, -2, -1], [0, 1, 0], [0, 1, 1], None, np.s_[-1:0:-1, ::-2, 3::-1]),
    ([-1, 0, 2], [0, 2, 0], [1, 1, 1], [0, 0, 1], [0, 0, 0], [1, 0, 1], np.s_[-1, 0:2, 2]),
    ([-4, -9, 1], [-1, 9, 2], [1, 3, 1], [0, 0, 0], [0, 0, 0], None, np.s_[-4:-1, -9:9:3, 1:2]),
]
for i, (begin, end, stride, begin_masks, end_masks, sq, at) in enumerate(SLICES):
    more = {} if sq is None else {"squeeze_masks": [bool(m) for m in sq]}
    bm, em = [bool(m) for m in begin_masks], [bool(m) for m in end_masks]
    cases.add(f"sliceStatic-{i}", Y,
              lambda b, a=(begin, end, stride, bm, em), m=more: b.add_slice_static("f", "x", "y", *a, **m), Y[at])
    cases.add(f"sliceDynamic-{i}", [Y, begin],
              lambda b, a=(end, stride, bm, em), m=more: b.add_slice_dynamic("f", ["x", "z"], "y", *a, **m), Y[at])
    if sq is None:
        cases.add(f"sliceDynamic-inputs-{i}", [Y, begin, end, stride, bm, em],
                  lambda b: b.add_slice_dynamic("f", ["x", "z", "u", "v", "w", "q"], "y"), Y[at])
cases.add("sliceBySize", [C, [1]], lambda b: b.add_slice_by_size("f", ["x", "z"], "y", 1, 2), C[:, 1:3])
for axis, size, step in ((0, 2, 1), (1, 3, 1), (-1, 2, 2)):
    n = C.shape[axis]
    parts = [np.take(C, range(s, s + size), axis) for s in range(0, n - size + 1, step)]
    cases.add(f"slidingWindows-{axis}", C,
              lambda b, a=axis, w=size, s=step: b.add_sliding_windows("f", "x", "y", a, w, s),
              np.stack(parts, axis % 3))

I2 = np.array([[2, -1, 0], [1, 1, -3]])
for axis in (0, -1):
    cases.add(f"gather-{axis}", [C, I2], lambda b, a=axis: b.add_gather("f", ["x", "z"], "y", a), np.take(C, I2, axis))
ALONG = np.random.default_rng(1).integers(-4, 4, (3, 2, 5))
cases.add("gatherAlongAxis", [C, ALONG], lambda b: b.add_gather_along_axis("f", ["x", "z"], "y", 1),
          np.take_along_axis(C, ALONG, 1))
ND = np.array([[[0, 1], [2, -1]]])
cases.add("gatherND", [C, ND], lambda b: b.add_gather_nd("f", ["x", "z"], "y"), C[ND[..., 0], ND[..., 1]])
cases.add("gatherND-element", [C, [1, 2, 3]], lambda b: b.add_gather_nd("f", ["x", "z"], "y"), [C[1, 2, 3]])

UPDATES = {"UPDATE": lambda a, b: b, "ADD": np.add, "SUB": np.subtract, "MUL": np.multiply, "DIV": np.divide,
           "MAX": np.maximum, "MIN": np.minimum}
POS = np.abs(noise(4, 3, seed=3)) + 0.5
for mode, f in UPDATES.items():
    at, u = np.array([3, -4]), np.abs(noise(2, 3, seed=4)) + 0.5
    out = POS.copy()
    out[at] = f(out[at], u)
    cases.add(f"scatter-{mode}", [POS, at, u], lambda b, m=mode: b.add_scatter("f", ["x", "z", "u"], "y", 0, m), out)
    along = np.array([[1, 0, -1]])
    out = POS.copy()
    np.put_along_axis(out, along, f(np.take_along_axis(out, along, 0), u[:1]), 0)
    cases.add(f"scatterAlongAxis-{mode}", [POS, along, u[:1]],
              lambda b, m=mode: b.add_scatter_along_axis("f", ["x", "z", "u"], "y", -2, m), out)
    point = np.array([[0, 1], [3, 2]])
    out = POS.copy()
    out[point[:, 0], point[:, 1]] = f(out[point[:, 0], point[:, 1]], u[0, :2])
    cases.add(f"scatterND-{mode}", [POS, point, u[0, :2]],
              lambda b, m=mode: b.add_scatter_nd("f", ["x", "z", "u"], "y", m), out)
at, u = np.array([[1, 0], [1, 2]]), noise(4, 2, 2, seed=5)
out = POS.copy()
np.add.at(out, (slice(None), at), u)
cases.add("scatter-many-axes", [POS, at, u], lambda b: b.add_scatter("f", ["x", "z", "u"], "y", 1, "ADD"), out)

T = np.array([[3.0, 1, 4, 1, 5], [9, 2, 6, 5, 3]])
for bottom in (False, True):
    order = np.argsort(T if bottom else -T, axis=1, kind="stable")
    cases.add(f"topK-{bottom}", T, lambda b, m=bottom: b.add_topk("f", ["x"], ["y", "i"], 3, -1, m),
              {"y": np.take_along_axis(T, order[:, :3], 1), "i": order[:, :3]})
    cases.add(f"topK-input-{bottom}", [T, [2]], lambda b, m=bottom: b.add_topk("f", ["x", "z"], ["y", "i"], 0, 1, m),
              {"y": np.take_along_axis(T, order[:, :2], 1), "i": order[:, :2]})
    cases.add(f"argSort-{bottom}", T, lambda b, m=bottom: b.add_argsort("f", "x", "y", 1, not m), order)
HOT = np.array([2, -1, 4, 0])
table = np.where(np.arange(4) == HOT[:, None], 5, -1)
cases.add("oneHot", HOT, lambda b: b.add_one_hot("f", ["x"], "y", 4, -1, 5.0, -1.0), table)
cases.add("oneHot-axis", HOT, lambda b: b.add_one_hot("f", ["x"], "y", 4, 0, 5.0, -1.0), table.T)
cases.add("oneHot-input", [HOT, [4]], lambda b: b.add_one_hot("f", ["x", "z"], "y", None, -1, 5.0, -1.0), table)
R = np.array([4.0, 6, 7])
for reverse, exclusive, want in ((False, False, [4, 10, 17]), (False, True, [0, 4, 10]), (True, False, [17, 13, 7]),
                                 (True, True, [13, 7, 0])):
    cases.add(f"cumSum-{reverse}-{exclusive}", R,
              lambda b, r=reverse, e=exclusive: b.add_cumsum("f", ["x"], "y", -1, r, e), want)
cases.add("cumSum-axis", [C, [1]], lambda b: b.add_cumsum("f", ["x", "z"], "y"), np.cumsum(C, 1))
Z = np.array([[1.0, 2, 1], [0, 2, 2], [2, 1, 0]])
cases.add("whereNonZero", Z, lambda b: b.add_where_nonzero("f", "x", "y"), np.argwhere(Z))
m, n = np.mgrid[:4, :5]
for lower, upper in ((1, 0), (-1, 1), (0, -1), (-1, -1), (2, 3)):
    keep = ((lower < 0) | (m - n <= lower)) & ((upper < 0) | (n - m <= upper))
    cases.add(f"matrixBandPart-{lower}-{upper}", C,
              lambda b, a=lower, u=upper: b.add_matrix_band_part("f", "x", "y", a, u), C * keep)
for k in (-1, 0, 2):
    cases.add(f"lowerTriangular-{k}", C, lambda b, k=k: b.add_lower_triangular("f", "x", "y", k), np.tril(C, k))
    cases.add(f"upperTriangular-{k}", C, lambda b, k=k: b.add_upper_triangular("f", "x", "y", k), np.triu(C, k))


def plus(make):
    """Layers without inputs need a network that has one."""
    def build(b):
        make(b)
        b.add_add_broadcastable("sum", ["c", "x"], "y")
    return build


cases.add("loadConstantND", C, plus(lambda b: b.add_load_constant_nd("f", "c", C, C.shape)), C + C)
cases.add("fillStatic", C, plus(lambda b: b.add_fill_static("f", "c", C.shape, 1.5)), C + 1.5)
cases.add("fillLike", C, lambda b: b.add_fill_like("f", "x", "y", 1.5), np.full_like(C, 1.5))
cases.add("fillDynamic", np.array([2, 3]), lambda b: b.add_fill_dynamic("f", "x", "y", 1.5), np.full((2, 3), 1.5))
cases.add("rangeStatic", np.array([0.0]), plus(lambda b: b.add_range_static("f", "c", None, 3.5, 1, 0.5)),
          np.arange(1, 3.5, 0.5))
cases.add("rangeDynamic", np.array([5.5]), lambda b: b.add_range_dynamic("f", ["x"], "y", 1, 2), np.arange(1, 5.5, 2))
cases.add("rangeDynamic-inputs", [[5.0], [1.0], [0.75]], lambda b: b.add_range_dynamic("f", ["x", "z", "u"], "y"),
          np.arange(1, 5, 0.75))


def constant_sum(b):
    b.add_load_constant("f", "c", C, C.shape)
    b.add_elementwise("sum", ["x", "c"], "y", "ADD")


cases.add("loadConstant", C, constant_sum, C + C, legacy=True)

BOXES = np.array([[[10, 10, 10, 10], [11, 10, 10, 10], [40, 40, 4, 4], [10, 10, 9, 9]]])
SCORES = np.array([[[0.6, 0.1], [0.9, 0.2], [0.3, 0.8], [0.2, 0.7]]])
cases.add("NonMaximumSuppression", [BOXES, SCORES],
          lambda b: b.add_nms("f", ["x", "z"], ["y", "s", "i", "n"], 0.5, 0.5, 3, False),
          {"y": [[*BOXES[0, [1, 2]], [0] * 4]], "s": [[*SCORES[0, [1, 2]], [0] * 2]], "i": [[1, 2, -1]], "n": [2]})
cases.add("NonMaximumSuppression-class", [BOXES, SCORES, [0.5], [0.5], [3]],
          lambda b: b.add_nms("f", ["x", "z", "u", "v", "w"], ["y", "s", "i", "n"], 0.9, 0.9, 9, True),
          {"y": [BOXES[0, [1, 2, 3]]], "s": [SCORES[0, [1, 2, 3]]], "i": [[1, 2, 3]], "n": [3]})
