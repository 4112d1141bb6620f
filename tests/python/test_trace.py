"""Lock-step: each operation's introduced and accumulated error against runs of their own, breakdowns, planted faults,
the float64 reference, converters that change the mathematics (docs/trace.md)."""
import numpy as np
import onnx
import pytest
from conftest import make_model
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


def node(kind, inputs, outputs, **attributes):
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


def small_network(rng):
    """Convolution, activation, pooling, a residual, a product and a softmax: all sorts of rows."""
    nodes = [
        node("Conv", "x w b", "c", pads=[1, 1, 1, 1]),
        node("Relu", "c", "r"),
        node("Conv", "r v", "d", pads=[1, 1, 1, 1]),
        node("Add", "d r", "s"),
        node("Sigmoid", "s", "g"),
        node("Flatten", "g", "f"),
        node("Gemm", "f m n", "z"),
        node("Softmax", "z", "y", axis=1),
    ]
    weights = {name: rng.standard_normal(shape).astype(np.float32) * 0.4 for name, shape in
               {"w": (4, 3, 3, 3), "b": (4,), "v": (4, 4, 3, 3), "m": (4 * 36, 5), "n": (5,)}.items()}
    return nodes, {"x": (FLOAT, ["N", 3, 6, 6])}, {"y": (FLOAT, ["N", 5])}, weights


@pytest.fixture
def network(save_model, save_npz):
    """(model, data with 5 samples)."""
    rng = np.random.default_rng(3)
    model = save_model("net.onnx", *small_network(rng))
    return model, save_npz("x.npz", x=rng.standard_normal((5, 3, 6, 6)).astype(np.float32))


def traced(assay, model, data, candidate, *flags, command="compare", code=0):
    words = ["--input", data, "--program", "strict-f32", "--program", candidate]
    if command == "audit":
        words = ["--data", data, "--decision", "argmax", "--candidate", candidate, "--fail-on", "none"]
    return assay(command, model, *words, "--trace", "--json", *flags, code=code).result


def trace_of(result):
    part = result["pairs"][0] if "pairs" in result else result["candidates"][0]
    return part["trace"], {op["name"]: op for op in part["trace"]["ops"]}


def values_of(assay, model, data, profile, tmp_path):
    words = ["--profile", profile, "--intermediates", "--output", tmp_path / "v.npz"]
    assay("run", model, "--input", data, *words, code=0)
    with np.load(tmp_path / "v.npz") as arrays:
        return dict(arrays)


def ulps(a, b):
    def key(x):
        bits = x.astype(np.float32).view(np.int32).astype(np.int64)
        return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)

    return int(np.abs(key(a) - key(b)).max())


@pytest.mark.parametrize("candidate", ["f16-storage", "bf16-storage", "cuda-tf32-ampere", "f64"])
def test_accumulated_is_the_distance_of_two_runs(assay, network, tmp_path, candidate):
    model, data = network
    _, ops = trace_of(traced(assay, model, data, candidate))
    reference, other = (values_of(assay, model, data, p, tmp_path) for p in ("strict-f32", candidate))
    assert set(ops) == set("crdsgfzy")
    for name, op in ops.items():
        r, c = reference[name].astype(np.float64), other[name].astype(np.float64)
        got = op["accumulated"]
        assert got["elements"] == r.size
        assert got["equal"] == int((r == c).sum())
        assert got["max_abs"] == np.abs(c - r).max()
        relative = np.abs(c - r)[r != 0] / np.abs(r)[r != 0]
        assert got["max_rel"] == relative.max()
        assert got["max_ulp"] == ulps(r, c)
        with np.errstate(divide="ignore"):
            snr = [10 * np.log10((a * a).sum() / ((b - a) ** 2).sum()) for a, b in zip(r, c, strict=True)]
        if np.isfinite(min(snr)):
            assert got["snr"]["worst"] == pytest.approx(min(snr), abs=1e-9)
            assert got["snr"]["worst_sample"] == int(np.argmin(snr))
        assert op["candidate"]["largest"] == np.abs(c).max()
        assert op["reference"]["zeros"] == int((r == 0).sum())


