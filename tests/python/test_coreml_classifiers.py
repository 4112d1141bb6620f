"""Classifiers and regressors: both formats give the label and the probabilities, and one becomes the other."""
import warnings

import numpy as np
import pytest

ct = pytest.importorskip("coremltools")
from coreml_judge import check_types, main_block, operations, read_spec  # noqa: E402
from coremltools.converters.mil import Builder as mb  # noqa: E402, N813
from coremltools.models import datatypes  # noqa: E402
from coremltools.models.neural_network import NeuralNetworkBuilder  # noqa: E402
from nn_lift.harness import FLOAT32, noise  # noqa: E402

LABELS = {"strings": ["cat", "dog", "ünd"], "integers": [5, 7, 2**40]}
WEIGHTS = noise(3, 4)


def network(path, labels, exact, extra=False):
    shape = (1, 4) if exact else (4,)
    outputs = [("p", datatypes.Array(3))] + ([("s", datatypes.Array(3))] if extra else [])
    b = NeuralNetworkBuilder([("x", datatypes.Array(*shape))], outputs, mode="classifier",
                             disable_rank5_shape_mapping=exact)
    b.add_inner_product("d", WEIGHTS, None, 4, 3, False, "x", "s")
    if exact:
        b.add_softmax_nd("f", "s", "p", -1)
    else:
        b.add_softmax("f", "s", "p")
    b.set_class_labels(labels, predicted_feature_name="kind", prediction_blob="p")
    b.spec.description.input[0].type.multiArrayType.dataType = FLOAT32
    for feature in b.spec.description.output:
        if feature.type.WhichOneof("Type") == "multiArrayType":
            feature.type.multiArrayType.dataType = FLOAT32
    path.write_bytes(b.spec.SerializeToString())
    return b.spec


