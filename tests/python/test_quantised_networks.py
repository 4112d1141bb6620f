"""Small networks that ONNX Runtime's own tools quantise, in all forms that they write: our outputs against its own."""
import itertools
import logging

import numpy as np
import onnx
import pytest
from differential.harness import run_assay, run_ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

SHAPE = (1, 3, 12, 12)
STEP = 1 / 64  # about one code of the networks' results


def convolution(r, inputs, channels, **attributes):
    weight = r.normal(0, 0.35, (channels, inputs // attributes.get("group", 1), 3, 3)).astype(np.float32)
    bias = r.normal(0, 0.1, channels).astype(np.float32)
    return weight, bias, {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], **attributes}


def network():
    """Convolutions (one depthwise, one strided), a residual addition, poolings, a gate, a concatenation and a Gemm."""
    r = np.random.default_rng(7)
    nodes, weights = [], {}

    def node(kind, inputs, output, **attributes):
        nodes.append(helper.make_node(kind, inputs.split(), [output], output, **attributes))

    def conv(x, output, inputs, channels, **attributes):
        weights[output + "_w"], weights[output + "_b"], stated = convolution(r, inputs, channels, **attributes)
        node("Conv", f"{x} {output}_w {output}_b", output, **stated)

    conv("x", "stem", 3, 8)
    node("Relu", "stem", "stem_relu")
    conv("stem_relu", "deep", 8, 8, group=8)
    node("LeakyRelu", "deep", "deep_relu", alpha=0.1)
    conv("deep_relu", "point", 8, 8)
    node("Add", "point stem_relu", "sum")
    node("Sigmoid", "sum", "gate")
    node("Mul", "sum gate", "gated")
    conv("gated", "down", 8, 12, strides=[2, 2])
    node("MaxPool", "down", "pooled", kernel_shape=[2, 2], strides=[2, 2])
    node("AveragePool", "pooled", "smooth", kernel_shape=[2, 2])
    node("GlobalAveragePool", "pooled", "mean")
    node("GlobalAveragePool", "smooth", "mean_smooth")
    node("Concat", "mean mean_smooth", "both", axis=1)
    node("Flatten", "both", "flat", axis=1)
    weights["dense_w"] = r.normal(0, 0.3, (24, 5)).astype(np.float32)
    weights["dense_b"] = r.normal(0, 0.1, 5).astype(np.float32)
    node("Gemm", "flat dense_w dense_b", "dense")
    weights["last_w"] = r.normal(0, 0.3, (5, 4)).astype(np.float32)
    node("MatMul", "dense last_w", "last")
    node("Softmax", "last", "y", axis=1)
    graph = helper.make_graph(nodes, "network", [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 4))],
                              [numpy_helper.from_array(a, n) for n, a in weights.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def images(count, seed):
    return np.random.default_rng(seed).normal(0, 1, (count, *SHAPE)).astype(np.float32)


class Images(CalibrationDataReader):
    def __init__(self):
        self.images = iter(images(8, 1))

    def get_next(self):
        image = next(self.images, None)
        return None if image is None else {"x": image}


@pytest.fixture(scope="module")
def float_model(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "network.onnx"
    onnx.save(network(), path)
    logging.getLogger().setLevel(logging.ERROR)  # the quantiser asks for a pre-processing that changes nothing here
    return path


def kinds(path):
    return {(n.domain, n.op_type) for n in onnx.load(path).graph.node}


def agree(assay_path, tmp_path, path, steps=1):
    for image in images(3, 2):
        ours = run_assay(assay_path, path, {"x": image}, tmp_path)
        theirs = run_ort(str(path), {"x": image})
        for name, array in theirs.items():
            assert ours[name].dtype == array.dtype and ours[name].shape == array.shape
            assert np.abs(ours[name] - array).max() <= steps * STEP, name
            assert ours[name].argmax() == array.argmax()


@pytest.mark.parametrize(("form", "activations", "weights", "per_channel"), [
    (form, *each) for form, each in itertools.product(QuantFormat, [
        (QuantType.QUInt8, QuantType.QUInt8, False), (QuantType.QUInt8, QuantType.QInt8, True),
        (QuantType.QInt8, QuantType.QInt8, True)])])
def test_static(assay_path, tmp_path, float_model, form, activations, weights, per_channel):
    path = tmp_path / "quantised.onnx"
    quantize_static(str(float_model), str(path), Images(), quant_format=form, activation_type=activations,
                    weight_type=weights, per_channel=per_channel, reduce_range=True)
    found = kinds(path)
    expected = {("", "QuantizeLinear"), ("", "DequantizeLinear")}
    if form == QuantFormat.QOperator:
        expected |= {("", "QLinearConv"), ("com.microsoft", "QLinearAdd"), ("com.microsoft", "QLinearMul"),
                     ("com.microsoft", "QLinearSigmoid"), ("com.microsoft", "QLinearConcat"),
                     ("com.microsoft", "QLinearGlobalAveragePool"), ("com.microsoft", "QLinearAveragePool"),
                     ("com.microsoft", "QLinearLeakyRelu"), ("com.microsoft", "QLinearSoftmax"),
                     ("com.microsoft", "QGemm"), ("", "QLinearMatMul")}
    assert expected <= found, found
    agree(assay_path, tmp_path, path)


@pytest.mark.parametrize("weights", [QuantType.QUInt8, QuantType.QInt8])
def test_dynamic(assay_path, tmp_path, float_model, weights):
    path = tmp_path / "quantised.onnx"
    quantize_dynamic(str(float_model), str(path), weight_type=weights, reduce_range=True)
    assert {("", "DynamicQuantizeLinear"), ("", "ConvInteger"), ("", "MatMulInteger")} <= kinds(path), kinds(path)
    agree(assay_path, tmp_path, path)


@pytest.mark.parametrize("ending", [".mlpackage", ".mlmodel"])
@pytest.mark.parametrize(("activations", "weights", "per_channel"), [
    (QuantType.QUInt8, QuantType.QInt8, True), (QuantType.QInt8, QuantType.QInt8, False)])
def test_converted(assay, assay_path, tmp_path, float_model, activations, weights, per_channel, ending):
    """Core ML computes the integers in float32, which holds them: not one code differs."""
    path = tmp_path / "quantised.onnx"
    quantize_static(str(float_model), str(path), Images(), quant_format=QuantFormat.QOperator,
                    activation_type=activations, weight_type=weights, per_channel=per_channel)
    assay("convert", path, "-o", "converted" + ending, code=0)
    converted = tmp_path / ("converted" + ending)
    for image in images(3, 3):
        want, got = (run_assay(assay_path, model, {"x": image}, tmp_path, "--profile", "strict-f32")
                     for model in (path, converted))
        np.testing.assert_array_equal(got["y"], want["y"])
