"""If and Loop: nested graphs with what they capture, against ONNX Runtime; and what is written back as ONNX."""
import signal
import subprocess
import time

import numpy as np
import onnx
import pytest
from differential.control import constant, typed
from differential.harness import run_assay, run_ort
from onnx import TensorProto as T
from onnx import helper, numpy_helper

RNG = np.random.default_rng(5)
X = RNG.normal(size=(3, 4)).astype(np.float32)
W = RNG.normal(size=(4, 4)).astype(np.float32)
node = helper.make_node


def info(name, kind=T.FLOAT, shape=None):
    return helper.make_tensor_value_info(name, kind, shape)


def body_of(nodes, carried, outputs):
    """A loop's body: `carried` and `outputs` are names, or (name, type)."""
    def infos(items):
        return [typed(*(i if isinstance(i, tuple) else (i, T.FLOAT))) for i in items]
    return helper.make_graph(nodes, "body", [info("i", T.INT64, []), info("c", T.BOOL, []), *infos(carried)],
                             infos([("c_out", T.BOOL), *outputs]))


def model_of(nodes, inputs, outputs, weights=None, opset=17, functions=()):
    graph = helper.make_graph(nodes, "g", inputs, outputs,
                              [numpy_helper.from_array(np.asarray(a), n) for n, a in (weights or {}).items()])
    imports = [helper.make_opsetid("", opset)] + [helper.make_opsetid(f.domain, 1) for f in functions]
    return helper.make_model(graph, opset_imports=imports, ir_version=8, functions=functions)


def deep():
    """An If in a Loop in an If; weights and values are captured from one to three graphs away."""
    parity = [constant("two", np.array(2)), constant("zero", np.array(0)), node("Mod", ["i", "two"], ["odd"]),
              node("Equal", ["odd", "zero"], ["even"])]
    even = helper.make_graph([node("Add", ["half", "s"], ["te"])], "even", [], [typed("te", T.FLOAT)])
    odd = helper.make_graph([node("Neg", ["half"], ["eo"])], "odd", [], [typed("eo", T.FLOAT)])
    body = body_of([*parity, node("Mul", ["v", "w"], ["m"]), node("Mul", ["m", "scale"], ["half"]),
                    node("If", ["even"], ["v_out"], then_branch=even, else_branch=odd),
                    node("Identity", ["c"], ["c_out"])], ["v"], ["v_out", "half"])
    then = helper.make_graph([node("Loop", ["trips", "", "s"], ["ty", "tall"], body=body)], "then", [],
                             [typed("ty", T.FLOAT), typed("tall", T.FLOAT)])
    otherwise = helper.make_graph([node("Relu", ["s"], ["oy"]), node("Unsqueeze", ["w", "axes"], ["oall"])],
                                  "otherwise", [], [typed("oy", T.FLOAT), typed("oall", T.FLOAT)])
    nodes = [node("Abs", ["x"], ["s"]), node("If", ["which"], ["y", "all"], then_branch=then, else_branch=otherwise),
             node("Sub", ["y", "s"], ["z"])]
    return model_of(nodes, [info("x", shape=["n", 4]), info("which", T.BOOL, []), info("trips", T.INT64, [])],
                    [info("z"), info("all")], {"w": W[:1], "scale": np.array(0.5, np.float32), "axes": np.array([0])})


def growing(opset=17):
    """What is carried gets longer; the body says that it does not."""
    body = body_of([node("Concat", ["v", "x"], ["v_out"], axis=0), node("Shape", ["v"], ["size"]),
                    node("Identity", ["c"], ["c_out"])], ["v"], ["v_out", ("size", T.INT64)])
    return model_of([node("Loop", ["trips", "go", "x"], ["y", "sizes"], body=body), node("Relu", ["y"], ["z"])],
                    [info("x", shape=["n", 4]), info("trips", T.INT64, [1])], [info("z"), info("sizes", T.INT64)],
                    {"go": np.array(True)}, opset)


def until(opset=17):
    """No trip count: the condition alone ends the loop."""
    body = body_of([node("Add", ["v", "v"], ["v_out"]), node("ReduceMax", ["v_out"], ["most"], keepdims=0),
                    node("Less", ["most", "limit"], ["c_out"])], ["v"], ["v_out", "most"])
    return model_of([node("Abs", ["x"], ["s"]), node("Loop", ["", "which", "s"], ["y", "seen"], body=body)],
                    [info("x", shape=[3, 4]), info("which", T.BOOL, [])], [info("y"), info("seen")],
                    {"limit": np.array(100, np.float32)}, opset)