@pytest.mark.parametrize("candidate", ["f16-storage", "f16-throughout"])
def test_introduced_is_the_operation_alone_on_the_references_operands(assay, network, tmp_path, candidate):
    model, data = network
    _, ops = trace_of(traced(assay, model, data, candidate))
    reference = values_of(assay, model, data, "strict-f32", tmp_path)
    with np.load(data) as arrays:
        reference["x"] = arrays["x"]
    graph = onnx.load(model).graph
    weights = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    for each in graph.node:
        if each.op_type == "Flatten":
            assert ops[each.output[0]]["introduced"] is None  # it moves values
            continue
        given = {n: reference[n] for n in each.input if n not in weights}
        alone = make_model([each], {n: (FLOAT, a.shape) for n, a in given.items()}, {each.output[0]: (FLOAT, None)},
                           {n: weights[n] for n in each.input if n in weights})
        onnx.save(alone, tmp_path / "one.onnx")
        np.savez(tmp_path / "one.npz", **given)
        done = assay("compare", tmp_path / "one.onnx", "--input", tmp_path / "one.npz", "--program", "strict-f32",
                     "--program", candidate, "--json", code=0).result["pairs"][0]
        got = ops[each.output[0]]["introduced"]
        assert got["max_abs"] > 0
        for field in ("max_abs", "max_rel", "max_ulp", "equal"):
            assert got[field] == done[field], (each.op_type, field)


def test_no_operation_of_an_ordinary_network_is_to_blame(assay, network):
    model, data = network
    for candidate in ("f16-storage", "bf16-storage", "coreml-nn-gpu", "cuda-tf32-ampere", "f16-throughout"):
        trace, ops = trace_of(traced(assay, model, data, candidate))
        assert {op["verdict"] for op in ops.values()} <= {"exact", "ordinary rounding"}, candidate
        assert trace["says"] == "no operation is to blame: what each introduces is ordinary rounding"
        assert trace["exact_samples"] == 5


def test_the_noise_floor_is_the_order_of_sums(assay, network, tmp_path):
    model, data = network
    trace, ops = trace_of(traced(assay, model, data, "f16-throughout"))
    assert "8 lanes" in trace["noise_order"]
    assert ops["d"]["noise_introduced"]["max_abs"] > 0 and ops["d"]["noise_accumulated"]["max_abs"] > 0
    assert ops["r"]["noise_introduced"]["max_abs"] == 0  # it has no sums
    exact = values_of(assay, model, data, "f64", tmp_path)["y"]
    single = values_of(assay, model, data, "strict-f32", tmp_path)["y"].astype(np.float64)
    assert ops["y"]["exact_reference"]["max_abs"] == np.abs(single - exact).max()
    none, ops = trace_of(traced(assay, model, data, "f16-throughout", "--trace-exact", "0"))
    assert none["exact_samples"] == 0 and ops["d"]["noise_introduced"] is None and ops["y"]["exact_reference"] is None
    _, ops = trace_of(traced(assay, model, data, "f16-throughout", "--trace-accumulated"))
    assert ops["d"]["introduced"] is None and ops["d"]["accumulated"]["max_abs"] > 0


def one_vector(save_model, nodes, weights=None, width=8):
    return save_model("m.onnx", nodes, {"x": (FLOAT, ["N", width])}, {"y": (FLOAT, None)}, weights or {})


def test_a_cancellation_is_named(assay, save_model, save_npz):
    rng = np.random.default_rng(5)
    model = one_vector(save_model, [
        node("Mul", "x k", "a"), node("Add", "a big", "b"), node("Sub", "b big2", "c"), node("Tanh", "c", "y")],
        {"k": np.float32([0.5]), "big": np.float32([300.0]), "big2": np.float32([300.1])})
    data = save_npz("x.npz", x=rng.uniform(-1, 1, (4, 8)).astype(np.float32))
    trace, ops = trace_of(traced(assay, model, data, "f16-storage"))
    assert trace["ops"][trace["ranking"][0]]["name"] == "c" and ops["c"]["verdict"] == "more than rounding"
    assert trace["says"].startswith("Sub 'c' is to blame") and ops["a"]["verdict"] == "ordinary rounding"
    text = assay("compare", model, "--input", data, "--program", "strict-f32", "--program", "f16-storage", "--trace",
                 code=0).out
    assert "Sub 'c'" in text and "is to blame" in text and "noise floor" in text


