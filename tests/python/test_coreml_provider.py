"""The emulated CoreMLExecutionProvider takes what ONNX Runtime's takes, and runs the rest as on the CPU."""
import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.utils import Extractor

F = TensorProto.FLOAT
PROVIDER = "CoreMLExecutionProvider"
GPU = f"{PROVIDER}:MLComputeUnits=CPUAndGPU"
PROGRAM = f"{PROVIDER}:ModelFormat=MLProgram,MLComputeUnits=CPUAndGPU"


@pytest.fixture
def nodes_of(assay):
    """nodes_of(model, provider) -> (op, partition or None) of each node, and the report."""

    def nodes(model, provider=PROVIDER):
        report = assay("inspect", model, "--provider", provider, "--json", code=0).result["provider"]
        return [(node["op"], node["partition"]) for node in report["nodes"]], report

    return nodes


@pytest.fixture
def run_as(assay, tmp_path):
    """run_as(model, "--profile", name, x=array) -> outputs by name."""

    def run(model, flag, name, **arrays):
        np.savez(tmp_path / "in.npz", **arrays)
        assay("run", model, flag, name, "--input", tmp_path / "in.npz", "--output",
              tmp_path / "out.npz", code=0)
        with np.load(tmp_path / "out.npz") as out:
            return dict(out)

    return run


@pytest.fixture
def cut_model(save_model):
    """Two products with operators between that the provider does not take."""
    rng = np.random.default_rng(7)
    weights = {name: rng.standard_normal((4, 4)).astype(np.float32) for name in ("w1", "w2")}
    return save_model("cut.onnx", [
        helper.make_node("MatMul", ["x", "w1"], ["a"]), helper.make_node("Abs", ["a"], ["b"]),
        helper.make_node("Log", ["b"], ["l"]), helper.make_node("Softsign", ["l"], ["c"]),
        helper.make_node("MatMul", ["c", "w2"], ["d"]),
        helper.make_node("Tanh", ["d"], ["y"])], {"x": (F, [2, 4])}, {"y": (F, [2, 4])}, weights)


def test_inspect_names_partitions_and_reasons(cut_model, nodes_of, assay):
    nodes, report = nodes_of(cut_model)
    assert nodes == [("MatMul", 0), ("Abs", None), ("Log", None), ("Softsign", None), ("MatMul", 1), ("Tanh", 1)]
    assert report["partitions"] == 2 and report["model_format"] == "NeuralNetwork"
    assert report["nodes"][2]["reason"] == "the provider has no such operator"
    text = assay("inspect", cut_model, "--provider", PROVIDER, code=0)
    assert "takes 3 of 6 nodes in 2 partitions" in text.out
    assert "on the CPU: Log" in text.out and "partition 1: Tanh" in text.out
    assert text.err.count("A214") == 1 and "1 Abs (the provider has no such operator)" in text.err


@pytest.mark.parametrize("provider, profile", [(GPU, "coreml-nn-gpu"), (PROGRAM, "coreml-mlprogram-f32-gpu")])
def test_a_cut_model_is_its_parts(provider, profile, cut_model, run_as, tmp_path):
    x = np.random.default_rng(3).standard_normal((2, 4)).astype(np.float32)
    whole = run_as(cut_model, "--provider", provider, x=x)["y"]
    extractor = Extractor(onnx.shape_inference.infer_shapes(onnx.load(cut_model)))
    value, name = x, "x"
    for last, runs_under in (("a", profile), ("c", "cpu-f32"), ("y", profile)):
        onnx.save(extractor.extract_model([name], [last]), tmp_path / "part.onnx")
        value, name = run_as(tmp_path / "part.onnx", "--profile", runs_under, **{name: value})[last], last
    assert whole.tobytes() == value.tobytes()
    alone = run_as(cut_model, "--profile", profile, x=x)["y"]
    assert (alone.tobytes() == value.tobytes()) == (provider == PROGRAM), "the profile's name takes the whole model"


