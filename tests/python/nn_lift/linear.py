"""Matrix products, tables, normalisations, reductions; weights of every kind."""
import numpy as np

from .harness import Cases, network_of, noise

cases = Cases()
W, B = noise(3, 8, seed=1), noise(3, seed=2)


def inner(name, x, expected, w=W, b=B, **more):
    cases.add(f"innerProduct-{name}", x,
              lambda n: n.add_inner_product("f", w, b, w.shape[1], w.shape[0], b is not None, "x", "y"), expected,
              **more)


for shape in ((8,), (5, 8), (2, 5, 8), (2, 2, 2, 2), (2, 3, 4, 2, 1)):
    x = noise(*shape, seed=len(shape))
    y = x @ W.T + B if len(shape) < 4 else (x.reshape(*shape[:-3], 8) @ W.T + B)[..., None, None]
    inner(f"rank{len(shape)}", x, y)
inner("no-bias", noise(5, 8), noise(5, 8) @ W.T, b=None)
inner("legacy", noise(8), (W @ noise(8) + B).reshape(3), legacy=True)


def packed(codes, bits):
    """Codes from the most significant bit on."""
    text = "".join(format(int(c), f"0{bits}b") for c in codes.ravel())
    return int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")


def stored(fill):
    """Replaces the weights of the first layer."""
    def edit(spec):
        p = network_of(spec).layers[0].innerProduct.weights
        p.ClearField("floatValue")
        fill(p)
    return edit


X5 = noise(5, 8)
HALF = W.astype(np.float16)
inner("float16", X5, X5 @ HALF.astype(np.float32).T + B,
      edit=stored(lambda p: setattr(p, "float16Value", HALF.tobytes())))
for bits in range(1, 9):
    codes = np.random.default_rng(bits).integers(0, 2**bits, W.shape)
    scale, bias, table = noise(3, seed=bits), noise(3, seed=bits + 9), noise(2**bits, seed=bits + 20)

    def linear(p, codes=codes, bits=bits, scale=scale, bias=bias):
        p.rawValue, p.quantization.numberOfBits = packed(codes, bits), bits
        p.quantization.linearQuantization.scale.extend(scale)
        p.quantization.linearQuantization.bias.extend(bias)

    def lookup(p, codes=codes, bits=bits, table=table):
        p.rawValue, p.quantization.numberOfBits = packed(codes, bits), bits
        p.quantization.lookupTableQuantization.floatValue.extend(table)
    inner(f"linear{bits}", X5, X5 @ (codes * scale[:, None] + bias[:, None]).T + B, edit=stored(linear), rtol=1e-5,
          atol=1e-4)
    inner(f"lut{bits}", X5, X5 @ table[codes].T + B, edit=stored(lookup), rtol=1e-5, atol=1e-5)
one = np.random.default_rng(3).integers(0, 256, W.shape)


def one_scale(p):
    p.rawValue, p.quantization.numberOfBits = packed(one, 8), 8
    p.quantization.linearQuantization.scale.append(0.25)
    p.quantization.linearQuantization.bias.append(-32)


inner("linear-one-scale", X5, X5 @ (one * 0.25 - 32).T + B, edit=stored(one_scale), rtol=1e-5, atol=1e-4)
I8 = np.random.default_rng(4).integers(-127, 128, W.shape).astype(np.int8)
cases.add("innerProduct-int8", X5,
          lambda n: n.add_inner_product("f", I8.tobytes(), None, 8, 3, False, "x", "y", int_8_dynamic_quantize=True,
                                        is_quantized_weight=True, quantization_type="linear", nbits=8,
                                        quant_scale=np.array([0.02])),
          X5 @ (I8.astype(np.float32) * np.float32(0.02)).T, rtol=1e-5, atol=1e-5)

for i, (a, b, ta, tb) in enumerate([((2, 3), (3, 4), 0, 0), ((3, 2), (4, 3), 1, 1), ((5, 1, 2, 3), (4, 3, 6), 0, 0),
                                    ((2, 3, 2), (2, 4, 3), 1, 1)]):
    p, q = noise(*a, seed=i), noise(*b, seed=i + 5)
    cases.add(f"batchedMatmul-{i}", [p, q],
              lambda n, ta=ta, tb=tb: n.add_batched_mat_mul("f", ["x", "z"], "y", ta, tb),
              (p.swapaxes(-1, -2) if ta else p) @ (q.swapaxes(-1, -2) if tb else q))
p, q = noise(3, seed=8), noise(3, seed=9)
cases.add("batchedMatmul-vectors", [p, q], lambda n: n.add_batched_mat_mul("f", ["x", "z"], "y"), [[p @ q]])
cases.add("batchedMatmul-left-vector", [p, noise(2, 3, 4)], lambda n: n.add_batched_mat_mul("f", ["x", "z"], "y"),
          np.matmul(p[None], noise(2, 3, 4)))