def test_breakdowns_are_named_with_their_first_operation(assay, save_model, save_npz):
    model = one_vector(save_model, [
        node("Mul", "x big", "a"), node("Mul", "a big", "b"), node("Sub", "b a", "c"), node("Div", "c b", "d"),
        node("Mul", "x tiny", "e"), node("Mul", "e tiny", "t"), node("Add", "d t", "y")],
        {"big": np.float32([300.0]), "tiny": np.float32([1e-4])})
    data = save_npz("x.npz", x=np.full((3, 8), 1.5, np.float32) + np.arange(3, dtype=np.float32)[:, None] * 0)
    trace, ops = trace_of(traced(assay, model, data, "f16-storage"))
    found = {b["what"]: b for b in trace["breakdowns"]}
    assert {what: b["name"] for what, b in found.items()} == {
        "infinite": "b", "NaN": "d", "all NaN": "d", "all zero": "t"}
    assert found["infinite"]["samples"] == 3 and found["infinite"]["sample"] == 0
    assert trace["says"] == "Mul 'b' is to blame: it is the first that gives infinities"
    assert ops["b"]["verdict"] == "breaks down" and ops["b"]["limit"] == 65504
    assert ops["a"]["headroom_bits"] == pytest.approx(np.log2(65504 / 450), abs=0.01)
    assert ops["e"]["candidate"]["subnormals"] == 0 and ops["t"]["candidate"]["zeros"] == 24


def test_ranges_count_subnormals_and_saturation(assay, save_model, save_npz):
    model = one_vector(save_model, [node("Mul", "x k", "s"), node("Sigmoid", "x", "g"), node("Clip", "x lo hi", "c"),
                                    node("Concat", "s g c", "y", axis=1)],
                       {"k": np.float32([1e-6]), "lo": np.float32(-2), "hi": np.float32(2)}, width=4)
    data = save_npz("x.npz", x=np.float32([[-1, 30, 3, 100], [2, -0.5, -4, 0.25]]))
    _, ops = trace_of(traced(assay, model, data, "f16-storage"))
    assert ops["s"]["candidate"]["subnormals"] == 7 and ops["s"]["reference"]["subnormals"] == 0
    assert ops["g"]["candidate"]["saturated"] == 2 and ops["c"]["reference"]["saturated"] == 5


def test_the_float32_reference_may_be_the_one_that_is_off(assay, save_model, save_npz):
    model = one_vector(save_model, [node("Add", "x big", "a"), node("Sub", "a big", "b"), node("Relu", "b", "y")],
                       {"big": np.float32([3e7])})
    data = save_npz("x.npz", x=np.random.default_rng(1).uniform(-1, 1, (2, 8)).astype(np.float32))
    trace, ops = trace_of(traced(assay, model, data, "f64"))
    assert ops["b"]["reference_is_off"] and not ops["a"]["reference_is_off"]
    assert trace["says"].startswith("the reference itself is off from Sub 'b' on")


def test_parts_merge_to_the_bytes_of_the_whole(assay, network, tmp_path, save_npz):
    model, data = network
    whole = traced(assay, model, data, "coreml-nn-gpu", "--trace-exact", "3", command="audit")
    with np.load(data) as arrays:
        x = arrays["x"]
    for i, (a, b) in enumerate([(0, 2), (2, 4), (4, 5)]):
        part = save_npz("part.npz", x=x[a:b])
        done = assay("audit", model, "--data", part, "--decision", "argmax", "--candidate", "coreml-nn-gpu",
                     "--fail-on", "none", "--trace", "--trace-exact", "3", "--first-sample", a, "--json", code=0)
        (tmp_path / f"{i}.json").write_text(done.out)
    merged = assay("merge", *(tmp_path / f"{i}.json" for i in (2, 0, 1)), "--fail-on", "none", "--json", code=0)
    assert merged.result == whole
    assert merged.result["candidates"][0]["trace"]["exact_samples"] == 3
    (tmp_path / "bare.json").write_text(
        assay("audit", model, "--data", part, "--decision", "argmax", "--candidate", "coreml-nn-gpu", "--fail-on",
              "none", "--first-sample", 4, "--json", code=0).out)
    wrong = assay("merge", tmp_path / "0.json", tmp_path / "1.json", tmp_path / "bare.json", code=3)
    assert "traced otherwise" in wrong.err


