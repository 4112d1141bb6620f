"""Margins in units of errors, flips to expect, and proofs that decisions cannot flip."""
import json
from math import comb

import numpy as np
import pytest
from onnx import TensorProto, helper

F32 = TensorProto.FLOAT


@pytest.fixture
def same(save_model):
    """A model that returns its input: under f16-storage what it stores is rounded, and nothing else."""
    return save_model("same.onnx", [helper.make_node("Identity", ["x"], ["y"])], {"x": (F32, ["N", 1])},
                      {"y": (F32, ["N", 1])})


@pytest.fixture
def forecast(assay, tmp_path):
    def run(model, x, *words, rule="threshold:0.5", candidate="f16-storage"):
        np.savez(tmp_path / "data.npz", x=np.asarray(x, np.float32))
        done = assay("audit", model, "--data", tmp_path / "data.npz", "--decision", rule, "--candidate", candidate,
                     "--json", *words)
        assert done.code < 2, done.err
        return done.result["candidates"][0]["forecast"]

    return run


def test_margins_are_counted_in_the_errors_of_their_samples(same, forecast):
    # float16 has steps of 2^-11 above 0.5: each of these is off by a quarter of a step, and away by 0.75, 3.25, 100.25.
    step = 2.0**-11
    x = 0.5 + np.array([[0.75], [3.25], [100.25], [4]]) * step
    found = forecast(same, x)
    assert found["margin_in_errors"] == [[1, 1], [3, 1], [8, 1]]  # 3, 13 and 401 errors
    assert found["error_ulp"] == [[-2, 3]]
    assert (found["samples"], found["unchanged"], found["flips"], found["undefined"]) == (4, 1, 0, 0)


def upper(flips, samples, tail=0.025):
    """The share at which so few flips or fewer are seen with the probability of the tail."""
    low, high = 0.0, 1.0
    for _ in range(100):
        p = (low + high) / 2
        seen = sum(comb(samples, k) * p**k * (1 - p) ** (samples - k) for k in range(flips + 1))
        low, high = (p, high) if seen > tail else (low, p)
    return low


def test_the_interval_is_clopper_pearsons(same, forecast):
    near, far = 0.49995, 0.7
    for flips, samples in ((0, 20), (1, 20), (7, 50), (50, 50)):
        expected = forecast(same, [[near]] * flips + [[far]] * (samples - flips), "--expect", "1000")["expected"]
        assert expected["samples"] == 1000
        high = 1 if flips == samples else upper(flips, samples)
        low = 0 if flips == 0 else 1 - upper(samples - flips, samples)
        assert expected["high"] == pytest.approx(1000 * high, rel=1e-4)
        assert expected["low"] == pytest.approx(1000 * low, rel=1e-4)
        assert expected["low"] <= expected["flips"] <= expected["high"]


def test_the_interval_holds_the_flips_of_other_data(same, forecast):
    """Scores drawn alike: nineteen of twenty intervals hold the true share of flips, and the estimate is near it."""
    rng = np.random.default_rng(8)
    truth = np.mean(np.abs(rng.normal(0.5, 0.003, 2_000_000).astype(np.float32) - 0.4999390) < 0.000061)
    hits, estimates = 0, []
    for _ in range(12):
        expected = forecast(same, rng.normal(0.5, 0.003, (300, 1)), "--expect", "10000")["expected"]
        hits += expected["low"] <= truth * 10000 <= expected["high"]
        estimates.append(expected["flips"])
    assert hits >= 10
    assert np.mean(estimates) == pytest.approx(truth * 10000, rel=0.4)


def test_without_flips_the_estimate_is_no_zero(same, forecast):
    x = np.linspace(0.501, 0.52, 200)[:, None]
    expected = forecast(same, x)["expected"]
    assert expected["samples"] == 200
    assert forecast(same, x)["flips"] == 0
    assert expected["low"] == 0
    assert 0 <= expected["flips"] < 1


@pytest.fixture
def perceptron(save_model):
    rng = np.random.default_rng(2)
    weights = {"w": rng.normal(size=(16, 24)).astype(np.float32) / 4,
               "v": rng.normal(size=(24, 5)).astype(np.float32) / 5}
    nodes = [helper.make_node("MatMul", ["x", "w"], ["a"]), helper.make_node("Relu", ["a"], ["b"]),
             helper.make_node("MatMul", ["b", "v"], ["y"])]
    return save_model("p.onnx", nodes, {"x": (F32, ["N", 16])}, {"y": (F32, ["N", 5])}, weights)


