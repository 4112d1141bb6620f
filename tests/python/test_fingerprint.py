"""What outputs alone tell, and which policy explains them with the model at hand."""
import importlib.util

import numpy as np
import onnx
import pytest
from onnx import helper

W = np.array([[0.0349225402, -0.301196814, 0.159211695, 0.156890273],
              [-0.267238438, -0.0749385953, -0.292913973, 0.129736364],
              [-0.134683847, 0.351268351, 0.354943156, 0.0509352088]], np.float32)
X = np.array([[-2.695711135864258, -0.6399051547050476, 3.681105375289917, -0.2332591712474823]], np.float32)
GPU = [[0.6484375, -0.34033203, 1.4326172]]


@pytest.fixture
def article(save_model, save_npz):
    """The article's layer and its input."""
    node = helper.make_node("Gemm", ["x", "w"], ["y"], transB=1)
    model = save_model("mlp.onnx", [node], {"x": (onnx.TensorProto.FLOAT, (1, 4))},
                       {"y": (onnx.TensorProto.FLOAT, (1, 3))}, {"w": W})
    return model, save_npz("in.npz", x=X)


@pytest.fixture
def fit(assay, article, save_npz):
    """fit(y) -> the JSON of the fit of these outputs."""

    def run(*flags, **arrays):
        out = save_npz("out.npz", **{k: np.array(v, np.float32) for k, v in arrays.items()})
        done = assay("fingerprint", out, "--model", article[0], "--input", article[1], "--json", *flags, code=0)
        return done.result["fit"]

    return run


def policies(group):
    return {f"{p['profile']}/{p['variant']}" for p in group["policies"] if not p["changes"]}


def test_the_articles_gpu_is_float16_storage_with_float32_accumulation(fit):
    result = fit(y=GPU)
    assert result["verdict"] == "exact"
    assert result["explanation"] == "float16 storage, float32 accumulation"
    best = result["groups"][0]
    assert {"f16-storage/only", "coreml-nn-gpu/direct", "coreml-nn-ane/m1-tiles"} <= policies(best)
    assert best["equal"] == best["elements"] == 3
    assert result["margin_bits"] > 0


@pytest.mark.parametrize(("policy", "equal"), [("strict-f32", 0), ("coreml-nn-gpu-lowacc", 1)])
def test_other_policies_are_excluded(fit, policy, equal):
    group = next(g for g in fit(y=GPU)["groups"] if any(p.startswith(policy + "/") for p in policies(g)))
    assert (group["kind"], group["equal"]) == ("excluded", equal)


def test_policies_of_another_format_are_excluded_without_a_run(fit):
    assert {"bf16-storage", "tpu-bf16"} & {p["profile"] for p in fit(y=GPU)["foreign"]} == {"bf16-storage"}


@pytest.mark.parametrize("change", ["only results rounded to float16", "only weights and results rounded to float16",
                                    "only weights rounded to float16"])
def test_casts_of_a_part_are_no_explanation(fit, change):
    group = next(g for g in fit(y=GPU)["groups"] if any(change in p["changes"] for p in g["policies"]))
    assert group["kind"] == "excluded"


@pytest.mark.parametrize(("outputs", "policy", "words"), [
    ([[0.6480752, -0.34015813, 1.4329923]], "strict-f32/only", "float32 storage, float32 accumulation"),
    ([[0.6479492, -0.34033203, 1.4335938]], "coreml-nn-gpu-lowacc/fused", "float16 storage, float16 accumulation"),
    ([[0.6482052, -0.34034812, 1.4330435]], "cuda-tf32-hopper/nearest-even", "TF32 operands"),
])
def test_each_row_of_the_acceptance_table_is_found(fit, outputs, policy, words):
    result = fit(y=outputs)
    assert result["verdict"] == "exact"
    assert policy in policies(result["groups"][0]), policies(result["groups"][0])
    assert words in " ".join(p["words"] for p in result["groups"][0]["policies"])


def test_a_combination_without_a_name_is_found(fit, assay, article):
    result = fit(y=[[0.6479492, -0.3400879, 1.4326172]])  # only the output rounded: no device does
    assert result["verdict"] == "exact"
    changes = [c for p in result["groups"][0]["policies"] for c in p["changes"]]
    assert "only results rounded to float16" in changes
    assert 0 < result["margin_bits"] < 100
    assert all(group["likelihood"] < result["groups"][0]["likelihood"] for group in result["groups"][1:])
    text = assay("fingerprint", "out.npz", "--model", article[0], "--input", article[1], code=0).out
    assert "with only results rounded to float16" in text


def test_what_no_rounding_explains_is_a_defect(fit, assay, article, save_npz):
    result = fit(y=[[0.82, -0.34033203, 1.4326172]])
    assert result["verdict"] == "not-rounding"
    assert result["explanation"] is None
    assert result["starts"]["array"] == "y"
    text = assay("fingerprint", "out.npz", "--model", article[0], "--input", article[1], code=0).out
    assert "3 values tell formats apart, too few to tell a defect from a policy that is not known" in text


