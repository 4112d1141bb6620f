#!/usr/bin/env python3
"""What `make article` runs: the article's whole argument, on its own network and on the garments classifier. Each part
is a command of assay on real files, printed as anyone can run it, and its output. Leaves build/article/: the Core ML
models, every result as JSON, argument.md (what was printed) and report.html. Exit 1 when a claim does not hold.

usage: article.py [--assay PATH] [--only mlp|garments]
"""
import argparse
import json
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build/article"
STORY = ROOT / "examples/article"

# What the article published for its network (design of the experiment: docs/article.md).
CPU, GPU = "0.6480752 -0.34015813 1.4329923", "0.6484375 -0.34033203 1.4326172"
HALF = "[0.4998779296875, 0.5)"  # the scores that float16 carries over a threshold of 0.5

FORMATS = (("NeuralNetwork", "mlmodel", "coreml-nn"), ("ML Program", "mlpackage", "coreml-mlprogram-f32"))
UNITS = (("CPU", "cpu"), ("GPU", "gpu"), ("Neural Engine", "ane"))


@dataclass
class Subject:
    """A model with the data to judge it on, as the commands name them: paths from the repository's root."""

    name: str
    title: str
    model: str
    data: str
    labels: str
    decision: tuple[str, ...]

    def file(self, ending):
        return f"build/article/{self.name}.{ending}"

    def judged(self):
        return ["--data", self.data, *(["--labels", self.labels] if self.labels else []), *self.decision]


SUBJECTS = (
    Subject("mlp", "The article's network: one matrix product", "examples/article/mlp.onnx",
            "examples/article/input.npz", "", ("--decision", "threshold:0.5", "--score", "index(output, 0)")),
    Subject("garments", "Is this garment a shirt? 10,000 labelled images", "examples/garments/garments.onnx",
            "build/demo/garments.npz", "build/demo/garments_labels.npy", ("--decision", "threshold:0.5")),
)


