"""Inputs that may be left out: what becomes of them when a model is converted."""
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

coremltools = pytest.importorskip("coremltools")
from coremltools.models import datatypes  # noqa: E402
from coremltools.models.neural_network import NeuralNetworkBuilder  # noqa: E402
from coremltools.proto import Model_pb2  # noqa: E402
from nn_lift.harness import FLOAT32  # noqa: E402

FLOAT64 = 65600
SPEC = "Data/com.apple.CoreML/model.mlmodel"


def network(path, default=None, array_type=FLOAT32):
    """y = x + z, where z is optional."""
    arrays = [("x", datatypes.Array(4)), ("z", datatypes.Array(4))]
    builder = NeuralNetworkBuilder(arrays, [("y", None)], disable_rank5_shape_mapping=True)
    builder.add_add_broadcastable("add", ["x", "z"], "y")
    spec = builder.spec
    spec.specificationVersion = 5
    for feature in (*spec.description.input, *spec.description.output):
        feature.type.multiArrayType.dataType = array_type
    optional = spec.description.input[1].type
    optional.isOptional = True
    if default is not None and array_type == FLOAT64:
        optional.multiArrayType.doubleDefaultValue = default
    elif default is not None:
        optional.multiArrayType.floatDefaultValue = default
    path.write_bytes(spec.SerializeToString())
    return path


def read(path):
    spec = Model_pb2.Model()
    spec.ParseFromString((path / SPEC if path.is_dir() else path).read_bytes())
    return spec


@pytest.fixture
def run(run_arrays):
    """run(path, code, ...) gives the output, or what the error says."""
    def go(path, code=0, **arrays):
        out, said = run_arrays(path, code, **arrays)
        return said if code else out["y"].tolist()
    return go


@pytest.mark.parametrize("name", ["c.mlpackage", "c.mlmodel"])
@pytest.mark.parametrize("array_type", [FLOAT32, FLOAT64])
@pytest.mark.parametrize("default", [2.5, None])
def test_stays_optional_with_its_default(assay, run, tmp_path, name, array_type, default):
    zeros = np.zeros(4, np.float32)
    assay("convert", network(tmp_path / "m.mlmodel", default, array_type), "-o", tmp_path / name, code=0)
    kind = read(tmp_path / name).description.input[1].type
    assert kind.isOptional
    assert kind.multiArrayType.dataType == FLOAT32
    stated = kind.multiArrayType.WhichOneof("defaultOptionalValue")
    assert stated == ("floatDefaultValue" if default or name.endswith("package") else None)
    assert kind.multiArrayType.floatDefaultValue == (default or 0)
    assert run(tmp_path / name, x=zeros) == [default or 0] * 4
    assert run(tmp_path / name, x=zeros, z=zeros + 7) == [7] * 4
    # and from the written file once more
    again = tmp_path / ("again" + tmp_path.joinpath(name).suffix)
    assay("convert", tmp_path / name, "-o", again, code=0)
    assert read(again).description.input[1].type == kind


def test_a_pipeline_keeps_the_default_of_its_models(assay, tmp_path):
    part = read(network(tmp_path / "m.mlmodel", 2.5))
    whole = Model_pb2.Model(specificationVersion=5)
    whole.description.CopyFrom(part.description)
    whole.description.input[1].type.multiArrayType.ClearField("floatDefaultValue")
    whole.pipeline.models.add().CopyFrom(part)
    (tmp_path / "p.mlmodel").write_bytes(whole.SerializeToString())
    assay("convert", tmp_path / "p.mlmodel", "-o", tmp_path / "c.mlpackage", code=0)
    kind = read(tmp_path / "c.mlpackage").description.input[1].type
    assert kind.isOptional
    assert kind.multiArrayType.floatDefaultValue == 2.5


def test_default_values_need_ios14(assay, tmp_path):
    model = network(tmp_path / "m.mlmodel", 2.5)
    done = assay("convert", model, "-o", tmp_path / "c.mlmodel", "--target", "iOS13", code=3)
    assert "default values of optional inputs (version 5)" in done.err
    assay("convert", network(tmp_path / "z.mlmodel"), "-o", tmp_path / "c.mlmodel", "--target", "iOS13", code=0)


def test_onnx_requires_it_and_a_note_says_so(assay, run, tmp_path):
    model = network(tmp_path / "m.mlmodel", 2.5)
    done = assay("convert", model, "-o", tmp_path / "c.onnx", "--strict", code=0)
    assert "A116" in done.err
    assert "1 optional input of the model must be given to the ONNX file: 'z'" in done.err
    zeros = np.zeros(4, np.float32)
    assert "A301" in run(tmp_path / "c.onnx", 3, x=zeros)
    assert run(tmp_path / "c.onnx", x=zeros, z=zeros + 7) == [7] * 4


def test_initializers_that_are_inputs_become_constants_with_a_note(assay, tmp_path):
    float_info = helper.make_tensor_value_info
    names = [f"w{i}" for i in range(7)]
    nodes = [helper.make_node("Sum", ["x", *names], ["y"])]
    infos = [float_info(n, TensorProto.FLOAT, [2]) for n in ("x", *names)]
    weights = [numpy_helper.from_array(np.ones(2, np.float32), n) for n in names]
    for ir_version, noted in ((8, True), (3, False)):
        graph = helper.make_graph(nodes, "g", infos, [float_info("y", TensorProto.FLOAT, [2])], weights)
        opset = [helper.make_opsetid("", 8 if ir_version == 3 else 17)]
        onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=ir_version), tmp_path / "m.onnx")
        done = assay("convert", tmp_path / "m.onnx", "-o", tmp_path / "c.mlpackage", "--strict", code=0)
        said = "7 inputs with defaults become constants: 'w0', 'w1', 'w2', 'w3', 'w4' and 2 more"
        assert (said in done.err) == noted
