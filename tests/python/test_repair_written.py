"""What a repair writes is what holds: packages whose operations are others than the model's, configurations for other
tools, and the sizes that a file states."""
import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper, numpy_helper


def save(path, nodes, weights, outputs, inputs=(("x", ("N", 6)),), opset=17):
    nodes = [helper.make_node(kind, ins, outs, name=name, **(attrs[0] if attrs else {}))
             for name, kind, ins, outs, *attrs in nodes]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info(n, T.FLOAT, s) for n, s in inputs],
                              [helper.make_tensor_value_info(n, T.FLOAT, s) for n, s in outputs],
                              [numpy_helper.from_array(np.asarray(a), n) for n, a in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def single(rng, *size, scale=1.0):
    return (scale * rng.normal(size=size)).astype(np.float32)


def selu(folder, seed):
    """A package computes Selu in several steps, each in 16 bits: more is lost than in the model's one operation."""
    rng = np.random.default_rng(seed)
    large = np.float32(30000)
    weights = {"w": single(rng, 6, 6, scale=0.6), "up": large, "down": large, "one": np.ones(6, np.float32),
               "v": single(rng, 6, 6, scale=0.5), "u": single(rng, 6, 6, scale=0.8), "b": single(rng, 6)}
    save(folder / "m.onnx", [("first", "MatMul", ["x", "w"], ["h"]), ("selu", "Selu", ["h"], ["s"]),
                             ("shift", "Add", ["s", "up"], ["a"]), ("unshift", "Sub", ["a", "down"], ["r"]),
                             ("norm", "LayerNormalization", ["r", "one"], ["n"]),
                             ("second", "MatMul", ["n", "v"], ["m"]), ("head", "Gemm", ["m", "u", "b"], ["y"])],
         weights, [("y", ("N", 6))])
    np.savez(folder / "d.npz", x=single(rng, 40, 6))


QUESTION = ("--decision", "tolerance:abs=0.01,rel=0.01")


@pytest.mark.parametrize("seed", [9, 33])
def test_a_package_that_misses_the_goal_with_the_set_of_the_search_gets_more_in_float32(assay, tmp_path, seed):
    selu(tmp_path, seed)
    repair = ("repair", "m.onnx", "--data", "d.npz", *QUESTION, "--candidate", "coreml-nn-ane")
    found = assay(*repair, "--json", code=0).result["kept"]
    done = assay(*repair, "-o", "f.mlpackage", "--configs", "c", "--json", code=0).result
    names = [done["operations"][k]["node"] for k in done["kept"]]
    assert set(found) < set(done["kept"]), "more than the search asked for"
    assert len(names) < len(done["operations"]), "and not everything"
    assert not done["minimal"]
    [file] = done["files"]
    assert file["meets"] and file["standing"]["flips"] == 0
    assert "2 of 7 operations in float32 that the search found the file misses the goal: 1 of 40 under " in file["note"]
    assert f"; with {len(names)} of 7 it meets it" in file["note"]
    assert "m1-tiles" in file["note"], "the variants that missed are named"
    listed = json.loads((tmp_path / "c" / "onnxconverter_block_list.json").read_text())["node_block_list"]
    assert listed == names, "configurations are of what was written"
    told = assay("audit", "m.onnx", "--data", "d.npz", *QUESTION, "--reference", "m.onnx@strict-f32", "--candidate",
                 "f.mlpackage@coreml-mlprogram-f16-ane", code=0).out
    assert "f.mlpackage@coreml-mlprogram-f16-ane: safe" in told
    text = assay(*repair, "-o", "f.mlpackage", code=0).out
    assert "stay in float32; the written file misses the goal with fewer that were tried:\n" in text


def test_where_float32_throughout_misses_too_the_variants_are_named_and_no_file_is_written(assay, tmp_path):
    """Two columns that TF32 cannot tell apart."""
    first = np.linspace(1, 2, 6, dtype=np.float32)
    weights = {"w": np.stack([first, first * np.float32(1 + 3e-5)], 1)}
    save(tmp_path / "m.onnx", [("mm", "MatMul", ["x", "w"], ["y"])], weights, [("y", ("N", 2))])
    np.savez(tmp_path / "d.npz", x=np.ones((8, 6), np.float32))
    done = assay("repair", "m.onnx", "--data", "d.npz", "--decision", "argmax", "--candidate", "f16-storage", "-o",
                 "f.mlpackage", "--json", code=1).result
    [file] = done["files"]
    assert done["found"] and not file["meets"]
    assert file["note"].startswith("missed under m5-matrix-units")
    assert not (tmp_path / "f.mlpackage").exists()


def converted(assay, tmp_path, kept):
    """What the block list of a repair makes of the model; `kept`: what the repair must have found."""
    repair = ("repair", "m.onnx", "--data", "d.npz", "--decision", "argmax", "--decide-on", "y", "--candidate",
              "f16-storage")
    done = assay(*repair, "--configs", "c", "--json", code=0).result
    assert {done["operations"][k]["name"] for k in done["kept"]} == set(kept)
    subprocess.run([sys.executable, "c/onnxconverter_block_list.py", "m.onnx", "half.onnx"], cwd=tmp_path, check=True)
    model = onnx.load(tmp_path / "half.onnx")
    onnx.checker.check_model(model, full_check=True)
    told = assay("audit", "m.onnx", "--data", "d.npz", "--decision", "argmax", "--output", "y", "--reference",
                 "m.onnx@strict-f32", "--candidate", "half.onnx@strict-f32").out
    assert "half.onnx@strict-f32: safe" in told
    return model


def types_of(model):
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    return {v.name: v.type.tensor_type.elem_type for v in [*inferred.value_info, *inferred.input, *inferred.output]}


def test_the_block_list_holds_where_two_kept_nodes_read_a_third(assay, tmp_path):
    """The converter leaves a cast to float16 and back between them."""
    rng = np.random.default_rng(3)
    weights = {"w": single(rng, 6, 6), "up": np.float32(2048), "v": single(rng, 6, 6)}
    save(tmp_path / "m.onnx", [("", "MatMul", ["x", "w"], ["h"]), ("", "Add", ["h", "up"], ["a"]),
                               ("", "ReduceMin", ["a"], ["m"], {"axes": [1], "keepdims": 1}),
                               ("", "Sub", ["a", "m"], ["s"]), ("", "MatMul", ["s", "v"], ["y"])],
         weights, [("y", ("N", 6))])
    np.savez(tmp_path / "d.npz", x=single(rng, 60, 6))
    model = converted(assay, tmp_path, {"a", "s"})  # the smallest of float32 numbers moves with them
    types = types_of(model)
    assert {types[out] for node in model.graph.node if node.op_type == "MatMul" for out in node.output} == {T.FLOAT16}
    assert types["x"] == types["y"] == T.FLOAT


def test_the_block_list_keeps_the_type_of_what_a_kept_node_gives(assay, tmp_path):
    """An output that others read too: they read it in float16."""
    weights = {"w": np.array([[1, 1 + 2**-15]], np.float32), "z": np.zeros((2, 2), np.float32)}
    save(tmp_path / "m.onnx", [("kept", "Mul", ["x", "w"], ["y"]), ("more", "MatMul", ["y", "z"], ["t"])],
         weights, [("y", ("N", 2)), ("t", ("N", 2))], inputs=[("x", ("N", 1))])
    np.savez(tmp_path / "d.npz", x=np.arange(1, 33, dtype=np.float32)[:, None])
    model = converted(assay, tmp_path, {"y"})
    types = types_of(model)
    assert types["y"] == types["t"] == T.FLOAT
    [more] = [node for node in model.graph.node if node.op_type == "MatMul"]
    assert types[more.input[0]] == T.FLOAT16


def test_the_block_list_clamps_nothing(assay, tmp_path):
    """30000 and 1e-6 in float16, as they were searched: the converter would make 10000 of the one."""
    rng = np.random.default_rng(5)
    weights = {"w": single(rng, 6, 6), "k": np.full(6, 30000, np.float32), "d": np.full(6, 3e-5, np.float32),
               "b": np.array([-1, 1, 0, 0, 0, 0], np.float32), "up": np.float32(2048), "v": single(rng, 6, 6)}
    save(tmp_path / "m.onnx", [("", "MatMul", ["x", "w"], ["h"]), ("", "Tanh", ["h"], ["c"]),
                               ("", "Mul", ["c", "k"], ["g"]), ("", "Mul", ["g", "d"], ["n"]),
                               ("", "Add", ["n", "b"], ["o"]), ("", "Add", ["o", "up"], ["a"]),
                               ("", "Sub", ["a", "up"], ["s"]), ("", "MatMul", ["s", "v"], ["y"])],
         weights, [("y", ("N", 6))])
    np.savez(tmp_path / "d.npz", x=single(rng, 60, 6))
    model = converted(assay, tmp_path, {"a", "s"})
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    assert constants["k"].dtype == np.float16 and (constants["k"] == 30000).all()


def test_the_block_list_parts_a_constant_that_kept_and_lowered_nodes_read(assay, tmp_path):
    """The converter leaves it in float32 for both."""
    rng = np.random.default_rng(0)
    weights = {"w": single(rng, 6, 6), "k": np.float32(5000), "v": single(rng, 6, 4, scale=1e-4)}
    save(tmp_path / "m.onnx", [("first", "MatMul", ["x", "w"], ["h"]), ("", "Tanh", ["h"], ["t"]),
                               ("", "Constant", [], ["c"], {"value_float": 5000.0}), ("", "Mul", ["t", "c"], ["s"]),
                               ("second", "MatMul", ["s", "w"], ["u"]), ("", "Mul", ["u", "c"], ["z"]),
                               ("", "MatMul", ["z", "v"], ["y"])],
         weights, [("y", ("N", 4))])
    np.savez(tmp_path / "d.npz", x=single(rng, 60, 6))
    types = types_of(converted(assay, tmp_path, {"z", "y"}))
    assert types["s"] == types["u"] == T.FLOAT16


def test_the_block_list_parts_constants_of_what_the_converter_itself_keeps(assay, tmp_path):
    rng = np.random.default_rng(0)
    save(tmp_path / "m.onnx", [("", "Mul", ["x", "k"], ["h"]), ("", "Max", ["h", "k"], ["m"]),
                               ("", "Max", ["m", "k"], ["y"])], {"k": single(rng, 6)}, [("y", ("N", 6))])
    np.savez(tmp_path / "d.npz", x=16 * single(rng, 60, 6))
    converted(assay, tmp_path, set())


def nested(kind, outer):
    """An If or a Loop whose graphs read a constant and a value from outside."""
    value = helper.make_tensor_value_info
    if kind == "If":
        then = helper.make_graph([helper.make_node("Add", [outer, "k"], ["i"], name="same"),
                                  helper.make_node("Mul", ["i", "k"], ["then"])], "t", [],
                                 [value("then", T.FLOAT, None)])
        other = helper.make_graph([helper.make_node("Neg", [outer], ["else"], name="same")], "e", [],
                                  [value("else", T.FLOAT, None)])
        return [("", "ReduceSumSquare", [outer], ["sum"], {"keepdims": 0}), ("", "Greater", ["sum", "zero"], ["more"]),
                ("", "If", ["more"], ["b"], {"then_branch": then, "else_branch": other})]
    body = helper.make_graph([helper.make_node("Add", ["state", "k"], ["i"]),
                              helper.make_node("Sub", ["i", outer], ["next"]),
                              helper.make_node("Identity", ["go"], ["on"])], "b",
                             [value("n", T.INT64, []), value("go", T.BOOL, []), value("state", T.FLOAT, None)],
                             [value("on", T.BOOL, []), value("next", T.FLOAT, None)])
    return [("", "Loop", ["times", "", outer], ["b"], {"body": body})]


@pytest.mark.parametrize("kind", ["If", "Loop"])
@pytest.mark.parametrize("keep", [False, True])
def test_the_block_list_leaves_graphs_of_nodes_what_they_read(assay, tmp_path, kind, keep):
    """It does not convert them, but what they read from outside; `keep`: that too is written by a kept node."""
    rng = np.random.default_rng(4)
    weights = {"w": single(rng, 6, 6), "k": single(rng, 6), "v": single(rng, 6, 4)}
    weights |= {"zero": np.float32(0)} if kind == "If" else {"times": np.array(3)}
    between = [("", "Tanh", ["h"], ["s"])]
    if keep:
        between = [("", "Add", ["h", "up"], ["a"]), ("", "Sub", ["a", "up"], ["s"])]
        weights["up"] = np.float32(2048)
    save(tmp_path / "m.onnx", [("", "MatMul", ["x", "w"], ["h"]), *between, *nested(kind, "s"),
                               ("", "Mul", ["b", "k"], ["c"]), ("", "MatMul", ["c", "v"], ["y"])],
         weights, [("y", ("N", 4))])
    np.savez(tmp_path / "d.npz", x=single(rng, 60, 6))
    types = types_of(converted(assay, tmp_path, {"a", "s"} if keep else set()))
    assert types["c"] == T.FLOAT16


def test_the_block_list_takes_a_model_that_casts_to_float16_itself(assay, tmp_path):
    """What rounding takes away decides: casts of the model's own stay."""
    rng = np.random.default_rng(0)
    save(tmp_path / "m.onnx", [("", "MatMul", ["x", "w"], ["a"]), ("own", "Cast", ["a"], ["h"], {"to": T.FLOAT16}),
                               ("", "Cast", ["h"], ["f"], {"to": T.FLOAT}), ("", "Sub", ["a", "f"], ["lo"]),
                               ("", "Mul", ["lo", "k"], ["y"])],
         {"w": single(rng, 8, 4), "k": np.float32(1000)}, [("y", ("N", 4))], inputs=[("x", ("N", 8))])
    np.savez(tmp_path / "d.npz", x=single(rng, 40, 8))
    model = converted(assay, tmp_path, {"a", "lo"})
    assert "own" in {node.name for node in model.graph.node}


def test_the_block_list_gives_others_in_float16_what_a_lowered_node_gives(assay, tmp_path):
    rng = np.random.default_rng(0)
    save(tmp_path / "m.onnx", [("", "MatMul", ["x", "w"], ["y"]), ("more", "MatMul", ["y", "w"], ["t"])],
         {"w": single(rng, 6, 6)}, [("y", ("N", 6)), ("t", ("N", 6))])
    np.savez(tmp_path / "d.npz", x=single(rng, 20, 6))
    types = types_of(converted(assay, tmp_path, set()))
    assert types["y"] == types["t"] == T.FLOAT


def test_the_block_list_takes_a_model_whose_weights_are_inputs(assay, tmp_path):
    """As they were before version 4."""
    rng = np.random.default_rng(0)
    save(tmp_path / "m.onnx", [("", "MatMul", ["x", "w"], ["y"])], {"w": single(rng, 6, 6)}, [("y", ("N", 6))])
    model = onnx.load(tmp_path / "m.onnx")
    model.ir_version = 3
    model.graph.input.append(helper.make_tensor_value_info("w", T.FLOAT, (6, 6)))
    onnx.save(model, tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", x=single(rng, 20, 6))
    converted(assay, tmp_path, set())


def test_a_model_that_the_converter_cannot_make_is_an_error_and_no_file(assay, tmp_path):
    """A random number's type stands in an attribute that it does not change."""
    rng = np.random.default_rng(0)
    save(tmp_path / "m.onnx", [("", "MatMul", ["x", "w"], ["y"])], {"w": single(rng, 6, 6)}, [("y", ("N", 6))])
    np.savez(tmp_path / "d.npz", x=single(rng, 20, 6))
    assay("repair", "m.onnx", "--data", "d.npz", "--decision", "argmax", "--candidate", "f16-storage", "--configs", "c")
    save(tmp_path / "other.onnx", [("", "RandomNormal", [], ["r"], {"shape": [6]}), ("", "Add", ["x", "r"], ["y"])],
         {}, [("y", ("N", 6))])
    done = subprocess.run([sys.executable, "c/onnxconverter_block_list.py", "other.onnx", "half.onnx"], cwd=tmp_path,
                          check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert "elem type differs" in done.stderr
    assert not (tmp_path / "half.onnx").exists()


def test_the_block_list_has_what_reads_floats_and_writes_none(assay, tmp_path):
    """A comparison beside what it compares: float16 could not tell 2048.1 from 2048."""
    rng = np.random.default_rng(0)
    save(tmp_path / "m.onnx", [("", "MatMul", ["x", "w"], ["h"]), ("", "Add", ["h", "up"], ["a"]),
                               ("more", "Greater", ["a", "edge"], ["g"]), ("", "Cast", ["g"], ["f"], {"to": T.FLOAT}),
                               ("", "MatMul", ["f", "w"], ["y"])],
         {"w": single(rng, 6, 6), "up": np.float32(2048), "edge": np.float32(2048.1)}, [("y", ("N", 6))])
    np.savez(tmp_path / "d.npz", x=single(rng, 60, 6))
    model = converted(assay, tmp_path, {"a"})
    types = types_of(model)
    [more] = [node for node in model.graph.node if node.op_type == "Greater"]
    assert types[more.input[0]] == T.FLOAT
    listed = json.loads((tmp_path / "c" / "onnxconverter_block_list.json").read_text())
    assert "more" not in listed["node_block_list"], "computes no floats"
    selector = {}
    exec((tmp_path / "c" / "coremltools_op_selector.py").read_text(), selector)  # our own file
    assert {"a", "g"} <= selector["KEPT"]


def test_the_block_list_keeps_quantisation(assay, tmp_path):
    """Its operator set has no float16 there."""
    rng = np.random.default_rng(0)
    save(tmp_path / "m.onnx", [("", "MatMul", ["x", "w"], ["h"]), ("", "QuantizeLinear", ["h", "s", "z"], ["q"]),
                               ("", "DequantizeLinear", ["q", "s", "z"], ["d"]), ("", "Mul", ["d", "s"], ["y"])],
         {"w": single(rng, 6, 6), "s": np.float32(0.05), "z": np.int8(0)}, [("y", ("N", 6))])
    np.savez(tmp_path / "d.npz", x=single(rng, 60, 6))
    converted(assay, tmp_path, set())


def test_the_block_list_takes_a_model_whose_output_has_no_shape(assay, tmp_path):
    """Nor can one be inferred: ONNX's checker refuses that, runtimes do not."""
    rng = np.random.default_rng(0)
    save(tmp_path / "m.onnx", [("", "MatMul", ["x", "w"], ["h"]), ("", "Squeeze", ["h"], ["y"])],
         {"w": single(rng, 6, 6)}, [("y", ("N", 6))])
    model = onnx.load(tmp_path / "m.onnx")
    model.graph.output[0].type.tensor_type.ClearField("shape")
    onnx.save(model, tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", x=single(rng, 20, 6))
    assay("repair", "m.onnx", "--data", "d.npz", "--decision", "argmax", "--candidate", "f16-storage", "--configs", "c")
    subprocess.run([sys.executable, "c/onnxconverter_block_list.py", "m.onnx", "half.onnx"], cwd=tmp_path, check=True)
    assert onnx.load(tmp_path / "half.onnx").graph.initializer[0].data_type == T.FLOAT16
