"""What a command can do, one call can do: the same results as the command line, from files or from memory."""
import dataclasses
import inspect as reflection
import json
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import assay

ROOT = Path(__file__).resolve().parents[3]


def test_the_article_in_python(mlp, article_input, article_outputs):
    model = assay.load(mlp)
    for profile, expected in article_outputs.items():
        assert np.array_equal(model.run(article_input, profile=profile)["output"], expected)
    prints = assay.fingerprint(model.run(article_input, profile="coreml-nn-gpu"))
    assert prints["output"].format == "float16"
    assert prints["output"].evidence_bits == 39
    assert assay.fingerprint(model.run(article_input))["output"].format == "float32"


def test_models_come_as_paths_bytes_and_protos(mlp, article_input, article_outputs, tmp_path):
    proto = onnx.load(mlp)
    for source in (mlp, proto, proto.SerializeToString(), assay.load(mlp)):
        result = assay.run(source, article_input, "coreml-nn-gpu")
        assert np.array_equal(result.arrays["output"], article_outputs["coreml-nn-gpu"])
        assert result.emulated
    with pytest.raises(TypeError, match="a model is a path, bytes"):
        assay.load(3)


def test_run_writes_what_it_returns(mlp, tmp_path):
    result = assay.run(mlp, random=3, output=tmp_path / "out.npz")
    assert np.array_equal(np.load(tmp_path / "out.npz")["output"], result.arrays["output"])
    assert result.written == str(tmp_path / "out.npz")


def test_compare_tells_pairs_and_limits(mlp, article_input):
    result = assay.compare(mlp, article_input, ["strict-f32", "coreml-nn-gpu"], max_abs=1e-6)
    assert not result.passed
    assert not result.within_limits
    assert result.pairs[0].max_abs == 0.0003751516342163086
    assert [p.lattice.format for p in result.programs] == ["float32", "float16"]
    assert assay.compare(mlp, article_input, ["strict-f32", "strict-f32"], max_ulp=0).passed


def test_results_are_those_of_the_command_line(assay_cli, mlp, tmp_path):
    rng = np.random.default_rng(5)
    data = {"input": rng.standard_normal((64, 4)).astype(np.float32)}
    labels = rng.integers(0, 3, 64)
    np.savez(tmp_path / "x.npz", **data)
    np.save(tmp_path / "y.npy", labels)
    shown = assay_cli("audit", mlp, "--data", tmp_path / "x.npz", "--labels", tmp_path / "y.npy",
                      "--decision", "argmax", "--candidate", "coreml-nn-gpu", "--candidate", "bf16-storage", "--json",
                      "--fail-on", "none")
    options = {"decision": "argmax", "candidates": ["coreml-nn-gpu", "bf16-storage"], "fail_on": "none"}
    for given in ((data, labels), (tmp_path / "x.npz", tmp_path / "y.npy"), (data, labels.astype(float).tolist())):
        result = assay.audit(mlp, *given, **options)
        assert json.loads(result.to_json()) == json.loads(shown)["result"]


def test_an_audit_is_the_merge_of_its_parts(mlp, tmp_path):
    x = np.random.default_rng(1).standard_normal((50, 4)).astype(np.float32)
    options = {"decision": "argmax", "candidates": "bf16-storage", "fail_on": "none"}
    whole = assay.audit(mlp, {"input": x}, **options)
    parts = [assay.audit(mlp, {"input": x[a:b]}, first_sample=a, **options) for a, b in ((20, 50), (0, 20))]
    assert assay.merge(parts).to_json() == whole.to_json()
    assert assay.merge([part.to_json() for part in parts]) == assay.merge(parts)
    with pytest.raises(assay.AssayError) as missing:
        assay.merge(parts[:1] * 2)
    assert missing.value.code == "A307"
    assay.report(parts, tmp_path / "page.html", titles=["first", "second"])
    assert "second" in (tmp_path / "page.html").read_text()
    assert "<html" in whole.to_html()
    assert "bf16-storage" in whole._repr_html_()