cases.add("batchedMatmul-right-vector", [noise(2, 4, 3), q], lambda n: n.add_batched_mat_mul("f", ["x", "z"], "y"),
          np.matmul(noise(2, 4, 3), q[:, None]))
M = noise(3, 5, seed=10)
for shape in ((3,), (2, 3), (2, 4, 3)):
    x = noise(*shape, seed=11)
    cases.add(f"batchedMatmul-weights-{len(shape)}", x,
              lambda n: n.add_batched_mat_mul("f", ["x"], "y", weight_matrix_rows=3, weight_matrix_columns=5, W=M,
                                              bias=np.arange(5.0)), x @ M + np.arange(5))

E = noise(4, 6, seed=12)  # [size, vocabulary]
IDS = np.array([3, 0, 5, 1])
for lead in ((4,), (2, 2)):
    cases.add(f"embedding-{len(lead)}", IDS.reshape(*lead, 1, 1, 1),
              lambda n: n.add_embedding("f", E, np.arange(4.0), 6, 4, True, "x", "y"),
              (E.T[IDS] + np.arange(4)).reshape(*lead, 4, 1, 1))
    cases.add(f"embeddingND-{len(lead)}", IDS.reshape(*lead, 1),
              lambda n: n.add_embedding_nd("f", "x", "y", 6, 4, E), E.T[IDS].reshape(*lead, 4))
C, D = noise(2, 5, 1, 1, seed=13), noise(2, 5, 1, 1, seed=14)
cases.add("dot", [C, D], lambda n: n.add_elementwise("f", ["x", "z"], "y", "DOT"), (C * D).sum(1, keepdims=True))
cases.add("dot-cosine", [C, D], lambda n: n.add_elementwise("f", ["x", "z"], "y", "COS"),
          (C * D).sum(1, keepdims=True) / np.linalg.norm(C, axis=1, keepdims=True)
          / np.linalg.norm(D, axis=1, keepdims=True))

X = noise(2, 3, 4, 5, seed=15)
G, H, MEAN, VAR = noise(3, seed=16), noise(3, seed=17), noise(3, seed=18), np.abs(noise(3, seed=19)) + 0.1


def norm(x, axes, eps, mean=None, var=None):
    x = x.astype(np.float64)
    mean = x.mean(axes, keepdims=True) if mean is None else mean
    var = x.var(axes, keepdims=True) if var is None else var
    return (x - mean) / np.sqrt(var + eps)


def channels(v):
    return v[:, None, None]


def batchnorm(name, x, normal, **more):
    legacy, edit = more.pop("legacy", False), more.pop("edit", None)
    cases.add(f"batchnorm-{name}", x, lambda n: n.add_batchnorm("f", 3, G, H, input_name="x", output_name="y", **more),
              normal * channels(G) + channels(H), legacy=legacy, edit=edit, rtol=1e-5, atol=1e-5)


batchnorm("stored", X, norm(X, None, 1e-3, channels(MEAN), channels(VAR)), mean=MEAN, variance=VAR, epsilon=1e-3)
batchnorm("rank3", X[0], norm(X[0], None, 1e-5, channels(MEAN), channels(VAR)), mean=MEAN, variance=VAR)
batchnorm("legacy", X[0], norm(X[0], None, 1e-5, channels(MEAN), channels(VAR)), mean=MEAN, variance=VAR, epsilon=0,
          legacy=True)
batchnorm("instance", X, norm(X, (2, 3), 0.1), compute_mean_var=True, instance_normalization=True, epsilon=0.1)
batchnorm("batch", X, norm(X, (0, 2, 3), 0.1), compute_mean_var=True, instance_normalization=True, epsilon=0.1,
          edit=lambda s: setattr(network_of(s).layers[0].batchnorm, "instanceNormalization", False))
for across in (False, True):
    axes = (1, 2, 3) if across else (2, 3)
    cases.add(f"mvn-{across}", X, lambda n, a=across: n.add_mvn("f", "x", "y", a, True, 0.01), norm(X, axes, 0.01),
              rtol=1e-5, atol=1e-5)
    cases.add(f"mvn-mean-{across}", X, lambda n, a=across: n.add_mvn("f", "x", "y", a, False),
              X - X.mean(axes, keepdims=True))
cases.add("mvn-legacy", X[0], lambda n: n.add_mvn("f", "x", "y", True, True, 0), norm(X[0], (0, 1, 2), 1e-6),
          legacy=True, rtol=1e-5, atol=1e-5)
