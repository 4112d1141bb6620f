#!/usr/bin/env python3
"""What `make demo` runs: three audits on real models and data. Prints their verdicts and leaves build/demo/*.json and
build/demo/report.html. Exit 1 when something is not as it should be; flipped decisions are the demo's findings.

usage: demo.py [--assay PATH]
"""
import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build/demo"
ARTICLE = ROOT / "examples/article"

# The article's network under each policy, to the last digit. Names that begin with "article-" are hypotheses, not
# devices: examples/article/policies/NAME.toml.
ARTICLE_ROWS = (
    ("strict-f32", "0.6480752 -0.34015813 1.4329923", "the article's CPU"),
    ("coreml-nn-cpu", "0.6480752 -0.34015813 1.4329923", "NeuralNetwork on the CPU"),
    ("coreml-nn-gpu", "0.6484375 -0.34033203 1.4326172", "NeuralNetwork on the GPU: the article's GPU"),
    ("coreml-nn-ane", "0.6484375 -0.34033203 1.4326172", "NeuralNetwork on the Neural Engine"),
    ("coreml-mlprogram-f32-gpu", "0.6480752 -0.34015813 1.4329923", "ML Program on the GPU: the article's fix"),
    ("f16-storage", "0.6484375 -0.34033203 1.4326172", "float16 storage, float32 sums"),
    ("f16-throughout", "0.6479492 -0.34033203 1.4335938", "float16 sums too, fused multiply-add"),
    ("article-f16-mul-add", "0.6479492 -0.33984375 1.4326172", "float16 sums, multiply and add apart"),
    ("article-output-only", "0.6479492 -0.3400879 1.4326172", "only the output cast to float16"),
    ("article-weights-and-output", "0.6479492 -0.3400879 1.4326172", "weights and output in float16"),
    ("article-weights-only", "0.6480391 -0.34009987 1.4329895", "only the weights in float16"),
    ("article-tf32-nearest-even", "0.6482052 -0.34034812 1.4330435", "TF32 operands, to nearest"),
    ("article-tf32-toward-zero", "0.6476102 -0.33956695 1.4317858", "TF32 operands, truncated"),
    ("bf16-storage", "0.6484375 -0.33984375 1.4375", "bfloat16 storage"),
    ("article-bf16-operands", "0.64859486 -0.3394804 1.4379504", "bfloat16 operands, float32 results"),
)

# name, title, model, decision rule and score, candidates
AUDITS = (
    ("article", "The article: one matrix product", "examples/article/mlp.onnx",
     ["--decision", "threshold:0.5", "--score", "index(output, 0)"],
     ["coreml-nn-cpu", "coreml-nn-gpu", "coreml-mlprogram-f32-gpu"]),
    ("garments", "Is this garment a shirt? 10,000 labelled images", "examples/garments/garments.onnx",
     ["--decision", "threshold:0.5"],
     ["coreml-nn-cpu", "coreml-nn-gpu", "coreml-nn-ane", "coreml-mlprogram-f32-gpu", "coreml-mlprogram-f16-gpu",
      "bf16-storage"]),
    ("blazeface", "Is there a face? BlazeFace on 200 labelled images", "build/inputs/blazeface/front.onnx",
     ["--decision", "threshold:0.75", "--score", "max(sigmoid('Identity:0'), sigmoid('Identity_1:0'))"],
     ["coreml-nn-cpu", "coreml-nn-gpu", "coreml-nn-ane", "coreml-mlprogram-f32-gpu", "coreml-mlprogram-f16-gpu",
      "bf16-storage"]),
)


def policy_file(profile):
    return ["--profile-file", ARTICLE / f"policies/{profile}.toml"] if profile.startswith("article-") else []


