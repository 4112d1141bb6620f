"""Inputs like those that the models of build/inputs/models meet: a voice, files, faces, lines of text; all seeded."""
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
VOWELS = [(730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480)]  # formants of a, i, u, e


def resonance(signal, frequency, rate, bandwidth=90):
    """The signal through one formant: a filter of two poles."""
    radius = np.exp(-np.pi * bandwidth / rate)
    turn = 2 * radius * np.cos(2 * np.pi * frequency / rate)
    result, before = np.zeros_like(signal), (0.0, 0.0)
    for i, x in enumerate(signal):
        result[i] = x * (1 - turn + radius * radius) + turn * before[0] - radius * radius * before[1]
        before = result[i], before[0]
    return result


def voice(rate, seconds):
    """Vowels in syllables over a little noise, and a pause: sounds that Silero takes for speech and for silence."""
    random = np.random.default_rng(3)
    time = np.arange(int(rate * seconds)) / rate
    pitch = 125 * (1 + 0.08 * np.sin(4.4 * time) + 0.02 * np.sin(31.4 * time))
    glottis = np.diff(np.floor(np.cumsum(pitch) / rate), prepend=0) + 0.01 * random.standard_normal(time.size)
    step, parts = rate // 5, []
    for begin in range(0, time.size, step):
        part = glottis[begin:begin + step]
        for frequency in VOWELS[begin // step % len(VOWELS)]:
            part = resonance(part, frequency, rate)
        parts.append(part)
    sound = np.concatenate(parts)
    loudness = np.clip(1.5 * np.sin(15.7 * time), 0, 1) * (time % 2 < 1.2)
    sound *= 0.6 * loudness / np.abs(sound).max()
    return (sound + 0.002 * random.standard_normal(time.size)).astype(np.float32)


def frames(sound, size, context):
    """[n, context + size]: each frame behind the end of the one before."""
    padded = np.concatenate([np.zeros(context, np.float32), sound])
    starts = range(0, sound.size - size + 1, size)
    return np.stack([padded[s:s + context + size] for s in starts])


FILES = ["README.md", "Makefile", "pyproject.toml", "tools/setup.sh", "src/ops/relu.cc", "src/ops/elementwise.h",
         "tests/python/conftest.py", "docs/codes.md", "profiles/f16-storage.toml", "examples/article/mlp.onnx"]


def ends(content, front, middle, back):
    """Bytes from the front, the middle and the end of a file, padded with 256, as Magika reads it."""
    content = np.frombuffer(content, np.uint8).astype(np.int32)
    start = max(0, (content.size - middle) // 2)
    parts = content[:front], content[start:start + middle], content[max(0, content.size - back):]
    after = [(0, front - parts[0].size), (0, middle - parts[1].size), (back - parts[2].size, 0)]
    return np.concatenate([np.pad(*pair, constant_values=256) for pair in zip(parts, after, strict=True)])


def files(front, middle, back):
    """One row a file of this project: text of several kinds, a program, a model; and one of random bytes."""
    contents = [(ROOT / name).read_bytes() for name in FILES]
    contents.append(np.random.default_rng(1).integers(0, 256, 5000, np.uint8).tobytes())
    return np.stack([ends(content, front, middle, back) for content in contents])


def faces(count, size):
    """[count, size, size, 3] in [-1, 1]: pictures of faces and (the later half) of other things, made larger."""
    pictures = np.load(ROOT / "build/inputs/lfw_subset.npy")
    chosen = np.concatenate([pictures[:count - count // 2], pictures[-(count // 2):]])
    places = np.linspace(0, pictures.shape[1] - 1, size)
    low = np.minimum(places.astype(int), pictures.shape[1] - 2)
    share = places - low

    def stretch(array):  # the second axis, linearly
        return array[:, low] * (1 - share)[:, None] + array[:, low + 1] * share[:, None]
    large = stretch(stretch(chosen).transpose(0, 2, 1)).transpose(0, 2, 1)
    return np.repeat(large[..., None] * 2 - 1, 3, axis=3).astype(np.float32)


GLYPHS = {  # five by seven points, a number a row
    "A": "4 10 17 17 31 17 17", "S": "15 16 16 14 1 1 30", "Y": "17 17 10 4 4 4 4", "0": "14 17 19 21 25 17 14",
    "2": "14 17 1 2 4 8 31", "1": "4 12 4 4 4 4 14", "6": "6 8 16 30 17 17 14", "F": "31 16 16 30 16 16 16",
    " ": "0 0 0 0 0 0 0"}


def writing(text, scale):
    """[7 * scale, 6 * scale * letters]: black 1, white 0."""
    rows = [[int(n) for n in GLYPHS[letter].split()] for letter in text]
    dots = np.array([[(r >> (4 - x)) & 1 if x < 5 else 0 for letter in rows for r in [letter[y]] for x in range(6)]
                     for y in range(7)])
    return np.kron(dots, np.ones((scale, scale)))


def page(height, width, *lines):
    """[1, 3, height, width] in [-1, 1]: (text, scale, top, left) in dark grey on a paper with some noise."""
    paper = 0.9 + 0.02 * np.random.default_rng(8).standard_normal((height, width))
    for text, scale, top, left in lines:
        ink = writing(text, scale)
        place = paper[top:top + ink.shape[0], left:left + ink.shape[1]]
        place[:] = np.where(ink[:place.shape[0], :place.shape[1]] > 0, 0.15, place)
    return np.repeat((paper * 2 - 1)[None, None], 3, axis=1).astype(np.float32)
