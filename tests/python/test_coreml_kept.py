"""What a Core ML file says besides its graph: kept when it is converted, or told of."""
import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

pytest.importorskip("coremltools")
from mil_programs import build, mb
from mil_programs import save as mil_save
from test_coreml_optional import SPEC, read


def info(name, shape=(2,)):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def save(path, nodes, inputs, outputs):
    graph = helper.make_graph(nodes, "g", inputs, outputs)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.fixture
def relu(assay, tmp_path):
    """relu(edit) gives an ML Program y = max(x, 0) whose specification `edit` has changed."""
    def go(edit):
        path = tmp_path / "m.mlpackage"
        assay("convert", save(tmp_path / "m.onnx", [helper.make_node("Relu", ["x"], ["y"])], [info("x")], [info("y")]),
              "-o", path, code=0)
        spec = read(path)
        edit(spec)
        (path / SPEC).write_bytes(spec.SerializeToString())
        return path
    return go


def two_functions(spec):
    spec.specificationVersion = 9
    main = spec.mlProgram.functions["main"]
    for name in ("base", "adapter"):
        spec.mlProgram.functions[name].CopyFrom(main)
        function = spec.description.functions.add(name=name)
        function.input.extend(spec.description.input)
        function.output.extend(spec.description.output)
    del spec.mlProgram.functions["main"]
    del spec.description.input[:], spec.description.output[:]
    spec.description.defaultFunctionName = "base"


@pytest.mark.parametrize("name", ["c.mlpackage", "c.mlmodel", "c.onnx"])
def test_functions_that_are_left_out_are_named(assay, relu, tmp_path, name):
    model = relu(two_functions)
    done = assay("convert", model, "-o", tmp_path / name, code=0)
    assert "A211" in done.err
    assert "the function 'base' alone, without 'adapter'" in done.err
    assay("convert", model, "-o", tmp_path / name, "--strict", code=1)


def described(spec):
    about = spec.description.metadata
    about.author, about.license, about.versionString, about.shortDescription = "me", "MIT", "1.2", "a model"
    about.userDefined["k"] = "v"
    spec.description.input[0].shortDescription = "what it reads"
    spec.description.output[0].shortDescription = "what it gives"


@pytest.mark.parametrize("name", ["c.mlpackage", "c.mlmodel"])
def test_descriptions_are_kept(assay, relu, tmp_path, name):
    source = relu(described)
    assay("convert", source, "-o", tmp_path / name, code=0)
    old, new = read(source).description, read(tmp_path / name).description
    assert new.metadata == old.metadata
    for side in ("input", "output"):
        assert getattr(new, side)[0].shortDescription == getattr(old, side)[0].shortDescription != ""


@pytest.mark.parametrize("name", ["c.mlpackage", "c.onnx"])
def test_compressed_weights_that_become_dense_are_noted(assay, tmp_path, name):
    def body(a):
        weight = mb.constexpr_affine_dequantize(quantized_data=np.arange(8, dtype=np.int8).reshape(2, 4),
                                                zero_point=np.int8(1), scale=np.float32(0.5), axis=0)
        return mb.matmul(x=a, y=weight)
    mil_save(build(body, [np.ones((1, 2), np.float32)], "iOS16"), tmp_path / "m.mlpackage", "iOS16")
    done = assay("convert", tmp_path / "m.mlpackage", "-o", tmp_path / name, "--strict", code=0)
    assert "A212" in done.err
    assert "1 compressed constant is written uncompressed" in done.err


@pytest.mark.parametrize("name", ["c.mlpackage", "c.mlmodel"])
def test_an_output_that_is_an_input_is_noted_by_its_name(assay, tmp_path, name):
    nodes = [helper.make_node("Relu", ["/x"], ["/y"])]
    assay("convert", save(tmp_path / "m.onnx", nodes, [info("/x")], [info("/x"), info("/y")]), "-o", tmp_path / name,
          code=0)
    description = read(tmp_path / name).description
    names = json.loads(description.metadata.userDefined["assay.original_names"])
    assert [names[f.name] for f in (*description.input, *description.output)] == ["/x", "/x", "/y"]
    assay("convert", tmp_path / name, "-o", tmp_path / "back.onnx", code=0)
    back = onnx.load(tmp_path / "back.onnx").graph
    assert [v.name for v in (*back.input, *back.output)] == ["/x", description.output[0].name, "/y"]
