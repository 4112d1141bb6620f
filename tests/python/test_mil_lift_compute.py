"""ML Program operators of one and two operands, normalisations, products, convolutions and poolings, held against
NumPy. Programs come from coremltools' own builder, each operator in every version that it has."""
import math

import numpy as np
import pytest
from mil_programs import close, mb, run

RNG = np.random.default_rng(7)
ALL = ("iOS15", "iOS16", "iOS17", "iOS18")
SPECIAL = np.float32([0, -0.0, 1, -1, 0.5, -0.5, 2.5, -2.5, 3, 7, -7, 100, -100, 1e-3, -1e-3, 88, np.inf, -np.inf,
                      np.nan])


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x.astype(np.float64)))


def softplus(x):
    return np.log1p(np.exp(-np.abs(x.astype(np.float64)))) + np.maximum(x, 0)


erf = np.vectorize(math.erf, otypes=[np.float64])


def clamped(x, a, b):
    return np.minimum(np.where(x < 0, a * x, x), b)


# name, settings, reference over float64; `domain` keeps the operand where the function is defined
UNARY = [
    ("abs", {}, np.abs),
    ("acos", {}, np.arccos), ("asin", {}, np.arcsin), ("atan", {}, np.arctan), ("atanh", {}, np.arctanh),
    ("ceil", {}, np.ceil), ("floor", {}, np.floor), ("round", {}, np.round), ("sign", {}, np.sign),
    ("cos", {}, np.cos), ("sin", {}, np.sin), ("tan", {}, np.tan), ("tanh", {}, np.tanh),
    ("cosh", {}, np.cosh), ("sinh", {}, np.sinh), ("erf", {}, erf), ("exp", {}, np.exp), ("exp2", {}, np.exp2),
    ("sqrt", {}, np.sqrt), ("square", {}, np.square),
    ("inverse", {}, lambda x: 1 / (x + np.float32(1e-4))), ("inverse", {"epsilon": 0.5}, lambda x: 1 / (x + 0.5)),
    ("log", {}, lambda x: np.log(x + np.float64(np.float32(1e-45)))),
    ("log", {"epsilon": 0.25}, lambda x: np.log(x + 0.25)),
    ("rsqrt", {}, lambda x: 1 / np.sqrt(x + np.float32(1e-12))),
    ("clip", {"alpha": -0.5, "beta": 2.0}, lambda x: np.clip(x, -0.5, 2)),
    ("threshold", {"alpha": 0.25}, lambda x: np.maximum(x, 0.25)),
    ("relu", {}, lambda x: np.maximum(x, 0)), ("relu6", {}, lambda x: np.clip(x, 0, 6)),
    ("sigmoid", {}, sigmoid), ("silu", {}, lambda x: x * sigmoid(x)),
    ("softplus", {}, softplus), ("softsign", {}, lambda x: x / (1 + np.abs(x))),
    ("elu", {"alpha": 1.5}, lambda x: np.where(x < 0, 1.5 * np.expm1(x), x)),
    ("leaky_relu", {"alpha": 0.1}, lambda x: np.where(x < 0, np.float32(0.1) * x, x)),
    ("thresholded_relu", {"alpha": 0.5}, lambda x: np.where(x < 0.5, 0, x)),
    ("clamped_relu", {"alpha": 0.25, "beta": 3.0}, lambda x: clamped(x, 0.25, 3)),
    ("clamped_relu", {"alpha": 0.25, "beta": -1.0}, lambda x: clamped(x, 0.25, -1)),
    ("linear_activation", {"alpha": 0.75, "beta": -2.0}, lambda x: 0.75 * x - 2),
    ("scaled_tanh", {"alpha": 1.25, "beta": 0.5}, lambda x: 1.25 * np.tanh(0.5 * x)),
    ("sigmoid_hard", {"alpha": 0.25, "beta": 0.5}, lambda x: np.clip(0.25 * x + 0.5, 0, 1)),
    ("gelu", {"mode": "EXACT"}, lambda x: 0.5 * x * (1 + erf(x / np.sqrt(2)))),
    ("gelu", {"mode": "TANH_APPROXIMATION"},
     lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))),
    ("gelu", {"mode": "SIGMOID_APPROXIMATION"}, lambda x: x * sigmoid(1.702 * x)),
]


def settings_of(settings):
    return {k: np.float32(v) if isinstance(v, float) else v for k, v in settings.items()}


