"""Published numbers whose inputs need numpy's generator, through the command line. Sources:
docs/hardware-numerics.md 10; C++ tests hold the others (docs/golden-vectors.md)."""
import numpy as np
import pytest


@pytest.fixture
def product(assay, one_op, save_npz, tmp_path):
    """product(a, b, profile) -> a @ b under the profile."""

    def run(a, b, profile):
        model, data, out = one_op("MatMul", a, b), save_npz("in.npz", x0=a, x1=b), tmp_path / "out.npz"
        assay("run", model, "--input", data, "--output", out, "--profile", profile, code=0)
        with np.load(out) as arrays:
            return arrays["y"].astype(np.float64)

    return run


def normal(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def relative_error(y, a, b):
    truth = a.astype(np.float64) @ b.astype(np.float64)
    return np.linalg.norm(y - truth) / np.linalg.norm(truth)


@pytest.mark.parametrize(("profile", "low", "high"), [
    ("cuda-tf32-ampere", 2.925e-4, 2.945e-4),  # ml-explore/mlx issue 3860: 2.9e-04, rounded to nearest
    ("mlx-m5-tf32", 7.69e-4, 7.715e-4),        # jundot/omlx issue 2135: 7.70e-4, truncated
    ("strict-f32", 1e-7, 1e-6),                # 2.88e-7 with sums in another order
])
def test_tf32_512_by_rounding_and_by_truncation(product, profile, low, high):
    """10.1: relative Frobenius error of a 512 x 512 x 512 product of standard normals."""
    rng = np.random.default_rng(0)
    a, b = normal(rng, 512, 512), normal(rng, 512, 512)
    assert low < relative_error(product(a, b, profile), a, b) < high


def test_tensorflow_127346(product):
    """10.2: GPU minus CPU, mean 459.58 over all; the first of 64 batches here. Truncation would give 1203."""
    rng = np.random.default_rng(133006)
    x = normal(rng, 64, 197, 1536)[0] * np.float32(1000)
    w = np.ascontiguousarray((normal(rng, 384, 1536) * np.float32(50)).T)
    difference = np.abs(product(x, w, "cuda-tf32-ampere") - x.astype(np.float64) @ w.astype(np.float64))
    assert difference.mean() == pytest.approx(459.58, rel=0.03)
    assert difference.max() < 3066.0


def test_mlx_3534_mean(product):
    """10.4: M5 against CPU, 256 x 256, mean 9.812e-03 (seeds vary by 1 %)."""
    rng = np.random.default_rng(0)
    a, b = normal(rng, 256, 256), normal(rng, 256, 256)
    difference = np.abs(product(a, b, "mlx-m5-tf32") - product(a, b, "strict-f32"))
    assert difference.mean() == pytest.approx(9.812e-3, rel=0.02)


def test_mlx_4411_vectors_are_accurate(product):
    """10.5: max|error| / max|truth|: M = 8 is truncated, M = 1 takes the accurate path."""
    rng = np.random.default_rng(0)
    w = normal(rng, 256, 1024)
    errors = {}
    for m in (1, 8):
        a = normal(rng, m, 256)
        truth = a.astype(np.float64) @ w.astype(np.float64)
        errors[m] = np.abs(product(a, w, "mlx-m5-tf32") - truth).max() / np.abs(truth).max()
    assert errors[8] == pytest.approx(8.302e-4, rel=1e-3)
    assert errors[1] < 1e-6


def test_tensorflow_documentation(product):
    """10.6: 1024 under TF32, about 1024.1 without."""
    a, ones = np.full((4, 1024), 1.0001, np.float32), np.ones((1024, 4), np.float32)
    assert (product(a, ones, "cuda-tf32-ampere") == 1024).all()
    assert product(a, ones, "strict-f32") == pytest.approx(1024.1, abs=0.02)
