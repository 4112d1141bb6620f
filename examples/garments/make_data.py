#!/usr/bin/env python3
"""Writes the 10,000 test images, their labels (1: shirt): make_data.py OUTDIR -> garments.npz, garments_labels.npy"""
import sys
from pathlib import Path

import numpy as np

from fashion import load


def main(out):
    images, labels = load("t10k")
    out.mkdir(parents=True, exist_ok=True)
    np.savez(out / "garments.npz", image=images)
    np.save(out / "garments_labels.npy", labels)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/demo"))
