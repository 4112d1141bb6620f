"""Compressed weights and quantised values of ML Programs: written out exactly as coremltools materialises them."""
import numpy as np
import pytest
from mil_programs import mb, operations, run, types

RNG = np.random.default_rng(19)
SUB_BYTE = {1: types.np_uint1_dtype, 2: types.np_uint2_dtype, 3: types.np_uint3_dtype, 4: types.np_uint4_dtype,
            6: types.np_uint6_dtype, 8: np.uint8}


def weights_of(assay, folder, make, target, wanted, dtype=np.float32):
    """What a program gives whose output is its input plus the weights: the input is zero."""
    zeros = np.zeros(wanted.shape, dtype)

    def body(a):
        w = make()
        narrow = w.dtype not in (types.fp32, types.fp16)
        return mb.add(x=a, y=mb.cast(x=w, dtype="fp32") if narrow else w)

    found, = run(assay, folder, body, [zeros], target)
    assert any(op.startswith("constexpr_") for op in operations(folder / "program.mlpackage"))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, wanted.astype(dtype))


def packed(codes, bits):
    flat = np.unpackbits(codes.reshape(-1, 1).astype(np.uint8), axis=1, bitorder="little")[:, :bits].reshape(-1)
    return np.packbits(flat, bitorder="little")


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize(("source", "axis", "vector"), [(np.int8, 0, True), (np.uint8, 1, True), (np.uint8, -1, False)])
def test_affine(assay, tmp_path, dtype, source, axis, vector):
    limits = np.iinfo(source)
    q = RNG.integers(limits.min, limits.max + 1, (3, 4, 5)).astype(source)
    n = q.shape[axis] if vector else ()
    scale = np.abs(RNG.standard_normal(n)).astype(dtype)
    zero = RNG.integers(limits.min, limits.max + 1, n).astype(source)
    wide = [n if k == axis % 3 else 1 for k in range(3)] if vector else [1, 1, 1]
    wanted = (q.astype(np.float64) - zero.reshape(wide).astype(np.float64)) * scale.reshape(wide).astype(np.float64)
    weights_of(assay, tmp_path, lambda: mb.constexpr_affine_dequantize(
        quantized_data=q, zero_point=zero if vector else source(zero), scale=scale if vector else dtype(scale),
        axis=axis), "iOS16", wanted.astype(dtype), dtype)


@pytest.mark.parametrize("bits", [1, 2, 4, 6, 8])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8])
def test_table_of_ios16(assay, tmp_path, bits, dtype):
    codes, table = RNG.integers(0, 1 << bits, (3, 7)), (20 * RNG.standard_normal(1 << bits)).astype(dtype)
    weights_of(assay, tmp_path, lambda: mb.constexpr_lut_to_dense(
        indices=packed(codes, bits), lut=table, shape=np.uint32([3, 7])), "iOS17" if dtype == np.int8 else "iOS16",
        table[codes], np.float32 if dtype == np.int8 else dtype)


def test_sparse_of_ios16(assay, tmp_path):
    mask = RNG.random((3, 7)) < 0.4
    dense = np.where(mask, RNG.standard_normal((3, 7)), 0).astype(np.float32)
    weights_of(assay, tmp_path, lambda: mb.constexpr_sparse_to_dense(
        nonzero_data=dense[mask], mask=np.packbits(mask.reshape(-1), bitorder="little"), shape=np.uint32([3, 7])),
        "iOS16", dense)


@pytest.mark.parametrize("target", ["iOS16", "iOS18"])
def test_cast(assay, tmp_path, target):
    half = RNG.standard_normal((2, 3)).astype(np.float16)
    weights_of(assay, tmp_path, lambda: mb.constexpr_cast(source_val=half, output_dtype="fp32"), target, half)


