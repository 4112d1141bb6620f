"""Random cases of ONNX Runtime's own operators: what its optimiser and its exporters write."""
import numpy as np

from differential.harness import Case
from differential.sums import window

F16, F32, F64, I32, I64 = np.float16, np.float32, np.float64, np.int32, np.int64
DOMAIN = "com.microsoft"


def case(kind, inputs, attributes=None, **more):
    return Case(kind, inputs, attributes or {}, domain=DOMAIN, **more)


def gelu(r, kind):
    shape = (*r.shape(most=2), r.int(1, 9))
    bias = r.floats(shape[-1:]) if kind == "BiasGelu" or (kind == "FastGelu" and r.coin()) else None
    attributes = {"alpha": r.pick([1.0, 1.5, -0.7])} if kind == "QuickGelu" and r.coin() else {}
    return case(kind, [r.floats(shape), bias], attributes)


def fused_matmul(r, kind):
    m, k, n = (r.int(1, 9) for _ in range(3))
    rank = r.int(2, 4)
    batch = r.shape(rank - 2, largest=3)
    attributes = {"transA": r.int(0, 1), "transB": r.int(0, 1)}
    if r.coin():
        attributes["alpha"] = r.pick([0.5, 0.125, 1.7])
    a, b = [m, k], [k, n]
    if kind == "FusedMatMul" and rank > 2 and r.coin(0.3):
        attributes |= {"transBatchA": r.int(0, 1), "transBatchB": r.int(0, 1)}
    shapes = []
    for name, (rows, columns) in (("A", a), ("B", b)):
        # The operand as the product sees it, then as the attributes find it.
        shape = [*batch, rows, columns]
        if attributes["trans" + name]:
            shape[-2:] = shape[:-3:-1]
        if attributes.get("transBatch" + name):
            shape = [shape[-2], *shape[:-2], shape[-1]]
        shapes.append(shape)
    dtype = r.pick([F32, F32, F64]) if kind == "FusedMatMul" else F32
    return case(kind, [r.floats(s, dtype, -1, 1) for s in shapes], attributes, weights=(1,) if r.coin() else ())


def fused_gemm(r, _):
    m, k, n = (r.int(1, 9) for _ in range(3))
    ta, tb = r.int(0, 1), r.int(0, 1)
    attributes = {"transA": ta, "transB": tb, "alpha": r.pick([1.0, 0.5]), "beta": r.pick([1.0, 2.0])}
    attributes |= r.pick([{"activation": "Relu"}, {"activation": "Sigmoid"}, {"activation": "Tanh"},
                          {"activation": "LeakyRelu", "activation_alpha": 0.2}])
    c = r.pick([None, (n,), (1, n), (m, 1), (m, n)])
    a, b = (k, m) if ta else (m, k), (n, k) if tb else (k, n)
    return case("FusedGemm", [r.floats(a, F32, -1, 1), r.floats(b, F32, -1, 1), None if c is None else r.floats(c)],
                attributes)


ACTIVATIONS = [{}, {"activation": "Relu"}, {"activation": "Tanh"}, {"activation": "Sigmoid"},
               {"activation": "LeakyRelu", "activation_params": [0.2]},
               {"activation": "Clip", "activation_params": [-0.5, 1.0]},
               {"activation": "HardSigmoid", "activation_params": [0.2, 0.5]}]


