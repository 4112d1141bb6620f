"""Image operators of ML Programs against their formulas in NumPy."""
import numpy as np
import pytest
from mil_programs import build, close, mb, run, unknown_extents

RNG = np.random.default_rng(13)
GRIDS = ("STRICT_ALIGN_CORNERS", "ALIGN_CORNERS", "DEFAULT", "OFFSET_CORNERS", "UNALIGN_CORNERS")


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def grid(mode, extent, count):
    """Points in [0, extent - 1]; the extent of a box need not be whole."""
    i, last = np.arange(count, dtype=np.float64), max(extent - 1, 0)
    if mode in ("STRICT_ALIGN_CORNERS", "ALIGN_CORNERS"):
        alone = np.array([last / 2 if mode == "ALIGN_CORNERS" else 0.0])
        points = i * last / (count - 1) if count > 1 else alone
    elif mode == "DEFAULT":
        points = i * extent / count
    elif mode == "OFFSET_CORNERS":
        points = (i + 0.5) * max(1, last) / count
    else:
        points = (i + 0.5) * extent / count - 0.5
    return np.clip(points, 0, last)


def linear(x, axis, points):
    low = np.floor(points).astype(int)
    high = np.minimum(low + 1, x.shape[axis] - 1)
    w = (points - low).reshape([-1 if k == axis % x.ndim else 1 for k in range(x.ndim)])
    return np.take(x, low, axis) * (1 - w) + np.take(x, high, axis) * w


def bilinear(x, rows, columns):
    return linear(linear(x.astype(np.float64), -2, rows), -1, columns)


@pytest.mark.parametrize("mode", GRIDS)
@pytest.mark.parametrize("size", [(3, 9), (5, 7), (1, 1), (10, 2)])
def test_resize_bilinear(assay, tmp_path, mode, size):
    x = floats(2, 3, 5, 7)
    found, = run(assay, tmp_path, lambda a: mb.resize_bilinear(
        x=a, target_size_height=size[0], target_size_width=size[1], sampling_mode=mode), [x])
    close(found, bilinear(x, grid(mode, 5, size[0]), grid(mode, 7, size[1])), 1e-5)


@pytest.mark.parametrize("size", [(3, 9), (5, 7), (10, 14), (1, 20)])
def test_resize_nearest(assay, tmp_path, size):
    x = floats(2, 3, 5, 7)
    found, = run(assay, tmp_path, lambda a: mb.resize_nearest_neighbor(
        x=a, target_size_height=size[0], target_size_width=size[1]), [x])
    rows, columns = np.arange(size[0]) * 5 // size[0], np.arange(size[1]) * 7 // size[1]
    np.testing.assert_array_equal(found, x[..., rows, :][..., columns])


