"""Conversions to Core ML, judged by coremltools: what the tests of lowerings have in common.

    j = Judge(assay, tmp_path)                               # `assay` is the fixture of conftest.py
    model = one_node("Add", {"A": a, "B": b})                # arrays are inputs; `constants` become initializers
    j.program(model, {"A": a, "B": b})                       # converts; coremltools agrees with every type and value
    j.network(model, {"A": a, "B": b})
    j.refused(model, "neuralnetwork", "layers hold")         # exit 3, with that reason

coremltools cannot predict on Linux, but its MIL frontend reads programs, infers every type anew and computes values of
operations whose operands are constants. `program` gives it the inputs as constants and compares what it computes with
what Assay computes on the ONNX model.
"""
import json
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
import onnx
from onnx import helper, numpy_helper

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from coremltools import proto
    from coremltools.converters.mil.frontend.milproto import load as milproto
    from coremltools.converters.mil.mil import types
    from coremltools.converters.mil.mil.types import PROTO_TO_BUILTIN_TYPE

FORMATS = {"mlprogram": "mlpackage", "neuralnetwork": "mlmodel"}
# What Core ML gives for a type that it does not have in its interface.
INTERFACE = {np.dtype(np.int64): np.int32, np.dtype(np.bool_): np.int32}


def make(nodes, inputs, outputs, constants=None, opset=24):
    """A model whose inputs have the types and shapes of arrays; `outputs` are names, of types that nobody states."""
    element = helper.np_dtype_to_tensor_dtype
    info = [helper.make_tensor_value_info(n, element(a.dtype), a.shape) for n, a in inputs.items()]
    weights = [numpy_helper.from_array(np.asarray(a), n) for n, a in (constants or {}).items()]
    graph = helper.make_graph(nodes, "g", info, [onnx.ValueInfoProto(name=n) for n in outputs], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return onnx.shape_inference.infer_shapes(model)


def one_node(kind, inputs, constants=None, outputs=("y",), order=None, opset=24, **attributes):
    """`order` names the operands (inputs and constants, "" where one is absent); by default inputs, then constants."""
    operands = [*inputs, *(constants or {})] if order is None else order
    return make([helper.make_node(kind, operands, list(outputs), **attributes)], inputs, outputs, constants, opset)


def read_spec(path):
    """The Model message of a .mlmodel or .mlpackage, and the folder of its weights."""
    path = Path(path)
    file = path
    if path.is_dir():
        manifest = json.loads((path / "Manifest.json").read_text())
        file = path / "Data" / manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"]
    spec = proto.Model_pb2.Model()
    spec.ParseFromString(file.read_bytes())
    return spec, str(file.parent / "weights")


def declared(value_type):
    """(element type of coremltools, dimensions with None where unknown) of a ValueType."""
    tensor = value_type.tensorType
    dims = [d.constant.size if d.WhichOneof("dimension") == "constant" else None for d in tensor.dimensions]
    assert tensor.rank == len(dims)
    return PROTO_TO_BUILTIN_TYPE[tensor.dataType], dims


def main_block(spec):
    function = spec.mlProgram.functions["main"]
    return function.block_specializations[function.opset]


def operations(spec, const=False):
    """Types of the main block's operations; constants only when asked for."""
    return [op.type for op in main_block(spec).operations if const or op.type != "const"]


def layers(spec):
    """Kinds of a network's layers; constants excepted."""
    kinds = [layer.WhichOneof("layer") for layer in spec.neuralNetwork.layers]
    return [k for k in kinds if k != "loadConstantND"]


def check_types(spec, weights, narrower=False):
    """coremltools' frontend accepts the program and infers for each result the type that stands in the file; where the
    file may be `narrower`, extents stand there that coremltools does not know."""
    program = milproto.load(spec, spec.specificationVersion, weights)
    inferred = {v.name: v for op in program.functions["main"].operations for v in op.outputs}
    for op in main_block(spec).operations:
        for output in op.outputs:
            var = inferred[output.name]
            if output.type.WhichOneof("type") == "dictionaryType":  # of a classifier
                assert types.is_dict(var.sym_type)
                continue
            element, dims = declared(output.type)
            assert var.dtype == element, f"{op.type} '{output.name}': {var.dtype} inferred, {element} written"
            assert len(var.shape) == len(dims), f"{op.type} '{output.name}': {var.shape} inferred, {dims} written"
            for have, said in zip(var.shape, dims, strict=True):
                known = isinstance(have, (int, np.integer))
                right = have == said if known else narrower
                assert said is None or right, f"'{output.name}': {var.shape}, but {dims} written"
    return program


def with_inputs(spec, inputs):
    """The program with const operations in place of its inputs."""
    bound = proto.Model_pb2.Model()
    bound.CopyFrom(spec)
    function = bound.mlProgram.functions["main"]
    block = function.block_specializations[function.opset]
    kept = list(block.operations)
    del block.operations[:]
    for named in function.inputs:
        element, dims = declared(named.type)
        array = np.asarray(inputs[named.name]).astype(types.nptype_from_builtin(element))
        array = array.reshape(array.shape if None in dims else dims)
        for dim, extent in zip(named.type.tensorType.dimensions, array.shape, strict=True):
            dim.constant.size = extent
        op = block.operations.add(type="const")
        op.outputs.add(name=named.name, type=named.type)
        op.attributes["name"].type.tensorType.dataType = proto.MIL_pb2.DataType.Value("STRING")
        op.attributes["name"].immediateValue.tensor.strings.values.append(named.name)
        value = op.attributes["val"]
        value.type.CopyFrom(named.type)
        tensor = value.immediateValue.tensor
        if element == types.fp32:
            tensor.floats.values.extend(array.ravel().tolist())
        elif element == types.int32:
            tensor.ints.values.extend(array.ravel().tolist())
        else:
            tensor.bytes.values = array.tobytes()
    block.operations.extend(kept)
    del function.inputs[:]
    return bound


def plain_flags(load):
    """coremltools passes `keep_dims` as it reads it on to NumPy, which takes Python's own truth values alone."""
    def plain(context, value):
        got = load(context, value)
        return bool(got) if isinstance(got, np.bool_) else got
    return plain


def values(spec, weights, inputs):
    """What coremltools computes for the program's outputs, by name; None where it has no rule."""
    with mock.patch.object(milproto, "_load_value", plain_flags(milproto._load_value)):
        program = milproto.load(with_inputs(spec, inputs), spec.specificationVersion, weights)
    return {v.name: v.val for v in program.functions["main"].outputs}


def same(got, want, where, ulp=0):
    """Equal, NaN to NaN; signs of zero too when `ulp` is 0. Else within `ulp` units in the last place."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape or (got.shape, want.shape) == ((1,), ()), f"{where}: {got.shape}, not {want.shape}"
    got = got.reshape(want.shape)
    if want.dtype.kind != "f":
        np.testing.assert_array_equal(got.astype(want.dtype), want, err_msg=where)
        return
    got = got.astype(want.dtype)
    near = (got == want) | (np.isnan(got) & np.isnan(want))
    if ulp == 0:
        near &= (np.signbit(got) == np.signbit(want)) | np.isnan(want)
    else:
        with np.errstate(all="ignore"):
            near |= np.abs(got - want) <= ulp * np.spacing(np.maximum(np.abs(want), np.finfo(want.dtype).tiny))
    assert near.all(), f"{where}: {got[~near]} where Assay has {want[~near]} (at {np.argwhere(~near).tolist()[:8]})"


class Judge:
    def __init__(self, assay, folder, lifts=True):
        """Assay reads the files that it wrote and computes the same bits from them. `lifts` None: where it reads all
        that stands in them; False: never."""
        self.assay, self.folder, self.lifts = assay, Path(folder), lifts

    def save(self, model):
        path = self.folder / "m.onnx"
        onnx.save(model, path)
        return path

    def run(self, path, inputs, may_lack=False):
        """Outputs of `assay run` under strict-f32, by name; None where it may lack operations, and does."""
        source, result = self.folder / "in.npz", self.folder / "out.npz"
        np.savez(source, **inputs)
        done = self.assay("run", path, "--input", source, "--output", result, "--profile", "strict-f32")
        if may_lack and done.code == 3 and "Assay does not have" in done.err:
            return None
        assert done.code == 0, done.err
        with np.load(result) as archive:
            return {k: archive[k] for k in archive.files}

    def convert(self, model, kind, *words, code=0):
        """Path of the converted file, and what the command said."""
        target = self.folder / f"m.{FORMATS[kind]}"
        done = self.assay("convert", self.save(model), "-o", target, "--format", kind, *words, code=code)
        return target, done

    def refused(self, model, kind, *reasons):
        _, done = self.convert(model, kind, code=3)
        for reason in reasons:
            assert reason in done.err, f"'{reason}' is not in\n{done.err}"

    def program(self, model, inputs, *words, ulp=0, oracle=True, ops=None):
        """Converts, has coremltools check every type and, with `oracle`, compute the outputs; returns the message.
        `ulp`: how far the two may lie apart; `ops`: the operations that must stand in the program."""
        path, _ = self.convert(model, "mlprogram", *words)
        spec, weights = read_spec(path)
        if ops is not None:
            assert operations(spec) == list(ops)
        check_types(spec, weights)
        want = self.run(self.folder / "m.onnx", inputs)
        if oracle:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                got = values(spec, weights, inputs)
            for name, array in want.items():
                assert got[name] is not None, f"coremltools has no value for '{name}'"
                same(got[name], array, f"coremltools' '{name}'", ulp)
        self.same_run(path, inputs, want)
        return spec

    def network(self, model, inputs, *words, kinds=None, ulp=0):
        """Converts to a NeuralNetwork and checks what coremltools' message says of it; returns the message. `ulp`: how
        far what it computes may lie from the model's, where a layer is another formula for the same function."""
        path, _ = self.convert(model, "neuralnetwork", *words)
        spec, _ = read_spec(path)
        assert spec.WhichOneof("Type") == "neuralNetwork"
        check_layers(spec)
        if kinds is not None:
            assert layers(spec) == list(kinds)
        self.same_run(path, inputs, self.run(self.folder / "m.onnx", inputs), ulp)
        return spec

    def same_run(self, path, inputs, want, ulp=0):
        if self.lifts is False:
            return
        given = {k: np.atleast_1d(a.astype(INTERFACE.get(a.dtype, a.dtype))) for k, a in inputs.items()}
        got = self.run(path, given, may_lack=self.lifts is None)
        if got is None:
            return
        assert list(got) == list(want)
        for name, array in want.items():
            same(got[name], array, f"'{name}' of {path.suffix}", ulp)


def written_by(layer):
    """Blobs that networks nested in a layer write for those behind it: what both branches write, what a loop writes."""
    if layer.WhichOneof("layer") == "branch":
        then, other = ({n for inner in network.layers for n in {*inner.output, *written_by(inner)}}
                       for network in (layer.branch.ifBranch, layer.branch.elseBranch))
        return then & other
    if layer.WhichOneof("layer") == "loop":
        return {n for inner in layer.loop.bodyNetwork.layers for n in {*inner.output, *written_by(inner)}}
    return set()


def check_layers(spec):
    """Blobs are written before they are read, once, and every output of the model is written; factors are stated."""
    known = {feature.name for feature in spec.description.input}
    names = set()
    for layer in spec.neuralNetwork.layers:
        kind = layer.WhichOneof("layer")
        assert kind is not None, f"'{layer.name}' has no kind that coremltools knows"
        assert layer.name not in names, f"two layers are named '{layer.name}'"
        assert kind != "unary" or layer.unary.scale == 1, f"'{layer.name}' leaves its scale to a default"
        names.add(layer.name)
        assert set(layer.input) <= known, f"{kind} '{layer.name}' reads {set(layer.input) - known}"
        if kind != "copy":  # the one layer that may write a blob anew
            assert not set(layer.output) & known, f"{kind} '{layer.name}' writes {set(layer.output) & known} again"
        known |= set(layer.output) | written_by(layer)
    assert {feature.name for feature in spec.description.output} <= known
    if any(f.type.WhichOneof("Type") == "multiArrayType" for f in spec.description.input):
        exact = proto.NeuralNetwork_pb2.NeuralNetworkMultiArrayShapeMapping.Value("EXACT_ARRAY_MAPPING")
        assert spec.neuralNetwork.arrayInputShapeMapping == exact