@pytest.mark.parametrize("rule", ["argmax", "topk:2", "ranking", "multilabel:0", "tolerance:abs=0.05"])
@pytest.mark.parametrize("candidate", ["f16-storage", "bf16-storage", "coreml-nn-ane", "cpu-f32", "cuda-tf32-ampere"])
def test_what_is_proved_does_not_flip(perceptron, assay, tmp_path, rule, candidate):
    x = np.random.default_rng(4).normal(size=(400, 16)).astype(np.float32)
    np.savez(tmp_path / "data.npz", x=x)
    done = assay("audit", perceptron, "--data", tmp_path / "data.npz", "--decision", rule, "--candidate", candidate,
                 "--proof", "--json")
    found = done.result["candidates"][0]
    proof = found["forecast"]["proof"]
    assert proof["proved"] + proof["unproved"] + proof["unbounded"] == 400
    assert (proof["unbounded"], proof["stops"]) == (0, [])
    assert proof["proved"] <= found["verdict"]["safe"]
    if candidate in ("f16-storage", "cpu-f32", "cuda-tf32-ampere"):
        assert proof["proved"] > 200, "most safe decisions should be proved"
    assert "cannot flip" in assay("audit", perceptron, "--data", tmp_path / "data.npz", "--decision", rule,
                                 "--candidate", candidate, "--proof").out


@pytest.mark.parametrize("score", ["softmax(y)", "sigmoid(y)"])
@pytest.mark.parametrize("rule", ["argmax", "multilabel:0.3", "topk:2"])
def test_scores_of_shares_have_proofs(perceptron, assay, tmp_path, rule, score):
    x = np.random.default_rng(7).normal(size=(300, 16)).astype(np.float32)
    np.savez(tmp_path / "data.npz", x=x)
    found = assay("audit", perceptron, "--data", tmp_path / "data.npz", "--decision", rule, "--score", score,
                  "--candidate", "f16-storage", "--proof", "--json").result["candidates"][0]
    proof = found["forecast"]["proof"]
    assert (proof["unbounded"], proof["stops"]) == (0, [])
    assert 200 < proof["proved"] <= found["verdict"]["safe"]


def test_a_score_without_bounds_has_no_proof(perceptron, assay, tmp_path):
    np.savez(tmp_path / "data.npz", x=np.zeros((3, 16), np.float32))
    proof = assay("audit", perceptron, "--data", tmp_path / "data.npz", "--decision", "boxes:iou=0.5,score=0.5",
                  "--score", "detections(columns(y, 0, 4), columns(y, 4, 5))", "--candidate", "f16-storage",
                  "--proof", "--json").result["candidates"][0]["forecast"]["proof"]
    assert (proof["unbounded"], proof["stops"][0]["operation"]) == (3, "the score")


def test_what_two_scores_share_moves_them_together(save_model, assay, tmp_path):
    """Two classes with the same weights and another bias: their scores are far less than their radii apart, and yet
    no rounding of what they are computed from turns them round."""
    w = np.random.default_rng(9).normal(size=(64, 1)).astype(np.float32)
    nodes = [helper.make_node("Gemm", ["x", "w", "b"], ["y"])]
    model = save_model("twins.onnx", nodes, {"x": (F32, ["N", 64])}, {"y": (F32, ["N", 2])},
                       {"w": np.repeat(w, 2, axis=1), "b": np.float32([0, 1e-2])})
    np.savez(tmp_path / "data.npz", x=np.random.default_rng(1).normal(size=(50, 64)).astype(np.float32))
    words = ["audit", model, "--data", tmp_path / "data.npz", "--proof", "--candidate", "cuda-tf32-ampere", "--json"]
    proof = assay(*words, "--decision", "argmax").result["candidates"][0]["forecast"]["proof"]
    assert (proof["proved"], proof["unproved"]) == (50, 0)
    assert max(e for e, _ in proof["margin_in_bounds"]) < 0, "the radii are larger than the lead"


