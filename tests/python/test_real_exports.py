"""Models as exporters really write them: against ONNX Runtime on the same file."""
import json

import numpy as np
import onnx
import pytest
from differential.harness import run_assay, run_ort
from onnx import TensorProto, helper, numpy_helper

F32, I64 = TensorProto.FLOAT, TensorProto.INT64


def info(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name, values, dtype=np.float32):
    tensor = numpy_helper.from_array(np.array(values, dtype), name + "_value")
    return helper.make_node("Constant", [], [name], value=tensor)


def node(kind, inputs, outputs, **attributes):
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


def model(nodes, inputs, outputs, weights=None, *, opset=17, ir_version=8, functions=(), value_info=()):
    graph = helper.make_graph(nodes, "main_graph", inputs, outputs,
                              [numpy_helper.from_array(np.asarray(a), n) for n, a in (weights or {}).items()],
                              value_info=value_info)
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("local", 1)]
    return helper.make_model(graph, opset_imports=imports[:2 if functions else 1], ir_version=ir_version,
                             functions=functions)


def random(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)


@pytest.fixture
def agree(assay, assay_path, tmp_path):
    """agree(model, feeds): both runtimes, all outputs; ORT may be given a tidier twin of the model. Then the same for
    what --emit-onnx makes of the model."""

    def check(made, feeds, twin=None, rtol=2e-5):
        if not isinstance(made, str):
            onnx.save(made, tmp_path / "model.onnx")
            made = str(tmp_path / "model.onnx")
        ours = run_assay(assay_path, made, feeds, tmp_path)
        theirs = run_ort(twin or made, feeds)
        assert set(ours) == set(theirs)
        for name, array in theirs.items():
            assert ours[name].dtype == array.dtype and ours[name].shape == array.shape, name
            np.testing.assert_allclose(ours[name], array, rtol=rtol, atol=rtol, err_msg=name)
        emitted = str(tmp_path / "emitted.onnx")
        assay("inspect", made, "--profile", "f16-storage", "--emit-onnx", emitted, code=0)
        ours, theirs = run_assay(assay_path, made, feeds, tmp_path, "--profile", "f16-storage"), run_ort(emitted, feeds)
        for name, array in theirs.items():
            np.testing.assert_allclose(ours[name], array, rtol=2e-3, atol=2e-3, err_msg=name + " in float16")

    return check


def test_all_weights_in_constant_nodes(agree):
    """tf2onnx and older PyTorch: no initializer at all; axes, shapes, pads and scales are Constant nodes too."""
    nodes = [constant("w", random(4, 3, 3, 3)), constant("b", random(4)), node("Conv", "x w b", "c", pads=[1, 1, 1, 1]),
             constant("scales", [1, 1, 2, 2]), helper.make_node("Resize", ["c", "", "scales"], ["r"], mode="nearest"),
             constant("shape", [0, -1], np.int64), node("Reshape", "r shape", "f"),
             constant("axes", [1], np.int64), node("Unsqueeze", "f axes", "u"), constant("v", random(4 * 64, 5)),
             node("MatMul", "u v", "m"), constant("low", 0.0), constant("high", 6.0), node("Clip", "m low high", "y")]
    agree(model(nodes, [info("x", F32, ["n", 3, 4, 4])], [info("y", F32, None)]), {"x": random(2, 3, 4, 4)})


@pytest.mark.parametrize("dimension", [-1, 0, None, ""])
def test_dimensions_without_a_size(agree, dimension):
    nodes = [node("MatMul", "x w", "h"), node("Relu", "h", "y")]
    inputs = [info("x", F32, ["n", 3])]
    outputs = [info("y", F32, ["n", 4])]
    tidy = model(nodes, inputs, outputs, {"w": random(3, 4)})
    made = onnx.ModelProto.FromString(tidy.SerializeToString())
    for value in (*made.graph.input, *made.graph.output):
        first = value.type.tensor_type.shape.dim[0]
        first.Clear()
        if isinstance(dimension, str):
            first.dim_param = dimension
        elif dimension is not None:
            first.dim_value = dimension
    agree(made, {"x": random(5, 3)}, twin=tidy)


@pytest.mark.parametrize("batch", [1, 3])
def test_dynamic_batch_and_size(agree, batch):
    """x.view(x.size(0), -1) and friends: Shape, Gather, Unsqueeze, Concat, Reshape; a fold of the whole chain."""
    def size(of, at, to):
        return [node("Shape", of, f"{to}_s"), constant(f"{to}_i", at, np.int64),
                node("Gather", f"{to}_s {to}_i", f"{to}_g", axis=0), constant(f"{to}_a", [0], np.int64),
                node("Unsqueeze", f"{to}_g {to}_a", to)]
    nodes = [*size("x", 0, "n"), *size("x", 2, "h"), *size("x", 3, "w"), node("Mul", "h w", "hw"),
             constant("heads", [2], np.int64), constant("rest", [-1], np.int64),
             node("Concat", "n heads rest hw", "to", axis=0), node("Reshape", "x to", "r"),
             node("Transpose", "r", "t", perm=[0, 1, 3, 2]), node("MatMul", "t r", "a"),
             node("Softmax", "a", "s", axis=-1),
             node("Shape", "x", "xs"), constant("from", [0], np.int64), constant("two", [2], np.int64),
             node("Slice", "xs from two", "lead"), node("ConstantOfShape", "lead", "zeros"),
             node("Concat", "n rest", "flat", axis=0), node("Reshape", "s flat", "y")]
    inputs = [info("x", F32, ["batch", 4, "height", "width"])]
    agree(model(nodes, inputs, [info("y", F32, ["batch", "k"]), info("zeros", F32, None)]),
          {"x": random(batch, 4, 3, 5)})


