"""Timing for tools/bench_peers.py: peers in this process, Assay through its command line, taken in turns.

Rules: the result is checked before anything is timed; ours and the peer's runs alternate; a figure is the median of at
least seven; CPU time stands beside wall time; on a loaded machine rows of two threads are skipped.
"""
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import onnxruntime

ROUNDS = 7


class Skip(Exception):  # noqa: N818  (no error: a row that cannot be measured here, with the reason)
    pass


@dataclass
class Cost:
    """Milliseconds of one call, medians."""

    wall: float
    cpu: float


@dataclass
class Assay:
    path: str

    def command(self, *args):
        try:
            p = subprocess.run([self.path, *map(str, args)], capture_output=True, text=True, check=False,
                               stdin=subprocess.DEVNULL, env={**os.environ, "NO_COLOR": "1"})
        except OSError as error:
            raise Skip(f"{self.path}: {error.strerror}") from None
        if p.returncode != 0:
            lines = p.stderr.strip().splitlines() or [f"exit {p.returncode}"]
            raise Skip(f"`assay {' '.join(map(str, args[:2]))}`: {lines[0][:160]}")
        return p.stdout

    def result(self, *args):
        return json.loads(self.command(*args, "--json"))["result"]

    def bench(self, model, npz, *, repeat, threads=1, profile="strict-f32", isa=None):
        """Lists of wall and CPU milliseconds of `repeat` calls; the command warms up before."""
        flags = ["--isa", isa] if isa else []
        r = self.result("bench", "run", model, "--input", npz, "--profile", profile, "--threads", threads,
                        "--repeat", repeat, *flags)
        return r["wall_ms"], r["cpu_ms"]

    def outputs(self, model, npz, out, *flags):
        self.command("run", model, "--input", npz, "--output", out, *flags)
        with np.load(out) as z:
            return {k: z[k] for k in z.files}


def ort_session(model, threads):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def time_calls(call, repeat):
    """Lists of wall and CPU milliseconds of `repeat` calls; the CPU clock is that of all threads."""
    wall, cpu = [], []
    for _ in range(repeat):
        w, c = time.perf_counter(), time.process_time()
        call()
        wall.append((time.perf_counter() - w) * 1e3)
        cpu.append((time.process_time() - c) * 1e3)
    return wall, cpu


def alternate(ours, peer, rounds=ROUNDS):
    """Each of the two returns (wall list, CPU list) of some calls; medians of each round's medians."""
    sides = ([], [])
    for _ in range(rounds):
        for side, take in zip(sides, (ours, peer), strict=True):
            side.append(Cost(*(statistics.median(x) for x in take())))
    return [Cost(statistics.median(c.wall for c in s), statistics.median(c.cpu for c in s)) for s in sides]


# Starts the command in its arguments and prints its wall milliseconds, CPU milliseconds, peak resident KiB and status.
# A process of its own, since a child's peak is at least what its parent had in memory when it was started.
RUNNER = """
import os, subprocess, sys, time
quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
start = time.perf_counter()
p = subprocess.Popen(sys.argv[1:], **quiet)
_, status, used = os.wait4(p.pid, 0)
wall = time.perf_counter() - start
p.returncode = os.waitstatus_to_exitcode(status)
print(wall * 1e3, (used.ru_utime + used.ru_stime) * 1e3, used.ru_maxrss, p.returncode)
"""


def command_cost(argv):
    """Wall and CPU milliseconds and peak resident MB of one process."""
    argv = [str(a) for a in argv]
    if shutil.which(argv[0]) is None:
        raise Skip(f"{argv[0]}: no such program")
    run = subprocess.run([sys.executable, "-I", "-S", "-c", RUNNER, *argv], capture_output=True, text=True, check=True,
                         stdin=subprocess.DEVNULL)
    wall, cpu, kib, status = run.stdout.split()
    if int(status) != 0:
        raise Skip(f"`{' '.join(argv[:3])}` exited with {status}")
    return Cost(float(wall), float(cpu)), int(kib) / 1024


def repeats_for(call, target_ms=150.0, most=200):
    """How many calls make a round long enough to be timed."""
    call()
    once = time_calls(call, 1)[0][0]
    return max(2, min(most, int(target_ms / max(once, 1e-3))))


def others_busy(seconds=1.0):
    """Cores that other programs keep busy while this one sleeps."""
    def ticks():
        with open("/proc/stat", encoding="ascii") as f:
            values = [int(v) for v in f.readline().split()[1:9]]
        return sum(values), values[3] + values[4]

    total, idle = ticks()
    time.sleep(seconds)
    total2, idle2 = ticks()
    return (1 - (idle2 - idle) / max(1, total2 - total)) * os.cpu_count()


def cpu_name():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            fields = dict(map(str.strip, line.split(":", 1)) for line in f if ":" in line)
    except OSError:
        return platform.processor(), set()
    return fields.get("model name", platform.machine()), set(fields.get("flags", "").split())