def test_same_bytes_for_any_threads_and_code_path(assay, network):
    model, data = network
    programs = ["--program", "strict-f32", "--program", "f16-throughout"]
    results = [assay("compare", model, "--input", data, *programs, "--trace", "--json", *words, code=0).result
               for words in ([], ["--threads", "1"], ["--isa", "scalar"], ["--isa", "avx2"])]
    assert all(result == results[0] for result in results)


def test_audit_and_compare_say_the_same_and_outputs_do_not_change(assay, network):
    model, data = network
    audit = traced(assay, model, data, "f16-storage", command="audit")["candidates"][0]
    compare = traced(assay, model, data, "f16-storage")["pairs"][0]
    assert audit["trace"] == compare["trace"]
    bare = assay("audit", model, "--data", data, "--decision", "argmax", "--candidate", "f16-storage", "--fail-on",
                 "none", "--json", code=0).result["candidates"][0]
    audit.pop("trace")
    assert audit == bare


def test_control_flow_text_and_shapes_that_depend_on_data(assay, save_model, save_npz):
    info = helper.make_tensor_value_info

    def branch(name, kind):
        out = info(f"{name}o", FLOAT, None)
        return helper.make_graph([node(kind, "p", f"{name}o")], name, [], [out])

    body = helper.make_graph(
        [node("Mul", "v half", "vo"), node("Identity", "c", "co")], "body",
        [info("i", TensorProto.INT64, []), info("c", TensorProto.BOOL, []), info("v", FLOAT, None)],
        [info("co", TensorProto.BOOL, []), info("vo", FLOAT, None)],
        [numpy_helper.from_array(np.float32([0.3]), "half")])
    nodes = [
        node("Exp", "x", "p"), node("ReduceSum", "x", "total", keepdims=0), node("Greater", "total zero", "cond"),
        helper.make_node("If", ["cond"], ["q"], then_branch=branch("t", "Sqrt"), else_branch=branch("e", "Neg")),
        helper.make_node("Loop", ["three", "", "q"], ["l"], body=body),
        node("NonZero", "l", "where"), node("Cast", "where", "wf", to=FLOAT),
        node("ReduceMax", "wf", "most", keepdims=0), node("Mul", "l most", "y"),
    ]
    model = save_model("c.onnx", nodes, {"x": (FLOAT, [1, 6])}, {"y": (FLOAT, None)},
                       {"zero": np.float32(0), "three": np.int64(3)})
    data = save_npz("x.npz", x=np.random.default_rng(2).uniform(-1, 1.2, (3, 6)).astype(np.float32))
    _, ops = trace_of(traced(assay, model, data, "f16-storage"))
    assert set(ops) == {"p", "total", "q", "l", "wf", "most", "y"}
    for name in ("p", "q", "l", "y"):
        assert ops[name]["introduced"]["max_abs"] > 0, name
        assert 0 < ops[name]["accumulated"]["max_abs"] < 0.1, name
    assert ops["l"]["reads"] == [2]


def test_what_cannot_be_traced(assay, network, save_npz):
    model, data = network
    recording = save_npz("r.npz", y=np.zeros((5, 5), np.float32))
    done = assay("compare", model, "--input", data, "--program", f"recorded:{recording}", "--program", "f16-storage",
                 "--trace", code=2)
    assert "cannot be traced" in done.err
    pair = assay("compare", model, "--input", data, "--program", "strict-f32", "--program", f"recorded:{recording}",
                 "--trace", "--json", code=0).result["pairs"][0]
    assert "trace" not in pair
    assert "give --trace too" in assay("compare", model, "--input", data, "--program", "strict-f32", "--program",
                                       "f16-storage", "--trace-exact", "2", code=2).err


