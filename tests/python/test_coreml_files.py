"""Reading and writing Core ML files, judged by coremltools: its descriptors, its protobuf parser, its loader of ML
Programs. tests/coreml/coreml_copy reads a model and writes it again."""
import difflib
import filecmp
import json
import logging
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

logging.getLogger("coremltools").setLevel(logging.ERROR)
ct = pytest.importorskip("coremltools")
from coreml import fill, programs  # noqa: E402
from coremltools.converters.mil.frontend.milproto.load import load as load_program  # noqa: E402
from coremltools.models import datatypes  # noqa: E402
from coremltools.models.neural_network import NeuralNetworkBuilder  # noqa: E402
from coremltools.proto import Model_pb2, NeuralNetwork_pb2  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
MODEL = "Data/com.apple.CoreML/model.mlmodel"
WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"
LAYERS = list(NeuralNetwork_pb2.NeuralNetworkLayer.DESCRIPTOR.oneofs_by_name["layer"].fields)


@pytest.fixture(scope="session")
def copy_tool():
    near = [Path(os.environ["ASSAY"]).parent] if "ASSAY" in os.environ else []
    for folder in [*near, ROOT / "build/dev"]:
        if (folder / "coreml_copy").is_file():
            return str(folder / "coreml_copy")
    return pytest.skip("coreml_copy is not built: run `make test`")


@pytest.fixture
def copy(copy_tool):
    """copy(source, target, version) runs the tool; the result has returncode and stderr."""
    def run(source, target, version=0, ok=True):
        done = subprocess.run([copy_tool, str(source), str(target), str(version)], capture_output=True, text=True,
                              check=False, timeout=120)
        if ok:
            assert done.returncode == 0, done.stderr
        return done

    return run


def parsed(path):
    model = Model_pb2.Model()
    model.ParseFromString(Path(path).read_bytes())
    return model


def same_messages(a, b):
    """Unknown fields are part of the bytes, and maps are sorted."""
    if a != b:
        pytest.fail("\n".join(difflib.unified_diff(str(a).splitlines(), str(b).splitlines(), n=6, lineterm="")))
    assert a.SerializeToString(deterministic=True) == b.SerializeToString(deterministic=True)


# --- the tables

KINDS = {**fill.TYPE_NAMES, 11: "message"}


def described(message):
    out = []
    for field in sorted(message.fields, key=lambda f: f.number):
        one = {"name": field.name, "number": field.number, "kind": KINDS[field.type], "repeated": field.is_repeated}
        if field.message_type is not None:
            special = {"WeightParams": "weights", "NeuralNetwork": "network"}.get(field.message_type.name)
            one["kind"] = special or "message"
            if not special:
                one["fields"] = described(field.message_type)
        if field.enum_type is not None:
            assert [v.number for v in field.enum_type.values] == list(range(len(field.enum_type.values)))
            one["words"] = [v.name for v in field.enum_type.values]
        out.append(one)
    return out


def test_the_tables_of_layers_are_the_descriptors(copy_tool):
    ours = json.loads(subprocess.run([copy_tool, "--layers"], capture_output=True, check=True).stdout)
    theirs = [{"name": f.name, "number": f.number, "fields": described(f.message_type)}
              for f in sorted(LAYERS, key=lambda f: f.number)]
    for layer in ours:
        assert layer.pop("since") in (1, 2, 3, 4, 5)
    assert len(ours) == 158
    assert ours == theirs


# --- copies

@pytest.fixture(scope="session", params=sorted(programs.ALL))
def program(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("programs") / f"{request.param}.mlpackage"
    programs.ALL[request.param]().save(str(path))
    return path


def values(message):
    """All MIL values below a message."""
    if message.DESCRIPTOR.name == "Value":
        yield message
    for field, content in message.ListFields():
        if field.message_type is None:
            continue
        if fill.is_map(field):
            if field.message_type.fields_by_name["value"].message_type is not None:
                for key in content:
                    yield from values(content[key])
        elif field.is_repeated:
            for item in content:
                yield from values(item)
        else:
            yield from values(content)


def blob(weights, offset):
    sentinel, kind = np.frombuffer(weights, np.uint32, 2, offset)
    size, start, padding = np.frombuffer(weights, np.uint64, 3, offset + 8)
    assert sentinel == 0xDEADBEEF
    return int(kind), int(padding), weights[int(start):int(start) + int(size)]


def take_blobs(model, weights):
    """The bytes that the model's constants refer to, in the order of the program; the offsets are cleared, because a
    copy may share records that the original has twice."""
    out = []
    for value in values(model):
        if value.WhichOneof("value") == "blobFileValue":
            out.append(blob(weights, value.blobFileValue.offset))
            value.blobFileValue.offset = 0
    return out


def test_programs_survive_copying(program, copy, tmp_path):
    before = parsed(program / MODEL)
    target = tmp_path / "copy.mlpackage"
    copy(program, target, before.specificationVersion)
    after = parsed(target / MODEL)
    ours = take_blobs(after, (target / WEIGHTS).read_bytes())
    theirs = take_blobs(before, (program / WEIGHTS).read_bytes() if (program / WEIGHTS).exists() else b"")
    assert len(ours) == len(theirs)
    assert ours or program.stem in ("control_flow", "flexible", "image", "state")
    same_messages(before, after)
    assert sorted(ours) == sorted(theirs)


def test_copies_of_programs_are_identical_files(program, copy, tmp_path):
    for name in ("a", "b"):
        copy(program, tmp_path / f"{name}.mlpackage")
    copy(tmp_path / "a.mlpackage", tmp_path / "c.mlpackage")
    for file in ("Manifest.json", MODEL, WEIGHTS):
        for other in ("b", "c"):
            assert filecmp.cmp(tmp_path / "a.mlpackage" / file, tmp_path / f"{other}.mlpackage" / file, shallow=False)


def test_coremltools_loads_what_is_written(program, copy, tmp_path):
    target = tmp_path / "copy.mlpackage"
    copy(program, target)
    loaded = ct.models.MLModel(str(target), skip_model_load=True)
    spec = loaded.get_spec()
    assert spec.WhichOneof("Type") == "mlProgram"
    original = ct.models.MLModel(str(program), skip_model_load=True)
    texts = [str(load_program(m.get_spec(), specification_version=m.get_spec().specificationVersion,
                              file_weights_dir=m.weights_dir)) for m in (original, loaded)]
    plain = [re.sub(r"0x[0-9a-f]+|(?<=[a-z])\d+|_\d+", "", text) for text in texts]  # counters of the process
    assert plain[0] == plain[1]


def test_an_existing_package_is_replaced(program, copy, tmp_path):
    target = tmp_path / "copy.mlpackage"
    copy(program, target)
    first = (target / MODEL).read_bytes()
    copy(target, target)
    assert (target / MODEL).read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == ["copy.mlpackage"]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda f: f.name)
