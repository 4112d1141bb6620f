"""Words and places around Core ML files: what may be written where, shapes, precisions, and what inspect compares."""
import shutil

import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper

PARTS = ("Manifest.json", "Data/com.apple.CoreML/model.mlmodel", "Data/com.apple.CoreML/weights/weight.bin")


@pytest.fixture
def dense(save_model):
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], name="dense")]
    return save_model("dense.onnx", nodes, {"x": (T.FLOAT, ["N", 4])}, {"y": (T.FLOAT, ["N", 8])},
                      {"w": np.arange(32, dtype=np.float32).reshape(4, 8)})


@pytest.fixture
def pair(save_model):
    """Two inputs that share a dimension."""
    nodes = [helper.make_node("Concat", ["x", "y"], ["z"], axis=1)]
    return save_model("pair.onnx", nodes, {"x": (T.FLOAT, ["N", 4]), "y": (T.FLOAT, ["N", 2])},
                      {"z": (T.FLOAT, ["N", 6])})


def inputs_of(assay, model):
    result = assay("inspect", model, "--json", code=0).result
    return {v["name"]: v["type"] for v in result["inputs"]}, result["notes"]


def test_packages_are_written_under_a_name_with_a_slash(assay, dense, tmp_path):
    assay("convert", dense, "-o", f"{tmp_path}/dense.mlpackage/", "--input", "x:1x4", code=0)
    assert (tmp_path / "dense.mlpackage" / "Manifest.json").is_file()


@pytest.mark.parametrize("part", PARTS)
def test_a_package_that_is_read_is_not_written_into(assay, dense, tmp_path, part):
    package = tmp_path / "dense.mlpackage"
    assay("convert", dense, "-o", package, "--input", "x:1x4", code=0)
    before = [(package / p).read_bytes() for p in PARTS]
    np.savez(tmp_path / "x.npz", x=np.zeros((1, 4), np.float32))
    words = ["run", package, "--input", tmp_path / "x.npz", "--output", package / part]
    assert "would overwrite" in assay(*words, code=2).err
    assert [(package / p).read_bytes() for p in PARTS] == before


def test_a_package_is_not_replaced_by_what_its_own_model_becomes(assay, dense, tmp_path):
    package = tmp_path / "dense.mlpackage"
    assay("convert", dense, "-o", package, "--input", "x:1x4", code=0)
    done = assay("convert", package / PARTS[1], "-o", package, code=2)
    assert "would overwrite MODEL" in done.err


@pytest.mark.parametrize(("words", "code", "message"), [
    (["-o", "m.onnx", "--target", "iOS15"], 2, "--target is for Core ML"),
    (["-o", "m.onnx", "--precision", "float16"], 2, "--precision is for ML Programs"),
    (["-o", "m.mlpackage", "--input", "x:1..x4"], 2, "upper bound"),
    (["-o", "m.mlpackage", "--input", "x:1x4,1x4"], 2, "twice"),
    (["-o", "m.mlpackage", "--input", "x:" + ",".join(f"{n}x4" for n in range(1, 130))], 3, "at most 128"),
])
def test_wishes_that_cannot_be_met_are_refused(assay, dense, tmp_path, words, code, message):
    assert message in assay("convert", dense, *words, code=code).err
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith("m.")] == []


@pytest.mark.parametrize(("target", "version"), [("iPadOS16", 7), ("visionOS1", 8), ("visionOS2", 9), ("tvOS15", 6)])
def test_targets_have_every_system_s_name(assay, dense, tmp_path, target, version):
    done = assay("convert", dense, "-o", tmp_path / "m.mlpackage", "--target", target, "--json", code=0)
    assert done.result["specification_version"] == version


def test_a_mistyped_operation_of_a_precision_file_is_an_error(assay, dense, tmp_path):
    def convert(key, word, code):
        text = f'default = "float16"\n[[operation]]\n{key} = "{word}"\nprecision = "float32"\n'
        (tmp_path / "mixed.toml").write_text(text)
        return assay("convert", dense, "-o", tmp_path / "m.mlpackage", "--precision",
                     f"mixed:{tmp_path}/mixed.toml", code=code).err

    assert "did you mean 'dense'?" in convert("name", "dence", 3)
    assert "did you mean 'MatMul'?" in convert("type", "MatMull", 3)
    convert("name", "dense", 0)
    convert("type", "Softmax", 0)  # one file may serve several models


