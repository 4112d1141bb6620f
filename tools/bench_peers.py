#!/usr/bin/env python3
"""The goal table with our figures: Assay against ONNX Runtime (all optimisations) on the same machine in the same run.

usage: bench_peers.py [--assay PATH] [--rows REGEX] [--no-big]
A row is skipped, with the reason, when its peer, its model or an idle machine is missing; skipped is not passed. Only
the ratios mean anything on another machine. Writes build/bench/peers.json too.
"""
import argparse
import json
import os
import re
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import onnx

import bench_convert
import bench_lockstep
import bench_measure as bm
import make_models

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build/bench"
INPUTS = ROOT / "build/inputs"

# target: what this version set out to reach; must and aim: where the project goes. A share is the larger the better.
#        rows                       target must  aim
GOALS = {"gemm": (0.75, 0.80, 0.88), "resnet50": (1.5, 1.30, 1.0), "conv3": (None, 1.20, 1.0),
         "mobilenet": (1.5, 1.30, 0.9), "blaze": (1.5, 1.30, 0.9), "bert": (1.5, 1.15, 0.9),
         "magika": (1.5, 1.2, 0.8), "call": (None, 1.0, 0.3), "storage": (1.2, 1.15, 1.05),
         "storage-small": (1.4, 1.35, 1.15), "throughout": (None, 8, 5.5), "f64": (2.8, 2.6, 2.1),
         "audit": (1.25, None, None), "inspect-ms": (50, None, None), "inspect-mb": (30, None, None),
         "inspect": (None, 0.05, 0.01), "version": (10, 10, 3), "speed-up": (None, 1.7, 1.9),
         "memory": (None, 0.7, 0.45), "memory-small": (None, 0.4, 0.2), **bench_convert.GOALS,
         **bench_lockstep.GOALS}
LARGER_IS_BETTER = {"gemm", "speed-up"}


# Files in build/inputs/models that have another name here.
FILES = {"magika": "magika_v3", "silero": "silero_openvino", "silero_two_rates": "silero"}
SILEROS = ("silero", "silero_two_rates", "silero_op15", "silero_op18", "silero_half", "silero_sequence", "whisper_vad")
SAMPLES_A_CALL = 576  # of silero's input: 64 of the call before and 512 new ones, at 16 kHz


def model_path(name):
    if name in make_models.MAKERS:
        path = WORK / f"{name}.onnx"
        if not path.is_file():
            WORK.mkdir(parents=True, exist_ok=True)
            make_models.MAKERS[name](str(path))
    elif name in ("blaze_front", "blaze_back"):
        path = INPUTS / "blazeface" / (name[6:] + ".onnx")
    elif name == "garments":
        path = ROOT / "examples/garments/garments.onnx"
    else:
        path = INPUTS / "models" / (FILES.get(name, name) + ".onnx")
    if not path.is_file():
        raise bm.Skip(f"{path.name} is missing")
    return path


def array_of(name, value, samples, random):
    """A seeded array for an input of a model."""
    dtype = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
    if value.name == "sr":
        return np.array(16000, dtype)
    shape = [d.dim_value or 1 for d in value.type.tensor_type.shape.dim]
    shape[0] *= samples
    if name in SILEROS and value.name == "input":
        shape[1] = SAMPLES_A_CALL
    if value.name == "bytes" or value.type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
        return random.integers(0, 256, shape).astype(dtype)
    return random.standard_normal(shape, dtype=np.float32)


def input_of(name, samples=1):
    """Seeded inputs in the shapes that the model declares, saved as .npz for the command line."""
    random = np.random.default_rng(11)
    graph = onnx.load(model_path(name), load_external_data=False).graph
    feeds = {value.name: array_of(name, value, samples, random) for value in graph.input}
    path = WORK / f"{name}-{samples}.npz"
    WORK.mkdir(parents=True, exist_ok=True)
    np.savez(path, **feeds)
    return path, feeds


