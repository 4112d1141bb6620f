"""Decision rules beyond threshold, argmax and top-k: what flips, what changed in words, and that parts merge."""
import json

import numpy as np
import pytest
from onnx import TensorProto, helper

F32 = TensorProto.FLOAT


@pytest.fixture
def values(save_model):
    """values(shape) -> a model that returns its input: f16-storage rounds what it stores, and nothing else."""

    def build(*shape):
        dims = ["N", *shape]
        return save_model("same.onnx", [helper.make_node("Identity", ["x"], ["y"])], {"x": (F32, dims)},
                          {"y": (F32, dims)})

    return build


@pytest.fixture
def audit(assay, tmp_path):
    """audit(model, rule, x=array, ..., words) -> the first candidate under f16-storage, and the whole run."""

    def run(model, rule, *words, code=None, **arrays):
        np.savez(tmp_path / "data.npz", **arrays)
        done = assay("audit", model, "--data", tmp_path / "data.npz", "--decision", rule, "--candidate", "f16-storage",
                     "--json", *words, code=code)
        return (done.result["candidates"][0] if done.code < 2 else None), done

    return run


def only(cases):
    assert len(cases) == 1
    return cases[0]


def rows(*values):
    return np.array(values, np.float32)


def test_pairs_that_swap(values, audit):
    found, _ = audit(values(4), "ranking", x=rows([1, 1.0001, 3, 3.0004], [4, 3, 2, 1]), code=1)
    flip = only(found["flips"])
    assert (flip["sample"], flip["reference_decision"], flip["candidate_decision"]) == (0, [3, 2, 1, 0], [2, 3, 0, 1])
    assert flip["change"] == {"words": "2 pairs swap: 3<>2, 1<>0", "counts": {"swapped": 2}, "pairs": [[3, 2], [1, 0]]}
    # The nearest pair is 1e-4 apart, near 1 where float16 has steps of 2^-10.
    assert flip["margin_ulp"] == pytest.approx(1e-4 * 2**10, rel=2e-3)
    assert found["margins"]["positive"]


def test_a_ranking_of_the_best_says_nothing_of_the_rest(values, audit):
    model, x = values(4), rows([1, 1.0001, 3, 4])
    assert audit(model, "ranking:2", x=x, code=0)[0]["flips"] == []
    assert only(audit(model, "ranking:3", x=x, code=1)[0]["flips"])["change"]["words"] == "1 pair swaps: 1<>0"
    assert "needs K or more" in audit(model, "ranking:5", x=x, code=2)[1].err


def test_labels_that_appear_and_disappear(values, audit):
    found, _ = audit(values(3), "multilabel:0.5", x=rows([0.49995, 0.9, 0.1], [0.6, 0.6, 0.6]), code=1)
    flip = only(found["flips"])
    assert (flip["reference_decision"], flip["candidate_decision"]) == ([1], [0, 1])
    assert flip["change"]["words"] == "label 0 appears"
    assert flip["change"]["counts"] == {"appear": 1, "disappear": 0}
    assert flip["explained_by_output_rounding"] is True
    found, _ = audit(values(3), "multilabel:>0.3,0.7,0.5", x=rows([0.3, 0.69995, 0.50001]), code=1)
    assert only(found["flips"])["change"]["words"] == "label 0 appears; label 2 disappears"
    assert "2 thresholds are given" in audit(values(3), "multilabel:1,2", x=rows([1, 2, 3]), code=2)[1].err


def test_strings_that_are_decoded(values, audit):
    # Steps: 1, 1, blank, 2, and a last one where 3 leads over the blank by less than float16 can say.
    steps = np.full((1, 5, 4), -1, np.float32)
    for t, symbol in enumerate([1, 1, 0, 2, 3]):
        steps[0, t, symbol] = 1.00001
    steps[0, 4, 0] = 1
    found, done = audit(values(5, 4), "ctc:blank=0", x=steps, code=1)
    flip = only(found["flips"])
    assert (flip["reference_decision"], flip["candidate_decision"]) == ([1, 2, 3], [1, 2])
    assert flip["change"] == {"words": "edit distance 1: 1 2 3 -> 1 2", "counts": {"edits": 1}}
    assert done.result["decision"] == "ctc:blank=0"
    found, _ = audit(values(5, 4), "argmax-sequence", x=steps, code=1)
    assert only(found["flips"])["change"]["words"] == "edit distance 1: 1 1 0 2 3 -> 1 1 0 2 0"
    assert audit(values(5, 4), "argmax-sequence:end=0", x=steps, code=0)[0]["flips"] == []  # 1 1 both times
    assert "lack symbol 9" in audit(values(5, 4), "ctc:blank=9", x=steps, code=2)[1].err


