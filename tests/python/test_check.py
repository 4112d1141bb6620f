"""Contracts: what `assay check` holds a model to, and the words in which it says what is broken."""
import json
from xml.etree import ElementTree

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

F = onnx.TensorProto.FLOAT
X = np.array([[0.1], [0.49995], [0.9]], np.float32)  # sample 1 flips under float16


def scale(factor, name="scale"):
    """y = x * factor, an operation by name."""
    return [helper.make_node("Mul", ["x", "w"], ["y"], name=name)], {"x": (F, ["N", 1])}, {"y": (F, ["N", 1])}, \
        {"w": np.array([factor], np.float32)}


@pytest.fixture
def contract(assay, save_model, save_npz):
    """A contract about y = x, whose one flip is allowed."""
    model, data = save_model("m.onnx", *scale(1)), save_npz("x.npz", x=X)
    assay("audit", model.name, "--data", data.name, "--decision", "threshold:0.5", "--candidate", "f16-storage",
          "--candidate", "strict-f32", "--lock", "assay.lock", code=1)
    return model.parent / "assay.lock"


def rules(done):
    return [finding["rule"] for finding in done.result["findings"]]


def test_holds_while_nothing_changes(contract, assay):
    done = assay("check", code=0)
    assert "assay.lock holds" in done.out
    assert "flips = [1]" in contract.read_text()
    again = assay("check", "--json", code=0)
    assert again.result["holds"]
    assert again.result["audit"]["candidates"][0]["verdict"]["flips"] == 1


def test_another_model_is_told_by_its_bytes_and_its_meaning(contract, assay, save_model):
    save_model("m.onnx", *scale(1, name="renamed"))
    done = assay("check", "--json", code=1)
    assert rules(done) == ["model-changed"]
    assert "its operations and constants are the same" in done.result["findings"][0]["message"]
    save_model("m.onnx", *scale(0.5))  # 0.49995 and 0.9 become negative, and safe
    done = assay("check", "--json", code=1)
    assert rules(done) == ["model-changed"]
    assert "its operations or constants are others" in done.result["findings"][0]["message"]
    assert done.result["notes"] == ["f16-storage: allowed flips that are none now: sample 1"]


def test_new_flips_are_listed(contract, assay, save_npz):
    save_npz("x.npz", x=np.array([[0.49994], [0.49995], [0.9]], np.float32))
    done = assay("check", "--json", code=1)
    assert rules(done) == ["data-changed", "decision-flips"]
    assert done.result["findings"][1]["message"] == "f16-storage: decisions that flip and are not allowed to: sample 0"


def test_samples_keep_their_numbers(contract, assay):
    """Part of a larger data set: its first sample has another number than 0."""
    words = ["audit", "m.onnx", "--data", "x.npz", "--decision", "threshold:0.5", "--candidate", "f16-storage"]
    assay(*words, "--first-sample", "1200", "--lock", "part.lock", code=1)
    text = (contract.parent / "part.lock").read_text()
    assert "first_sample = 1200" in text
    assert "flips = [1201]" in text
    done = assay("check", "part.lock", "--json", code=0)
    assert done.result["notes"] == []
    assert done.result["audit"]["first_sample"] == 1200
    (contract.parent / "part.lock").write_text(text.replace("first_sample = 1200", f"first_sample = {2**62}"))
    assert "A102" in assay("check", "part.lock", code=3).err


def test_data_shorter_than_the_labels(assay, save_model, save_npz, tmp_path):
    """Told in the contract's words: `check` has no --labels."""
    save_model("m.onnx", *scale(1))
    save_npz("x.npz", x=X)
    np.save(tmp_path / "y.npy", np.array([0, 0, 1]))
    assay("audit", "m.onnx", "--data", "x.npz", "--labels", "y.npy", "--decision", "threshold:0.5", "--candidate",
          "f16-storage", "--lock", "assay.lock", code=1)
    save_npz("x.npz", x=X[:2])
    done = assay("check", code=3)
    assert "A305" in done.err and "3 labels for 2 samples; the data changed since" in done.err
    assert "assay.lock: labels" in done.err and "--labels" not in done.err


def test_reports_leave_the_contract_alone(contract, assay):
    before = contract.read_bytes()
    assert "would write the same file" in assay("check", "--html", "./assay.lock", code=2).err
    assert contract.read_bytes() == before


def test_a_tolerance_may_be_tightened(contract, assay):
    text = contract.read_text()
    (line,) = {line for line in text.splitlines() if line.startswith("max_ulp") and line != "max_ulp = 0"}
    contract.write_text(text.replace(line, "max_ulp = 1", 1))
    done = assay("check", code=1)
    assert "tolerance-exceeded: f16-storage: outputs differ by up to" in done.out
    contract.write_text(text.replace("flips = [1]\n", ""))
    assert "decision-flips: f16-storage" in assay("check", code=1).out