def check_result(assay, name, npz, feeds, session):
    """Before any timing: our float32 and the peer's agree, and two threads change no bit."""
    ours = assay.outputs(model_path(name), npz, WORK / "ours.npz", "--threads", 1)
    two = assay.outputs(model_path(name), npz, WORK / "ours2.npz", "--threads", 2)
    for value, theirs in zip(session.get_outputs(), session.run(None, feeds), strict=True):
        mine = ours[value.name]
        if not np.allclose(mine, theirs, rtol=2e-3, atol=2e-4 * max(1e-3, float(np.abs(theirs).max()))):
            raise AssertionError(f"{name}: output {value.name} differs by {np.abs(mine - theirs).max():.3g}")
        if mine.tobytes() != two[value.name].tobytes():
            raise AssertionError(f"{name}: output {value.name} depends on the number of threads")


class Bench:
    def __init__(self, assay):
        self.assay = assay
        self.checked = set()
        self.convert = bench_convert.Convert(assay, model_path, input_of, WORK)
        self.lockstep = bench_lockstep.Lockstep(assay, model_path, input_of, self.check, self.need_idle)
        self.seen = {}  # (model, threads) -> our Cost

    def need_idle(self, threads):
        if threads > 1:
            if (os.cpu_count() or 1) < threads:
                raise bm.Skip("fewer cores than threads")
            busy = bm.others_busy()
            if busy > 0.15:
                raise bm.Skip(f"machine loaded: other programs use {busy:.1f} cores")

    def check(self, name, npz, feeds, session):
        if name not in self.checked:
            check_result(self.assay, name, npz, feeds, session)
            self.checked.add(name)

    def against_ort(self, name, threads):
        self.need_idle(threads)
        npz, feeds = input_of(name)
        session = bm.ort_session(model_path(name), threads)
        self.check(name, npz, feeds, session)

        def call():
            session.run(None, feeds)

        repeat = bm.repeats_for(call)
        ours, peer = bm.alternate(
            lambda: self.assay.bench(model_path(name), npz, repeat=repeat, threads=threads),
            lambda: bm.time_calls(call, repeat))
        self.seen[name, threads] = ours
        return ours, peer, ours.wall / peer.wall

    def gemm(self, n, threads, isa):
        """Share of the peak that the same instruction set reaches in registers."""
        self.need_idle(threads)
        npz, _ = input_of(f"gemm{n}")
        peaks, costs = [], []
        for _ in range(bm.ROUNDS if n < 4096 else 3):
            peaks.append(self.assay.result("bench", "peak", "--threads", threads, "--isa", isa)["gflops"])
            walls, cpus = self.assay.bench(model_path(f"gemm{n}"), npz, repeat=2, threads=threads, isa=isa)
            costs.append(bm.Cost(statistics.median(walls), statistics.median(cpus)))
        peak = statistics.median(peaks)
        ours = bm.Cost(statistics.median(c.wall for c in costs), statistics.median(c.cpu for c in costs))
        least = 2 * n**3 / peak / 1e6
        return ours, bm.Cost(least, least * threads), least / ours.wall

    def profiles(self, name, profile, base="strict-f32"):
        npz, _ = input_of(name)
        path = model_path(name)
        once = self.assay.bench(path, npz, repeat=1)[0][0]
        repeat = max(2, min(200, int(150 / max(once, 1e-3))))
        ours, plain = bm.alternate(lambda: self.assay.bench(path, npz, repeat=repeat, profile=profile),
                                   lambda: self.assay.bench(path, npz, repeat=repeat, profile=base))
        return ours, plain, ours.wall / plain.wall

    def audit(self, name, samples, threads=1):
        """`assay audit` against the two runs that it stands for, each a whole command over the same samples."""
        npz, _ = input_of(name, samples)
        path, candidate = model_path(name), "f16-storage"
        common = ["--threads", threads]
        audit = [self.assay.path, "audit", path, "--data", npz, "--decision", "argmax", "--candidate", candidate,
                 "--fail-on", "none", "--json", *common]
        runs = [[self.assay.path, "run", path, "--input", npz, "--output", WORK / "o.npz", "--profile", p, *common]
                for p in ("strict-f32", candidate)]

        def take(commands):
            costs = [bm.command_cost(c)[0] for c in commands]
            return [sum(c.wall for c in costs)], [sum(c.cpu for c in costs)]

        ours, plain = bm.alternate(lambda: take([audit]), lambda: take(runs))
        return ours, plain, ours.wall / plain.wall

    def inspect(self, figure):
        path = model_path("big")
        taken = [bm.command_cost([self.assay.path, "inspect", path]) for _ in range(bm.ROUNDS)]
        ours = bm.Cost(statistics.median(c.wall for c, _ in taken), statistics.median(c.cpu for c, _ in taken))
        if figure == "ms":
            return ours, None, ours.wall
        if figure == "mb":
            return ours, None, statistics.median(mb for _, mb in taken)
        wall, cpu = bm.time_calls(lambda: onnx.load(path), 3)
        peer = bm.Cost(statistics.median(wall), statistics.median(cpu))
        return ours, peer, ours.wall / peer.wall

    def version(self):
        bm.command_cost([self.assay.path, "--version"])
        taken = [bm.command_cost([self.assay.path, "--version"])[0] for _ in range(21)]
        ours = bm.Cost(statistics.median(c.wall for c in taken), statistics.median(c.cpu for c in taken))
        return ours, None, ours.wall

    def speed_up(self, name):
        one, two = self.seen.get((name, 1)), self.seen.get((name, 2))
        if not one or not two:
            raise bm.Skip("needs both rows of this model")
        return two, one, one.wall / two.wall

    def memory(self, name):
        """Peak resident memory of a whole process: one run of the model, ours and ONNX Runtime's."""
        npz, _ = input_of(name)
        script = ("import sys, numpy, onnxruntime as o; o.set_default_logger_severity(3); s = o.InferenceSession("
                  "sys.argv[1], providers=['CPUExecutionProvider']); s.run(None, dict(numpy.load(sys.argv[2])))")
        path = model_path(name)
        ours, mb = bm.command_cost([self.assay.path, "run", path, "--input", npz, "--output", WORK / "o.npz"])
        peer, peer_mb = bm.command_cost([sys.executable, "-c", script, path, npz])
        return ours, peer, mb / peer_mb