@pytest.mark.parametrize("target", ("iOS15", "iOS17"))
@pytest.mark.parametrize(("name", "settings", "reference"), UNARY,
                         ids=[f"{n}-{'-'.join(map(str, s.values()))}" for n, s, _ in UNARY])
def test_functions_of_one_value(assay, tmp_path, name, settings, reference, target):
    x = np.concatenate([SPECIAL, 2 * floats(40)])
    found, = run(assay, tmp_path, lambda a: getattr(mb, name)(x=a, **settings_of(settings)), [x], target)
    with np.errstate(all="ignore"):
        wanted = reference(x.astype(np.float64)).astype(np.float32)
    finite = np.isfinite(wanted)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
    np.testing.assert_array_equal(found[np.isinf(wanted)], wanted[np.isinf(wanted)])
    np.testing.assert_allclose(found[finite], wanted[finite], rtol=3e-6, atol=2e-6)


BINARY = [
    ("add", np.add), ("sub", np.subtract), ("mul", np.multiply), ("real_div", np.true_divide),
    ("maximum", np.maximum), ("minimum", np.minimum), ("floor_div", np.floor_divide), ("mod", np.mod),
    ("equal", np.equal), ("not_equal", np.not_equal), ("greater", np.greater), ("greater_equal", np.greater_equal),
    ("less", np.less), ("less_equal", np.less_equal),
]


@pytest.mark.parametrize(("name", "reference"), BINARY, ids=[n for n, _ in BINARY])
def test_functions_of_two_values(assay, tmp_path, name, reference):
    x, y = np.repeat(SPECIAL, len(SPECIAL))[:, None], np.tile(SPECIAL, len(SPECIAL))[:, None] * np.float32([1, 0.7])
    found, = run(assay, tmp_path, lambda a, b: getattr(mb, name)(x=a, y=b), [x, y])
    with np.errstate(all="ignore"):
        wanted = reference(x, y)
    np.testing.assert_array_equal(found, wanted.astype(found.dtype))


def test_powers(assay, tmp_path):
    x, y = np.abs(floats(50)) + np.float32(0.1), floats(50)
    close(run(assay, tmp_path, lambda a, b: mb.pow(x=a, y=b), [x, y])[0], np.power(x, y), 1e-5)


INTEGERS = [n for n in BINARY if n[0] != "real_div"]


@pytest.mark.parametrize(("name", "reference"), INTEGERS, ids=[n for n, _ in INTEGERS])
def test_functions_of_two_integers(assay, tmp_path, name, reference):
    x = np.arange(-8, 9, dtype=np.int32)[:, None]
    y = np.array([-5, -3, -1, 1, 2, 7], np.int32)
    found, = run(assay, tmp_path, lambda a, b: getattr(mb, name)(x=a, y=b), [x, y])
    np.testing.assert_array_equal(found, reference(x, y).astype(np.int32))


@pytest.mark.parametrize(("name", "reference"), [("logical_and", np.logical_and), ("logical_or", np.logical_or),
                                                 ("logical_xor", np.logical_xor)])
def test_logic(assay, tmp_path, name, reference):
    x, y = np.array([0, 0, 1, 1], np.int32), np.array([0, 1, 0, 1], np.int32)
    body = lambda a, b: getattr(mb, name)(x=mb.cast(x=a, dtype="bool"), y=mb.cast(x=b, dtype="bool"))  # noqa: E731
    np.testing.assert_array_equal(run(assay, tmp_path, body, [x, y])[0], reference(x, y))


def test_logical_not_and_casts(assay, tmp_path):
    x = np.array([0, 1.75, -1.75, 300.5], np.float32)
    found = run(assay, tmp_path, lambda a: [
        mb.logical_not(x=mb.cast(x=a, dtype="bool")), mb.cast(x=a, dtype="int32"), mb.cast(x=a, dtype="fp16"),
        mb.cast(x=mb.cast(x=a, dtype="int32"), dtype="fp32")], [x], "iOS16")
    np.testing.assert_array_equal(found[0], [1, 0, 0, 0])
    np.testing.assert_array_equal(found[1], [0, 1, -1, 300])
    assert found[2].dtype == np.float16
    np.testing.assert_array_equal(found[3], [0, 1, -1, 300])


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 5), (1, 3, 2, 2, 2)])
def test_settings_of_channels(assay, tmp_path, shape):
    x, alpha, beta = floats(*shape), np.float32([0.25, 0.5, -2]), np.float32([1, 2, 0.5])
    wide = (3,) + (1,) * (len(shape) - 2)
    same = np.float32([0.25] * 3) if len(shape) != 4 else alpha  # other ranks take one value for all channels
    found = run(assay, tmp_path, lambda a: [mb.prelu(x=a, alpha=same),
                                                  mb.softplus_parametric(x=a, alpha=alpha, beta=beta)], [x])
    close(found[0], np.where(x < 0, same.reshape(wide) * x, x))
    close(found[1], alpha.reshape(wide) * softplus(beta.reshape(wide) * x), 1e-5)


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_softmax(assay, tmp_path, axis):
    x = 3 * floats(3, 4, 5)
    e = np.exp(x - x.max(axis, keepdims=True))
    close(run(assay, tmp_path, lambda a: mb.softmax(x=a, axis=axis), [x])[0], e / e.sum(axis, keepdims=True))