def test_a_shared_dimension_is_one_dimension(assay, pair, tmp_path):
    package = tmp_path / "m.mlpackage"
    assay("convert", pair, "-o", package, "--input", "x:2x4", code=0)
    assert inputs_of(assay, package)[0] == {"x": "float32[2, 4]", "y": "float32[2, 2]"}
    done = assay("convert", pair, "-o", package, "--input", "x:3..5x4", code=0)
    assert "A115" not in done.err
    types, notes = inputs_of(assay, package)
    assert types == {"x": "float32[3, 4]", "y": "float32[3, 2]"}
    assert notes == ["x may be [3..5, 4]", "y may be [3..5, 2]"]
    assert "gets two sizes" in assay("convert", pair, "-o", package, "--input", "x:3..5x4", "--input", "y:2x2",
                                     code=2).err


def test_enumerated_shapes_of_two_inputs(assay, pair, tmp_path):
    package = tmp_path / "m.mlpackage"
    both = ["--input", "x:3x4,5x4", "--input", "y:3x2,5x2"]
    assert "which enumerates it" in assay("convert", pair, "-o", package, *both[:2], code=2).err
    assert "iOS18" in assay("convert", pair, "-o", package, *both, code=3).err
    assert not package.exists()
    assay("convert", pair, "-o", package, *both, "--target", "iOS18", code=0)
    assert inputs_of(assay, package)[1] == ["x may be one of [3, 4] [5, 4]", "y may be one of [3, 2] [5, 2]"]


@pytest.mark.parametrize(("shape", "note"), [("x:2..7x4", "x may be [2..7, 4]"),
                                             ("x:2x4,7x4", "x may be one of [2, 4] [7, 4]")])
def test_flexible_shapes_survive_from_one_format_to_the_other(assay, dense, tmp_path, shape, note):
    assay("convert", dense, "-o", tmp_path / "a.mlmodel", "--input", shape, code=0)
    done = assay("convert", tmp_path / "a.mlmodel", "-o", tmp_path / "b.mlpackage", code=0)
    assert "A115" not in done.err
    assert note in inputs_of(assay, tmp_path / "b.mlpackage")[1]


def difference(assay, a, b):
    return [(d["kind"], d["where"]) for d in assay("inspect", a, "--diff", b, "--json", code=0).result["differences"]]


@pytest.mark.parametrize("ending", ["onnx", "mlmodel", "mlpackage"])
def test_exchanged_operands_are_a_difference(assay, save_model, tmp_path, ending):
    files = []
    for name, inputs in (("ab", ["a", "b"]), ("ba", ["b", "a"])):
        model = save_model(f"{name}.onnx", [helper.make_node("Sub", inputs, ["y"])],
                           {"a": (T.FLOAT, [4]), "b": (T.FLOAT, [4])}, {"y": (T.FLOAT, [4])})
        files.append(tmp_path / f"{name}.{ending}")
        if ending != "onnx":
            assay("convert", model, "-o", files[-1], code=0)
    assert difference(assay, *files) == [("inputs of", "y")]
    assert difference(assay, files[0], files[0]) == []


def test_types_are_compared_whatever_their_spelling(assay, dense, tmp_path):
    assay("convert", dense, "-o", tmp_path / "m.mlpackage", "--input", "x:1x4", code=0)
    assay("convert", tmp_path / "m.mlpackage", "-o", tmp_path / "m.onnx", code=0)
    kinds = [kind for kind, _ in difference(assay, tmp_path / "m.onnx", tmp_path / "m.mlpackage")]
    assert "type" not in kinds and "input" not in kinds and "format" in kinds


def test_an_onnx_file_with_a_core_ml_name_is_told(assay, dense, tmp_path):
    shutil.copy(dense, tmp_path / "m.mlmodel")
    for command, *more in (("inspect",), ("run", "--random", 1), ("convert", "-o", "n.onnx")):
        said = assay(command, "m.mlmodel", *more, code=3).err
        assert "error A102: holds no kind of model that Core ML has" in said and "ONNX files are called .onnx" in said