def rank_check():
    """As exporters write it: squeeze only where there is something to squeeze; one branch does not fit the input."""
    fits = helper.make_graph([node("Squeeze", ["x", "axes"], ["a"])], "fits", [], [typed("a", T.FLOAT)])
    not_so = helper.make_graph([node("Neg", ["x"], ["b"])], "not_so", [], [typed("b", T.FLOAT)])
    nodes = [node("Shape", ["x"], ["shape"]), node("Gather", ["shape", "axes"], ["d"]),
             node("Equal", ["d", "one"], ["is_one"]), node("Squeeze", ["is_one"], ["cond"]),
             node("If", ["cond"], ["y"], then_branch=fits, else_branch=not_so)]
    return model_of(nodes, [info("x", shape=[3, 4])], [info("y")], {"axes": np.array([0]), "one": np.array([1])})


def in_function():
    """A function of the model whose If captures the function's input."""
    then = helper.make_graph([node("Neg", ["a"], ["t"])], "t", [], [typed("t", T.FLOAT)])
    other = helper.make_graph([node("Abs", ["a"], ["e"])], "e", [], [typed("e", T.FLOAT)])
    function = helper.make_function("mine", "Choose", ["a", "c"], ["r"],
                                    [node("If", ["c"], ["r"], then_branch=then, else_branch=other)],
                                    [helper.make_opsetid("", 17)])
    nodes = [node("Choose", ["x", "which"], ["u"], domain="mine"), node("Not", ["which"], ["other"]),
             node("Choose", ["u", "other"], ["y"], domain="mine")]
    return model_of(nodes, [info("x", shape=[3, 4]), info("which", T.BOOL, [])], [info("y")], functions=[function])


MODELS = [(deep, {"which": True, "trips": 3}), (deep, {"which": True, "trips": 0}),
          (deep, {"which": False, "trips": 1}), (growing, {"trips": [4]}), (growing, {"trips": [0]}),
          (until, {"which": True}), (until, {"which": False}), (in_function, {"which": True}),
          (in_function, {"which": False})]
IDS = [f"{make.__name__}-{'-'.join(map(str, feeds.values()))}" for make, feeds in MODELS]


def feeds_of(values):
    return {"x": X, **{n: np.array(v) for n, v in values.items()}}


def assert_same(ours, theirs):
    """Behind the 0 of a loop that never ran the shape is what each runtime knows without running."""
    assert set(ours) == set(theirs)
    for name, array in theirs.items():
        assert ours[name].dtype == array.dtype, name
        assert ours[name].shape == array.shape or ours[name].shape[0] == array.shape[0] == 0, name
        assert ours[name].tobytes() == array.tobytes(), (name, ours[name], array)


@pytest.mark.parametrize(("make", "values"), MODELS, ids=IDS)
def test_agrees_with_onnx_runtime(assay_path, tmp_path, make, values):
    model, feeds = make(), feeds_of(values)
    assert_same(run_assay(assay_path, model, feeds, tmp_path), run_ort(model, feeds))


@pytest.mark.parametrize("opset", [1, 11, 13, 16, 21, 23])
@pytest.mark.parametrize(("make", "values"), [(growing, {"trips": [2]}), (until, {"which": True})])
def test_every_version(assay_path, tmp_path, make, values, opset):
    model, feeds = make(max(opset, 11)), feeds_of(values)
    theirs = run_ort(model, feeds)
    if opset < 11:
        model = make(9)  # Loop-1; what the bodies use is as old
    assert_same(run_assay(assay_path, model, feeds, tmp_path), theirs)


@pytest.mark.parametrize("profile", ["strict-f32", "f16-storage", "bf16-storage"])
@pytest.mark.parametrize(("make", "values"), MODELS, ids=IDS)
def test_written_as_onnx_it_is_the_same_program(assay, assay_path, tmp_path, make, values, profile):
    model, feeds = make(), feeds_of(values)
    onnx.save(model, tmp_path / "model.onnx")
    assay("inspect", "model.onnx", "--profile", profile, "--emit-onnx", "emitted.onnx", code=0)
    onnx.checker.check_model(str(tmp_path / "emitted.onnx"))
    ours = run_assay(assay_path, tmp_path / "model.onnx", feeds, tmp_path, "--profile", profile)
    assert_same(ours, run_ort(str(tmp_path / "emitted.onnx"), feeds))
    assert_same(run_assay(assay_path, tmp_path / "emitted.onnx", feeds, tmp_path), ours)


def test_a_known_condition_needs_no_branch(assay, assay_path, tmp_path):
    onnx.save(rank_check(), tmp_path / "model.onnx")
    assert assay("inspect", "model.onnx", "--json", code=0).result["operators"] == {"Neg": 1}
    assay("inspect", "model.onnx", "--profile", "strict-f32", "--emit-onnx", "emitted.onnx", code=0)
    for path in ("model.onnx", "emitted.onnx"):
        assert_same(run_assay(assay_path, tmp_path / path, {"x": X}, tmp_path), {"y": -X})
    assert_same(run_ort(str(tmp_path / "emitted.onnx"), {"x": X}), {"y": -X})


