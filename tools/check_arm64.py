#!/usr/bin/env python3
"""The arm64 build, run under QEMU, gives the bits that this machine's build gives: the outputs of ONNX's backend tests,
and of the demo's three models under every program that the demo audits. What `make check-arm64` runs.

usage: check_arm64.py [--native FOLDER] [--arm64 FOLDER] [--samples N]
"""
import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np

import demo

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build/check-arm64"
QEMU = ["qemu-aarch64", "-L", str(ROOT / "build/arm64-root")]


def run(command, what):
    p = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False)
    if p.returncode:
        sys.exit(f"check-arm64: {what} exited with {p.returncode}\n{p.stdout[-4000:]}{p.stderr[-4000:]}")
    return p.stdout


def digests(emulator, folder, name):
    """Case -> SHA-256 of its outputs."""
    file = OUT / f"{name}.digests"
    out = run([*emulator, folder / "conformance_test", "--exclusions", "tests/conformance/exclusions.txt",
               "--digests", file, "--seconds", "900", "build/inputs/onnx-cases"], f"the conformance suite ({name})")
    print(f"{name}: {out.splitlines()[-1]}", flush=True)
    return dict(line.split() for line in file.read_text().splitlines())


def arrays(emulator, folder, model, data, program):
    out = OUT / "out.npz"
    run([*emulator, folder / "assay", "run", model, "--input", data, "--output", out, "--profile", program, "--quiet"],
        f"{model} under {program}")
    with np.load(out) as outputs:
        return {name: (outputs[name].dtype.str, outputs[name].shape, outputs[name].tobytes()) for name in outputs}


def first_samples(name, count):
    """The demo's data, cut to what an emulator runs in a minute."""
    if name == "article":
        return demo.ARTICLE / "input.npz"
    file = OUT / f"{name}.npz"
    with np.load(demo.OUT / f"{name}.npz") as all_of_it:
        np.savez(file, **{key: all_of_it[key][:count] for key in all_of_it})
    return file


def compare_models(native, arm64, samples):
    differ = 0
    for name, _, model, _, candidates in demo.AUDITS:
        data = first_samples(name, samples)
        programs = ["strict-f32", *candidates]
        different = [p for p in programs if arrays([], native, model, data, p) != arrays(QEMU, arm64, model, data, p)]
        differ += len(different)
        print(f"{name}: {len(programs) - len(different)} of {len(programs)} programs give the same bits"
              f"{''.join(f'; {p} differs' for p in different)}", flush=True)
    return differ


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--native", type=Path, default=ROOT / "build/dev")
    parser.add_argument("--arm64", type=Path, default=ROOT / "build/arm64")
    parser.add_argument("--samples", type=int, default=16)
    args = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    demo.OUT.mkdir(parents=True, exist_ok=True)
    for name in ("garments", "blazeface"):
        demo.make_data(name)
    native, arm64 = digests([], args.native, "native"), digests(QEMU, args.arm64, "arm64")
    different = sorted(case for case in native.keys() | arm64.keys() if native.get(case) != arm64.get(case))
    print(f"conformance: {len(native) - len(different)} of {len(native)} cases give the same bits")
    for case in different:
        print(f"  {case} differs")
    return 1 if different or compare_models(args.native, args.arm64, args.samples) else 0


if __name__ == "__main__":
    sys.exit(main())
