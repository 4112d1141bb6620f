"""What is to blame for a changed decision: alone, together, and as the sum of parts."""
import json
import subprocess
import time

import numpy as np
import onnx
import planted
import pytest
from conftest import make_model
from onnx import TensorProto as T
from onnx import helper


def write(tmp_path, name):
    """The planted network of this name and its data."""
    plant = next(p for p in planted.PLANTS if p.name == name)
    net = plant.build()
    onnx.save(net.model(), tmp_path / "m.onnx")
    data = net.data()
    np.savez(tmp_path / "d.npz", **data)
    return plant, data


def audit(assay, *words, data="d.npz", candidate="f16-storage", code=1):
    done = assay("audit", "m.onnx", "--data", data, "--decision", "argmax", "--candidate", candidate, *words, "--json",
                 code=code)
    return done.result["candidates"][0]["blame"], done.out


def nodes(blame, indices):
    return [blame["operations"][i]["node"] for i in indices]


def kept(assay, *names, candidate="f16-storage"):
    """Samples that still flip with operations kept in float32."""
    words = [word for name in names for word in ("--keep", name)]
    done = assay("audit", "m.onnx", "--data", "d.npz", "--decision", "argmax", "--candidate", candidate, *words,
                 "--json")
    return {case["sample"] for case in done.result["candidates"][0]["flips"]}


def test_what_undoes_a_flip_does_so_when_it_is_kept(assay, tmp_path):
    write(tmp_path, "batch_norm_of_a_tiny_variance")
    blame, _ = audit(assay, "--blame")
    assert blame["samples"]
    for sample in blame["samples"]:
        for name in nodes(blame, sample["undo"]):
            assert sample["sample"] not in kept(assay, name)


def test_a_smallest_set_undoes_the_flip_and_none_of_its_parts_does(assay, tmp_path):
    write(tmp_path, "difference_of_squares")
    blame, _ = audit(assay, "--blame", "--blame-samples", "4")
    sets = [(s["sample"], nodes(blame, s["smallest"])) for s in blame["samples"] if not s["undo"]]
    assert sets and all(len(names) >= 2 for _, names in sets)
    for sample, names in sets:
        assert sample not in kept(assay, *names)
        for left_out in names:
            rest = [name for name in names if name != left_out]
            assert sample in kept(assay, *rest)


def test_an_operation_behind_the_guilty_one_is_not_guilty(assay, tmp_path):
    write(tmp_path, "gemm_overflows")
    blame, _ = audit(assay, "--blame", "--blame-samples", "3")
    assert [blame["operations"][r["op"]]["node"] for r in blame["ranking"]] == ["planted"]
    for sample in blame["samples"]:
        assert nodes(blame, sample["origins"]) == ["planted"]
        assert "mul_6" in nodes(blame, sample["tainted"])  # it gets an infinity


def test_parts_add_up_to_the_whole(assay, tmp_path):
    _, data = write(tmp_path, "division_by_a_tiny_epsilon")
    words = ["--blame", "--blame-samples", "5"]
    _, whole = audit(assay, *words)
    parts = []
    for first, end in ((0, 3), (3, 11), (11, 24)):
        np.savez(tmp_path / "part.npz", x=data["x"][first:end])
        _, text = audit(assay, *words, "--first-sample", first, data="part.npz")
        (tmp_path / f"{first}.json").write_text(text)
        parts.append(tmp_path / f"{first}.json")
    for order in (parts, parts[::-1]):
        merged = assay("merge", *order, "--json", code=1).out
        assert json.loads(merged)["result"] == json.loads(whole)["result"]
    blame = json.loads(whole)["result"]["candidates"][0]["blame"]
    assert len(blame["samples"]) == 5 and blame["skipped"] == 19
    np.savez(tmp_path / "part.npz", x=data["x"][:3])
    _, other = audit(assay, "--blame", "--blame-samples", "6", data="part.npz")
    (tmp_path / "other.json").write_text(other)
    assert "--blame-samples" in assay("merge", tmp_path / "other.json", parts[1], code=3).err