def test_the_article_stays(root, assay, run_as):
    mlp = root / "examples/article/mlp.onnx"
    x = np.array([[-2.695711135864258, -0.6399051547050476, 3.681105375289917, -0.2332591712474823]], np.float32)
    for provider, numbers in ((GPU, [0.6484375, -0.34033203, 1.4326172]),
                              (PROGRAM, [0.6480752, -0.34015813, 1.4329923])):
        y, = run_as(mlp, "--provider", provider, input=x).values()
        assert y[0].tolist() == np.float32(numbers).tolist()
    assert "A214" not in assay("inspect", mlp, "--provider", PROVIDER, code=0).err


def test_outputs_that_are_not_taken_come_as_the_cpu_gives_them(one_op, run_as, nodes_of):
    x = np.random.default_rng(1).uniform(1, 2, (2, 3)).astype(np.float32)
    model = one_op("Log", x)
    assert nodes_of(model)[0] == [("Log", None)]
    provider, cpu = (run_as(model, *how, x0=x)["y"] for how in (("--provider", GPU), ("--profile", "cpu-f32")))
    assert provider.tobytes() == cpu.tobytes()


def test_the_operator_set_is_the_models(save_model, nodes_of):
    def build(opset):
        nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Transpose", ["a"], ["y"])]
        return save_model("o.onnx", nodes, {"x": (F, [2, 3])}, {"y": (F, [3, 2])}, opset=opset)

    assert nodes_of(build(20))[0] == [("Relu", 0), ("Transpose", 0)]
    assert nodes_of(build(21))[0] == [("Relu", 0), ("Transpose", None)]


def test_revisions_are_those_of_the_onnx_package(root):
    """The table's last operator sets are the last before the provider's newest (20) was passed by a new revision."""
    history = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if not schema.domain:
            history.setdefault(schema.name, []).append(schema.since_version)
    rows = [line.split("|") for line in (root / "docs/coreml-provider.md").read_text().splitlines()
            if line.count("|") == 7 and line.startswith("| ") and "operator set" not in line]
    assert len(rows) > 50
    for _, op, _since, last, *_ in rows:
        newer = [v for v in history[op.strip()] if v > 20]
        if op.strip() in ("Dropout", "Identity"):
            continue  # ONNX Runtime's optimizer removes them
        assert last.strip() == (str(min(newer) - 1) if newer else ""), op


def test_if_branches(save_model, nodes_of, run_as):
    branch = helper.make_graph([helper.make_node("Tanh", ["a"], ["t"])], "b", [],
                               [helper.make_tensor_value_info("t", F, [2, 3])])
    model = save_model("if.onnx", [helper.make_node("Relu", ["x"], ["a"]),
                                   helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)],
                       {"x": (F, [2, 3]), "c": (TensorProto.BOOL, [])}, {"y": (F, [2, 3])})
    assert nodes_of(model)[0] == [("Relu", 0), ("If", None), ("Tanh", None), ("Tanh", None)]
    subgraphs = f"{GPU},EnableOnSubgraphs=1"
    assert nodes_of(model, subgraphs)[0] == [("Relu", 0), ("If", None), ("Tanh", 0), ("Tanh", 0)]
    x = np.random.default_rng(2).standard_normal((2, 3)).astype(np.float32)
    half = np.float32(np.float16(np.maximum(x, 0)))
    outside = run_as(model, "--provider", GPU, x=x, c=np.bool_(True))["y"]
    inside = run_as(model, "--provider", subgraphs, x=x, c=np.bool_(True))["y"]
    assert np.allclose(outside, np.tanh(half), rtol=1e-6) and np.any(np.float32(np.float16(outside)) != outside)
    assert np.array_equal(np.float32(np.float16(inside)), inside)


def test_blazeface_is_taken_in_a_few_partitions(root, nodes_of):
    path = root / "build/inputs/blazeface/front.onnx"
    if not path.is_file():
        pytest.skip("BlazeFace is not there: make inputs")
    nodes, report = nodes_of(path)
    left = {op for op, partition in nodes if partition is None}
    assert ("Conv", 0) in nodes and report["partitions"] >= 1
    assert "Conv" not in left and "Relu" not in left


def test_json_is_whole(cut_model, assay):
    envelope = json.loads(assay("inspect", cut_model, "--provider", PROVIDER, "--json", code=0).out)
    assert [w["code"] for w in envelope["warnings"]] == ["A205", "A214", "A201"]
    assert "3 operations" in envelope["warnings"][2]["message"], "those that are taken are lowered"