def rows(bench, isas, big):
    """(name, goal, what to call), in the order of the table."""
    for isa in isas:
        for n in (1024, 2048, 4096):
            for threads in (1, 2):
                yield f"GEMM {n}, {isa}, {threads} thr: share of FMA peak", "gemm", lambda n=n, t=threads, i=isa: (
                    bench.gemm(n, t, i))
    for name, goal in (("resnet50", "resnet50"), ("conv3", "conv3"), ("mobilenet", "mobilenet"),
                       ("blaze_front", "blaze"), ("blaze_back", "blaze"), ("bert", "bert"), ("magika", "magika"),
                       ("magika_v1", "magika"), ("mlp", "call"), *((name, "call") for name in SILEROS)):
        for threads in (1, 2) if goal != "call" else (1,):
            yield f"{name} / ORT, {threads} thr", goal, lambda m=name, t=threads: bench.against_ort(m, t)
    yield "resnet50: speed-up from 1 to 2 threads", "speed-up", lambda: bench.speed_up("resnet50")
    for profile in ("f16-storage", "bf16-storage"):
        for name in ("resnet50", "bert", "mobilenet", "blaze_front"):
            goal = "storage-small" if name in ("mobilenet", "blaze_front") else "storage"
            yield f"{name}: {profile} / our float32", goal, lambda m=name, p=profile: bench.profiles(m, p)
    yield "gemm1024: f16-throughout / our float32", "throughout", lambda: bench.profiles("gemm1024", "f16-throughout")
    for name in ("resnet50", "mobilenet", "blaze_front", "bert"):
        yield f"{name}: float64 / our float32", "f64", lambda m=name: bench.profiles(m, "f64")
    for name, samples in (("resnet50", 16), ("mobilenet", 64)):
        yield f"{name}: audit of two programs / the two runs", "audit", lambda m=name, n=samples: (
            bench.audit(m, n))
    for name, goal in (("resnet50", "memory"), ("blaze_front", "memory-small")):
        yield f"{name}: peak resident memory / ORT", goal, lambda m=name: bench.memory(m)
    yield from bench_convert.rows(bench.convert, big)
    yield from bench_lockstep.rows(bench.lockstep)
    if big:
        yield "inspect 1 GiB, ms", "inspect-ms", lambda: bench.inspect("ms")
        yield "inspect 1 GiB, peak resident MB", "inspect-mb", lambda: bench.inspect("mb")
        yield "inspect 1 GiB / onnx.load", "inspect", lambda: bench.inspect("ratio")
    yield "assay --version, ms", "version", bench.version


