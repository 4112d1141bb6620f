"""Rows of tools/bench_peers.py about `assay compare --trace`: what a further input costs in runs of ONNX Runtime, what
introduced errors add to it, whole commands against Polygraphy, and memory over more inputs. Ours runs on one thread and
a further input is a difference of whole commands, so figures are ratios of CPU time; whole commands as a user types
them, each with its own number of threads, are ratios of wall time."""
import shutil
import statistics
import sys
from pathlib import Path

import bench_measure as bm

#        rows                            target must  aim
GOALS = {"lockstep": (None, 3.5, 2.4), "lockstep-small": (None, 6, 3.5), "introduced": (None, 1.6, 1.45),
         "polygraphy-1": (None, 0.1, 0.03), "polygraphy-16": (None, 0.05, 0.01), "lockstep-memory": (None, 1.05, 1.0)}
# Goal and inputs of the longer of the two commands.
MODELS = {"resnet50": ("lockstep", 9), "bert": ("lockstep", 5), "mobilenet": ("lockstep-small", 33),
          "blaze_back": ("lockstep-small", 33), "blaze_front": ("lockstep-small", 129),
          "magika": ("lockstep-small", 33)}
ROUNDS = 3  # of commands of some seconds
ACCUMULATED = ("--trace-accumulated", "--trace-exact", 0)
INTRODUCED = ("--trace-exact", 0)


class Lockstep:
    def __init__(self, assay, model_path, input_of, check, need_idle):
        self.assay, self.model_path, self.input_of, self.check = assay, model_path, input_of, check
        self.need_idle = need_idle
        self.further = {}  # (model, flags) -> Cost of a further input
        self.peers = {}  # (model, inputs) -> Cost of Polygraphy's command

    def command(self, name, samples, flags, threads=("--threads", 1)):
        npz, _ = self.input_of(name, samples)
        return [self.assay.path, "compare", self.model_path(name), "--input", npz, "--program", "strict-f32",
                "--program", "f16-storage", "--trace", *threads, "--json", *flags]

    def further_input(self, name, flags):
        """Milliseconds that a whole command takes more for each input beyond the first, median of differences."""
        more = MODELS[name][1] - 1
        walls, cpus = [], []
        for _ in range(ROUNDS):
            one, _ = bm.command_cost(self.command(name, 1, flags))
            many, _ = bm.command_cost(self.command(name, more + 1, flags))
            walls.append((many.wall - one.wall) / more)
            cpus.append((many.cpu - one.cpu) / more)
        self.further[name, flags] = bm.Cost(statistics.median(walls), statistics.median(cpus))
        return self.further[name, flags]

    def against_ort(self, name):
        npz, feeds = self.input_of(name)
        session = bm.ort_session(self.model_path(name), 1)
        self.check(name, npz, feeds, session)
        repeat = bm.repeats_for(lambda: session.run(None, feeds))
        before = bm.time_calls(lambda: session.run(None, feeds), repeat)
        ours = self.further_input(name, ACCUMULATED)
        after = bm.time_calls(lambda: session.run(None, feeds), repeat)
        peer = bm.Cost(*(statistics.median([*b, *a]) for b, a in zip(before, after, strict=True)))
        return ours, peer, ours.cpu / peer.cpu

    def introduced(self, name):
        plain = self.further.get((name, ACCUMULATED))
        if not plain:
            raise bm.Skip("needs the row of accumulated errors")
        ours = self.further_input(name, INTRODUCED)
        return ours, plain, ours.cpu / plain.cpu

    def polygraphy(self, name, inputs):
        if (name, inputs) in self.peers:
            return self.peers[name, inputs]
        polygraphy = Path(sys.executable).parent / "polygraphy"
        if not polygraphy.is_file() and shutil.which("polygraphy") is None:
            raise bm.Skip("polygraphy is not installed: tools/setup.sh venv-bench")
        peer_command = [polygraphy, "run", self.model_path(name), "--onnxrt", "--onnxrt", "--onnx-outputs", "mark",
                        "all", "--iterations", inputs]
        self.peers[name, inputs] = cost_of(peer_command, inputs)
        return self.peers[name, inputs]

    def against_polygraphy(self, name, inputs):
        """All tensors of two runs compared: ours under two profiles, Polygraphy's ONNX Runtime twice."""
        peer = self.polygraphy(name, inputs)
        ours = cost_of(self.command(name, inputs, ACCUMULATED), inputs)
        return ours, peer, ours.cpu / peer.cpu

    def against_polygraphy_as_typed(self, name, inputs):
        self.need_idle(2)
        peer = self.polygraphy(name, inputs)
        ours = cost_of(self.command(name, inputs, ACCUMULATED, threads=()), inputs)
        return ours, peer, ours.wall / peer.wall

    def memory(self, name):
        """Peak resident memory of a whole command: 16 inputs over one. The inputs themselves are part of it."""
        _, one = bm.command_cost(self.command(name, 1, INTRODUCED))
        cost, many = bm.command_cost(self.command(name, 16, INTRODUCED))
        return cost, None, many / one


def cost_of(command, inputs):
    """Median over some rounds; one where there are so many inputs that the command takes long."""
    costs = [bm.command_cost(command)[0] for _ in range(ROUNDS if inputs == 1 else 1)]
    return bm.Cost(statistics.median(c.wall for c in costs), statistics.median(c.cpu for c in costs))


def rows(lockstep):
    for name, (goal, _) in MODELS.items():
        yield f"lockstep {name}: a further input / ORT", goal, lambda m=name: lockstep.against_ort(m)
        yield f"lockstep {name}: introduced too / without", "introduced", lambda m=name: lockstep.introduced(m)
    for name in ("resnet50", "blaze_front"):
        for inputs in (1, 16):
            yield f"lockstep {name}: {inputs} inputs / Polygraphy, CPU", f"polygraphy-{inputs}", (
                lambda m=name, n=inputs: lockstep.against_polygraphy(m, n))
            yield f"lockstep {name}: {inputs} inputs / Polygraphy, as typed", f"polygraphy-{inputs}", (
                lambda m=name, n=inputs: lockstep.against_polygraphy_as_typed(m, n))
    for name in ("resnet50", "mobilenet", "blaze_front"):
        yield f"lockstep {name}: peak memory, 16 inputs / 1", "lockstep-memory", lambda m=name: lockstep.memory(m)
