"""float16, bfloat16 and the reference against exact arithmetic: each operator's documented steps, rounded once each."""
import importlib
import json
import random
import subprocess
from fractions import Fraction

import numpy as np
import onnx
import pytest
from exact import accumulators, layers
from exact.harness import MODES, applies, differences, expected, is_float, model_of, run
from exact.numbers import FORMATS, Arithmetic, Number, rounded, rounded_fraction
from exact.table import ROWS, SPECIAL, Given, Row, Typed

FAMILIES = ["elementwise", "sums", "products", "quantised", "sampling", "classic", "fused"]
for family in FAMILIES:
    importlib.import_module(f"exact.{family}")
SEEDS = [1, 2]


ROUNDING = {"elementwise", "contraction", "reduction", "composite", "convert"}
NOT_HERE = {
    "assay.Round": "what a storage policy does to an input: every case has it",
    "ai.onnx.ml.CastMap": "its input is a map",
}


@pytest.fixture(scope="module")
def operators(assay_path):
    """The rows of `assay ops` by full name."""
    done = subprocess.run([assay_path, "ops", "--json"], capture_output=True, text=True, check=True)
    rows = json.loads(done.stdout)["result"]
    return {(f"{r['domain']}." if r["domain"] else "") + r["name"]: r for r in rows}


@pytest.fixture(scope="module")
def exempt(operators):
    """Positions of the inputs that no storage policy rounds, by operator."""
    return {name: [i for i, given in enumerate(row["inputs"]) if given["exempt"]] for name, row in operators.items()}


def test_every_operator_that_rounds_has_its_steps(operators):
    wanted = {name for name, row in operators.items() if row["runs"] and row["numeric"] in ROUNDING}
    here = {row.name for row in ROWS.values()} | {f"coreml.{kind}" for kind in layers.LAYERS}
    assert wanted - here == set(NOT_HERE) | set(layers.UNTESTED)


def test_declared_types_are_those_that_the_operators_take(operators):
    """Where an operator's first float input may be float16 or bfloat16, there are cases that declare it so."""
    for name in {row.name for row in ROWS.values() if operators[row.name]["runs"]}:
        floats = [set(i["types"]) for i in operators[name]["inputs"] if "float32" in i["types"]]
        takes = {"float16", "bfloat16"} & (floats[0] if floats else set())
        declared = [row for row in ROWS.values() if row.name == name and row.declared]
        assert takes == {t for t in ("float16", "bfloat16") for row in declared if t == "float16" or row.bfloat16}, name


@pytest.fixture(scope="module")
def results(assay_path, tmp_path_factory):
    """results(mode, seed): by row, its cases and their outputs. All rows of an operator set run as one model."""
    kept = {}

    def of(mode, seed):
        if (mode, seed) not in kept:
            folder = tmp_path_factory.mktemp("exact")
            kept[mode, seed] = run_all(assay_path, MODES[mode], folder, lambda key: cases_of(key, seed))
        return kept[mode, seed]

    return of


def cases_of(key, seed):
    row = ROWS[key]
    generator = np.random.default_rng([seed, *key.encode()])
    return [row.given(generator) for _ in range(row.rounds)]


def run_all(assay_path, mode, folder, cases_of_row, rows=frozenset(ROWS)):
    """By row, its cases and their outputs."""
    found = {}
    for group in sorted({(r.opset, r.kind == "TreeEnsemble") for r in ROWS.values()}):
        keys = [k for k, r in ROWS.items() if (r.opset, r.kind == "TreeEnsemble") == group and applies(r, mode)]
        cases = [(key, given) for key in keys if key in rows for given in cases_of_row(key)]
        if not cases:
            continue
        try:
            outputs = run(assay_path, mode, [(ROWS[k], g) for k, g in cases], folder)
        except RuntimeError:
            outputs = [alone(assay_path, mode, ROWS[k], g, folder) for k, g in cases]
        for (key, given), output in zip(cases, outputs, strict=True):
            found.setdefault(key, []).append((given, output))
    return found


def alone(assay_path, mode, row, given, folder):
    """The outputs of one case, or what was said where it does not run."""
    try:
        return run(assay_path, mode, [(row, given)], folder)[0]
    except RuntimeError as error:
        return str(error)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("key", "mode"), [(k, m) for k in ROWS for m in MODES if applies(ROWS[k], MODES[m])])
def test_documented_steps(results, exempt, key, mode, seed):
    row, lines = ROWS[key], []
    for given, outputs in results(mode, seed)[key]:
        if isinstance(outputs, str):
            lines.append(outputs)
        else:
            lines += differences(MODES[mode], row, given, outputs, exempt.get(row.name, ()))
    assert not lines, "\n".join(lines)


UNSTATED = {  # what infinities and NaN make of a result is not documented, or its order is not
    "DFT": "transforms add what cancels", "STFT": "transforms add what cancels",
    "DynamicQuantizeLinear": "the range of data with NaN", "com.microsoft.DynamicQuantizeLSTM": "the same",
    "ai.onnx.ml.LinearClassifier": "the largest of scores with NaN", "ai.onnx.ml.SVMClassifier": "the same",
    "ai.onnx.ml.LinearClassifier-transforms": "the same",
    "NonMaxSuppression": "boxes and scores with NaN",
}


def poisoned(given, exempt, r):
    """With a few infinities, NaN, zeros of both signs and ends of the range in the inputs that are stored."""
    def spoilt(i, value):
        if isinstance(value, Typed) or not is_float(value) or i in exempt or value.size < 2:
            return value
        return np.where(r.random(value.shape) < min(0.05, 2 / value.size), r.choice(SPECIAL, value.shape), value)
    return Given([spoilt(i, v) for i, v in enumerate(given.inputs)], given.attributes, given.outputs)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("mode", MODES)