def normalising(epsilon=1e-3, bound=1.0, pads=(1, 1, 1, 1), alpha=0.2):
    rng = np.random.default_rng(9)
    leaky = {} if alpha is None else {"alpha": alpha}
    nodes = [
        node("Conv", "x w", "c", pads=list(pads)), node("BatchNormalization", "c s b m v", "n", epsilon=epsilon),
        node("LeakyRelu", "n", "l", **leaky), node("Clip", "l lo hi", "k"), node("GlobalAveragePool", "k", "y"),
    ]
    weights = {"w": rng.standard_normal((3, 2, 3, 3)).astype(np.float32), "s": np.float32([1, 2, 0.5]),
               "b": np.float32([0, 0.1, -0.2]), "m": np.float32([0.1, 0.2, 0.3]), "v": np.float32([0.5, 0.01, 2]),
               "lo": np.float32(-5), "hi": np.float32(bound)}
    return nodes, {"x": (FLOAT, ["N", 2, 7, 7])}, {"y": (FLOAT, None)}, weights


CHANGES = {"n": {"epsilon": 1e-5}, "k": {"bound": 1.25}, "c": {"pads": (0, 0, 2, 2)}, "l": {"alpha": None}}


@pytest.mark.parametrize("first", CHANGES)
def test_a_converter_that_changes_the_mathematics_is_told_from_rounding(assay, save_model, save_npz, first):
    data = save_npz("x.npz", x=np.random.default_rng(4).standard_normal((3, 2, 7, 7)).astype(np.float32))
    model = save_model("a.onnx", *normalising())
    other = save_model("b.onnx", *normalising(**CHANGES[first]))
    done = assay("compare", model, "--input", data, "--program", "strict-f32", "--program", f"{other}@f16-storage",
                 "--json", code=0).result["pairs"][0]["conversion"]
    assert done["outcome"] == "changed" and done["first"]["reference"] == first and done["samples"] == 2
    assert "the conversion changed the mathematics" in done["says"]
    audit = assay("audit", model, "--data", data, "--decision", "threshold:0.1", "--score", "max(y)", "--candidate",
                  f"{other}@f16-storage", "--fail-on", "none", "--json", "--trace", code=0).result["candidates"][0]
    assert audit["conversion"]["outcome"] == "changed" and audit["conversion"]["first"]["reference"] == first
    assert audit["conversion"]["samples"] == 3 and "trace" not in audit


def test_a_faithful_conversion_is_the_same_or_narrowed(assay, save_model, save_npz, tmp_path):
    data = save_npz("x.npz", x=np.random.default_rng(4).standard_normal((2, 2, 7, 7)).astype(np.float32))
    nodes, _, outputs, weights = normalising()
    model = save_model("a.onnx", nodes, {"x": (FLOAT, [1, 2, 7, 7])}, outputs, weights)
    for precision, outcome in (("float32", "same"), ("float16", "narrowed")):
        package = tmp_path / f"{precision}.mlpackage"
        assay("convert", model, "-o", package, "--precision", precision, code=0)
        done = assay("compare", model, "--input", data, "--program", "strict-f32", "--program", f"{package}@", "--json")
        if done.code != 0:
            profile = "coreml-mlprogram-f32-cpu" if precision == "float32" else "coreml-mlprogram-f16-cpu"
            done = assay("compare", model, "--input", data, "--program", "strict-f32", "--program",
                         f"{package}@{profile}", "--json", code=0)
        conversion = done.result["pairs"][0]["conversion"]
        assert conversion["outcome"] == outcome, conversion
    assert "conversion" not in assay("compare", model, "--input", data, "--program", "strict-f32", "--program",
                                     "f16-storage", "--json", code=0).result["pairs"][0]