def test_values_beyond_a_tolerance(values, audit):
    x = rows([0.1, 1000.3, 2], [1, 2, 3])
    found, _ = audit(values(3), "tolerance:abs=0.001,rel=1e-5", x=x, code=1)
    flip = only(found["flips"])
    assert flip["change"]["counts"] == {"beyond": 1, "element": 1}
    assert flip["change"]["words"].startswith("1 value of 3 beyond the tolerance; the worst, element 1, is 1000.5 for")
    assert (flip["reference_score"], flip["candidate_score"]) == (pytest.approx(1000.3), 1000.5)
    assert flip["candidate_margin_ulp"] < 0 < flip["margin_ulp"]
    assert audit(values(3), "tolerance:rel=1e-3", x=x, code=0)[1].result["decision"] == "tolerance:abs=0,rel=0.001"


@pytest.fixture
def detector(save_model):
    """A model whose outputs are its inputs, under the names that detectors use."""
    names = {"boxes": ["N", 3, 4], "scores": ["N", 3], "labels": ["N", 3]}
    nodes = [helper.make_node("Identity", ["in_" + n], [n]) for n in names]
    return save_model("detector.onnx", nodes, {"in_" + n: (F32, d) for n, d in names.items()},
                      {n: (F32, d) for n, d in names.items()})


def boxes(**changed):
    """One sample of three boxes: all far from any threshold, but for what is changed."""
    arrays = {"boxes": np.array([[[0, 0, 10, 10], [20, 20, 40, 40], [50, 50, 60, 60]]], np.float32),
              "scores": np.array([[0.9, 0.8, 0.1]], np.float32), "labels": np.array([[1, 2, 3]], np.float32)}
    for name, (index, value) in changed.items():
        arrays[name][0, index] = value
    return {"in_" + name: array for name, array in arrays.items()}


@pytest.mark.parametrize(("changed", "rule", "words"), [
    ({"scores": (2, 0.49995)}, "boxes", "1 box new"),
    ({"scores": (1, 0.49995)}, "boxes:score=0.49995", None),  # the threshold has the scores' type: 0.5 is above it
    ({"scores": (0, 0.50001)}, "boxes:score=0.50001", "1 box lost"),
    ({"boxes": (1, [2049, 2049, 2050, 2050])}, "boxes:iou=0.5", "1 box moved"),
    ({"boxes": (1, [2049, 2049, 2050, 2050])}, "boxes:iou=0.2", None),
    ({"labels": (1, 2049)}, "boxes", "1 box changes its class"),
    ({"boxes": (0, [2049, 2049, 3, 3])}, "boxes:iou=0.9,format=xywh", "1 box moved"),
    ({"boxes": (0, [2049, 2049, 3, 3])}, "boxes:iou=0.2,format=cxcywh", None),
    ({"boxes": (0, [2049, 2049, 2050, 2050])}, "boxes:iou=0.5,format=yxyx", "1 box moved"),
    ({"boxes": (0, [2049, 2049, 1, 1])}, "boxes:iou=0.1,format=xywh", "1 box lost, 1 new"),
])  # fmt: skip
def test_boxes_that_change(detector, audit, changed, rule, words):
    found, done = audit(detector, rule, **boxes(**changed), code=0 if words is None else 1)
    assert done.result["score"] == "detections(boxes, scores, labels)"
    if words is None:
        assert found["flips"] == []
        return
    flip = only(found["flips"])
    assert flip["change"]["words"] == words
    assert all(len(box) == 6 for box in flip["reference_decision"])


def test_boxes_out_of_one_output(values, audit):
    """Rows of box, score and class, as some exports give them; and a head whose rows are columns."""
    sample = rows([[0, 0, 10, 10, 0.9, 1], [20, 20, 40, 40, 0.49995, 2]])
    assert only(audit(values(2, 6), "boxes", x=sample, code=1)[0]["flips"])["change"]["words"] == "1 box new"
    head = np.concatenate([sample[..., :4], [[[0.9, 0.1], [0.2, 0.49995]]]], axis=-1).astype(np.float32)
    score = "detections(columns(transpose(y), 0, 4), columns(transpose(y), 4, 6))"
    found, done = audit(values(6, 2), "boxes", "--score", score, x=head.transpose(0, 2, 1).copy(), code=1)
    flip = only(found["flips"])
    assert flip["change"]["words"] == "1 box new"
    assert [box[5] for box in flip["candidate_decision"]] == [0, 1]
    assert done.result["score"] == score
    assert "boxes need rows of" in audit(values(6, 2), "boxes", x=head.transpose(0, 2, 1).copy(), code=2)[1].err


def test_words_that_are_no_rule(values, audit):
    x = rows([1, 2])
    for rule in ["rankin", "ranking:0", "boxes:iou=2", "boxes:iou=0.5,iou=0.5", "boxes:colour=1", "ctc:blank=-1",
                 "ctc:", "tolerance", "tolerance:abs=-1", "multilabel", "multilabel:a", "argmax:1",
                 "argmax-sequence:stop=1"]:
        done = audit(values(2), rule, x=x, code=2)[1]
        assert done.json["error"]["code"] == "A004", rule
        assert done.json["error"]["fix"], rule


