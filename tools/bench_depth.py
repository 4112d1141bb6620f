#!/usr/bin/env python3
"""What the commands beyond an audit cost: fingerprints, probes, margins with proofs, blame, repair. Each result is
checked before its time counts.

usage: bench_depth.py [--assay build/release/assay]

Processor time of whole commands, the best of three. Needs build/demo/garments.npz (`make demo`).
"""
import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
STORY = ROOT / "examples/article"
GARMENTS = ROOT / "examples/garments/garments.onnx"
GPU = (0.6484375, -0.34033203, 1.4326172)  # the article's


def timed(words, holds):
    """Least processor time of a command; exits where the result is not as it must be."""
    best = float("inf")
    for _ in range(3):
        begin = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([*words, "--json"], check=False, capture_output=True, text=True)
        end = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode > 1 or not holds(json.loads(done.stdout)["result"]):
            sys.exit(f"bench_depth: {' '.join(words)} gives something else than it should\n{done.stderr}")
        best = min(best, end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime)
    return best


def flips(result):
    return len(result["candidates"][0]["flips"])


def questions(assay, folder):
    """(what, command, whether a result is as it must be)."""
    data = np.load(ROOT / "build/demo/garments.npz")
    np.savez(folder / "gpu.npz", output=np.float32([GPU]))
    np.savez(folder / "g.npz", **{name: array[:2500] for name, array in data.items()})
    audit = [assay, "audit", str(GARMENTS), "--data", str(ROOT / "build/demo/garments.npz"), "--decision",
             "threshold:0.5", "--candidate", "bf16-storage"]
    recording = ROOT / "tests/data/recordings/onnxruntime-1.32.0-cpu.npz"
    yield ("fingerprint of the article's three numbers under every policy",
           [assay, "fingerprint", str(folder / "gpu.npz"), "--model", str(STORY / "mlp.onnx"), "--input",
            str(STORY / "input.npz")], lambda r: r["fit"]["verdict"] == "exact")
    yield ("probe read of ONNX Runtime's recording", [assay, "probe", "read", str(recording)],
           lambda r: len(r["modes"]) == 1)
    yield "audit of 10,000 garments under bf16-storage", audit, lambda r: flips(r) == 9
    yield "the same with --trace", [*audit, "--trace"], lambda r: r["candidates"][0]["trace"]["samples"] == 10000
    yield ("the same with --blame, nine flips", [*audit, "--blame"],
           lambda r: len(r["candidates"][0]["blame"]["samples"]) == 9)
    yield ("audit of 10,000 garments under f16-storage with --proof",
           ["f16-storage" if word == "bf16-storage" else word for word in audit] + ["--proof"],
           lambda r: r["candidates"][0]["forecast"]["proof"]["proved"] > 9000)
    yield ("repair on 2,500 garments, bf16-storage",
           [assay, "repair", str(GARMENTS), "--data", str(folder / "g.npz"), "--decision", "threshold:0.5",
            "--candidate", "bf16-storage", "-o", str(folder / "fixed.onnx")], lambda r: r["reached"])


def main():
    parser = argparse.ArgumentParser(description="what fingerprints, probes, proofs, blame and repair cost")
    parser.add_argument("--assay", type=Path, default=ROOT / "build/release/assay")
    assay = str(parser.parse_args().assay.resolve())
    with tempfile.TemporaryDirectory() as name:
        for what, words, holds in questions(assay, Path(name)):
            print(f"{what}: {timed(words, holds):.2f} s", flush=True)


if __name__ == "__main__":
    main()
