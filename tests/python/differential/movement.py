"""Random cases of operators that move, choose or count elements."""
import numpy as np
from onnx import helper, numpy_helper

from differential.harness import Case

TYPES = [np.float32, np.float32, np.float64, np.int32, np.int64, np.uint8]
I64 = np.int64


def some(r, shape, types=TYPES):
    return r.values(shape, r.pick(types), special=True)


def i64(*values):
    return np.array(values, I64).reshape(len(values))


def cast(r, _):
    kinds = [np.float32, np.float64, np.float16, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32,
             np.uint64, np.bool_]
    source, target = r.pick(kinds), r.pick(kinds)
    low, high = (0, 100) if np.dtype(target).kind == "u" else (-100, 100)  # out of range is up to the machine
    x = r.values(r.shape(empty=0.1), source, special=np.dtype(target).kind == "f", low=low, high=high)
    if np.dtype(source).kind == "i" and np.dtype(target).kind == "u":
        x = np.abs(x)
    return Case("Cast", [x], {"to": helper.np_dtype_to_tensor_dtype(np.dtype(target))})


def cast_like(r, _):
    return Case("CastLike", [r.floats(r.shape(), low=-90, high=90), r.values((1,), r.pick([np.int32, np.float64]))])


def bit_cast(r, _):
    pairs = [(np.float32, np.int32), (np.int32, np.float32), (np.float64, np.int64), (np.int8, np.uint8)]
    source, target = r.pick(pairs)
    return Case("BitCast", [r.values(r.shape(empty=0.1), source, special=True)],
                {"to": helper.np_dtype_to_tensor_dtype(np.dtype(target))}, opset=26)


def center_crop_pad(r, _):
    shape = r.shape(least=1, most=3)
    return Case("CenterCropPad", [r.floats(shape), i64(*r.shape(len(shape), largest=8))], weights=(1,))


def compress(r, _):
    shape = r.shape(least=1, empty=0.1)
    if r.coin(0.3):
        return Case("Compress", [some(r, shape), r.bools((r.int(0, int(np.prod(shape))),))])
    axis = r.axis(len(shape))
    return Case("Compress", [some(r, shape), r.bools((r.int(0, shape[axis]),))], {"axis": axis})


def concat(r, _):
    shape, axis, dtype = list(r.shape(least=1)), 0, r.pick(TYPES)
    axis = r.axis(len(shape))
    parts = []
    for _part in range(r.int(1, 4)):
        shape[axis] = r.int(0, 4)
        parts.append(r.values(tuple(shape), dtype, special=True))
    return Case("Concat", parts, {"axis": axis})


def constant(r, _):
    return Case("Constant", [], {"value": numpy_helper.from_array(some(r, r.shape(empty=0.2)))})


def constant_of_shape(r, _):
    value = {"value": numpy_helper.from_array(some(r, (1,)))} if r.coin(0.8) else {}
    return Case("ConstantOfShape", [i64(*r.shape(empty=0.2))], value)


def depth_to_space(r, kind):
    n, c, h, w = r.shape(4, largest=3)
    b = r.int(1, 3)
    if kind == "SpaceToDepth":
        return Case(kind, [r.floats((n, c, h * b, w * b))], {"blocksize": b})
    return Case(kind, [r.floats((n, c * b * b, h, w))], {"blocksize": b, "mode": r.pick(["DCR", "CRD"])})


def dropout(r, _):
    return Case("Dropout", [r.floats(r.shape(), special=True)], outputs=r.int(1, 2))


def expand(r, _):
    a, b = r.broadcast_pair(empty=0.1)
    return Case("Expand", [some(r, a), i64(*b)], weights=(1,) if r.coin() else ())


def eye_like(r, _):
    x = some(r, r.shape(2), [np.float32, np.float64, np.int64])
    return Case("EyeLike", [x], {"k": r.int(-3, 3)} if r.coin() else {})


def flatten(r, _):
    shape = r.shape(empty=0.1)
    return Case("Flatten", [some(r, shape)], {"axis": r.int(-len(shape), len(shape))})


def indices(r, shape, size):
    return r.ints(shape, r.pick([np.int32, np.int64]), -size, size)


def gather(r, _):
    shape = r.shape(least=1)
    axis = r.axis(len(shape))
    return Case("Gather", [some(r, shape), indices(r, r.shape(most=2, empty=0.1), shape[axis])], {"axis": axis})


def gather_elements(r, _):
    shape = r.shape(least=1)
    axis = r.axis(len(shape))
    where = tuple(r.int(1, d) for d in shape)
    return Case("GatherElements", [some(r, shape), indices(r, where, shape[axis])], {"axis": axis})