def test_reports_of_a_result_are_those_of_the_command(mlp, tmp_path, assay_cli, monkeypatch):
    """They know the model, its data and the command."""
    monkeypatch.chdir(tmp_path)
    np.savez("x.npz", input=np.random.default_rng(1).standard_normal((20_000, 4)).astype(np.float32))
    assay_cli("audit", mlp, "--data", "x.npz", "--decision", "threshold:0.5", "--score", "index(output, 0)",
              "--candidate", "bf16-storage", "--fail-on", "none", "--lock", "a.lock", "--html", "cli.html", "--sarif",
              "cli.sarif", "--markdown", "cli.md")
    options = {"decision": "threshold:0.5", "score": "index(output, 0)", "candidates": "bf16-storage"}
    audited = assay.audit(mlp, "x.npz", fail_on="none", **options)
    assert audited.candidates[0].verdict.flips > 0  # else no finding has a place
    assay.report([audited], "py.html", sarif="py.sarif", markdown="py.md", fail_on="none")
    for kind in ("html", "sarif", "md"):
        assert (tmp_path / f"py.{kind}").read_bytes() == (tmp_path / f"cli.{kind}").read_bytes(), kind
    assert "assay audit MODEL" not in audited.to_html()
    assay.report([assay.check("a.lock")], junit="held.xml")  # its contract has fail_on = "none"
    assert 'failures="0"' in (tmp_path / "held.xml").read_text().splitlines()[1]
    assay.report([assay.check("a.lock").audit], markdown="checked.md")
    assert (tmp_path / "checked.md").read_text().splitlines()[0] == (tmp_path / "py.md").read_text().splitlines()[0]
    unnamed = assay.audit(Path(mlp).read_bytes(), "x.npz", fail_on="none", **options)
    assert unnamed == audited
    assay.report([unnamed], markdown="unnamed.md")  # not by the temporary file
    assert "audit 1" in (tmp_path / "unnamed.md").read_text().splitlines()[0]


def test_tables(mlp):
    x = np.random.default_rng(1).standard_normal((200, 4)).astype(np.float32)
    result = assay.audit(mlp, {"input": x}, decision="threshold:0.5", score="index(output, 0)", fail_on="none",
                         candidates=["coreml-nn-gpu", "bf16-storage"])
    table = result.to_pandas()
    assert list(table.program) == ["coreml-nn-gpu", "bf16-storage"]
    assert (table.safe + table.at_risk + table.flips == 200).all()
    cases = result.to_pandas("cases")
    assert len(cases) == (table.at_risk + table.flips).sum()
    assert {"sample", "reference_score", "verdict"} <= set(cases.columns)
    with pytest.raises(ValueError, match="the tables are"):
        result.to_pandas("flops")


def test_convert_and_inspect(mlp, tmp_path):
    with pytest.warns(assay.AssayWarning, match="A207"):
        assay.convert(mlp, tmp_path / "m.mlmodel")
    written = assay.convert(mlp, tmp_path / "m.mlpackage")
    assert written.format == "ML Program"
    assert written.operations == {"linear": 1}
    network, program = assay.inspect(tmp_path / "m.mlmodel"), assay.inspect(tmp_path / "m.mlpackage")
    assert (network.format, program.format) == ("Core ML NeuralNetwork", "Core ML ML Program")
    assert program.values == {"typed": 1, "unstated": 0}
    assert assay.diff(tmp_path / "m.mlpackage", tmp_path / "m.mlpackage").differences == []
    resolved = assay.inspect(mlp, "coreml-nn-gpu", full=True, emit_onnx=tmp_path / "resolved.onnx")
    assert "float16" in resolved.program
    assert onnx.load(tmp_path / "resolved.onnx").graph.node


def test_words_and_files_that_are_wrong(mlp, article_input):
    with pytest.raises(assay.UsageError) as wrong:
        assay.load(mlp).run(article_input, profile="coreml-nn-gpo")
    assert wrong.value.code == "A002"
    assert "did you mean 'coreml-nn-gpu'" in str(wrong.value)
    assert isinstance(wrong.value, ValueError)
    with pytest.raises(assay.AssayError) as missing:
        assay.load("nothing.onnx")
    assert (missing.value.code, missing.value.where) == ("A101", "nothing.onnx")
    wrong_inputs = {
        "A301": {"inputs": article_input["input"]},
        "A302": {"input": np.zeros((1, 5), np.float32)},
        "A303": {"input": np.zeros((1, 4))},
    }
    for code, inputs in wrong_inputs.items():
        with pytest.raises(assay.AssayError) as bad:
            assay.load(mlp).run(inputs)
        assert bad.value.code == code
    with pytest.raises(assay.AssayError) as labels:
        assay.audit(mlp, article_input, [0.5], decision="argmax", candidates="coreml-nn-gpu")
    assert labels.value.code == "A306"
    with pytest.raises(TypeError, match="data is a path or a mapping"):
        assay.audit(mlp, article_input["input"], decision="argmax", candidates="coreml-nn-gpu")


def test_what_there_is():
    names = [profile.name for profile in assay.profiles().profiles]
    assert sorted(names) == sorted(assay.profile_names())
    assert assay.profile("coreml-nn-gpu").variants[0].statements
    assert assay.ops("Conv").rows[0]["name"] == "Conv"
    assert len(assay.explain().rows) > 30
    assert assay.explain("A201").rows[0]["code"] == "A201"


