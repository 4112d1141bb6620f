"""Loops that would run for ever, or nearly: refused by the same limit whatever the format, and soon."""
import resource

import numpy as np
import onnx
import pytest
from coremltools.models import datatypes
from coremltools.models.neural_network import NeuralNetworkBuilder
from mil_programs import build, mb
from mil_programs import save as save_program
from nn_lift.control import linear, nested, while_below
from nn_lift.harness import FLOAT32
from onnx import TensorProto as T
from onnx import helper, numpy_helper

X = np.float32([-1, -2])  # doubled again and again they stay below any limit
SECONDS = 10  # that a trivial body may take until the limit is reached


def info(name, kind=T.FLOAT, shape=None):
    return helper.make_tensor_value_info(name, kind, shape)


def onnx_loop(path, trips=None, computed=False, body=()):
    """A loop that negates; `trips` None: nothing but the condition ends it, which is true, known or computed."""
    condition = [helper.make_node("Greater", ["i", "least"], ["go"]) if computed else
                 helper.make_node("Identity", ["c"], ["go"])]
    graph = helper.make_graph([*condition, *(body or [helper.make_node("Neg", ["v"], ["u"])])], "body",
                              [info("i", T.INT64, []), info("c", T.BOOL, []), info("v")],
                              [info("go", T.BOOL, []), info("u")])
    weights = {"least": np.int64(-1), "most": np.int64(trips or 0), "far": np.int64([7])}
    loop = helper.make_node("Loop", ["most" if trips else "", "", "x"], ["y"], body=graph)
    model = helper.make_model(helper.make_graph([loop], "g", [info("x", shape=[2])], [info("y")],
                                                [numpy_helper.from_array(a, n) for n, a in weights.items()]),
                              opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, path)
    return path


def program_loop(path, trips=None):
    def program(a):
        go_on = (lambda i, v: mb.less(x=i, y=np.int32(trips))) if trips else (lambda i, v: mb.greater(x=i, y=-1))
        return mb.while_loop(_cond=go_on, _body=lambda i, v: (mb.add(x=i, y=1 if trips else 0), mb.mul(x=v, y=-1.0)),
                             loop_vars=(np.int32(0), a))

    save_program(build(program, [X]), path)
    return path


def network(path, make):
    b = NeuralNetworkBuilder([("x", datatypes.Array(2))], [("y", None)], disable_rank5_shape_mapping=True)
    make(b)
    for feature in [*b.spec.description.input, *b.spec.description.output]:
        feature.type.multiArrayType.dataType = FLOAT32
    path.write_bytes(b.spec.SerializeToString())
    return path


def counted(trips):
    def make(b):
        b.add_copy("start", "x", "v")
        body = nested(b.add_loop("l", max_iterations=trips).loop.bodyNetwork)
        linear(body, "v", "next", -1, 0)
        body.add_copy("c", "next", "v")
        linear(b, "v", "y", 1, 0)
    return make


ENDLESS = {
    "onnx": lambda folder: onnx_loop(folder / "m.onnx"),
    "onnx-computed": lambda folder: onnx_loop(folder / "m.onnx", computed=True),
    "onnx-counted": lambda folder: onnx_loop(folder / "m.onnx", trips=2**62),
    "onnx-counted-computed": lambda folder: onnx_loop(folder / "m.onnx", trips=2**62, computed=True),
    "program": lambda folder: program_loop(folder / "m.mlpackage"),
    "network": lambda folder: network(folder / "m.mlmodel", while_below),
    "network-counted": lambda folder: network(folder / "m.mlmodel", counted(2_000_000_000)),
}
TEN = {
    "onnx": lambda folder: onnx_loop(folder / "m.onnx", trips=10),
    "program": lambda folder: program_loop(folder / "m.mlpackage", trips=10),
    "network": lambda folder: network(folder / "m.mlmodel", counted(10)),
}


def cpu_seconds():
    """Of the processes that have ended: unlike the clock's it does not depend on what else the machine does."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(assay, folder, model, *flags, code):
    name = "a" if model.suffix == ".mlpackage" else "x"
    np.savez(folder / "in.npz", **{name: X})
    return assay("run", model, "--input", folder / "in.npz", *flags, code=code)


@pytest.mark.parametrize("kind", ENDLESS)
def test_loops_without_end(assay, tmp_path, kind):
    model = ENDLESS[kind](tmp_path)
    begin = cpu_seconds()
    done = run(assay, tmp_path, model, code=3)
    assert cpu_seconds() - begin < SECONDS
    assert "A106" in done.err and "1000000 iterations are allowed" in done.err and "--max-iterations" in done.err


@pytest.mark.parametrize("kind", TEN)
def test_the_limit_can_be_set(assay, tmp_path, kind):
    model = TEN[kind](tmp_path)
    run(assay, tmp_path, model, "--max-iterations", 10, code=0)
    done = run(assay, tmp_path, model, "--max-iterations", 9, code=3)
    assert "A106" in done.err and "9 iterations are allowed" in done.err


def test_a_known_count_is_refused_before_the_first_iteration(assay, tmp_path):
    """The body fails when it runs, and does not run."""
    body = [helper.make_node("Gather", ["v", "far"], ["u"])]
    assert "A106" in run(assay, tmp_path, onnx_loop(tmp_path / "m.onnx", trips=10**7, body=body), code=3).err
    assert "index 7" in run(assay, tmp_path, onnx_loop(tmp_path / "m.onnx", trips=2, body=body), code=3).err