def test_operations_of_nested_graphs_are_counted(assay, tmp_path):
    onnx.save(deep(), tmp_path / "model.onnx")
    result = assay("inspect", "model.onnx", "--json", code=0).result
    assert result["operators"]["If"] == 2 and result["operators"]["Mul"] == 2
    assert result["operations"] == sum(result["operators"].values())


def test_a_branch_may_return_what_it_captures(assay, assay_path, tmp_path):
    """ONNX Runtime refuses such a file; what we write of it goes through an Identity."""
    then = helper.make_graph([], "t", [], [typed("s", T.FLOAT)])
    other = helper.make_graph([], "e", [], [typed("x", T.FLOAT)])
    model = model_of([node("Neg", ["x"], ["s"]), node("If", ["which"], ["y"], then_branch=then, else_branch=other)],
                     [info("x", shape=[3, 4]), info("which", T.BOOL, [])], [info("y")])
    onnx.save(model, tmp_path / "model.onnx")
    assay("inspect", "model.onnx", "--profile", "strict-f32", "--emit-onnx", "emitted.onnx", code=0)
    for which, want in ((True, -X), (False, X)):
        feeds = feeds_of({"which": which})
        assert_same(run_assay(assay_path, model, feeds, tmp_path), {"y": want})
        assert_same(run_ort(str(tmp_path / "emitted.onnx"), feeds), {"y": want})


@pytest.mark.parametrize("profile", ["strict-f32", "f16-throughout", "f64", "coreml-nn-ane"])
def test_same_bits_on_any_number_of_threads(assay_path, tmp_path, profile):
    feeds = feeds_of({"which": True, "trips": 3})
    one = run_assay(assay_path, deep(), feeds, tmp_path, "--profile", profile)
    assert_same(run_assay(assay_path, deep(), feeds, tmp_path, "--profile", profile, "--threads", "3"), one)


def other_types():
    body = body_of([node("Cast", ["v"], ["v_out"], to=T.DOUBLE), node("Identity", ["c"], ["c_out"])], ["v"],
                   [("v_out", T.DOUBLE)])
    return node("Loop", ["trips", "", "x"], ["y"], body=body), "loop_c1"


def too_few_inputs():
    body = body_of([node("Identity", ["c"], ["c_out"])], [], [])
    return node("Loop", ["trips", "", "x"], ["y"], body=body), "nested_c2"


def too_few_outputs():
    body = body_of([node("Identity", ["c"], ["c_out"])], ["v"], [])
    return node("Loop", ["trips", "", "x"], ["y"], body=body), "nested_c3"


def no_graph():
    return node("Loop", ["trips", "", "x"], ["y"], body=1), "nested_c1"


def number_as_condition():
    body = body_of([node("Identity", ["i"], ["c_out"])], ["v"], ["v"])
    return node("Loop", ["trips", "", "x"], ["y"], body=body), "is declared bool"


@pytest.mark.parametrize("make", [other_types, too_few_inputs, too_few_outputs, no_graph, number_as_condition],
                         ids=lambda make: make.__name__)
def test_contradictions_are_errors(assay, tmp_path, make):
    loop, label = make()
    onnx.save(model_of([loop], [info("x", shape=[3, 4]), info("trips", T.INT64, [])], [info("y")]), tmp_path / "m.onnx")
    done = assay("inspect", "m.onnx", code=3)
    assert "A103" in done.err and label in done.err


def test_sequences_pass_through_loops(assay, tmp_path):
    sequence = helper.make_tensor_sequence_value_info("q", T.FLOAT, None)
    body = body_of([node("Identity", ["c"], ["c_out"])], ["v"], ["v"])
    onnx.save(model_of([node("Loop", ["trips", "", "q"], ["y"], body=body)], [sequence, info("trips", T.INT64, [])],
                       [helper.make_tensor_sequence_value_info("y", T.FLOAT, None)]), tmp_path / "m.onnx")
    np.savez(tmp_path / "in.npz", **{"q[0]": np.float32([1, 2]), "q[1]": np.float32([3]), "trips": np.array(3)})
    assay("run", "m.onnx", "--input", "in.npz", "--output", "out.npz", code=0)
    out = np.load(tmp_path / "out.npz")
    assert sorted(out) == ["y[0]", "y[1]"] and out["y[0]"].tolist() == [1, 2] and out["y[1]"].tolist() == [3]


def test_an_interrupt_ends_an_endless_loop(assay_path, tmp_path):
    body = body_of([node("Identity", ["c"], ["c_out"]), node("Neg", ["v"], ["v_out"])], ["v"], ["v_out"])
    onnx.save(model_of([node("Loop", ["", "", "x"], ["y"], body=body)], [info("x", shape=[3, 4])], [info("y")]),
              tmp_path / "m.onnx")
    words = [assay_path, "run", tmp_path / "m.onnx", "--random", "1", "--max-iterations", str(2**63 - 1)]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert "A403" in err
