"""Reads Fashion-MNIST as the Debian package dataset-fashion-mnist installs it (IDX files, gzipped)."""
import gzip
import os
from pathlib import Path

import numpy as np

FOLDER = Path(os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist"))
SHIRT = 6  # T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot


def load(split):
    """split "train" or "t10k" -> images [N,1,28,28] float32 in 0..1, and whether each is a shirt (uint8)."""
    with gzip.open(FOLDER / f"{split}-images-idx3-ubyte.gz") as f:
        pixels = np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(FOLDER / f"{split}-labels-idx1-ubyte.gz") as f:
        classes = np.frombuffer(f.read(), np.uint8, offset=8)
    return pixels.astype(np.float32) / np.float32(255), (classes == SHIRT).astype(np.uint8)