def test_special_values(assay_path, tmp_path, exempt, mode, seed):
    def cases(key):
        r = np.random.default_rng([seed, 77, *key.encode()])
        return [poisoned(given, exempt.get(ROWS[key].name, ()), r) for given in cases_of(key, seed)[:2]]
    rows = {key for key in ROWS if key not in UNSTATED and "large" not in key}
    found = run_all(assay_path, MODES[mode], tmp_path, cases, rows)
    lines = [line for key, results in found.items() for given, outputs in results for line in
             differences(MODES[mode], ROWS[key], given, outputs, exempt.get(ROWS[key].name, ()))]
    assert not lines, "\n".join(lines)


@pytest.mark.parametrize("mode", [name for name, mode in MODES.items() if mode.storage != "float32"])
def test_bounds_leave_one_value(exempt, mode):
    """Nearly everywhere: what is compared is a number, not an interval."""
    one = total = 0
    for key, row in ROWS.items():
        if not applies(row, MODES[mode]):
            continue
        for given in cases_of(key, 1):
            for bounds in expected(MODES[mode], row, given, exempt.get(row.name, ())):
                if isinstance(bounds, Number):
                    total += np.size(bounds.lo)
                    one += np.count_nonzero((bounds.lo == bounds.hi) | np.isnan(bounds.lo))
    assert one >= 0.995 * total


# ---- Core ML's own operators

@pytest.fixture(scope="module")
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp("layers") / "program.mlpackage"
    return path, layers.program(path)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("mode", [name for name, mode in MODES.items() if not mode.declared])
def test_documented_steps_of_layers(assay_path, tmp_path, program, mode, seed):
    assert layers.differences(assay_path, MODES[mode], seed, *program, tmp_path) == {}


# ---- Accumulators of devices

@pytest.mark.parametrize("kind", ["Gemm", "Conv"])
@pytest.mark.parametrize("name", accumulators.DEVICES)
def test_accumulators(assay_path, tmp_path, name, kind):
    device, r = accumulators.DEVICES[name], np.random.default_rng([*name.encode(), len(kind)])
    a, b = (r.standard_normal(s) * np.exp2(r.integers(-9, 5, s)) for s in ((3, 37), (37, 5)))
    a, b, bias = (x.astype(np.float32) for x in (a, b, r.standard_normal(5)))
    if kind == "Gemm":
        given = Given([a, b, bias])
    else:  # over one pixel: the same sums
        given = Given([a.reshape(3, 37, 1, 1), np.ascontiguousarray(b.T).reshape(5, 37, 1, 1), bias])
    model, feeds = model_of(MODES["f16-storage"], [(Row(kind, "", None, None, False, 1, 22, False, False), given)])
    onnx.save(model, tmp_path / "model.onnx")
    (tmp_path / "device.toml").write_text(accumulators.profile(name, device))
    np.savez(tmp_path / "in.npz", **feeds)
    words = ["--profile-file", "device.toml", "--profile", name.replace(" ", "-"), "--output", "out.npz"]
    subprocess.run([assay_path, "run", "model.onnx", "--input", "in.npz", *words], cwd=tmp_path, check=True)
    with np.load(tmp_path / "out.npz") as out:
        ours = out["o0_0"].reshape(3, 5)
    assert ours.tolist() == accumulators.products(device, a, b, bias).tolist()


# ---- The exact arithmetic itself

def edges(fmt, r):
    """Numbers around the format's own, its middles, its subnormals and its end."""
    base = [r.uniform(-1, 1) * 2.0**r.randint(fmt.least - 3, fmt.least + 2 * fmt.digits) for _ in range(300)]
    base += [r.uniform(-1, 1) * 2.0**r.randint(-20, 17) for _ in range(300)]
    base += [fmt.largest * s for s in (1, 1 + 2.0**-30, 1 + 2.0**-fmt.digits, 1.5)]
    grid = rounded(np.array(base), fmt)
    grid = grid[np.isfinite(grid)]
    unit = np.ldexp(1.0, np.maximum(np.frexp(grid)[1] - fmt.digits, fmt.least))
    middles = grid + unit / 2
    return np.concatenate([base, grid, middles, np.nextafter(middles, np.inf), np.nextafter(middles, -np.inf)])


@pytest.mark.parametrize("name", FORMATS)
def test_rounding(name):
    fmt = FORMATS[name]
    values = edges(fmt, random.Random(4))
    with np.errstate(over="ignore"):
        ours = rounded(values, fmt)
    assert ours.tolist() == [rounded_fraction(Fraction(v), fmt) for v in values.tolist()]


@pytest.mark.parametrize("step", FORMATS)
def test_steps_are_exact(step):
    """Operands of float32, whatever the step rounds to: sums, products, quotients and fused ones against Fractions."""
    m, r = Arithmetic(step, step, False), random.Random(5)
    pool = [v for v in edges(FORMATS[step], r) if abs(v) < 1e4]
    a, b, c = (np.float32(r.choices(pool, k=4000)).astype(np.float64) for _ in range(3))
    b[b == 0] = 1
    exact = [[Fraction(v) for v in array.tolist()] for array in (a, b, c)]
    wanted = {"add": lambda p, q, s: p + q, "mul": lambda p, q, s: p * q, "div": lambda p, q, s: p / q,
              "fma": lambda p, q, s: p * q + s}
    for name, formula in wanted.items():
        given = [Number(m, x) for x in ((a, b, c) if name == "fma" else (a, b))]
        ours = getattr(m, name)(*given).lo.tolist()
        assert ours == [rounded_fraction(formula(*terms), m.step) for terms in zip(*exact, strict=True)], name