@pytest.mark.parametrize("version", [11, 255])
def test_versions_to_come_are_not_guessed_at(assay, tmp_path, version):
    model = pytest.importorskip("coremltools").proto.Model_pb2.Model(specificationVersion=version)
    model.neuralNetwork.layers.add(name="f", input=["x"], output=["y"]).activation.ReLU.SetInParent()
    (tmp_path / "m.mlmodel").write_bytes(model.SerializeToString())
    said = assay("run", "m.mlmodel", "--random", 1, code=3).err
    assert f"error A108: specification version {version} is newer than those that are known, 1 to 10" in said


@pytest.fixture
def renamed(save_model, assay, tmp_path):
    """A model whose names Core ML does not allow, and its package: in_a and var_0out there."""
    nodes = [helper.make_node("Mul", ["in/a", "in_b"], ["0out"]), helper.make_node("Neg", ["0out"], ["second"])]
    model = save_model("renamed.onnx", nodes, {"in/a": (T.FLOAT, ["N", 1]), "in_b": (T.FLOAT, ["N", 1])},
                       {"0out": (T.FLOAT, ["N", 1]), "second": (T.FLOAT, ["N", 1])})
    assay("convert", model, "-o", tmp_path / "renamed.mlpackage", code=0)
    values = np.linspace(-1, 1, 8, dtype=np.float32)[:, None]
    np.savez(tmp_path / "original.npz", **{"in/a": values, "in_b": values + 1})
    np.savez(tmp_path / "own.npz", in_a=values, in_b=values + 1)
    return model, tmp_path / "renamed.mlpackage"


@pytest.mark.parametrize("data", ["original.npz", "own.npz"])
@pytest.mark.parametrize("output", ["0out", "var_0out"])
def test_audits_take_a_file_s_own_names_and_the_original_ones(assay, renamed, tmp_path, data, output):
    model, package = renamed
    audit = ["audit", package, "--data", tmp_path / data, "--decision", "threshold:0.5", "--reference", "cpu-f32",
             "--candidate", "strict-f32", "--candidate", f"{model}@cpu-f32", "--json"]
    done = assay(*audit, "--output", output, code=0)
    assert done.json["warnings"] == [] and done.result["samples"] == 8
    assert assay(*audit, "--score", f"max('{output}')", code=0).result["samples"] == 8
    assert assay("compare", package, "--input", tmp_path / data, "--program", "cpu-f32", "--program",
                 f"{model}@cpu-f32", "--json", code=0).json["warnings"] == []


def test_recordings_of_a_device_bear_the_file_s_own_names(assay, renamed, tmp_path):
    model, package = renamed
    assay("run", model, "--input", tmp_path / "original.npz", "--output", tmp_path / "out.npz", code=0)
    outputs = np.load(tmp_path / "out.npz")
    np.savez(tmp_path / "device.npz", second=outputs["second"], var_0out=outputs["0out"])
    done = assay("audit", package, "--data", tmp_path / "own.npz", "--decision", "threshold:0.5", "--output", "0out",
                 "--reference", "cpu-f32", "--candidate", f"recorded:{tmp_path}/device.npz", "--json", code=0)
    assert [w["code"] for w in done.json["warnings"]] == ["A312"]  # it does not say which model it is of: no A308
    assert done.result["candidates"][0]["flips"] == []


def test_shapes_are_given_under_either_name(assay, renamed, tmp_path):
    for name in ("in/a", "in_a"):
        assay("convert", renamed[1], "-o", tmp_path / "fixed.mlmodel", "--input", f"{name}:3x1", code=0)
        assert inputs_of(assay, tmp_path / "fixed.mlmodel")[0]["in_a"] == "float32[3, 1]"


def test_legal_names_stay_beside_those_that_become_like_them(assay, save_model, tmp_path):
    model = save_model("m.onnx", [helper.make_node("Sub", ["a/b", "a_b"], ["a.b"])],
                       {"a/b": (T.FLOAT, [1]), "a_b": (T.FLOAT, [1])}, {"a.b": (T.FLOAT, [1])})
    assay("convert", model, "-o", tmp_path / "m.mlpackage", code=0)
    assert list(inputs_of(assay, tmp_path / "m.mlpackage")[0]) == ["a_b_0", "a_b"]
    for names in (("a/b", "a_b"), ("a_b_0", "a_b")):
        np.savez(tmp_path / "x.npz", **{names[0]: np.float32([5]), names[1]: np.float32([2])})
        assay("run", tmp_path / "m.mlpackage", "--input", tmp_path / "x.npz", "--output", tmp_path / "y.npz", code=0)
        assert np.load(tmp_path / "y.npz")["a.b"] == [3]