@pytest.mark.parametrize(("numbers", "words"), [(63, "too few to tell a defect"), (64, "a defect, quantisation, or")])
def test_few_values_are_not_called_a_defect(assay, save_model, save_npz, numbers, words):
    x = np.random.default_rng(9).normal(size=(1, numbers)).astype(np.float32)
    model = save_model("exp.onnx", [helper.make_node("Exp", ["x"], ["y"])], {"x": (1, x.shape)}, {"y": (1, x.shape)})
    given = save_npz("exp-in.npz", x=x)
    done = assay("fingerprint", save_npz("exp-out.npz", y=np.exp(x) * np.float32(1.01)), "--model", model, "--input",
                 given, "--combinations", "0", code=0)
    assert "not rounding: no policy that was tried explains these outputs, nor another order of its sums" in done.out
    assert words in done.out


def test_a_small_margin_may_be_chance(fit, assay, article):
    """Three values: what they are stored in is sure, the policy beyond that is not."""
    result = fit(y=GPU)
    assert (result["margin_bits"], result["format_bits"], result["telling"]) == (3, 39, 3)
    assert result["may_be_chance"]
    text = assay("fingerprint", "out.npz", "--model", article[0], "--input", article[1], code=0).out
    assert ("explained bit for bit by float16 storage, float32 accumulation; the next costs 3 bits more\n"
            "the format that it stores has 39 bits of evidence; what else it does may be chance") in text


def test_one_value_may_be_explained_by_chance(assay, save_model, save_npz, tmp_path):
    nodes = [helper.make_node("MatMul", ["x", "w"], ["a"]), helper.make_node("Sigmoid", ["a"], ["y"])]
    rng = np.random.default_rng(2)
    model = save_model("one.onnx", nodes, {"x": (1, (1, 16))}, {"y": (1, (1, 1))},
                       {"w": rng.normal(0, 0.3, (16, 1)).astype(np.float32)})
    given = save_npz("one-in.npz", x=rng.normal(size=(1, 16)).astype(np.float32))
    assay("run", model, "--input", given, "--profile", "f16-storage", "--output", "one.npz", code=0)
    words = ["fingerprint", "one.npz", "--model", model, "--input", given, "--combinations", "0"]
    found = assay(*words, "--json", code=0).result["fit"]
    assert (found["verdict"], found["format_bits"], found["may_be_chance"]) == ("exact", 13, True)
    assert "this may be chance: below 32 bits" in assay(*words, code=0).out


@pytest.fixture
def fit_scores(assay, save_model, save_npz):
    """fit_scores(logit, change) -> the fit and its text of 400 sigmoids near there, whose values were changed."""

    def run(logit, change, combinations=0):
        rng = np.random.default_rng(4)
        x = rng.normal(size=(100, 8)).astype(np.float32)
        w = rng.normal(0, 0.3, size=(8, 4)).astype(np.float32)
        nodes = [helper.make_node("MatMul", ["x", "w"], ["a"]), helper.make_node("Add", ["a", "b"], ["z"]),
                 helper.make_node("Sigmoid", ["z"], ["y"])]
        model = save_model("s.onnx", nodes, {"x": (1, x.shape)}, {"y": (1, (100, 4))}, {"w": w, "b": np.float32(logit)})
        scores = 1 / (1 + np.exp(-(x @ w + np.float32(logit)).astype(np.float64)))
        words = ["fingerprint", save_npz("s-out.npz", y=change(scores).astype(np.float32)), "--model", model, "--input",
                 save_npz("s-in.npz", x=x), "--combinations", combinations]
        return assay(*words, "--json", code=0).result["fit"], assay(*words, code=0).out

    return run


def test_zeros_are_little_evidence(fit_scores):
    """A library's float32 Sigmoid is 0 where ours is 1e-11: that some float16 policy gives 0 too says little."""
    found, text = fit_scores(-25, lambda y: 0 * y)
    assert (found["verdict"], found["telling"], found["may_be_chance"]) == ("exact", 0, True)
    assert found["margin_bits"] > 1000
    assert "this may be chance: 0 values tell formats apart" in text


def test_plain_float32_is_within_rounding_where_small_scores_are_flushed(fit_scores):
    """Another library's Sigmoid is off by so much, and 0 below: float16 steps look nearer, by thousands of bits."""
    noise = np.random.default_rng(5).uniform(-6e-8, 6e-8, (100, 4))
    found, _ = fit_scores(-18, lambda y: np.where(y < 9e-8, 0, y + noise), 100)
    assert found["verdict"] == "rounding"
    within = [group for group in found["groups"] if group["kind"] == "rounding"]
    assert any("strict-f32" in {p["profile"] for p in group["policies"]} for group in within)


