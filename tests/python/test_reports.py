"""JUnit, SARIF, Markdown and CSV of audits, read by those who read them."""
import csv
import html
import json
import re
import shlex
import xml.etree.ElementTree as ET

import numpy as np
import onnx
import pytest

F = onnx.TensorProto.FLOAT
NAME = 'score,"1"|`<b>'


@pytest.fixture
def audited(assay, save_model, save_npz, tmp_path):
    """An audit with a flip of two candidates, every report of it, and its JSON."""
    model = save_model("my model.onnx", [onnx.helper.make_node("Identity", ["x"], [NAME])], {"x": (F, ["N", 1])},
                       {NAME: (F, ["N", 1])})
    data = save_npz("x.npz", x=np.array([[0.1], [0.49995], [0.9]], np.float32))
    done = assay("audit", model, "--data", data, "--decision", "threshold:0.5", "--candidate", "f16-storage",
                 "--candidate", "strict-f32", "--json", "--junit", "r.xml", "--sarif", "r.sarif", "--markdown", "r.md",
                 "--csv", "deep/tables", "--html", "r.html", code=1)
    (tmp_path / "r.json").write_text(done.out)
    return done.result


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_junit_counts_what_it_lists(audited, tmp_path):
    root = ET.parse(tmp_path / "r.xml").getroot()
    assert root.tag == "testsuites"
    suites = root.findall("testsuite")
    assert [s.get("name").rsplit(": ", 1)[1] for s in suites] == ["f16-storage", "strict-f32"]
    for suite in suites:
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases)
        assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
    assert [s.get("failures") for s in suites] == ["2", "0"]  # the flip, and the verdict
    failure = suites[0].find("testcase[@name='sample 1 flips']/failure")
    assert "negative -> positive" in failure.get("message")
    assert "0.49995" in failure.text


def test_sarif_is_valid(audited, root, tmp_path):
    log = json.loads((tmp_path / "r.sarif").read_text())
    (run,) = log["runs"]
    (result,) = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "decision-flips"
    assert result["level"] == "error"
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.endswith("my%20model.onnx")
    assert run["invocations"][0]["commandLine"].startswith("assay audit")
    schema = root / "build/inputs/sarif-2.1.0.json"
    if not schema.is_file():
        pytest.skip("the schema is missing: tools/setup.sh inputs fetches it")
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft4Validator(json.loads(schema.read_text())).validate(log)
    with pytest.raises(jsonschema.ValidationError):  # the schema does tell
        jsonschema.Draft4Validator(json.loads(schema.read_text())).validate(log | {"version": "2.0"})