def test_a_proof_covers_all_that_a_policy_allows(perceptron, assay, tmp_path):
    """Every other profile whose roundings are finer than bfloat16's stays within what bfloat16 is proved for."""
    x = np.random.default_rng(5).normal(size=(2000, 16)).astype(np.float32)
    np.savez(tmp_path / "data.npz", x=x)
    words = ["audit", perceptron, "--data", tmp_path / "data.npz", "--decision", "argmax", "--json", "--proof",
             "--candidate", "bf16-storage", "--candidate", "f16-storage", "--candidate", "strict-f32"]
    proofs = [c["forecast"]["proof"]["proved"] for c in assay(*words).result["candidates"]]
    assert proofs == sorted(proofs)
    assert proofs[0] < proofs[1]


def test_the_articles_model(root, assay):
    """The one input of the article's layer: the largest output leads by far more than float16 can move it."""
    example = root / "examples/article"
    found = assay("audit", example / "mlp.onnx", "--data", example / "input.npz", "--decision", "argmax", "--proof",
                  "--candidate", "coreml-nn-gpu", "--json", code=0).result["candidates"][0]
    assert found["forecast"]["proof"]["proved"] == 1


def test_a_proof_stops_visibly(save_model, assay, tmp_path):
    nodes = [helper.make_node("Relu", ["x"], ["a"]),
             helper.make_node("LpNormalization", ["a"], ["n"], name="norm", axis=1),
             helper.make_node("Neg", ["n"], ["y"])]
    model = save_model("m.onnx", nodes, {"x": (F32, ["N", 4])}, {"y": (F32, ["N", 4])})
    np.savez(tmp_path / "data.npz", x=np.eye(4, dtype=np.float32) + 0.1)
    words = ["audit", model, "--data", tmp_path / "data.npz", "--decision", "argmax", "--candidate", "f16-storage"]
    proof = assay(*words, "--proof", "--json").result["candidates"][0]["forecast"]["proof"]
    assert (proof["proved"], proof["unbounded"]) == (0, 4)
    assert len(proof["stops"]) == 1
    assert "norm" in proof["stops"][0]["operation"]
    assert proof["stops"][0]["why"] == "it has no sound rule"
    assert "no bound beyond" in assay(*words, "--proof").out
    assert assay(*words, "--json").result["candidates"][0]["forecast"]["proof"] is None


def test_where_bounds_are_lost_is_told(save_model, assay, tmp_path):
    """exp(20) is beyond float16; 1 / x has no bound where x may be 0."""
    nodes = [helper.make_node("Exp", ["x"], ["e"], name="grows"), helper.make_node("Add", ["x", "x"], ["d"]),
             helper.make_node("Sub", ["d", "x"], ["s"]), helper.make_node("Reciprocal", ["s"], ["r"], name="inverse"),
             helper.make_node("Add", ["e", "r"], ["y"])]
    model = save_model("m.onnx", nodes, {"x": (F32, ["N", 2])}, {"y": (F32, ["N", 2])})
    x = np.float32([[1, 2], [3, 4], [20, 1], [1, 1e-8], [2, 20]])
    words = ["audit", model, "--decision", "argmax", "--candidate", "f16-storage", "--proof", "--fail-on", "none"]

    def run(first, data):
        np.savez(tmp_path / f"{first}.npz", x=data)
        return assay(*words, "--data", tmp_path / f"{first}.npz", "--first-sample", first, "--json", code=0)

    def lost(done):
        return done.result["candidates"][0]["forecast"]["proof"]["first_unbounded"]

    whole = run(0, x)
    assert lost(whole)["sample"] == 2 and "grows" in lost(whole)["operation"] and "overflow" in lost(whole)["why"]
    parts = [run(3, x[3:]), run(0, x[:3])]
    assert lost(parts[0])["sample"] == 3 and "inverse" in lost(parts[0])["operation"]
    assert "divides by" in lost(parts[0])["why"]
    for i, part in enumerate(parts):
        (tmp_path / f"part{i}.json").write_text(part.out)
    merged = assay("merge", *(tmp_path / f"part{i}.json" for i in range(2)), "--fail-on", "none", "--json", code=0)
    assert merged.result == whole.result
    assert "in sample 3 none beyond" in assay(*words, "--data", tmp_path / "3.npz", "--first-sample", 3).out
    assert lost(run(0, x[:2])) is None