def test_nan_is_beyond_any_tolerance(assay, save_model, save_npz, tmp_path):
    """x k - x k is 0, and NaN where x k overflows float16, in an output that decides nothing."""
    nodes = [helper.make_node("Identity", ["x"], ["y"]), helper.make_node("Mul", ["x", "k"], ["b"]),
             helper.make_node("Sub", ["b", "b"], ["z"])]
    save_model("m.onnx", nodes, {"x": (F, ["N", 1])}, {"y": (F, ["N", 1]), "z": (F, ["N", 1])},
               {"k": np.array([1024], np.float32)})
    words = ["audit", "m.onnx", "--data", "x.npz", "--output", "y", "--decision", "threshold:0.5", "--candidate",
             "f16-storage", "--lock", "assay.lock"]
    lock = tmp_path / "assay.lock"
    save_npz("x.npz", x=np.array([[128], [256], [512]], np.float32))
    assay(*words, code=0)
    assert "max_nan = 3\n" in lock.read_text()
    assay("check", code=0)
    lock.write_text(lock.read_text().replace("max_nan = 3\n", "max_nan = 2\n"))
    done = assay("check", "--json", code=1)
    assert rules(done) == ["tolerance-exceeded"]
    assert done.result["findings"][0]["message"] == \
        "f16-storage: NaN on one side only in 3 numbers of the outputs, 2 are allowed"
    lock.write_text(lock.read_text().replace("max_nan = 2\n", ""))
    assert "3 numbers of the outputs, 0 are allowed" in assay("check", code=1).out


def test_update_takes_over_what_is(contract, assay, save_npz):
    save_npz("x.npz", x=np.array([[0.49994], [0.49995], [0.9]], np.float32))
    assay("check", code=1)
    done = assay("check", "--update", "--junit", "r.xml", code=0)
    assert "wrote assay.lock" in done.out
    assert "flips = [0, 1]" in contract.read_text()
    assert 'failures="0"' in (contract.parent / "r.xml").read_text()
    assay("check", code=0)


def test_profiles_are_part_of_it(contract, assay):
    text = contract.read_text()
    identity = next(line for line in text.splitlines() if line.startswith("profile_identity"))
    contract.write_text(text.replace(identity, 'profile_identity = "0123456789abcdef"', 1))
    assert rules(assay("check", "--json", code=1)) == ["profile-changed"]


def save_external(path, beside):
    """y = x w, with w in a file of its own."""
    weights = numpy_helper.from_array(np.ones(64, np.float32), "w")
    graph = helper.make_graph([helper.make_node("Mul", ["x", "w"], ["y"])], "g",
                              [helper.make_tensor_value_info("x", F, ["N", 64])],
                              [helper.make_tensor_value_info("y", F, ["N", 64])], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path, save_as_external_data=True, location=beside, size_threshold=0)


def test_external_data_is_part_of_it(assay, tmp_path, save_npz):
    save_external(tmp_path / "m.onnx", "m.bin")
    save_npz("x.npz", x=np.ones((2, 64), np.float32))
    assay("audit", "m.onnx", "--data", "x.npz", "--decision", "argmax", "--candidate", "strict-f32", "--lock", "a.lock",
          code=0)
    assert 'file = "m.bin"' in (tmp_path / "a.lock").read_text()
    assay("check", "a.lock", code=0)
    (tmp_path / "m.bin").write_bytes(np.full(64, 2, np.float32).tobytes())
    done = assay("check", "a.lock", "--json", code=1)
    assert rules(done) == ["model-changed"]
    assert done.result["findings"][0]["message"].startswith("m.bin: its SHA-256 was")


def test_external_data_of_a_candidate_is_part_of_it(assay, tmp_path, save_npz):
    (tmp_path / "sub").mkdir()
    for model, beside in (("m.onnx", "m.bin"), ("sub/b.onnx", "b.bin")):
        save_external(tmp_path / model, beside)
    save_npz("x.npz", x=np.ones((2, 64), np.float32))
    lock = tmp_path / "a.lock"
    assay("audit", "m.onnx", "--data", "x.npz", "--decision", "argmax", "--candidate", "sub/b.onnx@strict-f32",
          "--lock", lock.name, code=0)
    text = lock.read_text()
    assert 'file = "sub/b.bin"' in text
    lock.write_text(text.replace("max_ulp = 0", "max_ulp = 100000000"))
    assay("check", lock, code=0)
    (tmp_path / "sub/b.bin").write_bytes(np.full(64, 2, np.float32).tobytes())
    for path in (lock, lock.name):
        done = assay("check", path, "--json", code=1)
        assert rules(done) == ["file-changed"]
        assert done.result["findings"][0]["message"].startswith("sub/b.bin: its SHA-256 was")
    _, first, _ = text.split("[[file]]\n")
    lock.write_text(text.replace("[[file]]\n" + first, ""))
    assert "sub/b.bin: a program reads it, and the contract does not know it" in assay("check", lock, code=1).out