def test_many_values_are_no_chance(assay, save_model, save_npz):
    g = np.random.default_rng(8)
    x, w = g.normal(size=(32, 64)).astype(np.float32), g.normal(size=(64, 8)).astype(np.float32)
    model = save_model("many.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": (1, x.shape)},
                       {"y": (1, (32, 8))}, {"w": w})
    given = save_npz("many-in.npz", x=x)
    assay("run", model, "--input", given, "--profile", "f16-storage", "--output", "many.npz", code=0)
    words = ["fingerprint", "many.npz", "--model", model, "--input", given, "--combinations", "0"]
    found = assay(*words, "--json", code=0).result["fit"]
    assert found["verdict"] == "exact" and found["margin_bits"] >= 32 and not found["may_be_chance"]
    assert "chance" not in assay(*words, code=0).out


def test_a_defect_starts_where_the_intermediates_say(assay, save_model, save_npz, tmp_path):
    rng = np.random.default_rng(3)
    weights = {f"w{i}": rng.normal(0, 0.3, (16, 16)).astype(np.float32) for i in range(3)}
    nodes = [helper.make_node("MatMul", ["x", "w0"], ["a"], name="first"), helper.make_node("Tanh", ["a"], ["b"]),
             helper.make_node("MatMul", ["b", "w1"], ["c"], name="second"), helper.make_node("Relu", ["c"], ["d"]),
             helper.make_node("MatMul", ["d", "w2"], ["y"], name="third")]
    model = save_model("deep.onnx", nodes, {"x": (1, (8, 16))}, {"y": (1, (8, 16))}, weights)
    given = save_npz("deep-in.npz", x=rng.normal(size=(8, 16)).astype(np.float32))
    assay("run", model, "--input", given, "--profile", "coreml-nn-gpu", "--intermediates", "--output", "all.npz",
          code=0)
    with np.load(tmp_path / "all.npz") as file:
        arrays = dict(file)
    command = ["fingerprint", "bad.npz", "--model", model, "--input", given, "--json"]
    np.savez(tmp_path / "bad.npz", **arrays)
    assert assay(*command, code=0).result["fit"]["verdict"] == "exact"
    arrays["c"][:, 3] *= 1.5
    arrays["d"] = np.maximum(arrays["c"], 0)
    arrays["y"] += arrays["d"][:, 3:4] * weights["w2"][3] / 3
    np.savez(tmp_path / "bad.npz", **arrays)
    found = assay(*command, code=0).result["fit"]
    assert found["verdict"] == "not-rounding"
    assert found["starts"] == {"array": "c", "operation": "MatMul 'second'", "among": 1, "after": ["a", "b"]}
    assert "float16 storage" in found["groups"][0]["words"]


def test_another_order_is_within_rounding(assay, save_model, save_npz, tmp_path):
    rng = np.random.default_rng(4)
    x, w = rng.normal(size=(4, 999)).astype(np.float32), rng.normal(size=(999, 8)).astype(np.float32)
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    model = save_model("m.onnx", [node], {"x": (1, (4, 999))}, {"y": (1, (4, 8))}, {"w": w})
    given = save_npz("m-in.npz", x=x)
    backwards = np.zeros((4, 8), np.float32)
    for k in range(998, -1, -1):
        backwards += x[:, k:k + 1] * w[k]
    np.savez(tmp_path / "back.npz", y=backwards)
    found = assay("fingerprint", "back.npz", "--model", model, "--input", given, "--json", code=0).result["fit"]
    assert found["verdict"] == "rounding"
    assert "float32 storage" in found["explanation"]


def test_float16_sums_in_another_order_are_within_rounding(assay, save_model, save_npz, tmp_path):
    rng = np.random.default_rng(4)
    x, w = (rng.normal(size=shape).astype(np.float16).astype(np.float32) for shape in ((4, 999), (999, 8)))
    model = save_model("h.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": (1, (4, 999))},
                       {"y": (1, (4, 8))}, {"w": w})
    backwards = np.zeros((4, 8), np.float16)
    for k in range(998, -1, -1):
        backwards = (backwards + x[:, k:k + 1] * w[k]).astype(np.float16)
    np.savez(tmp_path / "h.npz", y=backwards.astype(np.float32))
    command = ["fingerprint", "h.npz", "--model", model, "--input", save_npz("h-in.npz", x=x), "--json"]
    found = assay(*command, code=0).result["fit"]
    assert found["verdict"] == "rounding"
    words = {g["words"] for g in found["groups"] if g["kind"] == "rounding"}
    assert "float16 storage, float16 accumulation" in words
    assert "float16 storage, float32 accumulation" not in words
    backwards[2, 3] += 20  # one value that no order gives
    np.savez(tmp_path / "h.npz", y=backwards.astype(np.float32))
    assert assay(*command, code=0).result["fit"]["verdict"] == "not-rounding"