def test_stale_value_info(agree):
    """Shapes written before somebody edited the graph: what the operators say wins."""
    nodes = [node("Conv", "x w", "c"), node("Relu", "c", "r"), node("GlobalAveragePool", "r", "y")]
    weights = {"w": random(4, 3, 3, 3)}
    tidy = model(nodes, [info("x", F32, [1, 3, 8, 8])], [info("y", F32, [1, 4, 1, 1])], weights)
    stale = [info("c", F32, [1, 4, 99, 99]), info("r", F32, [7, 7]), info("gone", F32, [1])]
    made = model(nodes, [info("x", F32, [1, 3, 8, 8])], [info("y", F32, [1, 4, 1, 1])], weights, value_info=stale)
    agree(made, {"x": random(1, 3, 8, 8)}, twin=tidy)


ODD = ["input:0", "StatefulPartitionedCall/model/dense/MatMul:0", "a name with spaces",
       json.dumps({"name": "x", "shape": [1, 3], "quote": "\"", "unicode": "é中"}), "%1", "../../x", "'", "-1"]


@pytest.mark.parametrize("name", ODD)
def test_odd_names(agree, name):
    result = name + "/out"
    nodes = [helper.make_node("Add", [name, name + "w"], [name + "mid"], name=name),
             helper.make_node("Relu", [name + "mid"], [result], name=result)]
    made = model(nodes, [info(name, F32, [1, 3])], [info(result, F32, [1, 3])], {name + "w": random(1, 3)})
    agree(made, {name: random(1, 3, seed=2)})


def test_int64_inputs(agree):
    """Token ids and a mask, as language models take them."""
    nodes = [node("Gather", "table ids", "e"), node("Cast", "mask", "m", to=F32), node("Sub", "one m", "inverse"),
             node("Mul", "inverse big", "bias"), constant("axes", [2], np.int64), node("Unsqueeze", "bias axes", "b"),
             node("Add", "e b", "s"), node("Softmax", "s", "p", axis=1), node("ReduceSum", "ids", "total", keepdims=0)]
    inputs = [info("ids", I64, ["n", "t"]), info("mask", I64, ["n", "t"])]
    weights = {"table": random(11, 6), "one": np.float32(1), "big": np.float32(-10000)}
    ids = np.array([[1, 10, 3, 0], [4, 4, -1, 2]])
    agree(model(nodes, inputs, [info("p", F32, ["n", "t", 6]), info("total", I64, [])], weights),
          {"ids": ids, "mask": np.array([[1, 1, 0, 0], [1, 1, 1, 0]])})


def local_function(name, inputs, outputs, nodes, attributes=(), defaults=()):
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    return helper.make_function("local", name, inputs, outputs, nodes, imports, attributes=list(attributes),
                                attribute_protos=list(defaults))


def reference(made, name, kind):
    """`made` with an attribute that refers to one of the function."""
    attribute = onnx.AttributeProto(name=name, ref_attr_name=name, type=kind)
    made.attribute.append(attribute)
    return made


def test_model_local_functions(agree):
    """Called twice, calling each other, with attributes given, defaulted and passed on, an output unread."""
    leaky = reference(node("LeakyRelu", "h", "y"), "alpha", onnx.AttributeProto.FLOAT)
    body = [node("MatMul", "x w", "h"), leaky]
    block = local_function("Block", ["x", "w"], ["y", "h"], body, defaults=[helper.make_attribute("alpha", 0.25)])
    call = helper.make_node("Block", ["x", "w"], ["a", "unused"], domain="local")
    inner = reference(call, "alpha", onnx.AttributeProto.FLOAT)
    outer = local_function("Outer", ["x", "w"], ["y"], [inner, node("Add", "a x", "y")], attributes=["alpha"])
    nodes = [helper.make_node("Outer", ["x", "w"], ["p"], domain="local", alpha=0.5),
             helper.make_node("Outer", ["p", "w"], ["q"], domain="local", alpha=0.01),
             helper.make_node("Block", ["q", "w"], ["y", "h"], domain="local")]
    made = model(nodes, [info("x", F32, ["n", 4])], [info("y", F32, ["n", 4]), info("h", F32, ["n", 4])],
                 {"w": random(4, 4)}, functions=[outer, block])
    onnx.checker.check_model(made)
    agree(made, {"x": random(3, 4)})