def nd_indices(r, shape, lead, depth):
    columns = [r.ints(lead, I64, -shape[k], shape[k]) for k in range(depth)]
    return np.stack(columns, -1) if columns else np.zeros((*lead, 0), I64)


def gather_nd(r, _):
    shape = r.shape(least=1)
    batch = r.int(0, len(shape) - 1)
    depth = r.int(1, len(shape) - batch)
    lead = (*shape[:batch], *r.shape(most=2))
    where = nd_indices(r, shape[batch:], lead, depth)
    return Case("GatherND", [some(r, shape), where], {"batch_dims": batch} if batch or r.coin() else {})


def one_hot(r, _):
    shape = r.shape(least=1, most=3)
    values = r.pick([r.floats((2,)), i64(0, 1), i64(5, -3)])
    return Case("OneHot", [r.ints(shape, I64, -6, 8), np.array(r.pick([5, 3]), I64), values],
                {"axis": r.int(-len(shape) - 1, len(shape))})


def pad(r, _):
    shape = r.shape(least=1, largest=6)
    mode = r.pick(["constant", "edge", "reflect", "wrap"])
    def amount(d):
        return r.int(-1 if d > 2 else 0, d - 1 if mode == "reflect" else 3)
    pads = [amount(d) for d in shape] + [amount(d) for d in shape]
    x = some(r, shape, [np.float32, np.float64, np.int32, np.int64])
    if mode in ("reflect", "wrap"):
        pads = [max(0, p) for p in pads]
    fill = r.values((), x.dtype) if mode == "constant" and r.coin() else None
    return Case("Pad", [x, np.array(pads, I64), fill], {"mode": mode}, weights=(1,) if r.coin() else ())


def pad_axes(r, _):
    shape = r.shape(least=2)
    axes = r.axes(len(shape))
    return Case("Pad", [r.floats(shape), r.ints((2 * len(axes),), I64, 0, 3), None, np.array(axes, I64)])


def reshape(r, _):
    shape = r.shape(least=1)
    size = int(np.prod(shape))
    target = r.pick([[-1], [size], [1, size, 1], [0, -1], [*shape[::-1]], [size, -1]])
    return Case("Reshape", [some(r, shape), np.array(target, I64)], weights=(1,) if r.coin() else ())


def reverse_sequence(r, _):
    shape = r.shape(least=2)
    batch = r.int(0, 1)
    return Case("ReverseSequence", [r.floats(shape), r.ints((shape[batch],), I64, 1, shape[1 - batch] + 1)],
                {"batch_axis": batch, "time_axis": 1 - batch})


def shape_of(r, kind):
    x = some(r, r.shape(empty=0.2))
    if kind == "Size":
        return Case(kind, [x])
    ends = {"start": r.int(-5, 5), "end": r.int(-5, 5)} if r.coin() else {}
    return Case(kind, [x], ends)


def slice_of(r, _):
    shape = r.shape(least=1, largest=7)
    axes = r.axes(len(shape))
    steps = [r.pick([1, 1, 2, 3, -1, -2]) for _ in axes]
    dtype = r.pick([np.int32, np.int64])
    big = np.iinfo(dtype).max
    starts = [r.pick([r.int(-9, 9), 0]) for _ in axes]
    ends = [r.pick([r.int(-9, 9), big if step > 0 else -big]) for step in steps]
    inputs = [some(r, shape), *(np.array(v, dtype) for v in (starts, ends, axes, steps))]
    if r.coin(0.2):
        inputs[1:] = [np.array([r.int(-3, 3) for _ in shape], dtype), np.array([r.int(-3, 9) for _ in shape], dtype)]
    return Case("Slice", inputs, weights=tuple(range(1, len(inputs))) if r.coin() else ())


def split(r, _):
    shape = list(r.shape(least=1))
    axis = r.axis(len(shape))
    count = r.int(1, 3)
    sizes = [r.int(0, 3) for _ in range(count)]
    if r.coin():
        shape[axis] = sum(sizes)
        return Case("Split", [some(r, shape), np.array(sizes, I64)], {"axis": axis}, outputs=count, weights=(1,))
    shape[axis] = r.int(2 * count, 8)
    return Case("Split", [some(r, shape)], {"axis": axis, "num_outputs": count}, outputs=count)


def squeeze(r, kind):
    shape = list(r.shape(most=3))
    rank = len(shape) + 2
    places = sorted(r.rng.permutation(rank)[:2].tolist())
    axes = np.array([p - rank if r.coin() else p for p in places], I64)
    if kind == "Unsqueeze":
        return Case(kind, [some(r, shape), axes], weights=(1,) if r.coin() else ())
    for p in places:
        shape.insert(p, 1)
    return Case(kind, [some(r, shape), axes if r.coin(0.8) else None], weights=(1,) if r.coin() else ())