def test_benches(mlp):
    assert len(assay.bench_run(mlp, random=1, repeat=3).wall_ms) == 3
    assert assay.bench_peak(threads=1).gflops > 0
    result = assay.bench_ops("^(Relu|Clip)$", repeat=2)
    assert [o.name for o in result.operators] == ["Relu", "Clip"]
    assert all(len(o.ms) == 2 and o.median_ms > 0 for o in result.operators)
    assert result.passed


def test_every_command_of_the_command_line_is_a_function(assay_cli):
    """Later commands arrive in both."""
    listed = [line.split()[0] for line in assay_cli("--help").splitlines() if line.startswith("  ") and line.strip()]
    commands = [word for word in listed if word.isalpha() and word.islower() and word != "assay"]
    assert {"audit", "bench", "run"} <= set(commands)
    for command in commands:
        functions = [name for name in assay.__all__ if name.split("_")[0] == command]
        assert functions, f"`assay {command}` is no function of the package"
        assert all(reflection.getdoc(getattr(assay, name)) for name in functions)


def test_progress_is_told(mlp):
    told = []
    x = np.random.default_rng(1).standard_normal((500, 4)).astype(np.float32)
    assay.audit(mlp, {"input": x}, decision="argmax", candidates="bf16-storage", fail_on="none",
                progress=lambda what, done, total: told.append((what, done, total)))
    assert told[-1] == ("samples", 500, 500)


def keys_without_field(value, result, path=""):
    """Keys of a command's JSON that the dataclass does not have."""
    if dataclasses.is_dataclass(result):
        fields = {f.name for f in dataclasses.fields(result)}
        for key, inner in value.items():
            if key not in fields:
                yield f"{path}.{key}"
            else:
                yield from keys_without_field(inner, getattr(result, key), f"{path}.{key}")
    elif isinstance(result, list) and isinstance(value, list):
        for inner, part in zip(value, result, strict=True):
            yield from keys_without_field(inner, part, path)


def test_every_key_of_the_json_is_a_field(mlp, article_input, tmp_path):
    x = np.random.default_rng(2).standard_normal((40, 4)).astype(np.float32)
    np.savez(tmp_path / "out.npz", **assay.load(mlp).run({"input": x[:1]}))
    options = {"candidates": ["coreml-nn-gpu", "bf16-storage"], "fail_on": "none"}
    results = [
        assay.audit(mlp, {"input": x}, [0] * 40, decision="argmax", **options),
        assay.audit(mlp, {"input": x}, [0] * 40, decision="threshold:0.5", score="index(output, 0)", **options),
        assay.compare(mlp, article_input, ["strict-f32", "coreml-nn-gpu"]),
        assay.compare(mlp, article_input, ["strict-f32", "coreml-nn-gpu"], trace=True),
        assay.fingerprint(tmp_path / "out.npz"), assay.inspect(mlp), assay.inspect(mlp, "CoreMLExecutionProvider"),
        assay.convert(mlp, tmp_path / "m.mlpackage"), assay.run(mlp, article_input), assay.profile("coreml-nn-gpu"),
        assay.bench_run(mlp, random=1, repeat=1), assay.bench_peak(size=64), assay.bench_matmul(size=64, repeat=1),
        assay.bench_ops("^Relu$", repeat=1),
    ]
    for result in results:
        assert list(keys_without_field(json.loads(result.to_json()), result)) == [], type(result).__name__


def test_defaults_and_unknown_names():
    ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [3]) for n in ("x", "b", "y")]
    ones = numpy_helper.from_array(np.ones(3, np.float32), "b")
    graph = helper.make_graph([helper.make_node("Add", ["x", "b"], ["y"])], "g", ports[:2], ports[2:], [ones])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    x, zeros = np.ones(3, np.float32), np.zeros(3, np.float32)
    loaded = assay.load(model)
    assert loaded.run({"x": x})["y"].tolist() == [2, 2, 2]
    assert loaded.run({"x": x, "b": zeros})["y"].tolist() == [1, 1, 1]
    assert assay.run(model, {"x": x, "b": zeros}).arrays["y"].tolist() == [1, 1, 1]
    with pytest.raises(assay.AssayError, match="there is no input 'c'"):
        loaded.run({"x": x, "c": zeros})
    with pytest.raises(assay.UsageError, match="there is no variant 'zz'"):
        loaded.run({"x": x}, variant="zz")


