"""Images of Core ML files: both formats take pixels, give numbers, and stay images when one becomes the other."""
import numpy as np
import onnx
import pytest

coremltools = pytest.importorskip("coremltools")
from coreml_judge import check_types, declared, operations, read_spec  # noqa: E402
from coremltools.converters.mil.mil import types  # noqa: E402
from coremltools.models import datatypes  # noqa: E402
from coremltools.models.neural_network import NeuralNetworkBuilder  # noqa: E402
from coremltools.proto import FeatureTypes_pb2  # noqa: E402
from nn_lift.harness import FLOAT32, network_of  # noqa: E402

IMAGE = FeatureTypes_pb2.ImageFeatureType
COLORS = ("RGB", "BGR", "GRAYSCALE", "GRAYSCALE_FLOAT16")
BIASES = {"red_bias": -31.0, "green_bias": -42.0, "blue_bias": -53.0, "gray_bias": -64.0}


def set_image(feature, color):
    feature.imageType.width, feature.imageType.height = 4, 2
    feature.imageType.colorSpace = IMAGE.ColorSpace.Value(color)


def network(color, given=None, exact=True):
    """An image to an array, or to an image of the colours `given`."""
    channels = 1 if color.startswith("GRAY") else 3
    b = NeuralNetworkBuilder([("image", datatypes.Array(channels, 2, 4))], [("y", None)],
                             disable_rank5_shape_mapping=exact)
    b.add_activation("f", "LEAKYRELU", "image", "y", [0.7])
    b.set_pre_processing_parameters(image_input_names=["image"], is_bgr=color == "BGR", image_scale=1 / 3, **BIASES)
    set_image(b.spec.description.input[0].type, color)
    if exact:
        network_of(b.spec).imageInputShapeMapping = 1
    if given:
        set_image(b.spec.description.output[0].type, given)
    else:
        b.spec.description.output[0].type.multiArrayType.dataType = FLOAT32
    if "FLOAT16" in color + (given or ""):
        b.spec.specificationVersion = 7
    return b.spec


def pixels(color, height=2, width=4):
    shape = (1, 1 if color.startswith("GRAY") else 3, height, width)
    values = np.random.default_rng(1).integers(0, 256, shape)
    return values.astype(np.float16 if color.endswith("FLOAT16") else np.uint8)


@pytest.fixture
def files(assay, tmp_path):
    """files.write(spec), files.convert(path, "b.mlpackage", words), files.run(path, image)."""
    class Files:
        def write(self, spec, name="a.mlmodel"):
            (tmp_path / name).write_bytes(spec.SerializeToString())
            return tmp_path / name

        def convert(self, path, name, *words, code=0):
            done = assay("convert", path, "-o", tmp_path / name, *words, code=code)
            return tmp_path / name if code == 0 else done

        def run(self, path, image, *words, code=0):
            np.savez(tmp_path / "in.npz", image=image)
            done = assay("run", path, "--input", tmp_path / "in.npz", "--output", tmp_path / "out.npz", *words,
                         code=code)
            if code:
                return done
            with np.load(tmp_path / "out.npz") as out:
                return dict(out)
    return Files()


def same(a, b):
    assert list(a) == list(b)
    for name in a:
        assert a[name].dtype == b[name].dtype
        np.testing.assert_array_equal(a[name], b[name])


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("color", COLORS)
def test_a_network_becomes_a_program_with_the_same_images(files, color, exact):
    source = files.write(network(color, exact=exact))
    path = files.convert(source, "b.mlpackage")
    spec, weights = read_spec(path)
    check_types(spec, weights)
    want, _ = read_spec(source)
    assert spec.description.input[0].type == want.description.input[0].type
    element, dims = declared(spec.mlProgram.functions["main"].inputs[0].type)
    assert element == (types.fp16 if color.endswith("FLOAT16") else types.fp32)
    assert dims == [1, 1 if color.startswith("GRAY") else 3, 2, 4]
    assert spec.specificationVersion == (7 if color.endswith("FLOAT16") else 6)
    assert not {"slice_by_index", "reverse"} & set(operations(spec)), "channels have the order of the image"
    same(files.run(path, pixels(color)), files.run(source, pixels(color)))


