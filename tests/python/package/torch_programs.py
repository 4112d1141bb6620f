"""Run by test_backends_torch.py with the Python that has PyTorch: torch_programs.py CHECK garments.onnx WEIGHTS.npz"""
import json
import sys
import types

import numpy as np
import torch

import assay
from fashion import load
from train import network


def classifier():
    """The example's network with the example's weights."""
    weights = np.load(sys.argv[3])
    model = network()
    model.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights.files}, strict=False)
    return torch.nn.Sequential(*model, torch.nn.Sigmoid())


def audit():
    images, labels = (part[:500] for part in load("t10k"))
    model = classifier().train()
    single, half = assay.backends.torch(model), assay.backends.torch(model, dtype="bfloat16")
    result = assay.audit(sys.argv[2], {"image": images}, labels, decision="threshold:0.5", candidates=[single, half])
    assert model.training, "the caller's module was left in another mode"
    assert next(model.parameters()).dtype == torch.float32
    for candidate in result.candidates:
        print(json.dumps({"program": candidate.program, "format": candidate.lattice.format,
                          "max_abs": candidate.differences.max_abs, "flips": candidate.verdict.flips,
                          "emulated": candidate.emulated}))


def inputs_and_outputs():
    class Two(torch.nn.Module):
        def forward(self, left, right, scale=1.0):
            return {"difference": (left - right) * scale, "sum": left + right}

    x = {"b": np.full((3, 2), 5, np.float32), "a": np.ones((3, 2), np.float32)}
    calls = {
        "by position": assay.backends.torch(Two()),
        "in this order": assay.backends.torch(Two(), inputs=["a", "b"], outputs=["sum", "difference"]),
        "by keyword": assay.backends.torch(Two(), inputs={"b": "right", "a": "left"}, batch=2),
    }
    for how, backend in calls.items():
        returned = backend(x)
        print(json.dumps({"how": how, "names": list(returned), "difference": returned["difference"].tolist()}))
    several = assay.backends.torch(lambda a: (a, a * 2), outputs=["y", "z"])({"a": x["a"]})
    print(json.dumps({"how": "a function", "names": list(several), "difference": several["z"].tolist()}))
    scripted = assay.backends.torch(torch.jit.script(torch.nn.Linear(2, 1)), device="cpu", dtype=torch.float64)
    assert scripted({"a": x["a"]})[0].dtype == np.float64


def memory():
    x = np.ones((2, 3), np.float32)
    same = assay.backends.torch(lambda tensor: tensor)
    assert np.shares_memory(same({"x": x})[0], x)
    integers = np.arange(4)
    assert assay.backends.torch(lambda tensor: tensor, dtype="float16")({"x": integers})[0].dtype == np.int64


class Bfloat16(np.ndarray):
    """An array as ml_dtypes makes them: bits under the name of a type that NumPy lacks."""

    dtype = property(lambda self: types.SimpleNamespace(name="bfloat16", kind="V"))


def bfloat16():
    """ml_dtypes does not load beside an old NumPy: a stand-in shows that bits come and go unchanged."""
    double = assay.backends.torch(lambda tensor: tensor * 2)
    one = np.array([[0x3F80, 0xBF80]], np.uint16).view(Bfloat16)
    assert double({"x": one})[0].dtype == np.float32
    assert double({"x": one})[0].tolist() == [[2, -2]]
    sys.modules["ml_dtypes"] = types.SimpleNamespace(bfloat16=np.uint16)
    assert double({"x": one})[0].tolist() == [[0x4000, 0xC000]]


if __name__ == "__main__":
    torch.set_num_threads(1)
    {check.__name__: check for check in (audit, inputs_and_outputs, memory, bfloat16)}[sys.argv[1]]()
