"""Pipelines of networks and programs run as their models would, one behind the other."""
import warnings

import numpy as np
import pytest

ct = pytest.importorskip("coremltools")
from coremltools.converters.mil import Builder as mb  # noqa: E402, N813
from coremltools.models import datatypes  # noqa: E402
from coremltools.models.neural_network import NeuralNetworkBuilder  # noqa: E402
from coremltools.proto import Model_pb2  # noqa: E402
from nn_lift.harness import FLOAT32, noise  # noqa: E402
from test_coreml_classifiers import network as network_classifier  # noqa: E402
from test_coreml_classifiers import program as program_classifier  # noqa: E402
from test_coreml_images import network as image_network  # noqa: E402

WEIGHTS = [noise(40, 24, seed=1), noise(4, 40, seed=2)]


def program(path, weight, source, target):
    """A product with a weight that stands in the weight file."""
    @mb.program(input_specs=[mb.TensorSpec(shape=(1, weight.shape[1]))], opset_version=ct.target.iOS15)
    def made(a):
        return mb.linear(x=a, weight=weight, name=target)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ct.convert(made, convert_to="mlprogram", minimum_deployment_target=ct.target.iOS15,
                           compute_precision=ct.precision.FLOAT32, skip_model_load=True)
    spec = model.get_spec()
    ct.utils.rename_feature(spec, "a", source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ct.models.MLModel(spec, weights_dir=model.weights_dir, skip_model_load=True).save(str(path))
    return path


def network(path, source, target, *shape):
    b = NeuralNetworkBuilder([(source, datatypes.Array(*shape))], [(target, None)], disable_rank5_shape_mapping=True)
    b.add_activation("f", "LEAKYRELU", source, target, [0.5])
    for feature in [*b.spec.description.input, *b.spec.description.output]:
        feature.type.multiArrayType.dataType = FLOAT32
    b.spec.description.output[0].type.multiArrayType.shape.extend(shape)
    path.write_bytes(b.spec.SerializeToString())
    return path


def joined(path, *parts, classifier=None):
    """coremltools' pipeline of model files: the programs' weights stand in files of their own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = [ct.models.MLModel(str(p), skip_model_load=True) for p in parts]
        model = ct.utils.make_pipeline(*models)
        if classifier is not None:
            spec, inner = model.get_spec(), Model_pb2.Model()
            inner.CopyFrom(spec)
            spec.pipelineClassifier.pipeline.CopyFrom(inner.pipeline)
            for field in ("predictedFeatureName", "predictedProbabilitiesName"):
                setattr(spec.description, field, getattr(classifier.description, field))
            model = ct.models.MLModel(spec, weights_dir=model.weights_dir, skip_model_load=True)
        model.save(str(path))
    return path


@pytest.fixture
def run(run_arrays):
    """run(path, code, ...) gives the outputs and what is said, or what the error says."""
    def go(path, code=0, **inputs):
        out, said = run_arrays(path, code, **inputs)
        return said if code else (out, said)
    return go


def leaky(a):
    return np.where(a > 0, a, a * np.float32(0.5))


def test_a_program_between_networks(assay, run, tmp_path):
    path = joined(tmp_path / "p.mlpackage", network(tmp_path / "a.mlmodel", "u", "x", 1, 24),
                  program(tmp_path / "b.mlpackage", WEIGHTS[0], "x", "t"),
                  network(tmp_path / "c.mlmodel", "t", "y", 1, 40))
    u = noise(1, 24)
    out, told = run(path, u=u)
    np.testing.assert_allclose(out["y"], leaky(leaky(u) @ WEIGHTS[0].T), rtol=1e-5, atol=1e-5)
    assert "the pipeline has NeuralNetworks beside ML Programs" in told
    for name in ("one.mlpackage", "one.onnx"):
        assay("convert", path, "-o", tmp_path / name, code=0)
        np.testing.assert_allclose(run(tmp_path / name, u=u)[0]["y"], out["y"], rtol=1e-6, atol=1e-6)


def test_programs(assay, run, tmp_path):
    path = joined(tmp_path / "p.mlpackage", program(tmp_path / "a.mlpackage", WEIGHTS[0], "x", "t"),
                  program(tmp_path / "b.mlpackage", WEIGHTS[1], "t", "z"))
    x = noise(1, 24)
    out, told = run(path, x=x)
    assert list(out) == ["z"]
    np.testing.assert_allclose(out["z"], x @ WEIGHTS[0].T @ WEIGHTS[1].T, rtol=1e-4, atol=1e-4)
    assert "beside" not in told
    listed = assay("compare", path, "--program", "coreml-mlprogram-f32-cpu", "--program", "coreml-mlprogram-f32-ane",
                   "--input", tmp_path / "in.npz", code=0)
    assert "coreml-mlprogram-f32-ane" in listed.out


@pytest.mark.parametrize("last", ["network", "program"])
def test_classifiers(run, tmp_path, last):
    labels = ["cat", "dog", "cow"]
    name, make = ("c.mlmodel", network_classifier) if last == "network" else ("c.mlpackage", program_classifier)
    inner = make(tmp_path / name, labels, True) if last == "network" else make(tmp_path / name, labels)
    path = joined(tmp_path / "p.mlpackage", network(tmp_path / "a.mlmodel", "u", "x", 1, 4), tmp_path / name,
                  classifier=inner)
    u = noise(1, 4, seed=8)
    out, _ = run(path, u=u)
    alone, _ = run(tmp_path / name, x=leaky(u))
    assert out["kind"] in labels
    for key, array in alone.items():
        np.testing.assert_array_equal(out[key], array)


def test_regressors(assay, run, tmp_path):
    b = NeuralNetworkBuilder([("x", datatypes.Array(1, 4))], [("y", datatypes.Double())], mode="regressor",
                             disable_rank5_shape_mapping=True)
    b.add_inner_product("d", noise(1, 4), None, 4, 1, False, "x", "y")
    b.spec.description.predictedFeatureName = "y"
    b.spec.description.input[0].type.multiArrayType.dataType = FLOAT32
    first, spec = Model_pb2.Model(), Model_pb2.Model()
    first.ParseFromString(network(tmp_path / "a.mlmodel", "u", "x", 1, 4).read_bytes())
    spec.specificationVersion = 5
    spec.pipelineRegressor.pipeline.models.extend([first, b.spec])
    spec.description.input.extend(first.description.input)
    spec.description.output.extend(b.spec.description.output)
    spec.description.predictedFeatureName = "y"
    (tmp_path / "p.mlmodel").write_bytes(spec.SerializeToString())
    u = noise(1, 4, seed=9)
    want, _ = run(tmp_path / "p.mlmodel", u=u)
    np.testing.assert_allclose(want["y"], (leaky(u) @ noise(1, 4).T).ravel(), rtol=1e-6)
    done = assay("convert", tmp_path / "p.mlmodel", "-o", tmp_path / "q.mlmodel", "--json", code=0)
    assert done.result["float64_as_float32"] == []
    again, _ = run(tmp_path / "q.mlmodel", u=u)
    assert again["y"].dtype == np.float64
    np.testing.assert_array_equal(again["y"], want["y"])


def test_pictures_between_models(run, tmp_path):
    """A network that gives a picture, and one that takes it: the numbers before they become pixels."""
    first, second = image_network("RGB", "BGR"), image_network("BGR")
    ct.utils.rename_feature(second, "y", "z")
    ct.utils.rename_feature(second, "image", "y")
    second.neuralNetwork.preprocessing[0].featureName = "y"
    spec = Model_pb2.Model()
    spec.specificationVersion = 5
    spec.pipeline.models.extend([first, second])
    spec.description.input.extend(first.description.input)
    spec.description.output.extend(second.description.output)
    for name, model in {"p": spec, "a": first}.items():
        (tmp_path / f"{name}.mlmodel").write_bytes(model.SerializeToString())
    x = np.full((1, 3, 2, 4), 126, np.uint8)
    x[:, 1] = 255
    between, _ = run(tmp_path / "a.mlmodel", image=x)
    between = between["y"]
    out, _ = run(tmp_path / "p.mlmodel", image=x)
    scale, bias = np.float32(1 / 3), np.float32([-53, -42, -31]).reshape(1, 3, 1, 1)
    want = between[:, ::-1] * scale + bias
    np.testing.assert_allclose(out["z"], np.where(want > 0, want, want * np.float32(0.7)), rtol=1e-5)


def test_what_does_not_fit(run, tmp_path):
    inner = program(tmp_path / "b.mlpackage", WEIGHTS[0], "x", "t")
    path = joined(tmp_path / "p.mlpackage", network(tmp_path / "a.mlmodel", "u", "x", 1, 23), inner)
    assert "'x' is float32[1,23], and the function takes float32[1,24]" in run(path, code=3, u=noise(1, 23))


def test_models_of_other_kinds(run, tmp_path):
    path = joined(tmp_path / "p.mlpackage", network(tmp_path / "a.mlmodel", "u", "x", 1, 24),
                  program(tmp_path / "b.mlpackage", WEIGHTS[0], "x", "t"))
    file = next(path.rglob("*.mlmodel"))
    spec = Model_pb2.Model()
    spec.ParseFromString(file.read_bytes())
    spec.pipeline.models[0].scaler.shiftValue.append(0)
    file.write_bytes(spec.SerializeToString())
    said = run(path, code=3, u=noise(1, 24))
    assert "the pipeline has a scaler" in said
    assert "pipelines of NeuralNetworks and ML Programs are read" in said
