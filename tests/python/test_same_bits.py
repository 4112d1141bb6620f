"""Results depend on the program and the inputs alone: not on threads, code path, batch, fusion or neighbours."""
import hashlib
import json

import numpy as np
import pytest

PROFILES = ("strict-f32", "f16-storage", "f16-throughout", "bf16-storage", "f64", "coreml-nn-ane", "cuda-tf32-ampere",
            "openvino-bf16")
PATHS = ("scalar", "avx2", "avx512", "neon")


def digest(path):
    arrays = np.load(path)
    h = hashlib.sha256()
    for name in sorted(arrays.files):
        a = arrays[name]
        h.update(f"{name}{a.dtype}{a.shape}".encode())
        h.update(a.tobytes())
    return h.hexdigest()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("bits") / "in.npz"
    rng = np.random.default_rng(3)
    np.savez(path, image=rng.random((5, 1, 28, 28), np.float32))
    return path


@pytest.mark.parametrize("profile", PROFILES)
def test_threads_and_code_paths(assay, root, data, tmp_path, profile):
    seen = {}
    for isa in PATHS:
        for threads in (1, 2, 3):
            out = tmp_path / "o.npz"
            done = assay("run", root / "examples/garments/garments.onnx", "--input", data, "--profile", profile,
                         "--output", out, "--isa", isa, "--threads", threads)
            if done.code == 2 and "A005" in done.err:
                break  # this machine lacks the instruction set
            assert done.code == 0, done.err
            seen[isa, threads] = digest(out)
    assert len(seen) >= 6
    assert len(set(seen.values())) == 1, seen


@pytest.mark.parametrize("profile", PROFILES)
def test_a_batch_is_its_samples(assay, root, data, tmp_path, profile):
    model = root / "examples/garments/garments.onnx"
    whole = np.load(data)["image"]
    assay("run", model, "--input", data, "--profile", profile, "--output", tmp_path / "all.npz", code=0)
    together = np.load(tmp_path / "all.npz")
    for i in range(len(whole)):
        np.savez(tmp_path / "one.npz", image=whole[i:i + 1])
        assay("run", model, "--input", tmp_path / "one.npz", "--profile", profile, "--output", tmp_path / "o.npz",
              code=0)
        alone = np.load(tmp_path / "o.npz")
        for name in together.files:
            assert together[name][i:i + 1].tobytes() == alone[name].tobytes()


def test_candidates_together_are_themselves_alone(assay, root, data):
    """Variants that resolve to one program run once; nothing in a report may show it."""
    def audit(*candidates):
        done = assay("audit", root / "examples/garments/garments.onnx", "--data", data, "--decision", "threshold:0.5",
                     "--fail-on", "none", "--json", *(a for c in candidates for a in ("--candidate", c)), code=0)
        return json.loads(done.out)["result"]["candidates"]

    names = ("coreml-nn-cpu", "coreml-mlprogram-f32-gpu", "f16-storage", "coreml-nn-gpu", "strict-f32")
    assert audit(*names) == [audit(name)[0] for name in names]