@pytest.fixture
def scores(assay, save_model, save_npz):
    """scores(y) -> the fit of scores of a classifier; scores.right, scores.logits: what float32 gives."""
    rng = np.random.default_rng(11)
    x = rng.normal(size=(8, 32)).astype(np.float32)
    w = rng.normal(0, 0.3, size=(32, 1)).astype(np.float32)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["logits"], name="last"),
             helper.make_node("Add", ["logits", "b"], ["shifted"], name="shift"),
             helper.make_node("Sigmoid", ["shifted"], ["y"], name="score")]
    model = save_model("scores.onnx", nodes, {"x": (1, (8, 32))}, {"y": (1, (8, 1))},
                       {"w": w, "b": np.array([-12], np.float32)})
    given = save_npz("scores-in.npz", x=x)

    def run(json=True, **arrays):
        words = ["fingerprint", save_npz("scores-out.npz", **arrays), "--model", model, "--input", given,
                 "--combinations", "0"]
        return assay(*words, "--json", code=0).result["fit"] if json else assay(*words, code=0).out

    run.logits = x.astype(np.float64) @ w
    run.right = 1 / (1 + np.exp(12 - run.logits))
    return run


def test_another_librarys_sigmoid_is_within_rounding(scores):
    """Rational approximations have an absolute error, which is many steps of a small score."""
    y = np.maximum(scores.right + np.linspace(-9e-8, 9e-8, 8)[:, None], 0).astype(np.float32)
    found = scores(y=y)
    assert found["verdict"] == "rounding"
    assert "float32 storage" in found["explanation"]
    assert found["groups"][0]["arrays"][0]["bound_used"] <= 1
    assert "likeliest first:\n(their order may be chance: 8 values tell formats apart)\n" in scores(json=False, y=y)
    assert scores(y=(y + np.float32(3e-6)).astype(np.float32))["verdict"] == "not-rounding"


def test_storage_that_cannot_give_the_values_is_not_run(scores):
    y = scores.right.astype(np.float32)
    y[3] += np.float32(1e-4)
    found = scores(y=y)
    assert found["verdict"] == "not-rounding"
    foreign = {p["profile"] for p in found["foreign"]}
    assert {"f16-storage", "bf16-storage", "coreml-nn-ane"} <= foreign
    assert "strict-f32" not in foreign
    assert not any("float16 storage" in group["words"] for group in found["groups"])
    assert "without a run" in scores(json=False, y=y)


def test_one_defect_in_float16_leaves_float16_the_nearest(scores, assay, tmp_path):
    assay("run", "scores.onnx", "--input", "scores-in.npz", "--profile", "f16-storage", "--output", "half.npz", code=0)
    with np.load(tmp_path / "half.npz") as file:
        y = file["y"].copy()
    y[2] = 0.123456789
    found = scores(y=y)
    assert found["verdict"] == "not-rounding"
    assert found["groups"][0]["equal"] == 7
    assert "float16 storage" in found["groups"][0]["words"]


def test_where_a_defect_starts_is_not_said_of_outputs_alone(scores):
    y = scores.right.astype(np.float32) + np.float32(1e-3)
    start = scores(y=y)["starts"]
    assert (start["array"], start["among"]) == ("y", 3)
    assert "it starts there or in one of 2 operations before it" in scores(json=False, y=y)
    shifted = (scores.logits - 12).astype(np.float32)
    start = scores(y=y, shifted=shifted)["starts"]
    assert (start["operation"], start["among"], start["after"]) == ("Sigmoid 'score'", 1, ["shifted"])


def test_a_recording_of_other_inputs_is_refused(assay, article, save_npz, tmp_path, root):
    spec = importlib.util.spec_from_file_location("record", root / "python/assay/record.py")
    record = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(record)
    record.save(str(tmp_path / "r.npz"), {"y": np.array(GPU, np.float32)}, inputs={"x": X + 1}, model=str(article[0]),
                runtime="a test", version="1")
    done = assay("fingerprint", "r.npz", "--model", article[0], "--input", article[1], code=3)
    assert "A311" in done.err


def alone(assay, save_npz, **arrays):
    done = assay("fingerprint", save_npz("alone.npz", **arrays), "--json", code=0)
    return {a["name"]: a for a in done.result["arrays"]}


def test_ranges(assay, save_npz):
    x = np.linspace(1000, 80000, 200, dtype=np.float32)
    clamped = np.minimum(x, 65504).astype(np.float16).astype(np.float32)
    with np.errstate(over="ignore"):
        infinite = x.astype(np.float16).astype(np.float32)
    found = alone(assay, save_npz, clamped=clamped, infinite=infinite, neither=x)
    assert found["clamped"]["range"]["clamped"] == "float16"
    assert found["infinite"]["range"]["overflowed"] == "float16"
    assert (found["neither"]["range"]["clamped"], found["neither"]["range"]["overflowed"]) == (None, None)