def test_labels_name_classes(values, audit, tmp_path):
    np.save(tmp_path / "l.npy", np.array([0]))
    for rule in ["ranking", "multilabel:0.5", "tolerance:abs=1", "ctc:blank=0"]:
        done = audit(values(2), rule, "--labels", tmp_path / "l.npy", x=rows([1, 2]), code=2)[1]
        assert "labels name a class" in done.json["error"]["message"], rule


def test_nan_is_undefined(values, audit):
    x = rows([np.nan, 1], [70000, 1])
    found, _ = audit(values(2), "ranking", x=x, code=0)
    assert found["verdict"] == {"safe": 2, "at_risk": 0, "flips": 0}
    assert found["margins"]["undefined"] == 1
    found, _ = audit(values(2), "tolerance:abs=1", x=x, code=1)  # NaN equals NaN; infinity is no 70,000
    assert only(found["flips"])["sample"] == 1


@pytest.mark.parametrize("rule", ["threshold:0", "argmax", "topk:1", "ranking", "multilabel:0", "ctc:blank=0",
                                  "argmax-sequence", "tolerance:abs=1"])
def test_an_empty_score_decides_nothing(save_model, audit, rule):
    """Empty by its shape, and by the data."""
    ends = {name: np.array([end], np.int64) for name, end in {"from": 0, "to": 0, "axis": 1}.items()}
    sliced = save_model("sliced.onnx", [helper.make_node("Slice", ["x", *ends], ["y"])], {"x": (F32, ["N", 3])},
                        {"y": (F32, ["N", 0])}, ends)
    by_data = [helper.make_node("Compress", ["x", "keep"], ["y"], axis=1)]
    compressed = save_model("compressed.onnx", by_data, {"x": (F32, ["N", 3]), "keep": (TensorProto.BOOL, [3])},
                            {"y": (F32, ["N", None])})
    x, none = rows([1, 2, 3], [4, 5, 6]), np.zeros(3, bool)
    for words in ([], ["--proof"]):
        for done in (audit(sliced, rule, *words, x=x, code=2)[1],
                     audit(compressed, rule, *words, x=x, keep=none, code=2)[1]):
            assert done.json["error"]["code"] == "A004"
            assert "0 values per sample" in done.json["error"]["message"]


def test_no_rows_are_no_detections(save_model, audit):
    ends = {name: np.array([end], np.int64) for name, end in {"from": 0, "to": 0, "axis": 1}.items()}
    model = save_model("none.onnx", [helper.make_node("Slice", ["x", *ends], ["y"])], {"x": (F32, ["N", 2, 6])},
                       {"y": (F32, ["N", 0, 6])}, ends)
    found, _ = audit(model, "boxes", x=np.ones((3, 2, 6), np.float32), code=0)
    assert found["verdict"]["safe"] == 3


RULES = {"ranking": (4,), "ranking:2": (4,), "multilabel:0.45": (4,), "multilabel:>0.1,0.2,0.3,0.4": (4,),
         "ctc:blank=0": (5, 4), "argmax-sequence:end=1": (5, 4), "tolerance:abs=1e-4,rel=1e-6": (4,),
         "boxes:iou=0.9,score=0.4": (3, 6), "topk:2": (4,), "argmax": (4,)}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_parts_merge_to_the_whole(assay, values, tmp_path, rule):
    rng = np.random.default_rng(3)
    x = rng.integers(0, 4, (40, *RULES[rule])) * 0.15 + rng.normal(size=(40, *RULES[rule])) * 2e-4
    if rule.startswith("boxes"):
        x[..., 2:4] += x[..., :2] + 0.05
        x[..., 4] = 0.4 + rng.normal(size=(40, 3)) * 2e-4
    x = x.astype(np.float32)
    model, parts = values(*RULES[rule]), []
    words = ["--decision", rule, "--candidate", "f16-storage", "--candidate", "cpu-f32", "--json", "--expect", "1000"]
    for first, count in ((0, 40), (17, 23), (0, 17)):
        np.savez(tmp_path / "part.npz", x=x[first:first + count])
        done = assay("audit", model, "--data", tmp_path / "part.npz", "--first-sample", first, *words)
        assert done.code in (0, 1), done.err
        parts.append(tmp_path / f"{first}-{count}.json")
        parts[-1].write_text(done.out)
    merged = assay("merge", *parts[1:], "--json")

    def body(text):
        return text[text.index('"result":'):text.index(',"meta"')]

    assert body(merged.out) == body(parts[0].read_text())
    whole = json.loads(parts[0].read_text())["result"]["candidates"][0]
    assert whole["verdict"]["flips"] > 0, "nothing flips: the test shows nothing"
    assay("report", parts[0], "-o", "page.html", code=0)
