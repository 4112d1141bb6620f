#!/usr/bin/env python3
"""Writes tests/data/formats: what ml_dtypes and numpy say that the codes of narrow formats mean and how float32 values
round to them. The unit tests of src/num compare our formats with these files.

inputs.bin   little-endian float32 values
NAME.bin     one little-endian code (uint8, or uint16 for 16-bit formats) per input
NAME.values  little-endian float32 value of every code (formats of up to 8 bits)

Run it with the packages of tools/requirements.txt; the files are committed, so that building needs neither.
"""
import pathlib

import ml_dtypes
import numpy as np

FORMATS = {
    "bfloat16": ml_dtypes.bfloat16,
    "float16": np.float16,
    "float8e4m3fn": ml_dtypes.float8_e4m3fn,
    "float8e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
    "float8e5m2": ml_dtypes.float8_e5m2,
    "float8e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
    "float8e8m0": ml_dtypes.float8_e8m0fnu,
    "float4e2m1": ml_dtypes.float4_e2m1fn,
}


def inputs() -> np.ndarray:
    """Special values; then random ones over the formats' ranges, most of them ties or one float32 step beside a tie."""
    random = np.random.default_rng(20)
    special = [0.0, 1.0, 448.0, 464.0, 465.0, 480.0, 57344.0, 61440.0, 240.0, 248.0, 6.0, 7.0, 5.0, 65504.0, 65519.0,
               65520.0, 3.4028235e38, 2.0**-9, 2.0**-10, 2.0**-16, 2.0**-17, 2.0**-18, 2.0**-24, 2.0**-25, 2.0**-126,
               2.0**-127, 2.0**-149, 1.5 * 2.0**127, np.inf, np.nan]
    count = 4096 - 2 * len(special)
    exponent = np.concatenate([random.integers(-28, 18, count // 2), random.integers(-148, 128, count - count // 2)])
    value = np.ldexp(random.uniform(1, 2, count), exponent).astype(np.float32)
    bits = value.view(np.uint32)
    keep = random.choice([1, 2, 3, 4, 8, 11, 23], count)  # significand bits kept: the ties of 0, 1, 2, 3, 7, 10
    bits &= np.uint32(0xFFFFFFFF) << (23 - keep).astype(np.uint32)
    bits += random.integers(-1, 2, count).astype(np.int32).view(np.uint32)
    bits |= (random.integers(0, 2, count) << 31).astype(np.uint32)
    special = np.array(special, np.float32)
    return np.concatenate([special, -special, bits.view(np.float32)])


def main() -> None:
    folder = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "formats"
    folder.mkdir(parents=True, exist_ok=True)
    values = inputs()
    (folder / "inputs.bin").write_bytes(values.astype("<f4").tobytes())
    with np.errstate(all="ignore"):
        for name, dtype in FORMATS.items():
            wide = np.dtype(dtype).itemsize == 2
            code = values.astype(dtype).view(np.uint16 if wide else np.uint8)
            (folder / f"{name}.bin").write_bytes(code.astype("<u2" if wide else "u1").tobytes())
            if not wide:
                every = np.arange(16 if name == "float4e2m1" else 256, dtype=np.uint8).view(dtype)
                (folder / f"{name}.values").write_bytes(every.astype(np.float32).astype("<f4").tobytes())


if __name__ == "__main__":
    main()