def test_every_layer_survives_copying(layer, copy, tmp_path):
    for seed in range(3):
        rng = fill.generator(f"{layer.name} {seed}")
        model = fill.fill(rng, Model_pb2.Model(), 0, {"Type": "neuralNetwork"})
        model.specificationVersion = 10
        for _ in range(2):
            fill.fill(rng, model.neuralNetwork.layers.add(), 12, {"layer": layer.name})
        source, target = tmp_path / "a.mlmodel", tmp_path / "b.mlmodel"
        source.write_bytes(model.SerializeToString())
        copy(source, target, 10)
        same_messages(parsed(source), parsed(target))


@pytest.mark.parametrize("kind", [f.name for f in Model_pb2.Model.DESCRIPTOR.oneofs_by_name["Type"].fields
                                  if f.name != "mlProgram"])
def test_every_kind_of_model_survives_copying(kind, copy, tmp_path):
    for seed in range(8):
        rng = fill.generator(f"{kind} {seed}")
        model = fill.fill(rng, Model_pb2.Model(), 12, {"Type": kind})
        fill.set_versions(model, 10)
        source, target = tmp_path / "a.mlmodel", tmp_path / "b.mlmodel"
        source.write_bytes(model.SerializeToString())
        copy(source, target, 10)
        same_messages(parsed(source), parsed(target))


def network():
    """A small network as coremltools' own builder makes it."""
    rng = np.random.default_rng(7)
    builder = NeuralNetworkBuilder([("image", datatypes.Array(3, 16, 16))], [("scores", None)],
                                   disable_rank5_shape_mapping=True)
    builder.add_convolution("conv", 3, 8, 3, 3, 1, 1, "same", 1, rng.normal(size=(3, 3, 3, 8)), rng.normal(size=8),
                            True, input_name="image", output_name="a")
    builder.add_activation("relu", "RELU", "a", "b")
    builder.add_reduce_mean("mean", "b", "c", axes=[-1, -2], keepdims=False, reduce_all=False)
    builder.add_inner_product("fc", rng.normal(size=(4, 8)), rng.normal(size=4), 8, 4, True, "c", "d")
    builder.add_softmax_nd("soft", "d", "scores", -1)
    return builder.spec


def test_networks_keep_their_lowest_version(copy, tmp_path):
    model = network()
    source, target = tmp_path / "a.mlmodel", tmp_path / "b.mlmodel"
    model.specificationVersion = 9
    source.write_bytes(model.SerializeToString())
    copy(source, target)
    after = parsed(target)
    assert after.specificationVersion == 4
    after.specificationVersion = 9
    same_messages(parsed(source), after)
    again = tmp_path / "c.mlmodel"
    copy(source, again)
    assert again.read_bytes() == target.read_bytes()
    assert "version 4" in copy(source, again, 3, ok=False).stderr


def test_networks_stand_in_packages_too(copy, tmp_path):
    model = network()
    source, target = tmp_path / "a.mlmodel", tmp_path / "b.mlpackage"
    source.write_bytes(model.SerializeToString())
    copy(source, target, model.specificationVersion)
    same_messages(parsed(source), parsed(target / MODEL))
    assert not (target / "Data/com.apple.CoreML/weights").exists()
    assert ct.models.MLModel(str(target), skip_model_load=True).get_spec() == model


def test_programs_need_packages(copy, tmp_path):
    package = tmp_path / "p.mlpackage"
    programs.half().save(str(package))
    assert ".mlpackage" in copy(package, tmp_path / "p.mlmodel", ok=False).stderr
    bare = tmp_path / "bare.mlmodel"
    bare.write_bytes((package / MODEL).read_bytes())
    assert "weights folder is missing" in copy(bare, tmp_path / "q.mlpackage", ok=False).stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bare.mlmodel", "p.mlpackage"]