def tile(r, _):
    shape = r.shape(empty=0.1)
    return Case("Tile", [some(r, shape), r.ints((len(shape),), I64, 0, 4)])


def transpose(r, _):
    shape = r.shape(empty=0.1)
    perm = {"perm": r.rng.permutation(len(shape)).tolist()} if shape and r.coin(0.8) else {}
    return Case("Transpose", [some(r, shape)], perm)


def trilu(r, _):
    k = np.array(r.int(-4, 4), I64) if r.coin() else None
    return Case("Trilu", [some(r, r.shape(least=2, empty=0.1), [np.float32, np.float64, np.int64]), k],
                {"upper": r.int(0, 1)})


def scatter_elements(r, _):
    shape = r.shape(least=1)
    axis = r.axis(len(shape))
    where = tuple(r.int(1, d) for d in shape)
    reduction = r.pick(["none", "add", "mul", "max", "min"])
    at = indices(r, where, shape[axis])
    if reduction == "none":  # which of two writers wins is nobody's promise
        line = np.expand_dims(r.rng.permutation(shape[axis])[:where[axis]], tuple(
            k for k in range(len(shape)) if k != axis % len(shape)))
        at = np.broadcast_to(line, where).astype(I64)
    return Case("ScatterElements", [r.floats(shape), at, r.floats(where)], {"axis": axis, "reduction": reduction})


def scatter_nd(r, _):
    shape = r.shape(least=1)
    depth = r.int(1, len(shape))
    reduction = r.pick(["none", "add", "mul", "max", "min"])
    count = r.int(1, 3) if reduction != "none" else 1
    where = nd_indices(r, shape, (count,), depth)
    return Case("ScatterND", [r.floats(shape), where, r.floats((count, *shape[depth:]))], {"reduction": reduction})


def top_k(r, _):
    shape = r.shape(least=1, largest=9)
    axis = r.axis(len(shape))
    x = r.values(shape, r.pick([np.float32, np.float64, np.int64, np.int32]))
    if r.coin():
        x = np.round(x).astype(x.dtype)  # ties
    return Case("TopK", [x, i64(r.int(0, shape[axis]))], {"axis": axis, "largest": r.int(0, 1), "sorted": 1}, outputs=2)


def arg(r, kind):
    shape = r.shape(least=1)
    x = r.values(shape, r.pick([np.float32, np.float64, np.int32, np.uint8]))
    if r.coin():
        x = np.round(x).astype(x.dtype)
    return Case(kind, [x], {"axis": r.axis(len(shape)), "keepdims": r.int(0, 1), "select_last_index": r.int(0, 1)})


def non_zero(r, _):
    x = some(r, r.shape(least=1, empty=0.1), [np.float32, np.int64])
    return Case("NonZero", [np.where(r.bools(x.shape), x, 0).astype(x.dtype)])


def unique(r, _):
    shape = r.shape(least=1, largest=6)
    axis = {"axis": r.axis(len(shape))} if r.coin() else {}
    x = np.round(r.values(shape, r.pick([np.float32, np.float64, np.int64]), low=-2, high=2) % 3)
    return Case("Unique", [x], {"sorted": r.int(0, 1), **axis}, outputs=4)


def hardmax(r, _):
    shape = r.shape(least=1)
    return Case("Hardmax", [np.round(r.floats(shape), 1)], {"axis": r.axis(len(shape))})


CASES = {
    "ArgMax": arg, "ArgMin": arg, "BitCast": bit_cast,
    "Cast": cast, "CastLike": cast_like, "CenterCropPad": center_crop_pad,
    "Compress": compress, "Concat": concat, "Constant": constant, "ConstantOfShape": constant_of_shape,
    "DepthToSpace": depth_to_space, "Dropout": dropout, "Expand": expand, "EyeLike": eye_like, "Flatten": flatten,
    "Gather": gather, "GatherElements": gather_elements, "GatherND": gather_nd, "Hardmax": hardmax, "NonZero": non_zero,
    "OneHot": one_hot, "Pad": pad, "Pad (axes)": pad_axes, "Reshape": reshape, "ReverseSequence": reverse_sequence,
    "ScatterElements": scatter_elements, "ScatterND": scatter_nd, "Shape": shape_of, "Size": shape_of,
    "Slice": slice_of, "SpaceToDepth": depth_to_space, "Split": split, "Squeeze": squeeze, "Tile": tile, "TopK": top_k,
    "Transpose": transpose, "Trilu": trilu, "Unique": unique, "Unsqueeze": squeeze}