@pytest.mark.parametrize("color", COLORS)
def test_outputs_are_images_too(files, color):
    source = files.write(network("GRAYSCALE" if color.startswith("GRAY") else "RGB", color))
    path = files.convert(source, "b.mlpackage")
    spec, weights = read_spec(path)
    check_types(spec, weights)
    want, _ = read_spec(source)
    assert spec.description.output[0] == want.description.output[0]
    same(files.run(path, pixels(color).astype(np.uint8)), files.run(source, pixels(color).astype(np.uint8)))


@pytest.mark.parametrize("color", COLORS)
def test_images_stay_through_every_conversion(files, color):
    source = files.write(network(color))
    want = files.run(source, pixels(color))
    program = files.convert(source, "b.mlpackage")
    for k, (path, name) in enumerate([(program, "c.mlpackage"), (program, "c.mlmodel"), (source, "d.mlmodel")]):
        again = files.convert(path, name)
        spec, _ = read_spec(again)
        assert spec.description.input[0].type.imageType.colorSpace == IMAGE.ColorSpace.Value(color), k
        same(files.run(again, pixels(color)), want)
    plain = files.convert(program, "e.onnx")
    element = onnx.TensorProto.FLOAT16 if color.endswith("FLOAT16") else onnx.TensorProto.UINT8
    assert onnx.load(plain).graph.input[0].type.tensor_type.elem_type == element
    same(files.run(plain, pixels(color)), want)


def flexible(kind):
    spec = network("BGR")
    image = spec.description.input[0].type.imageType
    if kind == "sizes":
        for width, height in ((4, 2), (8, 6)):
            image.enumeratedSizes.sizes.add(width=width, height=height)
    else:
        image.imageSizeRange.widthRange.lowerBound, image.imageSizeRange.widthRange.upperBound = 1, 8
        image.imageSizeRange.heightRange.lowerBound, image.imageSizeRange.heightRange.upperBound = 2, kind
    return spec


@pytest.mark.parametrize("kind", ["sizes", 9, -1])
def test_flexible_sizes(files, kind):
    source = files.write(flexible(kind))
    path = files.convert(source, "b.mlpackage")
    spec, weights = read_spec(path)
    check_types(spec, weights)
    found, want = spec.description.input[0].type.imageType, read_spec(source)[0].description.input[0].type.imageType
    if kind == -1:  # ML Programs need an upper bound
        want.imageSizeRange.heightRange.upperBound = 16384
    assert found == want
    same(files.run(path, pixels("BGR", 6, 8)), files.run(source, pixels("BGR", 6, 8)))


def test_sizes_that_are_asked_for(files):
    source = files.write(flexible(9))
    fixed = read_spec(files.convert(source, "b.mlpackage", "--input", "image:1x3x6x8"))[0].description.input[0]
    image = fixed.type.imageType
    assert (image.width, image.height, image.WhichOneof("SizeFlexibility")) == (8, 6, None)
    spec, _ = read_spec(files.convert(source, "c.mlpackage", "--input", "image:1x3x2..5x4..8"))
    sides = spec.description.input[0].type.imageType.imageSizeRange
    assert (sides.heightRange.lowerBound, sides.heightRange.upperBound) == (2, 5)
    assert (sides.widthRange.lowerBound, sides.widthRange.upperBound) == (4, 8)
    spec, _ = read_spec(files.convert(source, "d.mlpackage", "--input", "image:1x3x2x4,1x3x6x8"))
    sizes = spec.description.input[0].type.imageType.enumeratedSizes.sizes
    assert [(s.width, s.height) for s in sizes] == [(4, 2), (8, 6)]


def test_pixels_may_come_as_other_numbers(files):
    path = files.convert(files.write(network("BGR")), "b.mlpackage")
    want = files.run(path, pixels("BGR"))
    for kind in (np.float32, np.int64, np.float64):
        same(files.run(path, pixels("BGR").astype(kind)), want)
    for wrong in (0.5, 256, -1, np.nan):
        image = pixels("BGR").astype(np.float32)
        image[0, 1, 1, 2] = wrong
        done = files.run(path, image, code=3)
        assert "A309" in done.err
        assert "whole numbers from 0 to 255" in done.err
