"""Rows of tools/bench_peers.py about `assay convert`: against onnx2coreml, against `cp` of the same bytes, and memory.

Like is compared with like: a whole process with a whole process, from its start to its end; the notes give the peer's
call alone, without its imports, and the peak of resident memory. A converted model is run before anything is timed.
"""
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import bench_measure as bm

#                        target must  aim
GOALS = {"convert-small": (None, 0.03, 0.01), "convert": (None, 0.06, 0.02), "convert-cp": (None, 2.0, 1.2),
         "convert-mb": (None, 64, 24)}

# Prints one line: milliseconds of the call without imports.
PEER = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import onnx2coreml
started = time.perf_counter()
model = onnx2coreml.convert(sys.argv[1], format=sys.argv[3], compute_precision="fp32")
model.save(sys.argv[2])
print(json.dumps(1e3 * (time.perf_counter() - started)))
"""
# The types that a package states for the results of its operations.
TYPES = """
import collections, json, sys
from coremltools import proto
spec = proto.Model_pb2.Model()
spec.ParseFromString(open(sys.argv[1], "rb").read())
name = proto.MIL_pb2.DataType.Name
count = collections.Counter()
for function in spec.mlProgram.functions.values():
    for block in function.block_specializations.values():
        for op in block.operations:
            for output in op.outputs:
                count[name(output.type.tensorType.dataType)] += op.type != "const"
