#!/usr/bin/env python3
"""What reports and checkpoints cost: a page about a model of 300 operations, and an audit that keeps what is done.

usage: bench_reports.py [--assay build/release/assay]

Processor time of whole commands, the best of five.
"""
import argparse
import resource
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

ROOT = Path(__file__).resolve().parents[1]
F = onnx.TensorProto.FLOAT


def save(path, nodes, inputs, outputs, weights):
    def infos(items):
        return [helper.make_tensor_value_info(name, F, shape) for name, shape in items.items()]

    graph = helper.make_graph(nodes, "g", infos(inputs), infos(outputs),
                              [numpy_helper.from_array(array, name) for name, array in weights.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def chain(path, operations):
    """Small operations one after the other, with connections past six of them."""
    nodes = []
    for i in range(operations):
        before = f"v{i - 1}" if i else "x"
        kind, other = ("Add", f"v{i - 7}") if i >= 7 and i % 7 == 0 else ("Mul", "one")
        nodes.append(helper.make_node(kind, [before, other], [f"v{i}"], name=f"block{i // 7}/step{i}"))
    save(path, nodes, {"x": ["N", 16]}, {f"v{operations - 1}": ["N", 16]}, {"one": np.ones(1, np.float32)})


def perceptron(path):
    rng = np.random.default_rng(1)
    weights = {"w": rng.normal(size=(96, 512)).astype(np.float32), "v": rng.normal(size=(512, 8)).astype(np.float32)}
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Relu", ["h"], ["r"]),
             helper.make_node("MatMul", ["r", "v"], ["y"])]
    save(path, nodes, {"x": ["N", 96]}, {"y": ["N", 8]}, weights)


def seconds(words, folder, before=lambda: None):
    """Processor time of a command, the best of five."""
    best = float("inf")
    for _ in range(5):
        before()
        begin = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(words, cwd=folder, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime)
    return best


def main():
    parser = argparse.ArgumentParser(description="what reports and checkpoints cost")
    parser.add_argument("--assay", type=Path, default=ROOT / "build/release/assay")
    assay = str(parser.parse_args().assay.resolve())
    rng = np.random.default_rng(2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chain(folder / "chain.onnx", 300)
        np.savez(folder / "x.npz", x=rng.normal(size=(64, 16)).astype(np.float32))
        candidates = [word for c in ("f16-storage", "bf16-storage", "coreml-nn-gpu") for word in ("--candidate", c)]
        traced = subprocess.run([assay, "audit", "chain.onnx", "--data", "x.npz", "--decision", "argmax", "--trace",
                                 "--json", "--fail-on", "none", *candidates], cwd=folder, check=True,
                                capture_output=True, text=True)
        (folder / "r.json").write_text(traced.stdout)
        took = seconds([assay, "report", "r.json", "-o", "r.html"], folder)
        print(f"page, 300 operations, 3 candidates: {took:.2f} s, {(folder / 'r.html').stat().st_size / 1e6:.2f} MB")
        for ending in ("xml", "sarif", "md"):
            print(f"{ending}: {seconds([assay, 'report', 'r.json', '-o', 'r.' + ending], folder):.2f} s")
        perceptron(folder / "m.onnx")
        np.savez(folder / "x.npz", x=rng.normal(size=(40000, 96)).astype(np.float32))
        words = [assay, "audit", "m.onnx", "--data", "x.npz", "--decision", "argmax", "--threads", "1",
                 "--candidate", "f16-storage", "--candidate", "f16-throughout"]
        plain = seconds(words, folder)
        kept = folder / "c.json"
        with_checkpoint = seconds([*words, "--checkpoint", kept], folder, lambda: kept.unlink(missing_ok=True))
        print(f"audit: {plain:.2f} s; with a checkpoint: {with_checkpoint:.2f} s, {with_checkpoint / plain:.3f} times")
        print(f"from a checkpoint that is complete: {seconds([*words, '--checkpoint', kept], folder):.2f} s")


if __name__ == "__main__":
    main()
