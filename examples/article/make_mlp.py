#!/usr/bin/env python3
"""Writes mlp.onnx and input.npz beside this file: the one-layer network of the article, as PyTorch exports
nn.Linear(4, 3, bias=False), with the weights that it prints and an input that gives both of its printed outputs.

"ONNX Runtime & CoreML May Silently Convert Your Model to FP16 (And How to Stop It)", ym2132.github.io, December 2025.
The article does not print its input; this one was searched for and reproduces its CPU and its GPU output bit for bit.
"""
from pathlib import Path

import numpy as np
import onnx
from mlp_weights import WEIGHT, X
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).resolve().parent


def model():
    node = helper.make_node("MatMul", ["input", "onnx::MatMul_4"], ["output"], name="/linear/MatMul")
    weight = numpy_helper.from_array(np.ascontiguousarray(WEIGHT.T), "onnx::MatMul_4")
    graph = helper.make_graph(
        [node], "main_graph",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 3])], [weight])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8,
                             producer_name="assay examples/article/make_mlp.py")
    onnx.checker.check_model(made, full_check=True)
    return made


if __name__ == "__main__":
    onnx.save(model(), HERE / "mlp.onnx")
    np.savez(HERE / "input.npz", input=X)
