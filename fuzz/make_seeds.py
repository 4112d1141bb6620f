#!/usr/bin/env python3
"""Writes seeds for the fuzz targets: ONNX's own test models (those in its package, and those that `tools/setup.sh
cases` makes), models of the random tests, Core ML models that coremltools makes, messages filled at random, and
archives that NumPy makes.

usage: make_seeds.py OUT
"""
import io
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/python"))
import numpy as np
import onnx
from coreml import fill, programs
from coremltools.proto import Model_pb2, NeuralNetwork_pb2
from differential.harness import model_of
from differential.random_cases import MODULES, random_cases

ROOT = Path(__file__).resolve().parents[1]
INTEGERS = (onnx.TensorProto.INT64, onnx.TensorProto.INT32)
MOST = 2000  # bytes of an ONNX model
ROUNDS = 2  # random cases of an operator
HEADER = 8  # what exec_fuzz reads before the model: the profile, then what makes up inputs


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


def node_models():
    for folder in [Path(onnx.__file__).parent / "backend/test/data", ROOT / "build/inputs/onnx-cases"]:
        yield from sorted(folder.glob("node/*/model.onnx"))


def is_small(model):
    """Small enough to be mutated well."""
    return model.stat().st_size <= MOST


def with_integers_known(path):
    """The model with what its test gives as indices, shapes, axes and the like inside: they are what an operator
    checks. None where there is nothing of the kind."""
    model = onnx.load(path)
    known = []
    for i, value in enumerate(model.graph.input):
        file = path.parent / f"test_data_set_0/input_{i}.pb"
        if value.type.tensor_type.elem_type not in INTEGERS or not file.exists():
            continue
        tensor = onnx.load_tensor(file)
        tensor.name = value.name
        known.append(tensor)
    if not known:
        return None
    names = {t.name for t in known}
    kept = [value for value in model.graph.input if value.name not in names]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    model.graph.initializer.extend(known)
    return model.SerializeToString()


def random_models():
    """Of what tests/python/differential compares with ONNX Runtime: other domains, classic models, control flow."""
    for module in MODULES:
        for n, case in enumerate(random_cases(module, 0, ROUNDS)):
            integers = [i for i, a in enumerate(case.inputs) if a is not None and a.dtype.kind in "iub"]
            case.weights = tuple(sorted({*case.weights, *integers}))
            model = model_of([case])[0].SerializeToString()
            if len(model) <= MOST:
                yield f"{module}_{n}_{case.kind}", model


def onnx_models(out):
    profiles = [bytes([i, *range(1, HEADER)]) for i in range(2)]
    for n, path in enumerate(p for p in node_models() if is_small(p)):
        name, model, header = path.parent.name, path.read_bytes(), profiles[n % 2]
        write(out / "onnx", name, model)
        write(out / "exec", name, header + model)
        known = with_integers_known(path)
        if known is not None and len(known) <= 2 * MOST:
            write(out / "exec", name + "_known", header + known)
    for n, (name, model) in enumerate(random_models()):
        write(out / "exec", name, profiles[n % 2] + model)


def kept(out):
    """What fuzzing found beside them: inputs that reach code that no seed reaches, in archives by target."""
    for archive in sorted((ROOT / "fuzz/corpus").glob("*.zip")):
        with zipfile.ZipFile(archive) as packed:
            for name in packed.namelist():
                write(out / archive.stem, "kept_" + name, packed.read(name))


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
    kept(out)


if __name__ == "__main__":
    main()