def repeated(values, shape):
    for axis, n in enumerate(shape):
        values = np.repeat(values, n // values.shape[axis], axis)
    return values


@pytest.mark.parametrize("blocks", [(1, 1), (3, 1), (3, 2), (6, 4)])
@pytest.mark.parametrize("source", ["int4", "uint4", "int8", "uint8"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("offsets", [True, False])
def test_blockwise(assay, tmp_path, blocks, source, dtype, offsets):
    low, high = {"int4": (-8, 8), "uint4": (0, 16), "int8": (-128, 128), "uint8": (0, 256)}[source]
    carrier = {"int4": types.np_int4_dtype, "uint4": types.np_uint4_dtype}.get(source, np.dtype(source))
    q, scale = RNG.integers(low, high, (6, 4)), np.abs(RNG.standard_normal(blocks)).astype(dtype)
    zero = RNG.integers(low, high, blocks)
    wanted = (q - (repeated(zero, q.shape) if offsets else 0)) * repeated(scale, q.shape).astype(np.float64)
    words = {"offset": zero.astype(carrier)} if offsets else {}
    weights_of(assay, tmp_path, lambda: mb.constexpr_blockwise_shift_scale(
        data=q.astype(carrier), scale=scale, **words), "iOS18", wanted.astype(dtype), dtype)


def looked_up(codes, table, axis):
    """Codes of any shape in tables [groups..., entries, vector]."""
    vector = table.shape[-1]
    out = np.empty([n * vector if vector > 1 and k == axis else n for k, n in enumerate(codes.shape)], table.dtype)
    for at in np.ndindex(*out.shape):
        index = list(at)
        lane = index[axis] % vector if vector > 1 else 0
        if vector > 1:
            index[axis] //= vector
        group = tuple(i * g // n for i, g, n in zip(index, table.shape, codes.shape, strict=False))
        out[at] = table[(*group, codes[tuple(index)], lane)]
    return out


TABLES = [((1, 1), 1, None), ((2, 1), 1, None), ((3, 2), 1, None), ((1, 1), 2, 0), ((2, 1), 3, 1), ((1, 2), 2, -1)]


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6, 8])
@pytest.mark.parametrize(("groups", "vector", "axis"), TABLES)
def test_table(assay, tmp_path, bits, groups, vector, axis):
    codes = RNG.integers(0, 1 << bits, (6, 4))
    table = RNG.standard_normal((*groups, 1 << bits, vector)).astype(np.float16)
    words = {} if axis is None else {"vector_axis": axis}
    weights_of(assay, tmp_path, lambda: mb.constexpr_lut_to_dense(
        indices=codes.astype(SUB_BYTE[bits]), lut=table, **words), "iOS18", looked_up(codes, table, (axis or 0) % 2),
        np.float16)


def test_sparse(assay, tmp_path):
    mask = RNG.random((6, 4)) < 0.4
    dense = np.where(mask, RNG.standard_normal((6, 4)), 0).astype(np.float32)
    weights_of(assay, tmp_path, lambda: mb.constexpr_sparse_to_dense(
        nonzero_data=dense[mask], mask=mask.astype(types.np_uint1_dtype)), "iOS18", dense)


@pytest.mark.parametrize(("groups", "vector", "axis"), TABLES)
def test_sparse_table(assay, tmp_path, groups, vector, axis):
    mask, codes = RNG.random((6, 4)) < 0.5, RNG.integers(0, 4, (6, 4))
    table = RNG.standard_normal((*groups, 4, vector)).astype(np.float32)
    words = {} if axis is None else {"vector_axis": axis}

    def make():
        spread, values = mb.constexpr_lut_to_sparse(
            indices_mask=mask.astype(types.np_uint1_dtype), indices_nonzero_data=codes[mask].astype(SUB_BYTE[2]),
            lut=table, **words)
        return mb.constexpr_sparse_to_dense(nonzero_data=values, mask=spread)

    at = (axis or 0) % 2
    wide = np.repeat(mask, vector, at) if vector > 1 else mask
    weights_of(assay, tmp_path, make, "iOS18", np.where(wide, looked_up(codes, table, at), 0))


def test_sparse_blockwise_and_tables_of_quantised_numbers(assay, tmp_path):
    mask, q = RNG.random((6, 4)) < 0.5, RNG.integers(-128, 128, (6, 4))
    scale, zero = np.abs(RNG.standard_normal((3, 2))).astype(np.float32), RNG.integers(-128, 128, (3, 2))

    def sparse():
        spread, values = mb.constexpr_sparse_blockwise_shift_scale(
            data_mask=mask.astype(types.np_uint1_dtype), nonzero_data=q[mask].astype(np.int8), scale=scale,
            offset=zero.astype(np.int8))
        return mb.constexpr_sparse_to_dense(nonzero_data=values, mask=spread)

    full = (q - repeated(zero, q.shape)) * repeated(scale, q.shape)
    weights_of(assay, tmp_path, sparse, "iOS18", np.where(mask, full.astype(np.float32), 0))
    codes, table = RNG.integers(0, 4, (6, 4)), RNG.integers(-128, 128, (1, 1, 4, 1)).astype(np.int8)
    factor = np.full((1, 1, 1, 1), 0.125, np.float32)

    def joint():
        values = mb.constexpr_blockwise_shift_scale(data=table, scale=factor)
        return mb.constexpr_lut_to_dense(indices=codes.astype(SUB_BYTE[2]), lut=values)

    weights_of(assay, tmp_path, joint, "iOS18", table.reshape(-1)[codes] * np.float32(0.125))


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("zero", [True, False])
def test_quantise(assay, tmp_path, dtype, zero):
    x = (40 * RNG.standard_normal((3, 5))).astype(np.float32)
    x[0, :3] = [0.25, 0.75, 1.25]  # ties
    scale, low = np.float32([0.5, 0.25, 1]), np.iinfo(dtype)
    offset = np.array([3, 5, 7], dtype) if zero else np.zeros(3, dtype)
    words, word = ({"zero_point": offset}, {"zero_point": offset[0]}) if zero else ({}, {})
    found = run(assay, tmp_path, lambda a: [
        mb.quantize(input=a, scale=scale, axis=0, output_dtype=dtype, **words),
        mb.quantize(input=a, scale=scale[0], output_dtype=dtype, **word),
        mb.dequantize(input=mb.quantize(input=a, scale=scale, axis=0, output_dtype=dtype, **words), scale=scale, axis=0,
                      **words)], [x], "iOS17")
    wide, zeros = scale[:, None], offset[:, None].astype(np.int32)
    codes = np.clip(np.rint(x / wide) + zeros, low.min, low.max)
    np.testing.assert_array_equal(found[0], codes)
    np.testing.assert_array_equal(found[1], np.clip(np.rint(x / scale[0]) + int(offset[0]), low.min, low.max))
    np.testing.assert_array_equal(found[2], (codes - zeros) * wide)