def test_a_search_that_is_killed_goes_on(assay, assay_path, tmp_path):
    write(tmp_path, "long_sum_in_float16")
    whole, _ = audit(assay, "--blame", candidate="f16-throughout")
    words = [assay_path, "audit", "m.onnx", "--data", "d.npz", "--decision", "argmax", "--candidate", "f16-throughout",
             "--blame", "--checkpoint", "part"]
    for wait in (0.1, 0.2):
        running = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(wait)
        running.kill()
        running.wait()
    again, _ = audit(assay, "--blame", "--checkpoint", "part", candidate="f16-throughout")
    assert again == whole
    known = json.loads((tmp_path / "part.blame0").read_text())
    for one in known["sets"]:
        one["same"] = [False] * len(one["same"])
    (tmp_path / "part.blame0").write_text(json.dumps(known))
    again, _ = audit(assay, "--blame", "--checkpoint", "part", candidate="f16-throughout")
    assert all(s["undo"] == [] for s in again["samples"])  # it is not run again


def test_threads_change_nothing(assay, tmp_path):
    write(tmp_path, "difference_of_squares")
    texts = {json.dumps(audit(assay, "--blame", "--threads", n)[0]) for n in (1, 2, 5)}
    assert len(texts) == 1


def test_a_budget_ends_the_search_and_it_is_said(assay, tmp_path):
    write(tmp_path, "difference_of_squares")
    blame, _ = audit(assay, "--blame", "--blame-runs", "6")
    assert all(not s["complete"] and s["runs"] == 6 for s in blame["samples"])
    done = assay("audit", "m.onnx", "--data", "d.npz", "--decision", "argmax", "--candidate", "f16-storage", "--blame",
                 "--blame-runs", "6", code=1)
    assert "the 6 runs for one sample did not suffice" in done.out
    blame, _ = audit(assay, "--blame", "--blame-runs", "0")
    assert not blame["ranking"] or all(r["undoes"] + r["causes"] == 0 for r in blame["ranking"])