class Demo:
    def __init__(self, assay):
        self.assay = assay

    def run(self, *args, allowed=(0,)):
        """Runs assay in the repository's root; its messages go to the terminal as they come."""
        p = subprocess.run([self.assay, *map(str, args)], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        if p.returncode not in allowed:
            sys.exit(f"demo: `assay {' '.join(map(str, args))}` exited with {p.returncode}\n{p.stdout}")
        return p.stdout

    def article(self):
        """Every policy's numbers, and what the round trip test makes of the CPU's and the GPU's."""
        print(f"One network, one input, {len(ARTICLE_ROWS)} ways to run it (the article's example):\n")
        wrong = 0
        for profile, expected, what in ARTICLE_ROWS:
            out = OUT / f"article-{profile}.npz"
            self.run("run", ARTICLE / "mlp.onnx", "--input", ARTICLE / "input.npz", "--output", out,
                     "--profile", profile, *policy_file(profile))
            numbers = " ".join(str(v) for v in np.load(out)["output"].ravel())
            right = numbers == expected
            wrong += not right
            print(f"  {profile:<27}{numbers:<34}{what}{'' if right else f'   EXPECTED {expected}'}")
        for profile in ("strict-f32", "coreml-nn-gpu"):
            print(f"\nassay fingerprint article-{profile}.npz")
            print(self.run("fingerprint", OUT / f"article-{profile}.npz").rstrip())
        return wrong

    def audit(self, name, title, model, rule, candidates):
        data = ARTICLE / "input.npz" if name == "article" else OUT / f"{name}.npz"
        labels = [] if name == "article" else ["--labels", OUT / f"{name}_labels.npy"]
        start = time.perf_counter()
        text = self.run("audit", model, "--data", data, *labels, *rule, "--fail-on", "none", "--json",
                        *(a for c in candidates for a in ("--candidate", c)))
        (OUT / f"{name}.json").write_text(text)
        print(f"\n{title} ({time.perf_counter() - start:.1f} s)\n")
        show(json.loads(text)["result"])


def counts(confusion):
    return "  ".join(f"{k.upper()} {confusion[k]:,}" for k in ("tn", "fp", "fn", "tp")) if confusion else ""


def show(result):
    """The verdicts of one audit, a line per program."""
    print(f"  {'program':<28}{'safe':>7}{'at risk':>9}{'flips':>7}   {'max |diff|':<12}confusion matrix")
    reference = result["reference"]
    print(f"  {reference['program']:<28}{'':>23}   {'':<12}{counts(reference.get('confusion'))}")
    for c in result["candidates"]:
        v = c["verdict"]
        print(f"  {c['program']:<28}{v['safe']:>7}{v['at_risk']:>9}{v['flips']:>7}   "
              f"{c['differences']['max_abs']:<12.3g}{counts(c.get('confusion'))}")
    intervals = {c["storage"]: c["rounding_interval"] for c in result["candidates"] if c["rounding_interval"]}
    for storage, i in intervals.items():
        low, high = "[" if i["low_included"] else "(", "]" if i["high_included"] else ")"
        print(f"    rounding to {storage} makes scores in {low}{i['low']}, {i['high']}{high} {i['becomes']}")
    for c in result["candidates"]:
        for f in c["flips"][:3]:
            print(f"    {c['program']}: sample {f['sample']} (label {f.get('label', 'none')}) "
                  f"{f['reference_score']:.9g} -> {f['candidate_score']:.9g}, {f['reference_decision']} -> "
                  f"{f['candidate_decision']}")
        if len(c["flips"]) > 3:
            print(f"    {c['program']}: and {len(c['flips']) - 3} more in the JSON")


def make_data(name):
    if not (OUT / f"{name}_labels.npy").is_file():
        subprocess.run([sys.executable, ROOT / "examples" / name / "make_data.py", OUT], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assay", default=str(ROOT / "build/release/assay"))
    demo = Demo(parser.parse_args().assay)
    OUT.mkdir(parents=True, exist_ok=True)
    make_data("garments")
    make_data("blazeface")
    wrong = demo.article()
    for audit in AUDITS:
        demo.audit(*audit)
    page = OUT / "report.html"
    demo.run("report", *(OUT / f"{audit[0]}.json" for audit in AUDITS), "--html", page)
    print(f"\nEverything behind these lines: {page.relative_to(ROOT)} and {OUT.relative_to(ROOT)}/*.json")
    if wrong:
        print(f"demo: {wrong} of the article's rows came out otherwise", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
