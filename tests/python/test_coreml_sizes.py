"""Sizes that a Core ML file states of an input are the only ones that it runs with."""
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

coremltools = pytest.importorskip("coremltools")
from coremltools.models import datatypes  # noqa: E402
from coremltools.models.neural_network import NeuralNetworkBuilder  # noqa: E402
from coremltools.proto import FeatureTypes_pb2  # noqa: E402
from nn_lift.harness import FLOAT32  # noqa: E402
from test_coreml_images import network as image_network  # noqa: E402
from test_coreml_optional import read  # noqa: E402

SHAPES = "x:2x3,2x5"
RANGES = "x:1..4x2..6"


def model(path):
    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", "length"]) for n in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", infos[:1], infos[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.fixture
def run(run_arrays):
    """run(path, shape, code) gives the shape of the output, or what the error says."""
    def go(path, shape, code=0):
        out, said = run_arrays(path, code, x=np.ones(shape, np.float32))
        return said if code else out["y"].shape
    return go


@pytest.mark.parametrize("name", ["m.mlpackage", "m.mlmodel"])
@pytest.mark.parametrize(("sizes", "good", "bad", "told"), [
    (SHAPES, [(2, 3), (2, 5)], [(2, 4)], "[2,3] or [2,5]"),
    (RANGES, [(1, 2), (4, 6)], [(2, 1), (2, 7)], "[1..4,2..6]"),
    ("x:1..x2..", [(1, 2), (9, 99)], [(2, 1)], "[1..,2..]"),
], ids=["enumerated", "ranges", "unbounded"])
def test_arrays(assay, run, tmp_path, name, sizes, good, bad, told):
    if sizes.endswith("..") and name.endswith("package"):
        pytest.skip("ML Programs need upper bounds")
    assay("convert", model(tmp_path / "m.onnx"), "-o", tmp_path / name, "--input", sizes, code=0)
    for shape in good:
        assert run(tmp_path / name, shape) == shape
    for shape in bad:
        said = run(tmp_path / name, shape, 3)
        assert "A302" in said
        assert f"allows {told}" in said


def test_samples_beyond_a_batch_go_apart(assay, run, tmp_path):
    """The model names its batch: as many samples go together as the file allows."""
    assay("convert", model(tmp_path / "m.onnx"), "-o", tmp_path / "m.mlpackage", "--input", RANGES, code=0)
    assert run(tmp_path / "m.mlpackage", (9, 3)) == (9, 3)
    assay("convert", tmp_path / "m.onnx", "-o", tmp_path / "n.mlpackage", "--input", "x:2x3,4x3", code=0)
    assert run(tmp_path / "n.mlpackage", (4, 3)) == (4, 3)
    assay("compare", tmp_path / "m.onnx", "--program", "strict-f32", "--program",
          f"{tmp_path / 'm.mlpackage'}@coreml-mlprogram-f32-cpu", "--input", tmp_path / "in.npz", "--max-abs", 0,
          code=0)


@pytest.mark.parametrize("words", [SHAPES, "x:2..4x3..6"])
def test_random_inputs_are_of_a_stated_size(assay, tmp_path, words):
    assay("convert", model(tmp_path / "m.onnx"), "-o", tmp_path / "m.mlpackage", "--input", words, code=0)
    assert "y: float32[2,3]" in assay("run", tmp_path / "m.mlpackage", "--random", 1, code=0).out


@pytest.mark.parametrize("kind", ["sizes", "range"])
def test_images(assay, tmp_path, kind):
    spec = image_network("GRAYSCALE")
    image = spec.description.input[0].type.imageType
    assert isinstance(image, FeatureTypes_pb2.ImageFeatureType)
    assert spec.description.output[0].type.multiArrayType.dataType == FLOAT32
    if kind == "sizes":
        for width, height in ((4, 2), (8, 6)):
            image.enumeratedSizes.sizes.add(width=width, height=height)
    else:
        image.imageSizeRange.widthRange.lowerBound, image.imageSizeRange.widthRange.upperBound = 4, 8
        image.imageSizeRange.heightRange.lowerBound, image.imageSizeRange.heightRange.upperBound = 2, -1
    (tmp_path / "m.mlmodel").write_bytes(spec.SerializeToString())
    for shape, code in (((1, 1, 2, 4), 0), ((1, 1, 6, 8), 0), ((1, 1, 6, 9), 3), ((1, 1, 1, 8), 3)):
        np.savez(tmp_path / "in.npz", image=np.zeros(shape, np.uint8))
        done = assay("run", tmp_path / "m.mlmodel", "--input", tmp_path / "in.npz", code=code)
    assert ("[1,1,2,4] or [1,1,6,8]" if kind == "sizes" else "[1,1,2..,4..8]") in done.err


@pytest.mark.parametrize("name", ["c.mlpackage", "c.mlmodel"])
@pytest.mark.parametrize(("flexibility", "words", "usual"), [
    ("range", [], [1, 3, 8]), ("range", ["--input", "x:1x2..5x8"], [1, 3, 8]),
    ("range", ["--input", "x:1x4..5x8"], [1, 4, 8]), ("shapes", [], [1, 3, 8]),
    ("shapes", ["--input", "x:1x2x8,1x9x8"], [1, 2, 8])])
def test_the_default_shape_is_kept(assay, tmp_path, name, flexibility, words, usual):
    builder = NeuralNetworkBuilder([("x", datatypes.Array(1, 3, 8))], [("y", None)], disable_rank5_shape_mapping=True)
    builder.add_activation("relu", "RELU", "x", "y")
    spec = builder.spec
    array = spec.description.input[0].type.multiArrayType
    for feature in (*spec.description.input, *spec.description.output):
        feature.type.multiArrayType.dataType = FLOAT32
    if flexibility == "range":
        for low, high in ((1, 1), (2, 9), (8, 8)):
            array.shapeRange.sizeRanges.add(lowerBound=low, upperBound=high)
    else:
        for size in (2, 3, 9):
            array.enumeratedShapes.shapes.add(shape=[1, size, 8])
    (tmp_path / "m.mlmodel").write_bytes(spec.SerializeToString())
    assay("convert", tmp_path / "m.mlmodel", "-o", tmp_path / name, *words, code=0)
    assert list(read(tmp_path / name).description.input[0].type.multiArrayType.shape) == usual


@pytest.mark.parametrize(("words", "shape", "code"), [("x:2x3,4x5", (4, 5), 0), ("x:64..128x3", (100, 3), 0),
                                                      ("x:2..4x3", (5, 3), 3)])
def test_an_allowed_shape_runs_as_it_is(assay, run, tmp_path, words, shape, code):
    assay("convert", model(tmp_path / "m.onnx"), "-o", tmp_path / "m.mlpackage", "--input", words, code=0)
    said = run(tmp_path / "m.mlpackage", shape, code)
    if code == 0:
        assert said == shape
    else:
        assert "'x' has the shape [5,3] in the data, of which [1,3] would run by itself" in said


@pytest.mark.parametrize(("words", "size"), [("x:2x20000", 20000), ("x:1..4x1..16385", 16385), ("x:2x3,2x30000", 30000),
                                             ("x:1..4x1..16384", 0)])
def test_sizes_beyond_the_runtime_are_noted_once(assay, tmp_path, words, size):
    done = assay("convert", model(tmp_path / "m.onnx"), "-o", tmp_path / "m.mlpackage", "--input", words, "--strict",
                 code=0)
    said = f"input 'x' may have {size} elements along an axis, and Core ML's runtime takes at most 16384"
    assert done.err.count(said) == (size > 0)
    assert ("A115" in done.err) == (size > 0)