def test_a_batch_of_fixed_size_is_cut_into_samples(assay, save_model, save_npz):
    rng = np.random.default_rng(8)
    nodes, _, _, weights = small_network(np.random.default_rng(3))
    x = rng.standard_normal((4, 3, 6, 6)).astype(np.float32)
    data = save_npz("x.npz", x=x)
    fixed = save_model("fixed.onnx", nodes, {"x": (FLOAT, [2, 3, 6, 6])}, {"y": (FLOAT, [2, 5])}, weights)
    open_ = save_model("open.onnx", nodes, {"x": (FLOAT, ["N", 3, 6, 6])}, {"y": (FLOAT, ["N", 5])}, weights)
    (_, a), (_, b) = (trace_of(traced(assay, m, data, "f16-storage")) for m in (fixed, open_))
    for name in a:
        assert a[name]["accumulated"] == b[name]["accumulated"] and a[name]["introduced"] == b[name]["introduced"], name


def test_what_is_not_traced_is_named(assay, network, save_npz, tmp_path):
    model, data = network
    assay("convert", model, "-o", tmp_path / "m.mlmodel", code=0)
    recording = save_npz("r.npz", y=np.zeros((5, 5), np.float32))
    converted = f"{tmp_path / 'm.mlmodel'}@coreml-nn-gpu"
    words = ["audit", model, "--data", data, "--decision", "argmax", "--fail-on", "none", "--trace", "--candidate",
             "f16-storage", "--candidate", converted, "--candidate", f"recorded:{recording}"]
    done = assay(*words, code=0)
    assert f"at:  {converted}" in done.err and "it is another model than the reference's" in done.err
    assert "m.mlmodel as the MODEL and coreml-nn-gpu as the candidate" in done.err
    assert f"at:  recorded:{recording}" in done.err and done.err.count("warning A216: this program is not traced") == 2
    own = assay("audit", tmp_path / "m.mlmodel", "--data", data, "--decision", "argmax", "--fail-on", "none", "--trace",
                "--candidate", "coreml-nn-gpu", "--json", code=0)
    assert own.result["candidates"][0]["trace"]["ops"] and "is not traced" not in own.err
    done = assay("compare", model, "--input", data, "--program", "strict-f32", "--program", converted, "--trace",
                 code=0)
    assert done.err.count("is not traced") == 1


def test_zeros_that_are_right_are_no_breakdown(assay, save_model, save_npz):
    """Where float64 says that there is nothing but float32's noise, zeros lose nothing: what overflows is named."""
    model = one_vector(save_model, [
        node("Div", "x three", "d"), node("Mul", "d three", "m"), node("Sub", "m x", "n"), node("Mul", "n tiny", "q"),
        node("Add", "x q", "k"), node("Mul", "k large", "o"), node("Mul", "o large", "y")],
        {"three": np.float32([3.0]), "tiny": np.float32([1e-6]), "large": np.float32([500.0])})
    data = save_npz("x.npz", x=np.random.default_rng(2).uniform(1, 2, (3, 8)).astype(np.float32))
    trace, ops = trace_of(traced(assay, model, data, "f16-storage"))
    assert ops["q"]["lost"]["all_zero"]["samples"] == 3 and ops["q"]["reference_is_off"]
    assert ops["q"]["verdict"] == "ordinary rounding"
    assert [b["what"] for b in trace["breakdowns"]] == ["infinite"]
    assert "Mul 'y' is to blame: it is the first that gives infinities" in trace["says"]


def test_what_overflows_outranks_zeros_that_do_not_matter(assay, save_model, save_npz):
    model = one_vector(save_model, [
        node("Mul", "x tiny", "e"), node("Mul", "e tiny", "z"), node("Add", "x z", "k"), node("Mul", "k large", "o"),
        node("Mul", "o large", "y")], {"tiny": np.float32([1e-5]), "large": np.float32([500.0])})
    data = save_npz("x.npz", x=np.random.default_rng(1).uniform(1, 2, (3, 8)).astype(np.float32))
    trace, _ = trace_of(traced(assay, model, data, "f16-storage"))
    assert {b["what"]: b["name"] for b in trace["breakdowns"]} == {"infinite": "y", "all zero": "z"}
    assert trace["says"] == "Mul 'y' is to blame: it is the first that gives infinities"
    assert [trace["ops"][i]["name"] for i in trace["ranking"][:2]] == ["y", "z"]
    model = one_vector(save_model, [
        node("Mul", "x tiny", "e"), node("Mul", "e tiny", "z"), node("Div", "x z", "y")], {"tiny": np.float32([1e-5])})
    trace, _ = trace_of(traced(assay, model, data, "f16-storage"))
    assert trace["says"] == "Mul 'z' is to blame: it is the first that gives nothing but zeros"