def test_every_rule_of_sarif_is_one_that_is_found(audited, root, tmp_path):
    (run,) = json.loads((tmp_path / "r.sarif").read_text())["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert rules == set(re.findall(r'\{"([a-z]+-[a-z-]+)",\s', (root / "src/audit/lock.cc").read_text()))
    section = (root / "docs/reports.md").read_text().split("## SARIF")[1].split("##")[0]
    assert rules == set(re.findall(r"`([a-z]+-[a-z-]+)`", section))


def test_markdown_shows_verdict_and_flip(audited, tmp_path):
    text = (tmp_path / "r.md").read_text()
    assert "**The gate stops this.**" in text
    (row,) = [line for line in text.splitlines() if line.startswith("| `f16-storage`")]
    assert "1 flip" in row
    assert "| 1 | `negative -> positive` |" in text
    assert '``score,"1"\\|`<b>``' not in text.split("<details>")[1]  # only the heading names the score
    assert text.count("<details>") == text.count("</details>") == 1


def test_tables_agree_with_the_json(audited, tmp_path):
    folder = tmp_path / "deep/tables"
    assert {p.suffix for p in folder.iterdir()} == {".csv"}
    candidates = rows(folder / "candidates.csv")
    for row, candidate in zip(candidates, audited["candidates"], strict=True):
        assert row["candidate"] == candidate["program"]
        assert int(row["flips"]) == candidate["verdict"]["flips"]
        assert float(row["max_abs"]) == candidate["differences"]["max_abs"]
    (case,) = rows(folder / "cases.csv")
    assert (case["sample"], case["verdict"], float(case["candidate_score"])) == ("1", "flips", 0.5)
    assert rows(folder / "differences.csv")[0]["output"] == NAME
    assert rows(folder / "evidence.csv")


def test_reports_of_a_saved_result_are_the_same(audited, assay, tmp_path):
    assay("report", "r.json", "-o", "again.xml", "--sarif", "again.sarif", "--markdown", "again.md", "--csv", "tables",
          "--html", "again.html", code=0)
    for again, first in (("again.xml", "r.xml"), ("again.sarif", "r.sarif"), ("again.md", "r.md"),
                         ("tables/cases.csv", "deep/tables/cases.csv")):
        assert (tmp_path / again).read_bytes() == (tmp_path / first).read_bytes(), again
    for name in ("r.sarif", "again.sarif"):  # of the same model, by the same command
        (run,) = json.loads((tmp_path / name).read_text())["runs"]
        assert run["invocations"][0]["commandLine"].startswith("assay audit ")
        location = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
        assert location["uri"].endswith("/my%20model.onnx")
    again = ET.parse(tmp_path / "again.xml").getroot()
    assert again.get("failures") == "2"
    assay("report", "r.json", "-o", "none.xml", "--fail-on", "none", code=0)
    assert ET.parse(tmp_path / "none.xml").getroot().get("failures") == "0"


@pytest.mark.parametrize(("words", "part"), [
    (["-o", "report.pdf"], "says no kind of report"),
    ([], "no report to write is named"),
    (["--junit", "r.json"], "would overwrite"),
    (["--fail-on", "maybe", "-o", "r.md"], "--fail-on takes"),
])
def test_wrong_words_are_refused(audited, assay, words, part):
    assert part in assay("report", "r.json", *words, code=2).err


def test_results_of_one_model_are_told_apart_by_their_files(audited, assay, tmp_path):
    (tmp_path / "later.json").write_bytes((tmp_path / "r.json").read_bytes())
    assay("report", "r.json", "later.json", "-o", "both.xml", code=0)
    suites = ET.parse(tmp_path / "both.xml").getroot()
    assert [suite.get("name").split(": ")[0] for suite in suites] == ["r", "r", "later", "later"]


@pytest.mark.parametrize("words", [
    ["--html", "a", "--markdown", "./a"],
    ["--checkpoint", "a", "--lock", "a"],
    ["--lock", "b/../a", "--sarif", "a"],
])
def test_two_outputs_are_two_files(assay, tmp_path, words):
    """Said before anything is read."""
    (tmp_path / "b").mkdir()
    done = assay("audit", "missing.onnx", "--data", "missing.npz", "--decision", "argmax", "--candidate", "f16-storage",
                 *words, code=2)
    assert "A001" in done.err and f"{words[0]} and {words[2]} would write the same file" in done.err
    assert [p.name for p in tmp_path.iterdir()] == ["b"]


def test_devices_take_several_outputs(audited, assay):
    assay("report", "r.json", "--html", "/dev/null", "--markdown", "/dev/null", code=0)
    assert "two reports of one kind" in assay("report", "r.json", "--html", "a.html", "-o", "b.html", code=2).err


def test_what_cannot_be_written_is_said_before_the_audit(assay, tmp_path):
    (tmp_path / "file").write_text("")
    for flag, target in (("--junit", "no/such/folder/r.xml"), ("--csv", "file")):
        done = assay("audit", "missing.onnx", "--data", "missing.npz", "--decision", "argmax", "--candidate",
                     "f16-storage", flag, target, code=3)
        assert "A109" in done.err


def test_comparisons_become_markdown_and_tables(assay, save_model, save_npz, tmp_path):
    model = save_model("m.onnx", [onnx.helper.make_node("Exp", ["x"], [NAME])], {"x": (F, [3])}, {NAME: (F, [3])})
    data = save_npz("x.npz", x=np.array([0.1, 1, 3], np.float32))
    done = assay("compare", model, "--input", data, "--program", "strict-f32", "--program", "f16-storage", "--program",
                 "bf16-storage", "--max-abs", "0.01", "--json", code=1)
    (tmp_path / "c.json").write_text(done.out)
    assay("report", "c.json", "--markdown", "c.md", "--csv", "tables", code=0)
    text = (tmp_path / "c.md").read_text()
    assert "**A limit is exceeded.**" in text
    assert text.count("❌") == sum(not pair["within_limits"] for pair in done.result["pairs"]) > 0
    pairs = rows(tmp_path / "tables/pairs.csv")
    for row, pair in zip(pairs, done.result["pairs"], strict=True):
        assert (row["a"], row["b"], float(row["max_abs"])) == (pair["a"], pair["b"], pair["max_abs"])
    assert "has no decisions" in assay("report", "c.json", "--html", "c.html", code=2).err


def test_names_do_not_turn_the_text_around_them(assay, save_model, save_npz, tmp_path):
    turned = "y\u202eefas"
    model = save_model("m.onnx", [onnx.helper.make_node("Identity", ["x"], [turned])], {"x": (F, ["N"])},
                       {turned: (F, ["N"])})
    assay("audit", model, "--data", save_npz("x.npz", x=np.float32([0.49999, 2])), "--decision", "threshold:0.5",
          "--candidate", "f16-storage", "--markdown", "r.md", "--html", "r.html", "--junit", "r.xml", "--sarif",
          "r.sarif", code=1)
    for report in ("r.md", "r.html"):
        text = (tmp_path / report).read_text()
        assert "y?efas" in text and "\u202e" not in text
    assert "\u202e" not in (tmp_path / "r.xml").read_text()
    messages = [r["message"]["text"] for r in json.loads((tmp_path / "r.sarif").read_text())["runs"][0]["results"]]
    assert messages and not any("\u202e" in text for text in messages)


def test_operations_that_break_down_stand_in_the_page(assay, save_model, save_npz, tmp_path):
    """The product overflows: it breaks down, and what reads it only follows."""
    model = save_model("m.onnx", [onnx.helper.make_node("Mul", ["x", "k"], ["big"], name="overflows"),
                                  onnx.helper.make_node("Relu", ["big"], ["y"], name="reads")],
                       {"x": (F, ["N"])}, {"y": (F, ["N"])}, {"k": np.float32(70000)})
    assay("audit", model, "--data", save_npz("x.npz", x=np.float32([1, 2])), "--decision", "threshold:80000",
          "--candidate", "f16-storage", "--trace", "--html", "r.html", "--fail-on", "none", code=0)
    page = (tmp_path / "r.html").read_text()
    assert page.count('data-verdict="breaks"') == 1
    assert "<option>breaks</option>" in page and "breaks down" in page


REPAIR = {
    "goal": "no-flips", "reached": True, "reference": "strict-f32", "candidate": "f16-storage",
    "searched_program": "f16-storage",
    "before": {"searched": {"samples": 2, "flips": 1}, "held_out": {"samples": 1, "flips": 0}},
    "free_fixes": [{"kind": "threshold", "what": "decide at 0.49", "program": "f16-storage", "meets": False,
                    "searched": {"samples": 2, "flips": 1}, "held_out": {"samples": 1, "flips": 0}}],
    "kept": [1], "cost_of_float32": {"total": 500},
    "front": [{"kept": kept, "cost": {"total": cost, "bytes": cost, "multiply_adds": 0, "casts": 1, "cast_bytes": 0},
               "searched": {"samples": 2, "flips": flips}, "held_out": {"samples": 1, "flips": 0}}
              for kept, cost, flips in (([], 0, 1), ([1], 120, 0))],
    "operations": [{"id": 0, "name": "a", "node": "<first>", "type": "Mul"},
                   {"id": 1, "name": "b", "node": "", "type": "Add"}],
    "files": [{"path": "fixed.onnx", "program": "", "standing": {"samples": 3, "flips": 0}, "meets": True}],
}


def test_a_repair_stands_beside_its_audit(audited, assay, tmp_path):
    (tmp_path / "repair.json").write_text(json.dumps(REPAIR))
    assay("report", "r.json", "repair.json", "-o", "both.html", code=0)
    page = (tmp_path / "both.html").read_text()
    panel = page.split('id="audit-0-repair"')[1]
    for part in ("Add &#39;b&#39;", "fixed.onnx", "decide at 0.49", "Everything in float32 would cost 500"):
        assert part in panel, part
    assert panel.count("<circle") == 2
    assert "there is none" in assay("report", "repair.json", "-o", "both.html", code=2).err
    (tmp_path / "repair.json").write_text(json.dumps(REPAIR | {"kept": [7]}))
    assert "A304" in assay("report", "r.json", "repair.json", "-o", "both.html", code=3).err


def test_a_repair_of_another_model_stands_beside_no_audit(audited, assay, save_model, save_npz, tmp_path):
    data = save_npz("t.npz", t=np.float32([[0.1], [0.49995]]))
    models = [save_model(f"{op}.onnx", [onnx.helper.make_node(op, ["t"], ["y"])], {"t": (F, ["N", 1])},
                         {"y": (F, ["N", 1])}) for op in ("Relu", "Abs")]
    words = ["--data", data, "--decision", "threshold:0.5", "--candidate", "f16-storage", "--json"]
    (tmp_path / "other.json").write_text(assay("audit", models[0], *words).out)
    for name, model in (("same", models[0]), ("another", models[1])):
        done = assay("repair", model, *words, "--hold-out", "0")
        assert done.result["model"]
        (tmp_path / f"{name}.json").write_text(done.out)
    assay("report", "r.json", "other.json", "same.json", "-o", "both.html", code=0)
    page = (tmp_path / "both.html").read_text()
    assert 'id="audit-1-repair"' in page and 'id="audit-0-repair"' not in page  # not the first with such a candidate
    refused = assay("report", "r.json", "other.json", "another.json", "-o", "none.html", code=3)
    assert "A307" in refused.err and "another.json" in refused.err
    assert not (tmp_path / "none.html").exists()


def test_a_check_is_no_part_of_an_audit(audited, assay, tmp_path):
    """Its findings would be lost."""
    words = ["--data", "x.npz", "--decision", "threshold:0.5", "--candidate", "f16-storage", "--json"]
    assay("audit", "my model.onnx", *words, "--lock", "a.lock", code=1)
    for name in ("envelope", "result"):
        done = assay("check", "a.lock", "--json", code=0)
        (tmp_path / "c.json").write_text(done.out if name == "envelope" else json.dumps(done.result))
        refused = assay("merge", "c.json", code=3)
        assert "A307" in refused.err and "check" in refused.err and "c.json" in refused.err


OWN = """
name = "lanes"
doc = "Sums in four lanes of float16."
storage = "float16 nearest-even"
[[statement]]
match.class = ["contraction"]
set.accumulator = { kind = "lanes", lanes = 4, step = "float16 nearest-even" }
evidence.source = "this test"
evidence.certainty = "assumed"
"""


def commands_of(page):
    return [shlex.split(html.unescape(words)) for words in re.findall(r"<pre[^>]*><code>(assay .*?)</code>", page)]


def test_what_the_page_says_to_run_runs(assay, save_model, save_npz, tmp_path):
    save_model("m.onnx", [onnx.helper.make_node("MatMul", ["x", "w"], ["a"]), onnx.helper.make_node("Relu", ["a"],
               ["y"])], {"x": (F, ["N", 4])}, {"y": (F, ["N", 1])}, {"w": np.ones((4, 1), np.float32)})
    save_npz("x.npz", x=np.random.default_rng(0).random((8, 4), np.float32))
    (tmp_path / "own.toml").write_text(OWN)
    names = ["lanes", "cuda-tf32-ampere", "f16-storage", "CoreMLExecutionProvider", "m.onnx@bf16-storage"]
    candidates = [word for name in names for word in ("--candidate", name)]
    words = ["audit", "m.onnx", "--data", "x.npz", "--decision", "threshold:2", "--profile-file", "own.toml",
             "--fail-on", "none", "--json"]
    done = assay(*words, *candidates, "--html", "first.html", code=0)
    (tmp_path / "r.json").write_text(done.out)
    assay("report", "r.json", "--html", "later.html", code=0)
    kept = assay(*words, *candidates[:4], "--keep", "a", "--html", "kept.html", code=0)
    (tmp_path / "kept.json").write_text(kept.out)
    assay("report", "kept.json", "--html", "kept later.html", code=0)
    for name, count in (("first", 11), ("later", 11), ("kept", 3), ("kept later", 3)):
        commands = commands_of((tmp_path / f"{name}.html").read_text())
        assert len(commands) == count, commands
        for command in commands:
            assay(*command[1:], code=0)
    written = [command for command in commands_of((tmp_path / "later.html").read_text()) if "--emit-onnx" in command]
    assert [command[4] for command in written] == ["f16-storage", "CoreMLExecutionProvider", "bf16-storage"]


def test_what_a_merged_page_says_to_run_is_made_of_words(assay, save_model, save_npz, tmp_path):
    """What is not known is left to the reader, in capitals."""
    save_model("m.onnx", [onnx.helper.make_node("Relu", ["x"], ["y"], name="first")], {"x": (F, ["N"])},
               {"y": (F, ["N"])})
    (tmp_path / "own.toml").write_text(OWN)
    for i in range(2):
        save_npz("x.npz", x=np.float32([1, 2]))
        done = assay("audit", "m.onnx", "--data", "x.npz", "--decision", "threshold:0.5", "--candidate", "lanes",
                     "--candidate", "f16-storage", "--profile-file", "own.toml", "--keep", "first", "--first-sample",
                     2 * i, "--json", code=0)
        (tmp_path / f"{i}.json").write_text(done.out)
    (tmp_path / "merged.json").write_text(assay("merge", "0.json", "1.json", "--json", code=0).out)
    assay("report", "merged.json", "--html", "merged.html", code=0)
    audit, show, other = commands_of((tmp_path / "merged.html").read_text())
    assert audit[audit.index("--candidate"):] == ["--candidate", "lanes", "--candidate", "f16-storage",
                                                  "--profile-file", "PROFILE.toml", "--keep", "first"]
    assert show == ["assay", "profiles", "show", "lanes", "--profile-file", "PROFILE.toml"]
    assert other == ["assay", "profiles", "show", "f16-storage"]


def test_who_is_to_blame_stands_in_the_reports(assay, save_model, save_npz, tmp_path):
    nodes = [onnx.helper.make_node("Identity", ["x"], ["i"]), onnx.helper.make_node("Relu", ["i"], ["y"])]
    model = save_model("m.onnx", nodes, {"x": (F, ["N", 1])}, {"y": (F, ["N", 1])})
    data = save_npz("x.npz", x=np.array([[0.1], [0.49995], [0.9]], np.float32))
    done = assay("audit", model, "--data", data, "--decision", "threshold:0.5", "--candidate", "f16-storage", "--blame",
                 "--trace", "--markdown", "r.md", "--junit", "r.xml", "--csv", "t", "--json", code=1)
    (sample,) = done.result["candidates"][0]["blame"]["samples"]
    assert sample["undo"] or sample["smallest"]  # else this tests nothing
    assert "in float32 undoes it" in (tmp_path / "r.xml").read_text()
    assert "| to blame |" in (tmp_path / "r.md").read_text()
    assert len(rows(tmp_path / "t/operations.csv")) == len(done.result["candidates"][0]["trace"]["ops"])
    assert rows(tmp_path / "t/blame.csv")


def test_a_real_repair_is_read(audited, assay, tmp_path):
    done = assay("repair", "my model.onnx", "--data", "x.npz", "--decision", "threshold:0.5", "--candidate",
                 "f16-storage", "--hold-out", "0", "--json")
    (tmp_path / "repair.json").write_text(done.out)
    assay("report", "r.json", "repair.json", "-o", "both.html", code=0)
    panel = (tmp_path / "both.html").read_text().split('id="audit-0-repair"')[1]
    assert panel.count("<circle") == len(done.result["front"]) > 0
    assert ("not reached" in panel) != done.result["reached"]