def test_ranges_of_formats_that_the_values_do_not_lie_on(assay, save_npz):
    decimals = np.linspace(-400, 351, 500, dtype=np.float32)
    found = alone(assay, save_npz, masked=np.append(decimals, -np.inf).astype(np.float32),
                  twice=np.append(decimals, [448, 448]).astype(np.float32),
                  wide=np.append(decimals, [40000, np.inf]).astype(np.float32),
                  clipped=np.clip(decimals * 1000, -65504, 65504).astype(np.float32))
    for array in found.values():
        assert (array["range"]["clamped"], array["range"]["overflowed"]) == (None, None)


def test_ends_of_ranges_that_are_no_clamps(assay, save_npz):
    """Boxes of a 448 pixel image and masks end at the largest value of a format, as other numbers do."""
    g = np.random.default_rng(4)
    whole = g.choice(np.array([0, 32, 64, 128, 256, 448], np.float32), (64, 4))
    masked = np.where(g.random((8, 8)) < .5, np.finfo(np.float32).min, g.normal(size=(8, 8))).astype(np.float32)
    half = np.where(g.random(200) < .5, -65504, g.normal(size=200)).astype(np.float16).astype(np.float32)
    found = alone(assay, save_npz, boxes=whole, masked=masked, half=half,
                  mask=np.where(g.random((8, 8)) < .5, np.finfo(np.float32).min, 0).astype(np.float32),
                  full=np.array([3.4028235e38] * 3 + [1, 2], np.float32),
                  infinite=np.array([1, 2, 240, 3.5, -np.inf, np.inf, 448, 300], np.float32),
                  forty=np.where(g.random((8, 8)) < .5, -np.inf, 40000).astype(np.float32))
    for name, array in found.items():
        assert (array["range"]["clamped"], array["range"]["overflowed"]) == (None, None), name


def test_clamps_of_short_and_of_declared_formats(assay, save_npz):
    g = np.random.default_rng(4)
    x = np.concatenate([g.normal(0, 300, 2000), g.normal(size=500)])
    step = 2.0 ** (np.maximum(np.floor(np.log2(np.abs(x))), -6) - 3)
    short = np.clip(np.round(x / step) * step, -448, 448).astype(np.float32)
    declared = np.clip(g.normal(0, 60000, 100), -65504, 65504).astype(np.float16)
    found = alone(assay, save_npz, short=short, declared=declared)
    assert found["short"]["range"]["clamped"] == "float8e4m3fn"
    assert found["declared"]["range"]["clamped"] == "float16"


def test_subnormals(assay, save_npz):
    x = np.random.default_rng(1).uniform(-4e-4, 4e-4, 4000).astype(np.float16).astype(np.float32)
    flushed = np.where(np.abs(x) < 2.0 ** -14, 0, x).astype(np.float32)
    found = alone(assay, save_npz, kept=x, flushed=flushed)
    kept, gone = (next(s for s in found[n]["subnormals"] if s["format"] == "float16") for n in ("kept", "flushed"))
    assert kept["seen"] > 100
    assert not kept["flushed"]
    assert gone["flushed"]
    beside = x[(np.abs(x) >= 2.0 ** -14) & (np.abs(x) < 2.0 ** -13)]
    assert gone["evidence_bits"] == gone["beside"] == len(np.unique(beside))
    assert kept["evidence_bits"] == 0


def test_values_that_end_above_the_subnormals_flush_nothing(assay, save_npz):
    g = np.random.default_rng(1)
    scores = np.exp(0.05 * g.standard_normal(10000))
    arrays = {"same": np.full(64, 1e-4), "close": 1e-4 + 1e-6 * g.standard_normal(64), "softmax": scores / scores.sum(),
              "cut": np.clip(g.dirichlet([.01] * 10, 100), 1e-4, 1),
              "floor": np.maximum(g.random(4000) * 1e-3, 6.2e-5),
              "sparse": np.where(g.random(4000) < .5, 0, 1e-4 + 5e-6 * g.standard_normal(4000))}
    found = alone(assay, save_npz, **{name: y.astype(np.float16).astype(np.float32) for name, y in arrays.items()})
    for name in arrays:
        assert found[name]["format"] == "float16"
        assert not any(s["flushed"] or s["evidence_bits"] for s in found[name]["subnormals"]), name


@pytest.mark.parametrize("zero_point", [-128, -7, 0, 3])
def test_dequantised_integers(assay, save_npz, zero_point):
    scale = np.float32(0.0371)
    q = np.random.default_rng(2).integers(-128, 128, 3000)
    q[:2] = -128, 127
    y = (q - zero_point).astype(np.float32) * scale
    scaled = alone(assay, save_npz, y=y)["y"]["scaled"]
    assert np.float32(scaled["scale"]) == scale
    assert scaled["int8_zero_points"] == [zero_point, zero_point]
    assert scaled["uint8_zero_points"] == [zero_point + 128, zero_point + 128]
    assert scaled["evidence_bits"] > 32


