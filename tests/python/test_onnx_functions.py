"""Core ML's own operators in ONNX files: functions that ONNX Runtime runs, which Assay reads back as the operators."""
import numpy as np
import onnx
import onnxruntime
import pytest
from mil_programs import build, mb, save

SPECIAL = np.array([0, 1, -1, 0.5, -0.5, 1e-40, -1e-40, 3e38, -3e38, np.inf, -np.inf, np.nan], np.float32)
WIDE = (np.random.default_rng(1).standard_normal((2, 3, 4, 5)) * 4).astype(np.float32)
X = np.concatenate([SPECIAL, WIDE.ravel()])
Y = np.concatenate([np.roll(SPECIAL, 5), (WIDE[::-1] * 0.3).ravel()])
WHOLE = np.random.default_rng(2).integers(-50, 50, 40).astype(np.int32)
DIVISORS = np.where(WHOLE[::-1] == 0, -1, WHOLE[::-1]).astype(np.int32)
TENTHS = np.round(WIDE, 1).ravel()
Q, K, V, MASK = (np.random.default_rng(s).standard_normal(d).astype(np.float32)
                 for s, d in ((3, (2, 3, 4)), (4, (2, 5, 4)), (5, (2, 5, 6)), (6, (2, 3, 5))))


def masked(a, b, c, d):
    return mb.scaled_dot_product_attention(query=a, key=b, value=c, attn_mask=mb.greater(x=d, y=np.float32(-1)))


# name: (what the program computes, its inputs, whether ONNX Runtime gives the same bits)
OPERATORS = {
    "ClampedRelu": (lambda a: mb.clamped_relu(x=a, alpha=0.375, beta=2.5), [X], True),
    "FloorDiv": (lambda a, b: mb.floor_div(x=a, y=b), [X, Y], True),
    "FloorDiv-tenths": (lambda a: mb.floor_div(x=a, y=np.float32(0.1)), [TENTHS], True),
    "FloorDiv-integers": (lambda a, b: mb.floor_div(x=a, y=b), [WHOLE, DIVISORS], True),
    "Inverse": (lambda a: mb.inverse(x=a, epsilon=0.25), [X], True),
    "L2Normalization": (lambda a: mb.l2_norm(x=a, epsilon=0.1), [WIDE], False),
    "LinearActivation": (lambda a: mb.linear_activation(x=a, alpha=1.75, beta=-0.3125), [X], True),
    "Log": (lambda a: mb.log(x=a, epsilon=0.125), [np.abs(X)], False),
    "Mod": (lambda a, b: mb.mod(x=a, y=b), [X, Y], True),
    "ParametricSoftplus": (lambda a: mb.softplus_parametric(x=a, alpha=np.float32([1, 0.5, 2]),
                                                            beta=np.float32([1, 2, -0.5])), [WIDE], False),
    "Rsqrt": (lambda a: mb.rsqrt(x=a, epsilon=0.125), [np.abs(X)], True),
    "ScaledTanh": (lambda a: mb.scaled_tanh(x=a, alpha=1.5, beta=0.6875), [X], False),
    "Softplus": (lambda a: mb.softplus(x=a), [X], False),
    "ThresholdedRelu": (lambda a: mb.thresholded_relu(x=a, alpha=0.75), [X], True),
    "ScaledDotProductAttention": (lambda a, b, c: mb.scaled_dot_product_attention(query=a, key=b, value=c), [Q, K, V],
                                  False),
    "ScaledDotProductAttention-mask": (
        lambda a, b, c, d: mb.scaled_dot_product_attention(query=a, key=b, value=c, attn_mask=d), [Q, K, V, MASK],
        False),
    "ScaledDotProductAttention-truths": (masked, [Q, K, V, MASK], False),
}


@pytest.fixture
def journey(assay, tmp_path):
    """journey(body, inputs): a program as ONNX file (its model), and what Assay and ONNX Runtime compute of it."""
    def assay_run(name):
        assay("run", name, "--input", "in.npz", "--output", "out.npz", code=0)
        with np.load(tmp_path / "out.npz") as out:
            return list(dict(out).values())

    def run(body, inputs, target):
        save(build(body, inputs, target), tmp_path / "x.mlpackage", target)
        feeds = dict(zip("abcd", inputs, strict=False))
        np.savez(tmp_path / "in.npz", **feeds)
        ours = assay_run("x.mlpackage")
        done = assay("convert", "x.mlpackage", "-o", "y.onnx", "--strict", code=0)
        assert "A213" not in done.err
        model = onnx.load(tmp_path / "y.onnx")
        onnx.checker.check_model(model, full_check=True)
        session = onnxruntime.InferenceSession(tmp_path / "y.onnx", providers=["CPUExecutionProvider"])
        theirs = session.run(None, feeds)
        assay("convert", "y.onnx", "-o", "z.mlpackage", code=0)
        for back in (assay_run("y.onnx"), assay_run("z.mlpackage")):
            for want, got in zip(ours, back, strict=True):
                assert want.tobytes() == got.tobytes()
        return model, ours, theirs
    return run


