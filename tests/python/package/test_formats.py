"""Formats against NumPy and ml_dtypes."""
import ml_dtypes
import numpy as np
import pytest

import assay
from assay import formats


@pytest.mark.parametrize(("format_", "dtype"), [
    (formats.float16, np.float16), (formats.bfloat16, ml_dtypes.bfloat16), (formats.float32, np.float32),
    (formats.float8e5m2, ml_dtypes.float8_e5m2),
])  # fmt: skip
def test_rounding_is_that_of_others(format_, dtype):
    x = np.random.default_rng(1).standard_normal(10_000).astype(np.float32) * np.float32(8)
    assert np.array_equal(format_.round(x), x.astype(dtype).astype(np.float32))
    assert np.array_equal(format_.is_exact(x), x.astype(dtype).astype(np.float32) == x)


def test_numbers_and_shapes_stay():
    assert formats.float16.round(0.1) == 0.0999755859375
    assert isinstance(formats.float16.round(1), float)
    assert formats.float16.round(np.array([0.1], np.float32)).dtype == np.float32
    assert formats.float16.round([[0.1, 0.2]]).shape == (1, 2)
    assert formats.float16.round(np.zeros(0)).shape == (0,)
    x = np.full(3, 0.1)
    formats.float16.round(x)
    assert x[0] == 0.1, "the caller's array is not changed"


def test_the_articles_interval():
    found = formats.float16.rounding_interval(0.5)
    assert str(found.becomes_positive) == "[0.4998779296875, 0.5)"
    assert found.becomes_negative is None
    assert 0.4999 in found.becomes_positive
    assert 0.5 not in found.becomes_positive
    below = np.nextafter(np.float64(0.4998779296875), 0)
    assert formats.float16.round(below) < 0.5 <= formats.float16.round(0.4998779296875)


def test_neighbours():
    assert formats.float16.next_down(0.5) == float(np.nextafter(np.float16(0.5), np.float16(0)))
    assert formats.float32.next_up(0.5) == float(np.nextafter(np.float32(0.5), np.float32(1)))
    assert formats.float16.ulp_distance(0.5, formats.float16.next_up(0.5)) == 1
    assert (formats.float16.max, formats.float16.smallest_normal) == (65504, 2.0**-14)
    assert formats.float16.decode(formats.float16.encode(-2.5)) == -2.5


def test_wrong_words():
    with pytest.raises(assay.UsageError, match="did you mean 'float16'"):
        formats.named("flaot16")
    with pytest.raises(assay.UsageError, match="rounding mode"):
        formats.float16.round(1.0, mode="up")
    with pytest.raises(assay.AssayError, match="A309"):
        formats.float16.encode(0.1)
    assert formats.ieee_like(5, 10).round(0.1) == formats.float16.round(0.1)
