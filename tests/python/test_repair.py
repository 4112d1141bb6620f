"""The smallest set of operations in float32: found, checked on what was kept aside, written, run again."""
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import onnx
import onnxruntime
import planted
import pytest
from conftest import make_model
from onnx import TensorProto as T
from onnx import helper

COMMAND = ["repair", "m.onnx", "--data", "d.npz", "--decision", "argmax"]


def write(tmp_path, name):
    plant = next(p for p in planted.PLANTS if p.name == name)
    net = plant.build()
    onnx.save(net.model(), tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", **net.data())
    return plant


def nodes(result, indices):
    return [result["operations"][i]["node"] for i in indices]


def flips(assay, model, profile, reference="m.onnx@strict-f32"):
    """Samples that a program decides otherwise than the model in float32."""
    done = assay("audit", "m.onnx", "--data", "d.npz", "--decision", "argmax", "--reference", reference, "--candidate",
                 f"{model}@{profile}", "--json", "--fail-on", "none", code=0)
    verdict = done.result["candidates"][0]["verdict"]
    return verdict["flips"] + verdict["at_risk"]


@pytest.mark.parametrize("plant", planted.PLANTS, ids=lambda p: p.name)
def test_every_planted_fault_is_repaired(assay, tmp_path, plant):
    """The declared types of the written file alone say all: ONNX Runtime decides as in float32 too."""
    write(tmp_path, plant.name)
    result = assay(*COMMAND, "--candidate", plant.candidate, "-o", "fixed.onnx", "--json", code=0).result
    assert result["reached"] and result["minimal"]
    assert {"planted", *plant.also} & set(nodes(result, result["kept"]))
    assert len(result["kept"]) <= len(result["operations"]) / 2
    assert flips(assay, "m.onnx", plant.candidate) > 0
    assert flips(assay, "fixed.onnx", "strict-f32") == 0
    model = onnx.load(tmp_path / "fixed.onnx")
    onnx.checker.check_model(model, full_check=True)
    low = T.BFLOAT16 if plant.candidate.startswith("bf16") else T.FLOAT16
    types = {v.name: v.type.tensor_type.elem_type for v in onnx.shape_inference.infer_shapes(model).graph.value_info}
    for node in model.graph.node:
        if node.op_type == "Cast" or node.output[0] == "y" or node.output[0] not in types:
            continue
        if types[node.output[0]] in (T.FLOAT, T.FLOAT16, T.BFLOAT16):
            assert types[node.output[0]] in (low, T.FLOAT)
    assert model.graph.input[0].type.tensor_type.elem_type == T.FLOAT
    assert model.graph.output[0].type.tensor_type.elem_type == T.FLOAT
    if low == T.FLOAT16:
        x = np.load(tmp_path / "d.npz")["x"]
        want, got = (onnxruntime.InferenceSession(tmp_path / name).run(None, {"x": x})[0].argmax(1)
                     for name in ("m.onnx", "fixed.onnx"))
        assert np.array_equal(want, got)


def test_the_set_is_one_minimal(assay, tmp_path):
    """Without any one of its operations some sample flips."""
    write(tmp_path, "difference_of_squares")
    result = assay(*COMMAND, "--candidate", "f16-storage", "--hold-out", "0", "--json", code=0).result
    kept = nodes(result, result["kept"])
    assert len(kept) >= 2 and result["held_out"] == []

    def still(names):
        words = [word for name in names for word in ("--keep", name)]
        done = assay("audit", *COMMAND[1:], "--candidate", "f16-storage", *words, "--json")
        return len(done.result["candidates"][0]["flips"])

    assert still(kept) == 0
    assert all(still([n for n in kept if n != name]) > 0 for name in kept)


@pytest.mark.parametrize("plant", planted.PLANTS, ids=lambda p: p.name)
def test_every_planted_fault_is_repaired_for_core_ml(assay, tmp_path, plant):
    write(tmp_path, plant.name)
    result = assay(*COMMAND, "--candidate", "coreml-nn-gpu", "--variants", "primary", "-o", "fixed.mlpackage", "--json",
                   code=0).result
    assert result["reached"] and len(result["kept"]) <= len(result["operations"]) / 2
    done = assay("audit", "m.onnx", "--data", "d.npz", "--decision", "argmax", "--variants", "primary", "--candidate",
                 "fixed.mlpackage@coreml-mlprogram-f16-gpu", "--json", code=0)
    assert done.result["candidates"][0]["verdict"]["safe"] == 24


@pytest.mark.parametrize("candidate", ["coreml-nn-gpu", "CoreMLExecutionProvider:MLComputeUnits=CPUAndGPU"])
def test_a_core_ml_package_with_mixed_types(assay, tmp_path, candidate):
    write(tmp_path, "layer_norm_of_a_large_offset")
    done = assay(*COMMAND, "--candidate", candidate, "-o", "fixed.mlpackage", "--json", code=0)
    result = done.result
    assert result["searched_program"] == "coreml-mlprogram-f16-gpu" and result["files"][0]["meets"]
    assert "planted" in nodes(result, result["kept"]) and len(result["kept"]) < len(result["operations"])
    assert flips(assay, "fixed.mlpackage", "coreml-mlprogram-f16-gpu") == 0
    typed = next(fix for fix in result["free_fixes"] if fix["kind"] == "typed-format")
    assert typed["meets"]
    listing = assay("inspect", "fixed.mlpackage", "--full", code=0).out
    assert "float16" in listing and "float32" in listing


def test_free_fixes_are_tried(assay, tmp_path):
    write(tmp_path, "convolution_overflows")
    result = assay(*COMMAND, "--candidate", "coreml-nn-gpu", "--variants", "primary", "--json", code=0).result
    fixes = {fix["kind"]: fix for fix in result["free_fixes"]}
    assert fixes["typed-format"]["program"] == "coreml-mlprogram-f32-gpu" and fixes["typed-format"]["meets"]
    assert {f["program"] for f in result["free_fixes"] if f["kind"] == "compute-unit"} == {"coreml-nn-cpu",
                                                                                         "coreml-nn-ane"}
    rescaled = fixes["rescale"]
    assert "planted" in rescaled["what"] and rescaled["meets"]
    done = assay(*COMMAND, "--candidate", "coreml-nn-gpu", "--rescale", "-o", "fixed.mlpackage", "--json", code=0)
    assert done.result["kept"] == [] and "planted" in done.result["rescaled"][0]
    assert flips(assay, "fixed.mlpackage", "coreml-mlprogram-f16-gpu") == 0


def scores(assay, tmp_path, values, rule, *words, code=0):
    """A model that returns its input."""
    node = helper.make_node("Mul", ["x", "one"], ["y"], name="score")
    onnx.save(make_model([node], {"x": (T.FLOAT, ["N"])}, {"y": (T.FLOAT, ["N"])}, {"one": np.float32(1)}),
              tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", x=np.array(values, np.float32))
    return assay("repair", "m.onnx", "--data", "d.npz", "--decision", rule, "--candidate", "f16-storage", "--hold-out",
                 "0", *words, "--json", code=code).result


def test_a_shifted_threshold(assay, tmp_path):
    """0.4999 rounds to 0.5 in float16; between it and 0.50012 no score of the reference lies."""
    result = scores(assay, tmp_path, [0.1, 0.3, 0.4999, 0.502, 0.7, 0.9], "threshold:0.5")
    shift = next(fix for fix in result["free_fixes"] if fix["kind"] == "threshold")
    assert shift["meets"] and "everywhere" in shift["what"]
    at = float(shift["what"].split("threshold of ")[1].split(",")[0])
    assert 0.5 < at <= 0.502
    # Where all samples are on one side nobody knows where the other begins.
    result = scores(assay, tmp_path, [0.6, 0.7, 0.9], "threshold:0.5")
    assert not [fix for fix in result["free_fixes"] if fix["kind"] == "threshold"]
    # Where scores of both sides round to the same number, none separates them.
    result = scores(assay, tmp_path, [0.1, 0.49999, 0.50001, 0.9], "threshold:0.5")
    assert not [fix for fix in result["free_fixes"] if fix["kind"] == "threshold"]


def test_samples_are_kept_aside_from_both_sides(assay, tmp_path):
    write(tmp_path, "a_large_constant_absorbs")
    result = assay(*COMMAND, "--candidate", "f16-storage", "--hold-out", "0.4", "--json", code=0).result
    searched, held = (result["before"][part] for part in ("searched", "held_out"))
    assert len(result["held_out"]) == held["samples"] and searched["samples"] + held["samples"] == 24
    assert searched["flips"] > 0 and held["flips"] > 0
    assert 7 <= held["samples"] <= 11


def test_labels_count_what_is_right(assay, tmp_path):
    write(tmp_path, "a_large_constant_absorbs")
    x = np.load(tmp_path / "d.npz")["x"]
    np.save(tmp_path / "y.npy", onnxruntime.InferenceSession(tmp_path / "m.onnx").run(None, {"x": x})[0].argmax(1))
    words = [*COMMAND, "--labels", "y.npy", "--candidate", "f16-storage", "-o", "fixed.onnx"]
    result = assay(*words, "--json", code=0).result
    changed = sum(result["before"][part]["flips"] for part in ("searched", "held_out"))
    assert result["right"] == {"reference": 24, "before": 24 - changed} and result["files"][0]["right"] == 24
    assert "24 repaired" in assay(*words, code=0).out


def test_the_front_falls(assay, tmp_path):
    write(tmp_path, "difference_of_squares")
    result = assay(*COMMAND, "--candidate", "f16-storage", "--json", code=0).result
    costs = [point["cost"]["total"] for point in result["front"]]
    left = [point["searched"]["flips"] + point["held_out"]["flips"] for point in result["front"]]
    assert costs == sorted(set(costs)) and left == sorted(left, reverse=True) and len(set(left)) == len(left)
    assert costs[0] == 0 and left[-1] == 0 and costs[-1] <= result["cost_of_float32"]["total"]
    assert result["front"][-1]["cost"]["total"] <= result["cost"]["total"]


def test_goals(assay, tmp_path):
    write(tmp_path, "difference_of_squares")
    words = [*COMMAND, "--candidate", "f16-storage", "--hold-out", "0"]
    none = assay(*words, "--json", code=0).result
    some = assay(*words, "--goal", "max-flips:4", "--json", code=0).result
    assert some["searched"]["flips"] <= 4 and some["cost"]["total"] <= none["cost"]["total"]
    near = assay(*words, "--goal", "max-error:0.02", "-o", "near.onnx", "--json", code=0).result
    assert near["files"][0]["standing"]["max_error"] <= 0.02 < near["before"]["searched"]["max_error"]
    assay(*words, "--goal", "fewer", code=2)


def test_a_goal_that_is_not_reached_leaves_no_file(assay, tmp_path):
    """Float32 itself is too far from this reference."""
    result = scores(assay, tmp_path, [0.49999, 0.2], "threshold:0.5", "-o", "fixed.onnx")
    assert result["kept"] == [0] and (tmp_path / "fixed.onnx").exists()
    before = (tmp_path / "fixed.onnx").read_bytes()
    done = assay("repair", "m.onnx", "--data", "d.npz", "--decision", "threshold:0.5", "--candidate", "f16-storage",
                 "--reference", "bf16-storage", "--goal", "max-error:1e-9", "-o", "fixed.onnx", code=1)
    assert "not reached" in done.out
    assert (tmp_path / "fixed.onnx").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d.npz", "fixed.onnx", "m.onnx"]


def test_configurations_of_other_tools(assay, tmp_path):
    write(tmp_path, "gemm_overflows")
    result = assay(*COMMAND, "--candidate", "f16-storage", "--configs", "configs", "--json", code=0).result
    folder = tmp_path / "configs"
    kept = nodes(result, result["kept"])
    assert json.loads((folder / "onnxconverter_block_list.json").read_text())["node_block_list"] == kept
    json.loads((folder / "onnxruntime_options.json").read_text())
    flags = (folder / "tensorrt_layers.txt").read_text()
    assert all(f'"{name}":fp32' in flags for name in kept)
    for script in folder.glob("*.py"):
        compile(script.read_text(), script.name, "exec")
    space = {}
    exec((folder / "coremltools_op_selector.py").read_text(), space)  # our own file

    class Op:
        def __init__(self, name):
            self.name, self.outputs = name, []

    assert not space["op_selector"](Op(result["operations"][result["kept"][0]]["name"]))
    assert space["op_selector"](Op("another"))


def test_the_block_list_converts(assay, tmp_path):
    write(tmp_path, "gemm_overflows")
    assay(*COMMAND, "--candidate", "f16-storage", "--configs", "configs", code=0)
    subprocess.run([sys.executable, "configs/onnxconverter_block_list.py", "m.onnx", "half.onnx"], cwd=tmp_path,
                   check=True)
    assert flips(assay, "half.onnx", "strict-f32") == 0


def test_programs_without_16_bit_types_get_configurations_alone(assay, tmp_path):
    write(tmp_path, "a_large_constant_absorbs")
    done = assay(*COMMAND, "--candidate", "cuda-tf32-ampere", "-o", "fixed.onnx", code=2)
    assert "no types of such a file" in done.err
    assay(*COMMAND, "--candidate", "cuda-tf32-ampere", "--configs", "configs", "--variants", "primary", code=0)
    assert "A001" in assay(*COMMAND, "--candidate", "f16-storage", "-o", "fixed.mlmodel", code=2).err


def test_threads_change_nothing(assay, tmp_path):
    write(tmp_path, "difference_of_squares")
    words = [*COMMAND, "--candidate", "coreml-nn-gpu", "--json"]
    assert len({json.dumps(assay(*words, "--threads", n, code=0).result) for n in (1, 3)}) == 1


def test_a_search_that_is_killed_goes_on(assay, assay_path, tmp_path):
    """Whenever it is killed, what comes out at last is what an undisturbed search gives."""
    write(tmp_path, "long_sum_in_float16")
    words = [*COMMAND, "--candidate", "f16-throughout", "--json"]
    whole = assay(*words, code=0).result
    words += ["--checkpoint", "search.json"]
    for wait in (0.1, 0.15, 0.25):
        running = subprocess.Popen([assay_path, *words], cwd=tmp_path, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(wait)
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert assay(*words, code=0).result == whole
    saved = json.loads((tmp_path / "search.json").read_text())
    # What is known is not run again: an answer that is changed by hand changes the result.
    for known in saved["sets"]:
        known["same"] = [True] * len(known["same"])
    (tmp_path / "search.json").write_text(json.dumps(saved))
    assert assay(*words, code=0).result["kept"] == []
    x = np.load(tmp_path / "d.npz")["x"]
    np.savez(tmp_path / "d.npz", x=x + 1)
    assert "another search" in assay(*words, code=3).err
    (tmp_path / "search.json").write_text("{}")
    assert "no checkpoint" in assay(*words, code=3).err
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".assay")]


def test_a_budget_that_ends_early_is_told(assay, tmp_path):
    write(tmp_path, "difference_of_squares")
    result = assay(*COMMAND, "--candidate", "f16-storage", "--budget", "3", "--json", code=0).result
    assert not result["minimal"] and result["reached"] and result["sets"] == 3


@pytest.mark.parametrize("budget", [1, 2, 5, 2000])
def test_the_front_holds_no_better_answer(assay, tmp_path, budget):
    """What the budget has no room for is not tried for the front either."""
    write(tmp_path, "difference_of_squares")
    result = assay(*COMMAND, "--candidate", "f16-storage", "--budget", budget, "--json", code=0).result
    best = next(p for p in result["front"] if p["searched"]["flips"] + p["held_out"]["flips"] == 0)
    assert best["cost"]["total"] == min(result["cost"]["total"], result["cost_of_float32"]["total"])


def test_control_flow_and_casts_stay_in_float32(assay, tmp_path):
    """What no type of the file can lower is not lowered in the search."""
    def branch(name, factor):
        out = helper.make_tensor_value_info("b" + name, T.FLOAT, ["N", 4])
        nodes_ = [helper.make_node("Mul", ["h", "f" + name], ["b" + name])]
        weights = [onnx.numpy_helper.from_array(np.float32(factor), "f" + name)]
        return helper.make_graph(nodes_, name, [], [out], weights)

    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "large"], ["a"], name="add"),
         helper.make_node("Sub", ["a", "large"], ["h"], name="planted"),
         helper.make_node("If", ["c"], ["i"], name="if", then_branch=branch("t", 2), else_branch=branch("e", 3)),
         helper.make_node("Cast", ["i"], ["d"], name="cast", to=T.DOUBLE),
         helper.make_node("Cast", ["d"], ["y"], name="back", to=T.FLOAT)],
        "g", [helper.make_tensor_value_info("x", T.FLOAT, ["N", 4])],
        [helper.make_tensor_value_info("y", T.FLOAT, ["N", 4])],
        [onnx.numpy_helper.from_array(np.float32(3000), "large"), onnx.numpy_helper.from_array(np.array(True), "c")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", x=np.random.default_rng(1).normal(size=(16, 4)).astype(np.float32))
    result = assay(*COMMAND, "--candidate", "f16-storage", "-o", "fixed.onnx", "--json", code=0).result
    assert sorted(nodes(result, result["kept"])) == ["add", "planted"]
    assert flips(assay, "fixed.onnx", "strict-f32") == 0


def loop_model(tmp_path):
    """A loop whose body doubles a product; sums of large numbers flip in 16 bits."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["v", "v"], ["twice"], name="inner")],
        "body", [helper.make_tensor_value_info("i", T.INT64, []), helper.make_tensor_value_info("go", T.BOOL, []),
                 helper.make_tensor_value_info("v", T.FLOAT, ["N", 4])],
        [helper.make_tensor_value_info("on", T.BOOL, []), helper.make_tensor_value_info("twice", T.FLOAT, ["N", 4])])
    graph = helper.make_graph(
        [helper.make_node("Loop", ["n", "go", "x"], ["h"], name="loop", body=body),
         helper.make_node("MatMul", ["h", "w"], ["y"], name="product")], "g",
        [helper.make_tensor_value_info("x", T.FLOAT, ["N", 4])],
        [helper.make_tensor_value_info("y", T.FLOAT, ["N", 4])],
        [onnx.numpy_helper.from_array(np.int64(2), "n"), onnx.numpy_helper.from_array(np.array(True), "go"),
         onnx.numpy_helper.from_array(np.random.default_rng(3).normal(size=(4, 4)).astype(np.float32), "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", x=np.random.default_rng(4).normal(size=(60, 4)).astype(np.float32))


def test_beside_a_loop_operations_are_kept_and_blamed(assay, tmp_path):
    """What is in the loop runs where the loop does."""
    loop_model(tmp_path)
    words = ["audit", *COMMAND[1:], "--candidate", "bf16-storage", "--fail-on", "none", "--json"]
    kept = assay(*words, "--keep", "product", code=0).result["candidates"][0]
    assert kept["verdict"]["safe"] + len(kept["flips"]) + len(kept["at_risk"]) == 60
    assert assay(*words, "--blame", code=0).result["candidates"][0]["blame"] is not None


def test_what_is_in_float32_unasked_is_told(assay, tmp_path):
    loop_model(tmp_path)
    done = assay(*COMMAND, "--candidate", "bf16-storage", "--goal", "max-flips:60", "-o", "fixed.onnx", code=0)
    assert "no operation that can be chosen needs float32" in done.out
    assert "in float32 in any case" in done.out and "Loop loop" in done.out and "cost: " in done.out
    assert "ONNX Runtime's CPU" in done.out  # few of its operators take bfloat16
    # What is only moved through is never rounded: then all is in float32, which is said.
    onnx.save(make_model([helper.make_node("Identity", ["x"], ["y"], name="through")], {"x": (T.FLOAT, ["N"])},
                         {"y": (T.FLOAT, ["N"])}, {}), tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", x=np.array([0.49999, 0.2], np.float32))
    words = ["repair", "m.onnx", "--data", "d.npz", "--decision", "threshold:0.5", "--candidate", "f16-storage",
             "--hold-out", "0"]
    out = assay(*words, code=0).out
    assert "in float32 with what they move: Identity through" in out
    assert "Float32 throughout is the better choice" in out
    result = assay(*words, "--json", code=0).result
    assert result["float32_is_better"] and [op["node"] for op in result["carried_float32"]] == ["through"]


def test_bfloat16_is_noted_where_the_file_has_it(assay, tmp_path):
    """All in float32: any runtime loads the file."""
    scores(assay, tmp_path, [0.49999, 0.2], "threshold:0.5")
    words = ["repair", "m.onnx", "--data", "d.npz", "--decision", "threshold:0.5", "--candidate", "bf16-storage",
             "--hold-out", "0", "-o", "fixed.onnx", "--json"]
    result = assay(*words, code=0).result
    assert result["kept"] == [0] and result["files"][0]["note"] in (None, "")
    assert "Cast" not in [node.op_type for node in onnx.load(tmp_path / "fixed.onnx").graph.node]
    result = assay(*words, "--goal", "max-flips:2", code=0).result
    assert result["kept"] == [] and "bfloat16" in result["files"][0]["note"]


def test_configurations_that_keep_nothing(assay, tmp_path):
    write(tmp_path, "gemm_overflows")
    assay(*COMMAND, "--candidate", "f16-storage", "--goal", "max-flips:24", "--configs", "configs", code=0)
    for script, name in (("onnxconverter_block_list.py", "KEPT"), ("coremltools_op_selector.py", "KEPT")):
        line = next(li for li in (tmp_path / "configs" / script).read_text().splitlines() if li.startswith(name))
        assert line == "KEPT = set()"
    assert (tmp_path / "configs" / "tensorrt_layers.txt").read_text() == "--fp16\n"


def test_packages_that_declare_types(assay, tmp_path):
    """What a file declares is what Core ML computes in: nothing is lowered there; 16-bit types can be tried."""
    write(tmp_path, "layer_norm_of_a_large_offset")
    assay("convert", "m.onnx", "-o", "wide.mlpackage", code=0)
    words = ["repair", "wide.mlpackage", "--data", "d.npz", "--decision", "argmax", "-o", "fixed.mlpackage"]
    refused = assay(*words, "--candidate", "coreml-mlprogram-f16-gpu", code=2).err
    assert "declares the types that it computes in" in refused and "f16-storage" in refused
    result = assay(*words, "--candidate", "coreml-nn-gpu", "--json", code=0).result
    assert result["searched_program"] == "coreml-mlprogram-f16-gpu" and result["files"][0]["meets"] and result["kept"]


def test_errors_need_no_decision(assay, tmp_path):
    write(tmp_path, "difference_of_squares")
    words = ["repair", "m.onnx", "--data", "d.npz", "--candidate", "f16-storage", "--goal", "max-error:0.02", "--json"]
    assert assay(*words, code=0).result["reached"]
    assert "A001" in assay(*words[:-3], "--goal", "max-error:inf", code=2).err
    assert "--decision is missing" in assay(*words[:-3], code=2).err


def test_words_of_refusals(assay, tmp_path):
    write(tmp_path, "difference_of_squares")
    net = onnx.load(tmp_path / "m.onnx")
    net.graph.node.append(helper.make_node("Neg", ["y"], ["z"]))
    net.graph.output.append(helper.make_tensor_value_info("z", T.FLOAT, None))
    onnx.save(net, tmp_path / "two.onnx")
    assert "--decide-on NAME" in assay("repair", "two.onnx", *COMMAND[2:], "--candidate", "f16-storage", code=2).err
    for words in ([], ["--rescale"]):
        refused = assay(*COMMAND, "--candidate", "f16-storage", "--decide-on", "nope", *words, code=2).err
        assert "--decide-on" in refused and "--output" not in refused
    assay("run", "m.onnx", "--input", "d.npz", "--output", "r.npz", code=0)
    for words in (["-o", "f.onnx"], ["--rescale"], []):
        refused = assay(*COMMAND, "--candidate", "recorded:r.npz", *words, code=2).err
        assert "a recording or another runtime cannot be changed" in refused
    refused = assay(*COMMAND, "--candidate", "f16-storage", "--checkpoint", tmp_path, code=2).err
    assert "is a folder" in refused and "name a file" in refused
    refused = assay(*COMMAND, "--candidate", "f16-storage", "-o", "f.onnx", "--checkpoint", "./f.onnx", code=2).err
    assert "--output and --checkpoint would write the same file" in refused


def test_before_rescaling(assay, tmp_path):
    write(tmp_path, "convolution_overflows")
    words = [*COMMAND, "--candidate", "f16-storage", "--rescale"]
    result = assay(*words, "--json", code=0).result
    assert result["unrescaled"]["flips"] > 0 and result["unrescaled"]["samples"] == 24
    assert result["before"]["searched"]["flips"] + result["before"]["held_out"]["flips"] == 0
    assert "before that: " in assay(*words, code=0).out


def shifted(path, scale=1.0, seed=1):
    """A large number is added and taken away: digits are lost in 16 bits. `scale`: of the last weights."""
    rng = np.random.default_rng(seed)
    weights = {"w": rng.normal(size=(8, 8)), "large": np.array(2048), "v": rng.normal(size=(8, 4)) * scale}
    onnx.save(make_model([helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Add", ["h", "large"], ["a"]),
                          helper.make_node("Sub", ["a", "large"], ["s"]),
                          helper.make_node("MatMul", ["s", "v"], ["y"])], {"x": (T.FLOAT, ["N", 8])},
                         {"y": (T.FLOAT, ["N", 4])}, {n: a.astype(np.float32) for n, a in weights.items()}), path)


@pytest.mark.parametrize("output", ["fixed.onnx", "fixed.mlpackage"])
@pytest.mark.parametrize("candidate", ["f16-storage", "coreml-nn-gpu"])
def test_the_candidate_s_own_file_is_repaired(assay, tmp_path, output, candidate):
    """Not MODEL, which decides alike and has other weights."""
    shifted(tmp_path / "m.onnx")
    shifted(tmp_path / "other.onnx", 10)
    x = np.random.default_rng(2).normal(size=(40, 8)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x=x)
    result = assay(*COMMAND, "--candidate", f"other.onnx@{candidate}", "-o", output, "--json", code=0).result
    assert result["reached"] and result["kept"]
    assay("run", output, "--input", "d.npz", "--output", "y.npz", code=0)
    want = onnxruntime.InferenceSession(tmp_path / "other.onnx").run(None, {"x": x})[0]
    assert np.abs(np.load(tmp_path / "y.npz")["y"] - want).max() < .02 * np.abs(want).max()


def test_a_candidate_with_other_operations_is_written_as_a_package(assay, tmp_path):
    shifted(tmp_path / "m.onnx")
    shifted(tmp_path / "other.onnx")
    net = onnx.load(tmp_path / "other.onnx")
    net.graph.node[-1].output[0] = "z"
    net.graph.node.append(helper.make_node("Relu", ["z"], ["y"]))
    onnx.save(net, tmp_path / "other.onnx")
    np.savez(tmp_path / "d.npz", x=np.random.default_rng(2).normal(size=(40, 8)).astype(np.float32))
    words = ["--reference", "other.onnx@strict-f32", "--candidate", "other.onnx@f16-storage"]
    assert assay(*COMMAND, *words, "-o", "fixed.mlpackage", "--json", code=0).result["reached"]


@pytest.mark.parametrize("reference", ["f16-storage", "coreml-nn-gpu"])
def test_what_holds_as_it_is_is_written(assay, tmp_path, reference):
    """Float32 throughout decides otherwise than a reference in 16 bits."""
    shifted(tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", x=np.random.default_rng(2).normal(size=(48, 8)).astype(np.float32))
    words = [*COMMAND, "--candidate", "f16-storage", "--reference", reference, "--variants", "primary"]
    as_f32 = assay("audit", *COMMAND[1:], "--candidate", "strict-f32", *words[-4:], "--fail-on", "none", "--json",
                   code=0).result["candidates"][0]
    assert len(as_f32["flips"]) > 0
    for more in ([], ["--budget", "1"], ["-o", "fixed.onnx"]):
        result = assay(*words, *more, "--json", code=0).result
        assert result["reached"] and result["found"] and result["minimal"] and result["kept"] == []
        assert [point["kept"] for point in result["front"]] == [[]]
    assert flips(assay, "fixed.onnx", "strict-f32", reference) == 0
    assert "no operation needs float32" in assay(*words, code=0).out


def test_what_holds_on_all_samples_holds(assay, tmp_path):
    """Though more flip among those searched than is their share."""
    shifted(tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", x=np.random.default_rng(2).normal(size=(48, 8)).astype(np.float32))
    words = [*COMMAND, "--candidate", "f16-storage", "--hold-out", "0.5", "--json"]
    before = assay(*words, code=0).result["before"]
    count = before["searched"]["flips"] + before["held_out"]["flips"]
    assert before["searched"]["flips"] > count // 2
    result = assay(*words, "--goal", f"max-flips:{count}", code=0).result
    assert result["kept"] == [] and result["minimal"] and result["sets"] == 1


def test_no_threshold_is_shifted_where_nothing_flips(assay, tmp_path):
    result = scores(assay, tmp_path, [0.1, 0.3, 0.7, 0.9], "threshold:0.5")
    assert result["before"]["searched"]["flips"] == 0
    assert not [fix for fix in result["free_fixes"] if fix["kind"] == "threshold"]


def test_configurations_of_a_rescaled_model(assay, tmp_path):
    """They are for that model, which stands beside them."""
    write(tmp_path, "convolution_overflows")
    words = [*COMMAND, "--candidate", "f16-storage", "--configs", "configs"]
    done = assay(*words, "--rescale", code=0)
    assert "the configurations are for configs/rescaled.onnx" in done.out
    onnx.checker.check_model(onnx.load(tmp_path / "configs" / "rescaled.onnx"), full_check=True)
    assert [flips(assay, "configs/rescaled.onnx", profile) for profile in ("strict-f32", "f16-storage")] == [0, 0]
    script = tmp_path / "configs" / "onnxconverter_block_list.py"
    assert script.read_text().startswith("# For rescaled.onnx")
    left = {}
    for model in ("m.onnx", "configs/rescaled.onnx"):
        subprocess.run([sys.executable, script, model, "half.onnx"], cwd=tmp_path, check=True)
        left[model] = flips(assay, "half.onnx", "strict-f32")
    assert left["m.onnx"] > 0 and left["configs/rescaled.onnx"] == 0
    (tmp_path / "configs" / "rescaled.onnx").unlink()
    assert "configurations are for" not in assay(*words, code=0).out
    assert "rescaled" not in script.read_text() and not (tmp_path / "configs" / "rescaled.onnx").exists()


def overflowing(tmp_path, x, last=(1e-3, 2e-3, -1e-3)):
    """Samples with a first element of 66 or more overflow float16, and are infinite in two classes."""
    rng = np.random.default_rng(0)
    weights = {"w": np.eye(4) * 1000 + rng.normal(size=(4, 4)), "v": rng.normal(size=(4, 3)) * 1e-3}
    weights["v"][0] = last
    onnx.save(make_model([helper.make_node("MatMul", ["x", "w"], ["h"], name="big"),
                          helper.make_node("Relu", ["h"], ["a"]), helper.make_node("MatMul", ["a", "v"], ["y"])],
                         {"x": (T.FLOAT, ["N", 4])}, {"y": (T.FLOAT, ["N", 3])},
                         {n: a.astype(np.float32) for n, a in weights.items()}), tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", x=x.astype(np.float32))


def test_every_searched_sample_is_looked_at_for_rescaling(assay, tmp_path):
    x = np.random.default_rng(1).normal(size=(300, 4))
    x[299] = [100, 1, 1, 1]
    overflowing(tmp_path, x)
    words = [*COMMAND, "--candidate", "f16-storage", "--json"]
    assert any(fix["kind"] == "rescale" and fix["meets"] for fix in assay(*words, code=0).result["free_fixes"])
    result = assay(*words, "--rescale", code=0).result
    assert "big" in result["rescaled"][0] and result["kept"] == [] and result["unrescaled"]["flips"] == 1


def test_nothing_to_rescale(assay, tmp_path):
    """Sample 3 is beyond the range, flips nothing, and is kept aside."""
    x = np.random.default_rng(1).normal(size=(8, 4))
    x[3] = [80, 0, 0, 0]
    overflowing(tmp_path, x, [2e-3, 1e-3, -1e-3])
    words = [*COMMAND, "--candidate", "f16-storage", "--rescale"]
    refused = assay(*words, code=2).err
    assert "on the samples that are searched no layer is beyond the range" in refused and "--hold-out 0" in refused
    assert assay(*words, "--hold-out", "0", "--json", code=0).result["rescaled"]


def test_factors_are_not_chosen_by_what_is_kept_aside(assay, tmp_path):
    x = np.random.default_rng(1).normal(size=(16, 4))
    x[::4, 0] = 80
    overflowing(tmp_path, x)
    words = [*COMMAND, "--candidate", "f16-storage", "--rescale", "--json"]
    near = assay(*words, code=0).result
    aside = [s for s in near["held_out"] if s % 4 == 0]
    assert aside and near["unrescaled"]["flips"] == 4
    x[aside, 0] = 16000
    overflowing(tmp_path, x)
    far = assay(*words, code=0).result
    assert far["rescaled"] == near["rescaled"] and far["held_out"] == near["held_out"]
    assert far["before"]["held_out"]["flips"] == len(aside) and far["moved"] == aside and far["kept"]


@pytest.mark.parametrize("words", [["--reference", "ort:CPUExecutionProvider"], ["--reference", "recorded:r.npz"],
                                   ["--reference", "f16-throughout", "--goal", "max-flips:4"],
                                   ["--reference", "m.onnx@strict-f32", "--candidate", "copy.onnx@f16-storage"]])
def test_rescaling_under_any_reference(assay, monkeypatch, tmp_path, words):
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)  # holds ONNX Runtime
    x = np.random.default_rng(1).normal(size=(16, 4))
    x[::4, 0] = 80
    overflowing(tmp_path, x)
    (tmp_path / "copy.onnx").write_bytes((tmp_path / "m.onnx").read_bytes())
    assay("run", "m.onnx", "--input", "d.npz", "--output", "r.npz", code=0)
    words = [*COMMAND, *(["--candidate", "f16-storage"] if "--candidate" not in words else []), *words, "--json"]
    assert any(fix["kind"] == "rescale" for fix in assay(*words, code=0).result["free_fixes"])
    result = assay(*words, "--rescale", code=0).result
    assert "big" in result["rescaled"][0] and result["reached"] and result["kept"] == []
    assert result["model"] == assay(*words, code=0).result["model"]