class Argument:
    """Runs commands, prints them with what they say, and collects both; claims are checked as they are made."""

    def __init__(self, assay):
        self._assay = assay
        self._page: list[str] = []
        self._broken: list[str] = []

    def say(self, text=""):
        print(text)
        self._page.append(text)

    def run(self, *args, allowed=(0,), show=True):
        """The output of `assay ARGS`."""
        words = [str(word) for word in args]
        done = subprocess.run([self._assay, *words], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode not in allowed:
            sys.exit(f"article: `assay {shlex.join(words)}` exited with {done.returncode}\n{done.stdout}{done.stderr}")
        if show:
            self.say(f"```\n$ assay {shlex.join(words)}\n{done.stdout.rstrip()}\n```\n")
        return done.stdout

    def result(self, name, *args, allowed=(0,)):
        """The result of a command with --json, kept as build/article/NAME.json."""
        text = self.run(*args, "--json", allowed=allowed, show=False)
        (OUT / f"{name}.json").write_text(text, encoding="utf-8")
        return json.loads(text)["result"]

    def claim(self, holds, what):
        self.say(f"- {'holds' if holds else 'DOES NOT HOLD'}: {what}")
        if not holds:
            self._broken.append(what)

    def end(self):
        (OUT / "argument.md").write_text("\n".join(self._page) + "\n", encoding="utf-8")
        return self._broken


def ways(subject):
    """(format, unit, program): the two files that the converter writes, on the three units that may run them."""
    for form, ending, family in FORMATS:
        for unit, short in UNITS:
            yield form, unit, f"{subject.file(ending)}@{family}-{short}"


def convert(argument, subject):
    argument.say("### The two files\n\nThe same network in both formats of Core ML, as a converter writes them.\n")
    for _, ending, _ in FORMATS:
        argument.run("convert", subject.model, "-o", subject.file(ending))
    argument.say("What each of them states of the first value that it computes:\n")
    for _, ending, _ in FORMATS:
        argument.run("inspect", subject.file(ending))


def outputs_of(argument, subject, program, name):
    """A program's outputs on the data, as build/article/NAME.npz."""
    file, profile = program.split("@")
    out = f"build/article/{name}.npz"
    argument.run("run", file, "--input", subject.data, "--profile", profile, "--output", out, show=False)
    return out


def round_trip(argument, subject):
    argument.say("### The round trip\n\nCast every output to float16 and back: what does not change was float16 all "
                 "along.\n")
    table = ["| format | unit | outputs lie on | first outputs |", "|---|---|---|---|"]
    lies_on, values = {}, {}
    for form, unit, program in ways(subject):
        name = f"{subject.name}-{program.split('@')[1]}"
        out = outputs_of(argument, subject, program, name)
        found = argument.result(name, "fingerprint", out)["arrays"][0]
        numbers = next(iter(np.load(ROOT / out).values())).ravel()
        survives = bool((numbers.astype(np.float16).astype(np.float32) == numbers).all())
        lies_on[form, unit], values[form, unit] = survives, " ".join(str(v) for v in numbers[:3])
        table.append(f"| {form} | {unit} | {found['format'] or 'not told'}, {found['evidence_bits']} bits of evidence "
                     f"| {values[form, unit]} |")
    argument.say("\n".join(table) + "\n")
    for (form, unit), survives in lies_on.items():
        narrow = form == "NeuralNetwork" and unit != "CPU"
        argument.claim(survives == narrow,
                       f"{form} on the {unit}: outputs {'survive' if narrow else 'do not survive'} the round trip")
    return values


def matrix(argument, subject):
    argument.say("\n### Six ways to run it\n\nEach file on each unit, against float32 on the ONNX model.\n")
    result = argument.result(f"{subject.name}-audit", "audit", subject.model, *subject.judged(), "--fail-on", "none",
                             *(word for _, _, program in ways(subject) for word in ("--candidate", program)))
    table = ["| format | unit | safe | at risk | flips | largest difference |", "|---|---|---|---|---|---|"]
    for (form, unit, _), c in zip(ways(subject), result["candidates"], strict=True):
        v = c["verdict"]
        table.append(f"| {form} | {unit} | {v['safe']:,} | {v['at_risk']:,} | {v['flips']:,} | "
                     f"{c['differences']['max_abs']:.3g} |")
    argument.say("\n".join(table) + "\n")
    return result


def interval(argument, result):
    argument.say("### Near the threshold\n\nScores from the midpoint below the threshold up to it round to it.\n")
    network_on_gpu = result["candidates"][1]["rounding_interval"]
    shown = f"[{network_on_gpu['low']}, {network_on_gpu['high']})"
    argument.claim(shown == HALF and network_on_gpu["becomes"] == "positive",
                   f"on the GPU a NeuralNetwork makes scores in {shown} {network_on_gpu['becomes']}")
    typed_on_gpu = result["candidates"][4]["rounding_interval"]
    argument.claim(typed_on_gpu is None, "an ML Program in float32 has no such interval")


def confusions(argument, result):
    if not result["labels"]:
        return
    argument.say("\n### Confusion matrices\n")
    table = ["| program | TN | FP | FN | TP |", "|---|---|---|---|---|"]
    for program in (result["reference"], *result["candidates"]):
        cells = (f"{program['confusion'][key]:,}" for key in ("tn", "fp", "fn", "tp"))
        table.append(f"| {program['program']} | {' | '.join(cells)} |")
    argument.say("\n".join(table))


def difference(argument, subject):
    argument.say("\n### What differs between the two files\n")
    argument.run("inspect", subject.file("mlmodel"), "--diff", subject.file("mlpackage"), allowed=(0, 1))


def fix(argument, subject):
    argument.say("### The fix, and the check of the fix\n\nOne option: the typed format. The check runs the files that "
                 "were written, not the intention: no output may differ by more than 2 ULPs of float32.\n")
    for form, ending, family in FORMATS:
        program = f"{subject.file(ending)}@{family}-gpu"
        name = f"{subject.name}-{ending}-check"
        pair = argument.result(name, "compare", subject.model, "--input", subject.data, "--program", "strict-f32",
                               "--program", program, "--max-ulp", "2", allowed=(0, 1))["pairs"][0]
        fixed = form == "ML Program"
        argument.claim(pair["within_limits"] == fixed,
                       f"{form} on the GPU is {'within' if fixed else 'beyond'} 2 ULPs: {pair['max_ulp']:,} at most")
    argument.say("\nA contract keeps it so: `assay check` runs it again, and fails when a decision changes.\n")
    lock = f"build/article/{subject.name}.lock"
    typed = f"{subject.file('mlpackage')}@coreml-mlprogram-f32-gpu"
    argument.run("audit", subject.model, *subject.judged(), "--variants", "primary", "--candidate", typed, "--lock",
                 lock, show=False)
    argument.run("check", lock)


def gate(argument, subject):
    """A threshold between what the CPU and the GPU print: there the one network decides no, and the other yes."""
    argument.say("### A decision that flips\n")
    rule = ["--decision", "threshold:0.6482", "--score", "index(output, 0)"]
    for form, ending, family in FORMATS:
        audit = argument.result(f"{subject.name}-{ending}-gate", "audit", subject.model, "--data", subject.data, *rule,
                                "--candidate", f"{subject.file(ending)}@{family}-gpu", "--variants", "primary",
                                allowed=(0, 1))
        flips = audit["candidates"][0]["verdict"]["flips"]
        expected = 1 if form == "NeuralNetwork" else 0
        argument.claim(flips == expected, f"with a threshold of 0.6482 {form} on the GPU flips {flips} of 1 decisions")
    argument.say("")


def black_box(argument, subject):
    """The numbers that the article printed, as if they had come from a device that says nothing of itself."""
    argument.say("### From the published numbers alone\n\nWhich policies give the numbers that the Mac's GPU gave, bit "
                 "for bit?\n")
    np.savez(OUT / "published.npz", output=np.array([GPU.split()], np.float32))
    argument.run("fingerprint", "build/article/published.npz", "--model", subject.model, "--input", subject.data)


def blame(argument, subject):
    argument.say("### Which operation, for which decision\n\nFloat16 changes no decision of this classifier; bfloat16 "
                 "does. What is to blame, how near are the others, and what is the smallest change?\n")
    argument.run("audit", subject.model, *subject.judged(), "--candidate", "bf16-storage", "--trace", "--blame",
                 "--html", f"build/article/{subject.name}-blame.html", "--fail-on", "none")
    argument.run("repair", subject.model, *subject.judged(), "--candidate", "bf16-storage", "-o",
                 f"build/article/{subject.name}-fixed.onnx")


def story(argument, values):
    argument.say("### The published numbers\n")
    published = (("NeuralNetwork", "CPU", CPU), ("NeuralNetwork", "GPU", GPU), ("ML Program", "GPU", CPU))
    for form, unit, expected in published:
        argument.claim(values[form, unit] == expected, f"{form} on the {unit} gives {expected}, as the article printed")
    argument.say("")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assay", default=str(ROOT / "build/release/assay"))
    parser.add_argument("--only", choices=[subject.name for subject in SUBJECTS], help="one of the two models")
    words = parser.parse_args()
    assay = shutil.which(words.assay)
    if assay is None:
        sys.exit(f"article: {words.assay} is no program; `make build` makes it, or name another with --assay")
    argument = Argument(Path(assay).resolve())
    subjects = [subject for subject in SUBJECTS if words.only in (None, subject.name)]
    OUT.mkdir(parents=True, exist_ok=True)
    if words.only != "mlp" and not (ROOT / "build/demo/garments_labels.npy").is_file():
        subprocess.run([sys.executable, ROOT / "examples/garments/make_data.py", ROOT / "build/demo"], check=True)
    argument.say("# One model, two formats, three units\n\nThe outputs of Apple's units are emulated, by profiles that "
                 "state where each of their lines is known from (`assay profiles show coreml-nn-gpu`).\n")
    for subject in subjects:
        argument.say(f"## {subject.title}\n")
        convert(argument, subject)
        values = round_trip(argument, subject)
        if subject.name == "mlp":
            story(argument, values)
            black_box(argument, subject)
        result = matrix(argument, subject)
        interval(argument, result)
        confusions(argument, result)
        difference(argument, subject)
        if subject.name == "mlp":
            gate(argument, subject)
        else:
            blame(argument, subject)
        fix(argument, subject)
    page = "build/article/report.html"
    argument.run("report", *(f"build/article/{subject.name}-audit.json" for subject in subjects), "--html", page)
    argument.say("Everything behind these lines: build/article/report.html, argument.md and *.json.")
    broken = argument.end()
    for what in broken:
        print(f"article: does not hold: {what}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