def test_large_models_are_searched_by_halves(assay, tmp_path):
    """With fewer runs than operations the one that undoes the flips alone is found all the same."""
    rng = np.random.default_rng(7)
    nodes_, weights, h = [], {}, "x"
    for i in range(120):
        kind = "Add" if i % 2 else "Mul"
        weights[f"w{i}"] = np.float32(rng.uniform(-0.01, 0.01) if i % 2 else rng.uniform(0.99, 1.01))
        nodes_.append(helper.make_node(kind, [h, f"w{i}"], [f"v{i}"], name=f"{kind}_{i}"))
        h = f"v{i}"
        if i == 77:
            scale, var = np.ones(4, np.float32), np.full(4, 2e-8, np.float32)
            weights |= {"s": scale, "z": 0 * scale, "var": var}
            nodes_ += [helper.make_node("Mul", [h, "tiny"], ["small"], name="small"),
                       helper.make_node("BatchNormalization", ["small", "s", "z", "z", "var"], ["norm"], name="planted",
                                        epsilon=1e-12)]
            weights["tiny"], h = np.float32(2.0**-13), "norm"
    nodes_.append(helper.make_node("Sub", [h, "level"], ["y"], name="out"))
    weights["level"] = np.float32(1)
    onnx.save(make_model(nodes_, {"x": (T.FLOAT, ["N", 4])}, {"y": (T.FLOAT, ["N", 4])}, weights), tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", x=rng.normal(size=(6, 4)).astype(np.float32))
    done = assay("audit", "m.onnx", "--data", "d.npz", "--decision", "threshold:0", "--score", "index(y, 0)",
                 "--candidate", "f16-storage", "--blame", "--blame-runs", "100", "--json", code=1)
    blame = done.result["candidates"][0]["blame"]
    assert len(blame["operations"]) > 100
    assert blame["samples"] and all(nodes(blame, s["undo"]) == ["planted"] for s in blame["samples"])


def test_flips_come_before_samples_at_risk(assay, tmp_path):
    """Samples at risk are searched under the variant that decides otherwise."""
    rng = np.random.default_rng(3)
    w = rng.normal(size=(64, 2)).astype(np.float32)
    onnx.save(make_model([helper.make_node("MatMul", ["x", "w"], ["y"], name="product")], {"x": (T.FLOAT, ["N", 64])},
                         {"y": (T.FLOAT, ["N", 2])}, {"w": w}), tmp_path / "m.onnx")
    x = rng.standard_normal((100000, 64), np.float32)
    margin = np.abs((x @ w)[:, 0] - (x @ w)[:, 1])
    np.savez(tmp_path / "d.npz", x=x[np.argsort(margin)[:64]])
    done = assay("audit", "m.onnx", "--data", "d.npz", "--decision", "argmax", "--candidate", "coreml-nn-gpu",
                 "--blame", "--json", code=1)
    candidate = done.result["candidates"][0]
    blame = candidate["blame"]
    flips = [case["sample"] for case in candidate["flips"]]
    assert flips and blame["samples"]
    if len(flips) >= 16:
        assert [s["sample"] for s in blame["samples"]] == flips[:16]
    for sample in blame["samples"]:
        cases = candidate["flips"] if sample["verdict"] == "flips" else candidate["at_risk"]
        case = next(c for c in cases if c["sample"] == sample["sample"])
        assert sample["variant"] == case["variants"][0]
        assert nodes(blame, sample["undo"]) == ["product"]


def test_blame_needs_a_model(assay, tmp_path):
    write(tmp_path, "gemm_overflows")
    assay("run", "m.onnx", "--input", "d.npz", "--profile", "f16-storage", "--output", "out.npz", code=0)
    words = ["audit", "m.onnx", "--data", "d.npz", "--decision", "argmax", "--candidate", "recorded:out.npz", "--blame"]
    assert "the engine does not run it" in assay(*words, code=2).err
    assert "--blame" in assay(*words[:-1], "--blame-runs", "5", code=2).err


@pytest.mark.parametrize("field, value", [("smallest", [99]), ("undo", [1, 0]), ("verdict", "fine")])
def test_a_changed_result_is_refused(assay, tmp_path, field, value):
    write(tmp_path, "gemm_overflows")
    _, text = audit(assay, "--blame", "--blame-samples", "1")
    saved = json.loads(text)
    saved["result"]["candidates"][0]["blame"]["samples"][0][field] = value
    (tmp_path / "bad.json").write_text(json.dumps(saved))
    assert "blame" in assay("merge", "bad.json", code=3).err


def test_what_only_passes_an_error_on_does_not_go_wrong_first(assay, tmp_path):
    """A Relu leaves out the large numbers beside which the error was small: it is the subtraction's all the same."""
    rng = np.random.default_rng(3)
    big = np.float32([2000] * 8 + [-2000] * 8)
    steps = (("MatMul", "x w", "a", "m1"), ("Add", "a big", "b", "add"), ("Sub", "b level", "s", "sub"),
             ("Relu", "s", "d", "relu"), ("MatMul", "d v", "y", "m2"))
    nodes_ = [helper.make_node(kind, reads.split(), [writes], name=name) for kind, reads, writes, name in steps]
    weights = {"w": rng.normal(size=(16, 16)).astype(np.float32), "big": big, "level": np.full(16, 2000, np.float32),
               "v": rng.normal(size=(16, 4)).astype(np.float32)}
    onnx.save(make_model(nodes_, {"x": (T.FLOAT, ["N", 16])}, {"y": (T.FLOAT, ["N", 4])}, weights), tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", x=rng.normal(size=(40, 16)).astype(np.float32))
    blame, _ = audit(assay, "--blame")
    assert blame["samples"]
    first = {name for s in blame["samples"] for name in nodes(blame, s["origins"])}
    assert first == {"sub"}
    assert blame["operations"][blame["ranking"][0]["op"]]["node"] == "sub"


def test_a_recording_beside_others_is_left_out_and_named(assay, tmp_path):
    write(tmp_path, "gemm_overflows")
    assay("run", "m.onnx", "--input", "d.npz", "--profile", "f16-storage", "--output", "out.npz", code=0)
    done = assay("audit", "m.onnx", "--data", "d.npz", "--decision", "argmax", "--candidate", "recorded:out.npz",
                 "--candidate", "f16-storage", "--blame", "--blame-samples", "2", "--json", code=1)
    recorded, lowered = done.result["candidates"]
    assert "blame" not in recorded and len(lowered["blame"]["samples"]) == 2
    assert "warning A216: this candidate is left out of the search for blame" in done.err
    assert "at:  recorded:out.npz" in done.err


def test_nothing_to_blame_and_nothing_to_search_are_said(assay, tmp_path):
    write(tmp_path, "gemm_overflows")
    words = ["audit", "m.onnx", "--data", "d.npz", "--decision", "argmax", "--candidate", "strict-f32", "--blame"]
    assert "strict-f32: no decision changes, so there is nothing to blame" in assay(*words, code=0).out
    assert "--blame-samples 0" in assay(*words, "--blame-samples", "0", code=2).err