def test_files_are_relative_to_the_lock(contract, assay, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    assay("check", "../assay.lock", cwd=tmp_path / "elsewhere", code=0)
    assay("audit", "m.onnx", "--data", "x.npz", "--decision", "threshold:0.5", "--candidate", "m.onnx@strict-f32",
          "--lock", "elsewhere/b.lock", code=0)
    text = (tmp_path / "elsewhere/b.lock").read_text()
    assert 'file = "../m.onnx"' in text
    assert 'program = "../m.onnx@strict-f32"' in text
    assay("check", "b.lock", cwd=tmp_path / "elsewhere", code=0)


def test_absolute_names_below_the_lock_become_relative(contract, assay, tmp_path):
    assay("audit", tmp_path / "m.onnx", "--data", tmp_path / "x.npz", "--decision", "threshold:0.5", "--candidate",
          "strict-f32", "--lock", tmp_path / "b.lock", code=0)
    text = (tmp_path / "b.lock").read_text()
    assert 'file = "m.onnx"' in text
    assert str(tmp_path) not in text
    (tmp_path / "moved").mkdir()
    for name in ("m.onnx", "x.npz", "b.lock"):
        (tmp_path / name).rename(tmp_path / "moved" / name)
    assay("check", "moved/b.lock", code=0)


def test_an_absolute_name_of_the_lock_changes_nothing(assay, save_model, save_npz, tmp_path):
    """Files outside its folder are found, compared and written under the names that it gives them."""
    for name in ("m.onnx", "other.onnx"):
        save_model(name, *scale(1))
    save_npz("x.npz", x=X)
    (tmp_path / "sub").mkdir()
    lock = tmp_path / "sub/a.lock"
    assay("audit", "m.onnx", "--data", tmp_path / "x.npz", "--decision", "threshold:0.5", "--candidate",
          "other.onnx@strict-f32", "--lock", "sub/a.lock", code=0)
    before = lock.read_text()
    assert 'program = "../other.onnx@strict-f32"' in before
    assert f'file = "{tmp_path}/x.npz"' in before  # named so, and outside its folder
    assay("check", lock, code=0)
    for path in (lock, "sub/a.lock"):
        assay("check", path, "--update", code=0)
        assert lock.read_text() == before
    save_model("other.onnx", *scale(1, name="renamed"))
    assert rules(assay("check", lock, "--json", code=1)) == ["file-changed"]


def test_kept_operations_stay_float32(assay, save_model, save_npz, tmp_path):
    nodes = [helper.make_node("Mul", ["x", "w"], ["h"], name="first"), helper.make_node("Add", ["h", "b"], ["y"])]
    save_model("m.onnx", nodes, {"x": (F, ["N", 1])}, {"y": (F, ["N", 1])},
               {"w": np.array([1], np.float32), "b": np.array([0], np.float32)})
    save_npz("x.npz", x=X)
    words = ["audit", "m.onnx", "--data", "x.npz", "--decision", "threshold:0.5", "--candidate", "f16-storage"]
    assay(*words, code=1)
    done = assay(*words, "--keep", "first", "--keep", "y", "--lock", "assay.lock", "--json", code=0)
    assert done.result["candidates"][0]["program"] == "f16-storage keeping first, y"
    assert 'float32 = ["first", "y"]' in (tmp_path / "assay.lock").read_text()
    assay("check", code=0)
    refused = assay(*words, "--keep", "fist", code=2)
    assert "did you mean 'first'?" in refused.err


@pytest.mark.parametrize(("change", "part"), [
    (("version = 1", "version = 2"), "version"),
    (("[data]", "[dta]"), "did you mean 'data'?"),
    (("flips = [1]", "flips = [1, 1]"), "ascending"),
    (("max_ulp =", "max_ulps ="), "did you mean 'max_ulp'?"),
    (("version = 1", "version = "), "assay.lock:"),
    (('rule = "threshold:0.5"', 'rule = "treshold:0.5"'), "assay.lock"),
    (('fail_on = "flips"', 'fail_on = "flip"'), "fail_on is flips, at-risk or none"),
    (('program = "f16-storage"', 'program = "f16-store"'), "did you mean"),
    (('[model]\n', '[model]\nfloat32 = ["nothing"]\n'), "no operation is called 'nothing'"),
])
def test_a_broken_lock_is_an_error_with_its_line(contract, assay, change, part):
    contract.write_text(contract.read_text().replace(*change, 1))
    done = assay("check", code=3)
    assert "A102" in done.err
    assert part in done.err


def test_no_lock(assay):
    done = assay("check", code=3)
    assert "--lock assay.lock" in done.err


def test_reports_of_a_check(contract, assay, save_model, tmp_path):
    save_model("m.onnx", *scale(0.5))
    done = assay("check", "--json", "--markdown", "r.md", "--sarif", "r.sarif", "--junit", "r.xml", code=1)
    assert "its operations or constants are others" in (tmp_path / "r.md").read_text()
    results = json.loads((tmp_path / "r.sarif").read_text())["runs"][0]["results"]
    assert [r["ruleId"] for r in results] == ["model-changed"]
    (tmp_path / "check.json").write_text(done.out)
    assay("report", "check.json", "--markdown", "again.md", "--junit", "again.xml", code=0)
    assert "its operations or constants are others" in (tmp_path / "again.md").read_text()
    assert 'name="assay.lock: ' in (tmp_path / "again.xml").read_text()


def test_allowed_flips_are_no_failures_in_reports(contract, assay, tmp_path):
    assay("check", "--junit", "r.xml", "--markdown", "r.md", code=0)
    assert 'failures="0"' in (tmp_path / "r.xml").read_text()
    assert "**The gate lets this pass.**" in (tmp_path / "r.md").read_text()


def same_reports_later(assay, folder, *words, code):
    """The reports of a check are those that are made of its JSON afterwards; how many tests fail in them."""
    done = assay("check", *words, "--json", "--junit", "now.xml", "--sarif", "now.sarif", "--markdown", "now.md",
                 code=code)
    (folder / "check.json").write_text(done.out)
    assay("report", "check.json", "--junit", "later.xml", "--sarif", "later.sarif", "--markdown", "later.md", code=0)
    for ending in ("xml", "sarif", "md"):
        assert (folder / f"later.{ending}").read_text() == (folder / f"now.{ending}").read_text(), ending
    return int(ElementTree.parse(folder / "later.xml").getroot().get("failures"))


def test_reports_made_later_know_what_the_contract_allows(contract, assay, save_npz, tmp_path):
    assert same_reports_later(assay, tmp_path, code=0) == 0
    text = contract.read_text()
    save_npz("x.npz", x=np.array([[0.49994], [0.49995], [0.9]], np.float32))  # sample 0 flips too
    assert same_reports_later(assay, tmp_path, code=1) == 4  # two findings, the decisions, and sample 0
    contract.write_text(text.replace('fail_on = "flips"', 'fail_on = "none"'))
    assert same_reports_later(assay, tmp_path, code=1) == 1  # the data changed
    contract.write_text(text)
    assert same_reports_later(assay, tmp_path, "--update", code=0) == 0


@pytest.mark.parametrize(("change", "part"), [
    (('"fail_on":"flips"', '"fail_on":"flip"'), "flips, at-risk or none"),
    (('"allowed":[[1],[]]', '"allowed":[[1]]'), "a list for each candidate"),
    (('"allowed":[[1],[]]', '"allowed":[1,[]]'), "allowed"),
])
def test_a_broken_result_is_an_error(contract, assay, tmp_path, change, part):
    text = assay("check", "--json", code=0).out
    assert change[0] in text
    (tmp_path / "check.json").write_text(text.replace(*change))
    done = assay("report", "check.json", "--markdown", "r.md", code=3)
    assert part in done.err


def test_files_that_programs_name_are_part_of_it(assay, save_model, save_npz, tmp_path):
    save_model("m.onnx", *scale(1))
    save_model("other.onnx", *scale(1))
    save_npz("x.npz", x=X)
    save_npz("phone.npz", y=X)
    assay("audit", "m.onnx", "--data", "x.npz", "--decision", "threshold:0.5", "--candidate", "recorded:phone.npz",
          "--candidate", "other.onnx@strict-f32", "--lock", "assay.lock", code=0)
    assert (tmp_path / "assay.lock").read_text().count("[[file]]") == 2
    assay("check", code=0)
    save_npz("phone.npz", y=X * np.float32(1.001))
    save_model("other.onnx", *scale(1, name="renamed"))
    done = assay("check", "--json", code=1)
    assert [rule for rule in rules(done) if rule == "file-changed"] == ["file-changed"] * 2
    assert "decision-flips" in rules(done)  # 0.49995 * 1.001 is positive
