#!/usr/bin/env python3
"""Writes 200 labelled images for BlazeFace front: make_data.py OUTDIR -> blazeface.npz, blazeface_labels.npy (1: face)

The images are lfw_subset.npy of scikit-image, 25 x 25 grey: 100 faces, then 100 patches without one. Each is resized
to 64 x 64 (bilinear, half-pixel centres, edges repeated), centred on a grey canvas of 128 x 128, and given to the three
channels as 2p - 1, which is what the detector was trained on.
"""
import sys
from pathlib import Path

import numpy as np

INPUT = Path(__file__).resolve().parents[2] / "build/inputs/lfw_subset.npy"
CANVAS, FACE, GREY = 128, 64, 0.5


def bilinear(size_in, size_out):
    """The matrix that resizes one axis."""
    at = (np.arange(size_out) + 0.5) * size_in / size_out - 0.5
    low = np.floor(at).astype(int)
    matrix = np.zeros((size_out, size_in))
    for offset, weight in ((0, 1 - (at - low)), (1, at - low)):
        np.add.at(matrix, (np.arange(size_out), np.clip(low + offset, 0, size_in - 1)), weight)
    return matrix


def prepare(patches):
    """[N,25,25] in 0..1 -> [N,128,128,3] float32 in -1..1"""
    resize = bilinear(patches.shape[-1], FACE)
    edge = (CANVAS - FACE) // 2
    canvas = np.full((len(patches), CANVAS, CANVAS), GREY)
    canvas[:, edge:edge + FACE, edge:edge + FACE] = resize @ patches @ resize.T
    return np.repeat((2 * canvas - 1).astype(np.float32)[..., None], 3, axis=-1)


def main(out):
    patches = np.load(INPUT)
    out.mkdir(parents=True, exist_ok=True)
    np.savez(out / "blazeface.npz", **{"input:0": prepare(patches)})
    np.save(out / "blazeface_labels.npy", np.repeat(np.array([1, 0], np.uint8), 100))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/demo"))
