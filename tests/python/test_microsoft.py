"""Operators of ONNX Runtime for which its CPU provider has no kernel, or not of this form: against NumPy."""
import math

import numpy as np
import onnx
import pytest
from differential.harness import Case, model_of, run_assay
from onnx import helper

DOMAIN = "com.microsoft"


def random(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng([seed, *shape]).uniform(-1, 1, shape).astype(dtype)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def erf(x):
    return np.vectorize(math.erf)(x)


def gelu(x):
    return 0.5 * x * (1 + erf(x / np.sqrt(2)))


def fast_gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def group_norm(x, gamma, beta, groups, epsilon=1e-5):
    """Channels last."""
    n, c = x.shape[0], x.shape[-1]
    parts = x.reshape(n, -1, groups, c // groups)
    mean, var = parts.mean((1, 3), keepdims=True), parts.var((1, 3), keepdims=True)
    return ((parts - mean) / np.sqrt(var + epsilon)).reshape(x.shape) * gamma + beta


def attend(q, k, v, heads, masked=0):
    """[B, S, N * H] each."""
    def split(x):
        return x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)
    q, k, v = split(q), split(k), split(v)
    shares = softmax(q @ k.transpose(0, 1, 3, 2) / np.sqrt(q.shape[-1]) + masked)
    return (shares @ v).transpose(0, 2, 1, 3).reshape(q.shape[0], q.shape[2], -1)


@pytest.fixture
def run(assay_path, tmp_path):
    """run(kind, *inputs, outputs=1, attribute=...) -> what Assay makes of them."""

    def of(kind, *inputs, outputs=1, weights=(), more=(), **attributes):
        case = Case(kind, list(inputs), attributes, outputs, weights, domain=DOMAIN)
        model, feeds = model_of([case])
        done = run_assay(assay_path, model, feeds, tmp_path, *more)
        results = [done[f"o0_{k}"] for k in range(outputs)]
        return results if outputs > 1 else results[0]

    return of


def close(ours, theirs, far=2e-6):
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=far, atol=far)


def test_sums(run):
    x, bias, skip = random(2, 3, 4), random(4), random(2, 3, 4, seed=1)
    close(run("BiasAdd", x, bias, skip), x + bias + skip)
    total, mask = run("BiasDropout", x, bias, skip, np.float32(0.5), np.array(False), outputs=2, weights=(3, 4))
    close(total, x + bias + skip)
    assert mask.dtype == bool and mask.shape == x.shape and mask.all()


def test_dropout_of_training_is_refused(run):
    with pytest.raises(RuntimeError, match="training_mode is not known to be false"):
        run("BiasDropout", random(2, 4), random(4), None, np.float32(0.5), np.array(True))


@pytest.mark.parametrize("axis", [1, 2, -1])
def test_bias_softmax(run, axis):
    x, bias = random(2, 3, 4), random(1, 3, 4)
    rows = (x + bias).reshape(*x.shape[:axis], -1)
    close(run("BiasSoftmax", x, bias, axis=axis, is_inner_broadcast=0), softmax(rows).reshape(x.shape))


def test_gelus(run):
    x, w, bias = random(3, 4), random(4, 6), random(6)
    close(run("GemmFastGelu", x, w, bias), fast_gelu(x @ w + bias))
    close(run("GemmFastGelu", x, w), fast_gelu(x @ w))
    y = random(2, 3, 8) + (b := random(8))
    close(run("BiasSplitGelu", random(2, 3, 8), b), y[..., :4] * gelu(y[..., 4:]))


@pytest.mark.parametrize("activation", ["Relu", "Softmax", "Elu"])
def test_product_with_activation(run, activation):
    a, b = random(2, 3, 4), random(2, 5, 4)
    y = np.float32(0.5) * (a @ b.transpose(0, 2, 1))
    want = {"Relu": np.maximum(y, 0), "Softmax": softmax(y, 1), "Elu": np.where(y < 0, 0.3 * np.expm1(y), y)}
    close(run("FusedMatMulActivation", a, b, transB=1, alpha=0.5, activation=activation, activation_axis=1,
              activation_alpha=0.3), want[activation])


