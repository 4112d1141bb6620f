"""Operators that only Core ML has: a program that is read and written again has them, and computes the same bits."""
import numpy as np
import pytest
from mil_programs import build, ct, mb, operations, run

RNG = np.random.default_rng(23)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


N = np.float32
SAMPLING = {"coordinates_mode": "unnormalized", "padding_mode": "symmetric", "padding_value": N(0),
            "sampling_mode": "bilinear", "align_corners": True}
AFFINE = {**SAMPLING, "coordinates_mode": "normalized_minus_one_to_one", "padding_mode": "constant"}
CASES = [
    ("clamped_relu", "iOS15", lambda a: mb.clamped_relu(x=a, alpha=N(0.25), beta=N(1))),
    ("inverse", "iOS15", lambda a: mb.inverse(x=a)),
    ("linear_activation", "iOS15", lambda a: mb.linear_activation(x=a, alpha=N(2), beta=N(1))),
    ("log", "iOS15", lambda a: mb.log(x=mb.abs(x=a), epsilon=N(0.5))),
    ("mod", "iOS15", lambda a: mb.mod(x=a, y=N(0.7))),
    ("floor_div", "iOS15", lambda a: mb.floor_div(x=a, y=N(0.7))),
    ("softplus_parametric", "iOS15", lambda a: mb.softplus_parametric(x=a, alpha=floats(3), beta=floats(3))),
    ("rsqrt", "iOS15", lambda a: mb.rsqrt(x=mb.abs(x=a), epsilon=N(0.5))),
    ("scaled_tanh", "iOS15", lambda a: mb.scaled_tanh(x=a, alpha=N(2), beta=N(0.5))),
    ("softplus", "iOS15", lambda a: mb.softplus(x=a)),
    ("thresholded_relu", "iOS15", lambda a: mb.thresholded_relu(x=a, alpha=N(0.5))),
    ("l2_norm", "iOS15", lambda a: mb.l2_norm(x=a, epsilon=N(0.5))),
    ("resize_bilinear", "iOS15", lambda a: mb.resize_bilinear(x=a, target_size_height=3, target_size_width=9,
                                                              sampling_mode="OFFSET_CORNERS")),
    ("resize_nearest_neighbor", "iOS15", lambda a: mb.resize_nearest_neighbor(x=a, target_size_height=41,
                                                                              target_size_width=47)),
    ("crop_resize", "iOS15", lambda a: mb.crop_resize(x=a, roi=floats(4, 1, 4, 1, 1), target_height=2)),
    ("crop_resize", "iOS17", lambda a: mb.crop_resize(x=a, boxes=floats(2, 4), box_indices=[1, 0], target_height=2)),
    ("affine", "iOS15", lambda a: mb.affine(x=a, transform_matrix=floats(1, 6), output_height=4, output_width=3,
                                            **AFFINE)),
    ("resample", "iOS15", lambda a: mb.resample(x=a, coordinates=9 * floats(2, 3, 4, 2), **SAMPLING)),
    ("scaled_dot_product_attention", "iOS18", lambda a: mb.scaled_dot_product_attention(query=a, key=a, value=a)),
]


@pytest.mark.parametrize(("kind", "target", "body"), CASES, ids=[f"{k}-{t}" for k, t, _ in CASES])
def test_a_program_that_is_written_again(assay, tmp_path, kind, target, body):
    x = 2 * floats(2, 3, 5, 7)
    program = build(body, [x], target)
    first, = run(assay, tmp_path, program, [x], target)
    again = tmp_path / "again.mlpackage"
    assay("convert", tmp_path / "program.mlpackage", "-o", again, "--target", target, code=0)
    assert kind in operations(again)
    assay("run", again, "--input", tmp_path / "in.npz", "--profile", "strict-f32", "--output", tmp_path / "again.npz",
          code=0)
    with np.load(tmp_path / "again.npz") as found:
        np.testing.assert_array_equal(found[found.files[0]], first)


LAYERS = {"clamped_relu": "clampedReLU", "inverse": "unary", "linear_activation": "activation", "log": "unary",
          "mod": "modBroadcastable", "floor_div": "floorDivBroadcastable", "softplus_parametric": "activation",
          "rsqrt": "unary", "scaled_tanh": "activation", "softplus": "activation", "thresholded_relu": "activation",
          "l2_norm": "l2normalize"}


@pytest.mark.parametrize(("kind", "body"), [(k, b) for k, _, b in CASES if k in LAYERS], ids=LAYERS)
def test_a_program_that_becomes_a_network(assay, tmp_path, kind, body):
    """The layer of the same meaning, and the same bits."""
    x = 2 * floats(2, 3, 5, 7)
    first, = run(assay, tmp_path, build(body, [x], "iOS15"), [x], "iOS15")
    network = tmp_path / "network.mlmodel"
    assay("convert", tmp_path / "program.mlpackage", "-o", network, code=0)
    layers = ct.utils.load_spec(str(network)).neuralNetwork.layers
    assert layers[-1].WhichOneof("layer") == LAYERS[kind]
    assay("run", network, "--input", tmp_path / "in.npz", "--profile", "strict-f32", "--output", tmp_path / "again.npz",
          code=0)
    with np.load(tmp_path / "again.npz") as found:
        np.testing.assert_array_equal(found[found.files[0]], first)
