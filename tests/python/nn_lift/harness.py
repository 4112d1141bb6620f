"""Cases for layers of NeuralNetworks: a model of one layer or a few, made with coremltools, and what it must give."""
from dataclasses import dataclass, field

import numpy as np
from coremltools.models import datatypes
from coremltools.models.neural_network import NeuralNetworkBuilder
from coremltools.proto import FeatureTypes_pb2, NeuralNetwork_pb2

FLOAT32 = FeatureTypes_pb2.ArrayFeatureType.FLOAT32


@dataclass
class Case:
    name: str
    inputs: dict
    build: object
    expected: dict
    legacy: bool = False
    rtol: float = 2e-6
    atol: float = 2e-6
    edit: object = None
    shapes: dict = field(default_factory=dict)


def rng(seed=0):
    return np.random.default_rng(seed)


def noise(*shape, seed=0, scale=1.0):
    return (rng(seed).normal(size=shape) * scale).astype(np.float32)


class Cases(list):
    """cases.add("relu", x, lambda b: b.add_activation(...), np.maximum(x, 0)): one input "x", one output "y"."""

    def add(self, name, inputs, build, expected, **more):
        if not isinstance(inputs, dict):
            arrays = inputs if isinstance(inputs, (list, tuple)) else [inputs]
            inputs = dict(zip(["x", "z", "u", "v", "w", "q", "r"], arrays, strict=False))
        if not isinstance(expected, dict):
            expected = {"y": expected}
        inputs = {k: np.asarray(v, np.float32) for k, v in inputs.items()}
        self.append(Case(name, inputs, build, expected, **more))


def spec_of(case):
    """The model. Legacy models state the shapes of their outputs."""
    features = [(n, datatypes.Array(*case.shapes.get(n, a.shape))) for n, a in case.inputs.items()]
    outputs = [(n, datatypes.Array(*np.shape(a)) if case.legacy else None) for n, a in case.expected.items()]
    builder = NeuralNetworkBuilder(features, outputs, disable_rank5_shape_mapping=not case.legacy)
    case.build(builder)
    spec = builder.spec
    for feature in [*spec.description.input, *spec.description.output]:
        if feature.type.WhichOneof("Type") == "multiArrayType":
            feature.type.multiArrayType.dataType = FLOAT32
    if case.edit:
        case.edit(spec)
    return spec


def save(spec, path):
    path.write_bytes(spec.SerializeToString())
    return path


def run_model(assay, folder, spec, inputs, *flags):
    """The outputs of the model."""
    save(spec, folder / "m.mlmodel")
    np.savez(folder / "in.npz", **inputs)
    assay("run", folder / "m.mlmodel", "--input", folder / "in.npz", "--output", folder / "out.npz", *flags, code=0)
    with np.load(folder / "out.npz") as out:
        return dict(out)


def layers_of(network):
    """Every layer, those of branches and loops too."""
    for layer in network.layers:
        yield layer
        kind = layer.WhichOneof("layer")
        if kind in ("branch", "loop"):
            names = ("ifBranch", "elseBranch") if kind == "branch" else ("conditionNetwork", "bodyNetwork")
            for name in names:
                yield from layers_of(getattr(getattr(layer, kind), name))


def network_of(spec):
    return getattr(spec, spec.WhichOneof("Type"))


def image_model(color, exact, gray=False, **preprocessing):
    shape = (1 if gray else 3, 2, 4)
    b = NeuralNetworkBuilder([("image", datatypes.Array(*shape))], [("y", None)],
                             disable_rank5_shape_mapping=exact)
    b.add_activation("f", "LINEAR", "image", "y", [2, 1])
    if preprocessing:
        b.set_pre_processing_parameters(image_input_names=["image"], is_bgr=color == "BGR", **preprocessing)
    feature = b.spec.description.input[0].type
    feature.imageType.width, feature.imageType.height = 4, 2
    feature.imageType.colorSpace = FeatureTypes_pb2.ImageFeatureType.ColorSpace.Value(color)
    if exact:
        network_of(b.spec).imageInputShapeMapping = NeuralNetwork_pb2.RANK4_IMAGE_MAPPING
    b.spec.description.output[0].type.multiArrayType.dataType = FLOAT32
    return b.spec