def program(path, labels):
    @mb.program(input_specs=[mb.TensorSpec(shape=(1, 4))], opset_version=ct.target.iOS15)
    def made(x):
        return mb.softmax(x=mb.linear(x=x, weight=WEIGHTS), axis=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ct.convert(made, convert_to="mlprogram", minimum_deployment_target=ct.target.iOS15,
                           classifier_config=ct.ClassifierConfig(labels, "kind"), skip_model_load=True,
                           compute_precision=ct.precision.FLOAT32)
    model.save(str(path))
    return model.get_spec()


SOURCES = {
    "program": ("a.mlpackage", (1, 4), program),
    "exact": ("a.mlmodel", (1, 4), lambda path, labels: network(path, labels, True)),
    "legacy": ("a.mlmodel", (4,), lambda path, labels: network(path, labels, False)),
    "several": ("a.mlmodel", (1, 4), lambda path, labels: network(path, labels, True, extra=True)),
}


@pytest.fixture
def run(run_arrays):
    """run(path, x) gives the outputs of the model."""
    return lambda path, x: run_arrays(path, x=x)[0]


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("source", SOURCES)
def test_the_label_and_the_probabilities(run, tmp_path, source, labels):
    name, shape, make = SOURCES[source]
    spec = make(tmp_path / name, labels).description
    probabilities, kind = spec.predictedProbabilitiesName, spec.predictedFeatureName
    x = noise(5, *shape[-1:], seed=3).reshape(5, *shape)
    want = np.exp(x @ WEIGHTS.T)
    want /= want.sum(-1, keepdims=True)
    out = run(tmp_path / name, x[1])
    np.testing.assert_allclose(out[probabilities], want[1], rtol=1e-5)
    assert out[kind].shape == ()
    assert out[kind] == labels[np.argmax(want[1])]
    every = run(tmp_path / name, x.reshape(5, *shape[-1:]))  # samples
    np.testing.assert_allclose(every[probabilities], want.reshape(5, 3), rtol=1e-5)
    assert every[kind].tolist() == [labels[k] for k in np.argmax(want.reshape(5, 3), -1)]


def classes(spec):
    if spec.WhichOneof("Type") == "neuralNetworkClassifier":
        network = spec.neuralNetworkClassifier
        kind = network.WhichOneof("ClassLabels")
        return list(getattr(network, kind).vector)
    last = main_block(spec).operations[-1]
    assert last.type == "classify"
    members = [v.immediateValue.tensor for v in last.inputs["classes"].arguments[0].value.immediateValue.list.values]
    return [(m.strings.values or m.longInts.values)[0] for m in members]


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("target", ["b.mlpackage", "b.mlmodel"])
@pytest.mark.parametrize("source", SOURCES)
def test_a_classifier_stays_one(assay, run, tmp_path, source, target, labels):
    name, shape, make = SOURCES[source]
    before = make(tmp_path / name, labels).description
    assay("convert", tmp_path / name, "-o", tmp_path / target, code=0)
    spec, weights = read_spec(tmp_path / target)
    if target.endswith("package"):
        check_types(spec, weights)
        assert not {"gather", "reduce_argmax"} & set(operations(spec))
    after = spec.description
    assert after.predictedFeatureName == before.predictedFeatureName
    assert after.predictedProbabilitiesName == before.predictedProbabilitiesName
    assert [f.name for f in after.output] == [f.name for f in before.output]
    for one, other in zip(after.output, before.output, strict=True):
        if one.type.WhichOneof("Type") != "multiArrayType":
            assert one.type == other.type
    assert classes(spec) == labels
    x = noise(*shape, seed=4)
    want, got = run(tmp_path / name, x), run(tmp_path / target, x)
    assert list(got) == list(want)
    for key in want:
        np.testing.assert_array_equal(got[key], want[key])


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("source", SOURCES)
def test_onnx_gives_the_label_too(assay, run, tmp_path, source, labels):
    ort = pytest.importorskip("onnxruntime")
    name, shape, make = SOURCES[source]
    make(tmp_path / name, labels)
    assay("convert", tmp_path / name, "-o", tmp_path / "b.onnx", code=0)
    x = noise(*shape, seed=5)
    want = run(tmp_path / name, x)
    for key, array in run(tmp_path / "b.onnx", x).items():
        np.testing.assert_array_equal(array, want[key])
    session = ort.InferenceSession(tmp_path / "b.onnx", providers=["CPUExecutionProvider"])
    label = session.run(["kind"], {"x": x})[0]
    assert np.asarray(label).item() == want["kind"].item()


def test_a_label_alone(assay, run, tmp_path):
    spec = network(tmp_path / "a.mlmodel", ["a", "b", "c"], True)
    del spec.description.output[[f.name for f in spec.description.output].index("p")]
    spec.description.predictedProbabilitiesName = ""
    (tmp_path / "a.mlmodel").write_bytes(spec.SerializeToString())
    x = noise(1, 4)
    want = run(tmp_path / "a.mlmodel", x)
    assert list(want) == ["kind"]
    for target in ("b.mlpackage", "b.mlmodel"):
        assay("convert", tmp_path / "a.mlmodel", "-o", tmp_path / target, code=0)
        assert run(tmp_path / target, x) == want


def test_labels_for_other_probabilities(assay, tmp_path):
    network(tmp_path / "a.mlmodel", ["a", "b"], True)
    done = assay("run", tmp_path / "a.mlmodel", "--random", 1, code=3)
    assert "2 labels for probabilities of type" in done.err


def test_regressors(assay, run, tmp_path):
    b = NeuralNetworkBuilder([("x", datatypes.Array(4))], [("y", datatypes.Double())], mode="regressor")
    b.add_inner_product("d", noise(1, 4), None, 4, 1, False, "x", "y")
    spec = b.spec
    spec.description.input[0].type.multiArrayType.dataType = FLOAT32
    spec.description.predictedFeatureName = "y"
    (tmp_path / "a.mlmodel").write_bytes(spec.SerializeToString())
    x = noise(4, seed=6)
    want = run(tmp_path / "a.mlmodel", x)["y"]
    np.testing.assert_allclose(want, noise(1, 4) @ x, rtol=1e-6)
    assert want.dtype == np.float64
    assay("convert", tmp_path / "a.mlmodel", "-o", tmp_path / "b.mlmodel", code=0)
    again, _ = read_spec(tmp_path / "b.mlmodel")
    assert again.WhichOneof("Type") == "neuralNetworkRegressor"
    assert again.description.predictedFeatureName == "y"
    assert again.description.output[0].type == spec.description.output[0].type
    np.testing.assert_array_equal(run(tmp_path / "b.mlmodel", x)["y"], want)
    assay("convert", tmp_path / "a.mlmodel", "-o", tmp_path / "b.mlpackage", code=0)
    found = run(tmp_path / "b.mlpackage", x)["y"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, want)


@pytest.mark.parametrize("source", ["program", "exact"])
def test_inspect_tells_labels_apart(assay, tmp_path, source):
    ending, make = SOURCES[source][0].split(".")[1], SOURCES[source][2]
    make(tmp_path / f"a.{ending}", ["cat", "dog", "eel"])
    make(tmp_path / f"b.{ending}", ["cat", "owl", "eel"])
    found = assay("inspect", f"a.{ending}", "--diff", f"b.{ending}", code=0).out
    assert '["cat", "dog", "eel"]' in found and '["cat", "owl", "eel"]' in found


def test_inspect_shows_a_few_of_many_labels(assay, tmp_path):
    labels = [f"l{i}" for i in range(40)]
    for name, last in (("a", "l39"), ("b", "other")):
        network(tmp_path / f"{name}.mlmodel", [*labels[:-1], last], True)
    assert '"l15", ...] of 40 (' in assay("inspect", "a.mlmodel", code=0).out
    assert "no difference" not in assay("inspect", "a.mlmodel", "--diff", "b.mlmodel", code=0).out


def test_inspect_shows_defaults(assay, tmp_path):
    spec = network(tmp_path / "a.mlmodel", LABELS["strings"], True)
    spec.specificationVersion = 5
    spec.description.input[0].type.isOptional = True
    spec.description.input[0].type.multiArrayType.floatDefaultValue = 2.5
    (tmp_path / "b.mlmodel").write_bytes(spec.SerializeToString())
    assert "x may be left out: it is 2.5 then" in assay("inspect", "b.mlmodel", code=0).out