def test_ir_3_models(agree):
    """Initializers listed among the inputs, and operators as they were in operator set 7."""
    names = ["scale", "bias", "mean", "var"]
    nodes = [node("Conv", "x w", "c", kernel_shape=[3, 3], auto_pad="SAME_UPPER"),
             node("BatchNormalization", "c scale bias mean var", "n", epsilon=1e-5),
             node("Clip", "n", "r", min=0., max=6.),
             node("Upsample", "r", "u", scales=[1., 1., 2., 2.], mode="nearest"),
             node("MaxPool", "u", "p", kernel_shape=[2, 2], strides=[2, 2]), node("Dropout", "p", "d", ratio=0.5),
             node("Pad", "d", "e", pads=[0, 0, 1, 1, 0, 0, 1, 1], value=0.5), node("Flatten", "e", "f"),
             node("Squeeze", "k", "kk", axes=[0]), node("Gemm", "f kk b2", "g", transB=1), node("Softmax", "g", "y")]
    weights = {"w": random(4, 3, 3, 3), **{n: np.abs(random(4, seed=i)) for i, n in enumerate(names)},
               "k": random(1, 5, 4 * 64), "b2": random(5)}
    inputs = [info("x", F32, [2, 3, 6, 6]), *(info(n, F32, a.shape) for n, a in weights.items())]
    made = model(nodes, inputs, [info("y", F32, [2, 5])], weights, opset=8, ir_version=3)
    onnx.checker.check_model(made)
    agree(made, {"x": random(2, 3, 6, 6)})


@pytest.mark.parametrize("channels", [3, 0])
def test_old_softmax_flattens(agree, channels):
    nodes = [node("Softmax", "x", "y", axis=1), node("LogSoftmax", "x", "z", axis=2), node("Hardmax", "x", "h")]
    outputs = [info(n, F32, [2, channels, 4, 5]) for n in "yzh"]
    agree(model(nodes, [info("x", F32, [2, channels, 4, 5])], outputs, opset=12), {"x": random(2, channels, 4, 5)})


def test_external_data(agree, tmp_path):
    """Weights beside the model: several in one file, one in a folder of its own."""
    weights = {"w": random(40, 50), "v": random(50, 30), "b": random(30)}
    nodes = [node("MatMul", "x w", "h"), node("Relu", "h", "r"), node("Gemm", "r v b", "y")]
    made = model(nodes, [info("x", F32, ["n", 40])], [info("y", F32, ["n", 30])], weights)
    (tmp_path / "parts").mkdir()
    place = {"w": "weights.bin", "v": "parts/v.bin", "b": "weights.bin"}
    for tensor in made.graph.initializer:
        path = tmp_path / place[tensor.name]
        offset = (path.stat().st_size + 4095) // 4096 * 4096 if path.exists() else 0
        with open(path, "ab") as file:
            file.truncate(offset)
            file.write(tensor.raw_data)
        onnx.external_data_helper.set_external_data(tensor, place[tensor.name], offset, len(tensor.raw_data))
        tensor.ClearField("raw_data")
    path = str(tmp_path / "model.onnx")
    onnx.save(made, path)
    agree(path, {"x": random(2, 40)})


def test_opset_10_to_13_idioms(agree):
    """Slices and pads with inputs, Split with sizes as attributes, ReduceSum with axes both ways."""
    nodes = [node("Split", "x", "a b", axis=1, split=[2, 4]), node("ReduceSum", "b", "s", axes=[2], keepdims=1),
             node("Unsqueeze", "a", "u", axes=[0]), node("Squeeze", "u", "v", axes=[0]),
             node("Slice", "v zero end axis", "c"), node("Pad", "c pads", "p", mode="reflect"),
             node("TopK", "s k", "y i", axis=1), node("CumSum", "p one", "z"), node("Resize", "p roi scales", "r",
                                                                               mode="linear")]
    weights = {"zero": np.array([0]), "end": np.array([-1]), "axis": np.array([2]), "k": np.array([2]),
               "pads": np.array([0, 0, 1, 0, 0, 1]), "one": np.array(1), "roi": np.zeros(0, np.float32),
               "scales": np.array([1, 1, 2], np.float32)}
    outputs = [info(n, t, None) for n, t in (("y", F32), ("i", I64), ("z", F32), ("r", F32))]
    agree(model(nodes, [info("x", F32, [2, 6, 4])], outputs, weights, opset=12), {"x": random(2, 6, 4)})


def test_one_value_for_two_readers_and_outputs(agree):
    """An input returned as it is, one value returned twice under two names, an output that others read."""
    nodes = [node("Relu", "x", "y"), node("Neg", "y", "z"), node("Identity", "y", "y2"), node("Identity", "x", "same")]
    outputs = [info(n, F32, [2, 3]) for n in ("y", "z", "y2", "same")]
    agree(model(nodes, [info("x", F32, [2, 3])], outputs), {"x": random(2, 3)})
