"""Branches, loops, lists, states and classifiers of ML Programs."""
import numpy as np
import onnx
import pytest
from coremltools.converters.mil.mil import get_new_symbol, types
from mil_programs import NAMES, TARGETS, build, ct, mb, run, save
from onnx.reference import ReferenceEvaluator

RNG = np.random.default_rng(29)
X = RNG.standard_normal((2, 3)).astype(np.float32)


def start(assay, folder, arrays, code=0, profile="strict-f32", names=None):
    np.savez(folder / "in.npz", **arrays)
    done = assay("run", folder / "program.mlpackage", "--input", folder / "in.npz", "--profile", profile, "--output",
                 folder / "out.npz", code=code)
    if code:
        return done
    with np.load(folder / "out.npz") as found:
        return [found[n] for n in names] if names else dict(found)


@pytest.mark.parametrize("sign", [1, -1])
def test_branches(assay, tmp_path, sign):
    def body(a, b):
        positive = mb.greater(x=mb.reduce_sum(x=b), y=np.float32(0))
        outside = mb.mul(x=a, y=np.float32(2))
        return mb.cond(pred=positive, _true_fn=lambda: (mb.add(x=outside, y=np.float32(1)), a),
                       _false_fn=lambda: (mb.sub(x=outside, y=b), outside))

    y = np.abs(X) * np.float32(sign)
    found = run(assay, tmp_path, body, [X, y])
    wanted = (2 * X + 1, X) if sign > 0 else (2 * X - y, 2 * X)
    for f, w in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(f, w)


@pytest.mark.parametrize("sign", [1, -1])
def test_branches_in_branches(assay, tmp_path, sign):
    def body(a, b):
        test = mb.greater(x=mb.reduce_max(x=b), y=np.float32(0))
        inner = lambda: mb.cond(pred=test, _true_fn=lambda: mb.add(x=a, y=b), _false_fn=lambda: mb.mul(x=a, y=b))  # noqa: E731
        return mb.cond(pred=mb.logical_not(x=test), _true_fn=inner, _false_fn=lambda: mb.sub(x=a, y=b))

    y = np.full_like(X, sign)
    found, = run(assay, tmp_path, body, [X, y])
    np.testing.assert_array_equal(found, X - y if sign > 0 else X * y)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_loops(assay, tmp_path, count):
    """The condition is asked before the first iteration; what is outside is captured."""
    def body(a, b):
        limit = mb.squeeze(x=b, axes=[0])
        step = mb.mul(x=a, y=np.float32(0.5))
        return mb.while_loop(_cond=lambda i, v: mb.less(x=i, y=limit),
                             _body=lambda i, v: (mb.add(x=i, y=1), mb.add(x=v, y=step)), loop_vars=(np.int32(0), a))

    found = run(assay, tmp_path, body, [X, np.int32([count])])
    wanted = X
    for _ in range(count):
        wanted = wanted + X * np.float32(0.5)
    assert found[0] == count
    np.testing.assert_array_equal(found[1], wanted)


def test_loops_whose_condition_is_a_value(assay, tmp_path):
    def body(a):
        return mb.while_loop(_cond=lambda v: mb.less(x=mb.reduce_sum(x=v), y=np.float32(100)),
                             _body=lambda v: mb.mul(x=v, y=np.float32(2)), loop_vars=(mb.abs(x=a),))

    found, = run(assay, tmp_path, body, [X])
    wanted = np.abs(X)
    while wanted.sum() < 100:
        wanted = wanted * 2
    np.testing.assert_array_equal(found, wanted)


def test_loops_that_change_a_shape(assay, tmp_path):
    def body(a, b):
        limit = mb.squeeze(x=b, axes=[0])
        return mb.while_loop(_cond=lambda i, v: mb.less(x=i, y=limit),
                             _body=lambda i, v: (mb.add(x=i, y=1), mb.concat(values=[v, a], axis=0)),
                             loop_vars=(np.int32(0), a))

    program = build(body, [X, np.int32([3])])
    names = save(program, tmp_path / "program.mlpackage")
    found = start(assay, tmp_path, {"a": X, "b": np.int32([3])}, names=names)
    np.testing.assert_array_equal(found[1], np.tile(X, (4, 1)))


def test_loops_in_loops(assay, tmp_path):
    def inner(i, v):
        return mb.while_loop(_cond=lambda j, w: mb.less(x=j, y=i),
                             _body=lambda j, w: (mb.add(x=j, y=1), mb.add(x=w, y=np.float32(1))),
                             loop_vars=(np.int32(0), v))[1]

    def body(a):
        return mb.while_loop(_cond=lambda i, v: mb.less(x=i, y=4),
                             _body=lambda i, v: (mb.add(x=i, y=1), inner(i, v)), loop_vars=(np.int32(0), a))

    found = run(assay, tmp_path, body, [X])
    np.testing.assert_allclose(found[1], X + 6, rtol=1e-6)