def test_whole_numbers_beside_floats_have_a_proof(save_model, assay, tmp_path):
    """Of outputs that are no floating-point numbers the bounds are float64 all the same."""
    nodes = [helper.make_node("Mul", ["n", "n"], ["y"])]
    model = save_model("m.onnx", nodes, {"n": (TensorProto.INT64, ["N", 3])}, {"y": (TensorProto.INT64, ["N", 3])})
    np.savez(tmp_path / "data.npz", n=np.arange(12).reshape(4, 3))
    proof = assay("audit", model, "--data", tmp_path / "data.npz", "--decision", "argmax", "--candidate", "f16-storage",
                  "--proof", "--json", code=0).result["candidates"][0]["forecast"]["proof"]
    assert (proof["proved"], proof["unbounded"]) == (4, 0)


def test_what_the_engine_does_not_run_has_no_proof(same, assay, tmp_path):
    np.savez(tmp_path / "data.npz", x=np.float32([[0.1], [0.9]]))
    assay("run", same, "--input", tmp_path / "data.npz", "--output", tmp_path / "out.npz", code=0)
    done = assay("audit", same, "--data", tmp_path / "data.npz", "--decision", "threshold:0.5", "--proof", "--json",
                 "--candidate", f"recorded:{tmp_path / 'out.npz'}")
    proof = done.result["candidates"][0]["forecast"]["proof"]
    assert (proof["unbounded"], proof["stops"][0]["operation"]) == (2, "the program")


def test_parts_with_proofs_merge_to_the_whole(perceptron, assay, tmp_path):
    x = np.random.default_rng(6).normal(size=(90, 16)).astype(np.float32)
    files = []
    for first, count in ((0, 90), (50, 40), (0, 50)):
        np.savez(tmp_path / "part.npz", x=x[first:first + count])
        done = assay("audit", perceptron, "--data", tmp_path / "part.npz", "--first-sample", first, "--json", "--proof",
                     "--decision", "argmax", "--candidate", "bf16-storage", "--expect", "500")
        files.append(tmp_path / f"{first}-{count}.json")
        files[-1].write_text(done.out)
    merged = assay("merge", *files[1:], "--json").out

    def body(text):
        return text[text.index('"result":'):text.index(',"meta"')]

    assert body(merged) == body(files[0].read_text())
    unlike = json.loads(files[2].read_text())
    unlike["result"]["candidates"][0]["forecast"]["proof"] = None
    files[2].write_text(json.dumps(unlike))
    assert "proofs that another lacks" in assay("merge", *files[1:], "--json", code=3).err


def test_what_may_be_no_number_has_no_proof_behind_a_function_that_bounds(save_model, assay, tmp_path):
    """x k k overflows float16, infinity less infinity is NaN: a sigmoid is never beyond 1, and yet its score flips."""
    nodes = [helper.make_node("Mul", ["x", "k"], ["a"]), helper.make_node("Mul", ["a", "k"], ["b"]),
             helper.make_node("Mul", ["b", "one"], ["c"]), helper.make_node("Sub", ["b", "c"], ["d"]),
             helper.make_node("Add", ["d", "x"], ["y"])]
    model = save_model("m.onnx", nodes, {"x": (F32, ["N", 2])}, {"y": (F32, ["N", 2])},
                       {"k": np.float32([[1000, 1]]), "one": np.float32([[1, 1]])})
    np.savez(tmp_path / "data.npz", x=np.float32([[5, 5]]))

    def proof(score, flips):
        found = assay("audit", model, "--data", tmp_path / "data.npz", "--decision", "threshold:0.5", "--score", score,
                      "--candidate", "f16-storage", "--proof", "--json").result["candidates"][0]
        assert len(found["flips"]) == flips, score
        return [found["forecast"]["proof"][key] for key in ("proved", "unbounded")]

    assert proof("max(sigmoid(y))", 1) == [0, 1]
    assert proof("min(sigmoid(y))", 1) == [0, 1]
    assert proof("index(softmax(y), 1)", 1) == [0, 1]
    assert proof("index(sigmoid(y), 1)", 0) == [1, 0], "the other value is not touched by it"


def test_nothing_is_within_the_tolerance_of_an_infinity(save_model, assay, tmp_path):
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    model = save_model("m.onnx", nodes, {"x": (F32, ["N", 2])}, {"y": (F32, ["N", 2])},
                       {"w": np.eye(2, dtype=np.float32) * 2})
    np.savez(tmp_path / "data.npz", x=np.float32([[40000, 1], [-40000, 1], [1, 1]]))
    found = assay("audit", model, "--data", tmp_path / "data.npz", "--decision", "tolerance:abs=1,rel=0.1", "--proof",
                  "--reference", "f16-throughout", "--candidate", "cpu-f32", "--json").result["candidates"][0]
    assert [flip["sample"] for flip in found["flips"]] == [0, 1]
    assert (found["forecast"]["proof"]["proved"], found["forecast"]["proof"]["unproved"]) == (1, 2)