def fused_conv(r, _):
    spatial = 2
    size = r.shape(spatial, largest=7)
    attributes = window(r, spatial, size)
    group = r.pick([1, 1, 2])
    c, m = group * r.int(1, 3), group * r.int(1, 4)
    x, w = r.floats((r.int(1, 2), c, *size)), r.floats((m, c // group, *attributes["kernel_shape"]), low=-1, high=1)
    attributes |= {"group": group} | r.pick(ACTIVATIONS)
    inputs = [x, w, r.floats((m,)) if r.coin() else None]
    if r.coin(0.4):  # a sum of the shape of the result: of a kernel of one and no strides, so that it is known
        kernel = [1] * spatial
        attributes = {"kernel_shape": kernel, "group": group} | r.pick(ACTIVATIONS)
        inputs = [x, r.floats((m, c // group, *kernel)), r.floats((m,)), r.floats((x.shape[0], m, *size))]
    return case("FusedConv", inputs, attributes)


def nhwc_max_pool(r, _):
    size = r.shape(2, largest=7)
    attributes = window(r, 2, size)
    dtype = r.pick([np.int8, np.uint8])
    return case("NhwcMaxPool", [r.ints((r.int(1, 2), *size, r.int(1, 4)), dtype)], attributes)


def skip_norm(r, kind):
    batch, steps, width = r.int(1, 3), r.int(1, 4), r.int(3, 20)
    shape = (batch, steps, width)
    skip = shape if kind != "SkipLayerNormalization" else r.pick([shape, (1, steps, width), (steps, width)])
    dtype = r.pick([F32, F32, F16])
    vectors = [r.floats((width,), dtype), *(r.floats((width,), dtype) if r.coin() else None for _ in range(2))]
    if kind == "SkipSimplifiedLayerNormalization":
        vectors.pop()
    return case(kind, [r.floats(shape, dtype), r.floats(skip, dtype), *vectors], {"epsilon": 1e-5})


def simplified_norm(r, _):
    shape = (*r.shape(least=1, most=2), r.int(3, 20))
    dtype = r.pick([F32, F32, F64, F16])
    attributes = {"axis": -1, "epsilon": 1e-5, "stash_type": 1}
    return Case("SimplifiedLayerNormalization", [r.floats(shape, dtype), r.floats(shape[-1:], dtype)], attributes)


def layer_norm_old(r, _):
    shape = (*r.shape(least=1, most=2), r.int(3, 20))
    return Case("LayerNormalization", [r.floats(shape), r.floats(shape[-1:]), r.floats(shape[-1:])],
                {"axis": -1, "epsilon": 1e-5}, opset=13)


def embed(r, _):
    batch, steps, width, words = r.int(1, 3), r.int(1, 5), r.int(3, 9), r.int(2, 9)
    segments = r.coin(0.7)
    def table(n):
        return r.floats((n, width))
    ids = r.ints((batch, steps), I32, 0, words)
    places = r.ints(r.pick([(batch, steps), (1, steps)]), I32, 0, 7) if r.coin(0.3) else None
    inputs = [ids, r.ints((batch, steps), I32, 0, 2) if segments else None, table(words), table(7),
              table(2) if segments else None, *(r.floats((width,)) for _ in range(2)),
              r.ints((batch, steps), I32, 0, 2) if r.coin() else None, places]
    return case("EmbedLayerNormalization", inputs, {"epsilon": 1e-6, "mask_index_type": 1}, outputs=r.int(2, 3))


def mask_of(r, batch, steps, keys, *, forms):
    """A mask in one of the forms that operators of attention know; no row without a key that is seen."""
    form = r.pick(forms)
    if form is None:
        return None
    if form == "ends":
        return r.ints((batch,), I32, 1, keys + 1)
    if form == "ends and starts":
        starts = r.ints((batch,), I32, 0, keys)
        return np.concatenate([np.minimum(starts + r.ints((batch,), I32, 1, keys + 1), keys), starts]).astype(I32)
    shape = {"keys": (batch, keys), "pairs": (batch, steps, keys), "dummy": (batch, 1)}[form]
    mask = r.ints(shape, I32, 0, 2)
    mask[..., 0] = 1
    return mask


def bias_of(r, batch, heads, steps, keys):
    if r.coin(0.6):
        return None
    return r.floats((r.pick([1, batch]), r.pick([1, heads]), steps, keys), low=-1, high=1)


def attention(r, _):
    batch, steps, heads, size, value_size, width = (r.int(1, n) for n in (3, 5, 3, 4, 4, 6))
    past = r.int(1, 3) if r.coin(0.3) else 0
    if past or r.coin():
        value_size = size
    causal = r.coin(0.4)
    hidden = heads * size, heads * value_size
    columns = 2 * hidden[0] + hidden[1]
    keys = past + steps
    forms = [None, "ends", "keys", "pairs", "dummy"]
    if not causal:  # or a query might see masked keys alone: -10000 leaves few digits of their scores
        forms.append("ends and starts")
    inputs = [r.floats((batch, steps, width), low=-1, high=1), r.floats((width, columns), low=-1, high=1),
              r.floats((columns,), low=-1, high=1), mask_of(r, batch, steps, keys, forms=forms),
              r.floats((2, batch, heads, past, size)) if past else None,
              None if past else bias_of(r, batch, heads, steps, keys)]
    attributes = {"num_heads": heads, "unidirectional": int(causal)}
    if value_size != size or r.coin(0.3):
        attributes["qkv_hidden_sizes"] = [hidden[0], hidden[0], hidden[1]]
    if r.coin(0.2):
        attributes |= {"scale": 0.3}
    if r.coin(0.2):
        attributes |= {"mask_filter_value": -50.0}
    return case("Attention", inputs, attributes, outputs=2 if past or (value_size == size and r.coin(0.3)) else 1,
                weights=(1, 2) if r.coin() else ())


def multi_head(r, _):
    batch, steps, heads, size, value_size = (r.int(1, n) for n in (3, 5, 3, 4, 4))
    form = r.pick(["plain", "plain", "past", "by heads"])
    fresh = r.int(1, 5)
    past = r.int(1, 3) if form == "past" else 0
    causal = r.coin(0.3)
    if causal:
        fresh = steps
    if past or form == "by heads":
        value_size = size
    keys = past + fresh
    q = r.floats((batch, steps, heads * size), low=-1, high=1)
    if form == "by heads":
        k, v = r.floats((batch, heads, fresh, size), low=-1, high=1), r.floats((batch, heads, fresh, value_size))
    else:
        k, v = r.floats((batch, fresh, heads * size), low=-1, high=1), r.floats((batch, fresh, heads * value_size))
    bias = r.floats((heads * (2 * size + value_size),)) if form == "plain" and r.coin() else None
    forms = [None, None, "ends", "keys", "pairs"]
    inputs = [q, k, v, bias, mask_of(r, batch, steps, keys, forms=forms), bias_of(r, batch, heads, steps, keys),
              *((r.floats((batch, heads, past, size)), r.floats((batch, heads, past, value_size))) if past else ())]
    attributes = {"num_heads": heads, "unidirectional": int(causal)} | ({"scale": 0.3} if r.coin(0.2) else {})
    states = past or (form == "plain" and r.coin(0.3))
    return case("MultiHeadAttention", inputs, attributes, outputs=3 if states else 1)


def rotary(r, _):
    batch, steps, heads, half, most = r.int(1, 3), r.int(1, 4), r.int(1, 3), r.int(1, 4), 9
    size = 2 * half
    attributes = {"interleaved": r.int(0, 1)}
    if r.coin(0.4):
        half = r.int(1, half)
        attributes |= {"rotary_embedding_dim": 2 * half, "num_heads": heads}
    shape = (batch, steps, heads * size) if r.coin() else (batch, heads, steps, size)
    positions = r.ints((batch, steps), I64, 0, most) if r.coin() else r.ints((1,), I64, 0, most - steps + 1)
    dtype = r.pick([F32, F32, F16])
    return case("RotaryEmbedding", [r.floats(shape, dtype), positions, r.floats((most, half), dtype),
                                    r.floats((most, half), dtype)], attributes)


def group_query(r, _):
    batch, groups, each, size = r.int(1, 3), r.int(1, 2), r.int(1, 3), 16
    heads, most = groups * each, 12
    first = r.coin()
    steps = r.int(1, 4) if first or batch == 1 else 1
    pasts = np.zeros(batch, I32) if first else r.ints((batch,), I32, 1, 4)
    total = int(pasts.max()) + steps
    rotary = r.coin()
    dtype = r.pick([F32, F32, F16])
    packed = r.coin(0.4)
    def floats(*shape):
        return r.floats(shape, dtype, -1, 1)
    if packed:
        given = [floats(batch, steps, (heads + 2 * groups) * size), None, None]
    else:
        given = [floats(batch, steps, heads * size), *(floats(batch, steps, groups * size) for _ in range(2))]
    buffer = 0 if first else int(pasts.max()) + r.pick([0, steps, steps + 2])
    cache = [None, None] if first else [floats(batch, groups, buffer, size) for _ in range(2)]
    caches = [floats(most, size // 2) for _ in range(2)] if rotary else [None, None]
    attributes = {"num_heads": heads, "kv_num_heads": groups}
    if rotary:
        attributes |= {"do_rotary": 1, "rotary_interleaved": r.int(0, 1)}
    windows = r.int(0, 2)
    if windows == 1:
        attributes |= {"local_window_size": r.int(1, 3)}
    elif windows == 2 and r.coin():
        attributes |= {"causal": 0}
    if r.coin(0.3):
        attributes |= {"softcap": 2.0}
    if r.coin(0.2):
        attributes |= {"scale": 0.2}
    bias = floats(r.pick([1, batch]), r.pick([1, heads]), steps, total) if r.coin(0.3) else None
    sink = floats(heads) if r.coin(0.2) else None
    if sink is None and r.coin(0.2):
        attributes |= {"smooth_softmax": 1}
    lengths = pasts + steps
    if first and windows == 0 and r.coin():
        lengths = r.ints((batch,), I32, 1, steps + 1)  # the rest is padding
    positions = (np.arange(steps) + pasts[:, None] + r.int(0, 2)).astype(I64) if rotary and r.coin(0.3) else None
    inputs = [*given, *cache, (lengths - 1).astype(I32), np.array(total, I32), *caches, positions, bias, sink]
    return case("GroupQueryAttention", inputs, attributes, outputs=3)


def trilu(r, _):
    shape = r.shape(r.int(2, 3))
    return case("Trilu", [r.values(shape, r.pick([F32, F64, I64])), np.array(r.int(-3, 3), I64) if r.coin() else None],
                {"upper": r.int(0, 1)})


def unique(r, _):
    return case("Unique", [r.ints((r.int(1, 9),), I64, 0, 4).astype(F32)], outputs=3)


def gather_nd(r, _):
    data = r.floats((4, 3, 2))
    return case("GatherND", [data, r.ints((*r.shape(least=1, most=2), r.int(1, 3)), r.pick([I32, I64]), 0, 2)])


def range_of(r, _):
    dtype = r.pick([F32, F64, np.int16, I32, I64])
    shape = r.pick([(), (1,)])
    start, steps = r.int(-5, 5), r.int(0, 6)
    delta = r.pick([1, 2, -1]) if r.coin() else None
    limit = start + steps * (delta or 1)
    return case("Range", [np.full(shape, start, dtype), np.full(shape, limit, dtype),
                          None if delta is None else np.full(shape, delta, dtype)])


def pad(r, _):
    x = r.floats(r.shape(least=1, largest=6))
    mode = r.pick(["constant", "edge", "reflect"])
    pads = np.array([r.int(0, min(d - 1, 2)) for d in x.shape] * 2, I64)
    value = r.floats((1,)) if mode == "constant" and r.coin() else None
    return case("Pad", [x, pads[None] if r.coin() else pads, value], {"mode": mode})


def grid_sample(r, _):
    n, c, h, w = r.shape(4, largest=6)
    grid = r.floats((n, r.int(1, 5), r.int(1, 5), 2), low=-1.3, high=1.3)
    return case("GridSample", [r.floats((n, c, h, w)), grid], {
        "mode": r.pick(["bilinear", "nearest", "bicubic"]), "align_corners": r.int(0, 1),
        "padding_mode": r.pick(["zeros", "border", "reflection"])})


def expand_dims(r, _):
    x = r.values(r.shape(), r.pick([F32, I32, bool, F16]))
    return case("ExpandDims", [x, np.array(r.int(-x.ndim - 1, x.ndim), I32)], weights=(1,))


def distances(r, _):
    width, dtype = r.int(1, 6), r.pick([F32, F64])
    return case("CDist", [r.floats((r.int(1, 5), width), dtype), r.floats((r.int(1, 5), width), dtype)],
                {"metric": r.pick(["sqeuclidean", "euclidean"])})


def inverse(r, _):
    n, dtype = r.int(1, 5), r.pick([F32, F32, F64])
    x = r.floats((*r.shape(most=2), n, n), dtype) + (4 * n * np.eye(n)).astype(dtype)  # far from singular
    return case("Inverse", [x])


CASES = {
    **dict.fromkeys(["Gelu", "BiasGelu", "FastGelu", "QuickGelu"], gelu), "FusedMatMul": fused_matmul,
    "TransposeMatMul": fused_matmul, "FusedGemm": fused_gemm, "FusedConv": fused_conv, "NhwcMaxPool": nhwc_max_pool,
    "SkipLayerNormalization": skip_norm, "SkipSimplifiedLayerNormalization": skip_norm,
    "SimplifiedLayerNormalization": simplified_norm, "LayerNormalization (of ONNX Runtime)": layer_norm_old,
    "EmbedLayerNormalization": embed, "Attention": attention, "MultiHeadAttention": multi_head,
    "RotaryEmbedding": rotary, "GroupQueryAttention": group_query, "Trilu": trilu, "Unique": unique,
    "GatherND": gather_nd, "Range": range_of, "Pad": pad, "GridSample": grid_sample, "ExpandDims": expand_dims,
    "CDist": distances, "Inverse": inverse}