def test_dequantised_integers_in_float16_and_quotients(assay, save_npz):
    q = np.random.default_rng(12).integers(-128, 128, 3000)
    found = alone(assay, save_npz, half=(q * np.float32(0.0173)).astype(np.float16).astype(np.float32),
                  pixels=((q + 128).astype(np.float32) / np.float32(255)))
    assert found["half"]["scaled"]["scale"] == pytest.approx(0.0173, rel=1e-4)
    assert found["pixels"]["scaled"]["scale"] == pytest.approx(1 / 255, rel=1e-7)
    assert found["pixels"]["scaled"]["uint8_zero_points"] == [0, 0]


def test_numbers_that_are_no_integers_times_a_scale(assay, save_npz):
    g = np.random.default_rng(5)
    found = alone(assay, save_npz, few=g.normal(size=200).astype(np.float32),
                  half=g.normal(size=200).astype(np.float16).astype(np.float32),
                  steps=(np.arange(-100, 100) / 8).astype(np.float32),  # a power of two is a format's own step
                  classes=np.arange(10, dtype=np.float32))
    assert [found[n]["scaled"] for n in ("few", "half", "steps", "classes")] == [None] * 4


def test_mixed_channels(assay, save_npz):
    y = np.random.default_rng(6).normal(size=(5, 6, 7)).astype(np.float32)
    for channel in (1, 4):
        y[:, channel] = y[:, channel].astype(np.float16)
    mixed = alone(assay, save_npz, y=y)["y"]["mixed"]
    assert (mixed["axis"], mixed["format"], mixed["narrow"], mixed["wide"]) == (1, "float16", [1, 4], [0, 2, 3, 5])
    assert alone(assay, save_npz, y=y[:, [0, 2, 3, 5]])["y"]["mixed"] is None


def test_mixed_rows_of_few_values(assay, save_npz):
    y = np.random.default_rng(7).normal(size=(64, 2)).astype(np.float32)
    y[:32] = y[:32].astype(np.float16)
    mixed = alone(assay, save_npz, y=y)["y"]["mixed"]
    assert (mixed["axis"], mixed["format"]) == (0, "float16")
    assert mixed["wide"] == list(range(32, 64))
    assert len(mixed["narrow"]) >= 30  # of the others some hold values that tell nothing


def test_bfloat16_among_float16(assay, save_npz):
    y = np.random.default_rng(8).normal(size=(4, 500)).astype(np.float16).astype(np.float32)
    y[2] = (y[2].view(np.uint32) & 0xffff0000).view(np.float32)
    mixed = alone(assay, save_npz, y=y)["y"]["mixed"]
    assert (mixed["format"], mixed["narrow"]) == ("bfloat16", [2])


def test_integers_are_no_fingerprint_of_a_policy(assay, article, save_npz):
    done = assay("fingerprint", save_npz("ints.npz", y=np.array([[1, 2, 3]])), "--model", article[0], "--input",
                 article[1], code=3)
    assert "integers tell nothing" in done.err


def test_words_that_do_not_go_together(assay, article, save_npz):
    out = save_npz("out.npz", y=np.array(GPU, np.float32))
    assert "--input" in assay("fingerprint", out, "--model", article[0], code=2).err
    assert "--model" in assay("fingerprint", out, "--input", article[1], code=2).err
    assert "--model" in assay("fingerprint", out, "--combinations", "4", code=2).err


def test_the_first_samples_alone(assay, save_model, save_npz, tmp_path):
    rng = np.random.default_rng(8)
    weight = rng.normal(size=(16, 8)).astype(np.float32)
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    model = save_model("n.onnx", [node], {"x": (1, ("n", 16))}, {"y": (1, ("n", 8))}, {"w": weight})
    given = save_npz("n-in.npz", x=rng.normal(size=(6, 16)).astype(np.float32))
    assay("run", model, "--input", given, "--profile", "f16-storage", "--output", "y.npz", code=0)
    with np.load(tmp_path / "y.npz") as file:
        y = file["y"].copy()
    y[4:] += 1  # not of these inputs
    np.savez(tmp_path / "y.npz", y=y)
    for samples, verdict in ((4, "exact"), (0, "not-rounding")):
        found = assay("fingerprint", "y.npz", "--model", model, "--input", given, "--samples", samples,
                      "--combinations", "0", "--json", code=0).result["fit"]
        assert found["verdict"] == verdict
        assert found["groups"][0]["elements"] == (samples or 6) * 8


def test_arrays_of_other_names_are_taken_in_order(assay, article, save_npz):
    done = assay("fingerprint", save_npz("o.npz", logits=np.array(GPU, np.float32)), "--model", article[0], "--input",
                 article[1], "--json", code=0)
    assert done.result["fit"]["verdict"] == "exact"
    assert any(w["code"] == "A308" and "logits for y" in w["message"] for w in done.json["warnings"])