def test_words_that_are_no_lists(mlp, article_input):
    with pytest.raises(assay.UsageError, match="at least two"):
        assay.compare(mlp, article_input, "coreml-nn-gpu")
    for wrong in ({"threads": -1}, {"threads": 2000}, {"first_sample": -1}):
        with pytest.raises(assay.UsageError):
            assay.audit(mlp, article_input, decision="argmax", candidates="cpu-f32", **wrong)
    with pytest.raises(assay.AssayError, match="A306"):
        assay.audit(mlp, article_input, [2**64 - 1], decision="argmax", candidates="cpu-f32")
    with pytest.raises(TypeError, match="named by text"):
        assay.compare(mlp, {1: article_input["input"]}, ["strict-f32", "cpu-f32"])


def test_warnings_point_at_the_caller_and_notes_are_none(mlp, article_input):
    lowering = "CoreMLExecutionProvider"
    for call in (lambda: assay.compare(mlp, article_input, ["strict-f32", lowering]),
                 lambda: assay.load(mlp).compare(article_input, ["strict-f32", lowering])):
        with pytest.warns(assay.AssayWarning, match="A201") as told:
            call()
        assert {warning.filename for warning in told} == {__file__}
    with warnings.catch_warnings():
        warnings.simplefilter("error", assay.AssayWarning)  # as --strict
        warnings.simplefilter("ignore", assay.AssayNote)
        assay.compare(mlp, article_input, ["strict-f32", lowering + ":ModelFormat=MLProgram"])
        with pytest.raises(assay.AssayWarning):
            assay.compare(mlp, article_input, ["strict-f32", lowering])


def test_inner_values(mlp, article_input):
    model = ROOT / "examples/garments/garments.onnx"
    result = assay.run(model, random=1, intermediates=True)
    assert len(result.arrays) > 5


def test_a_contract_is_checked(mlp, tmp_path, monkeypatch, assay_cli):
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(1).standard_normal((50, 4)).astype(np.float32)
    np.savez("x.npz", input=x)
    audited = assay.audit(mlp, "x.npz", decision="argmax", candidates="bf16-storage", fail_on="none", lock="a.lock",
                          checkpoint="c.json", markdown="r.md", csv="tables")
    assert (tmp_path / "tables/cases.csv").exists()
    result = assay.check("a.lock")
    assert result.passed
    assert result.holds
    assert result.audit.to_json() == audited.to_json()
    assert json.loads(result.to_json()) == json.loads(assay_cli("check", "a.lock", "--json"))["result"]
    np.savez("x.npz", input=x[:49])
    broken = assay.check("a.lock", junit="r.xml")
    assert not broken.passed
    assert {finding.rule for finding in broken.findings} == {"data-changed"}
    assert "there were 50 samples and are 49" in (tmp_path / "r.xml").read_text()
    updated = assay.check("a.lock", update=True)
    assert updated.updated
    assert updated.fail_on == "none"
    assert updated.allowed == [sorted(c.sample for c in (*one.flips, *one.at_risk)) for one in updated.audit.candidates]
    assert assay.check("a.lock").holds
    kept = assay.audit(mlp, "x.npz", decision="argmax", candidates="bf16-storage", fail_on="none", keep="output")
    assert kept.candidates[0].differences.max_abs < audited.candidates[0].differences.max_abs
    with pytest.raises(assay.UsageError):
        assay.audit(mlp, {"input": x}, decision="argmax", candidates="bf16-storage", lock="b.lock")
    with pytest.raises(assay.UsageError):
        assay.report([audited])


def test_margins_and_proofs_as_the_command_gives_them(mlp, tmp_path, assay_cli):
    x = np.random.default_rng(7).normal(size=(30, 4)).astype(np.float32)
    np.savez(tmp_path / "x.npz", input=x)
    found = assay.audit(mlp, {"input": x}, decision="ranking", candidates="bf16-storage", fail_on="none", expect=70,
                        proof=True)  # fmt: skip
    shown = json.loads(assay_cli("audit", mlp, "--data", tmp_path / "x.npz", "--decision", "ranking", "--candidate",
                                 "bf16-storage", "--expect", "70", "--proof", "--fail-on", "none", "--json"))
    assert json.loads(found.to_json()) == shown["result"]
    forecast = found.candidates[0].forecast
    assert forecast.expected.samples == found.expect == 70
    assert forecast.expected.low <= forecast.expected.flips <= forecast.expected.high
    assert forecast.proof.proved + forecast.proof.unproved == 30
    assert forecast.proof.proved > 0
    with pytest.raises(assay.UsageError):
        assay.audit(mlp, {"input": x}, decision="ranking", candidates="bf16-storage", expect=-1)