@pytest.mark.parametrize("name", OPERATORS)
def test_operator(journey, name):
    body, inputs, exact = OPERATORS[name]
    target = "iOS18" if "Attention" in name else "iOS17"
    model, ours, theirs = journey(body, inputs, target)
    assert {f.name for f in model.functions} == {name.split("-")[0]}
    for want, got in zip(ours, theirs, strict=True):
        if exact:
            np.testing.assert_array_equal(got, want)
        else:
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [n for n, (body, inputs, _) in OPERATORS.items()
                                  if inputs[0].dtype == np.float32 and body != masked])
def test_half_rounds_once(journey, name):
    """A float16 operation computes in float32 and rounds its result, in the function too."""
    body, inputs, exact = OPERATORS[name]
    if name == "FloorDiv":
        inputs = [WIDE, 0.3 * WIDE[::-1]]
    body = {"FloorDiv-tenths": lambda a: mb.floor_div(x=a, y=np.float16(0.1)),
            "ParametricSoftplus": lambda a: mb.softplus_parametric(x=a, alpha=np.float16([1, 0.5, 2]),
                                                                   beta=np.float16([1, 2, -0.5]))}.get(name, body)

    def half(*given):
        halves = [mb.cast(x=g, dtype="fp16") for g in given]
        return mb.cast(x=body(*halves), dtype="fp32")
    model, ours, theirs = journey(half, inputs, "iOS18" if "Attention" in name else "iOS17")
    assert [f.overload.endswith("float16") for f in model.functions] == [True]
    for want, got in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(got, want, rtol=0 if exact else 2**-10, atol=0 if exact else 2**-20)


def test_one_operator_of_several_types(journey):
    def body(a, b):
        return mb.floor_div(x=a, y=np.float32(0.7)), mb.floor_div(x=b, y=np.int32(-7))
    model, ours, theirs = journey(body, [TENTHS, WHOLE], "iOS15")
    assert sorted((f.name, f.overload) for f in model.functions) == [("FloorDiv", ""), ("FloorDiv", "int32")]
    for want, got in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(got, want)


def test_the_operator_counts_not_the_body(assay, tmp_path, journey):
    """The body is for others: what has the operator's name is the operator."""
    model, ours, _ = journey(*OPERATORS["Rsqrt"][:2], "iOS15")
    del model.functions[0].node[:]
    model.functions[0].node.append(onnx.helper.make_node("Identity", ["x"], ["result"]))
    onnx.save(model, tmp_path / "other.onnx")
    assay("run", "other.onnx", "--input", "in.npz", "--output", "out.npz", code=0)
    with np.load(tmp_path / "out.npz") as out:
        np.testing.assert_array_equal(next(iter(out.values())), ours[0])
    assert "coreml.Rsqrt" in assay("inspect", "other.onnx", code=0).out


def resampled(a):
    return mb.resize_bilinear(x=a, target_size_height=7, target_size_width=9, sampling_mode="OFFSET_CORNERS")


def test_what_only_assay_runs_is_told(assay, tmp_path):
    save(build(lambda a: mb.inverse(x=resampled(resampled(a)), epsilon=0.5), [WIDE], "iOS15"), tmp_path / "x.mlpackage")
    done = assay("convert", "x.mlpackage", "-o", "y.onnx", code=0)
    assert done.err.count("A213") == 1
    assert "2 coreml.Resize" in done.err
    assert "Inverse" not in done.err
    (tmp_path / "y.onnx").unlink()
    assay("convert", "x.mlpackage", "-o", "y.onnx", "--strict", code=1)
    assert not (tmp_path / "y.onnx").exists()
    emitting = ("inspect", "x.mlpackage", "--profile", "f16-storage", "--emit-onnx", "y.onnx")
    assay(*emitting, "--strict", code=1)
    assert not (tmp_path / "y.onnx").exists()
    assert "2 coreml.Resize" in assay(*emitting, code=0).err
    assert (tmp_path / "y.onnx").exists()


def test_functions_in_emitted_files(assay, tmp_path):
    """A resolved program has Casts around the calls; ONNX Runtime has its numbers."""
    body, inputs, _ = OPERATORS["LinearActivation"]
    save(build(body, inputs, "iOS15"), tmp_path / "x.mlpackage")
    np.savez(tmp_path / "in.npz", a=inputs[0])
    assay("run", "x.mlpackage", "--input", "in.npz", "--output", "out.npz", "--profile", "f16-storage", code=0)
    assay("inspect", "x.mlpackage", "--profile", "f16-storage", "--emit-onnx", "y.onnx", code=0)
    onnx.checker.check_model(str(tmp_path / "y.onnx"), full_check=True)
    session = onnxruntime.InferenceSession(tmp_path / "y.onnx", providers=["CPUExecutionProvider"])
    with np.load(tmp_path / "out.npz") as out:
        np.testing.assert_array_equal(session.run(None, {"a": inputs[0]})[0], next(iter(out.values())))