def test_outputs_of_other_names_among_many_operations(assay, save_model, save_npz, tmp_path):
    nodes = [helper.make_node("Exp", ["x"], ["a"]), helper.make_node("Relu", ["a"], ["y"])]
    model = save_model("two.onnx", nodes, {"x": (1, (2, 4))}, {"y": (1, (2, 4))})
    given = save_npz("two-in.npz", x=np.linspace(-2, 2, 8, dtype=np.float32).reshape(2, 4))
    assay("run", model, "--input", given, "--profile", "f16-storage", "--output", "two.npz", code=0)
    with np.load(tmp_path / "two.npz") as file:
        np.savez(tmp_path / "renamed.npz", other=file["y"])
    found = assay("fingerprint", "renamed.npz", "--model", model, "--input", given, "--json", code=0).result["fit"]
    assert found["verdict"] == "exact"


def test_profiles_of_the_users_are_tried(assay, article, save_npz, tmp_path):
    (tmp_path / "own.toml").write_text(
        'name = "own"\ndoc = "No device."\nstorage = "float16 toward-zero"\n[[statement]]\n'
        'match.op = ["Gemm", "MatMul"]\n'
        'set.accumulator = { kind = "chain", step = "float16 toward-zero" }\nevidence.source = "a test"\n'
        'evidence.certainty = "definition"\n')
    words = ["--profile-file", "own.toml"]
    assay("run", article[0], "--input", article[1], *words, "--profile", "own", "--output", "y.npz", code=0)
    done = assay("fingerprint", "y.npz", "--model", article[0], "--input", article[1], *words, "--combinations", "0",
                 "--json", code=0)
    assert "own/only" in policies(done.result["fit"]["groups"][0])


def test_the_same_result_whatever_computes(assay, article, save_npz):
    out = save_npz("out.npz", y=np.array(GPU, np.float32))
    command = ["fingerprint", out, "--model", article[0], "--input", article[1], "--json"]
    results = [assay(*command, *flags, code=0).result for flags in ([], ["--threads", "1"], ["--isa", "scalar"])]
    assert results[0] == results[1] == results[2]


@pytest.fixture
def layer(save_model, save_npz):
    """A product of 6 samples of 16 numbers: its file, its input's, and what float16 storage gives of it."""
    rng = np.random.default_rng(8)
    x, w = rng.normal(size=(6, 16)).astype(np.float32), rng.normal(size=(16, 8)).astype(np.float32)
    model = save_model("layer.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": (1, ("n", 16))},
                       {"y": (1, ("n", 8))}, {"w": w})
    half = x.astype(np.float16).astype(np.float32) @ w.astype(np.float16).astype(np.float32)
    return model, save_npz("layer-in.npz", x=x), half.astype(np.float16).astype(np.float32)


@pytest.mark.parametrize("shape", [(8, 6), (48,), (6, 2, 4), (3, 8)])
def test_arrays_of_another_shape_are_refused(assay, layer, save_npz, shape):
    model, given, y = layer
    out = save_npz("shape.npz", y=y.T.reshape(-1)[:int(np.prod(shape))].reshape(shape))
    done = assay("fingerprint", out, "--model", model, "--input", given, "--combinations", "0", code=3)
    assert "A302" in done.err
    assert f"is [{','.join(map(str, shape))}] in the recording, and the model gives [6,8]" in done.err


def test_axes_of_one_element_make_no_other_shape(assay, layer, save_npz):
    model, given, y = layer
    found = assay("fingerprint", save_npz("ones.npz", y=y.reshape(1, 6, 1, 8, 1)), "--model", model, "--input", given,
                  "--combinations", "0", "--json", code=0).result["fit"]
    assert found["verdict"] != "not-rounding"


def test_a_recording_of_no_values_is_refused(assay, layer, save_npz):
    given = save_npz("none-in.npz", x=np.zeros((0, 16), np.float32))
    done = assay("fingerprint", save_npz("none.npz", y=np.zeros((0, 8), np.float32)), "--model", layer[0], "--input",
                 given, code=3)
    assert "A302" in done.err
    assert "no values" in done.err


@pytest.fixture
def rectified(assay, save_model, save_npz):
    """rectified(factor, x, y) -> what is said of y as Relu(factor * x)."""

    def run(factor, x, y):
        nodes = [helper.make_node("Mul", ["x", "factor"], ["a"]), helper.make_node("Relu", ["a"], ["y"])]
        shape = list(np.shape(x))
        model = save_model("rectified.onnx", nodes, {"x": (1, shape)}, {"y": (1, shape)},
                           {"factor": np.array([factor], np.float32)})
        given, out = save_npz("re-in.npz", x=np.array(x, np.float32)), save_npz("re.npz", y=np.array(y, np.float32))
        words = ["fingerprint", out, "--model", model, "--input", given, "--combinations", "0"]
        return assay(*words, code=0).out, assay(*words, "--json", code=0).result["fit"]

    return run