@pytest.mark.parametrize("activation", [0, 1])
@pytest.mark.parametrize("last", [0, 1])
def test_group_norm(run, activation, last):
    def as_given(x):
        return x if last else np.moveaxis(x, -1, 1).copy()
    x, gamma, beta, bias = random(2, 3, 5, 8), random(8), random(8, seed=2), random(8, seed=3)
    attributes = {"groups": 4, "activation": activation, "channels_last": last}

    def want(y):
        y = group_norm(y, gamma, beta, 4)
        return as_given(y * sigmoid(y) if activation else y)
    close(run("GroupNorm", as_given(x), gamma, beta, **attributes), want(x), 2e-5)
    for skip, there in ((random(2, 8), None), (random(2, 1, 1, 8), None), (random(2, 3, 5, 8, seed=1), bias)):
        given = skip if skip.ndim == 2 else as_given(skip)
        y, s = run("SkipGroupNorm", as_given(x), gamma, beta, given, there, outputs=2, **attributes)
        total = x + (skip[:, None, None] if skip.ndim == 2 else skip) + (0 if there is None else there)
        close(s, as_given(total))
        close(y, want(total), 2e-5)


def test_group_norm_of_halves_has_wide_parameters(run):
    x, gamma, beta = random(1, 4, 4, 6, dtype=np.float16), random(6), random(6, seed=1)
    y = run("GroupNorm", x, gamma, beta, groups=2, activation=0)
    assert y.dtype == np.float16
    close(y, group_norm(x.astype(np.float32), gamma, beta, 2).astype(np.float16), 2e-3)


def conv(x, w, stride=1):
    """[N, H, W, C] with [M, C, kh, kw]."""
    kh, kw = w.shape[2:]
    rows, columns = (x.shape[1] - kh) // stride + 1, (x.shape[2] - kw) // stride + 1
    y = np.zeros((x.shape[0], rows, columns, w.shape[0]), np.float32)
    for i in range(rows):
        for j in range(columns):
            part = x[:, i * stride:i * stride + kh, j * stride:j * stride + kw]
            y[:, i, j] = np.einsum("nhwc,mchw->nm", part, w)
    return y


def test_convolutions_with_channels_last(run):
    x, w, bias = random(2, 6, 7, 3), random(5, 3, 2, 2), random(5)
    y = conv(x, w, 2) + bias
    close(run("NhwcConv", x, w.transpose(0, 2, 3, 1).copy(), bias, strides=[2, 2]), y)
    close(run("NhwcConv", x, w, bias, strides=[2, 2]), y)  # ONNX's order of the weights
    z = random(*y.shape)
    close(run("NhwcFusedConv", x, w, bias, z, strides=[2, 2], activation="LeakyRelu", activation_params=[0.1]),
          np.where(y + z < 0, 0.1 * (y + z), y + z))


def test_complex_products(run):
    a, b = random(3, 4, 2), random(3, 4, 2, seed=1)
    x, y = a[..., 0] + 1j * a[..., 1], b[..., 0] + 1j * b[..., 1]
    for kind, z in (("ComplexMul", x * y), ("ComplexMulConj", x * y.conj())):
        close(run(kind, a, b), np.stack([z.real, z.imag], -1))


def test_embedding(run):
    table, ids = random(5, 3), np.array([[4, 0], [2, 2]])
    close(run("TorchEmbedding", table, ids), table[ids])


def test_packed_attention(run):
    q, k, v = random(3, 2, 4, 6)
    packed = np.stack([t.reshape(2, 4, 3, 2) for t in (q, k, v)], 3)
    close(run("MultiHeadAttention", packed, num_heads=3), attend(q, k, v, 3))
    close(run("MultiHeadAttention", q, packed[:, :, :, 1:].copy(), num_heads=3), attend(q, k, v, 3))


