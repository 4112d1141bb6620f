"""Whole models through Core ML and back: the same bits at every station, and coremltools reads each program."""
import shutil

import coreml_models
import numpy as np
import onnx
import pytest
from coreml_judge import FORMATS, INTERFACE, Judge, check_layers, check_types, read_spec, same
from differential.harness import run_ort


def at_interface(array):
    """As Core ML takes it: no int64, no bool, no scalars."""
    return np.atleast_1d(array.astype(INTERFACE.get(array.dtype, array.dtype)))


class Journey:
    def __init__(self, assay, folder, model):
        self.assay, self.folder, self.model = assay, folder, model
        self.judge = Judge(assay, folder)
        self.want = [self.judge.run(model.path, given) for given in model.inputs]

    def to(self, source, name, *words):
        target = self.folder / name
        self.assay("convert", source, "-o", target, *words, code=0)
        return target

    def bits(self, path):
        """`path` computes what the model does, at each size."""
        for given, want in zip(self.model.inputs, self.want, strict=True):
            got = self.judge.run(path, {k: at_interface(a) for k, a in given.items()})
            assert len(got) == len(want)
            for (name, array), expected in zip(got.items(), want.values(), strict=True):
                same(array, expected, f"'{name}' of {path.name}")

    def peer(self, path, tolerance=1e-4):
        """ONNX Runtime computes from a file that we wrote what it computes from the model."""
        wrote = onnx.load(path)
        if any(n.domain == "coreml" for n in wrote.graph.node):
            return
        names = [i.name for i in wrote.graph.input]
        for given in self.model.inputs:
            theirs = list(run_ort(str(self.model.path), given).values())
            ours = run_ort(str(path), {n: at_interface(a) for n, a in zip(names, given.values(), strict=True)})
            for (name, a), b in zip(ours.items(), theirs, strict=True):
                scale = max(1.0, float(np.abs(b).max()))
                np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale, err_msg=name)


def travel(assay, folder, model, kind):
    trip = Journey(assay, folder, model)
    path = trip.to(model.path, f"there.{FORMATS[kind]}", *model.words)
    spec, weights = read_spec(path)
    check_layers(spec) if kind == "neuralnetwork" else check_types(spec, weights, narrower=True)
    trip.bits(path)
    if kind == "neuralnetwork":
        fix(trip, path)
    back = trip.to(path, "back.onnx")
    trip.bits(back)
    trip.peer(back)
    shutil.rmtree(folder)


def fix(trip, network):
    """What to do where only the network is at hand."""
    typed = trip.to(network, "typed.mlpackage")
    check_types(*read_spec(typed), narrower=True)
    trip.bits(typed)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", ["mlp", "garments", "blaze_front", "blaze_back"])
def test_models_of_the_demo(assay, tmp_path, name, kind):
    travel(assay, tmp_path, coreml_models.demo(name), kind)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", coreml_models.MADE)
def test_models_of_many_kinds(assay, tmp_path, name, kind):
    model = coreml_models.make(name, tmp_path)
    travel(assay, tmp_path, model, kind)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", coreml_models.PACKAGED)
def test_models_inside_packages(assay, tmp_path, name, kind):
    travel(assay, tmp_path, coreml_models.packaged(name), kind)