def judge(value, goal):
    target, must, aim = GOALS[goal]
    better = (lambda limit: value >= limit) if goal in LARGER_IS_BETTER else (lambda limit: value <= limit)
    for limit, word in ((aim, "aim"), (must, "must"), (target, "target")):
        if limit is not None and better(limit):
            return word
    return "MISSED"


def ratio_by_cpu(ours, peer, goal):
    """What the figure is when CPU time is counted: on a loaded machine the better guide for one thread."""
    if not peer or goal == "speed-up":
        return ""
    return f"{peer.cpu / ours.cpu if goal in LARGER_IS_BETTER else ours.cpu / peer.cpu:.3g}"


def line(*cells):
    return "| {:<52} | {:>8} | {:>6} | {:>5} | {:>5} | {:>17} | {:>17} | {:>6} | {:<7} |".format(*cells)


def show(cost):
    return f"{cost.wall:.4g} / {cost.cpu:.4g}" if cost else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assay", default=str(ROOT / "build/release/assay"))
    parser.add_argument("--rows", default="", help="only rows that this regular expression finds")
    parser.add_argument("--no-big", action="store_true", help="leave the rows with the 1 GiB model out")
    args = parser.parse_args()

    name, flags = bm.cpu_name()
    isas = ["avx512", "avx2"] if "avx512f" in flags else ["avx2"] if "avx2" in flags else ["neon"]
    print(f"CPU: {name}, {os.cpu_count()} cores, {isas[0]}; ONNX Runtime {bm.onnxruntime.__version__}; "
          f"{time.strftime('%Y-%m-%d')}")
    print(f"medians of {bm.ROUNDS} alternating rounds; milliseconds are wall / CPU\n")
    print(line("row", "figure", "target", "must", "aim", "ours, ms", "peer, ms", "by CPU", "reached"))
    print(line("-" * 52, "-" * 8, "-" * 6, "-" * 5, "-" * 5, "-" * 17, "-" * 17, "-" * 6, "-" * 7))
    records, notes, wrong = [], [], 0
    bench = Bench(bm.Assay(args.assay))
    for row, goal, measure in rows(bench, isas, not args.no_big):
        if not re.search(args.rows, row):
            continue
        limits = ["" if v is None else f"{v:g}" for v in GOALS[goal]]
        record = {"row": row, "goal": dict(zip(("target", "must", "aim"), GOALS[goal], strict=True))}
        try:
            ours, peer, value = measure()
        except bm.Skip as reason:
            record["skipped"] = str(reason)
            print(line(row, "skipped", *limits, "", "", "", ""), flush=True)
            notes.append(f"{row}: skipped, {reason}")
        except AssertionError as error:
            record["wrong"] = str(error)
            wrong += 1
            print(line(row, "WRONG", *limits, "", "", "", ""), flush=True)
            notes.append(f"{row}: not timed, wrong result: {error}")
        else:
            by_cpu = ratio_by_cpu(ours, peer, goal)
            record |= {"value": value, "ours": vars(ours), "peer": vars(peer) if peer else None}
            print(line(row, f"{value:.3g}", *limits, show(ours), show(peer), by_cpu, judge(value, goal)),
                  flush=True)
        records.append(record)
    if re.search(args.rows, "convert: models"):
        bench.convert.coverage()
    print("".join(f"\n- {n}" for n in [*notes, *bench.convert.notes]))
    WORK.mkdir(parents=True, exist_ok=True)
    (WORK / "peers.json").write_text(json.dumps({"cpu": name, "rows": records}, indent=1) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
