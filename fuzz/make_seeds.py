#!/usr/bin/env python3
"""Writes seeds for the fuzz targets: ONNX's own test models, Core ML models that coremltools makes, messages filled at
random, and archives that NumPy makes.

usage: make_seeds.py OUT
"""
import io
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/python"))
import numpy as np
import onnx
from coreml import fill, programs
from coremltools.proto import Model_pb2, NeuralNetwork_pb2


def write(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def parts_of_programs(out):
    for name, make in programs.ALL.items():
        with tempfile.TemporaryDirectory() as folder:
            package = Path(folder) / "m.mlpackage"
            make().save(str(package))
            write(out / "coreml_manifest", name, (package / "Manifest.json").read_bytes())
            model = (package / "Data/com.apple.CoreML/model.mlmodel").read_bytes()
            # The target has no weight file: such constants become empty ones.
            write(out / "coreml_model", name, model.replace(b"@model_path", b"@other_path"))
            weights = package / "Data/com.apple.CoreML/weights/weight.bin"
            if weights.exists():
                asked = bytes([1, 11, 16, 1, 10, 16, 3, 11, 16, 1, 21, 64])
                write(out / "coreml_weights", name, weights.read_bytes()[:4096] + asked)


def messages(out):
    kinds = [f.name for f in Model_pb2.Model.DESCRIPTOR.oneofs_by_name["Type"].fields if f.name != "mlProgram"]
    for kind in kinds:
        model = fill.fill(fill.generator(kind), Model_pb2.Model(), 8, {"Type": kind})
        write(out / "coreml_model", kind, model.SerializeToString())
    for layer in NeuralNetwork_pb2.NeuralNetworkLayer.DESCRIPTOR.oneofs_by_name["layer"].fields:
        model = Model_pb2.Model(specificationVersion=5)
        fill.fill(fill.generator(layer.name), model.neuralNetwork.layers.add(), 8, {"layer": layer.name})
        write(out / "coreml_model", "layer_" + layer.name, model.SerializeToString())


def onnx_models(out, most=2000):
    """Of the backend node tests, those that are small enough to be mutated well."""
    for model in sorted((Path(onnx.__file__).parent / "backend/test/data/node").glob("*/model.onnx")):
        if model.stat().st_size <= most:
            write(out / "onnx", model.parent.name, model.read_bytes())


def archives(out):
    for name, save in {"stored": np.savez, "deflated": np.savez_compressed}.items():
        file = io.BytesIO()
        save(file, a=np.arange(6, dtype=np.float32).reshape(2, 3), b=np.zeros(200, np.int8))
        write(out / "zip", name, file.getvalue())


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = Path(sys.argv[1])
    parts_of_programs(out)
    messages(out)
    onnx_models(out)
    archives(out)


if __name__ == "__main__":
    main()
