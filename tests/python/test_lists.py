"""Sequences, optionals and maps: inside models under every profile, and at the edges of the command line and Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper as h

X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
PROFILES = ["strict-f32", "coreml-nn-gpu", "f16-throughout", "bf16-storage"]


def tensor(name: str, shape: list[int | str] | None = None) -> onnx.ValueInfoProto:
    return h.make_tensor_value_info(name, T.FLOAT, shape)


def sequence(name: str) -> onnx.ValueInfoProto:
    return h.make_tensor_sequence_value_info(name, T.FLOAT, None)


def save(path: Path, nodes: list[onnx.NodeProto], inputs: list[onnx.ValueInfoProto],
         outputs: list[onnx.ValueInfoProto]) -> str:  # fmt: skip
    graph = h.make_graph(nodes, "g", inputs, outputs, [h.make_tensor("w", T.FLOAT, [1], [1.1])])
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=9), path)
    return str(path)


def mapped() -> list[onnx.NodeProto]:
    body = h.make_graph([h.make_node("Mul", ["e", "k"], ["o"])], "b", [tensor("e"), tensor("k")], [tensor("o")])
    return [
        h.make_node("SplitToSequence", ["x"], ["s"], axis=0),
        h.make_node("SequenceMap", ["s", "w"], ["m"], body=body),
    ]


@pytest.mark.parametrize("profile", PROFILES)
def test_inside_a_model_they_change_no_bit(assay, tmp_path: Path, profile: str) -> None:
    through = [*mapped(), h.make_node("ConcatFromSequence", ["m"], ["y"], axis=0)]
    plain = save(tmp_path / "plain.onnx", [h.make_node("Mul", ["x", "w"], ["y"])], [tensor("x", [4, 3])], [tensor("y")])
    lists = save(tmp_path / "lists.onnx", through, [tensor("x", [4, 3])], [tensor("y")])
    data = tmp_path / "x.npz"
    np.savez(data, x=X)
    outputs = []
    for model in (plain, lists):
        out = tmp_path / "out.npz"
        assay("run", model, "--input", data, "--profile", profile, "--output", out, code=0)
        outputs.append(np.load(out)["y"])
    assert outputs[0].tobytes() == outputs[1].tobytes()


def test_outputs_of_the_command_are_named_arrays(assay, tmp_path: Path) -> None:
    model = save(tmp_path / "m.onnx", mapped(), [tensor("x", [4, 3])], [sequence("m")])
    np.savez(tmp_path / "x.npz", x=X)
    assay("run", model, "--input", tmp_path / "x.npz", "--profile", "coreml-nn-gpu", "--output", tmp_path / "o.npz",
          code=0)  # fmt: skip
    arrays = np.load(tmp_path / "o.npz")
    assert sorted(arrays) == ["m[0]", "m[1]", "m[2]", "m[3]"]
    rounded = (X[2:3].astype(np.float16).astype(np.float32) * np.float32(np.float16(1.1))).astype(np.float16)
    np.testing.assert_array_equal(arrays["m[2]"], rounded.astype(np.float32))


def test_the_command_takes_them_as_named_arrays(assay, tmp_path: Path) -> None:
    node = h.make_node("ConcatFromSequence", ["m"], ["y"], axis=0)
    model = save(tmp_path / "m.onnx", [node], [sequence("m")], [tensor("y")])
    np.savez(tmp_path / "m.npz", **{"m[0]": X[:1], "m[1]": X[1:]})
    assay("run", model, "--input", tmp_path / "m.npz", "--output", tmp_path / "o.npz", code=0)
    np.testing.assert_array_equal(np.load(tmp_path / "o.npz")["y"], X)


def test_comparisons_refuse_them(assay, tmp_path: Path) -> None:
    model = save(tmp_path / "m.onnx", mapped(), [tensor("x", [4, 3])], [sequence("m")])
    np.savez(tmp_path / "x.npz", x=X)
    refused = assay("compare", model, "--input", tmp_path / "x.npz", "--program", "strict-f32", "--program",
                    "coreml-nn-gpu", code=3)  # fmt: skip
    assert "A107" in refused.err and "seq(float32[" in refused.err


def test_loops_beyond_the_limit_are_refused(assay, tmp_path: Path) -> None:
    body = h.make_graph(
        [h.make_node("Identity", ["c"], ["d"]), h.make_node("Neg", ["v"], ["u"])], "b",
        [h.make_tensor_value_info("i", T.INT64, []), h.make_tensor_value_info("c", T.BOOL, []), tensor("v")],
        [h.make_tensor_value_info("d", T.BOOL, []), tensor("u")],
    )  # fmt: skip
    model = save(tmp_path / "m.onnx", [h.make_node("Loop", ["", "", "x"], ["y"], body=body)], [tensor("x", [1])],
                 [tensor("y")])  # fmt: skip
    np.savez(tmp_path / "x.npz", x=X[0, :1])
    refused = assay("run", model, "--input", tmp_path / "x.npz", code=3)
    assert "A106" in refused.err and "--max-iterations" in refused.err
    for words in (["--max-iterations", "0"], ["--max-memory", "4X"], ["--max-memory", "0"]):
        assay("run", model, "--input", tmp_path / "x.npz", *words, code=2)


def test_operators_say_that_they_take_them(assay) -> None:
    assert "in   input_sequence: seq\n" in assay("ops", "SequenceAt", code=0).out
    assert "in   X: map\n" in assay("ops", "ai.onnx.ml.DictVectorizer", code=0).out