def test_nearest_samples_are_exact_where_a_float_quotient_is_not(assay, tmp_path):
    x = np.arange(2 * 29 * 31, dtype=np.float32).reshape(1, 2, 29, 31)
    height, width = 87 + 29, 41
    found, = run(assay, tmp_path, lambda a: mb.resize_nearest_neighbor(
        x=a, target_size_height=height, target_size_width=width), [x])
    np.testing.assert_array_equal(
        found, x[..., np.arange(height) * 29 // height, :][..., np.arange(width) * 31 // width])


@pytest.mark.parametrize("factors", [(2, 3), (1.5, 2.25), (1, 1)])
@pytest.mark.parametrize("known", [True, False])
def test_upsamplings(assay, tmp_path, factors, known):
    x = floats(1, 2, 4, 6)
    words = {"scale_factor_height": np.float32(factors[0]), "scale_factor_width": np.float32(factors[1])}
    words = {k: int(v) if v == int(v) and factors != (1.5, 2.25) else v for k, v in words.items()}
    size = [int(np.floor(n * f)) for n, f in zip((4, 6), factors, strict=True)]
    shape, settings = ((1, 2, 4, 6), {}) if known else unknown_extents(1, 2, None, None)
    program = build(lambda a: [
        mb.upsample_nearest_neighbor(x=a, **words), mb.upsample_bilinear(x=a, align_corners=True, **words),
        mb.upsample_bilinear(x=a, align_corners=False, **words),
        mb.upsample_bilinear(x=a, align_corners=False, half_pixel_centers=False, **words)], [x], "iOS16", {"a": shape})
    found = run(assay, tmp_path, program, [x], "iOS16", **settings)
    rows, columns = np.arange(size[0]) * 4 // size[0], np.arange(size[1]) * 6 // size[1]
    np.testing.assert_array_equal(found[0], x[..., rows, :][..., columns])
    for value, mode in zip(found[1:], ("STRICT_ALIGN_CORNERS", "UNALIGN_CORNERS", "DEFAULT"), strict=True):
        close(value, bilinear(x, grid(mode, 4, size[0]), grid(mode, 6, size[1])), 1e-5)


@pytest.mark.parametrize("mode", GRIDS)
def test_resize(assay, tmp_path, mode):
    x, shape = floats(2, 3, 5, 7), np.array([9, 4, 8], np.int32)
    found = run(assay, tmp_path, lambda a, b: [
        mb.resize(x=a, shape=[4, 8], resized_dims=np.uint32(2), sampling_mode=mode),
        mb.resize(x=a, shape=[1, 0, 8], resized_dims=np.uint32(2), sampling_mode=mode),
        mb.resize(x=a, shape=b, resized_dims=np.uint32(2), sampling_mode=mode),
        mb.resize(x=a, shape=[4, 8], resized_dims=np.uint32(2), interpolation_mode="NEAREST_NEIGHBOR",
                  sampling_mode=mode)], [x, shape], "iOS17")
    columns = grid(mode, 7, 8)
    for value in (found[0], found[2]):
        close(value, bilinear(x, grid(mode, 5, 4), columns), 1e-5)
    close(found[1], bilinear(x, grid(mode, 5, 5), columns), 1e-5)
    beside = np.floor if mode == "DEFAULT" else lambda p: np.floor(p + 0.5)
    pick = [beside(grid(mode, n, m) + 1e-9).astype(int) for n, m in ((5, 4), (7, 8))]
    np.testing.assert_array_equal(found[3], x[..., pick[0], :][..., pick[1]])


def crop(x, box, size, mode, pad):
    """One image [C, H, W], one box (h0, w0, h1, w1) in samples."""
    points = [box[k] + grid(mode, box[k + 2] - box[k] + 1, n) for k, n in enumerate(size)]
    out = np.empty((x.shape[0], *size))
    for i, y in enumerate(points[0]):
        for j, z in enumerate(points[1]):
            inside = 0 <= y <= x.shape[1] - 1 and 0 <= z <= x.shape[2] - 1
            out[:, i, j] = bilinear(x, np.array([y]), np.array([z]))[:, 0, 0] if inside else pad
    return out


BOXES = np.float32([[0.5, 1, 3, 4.5], [1, 0, 4, 6], [-1, 2, 3, 8]])


@pytest.mark.parametrize("mode", GRIDS)
def test_crop_resize(assay, tmp_path, mode):
    x = floats(2, 3, 5, 7)
    named = np.concatenate([np.zeros((3, 1), np.float32), BOXES], 1)  # coremltools types several images wrongly
    words = {"target_height": 3, "target_width": 4, "sampling_mode": mode}
    found = run(assay, tmp_path, lambda a, b: [
        mb.crop_resize(x=a, roi=BOXES.reshape(3, 1, 4, 1, 1), **words),
        mb.crop_resize(x=b, roi=named.reshape(3, 1, 5, 1, 1), pad_value=np.float32(2.5), **words)],
        [x, x[1:]], "iOS16")
    close(found[0], np.stack([[crop(image, b, (3, 4), mode, 0) for image in x] for b in BOXES]), 1e-5)
    wanted = [[crop(x[1], n[1:], (3, 4), mode, 2.5)] for n in named]
    close(found[1], np.stack(wanted), 1e-5)


@pytest.mark.parametrize("coordinates", ["CORNERS_HEIGHT_FIRST", "CORNERS_WIDTH_FIRST", "CENTER_SIZE_HEIGHT_FIRST",
                                         "CENTER_SIZE_WIDTH_FIRST"])
def test_boxes_of_crop_resize(assay, tmp_path, coordinates):
    x, boxes = floats(3, 2, 5, 7), BOXES
    if coordinates.startswith("CENTER"):
        boxes = np.concatenate([(BOXES[:, :2] + BOXES[:, 2:]) / 2, BOXES[:, 2:] - BOXES[:, :2]], 1)
    if "WIDTH" in coordinates:
        boxes = boxes[:, [1, 0, 3, 2]]
    unit = np.float32([6, 4, 6, 4] if "WIDTH" in coordinates else [4, 6, 4, 6])
    words = {"target_height": 2, "target_width": 3, "sampling_mode": "ALIGN_CORNERS",
             "box_coordinate_mode": coordinates}
    found = run(assay, tmp_path, lambda a: [
        mb.crop_resize(x=a, boxes=boxes * 2, box_indices=[2, 0, 2], spatial_scale=np.float32(0.5), **words),
        mb.crop_resize(x=a, boxes=boxes / unit, normalized_coordinates=True, pad_value=np.float32(-1), **words)],
        [x], "iOS17")
    close(found[0], np.stack([crop(x[i], b, (2, 3), "ALIGN_CORNERS", 0)
                              for i, b in zip((2, 0, 2), BOXES, strict=True)]), 1e-5)
    inner = found[1][:2]  # rounding of the third box's edges decides what is outside of it
    close(inner, np.stack([crop(x[i], BOXES[i], (2, 3), "ALIGN_CORNERS", -1) for i in range(2)]), 1e-4)


def test_crop(assay, tmp_path):
    x = floats(2, 5, 7)
    found, = run(assay, tmp_path, lambda a: mb.crop(x=a, crop_height=[1, 0], crop_width=[2, 3]), [x])
    np.testing.assert_array_equal(found, x[:, 1:, 2:-3])


def padded_index(i, n, padding):
    if 0 <= i < n or padding == "constant":
        return i if 0 <= i < n else None
    if padding == "border":
        return min(max(i, 0), n - 1)
    period = 2 * (n - 1) if padding == "reflection" else 2 * n
    i %= period
    return min(i, period - i if padding == "reflection" else period - 1 - i)


def sample(image, y, z, nearest, padding, value):
    def at(i, j):
        i, j = padded_index(int(i), image.shape[1], padding), padded_index(int(j), image.shape[2], padding)
        return np.full(image.shape[0], value) if i is None or j is None else image[:, i, j].astype(np.float64)

    if nearest:
        return at(np.rint(y), np.rint(z))
    i, j = np.floor(y), np.floor(z)
    u, v = y - i, z - j
    return (1 - u) * ((1 - v) * at(i, j) + v * at(i, j + 1)) + u * ((1 - v) * at(i + 1, j) + v * at(i + 1, j + 1))


def in_samples(c, n, units, align):
    if units == "normalized_minus_one_to_one":
        return (c + 1) / 2 * (n - 1) if align else ((c + 1) * n - 1) / 2
    if units == "normalized_zero_to_one":
        return c * (n - 1) if align else c * n - 0.5
    return c


@pytest.mark.parametrize("padding", ["constant", "border", "reflection", "symmetric"])
@pytest.mark.parametrize("units", ["unnormalized", "normalized_minus_one_to_one", "normalized_zero_to_one"])
@pytest.mark.parametrize("align", [True, False])
@pytest.mark.parametrize("sampling", ["bilinear", "nearest"])
def test_resample(assay, tmp_path, padding, units, align, sampling):
    x = floats(2, 3, 5, 7)
    low, high = {"unnormalized": (-9, 14), "normalized_minus_one_to_one": (-2, 2),
                 "normalized_zero_to_one": (-1, 2)}[units]
    at = RNG.uniform(low, high, (2, 4, 3, 2)).astype(np.float32)
    for value in (0.0, 1.5):
        found, = run(assay, tmp_path, lambda a, b, value=value: mb.resample(
            x=a, coordinates=b, sampling_mode=sampling, padding_mode=padding, padding_value=np.float32(value),
            coordinates_mode=units, align_corners=align), [x, at])
        wanted = np.empty(found.shape)
        for b, i, j in np.ndindex(2, 4, 3):
            z, y = (in_samples(np.float64(c), n, units, align) for c, n in zip(at[b, i, j], (7, 5), strict=True))
            wanted[b, :, i, j] = sample(x[b], y, z, sampling == "nearest", padding, value)
        close(found, wanted, 2e-5)


def test_resample_at_integers(assay, tmp_path):
    x, at = floats(1, 2, 4, 4), np.array([[[[0, 3], [2, 1], [-1, 9]]]], np.int32)
    found, = run(assay, tmp_path, lambda a, b: mb.resample(
        x=a, coordinates=b, sampling_mode="bilinear", padding_mode="border", padding_value=np.float32(0),
        coordinates_mode="unnormalized", align_corners=True), [x, at])
    np.testing.assert_array_equal(found[0, :, 0], np.stack([x[0, :, 3, 0], x[0, :, 1, 2], x[0, :, 3, 0]], 1))


@pytest.mark.parametrize("matrices", [1, 2])
def test_affine(assay, tmp_path, matrices):
    x, m = floats(2, 3, 5, 7), floats(matrices, 6)
    found, = run(assay, tmp_path, lambda a, b: mb.affine(
        x=a, transform_matrix=b, output_height=4, output_width=6, sampling_mode="bilinear", padding_mode="constant",
        padding_value=np.float32(0), coordinates_mode="normalized_minus_one_to_one", align_corners=True), [x, m])
    wanted = np.empty(found.shape)
    for b, i, j in np.ndindex(2, 4, 6):
        y, z = i / 3 * 2 - 1, j / 5 * 2 - 1
        a0, a1, a2, b0, b1, b2 = m[b % matrices].astype(np.float64)
        wanted[b, :, i, j] = sample(x[b], in_samples(b0 * z + b1 * y + b2, 5, "normalized_minus_one_to_one", True),
                                    in_samples(a0 * z + a1 * y + a2, 7, "normalized_minus_one_to_one", True), False,
                                    "constant", 0)
    close(found, wanted, 2e-5)