def test_values_that_every_policy_gives_tell_nothing(rectified):
    text, found = rectified(1, [[-1.25, -2.5, -0.3]], [[0, 0, 0]])
    assert "these values tell nothing: every policy gives them bit for bit" in text
    assert "explained" not in text
    assert (found["verdict"], len(found["groups"])) == ("exact", 1)


def test_values_without_bits_still_tell_ranges(rectified):
    text, found = rectified(8, [[60000, -2.5]], [[np.inf, 0]])
    lines = text.splitlines()
    explained = next(i for i, line in enumerate(lines) if line.startswith("explained bit for bit by float16"))
    assert lines[explained - 1].startswith("no value tells formats apart")
    assert found["verdict"] == "exact"


def test_a_nan_is_at_no_number_of_steps(assay, layer, save_npz):
    model, given, y = layer
    y[2, 3] = np.nan
    words = ["fingerprint", save_npz("nan.npz", y=y), "--model", model, "--input", given, "--combinations", "0"]
    text = assay(*words, code=0).out
    assert "4,294,967,295" not in text
    rows = [line for line in text.split("likeliest first:")[1].splitlines() if " of 48 " in line]
    assert rows
    assert all(line.split(" of 48 ")[1].split()[:2] == ["NaN", "NaN"] for line in rows)
    array = assay(*words, "--json", code=0).result["fit"]["groups"][0]["arrays"][0]
    assert (array["worst_steps"], array["max_abs"]) == (None, "nan")


def test_no_profile_both_explains_and_is_excluded(assay, fit, article):
    found = fit(y=GPU)
    assert "mlx-m5-f16/float16" in policies(found["groups"][0])
    lines = assay("fingerprint", "out.npz", "--model", article[0], "--input", article[1], code=0).out.splitlines()
    title = next(i for i, line in enumerate(lines) if line.startswith("excluded without a run"))
    excluded = lines[title + 1].strip().split(", ")
    assert "mlx-m5-f16/bfloat16" in excluded
    assert "bf16-storage" in excluded
    assert not set(excluded) & {p["profile"] for group in found["groups"] for p in group["policies"]}


def test_whole_numbers_are_no_evidence_of_a_format(assay, save_npz):
    g = np.random.default_rng(3)
    arrays = {"bytes": g.integers(0, 256, 2000).astype(np.float32), "ids": np.arange(2000, dtype=np.float32),
              "large": g.normal(0, 9000, 500).round().astype(np.float16).astype(np.float32),
              "halves": (np.arange(2000, dtype=np.float32) / 2)}
    found = alone(assay, save_npz, **arrays)
    assert [found[n]["verdict"] for n in ("bytes", "ids")] == ["whole numbers"] * 2
    assert (found["bytes"]["format"], found["ids"]["format"]) == (None, None)
    assert [found[n]["verdict"].split(",")[0] for n in ("large", "halves")] == ["float16"] * 2
    text = assay("fingerprint", "alone.npz", code=0).out
    assert all("evidence" not in line for line in text.splitlines() if line.startswith(("bytes", "ids")))


def test_whole_numbers_beside_others_are_no_mixed_channels(assay, save_npz):
    boxes = np.random.default_rng(6).normal(size=(200, 5)).astype(np.float32)
    boxes[:, 4] = np.arange(200) % 80  # classes
    assert alone(assay, save_npz, boxes=boxes)["boxes"]["mixed"] is None


def test_whole_numbers_and_fixed_point_are_no_mixed_slices(assay, save_npz):
    g = np.random.default_rng(1)
    low, high = g.integers(0, 2000, (4, 64)), g.integers(0, 9000, (4, 64))
    masked = np.where(g.random((8, 64)) < .2, -np.inf, np.concatenate([low, high]))
    arrays = {"whole": g.integers(0, 3000, (200, 4)), "masked": masked, "halves": g.integers(0, 6000, (50, 4)) / 2,
              "eights": np.stack([g.integers(0, 500, 400) * 8, g.integers(0, 9000, 400)], 1),
              "pixels": np.stack([g.integers(0, 256, 400) / 256, g.normal(size=400)], 1)}
    found = alone(assay, save_npz, **{name: y.astype(np.float32) for name, y in arrays.items()})
    assert {name: found[name]["mixed"] for name in arrays} == dict.fromkeys(arrays)


def test_float16_beside_whole_numbers_is_mixed(assay, save_npz):
    g = np.random.default_rng(1)
    logits = g.normal(size=(64, 3)).astype(np.float16)
    y = np.concatenate([logits, g.integers(0, 9000, (64, 1))], 1).astype(np.float32)
    mixed = alone(assay, save_npz, y=y)["y"]["mixed"]
    assert (mixed["axis"], mixed["format"], mixed["narrow"], mixed["wide"]) == (1, "float16", [0, 1, 2], [3])
