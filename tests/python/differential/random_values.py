"""Random shapes and values; everything comes from one seed."""
import numpy as np

SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 1e-40, 3e38, -3e38]


class Random:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def int(self, low, high):
        """An int in [low, high]."""
        return int(self.rng.integers(low, high + 1))

    def coin(self, p=0.5):
        return bool(self.rng.random() < p)

    def pick(self, items):
        items = list(items)
        return items[self.int(0, len(items) - 1)]

    def shape(self, rank=None, *, least=0, most=4, largest=5, empty=0.0):
        """Dimensions of 1 to `largest`; with probability `empty` one of them is 0."""
        rank = self.int(least, most) if rank is None else rank
        dims = [self.int(1, largest) for _ in range(rank)]
        if dims and self.coin(empty):
            dims[self.int(0, rank - 1)] = 0
        return tuple(dims)

    def floats(self, shape, dtype=np.float32, low=-3.0, high=3.0, special=False):
        array = np.asarray(self.rng.uniform(low, high, shape)).astype(dtype)
        if special and array.size:
            flat, specials = array.reshape(-1), SPECIAL if dtype != np.float16 else SPECIAL[:-3]
            for k in range(min(len(specials), max(1, flat.size // 2))):
                few = flat.size <= 2 * len(specials)
                flat[self.int(0, flat.size - 1)] = self.pick(specials) if few else specials[k]
            array = flat.reshape(shape)
        return array

    def ints(self, shape, dtype=np.int64, low=-100, high=100):
        if np.dtype(dtype).kind == "u":
            low = max(low, 0)
        return np.asarray(self.rng.integers(low, high, shape)).astype(dtype)

    def bools(self, shape):
        return np.asarray(self.rng.random(shape) < 0.5)

    def values(self, shape, dtype, special=False, low=-3.0, high=3.0):
        """Of any type: booleans, integers of a few bits, floats."""
        kind = np.dtype(dtype).kind
        if kind == "b":
            return self.bools(shape)
        if kind in "iu":
            return self.ints(shape, dtype)
        return self.floats(shape, dtype, low, high, special)

    def broadcast_pair(self, empty=0.0):
        """Two shapes that broadcast with each other, of equal or different ranks."""
        full = list(self.shape(least=0, empty=empty))
        pair = []
        for _ in range(2):
            dims = [1 if d != 0 and self.coin(0.25) else d for d in full]
            pair.append(tuple(dims[self.int(0, len(dims)) if self.coin(0.4) else 0:]))
        return pair

    def axis(self, rank, negative=True):
        axis = self.int(0, rank - 1)
        return axis - rank if negative and self.coin() else axis

    def axes(self, rank, least=1):
        """Different axes in any order, some counted from the end."""
        count = self.int(least, rank)
        chosen = self.rng.permutation(rank)[:count]
        return [int(a) - rank if self.coin(0.3) else int(a) for a in chosen]