def test_a_nan_is_no_difference_of_zero(assay, save_model, save_npz):
    model = one_vector(save_model, [node("Mul", "x large", "a"), node("Mul", "a large", "b"), node("Sub", "b b", "y")],
                       {"large": np.float32([500.0])})
    data = save_npz("x.npz", x=np.random.default_rng(1).uniform(1, 2, (3, 8)).astype(np.float32))
    done = assay("audit", model, "--data", data, "--decision", "argmax", "--candidate", "f16-storage", "--fail-on",
                 "none", "--trace", code=0)
    rows = [line.split() for line in done.out.splitlines()]
    row = next(words for words in rows if words[:1] == ["f16-storage"] and len(words) == 6)
    assert row[4:] == ["NaN", "NaN"]
    sub = next(words for words in rows if words[:2] == ["Sub", "'y'"])
    assert sub[2:4] == ["NaN", "-"] and "NaN" in sub[4:]


def test_a_candidate_without_numbers_is_not_nearer_to_float64(assay, save_model, save_npz):
    model = one_vector(save_model, [
        node("Add", "x big", "a"), node("Sub", "a big", "b"), node("Mul", "b large", "c"), node("Sub", "c c2", "y")],
        {"big": np.float32([3e7]), "large": np.float32([1e3]), "c2": np.float32([1.0])})
    data = save_npz("x.npz", x=np.random.default_rng(1).uniform(-1, 1, (2, 8)).astype(np.float32))
    trace, ops = trace_of(traced(assay, model, data, "f16-storage"))
    assert ops["a"]["candidate"]["infinities"] == 16 and ops["b"]["candidate"]["nans"] == 16
    assert not ops["b"]["reference_is_off"] and "the reference itself" not in trace["says"]


def test_nodes_of_one_name_are_told_by_their_values(assay, save_model, save_npz):
    nodes = [node("Mul", "x large", "a"), node("Mul", "a large", "y")]
    for each in nodes:
        each.name = "same"
    model = one_vector(save_model, nodes, {"large": np.float32([500.0])})
    data = save_npz("x.npz", x=np.random.default_rng(1).uniform(1, 2, (1, 8)).astype(np.float32))
    done = assay("audit", model, "--data", data, "--decision", "argmax", "--candidate", "f16-storage", "--fail-on",
                 "none", "--trace", "--blame", code=0)
    assert "Mul 'y' is to blame" in done.out and "'same'" not in done.out
    assert "operation by operation over 1 sample," in done.out and "1 samples" not in done.out


def test_what_a_converter_left_out_is_named(assay, save_model, save_npz):
    nodes = [node("Mul", "x k", "m"), node("Clip", "m lo hi", "d"), node("Neg", "d", "n"), node("ReduceMean", "n", "y")]
    weights = {"k": np.float32([1.5]), "lo": np.float32(-0.1), "hi": np.float32(0.1)}
    ports = {"x": (FLOAT, ["N", 8])}, {"y": (FLOAT, None)}
    model = save_model("a.onnx", nodes, *ports, weights)
    less = save_model("b.onnx", [nodes[0], node("Neg", "m", "other"), node("ReduceMean", "other", "y")], *ports,
                      {"k": weights["k"]})
    data = save_npz("x.npz", x=np.random.default_rng(1).uniform(0, 1, (2, 8)).astype(np.float32))
    done = assay("compare", model, "--input", data, "--program", "strict-f32", "--program", f"{less}@strict-f32",
                 "--json", code=0).result["pairs"][0]["conversion"]
    assert done["first"]["reference"] == "y"
    assert done["first"]["absent"] == [{"name": "d", "type": "Clip"}, {"name": "n", "type": "Neg"}]
    assert done["says"].endswith("before it the candidate has no 'd' (Clip), 'n' (Neg)")