def test_mask_of_all_positions(run):
    x, w, bias, past = random(2, 3, 4), random(4, 12), random(12), random(2, 2, 2, 2, 2)
    mask = np.random.default_rng(0).integers(0, 2, (2, 1, 7, 7)).astype(np.int32)
    mask[..., 0] = 1
    q, k, v = np.split(x @ w + bias, 3, -1)

    def behind(part, new):
        return np.concatenate([past[part].transpose(0, 2, 1, 3).reshape(2, 2, 4), new], 1)
    want = attend(q, behind(0, k), behind(1, v), 2, np.where(mask[:, :, 2:5, :5] > 0, 0, -10000))
    close(run("Attention", x, w, bias, mask, past, num_heads=2), want)


def test_steps_are_rounded_under_storage_policies(run):
    """A fused operator means its steps: each is a node, and rounds."""
    a, b = random(4, 8), random(8)
    wide = run("BiasGelu", a, b)
    ours = run("BiasGelu", a, b, more=("--profile", "f16-storage"))
    half = a.astype(np.float16).astype(np.float32), b.astype(np.float16).astype(np.float32)
    total = (half[0] + half[1]).astype(np.float16).astype(np.float32)
    assert np.array_equal(ours, gelu(total.astype(np.float64)).astype(np.float16).astype(np.float32))
    assert not np.array_equal(ours, wide)


@pytest.mark.parametrize(("kind", "domain", "words"), [
    ("EPContext", DOMAIN, "give the ONNX model that the context was made from"),
    ("Snpe", DOMAIN, "Qualcomm"),
    ("ReorderInput", "com.microsoft.nchwc", "ORT_ENABLE_EXTENDED"),
])
def test_opaque_nodes_are_refused_by_name(assay, tmp_path, kind, domain, words):
    node = helper.make_node(kind, ["x"], ["y"], name="blob", domain=domain, **({"DLC": "?"} if kind == "Snpe" else {}))
    value = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 8, 2, 2])
    graph = helper.make_graph([node], "g", [value], [onnx.ValueInfoProto(name="y")])
    imports = [helper.make_opsetid("", 17), helper.make_opsetid(domain, 1)]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), tmp_path / "m.onnx")
    done = assay("inspect", tmp_path / "m.onnx", code=3)
    assert "A104" in done.err
    assert f"{domain}.{kind} 'blob'" in done.err and words in done.err


@pytest.mark.parametrize(("kind", "inputs", "attributes", "words"), [
    ("Attention", [(1, 2, 4), (4, 12)], {"num_heads": 0}, "num_heads is 0"),
    ("Attention", [(1, 2, 4), (4, 12)], {"num_heads": 2, "do_rotary": 1}, "rotary"),
    ("MultiHeadAttention", [(1, 2, 4)], {"num_heads": 2}, "neither keys nor packed data"),
    ("MultiHeadAttention", [(2, 4)], {"num_heads": 2}, "rank 2"),
    ("RotaryEmbedding", [(1, 2, 4), "ids", (3, 1)], {}, "sin_cache"),
    ("BiasSoftmax", [(2, 3), (2, 3)], {"axis": 5, "is_inner_broadcast": 0}, "axis 5"),
    ("FusedConv", [(1, 1, 3, 3), (1, 1, 1, 1)], {"activation": "Nope"}, "'Nope'"),
    ("CDist", [(2, 3), (2, 3)], {"metric": "cosine"}, "'cosine'"),
])
def test_what_is_wrong_is_said(run, kind, inputs, attributes, words):
    arrays = [np.zeros((1, 2), np.int64) if shape == "ids" else random(*shape) for shape in inputs]
    with pytest.raises(RuntimeError, match=words):
        run(kind, *arrays, **attributes)