cases.add("l2normalize", X, lambda n: n.add_l2_normalize("f", "x", "y", 0.5),
          X / np.sqrt((X**2).sum((1, 2, 3), keepdims=True) + 0.5))


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


cases.add("softmax", X, lambda n: n.add_softmax("f", "x", "y"), softmax(X, 1))
cases.add("softmaxND", X, lambda n: n.add_softmax_nd("f", "x", "y", -1), softmax(X, 3))
L = noise(2, 6, 2, 2, seed=20)


def lrn(x, alpha, beta, size, k):
    half = (size - 1) // 2
    x = x.astype(np.float64)
    sums = np.stack([(x[:, max(0, c - half):c + size - half]**2).sum(1) for c in range(x.shape[1])], 1)
    return x / (k + alpha / size * sums)**beta


cases.add("lrn", L, lambda n: n.add_lrn("f", "x", "y", 0.5, 0.75, 3, 2.0), lrn(L, 0.5, 0.75, 3, 2), rtol=1e-5)
cases.add("lrn-k", L[0], lambda n: n.add_lrn("f", "x", "y", 0.5, 0.75, 5, 0), lrn(L, 0.5, 0.75, 5, 1)[0], rtol=1e-5,
          legacy=True)
for shape in ((5,), (4, 5)):
    g, h = noise(*shape, seed=21), noise(*shape, seed=22)
    axes = tuple(range(-len(shape), 0))
    cases.add(f"layerNormalization-{len(shape)}", X,
              lambda n, s=shape, g=g, h=h: n.add_layer_normalization("f", "x", "y", s, g, h, 0.01),
              norm(X, axes, 0.01) * g + h, rtol=1e-5, atol=1e-5)

R = np.abs(noise(2, 3, 4, seed=23)) + 0.25
FUNCTIONS = {"sum": np.sum, "avg": np.mean, "prod": np.prod, "sumsquare": lambda x, a, **k: np.sum(x**2, a, **k),
             "L1": lambda x, a, **k: np.sum(np.abs(x), a, **k),
             "L2": lambda x, a, **k: np.sqrt(np.sum(x**2, a, **k)), "max": np.max, "min": np.min,
             "logsum": lambda x, a, **k: np.sum(np.log(x + 0.5), a, **k)}
for mode, f in FUNCTIONS.items():
    for axis, axes in (("CHW", (0, 1, 2)), ("HW", (1, 2)), ("C", 0), ("H", 1), ("W", 2)):
        x = R if mode == "logsum" else R - 1
        cases.add(f"reduce-{mode}-{axis}", x, lambda n, m=mode, a=axis: n.add_reduce("f", "x", "y", a, m, 0.5),
                  f(x.astype(np.float64), axes, keepdims=True), legacy=True, rtol=1e-5, atol=1e-5)
cases.add("reduce-argmax", R, lambda n: n.add_reduce("f", "x", "y", "H", "argmax"), R.argmax(1)[:, None], legacy=True)
ND = {"sum": np.sum, "prod": np.prod, "mean": np.mean, "max": np.max, "min": np.min, "l2": FUNCTIONS["L2"],
      "l1": FUNCTIONS["L1"], "sumsquare": FUNCTIONS["sumsquare"],
      "logsum": lambda x, a, **k: np.log(np.sum(x, a, **k)),
      "logsumexp": lambda x, a, **k: np.log(np.sum(np.exp(x), a, **k))}
for name, f in ND.items():
    for axes, keep in (((-1,), True), ((0, -1), False)):
        cases.add(f"reduce_{name}-{len(axes)}", R,
                  lambda n, m=name, a=axes, k=keep: getattr(n, f"add_reduce_{m}")("f", "x", "y", list(a), k),
                  f(R.astype(np.float64), axes, keepdims=keep), rtol=1e-5, atol=1e-5)
    cases.add(f"reduce_{name}-all", R,
              lambda n, m=name: getattr(n, f"add_reduce_{m}")("f", "x", "y", None, False, True),
              np.reshape(f(R.astype(np.float64), None), 1), rtol=1e-5, atol=1e-5)
for name, f in (("argmax", np.argmax), ("argmin", np.argmin)):
    cases.add(name, R, lambda n, m=name: getattr(n, f"add_{m}")("f", "x", "y", -2), f(R, 1)[:, None])
    cases.add(f"{name}-removed", R, lambda n, m=name: getattr(n, f"add_{m}")("f", "x", "y", 1, False), f(R, 1))
    cases.add(f"{name}-rank1", R[0, 0], lambda n, m=name: getattr(n, f"add_{m}")("f", "x", "y", 0, False),
              [f(R[0, 0])])