def test_a_missing_weight_file_is_named_once(assay, dense, tmp_path):
    package = tmp_path / "m.mlpackage"
    assay("convert", dense, "-o", package, "--input", "x:1x4", code=0)
    shutil.copy(package / PARTS[1], tmp_path / "alone.mlmodel")
    error = assay("inspect", tmp_path / "alone.mlmodel", "--json", code=3).json["error"]
    assert (error["code"], error["where"]) == ("A110", str(tmp_path / "alone.mlmodel"))
    (package / PARTS[2]).unlink()
    error = assay("inspect", package, "--json", code=3).json["error"]
    assert error["where"] == str(package) and "weights/weight.bin'" in error["message"]


@pytest.mark.parametrize("ending", ["mlpackage", "mlmodel"])
def test_arrays_of_doubles_around_float32_layers(assay, tmp_path, ending):
    """coremltools' NeuralNetworkBuilder declares them unless told otherwise."""
    ct = pytest.importorskip("coremltools")
    kinds = ct.models.datatypes
    builder = ct.models.neural_network.NeuralNetworkBuilder([("x", kinds.Array(4))], [("y", kinds.Array(2))],
                                                            disable_rank5_shape_mapping=True)
    weight = np.arange(8, dtype=np.float32).reshape(2, 4) / 3
    builder.add_inner_product("ip", weight, None, 4, 2, False, "x", "y")
    ct.models.utils.save_spec(builder.spec, str(tmp_path / "doubles.mlmodel"))
    typed = tmp_path / f"typed.{ending}"
    done = assay("convert", tmp_path / "doubles.mlmodel", "-o", typed, "--json", code=0)
    assert done.result["float64_as_float32"] == ["x", "y"]
    assert inputs_of(assay, typed)[0] == {"x": "float32[4]"}
    x = np.float32([0.1, 0.2, -0.3, 0.7])
    np.savez(tmp_path / "wide.npz", x=x.astype(np.float64))
    np.savez(tmp_path / "x.npz", x=x)
    assay("run", tmp_path / "doubles.mlmodel", "--input", tmp_path / "wide.npz", "--output", tmp_path / "a.npz", code=0)
    assay("run", typed, "--input", tmp_path / "x.npz", "--output", tmp_path / "b.npz", code=0)
    assert np.array_equal(np.load(tmp_path / "a.npz")["y"], np.load(tmp_path / "b.npz")["y"])


@pytest.mark.parametrize("name", ["m.mlpackage", "m.mlmodel"])
def test_models_without_inputs_need_ios18(assay, save_model, tmp_path, name):
    model = save_model("none.onnx", [helper.make_node("Add", ["a", "b"], ["y"])], {}, {"y": (T.FLOAT, [3])},
                       {"a": np.float32([1, 2, 3]), "b": np.float32([4, 5, 6])})
    refused = assay("convert", model, "-o", tmp_path / name, "--target", "iOS17", code=3).err
    assert "no inputs, which Core ML allows from iOS18 on" in refused
    for words in ((), ("--target", "iOS18")):
        said = assay("convert", model, "-o", tmp_path / name, *words, "--json", code=0).result
        assert said["specification_version"] == 9
        assay("run", tmp_path / name, "--output", tmp_path / "out.npz", code=0)
        with np.load(tmp_path / "out.npz") as out:
            np.testing.assert_array_equal(out["y"], np.float32([5, 7, 9]))


def test_sentences_agree_in_number(assay, dense, tmp_path):
    done = assay("convert", dense, "-o", "m.mlpackage", "--input", "x:1x4", code=0)
    assert "specification version 6 (ML Programs need 6)" in done.out
    text = assay("inspect", "m.mlpackage", code=0).out
    assert "(ML Programs need 6)" in text and "\n  1 operation: 1 linear\n" in text
    assert "1 tensor, 128 bytes" in assay("inspect", dense, code=0).out
    done = assay("convert", dense, "-o", "m.mlmodel", "--input", "x:1x4", code=0)
    assert "specification version 4 (exact array shapes need 4)" in done.out