def moments(x, axes, eps):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


@pytest.mark.parametrize("target", ("iOS15", "iOS17"))
def test_normalisations(assay, tmp_path, target):
    x = floats(2, 3, 4, 5)
    g, b, m, v = (floats(3) for _ in range(4))
    v = np.abs(v) + np.float32(0.1)
    w = (3, 1, 1)
    plain = (x - m.reshape(w)) / np.sqrt(v.reshape(w) + np.float32(1e-5))
    found = run(assay, tmp_path, lambda a: [
        mb.batch_norm(x=a, mean=m, variance=v), mb.batch_norm(x=a, mean=m, variance=v, gamma=g, beta=b),
        mb.instance_norm(x=a), mb.instance_norm(x=a, gamma=g, beta=b, epsilon=np.float32(0.01)),
        mb.l2_norm(x=a), mb.l2_norm(x=a, epsilon=np.float32(2.0)),
        mb.local_response_norm(x=a, size=3, alpha=np.float32(0.5), beta=np.float32(0.75), k=np.float32(2.0))],
        [x], target)
    close(found[0], plain, 1e-5)
    close(found[1], plain * g.reshape(w) + b.reshape(w), 1e-5)
    close(found[2], moments(x, (2, 3), 1e-5), 1e-5)
    close(found[3], moments(x, (2, 3), 0.01) * g.reshape(w) + b.reshape(w), 1e-5)
    for result, eps in ((found[4], 1e-6), (found[5], 2.0)):
        close(result, x / np.sqrt((x ** 2).sum((1, 2, 3), keepdims=True) + eps))
    squares = np.pad(x ** 2, ((0, 0), (1, 1), (0, 0), (0, 0)))
    window = squares[:, :-2] + squares[:, 1:-1] + squares[:, 2:]
    close(found[6], x / (2 + 0.5 / 3 * window) ** 0.75, 1e-5)


@pytest.mark.parametrize("axes", [[-1], [1, 2], [0, 2], [1], [0, 1, 2]])
def test_layer_norm(assay, tmp_path, axes):
    x = floats(2, 3, 4)
    kept = [a % 3 for a in axes]
    shape = tuple(x.shape[a] for a in kept)
    g, b = floats(*shape), floats(*shape)
    found = run(assay, tmp_path, lambda a: [mb.layer_norm(x=a, axes=axes),
                                                  mb.layer_norm(x=a, gamma=g, beta=b, axes=axes)], [x])
    wide = [n if k in kept else 1 for k, n in enumerate(x.shape)]
    close(found[0], moments(x, tuple(kept), 1e-5), 1e-5)
    close(found[1], moments(x, tuple(kept), 1e-5) * g.reshape(wide) + b.reshape(wide), 1e-5)


@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 5)])
def test_linear(assay, tmp_path, shape):
    x, w, b = floats(*shape), floats(4, 5), floats(4)
    found = run(assay, tmp_path, lambda a: [mb.linear(x=a, weight=w), mb.linear(x=a, weight=w, bias=b)], [x])
    close(found[0], x @ w.T)
    close(found[1], x @ w.T + b)


def test_matmul(assay, tmp_path):
    x, y, p, q = floats(2, 3, 4), floats(2, 4, 5), floats(3, 4), floats(3, 5)
    y_turned = np.ascontiguousarray(np.swapaxes(y, -1, -2))
    found = run(assay, tmp_path, lambda a, b, c, d: [
        mb.matmul(x=a, y=b), mb.matmul(x=a, y=y_turned, transpose_y=True), mb.matmul(x=c, y=d, transpose_x=True),
        mb.matmul(x=c, y=y[0])], [x, y, p, q])
    for value, wanted in zip(found, [x @ y, x @ y, p.T @ q, p @ y[0]], strict=True):
        close(value, wanted)