@pytest.mark.parametrize("dynamic", [True, False])
def test_lists(assay, tmp_path, dynamic):
    def body(a):
        rows = mb.make_list(init_length=3, dynamic_length=dynamic, elem_shape=(3,))
        for k in (0, 2):
            rows = mb.list_write(ls=rows, index=k, value=mb.gather(x=a, indices=k % 2))
        rows = mb.list_scatter(ls=rows, indices=[1, 2], value=mb.mul(x=a, y=np.float32(2)))
        return (mb.list_read(ls=rows, index=2), mb.list_gather(ls=rows, indices=[2, 0, 1]), mb.list_length(ls=rows))

    found = run(assay, tmp_path, body, [X])
    rows = np.stack([X[0], 2 * X[0], 2 * X[1]])
    np.testing.assert_array_equal(found[0], rows[2])
    np.testing.assert_array_equal(found[1], rows[[2, 0, 1]])
    assert found[2] == 3


def test_lists_grow_in_loops(assay, tmp_path):
    """As recurrent networks of TensorFlow are written: a list of outputs that is written step by step."""
    def body(a):
        rows = mb.make_list(init_length=1, dynamic_length=True, elem_shape=(3,))
        _, rows = mb.while_loop(
            _cond=lambda i, ls: mb.less(x=i, y=5),
            _body=lambda i, ls: (mb.add(x=i, y=1), mb.list_write(
                ls=ls, index=i, value=mb.mul(x=mb.gather(x=a, indices=0), y=mb.cast(x=i, dtype="fp32")))),
            loop_vars=(np.int32(0), rows))
        return mb.list_gather(ls=rows, indices=mb.range_1d(start=0, end=mb.list_length(ls=rows), step=1))

    found, = run(assay, tmp_path, body, [X])
    np.testing.assert_array_equal(found, np.arange(5, dtype=np.float32)[:, None] * X[0])


def accumulator(read_again=True, dtype=types.fp16):
    @mb.program(input_specs=[mb.TensorSpec(shape=(3,), dtype=dtype), mb.StateTensorSpec(shape=(3,), dtype=dtype)],
                opset_version=TARGETS["iOS18"])
    def program(x, total):
        before = mb.read_state(input=total)
        after = mb.coreml_update_state(state=total, value=mb.add(x=before, y=x))
        return mb.add(x=after, y=np.float16(1)) if read_again else mb.identity(x=before)

    return program


@pytest.mark.parametrize("read_again", [True, False])
def test_states_live_from_run_to_run(assay, tmp_path, read_again):
    save(accumulator(read_again), tmp_path / "program.mlpackage", "iOS18")
    x = np.arange(12, dtype=np.float16).reshape(4, 3)
    arrays = start(assay, tmp_path, {"x": x})
    found, = arrays.values()
    sums = np.cumsum(x.astype(np.float32), 0)
    np.testing.assert_array_equal(found.reshape(4, 3), sums + 1 if read_again else sums - x)
    first, = start(assay, tmp_path, {"x": x[:1]}).values()  # another session starts from zeros
    np.testing.assert_array_equal(first.reshape(3), x[0] + 1 if read_again else 0 * x[0])


def test_states_are_inputs_and_outputs_in_onnx(assay, tmp_path):
    save(accumulator(), tmp_path / "program.mlpackage", "iOS18")
    assay("convert", tmp_path / "program.mlpackage", "--output", tmp_path / "m.onnx", code=0)
    model = onnx.load(tmp_path / "m.onnx")
    onnx.checker.check_model(model)
    session = ReferenceEvaluator(model)
    total = np.zeros(3, np.float16)
    for k in range(3):
        y, total = session.run(None, {"x": np.full(3, k, np.float16), "total": total})
        np.testing.assert_array_equal(y, np.float16([sum(range(k + 1)) + 1] * 3))


def test_classifiers_with_names(assay, tmp_path):
    program = build(lambda a: mb.softmax(x=a), [X[:1]])
    save(program, tmp_path / "program.mlpackage", classifier_config=ct.ClassifierConfig(["cat", "dog", "owl"]))
    found = start(assay, tmp_path, {"a": X[:1]})
    label = found.pop("classLabel")
    assert label.reshape(()).item() == ["cat", "dog", "owl"][int(np.argmax(X[0]))]
    probabilities, = found.values()
    np.testing.assert_allclose(probabilities.reshape(3), np.exp(X[0]) / np.exp(X[0]).sum(), rtol=1e-6)


def test_classifiers_with_numbers(assay, tmp_path):
    program = build(lambda a: mb.softmax(x=a), [X[:1]])
    save(program, tmp_path / "program.mlpackage", classifier_config=ct.ClassifierConfig([10, 20, 30]))
    found = start(assay, tmp_path, {"a": X[:1]})
    assert found["classLabel"].reshape(()).item() == [10, 20, 30][int(np.argmax(X[0]))]


def test_unknown_extents_in_loops(assay, tmp_path):
    def body(a):
        return mb.while_loop(_cond=lambda i, v: mb.less(x=i, y=mb.gather(x=mb.shape(x=v), indices=0)),
                             _body=lambda i, v: (mb.add(x=i, y=1), mb.mul(x=v, y=np.float32(2))),
                             loop_vars=(np.int32(0), a))

    program = build(body, [X], shapes={"a": (get_new_symbol(), 3)})
    names = save(program, tmp_path / "program.mlpackage",
                 inputs=[ct.TensorType(name=NAMES[0], shape=(ct.RangeDim(1, 9), 3))])
    x = np.concatenate([X, X])
    found = start(assay, tmp_path, {"a": x}, names=names)
    assert found[0] == 4
    np.testing.assert_array_equal(found[1], 16 * x)