def test_a_reference_is_not_off_where_the_candidate_has_no_numbers_either(assay, save_model, save_npz):
    """One sample that overflows float32 does not take the blame from what overflows in all others."""
    model = one_vector(save_model, [node("Mul", "x k", "a"), node("Mul", "a j", "y")],
                       {"k": np.float32([1e10]), "j": np.float32([1e-3])})
    x = np.random.default_rng(1).uniform(1, 2, (12, 8)).astype(np.float32)
    x[3] = 1e30
    trace, ops = trace_of(traced(assay, model, save_npz("x.npz", x=x), "f16-storage"))
    assert ops["a"]["exact_reference"]["infinite"] == 8 and ops["a"]["exact_candidate"]["infinite"] == 64
    assert not ops["a"]["reference_is_off"]
    assert trace["says"] == "Mul 'a' is to blame: it is the first that gives infinities"


def against_float16(assay, model, data, *flags):
    return assay("compare", model, "--input", data, "--program", "f16-storage", "--program", "bf16-storage", "--trace",
                 *flags, code=0)


@pytest.mark.parametrize("spread, zeros, ending", [
    (0.9, 11, "Sub 'c' is to blame: it is the first that gives nothing but zeros"),
    (1.9, 0, "dB more than rounding")])
def test_a_sample_that_the_reference_loses_hides_nothing_in_the_others(assay, save_model, save_npz, spread, zeros,
                                                                      ending):
    """What cancels in bfloat16 is named, whether it leaves zeros or not, though float16 overflows in one sample."""
    model = one_vector(save_model, [node("Add", "x big", "b"), node("Sub", "b big", "c"), node("Tanh", "c", "y")],
                       {"big": np.float32([300.0])})
    x = np.random.default_rng(5).uniform(-spread, spread, (12, 8)).astype(np.float32)
    x[3] = 1e6
    trace, ops = trace_of(against_float16(assay, model, save_npz("x.npz", x=x), "--json").result)
    assert ops["c"]["reference_is_off"] and ops["c"]["exact_reference"]["infinite"] == 8
    assert ops["c"]["lost"]["all_zero"]["samples"] == zeros
    assert [(b["what"], b["name"]) for b in trace["breakdowns"]] == ([("all zero", "c")] if zeros else [])
    assert "Sub 'c' is to blame" in trace["says"] and trace["says"].endswith(ending)
    assert trace["ops"][trace["ranking"][0]]["name"] == "c"


def test_errors_of_the_reference_are_not_called_ordinary_rounding(assay, save_model, save_npz):
    model = one_vector(save_model, [node("Add", "x c", "a"), node("Sub", "a c", "b"), node("Relu", "b", "y")],
                       {"c": np.float32([1e8])})
    data = save_npz("x.npz", x=np.random.default_rng(1).uniform(1, 2, (3, 8)).astype(np.float32))
    done = assay("compare", model, "--input", data, "--program", "f16-storage", "--program", "strict-f32", "--trace",
                 code=0)
    row = next(line for line in done.out.splitlines() if line.startswith("  Add 'a'"))
    assert row.endswith("the reference is off") and "inf x" not in done.out and "ordinary rounding" not in done.out
    assert "the reference itself is off from Add 'a' on" in done.out
    assert "no operation is to blame: what differs is the reference's own error" in done.out


def test_what_has_overflowed_has_no_headroom(assay, save_model, save_npz):
    model = one_vector(save_model, [node("Mul", "x k", "a"), node("Mul", "a zero", "z"), node("Add", "a z", "y")],
                       {"k": np.float32([4e4]), "zero": np.float32([0])})
    x = np.float32([[1, 1, 1, 1, 1, 1, 1, 2], [1, 1, 1, 1, 1, 1, 1, 1]])
    data = save_npz("x.npz", x=x)
    _, ops = trace_of(traced(assay, model, data, "f16-storage"))
    assert ops["a"]["candidate"]["infinities"] == 1 and ops["a"]["candidate"]["largest"] == 4e4
    assert ops["a"]["headroom_bits"] == 0 and ops["z"]["headroom_bits"] is None
    done = assay("compare", model, "--input", data, "--program", "strict-f32", "--program", "f16-storage", "--trace",
                 code=0)
    assert "none" in next(line for line in done.out.splitlines() if line.startswith("  Mul 'a'")).split()