print(json.dumps({k.lower(): n for k, n in count.items() if n}))
"""
COVERED = ("mlp", "garments", "blaze_front", "blaze_back", "magika", "silero", "mobilenet")


def remove(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def last_line(script, *words):
    """What a fresh interpreter prints last, as JSON; the last line of its complaint where it fails."""
    p = subprocess.run([sys.executable, "-c", script, *map(str, words)], capture_output=True, text=True, check=False,
                       stdin=subprocess.DEVNULL)
    if p.returncode == 0:
        return json.loads(p.stdout.strip().splitlines()[-1])
    said = [s for s in p.stderr.strip().splitlines() if "Error" in s and not s.startswith(" ")]
    raise bm.Skip((said or [f"exit {p.returncode}"])[-1][:160])


def types_in(package):
    file = next(package.glob("Data/com.apple.CoreML/*.mlmodel"))
    return last_line(TYPES, file)


class Convert:
    def __init__(self, assay, model_path, input_of, work):
        self.assay, self.model_path, self.input_of, self.work = assay, model_path, input_of, Path(work)
        self.checked = set()
        self.peak = 0
        self.notes = []

    def command(self, name, target):
        return [self.assay.path, "convert", self.model_path(name), "-o", target, "--quiet"]

    def ours(self, name):
        target = self.work / f"{name}.mlpackage"
        remove(target)
        cost, self.peak = bm.command_cost(self.command(name, target))
        return [cost.wall], [cost.cpu]

    def check(self, name):
        """The package computes the model's bits."""
        if name in self.checked:
            return
        target = self.work / f"{name}.mlpackage"
        remove(target)
        self.assay.command("convert", self.model_path(name), "-o", target)
        npz, feeds = self.input_of(name)
        given = self.work / "converted.npz"
        narrow = {k: a.astype("int32") if a.dtype == "int64" else a for k, a in feeds.items()}
        np.savez(given, **narrow)
        want = self.assay.outputs(self.model_path(name), npz, self.work / "o.npz")
        got = self.assay.outputs(target, given, self.work / "o2.npz")
        for (key, a), b in zip(want.items(), got.values(), strict=True):
            if a.tobytes() != b.tobytes():
                raise AssertionError(f"{name}: output {key} of the package differs from the model's")
        self.checked.add(name)

    def peer(self, name, kind="mlpackage"):
        target = self.work / f"{name}-peer.{kind}"
        remove(target)
        return last_line(PEER, self.model_path(name), target, kind)

    def against_peer(self, name, rounds):
        self.check(name)
        call = self.peer(name)  # or says why not
        target = self.work / f"{name}-peer.mlpackage"
        peaks = []

        def take():
            remove(target)
            cost, peak = bm.command_cost([sys.executable, "-c", PEER, self.model_path(name), target, "mlpackage"])
            peaks.append(peak)
            return [cost.wall], [cost.cpu]

        ours, peer = bm.alternate(lambda: self.ours(name), take, rounds)
        stated = [types_in(self.work / f"{name}{which}.mlpackage") for which in ("", "-peer")]
        self.notes.append(f"{name}: float32 asked for; results stated by Assay {stated[0]}, onnx2coreml {stated[1]}; "
                          f"peak resident {self.peak:.4g} and {statistics.median(peaks):.4g} MB; the peer's call "
                          f"without imports {call:.4g} ms, ours / that {ours.wall / call:.3g}")
        return ours, peer, ours.wall / peer.wall

    def against_cp(self, name, rounds):
        """The same bytes copied. What either wrote is on the disk before the next begins."""
        self.check(name)
        copy = self.work / "copy.onnx"

        def settled(take):
            os.sync()
            return take()

        def cp():
            copy.unlink(missing_ok=True)
            cost, _ = bm.command_cost(["cp", self.model_path(name), copy])
            return [cost.wall], [cost.cpu]

        ours, peer = bm.alternate(lambda: settled(lambda: self.ours(name)), lambda: settled(cp), rounds)
        copy.unlink()
        remove(self.work / f"{name}.mlpackage")
        return ours, peer, ours.wall / peer.wall

    def anonymous_mb(self, name):
        """The most that RssAnon of the process reaches, read each half millisecond: no page of a mapped file counts."""
        self.check(name)
        peaks, costs = [], []
        for _ in range(3):
            target = self.work / f"{name}.mlpackage"
            remove(target)
            start = time.perf_counter()
            p = subprocess.Popen([str(a) for a in self.command(name, target)], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            most = 0
            while p.poll() is None:
                most = max(most, anonymous_kb(p.pid))
                time.sleep(0.0005)
            costs.append(1e3 * (time.perf_counter() - start))
            if p.returncode != 0:
                raise bm.Skip(f"`assay convert` exited with {p.returncode}")
            peaks.append(most / 1024)
        remove(target)
        return bm.Cost(statistics.median(costs), 0), None, max(peaks)

    def coverage(self):
        """Notes: what each converts, and why not."""
        taken = {"Assay": [], "onnx2coreml": []}
        for name in COVERED:
            for kind in ("mlpackage", "mlmodel"):
                target = self.work / f"{name}-cover.{kind}"
                for tool, call in (("Assay", lambda t=target, n=name: self.assay.command(
                        "convert", self.model_path(n), "-o", t)),
                                   ("onnx2coreml", lambda k=kind, n=name: self.peer(n, k))):
                    try:
                        remove(target)
                        call()
                        taken[tool].append(f"{name} ({kind})")
                    except bm.Skip as why:
                        self.notes.append(f"{tool} does not write {name} as .{kind}: {why}")
                remove(target)
        self.notes += [f"{tool} converts {len(names)} of {2 * len(COVERED)}: {', '.join(names)}"
                       for tool, names in taken.items()]


def anonymous_kb(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            return next((int(s.split()[1]) for s in f if s.startswith("RssAnon:")), 0)
    except OSError:
        return 0


def rows(convert, big):
    """(name, goal, what to call), as bench_peers has them."""
    for name in ("mlp", "blaze_front"):
        yield f"convert {name} / onnx2coreml", "convert-small", lambda n=name: convert.against_peer(n, bm.ROUNDS)
    for name in ("resnet50", "bert"):
        yield f"convert {name} / onnx2coreml", "convert", lambda n=name: convert.against_peer(n, 3)
    for name in ("resnet50", "bert", *(["big"] if big else [])):
        yield f"convert {name} / cp of the weights", "convert-cp", lambda n=name: (
            convert.against_cp(n, bm.ROUNDS if n != "big" else 3))
    if big:
        yield "anonymous memory while converting 1 GiB, MB", "convert-mb", lambda: convert.anonymous_mb("big")
