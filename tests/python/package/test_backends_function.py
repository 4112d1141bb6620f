"""Functions as programs: how many samples a call gets, what outputs are called, which types come and go; JAX as one."""
import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import assay

X = np.random.default_rng(3).standard_normal((50, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def weights(mlp):
    return numpy_helper.to_array(onnx.load(mlp).graph.initializer[0])


def test_batches_are_joined():
    sizes = []

    def double(inputs):
        sizes.append(len(inputs["x"]))
        return inputs["x"] * 2

    for batch, expected in ((1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (9, [5]), (None, [5])):
        sizes.clear()
        assert np.array_equal(assay.backends.callable(double, batch=batch)({"x": X[:5]}), X[:5] * 2)
        assert sizes == expected
    for shape in (lambda y: {"y": y, "z": y + 1}, lambda y: [y, y + 1]):
        several = assay.backends.callable(lambda inputs, f=shape: f(inputs["x"]), batch=2, outputs=["y", "z"])
        assert np.array_equal(several({"x": X})["z"], X + 1)


def test_a_batch_of_nothing_and_of_what_has_no_common_axis():
    with pytest.raises(ValueError, match="1 or more"):
        assay.backends.callable(len, batch=0)
    backend = assay.backends.callable(len, batch=1)
    for other in (np.float32(3), np.zeros((2, 4), np.float32)):
        with pytest.raises(assay.AssayError, match="no common first axis") as wrong:
            backend({"x": X, "other": np.asarray(other)})
        assert wrong.value.code == "A302"
    assert len(assay.backends.callable(lambda inputs: inputs["x"], batch=1)({"x": X[:0]})) == 0


def test_outputs_get_names_or_are_chosen(mlp):
    by_order = assay.backends.callable(lambda inputs: (inputs["x"], inputs["x"] + 1), "f", outputs=["a", "b"])
    assert list(by_order({"x": X})) == ["a", "b"]
    chosen = assay.backends.callable(lambda inputs: {"a": 1, "b": 2}, "f", outputs=["b"])
    assert chosen({}) == {"b": 2}
    with pytest.raises(TypeError, match="list of names"):
        assay.backends.callable(len, outputs="y")
    for returned, names in (({"a": X}, ["b"]), ([X, X], ["a"])):
        wrong = assay.backends.callable(lambda inputs, returned=returned: returned, "wrong", outputs=names)
        with pytest.raises(assay.AssayError, match="it returned") as error:
            assay.compare(mlp, {"input": X}, ["strict-f32", wrong])
        assert error.value.code == "A402"


def test_inputs_are_rounded_to_a_type():
    seen = {}

    def look(inputs):
        seen.update({name: array.dtype for name, array in inputs.items()})
        return inputs["x"]

    inputs = {"x": X, "n": np.arange(50), "m": X.astype(ml_dtypes.bfloat16)}
    for dtype in ("float16", ml_dtypes.bfloat16):
        rounded = assay.backends.callable(look, dtype=dtype)(inputs)
        assert np.array_equal(rounded, X.astype(dtype))
        assert seen == {"x": np.dtype(dtype), "n": np.int64, "m": np.dtype(dtype)}


def test_jax_in_float32(mlp, weights):
    """JAX on a CPU multiplies float32 by default as float32: only the order of the sum is its own."""
    jax = pytest.importorskip("jax")

    @jax.jit
    def layer(x):
        return x @ weights

    program = assay.backends.callable(lambda inputs: layer(inputs["input"]), "jax")
    result = assay.compare(mlp, {"input": X}, ["strict-f32", program], max_abs=1e-6)
    assert result.passed
    assert [p.lattice.format for p in result.programs] == ["float32", "float32"]
    assert not result.programs[1].emulated


def test_jax_in_bfloat16(mlp, weights):
    """bfloat16 arrays come out as they are; sums are float32's, rounded once, as the profile bf16-storage says."""
    jnp = pytest.importorskip("jax.numpy")
    w = jnp.asarray(weights, jnp.bfloat16)
    program = assay.backends.callable(lambda inputs: jnp.asarray(inputs["input"]) @ w, "jax-bf16", dtype=jnp.bfloat16)
    result = assay.compare(mlp, {"input": X}, ["bf16-storage", program])
    assert [p.lattice.format for p in result.programs] == ["bfloat16", "bfloat16"]
    assert result.pairs[0].equal == result.pairs[0].elements == 150