def test_einsum(assay, tmp_path):
    x, y = floats(2, 3, 4, 5), floats(2, 5, 4, 6)
    found, = run(assay, tmp_path, lambda a, b: mb.einsum(values=(a, b), equation="nchw,nwhu->nchu"), [x, y])
    close(found, np.einsum("nchw,nwhu->nchu", x, y), 1e-5)


@pytest.mark.parametrize("mask", [None, "bool", "float"])
def test_attention(assay, tmp_path, mask):
    q, k, v = floats(2, 3, 4, 8), floats(2, 3, 5, 8), floats(2, 3, 5, 6)
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(8)
    words = {}
    if mask == "bool":
        words["attn_mask"] = RNG.random((4, 5)) < 0.7
        words["attn_mask"][:, 0] = True
        scores = np.where(words["attn_mask"], scores, -np.inf)
    if mask == "float":
        words["attn_mask"] = floats(3, 4, 5)
        scores = scores + words["attn_mask"]
    e = np.exp(scores - scores.max(-1, keepdims=True))
    found, = run(assay, tmp_path, lambda a, b, c: mb.scaled_dot_product_attention(query=a, key=b, value=c, **words),
                 [q, k, v], "iOS18")
    close(found, e / e.sum(-1, keepdims=True) @ v, 1e-5)


HALVES = [
    ("silu", lambda a: mb.silu(x=a), lambda x: x * sigmoid(x)),
    ("gelu", lambda a: mb.gelu(x=a), lambda x: 0.5 * x * (1 + erf(x / np.sqrt(2)))),
    ("linear_activation", lambda a: mb.linear_activation(x=a, alpha=np.float16(0.75), beta=np.float16(-2)),
     lambda x: 0.75 * x - 2),
    ("rsqrt", lambda a: mb.rsqrt(x=mb.abs(x=a), epsilon=np.float16(0.25)), lambda x: 1 / np.sqrt(np.abs(x) + 0.25)),
    ("softplus", lambda a: mb.softplus(x=a), softplus),
    ("l2_norm", lambda a: mb.l2_norm(x=a), lambda x: x / np.sqrt((x ** 2).sum((-3, -2, -1), keepdims=True) + 1e-6)),
]


@pytest.mark.parametrize(("name", "body", "reference"), HALVES, ids=[n for n, _, _ in HALVES])
def test_one_operation_of_a_float16_program_rounds_once(assay, tmp_path, name, body, reference):
    x = np.abs(8 * floats(2, 3, 40)).astype(np.float16)  # below 0 some functions cancel in float32
    found, = run(assay, tmp_path, body, [x], "iOS16")
    wanted = reference(x.astype(np.float64)).astype(np.float16)
    assert found.dtype == np.float16, name
    assert np.max(np.abs(found.view(np.int16).astype(int) - wanted.view(np.int16).astype(int))) <= 1
    assert np.mean(found != wanted) < 0.01  # the float32 result lies beside a tie now and then


def test_linear_of_a_float16_program_rounds_once(assay, tmp_path):
    x, w, b = (floats(*s).astype(np.float16) for s in ((2, 3, 64), (5, 64), (5,)))
    found, = run(assay, tmp_path, lambda a: mb.linear(x=a, weight=w, bias=b), [x], "iOS17")
    wanted = (x.astype(np.float64) @ w.T.astype(np.float64) + b.astype(np.float64)).astype(np.float16)
    assert np.mean(found != wanted) < 0.05


def test_float32_weights_of_a_float16_operand_are_not_rounded(assay, tmp_path):
    """Since iOS17 they may be of another type: NumPy, as coremltools evaluates, rounds the result alone."""
    x, w, b = floats(3, 64).astype(np.float16), floats(5, 64), floats(5)
    exact = x.astype(np.float64) @ w.T.astype(np.float64) + b
    found, = run(assay, tmp_path, lambda a: mb.linear(x=a, weight=w, bias=b), [x], "iOS17")
    narrowed = (x.astype(np.float64) @ w.astype(np.float16).T.astype(np.float64) + b).astype(np.float16)
    assert found.dtype == np.float16
    assert np.mean(found != exact.astype(np.float16)) < 0.1 < np.mean(found != narrowed)