def test_a_proof_says_which_variants_it_covers(perceptron, assay, tmp_path):
    np.savez(tmp_path / "data.npz", x=np.zeros((3, 16), np.float32))

    def method(*words):
        return assay("audit", perceptron, "--data", tmp_path / "data.npz", "--decision", "argmax", "--proof", "--json",
                     *words).result["candidates"][0]["forecast"]["proof"]["method"]

    assert "of every variant," in method("--candidate", "cpu-f32")
    assert "of the primary variant alone," in method("--candidate", "cpu-f32", "--variants", "primary")
    assert "of every variant," in method("--candidate", "strict-f32", "--variants", "primary"), "it has one"


@pytest.mark.parametrize(("path", "value"), [
    (["proof", "proved"], 1_000_000_000), (["proof", "unbounded"], 2**63), (["proof", "unproved"], 29),
    (["proof", "margin_in_bounds"], [[1, 1000]]), (["unchanged"], 1_000_000), (["samples"], 1_000_000),
    (["margin_in_errors"], [[3, 77]]), (["error_ulp"], [[3, 77]]), (["leads"], [[3, 77]]), (["on_boundary"], 9),
])  # fmt: skip
def test_counts_that_do_not_add_up_are_refused(perceptron, assay, tmp_path, path, value):
    np.savez(tmp_path / "data.npz", x=np.random.default_rng(6).normal(size=(30, 16)).astype(np.float32))
    done = assay("audit", perceptron, "--data", tmp_path / "data.npz", "--json", "--proof", "--decision", "argmax",
                 "--candidate", "bf16-storage")
    (tmp_path / "a.json").write_text(done.out)
    assay("report", tmp_path / "a.json", "-o", tmp_path / "a.html", code=0)
    audit = json.loads(done.out)
    place = audit["result"]["candidates"][0]["forecast"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    (tmp_path / "a.json").write_text(json.dumps(audit))
    for words in (["merge", tmp_path / "a.json", "--json"], ["report", tmp_path / "a.json", "-o", tmp_path / "b.html"]):
        done = assay(*words, code=3)
        assert "samples" in done.err + done.out


def test_whose_flips_are_foretold_is_told(save_model, assay, tmp_path):
    """Two scores that are the same sum in another order: which is the larger differs from variant to variant."""
    w = np.random.default_rng(3).normal(size=64).astype(np.float32)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    model = save_model("sums.onnx", nodes, {"x": (F32, ["N", 64])}, {"y": (F32, ["N", 2])},
                       {"w": np.stack([w, w.reshape(-1, 2)[:, ::-1].reshape(-1)], 1)})
    np.savez(tmp_path / "data.npz", x=np.random.default_rng(1).normal(size=(200, 32)).astype(np.float32).repeat(2, 1))
    words = ["audit", model, "--data", tmp_path / "data.npz", "--decision", "argmax", "--reference", "f64",
             "--candidate", "cpu-f32", "--fail-on", "none"]
    found = assay(*words, "--json", code=0).result["candidates"][0]
    seen = found["variants"][0]["differs"]
    assert found["forecast"]["flips"] == seen > found["verdict"]["flips"] == 0
    assert "the primary variant's flips" in found["forecast"]["expected"]["method"]
    told = f"flips to expect are its primary variant's: {seen} seen there, 0 under every variant"
    assert f"  cpu-f32: {told}\n" in assay(*words, code=0).out
    assay(*words, "--html", tmp_path / "a.html", code=0)
    assert told.replace("'", "&#39;") in (tmp_path / "a.html").read_text()
    alone = assay(*words, "--variants", "primary", code=0).out
    assert "flips to expect" in alone and "are its primary" not in alone


def test_words_that_are_wrong(same, assay, tmp_path):
    np.savez(tmp_path / "data.npz", x=np.float32([[0.1]]))
    for words in (["--expect", "0"], ["--expect", "-1"], ["--expect", "many"]):
        assay("audit", same, "--data", tmp_path / "data.npz", "--decision", "threshold:0.5", "--candidate",
              "f16-storage", *words, code=2)
