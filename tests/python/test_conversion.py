"""Converter or hardware: what is said of two files of one model where samples, types or constants make it hard."""
import numpy as np
import onnx
import pytest
from onnx import TensorProto
from onnx import helper as h

FLOAT = TensorProto.FLOAT
RNG = np.random.default_rng(3)
W, S, B, V = (RNG.normal(size=size).astype(np.float32) for size in ((16, 16), 16, 16, (16, 4)))


def compared(assay, model, candidate, data):
    done = assay("compare", model, "--input", data, "--program", "strict-f32", "--program", candidate, "--json", code=0)
    return done.result["pairs"][0]["conversion"]


@pytest.fixture
def data(save_npz):
    return save_npz("x.npz", x=np.random.default_rng(1).normal(size=(40, 16)).astype(np.float32))


def normalised(last, output, weights=None, epsilon=1e-5):
    nodes = [h.make_node("MatMul", ["x", "w"], ["h"]),
             h.make_node("LayerNormalization", ["h", "s", "b"], ["n"], epsilon=epsilon),
             h.make_node("MatMul", ["n", "v"], ["l"]), *last]
    return nodes, {"x": (FLOAT, ["N", 16])}, {"y": output}, {"w": W if weights is None else weights, "s": S, "b": B,
                                                             "v": V, "zero": np.float32(0)}


@pytest.mark.parametrize("last, output", [
    ([h.make_node("ArgMax", ["l"], ["y"], axis=1, keepdims=0)], (TensorProto.INT64, ["N"])),
    ([h.make_node("Greater", ["l", "zero"], ["y"])], (TensorProto.BOOL, ["N", 4])),
])
def test_outputs_that_are_no_floats_are_compared(assay, save_model, data, last, output):
    model = save_model("a.onnx", *normalised(last, output))
    other = save_model("b.onnx", *normalised(last, output, weights=-2 * W, epsilon=0.5))
    found = compared(assay, model, f"{other}@strict-f32", data)
    assert found["outcome"] == "changed" and found["first"]["reference"] == "h"


def test_an_output_that_is_an_input_is_compared(assay, save_model, data):
    files = []
    for name, last in (("a", []), ("b", [h.make_node("Mul", ["x", "two"], ["z"])])):
        second = "z" if last else "x"
        files.append(save_model(f"{name}.onnx", [h.make_node("MatMul", ["x", "v"], ["y"]), *last],
                                {"x": (FLOAT, ["N", 16])}, {"y": (FLOAT, ["N", 4]), second: (FLOAT, ["N", 16])},
                                {"v": V, "two": np.float32(2)}))
    found = compared(assay, files[0], f"{files[1]}@strict-f32", data)
    assert (found["outcome"], found["first"]["reference"], found["first"]["type"]) == ("changed", "x", "")
    assert "part at 'x' ('z' in the candidate): " in found["says"]


def clipped(clip):
    last = [h.make_node("Clip", ["l", "", "most"], ["y"])] if clip else [h.make_node("Identity", ["l"], ["y"])]
    nodes, inputs, outputs, weights = normalised(last, (FLOAT, ["N", 4]))
    return nodes, inputs, outputs, {**weights, "most": np.float32(6)}


def test_where_the_first_samples_tell_nothing_the_worst_one_does(assay, save_model, save_npz):
    model, other = (save_model(f"{clip}.onnx", *clipped(clip)) for clip in (True, False))
    x = np.random.default_rng(1).normal(size=(40, 16)).astype(np.float32)
    x[:2] = np.nan
    found = compared(assay, model, f"{other}@strict-f32", save_npz("some.npz", x=x))
    assert found["outcome"] == "changed" and found["samples"] == 3 and found["first"]["sample"] > 1
    found = compared(assay, model, f"{other}@strict-f32", save_npz("all.npz", x=np.full_like(x, np.nan)))
    assert found["outcome"] == "unknown" and "hold no numbers" in found["says"]
    audit = assay("audit", model, "--data", save_npz("two.npz", x=x[:2]), "--decision", "argmax", "--candidate",
                  f"{other}@strict-f32", "--fail-on", "none", "--json", code=0)
    assert audit.result["candidates"][0]["conversion"]["outcome"] == "unknown"


@pytest.mark.parametrize("epsilon, outcome", [(1e-5, "narrowed"), (1e-3, "changed"), (2e-2, "changed")])
def test_an_epsilon_is_found_behind_constants_of_float16(assay, save_model, data, tmp_path, epsilon, outcome):
    last = [h.make_node("Identity", ["l"], ["y"])]
    model = save_model("a.onnx", *normalised(last, (FLOAT, ["N", 4])))
    other = save_model("b.onnx", *normalised(last, (FLOAT, ["N", 4]), epsilon=epsilon))
    package = tmp_path / "b.mlpackage"
    assay("convert", other, "-o", package, "--precision", "float16", code=0)
    found = compared(assay, model, f"{package}@coreml-mlprogram-f16-gpu", data)
    assert found["outcome"] == outcome, found
    if outcome == "changed":
        assert found["first"]["reference"] == "n"
    else:
        assert onnx.load(model).graph.node[1].op_type == "LayerNormalization"


def padded(pads):
    nodes = [h.make_node("Conv", ["x", "k"], ["c"], pads=pads), h.make_node("Relu", ["c"], ["r"]),
             h.make_node("GlobalAveragePool", ["r"], ["g"]), h.make_node("Flatten", ["g"], ["y"])]
    kernel = np.random.default_rng(4).normal(size=(4, 1, 3, 3)).astype(np.float32)
    return nodes, {"x": (FLOAT, ["N", 1, 8, 8])}, {"y": (FLOAT, ["N", 4])}, {"k": kernel}


def test_a_dropped_padding_is_found_where_it_is_dropped(assay, save_model, save_npz):
    model, other = (save_model(f"{p}.onnx", *padded([p] * 4)) for p in (1, 0))
    x = np.random.default_rng(5).normal(size=(6, 1, 8, 8)).astype(np.float32)
    found = compared(assay, model, f"{other}@strict-f32", save_npz("x.npz", x=x))
    assert (found["outcome"], found["first"]["reference"], found["first"]["type"]) == ("changed", "c", "Conv")
    assert found["says"].endswith("part at 'c' (Conv): of another size, or infinitely far apart, in sample 0")


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("type_", ["float16", "bfloat16"])
@pytest.mark.parametrize("epsilon, outcome", [(1e-5, "narrowed"), (1e-2, "changed")])
def test_constants_rounded_and_stored_wide_are_narrow(assay, save_model, data, type_, swap, epsilon, outcome):
    def rounded(weights):
        if type_ == "float16":
            return weights.astype(np.float16).astype(np.float32)
        as_bits = weights.view(np.uint32) + 0x7fff + (weights.view(np.uint32) >> 16 & 1)
        return (as_bits & 0xffff0000).astype(np.uint32).view(np.float32)

    def made(name, change, number):
        nodes, inputs, outputs, weights = normalised([h.make_node("Identity", ["l"], ["y"])], (FLOAT, ["N", 4]),
                                                     epsilon=number)
        return save_model(name, nodes, inputs, outputs, {
            key: change(value) if key in "wsbv" else value for key, value in weights.items()})

    files = [made("a.onnx", lambda value: value, 1e-5), made("b.onnx", rounded, epsilon)]
    if swap:
        files.reverse()
    found = compared(assay, files[0], f"{files[1]}@strict-f32", data)
    assert found["outcome"] == outcome, found
    assert found["first"]["reference"] == ("h" if outcome == "narrowed" else "n")


@pytest.mark.parametrize("bound", [254.999, 5.9999])
def test_a_bound_on_the_lattice_is_no_narrow_constant(assay, save_model, save_npz, bound):
    data = save_npz("x.npz", x=np.random.default_rng(1).normal(size=(2, 16)).astype(np.float32) * 500)
    files = [save_model(f"{most}.onnx", [h.make_node("Clip", ["x", "", "most"], ["y"])], {"x": (FLOAT, ["N", 16])},
                        {"y": (FLOAT, ["N", 16])}, {"most": np.float32(most)}) for most in (bound, round(bound))]
    assert compared(assay, files[0], f"{files[1]}@strict-f32", data)["outcome"] == "changed"


def masked(epsilon, last):
    nodes, inputs, outputs, weights = normalised(last, (FLOAT, ["N", 4]), epsilon=epsilon)
    return nodes, inputs, outputs, {**weights, "mask": np.array([False, True, False, True]), "fill": np.float32(-1e30)}


@pytest.mark.parametrize("last", [h.make_node("Where", ["mask", "fill", "l"], ["y"]),
                                  h.make_node("Identity", ["l"], ["y"])])
def test_what_a_mask_fills_in_hides_no_change(assay, save_model, data, last):
    model, other = (save_model(f"{epsilon}.onnx", *masked(epsilon, [last])) for epsilon in (1e-5, 0.3))
    found = compared(assay, model, f"{other}@strict-f32", data)
    assert (found["outcome"], found["first"]["reference"]) == ("changed", "n")
    same = save_model("same.onnx", *masked(1e-5, [last]))
    again = onnx.load(same)
    again.graph.node[1].attribute.append(h.make_attribute("axis", -1))
    onnx.save(again, same)
    found = compared(assay, model, f"{same}@strict-f32", data)
    assert (found["outcome"], found["first"]) == ("same", None)


@pytest.mark.parametrize("many", [1, 3])
@pytest.mark.parametrize("epsilon, outcome", [(1e-5, "same"), (0.02, "changed"), (0.3, "changed")])
@pytest.mark.parametrize("size", [-1e4, -1e9, -1e10, -1e11, -1e30, np.finfo(np.float32).min])
def test_what_a_mask_adds_itself_to_hides_no_change(assay, save_model, data, size, epsilon, outcome, many):
    files = []
    for number in (1e-5, epsilon):
        nodes, inputs, outputs, weights = normalised([h.make_node("Add", ["l", "mask"], ["y"])], (FLOAT, ["N", 4]),
                                                     epsilon=number)
        mask = np.array([size] * many + [0] * (4 - many), np.float32)
        files.append(save_model(f"{len(files)}.onnx", nodes, inputs, outputs, {**weights, "mask": mask}))
    if outcome == "same":
        again = onnx.load(files[1])
        again.graph.node[1].attribute.append(h.make_attribute("axis", -1))
        onnx.save(again, files[1])
    found = compared(assay, files[0], f"{files[1]}@strict-f32", data)
    assert found["outcome"] == outcome and (found["first"] is None) == (outcome == "same"), found


@pytest.mark.parametrize("slope, outcome", [(0.1, "narrowed"), (0.12, "changed")])
def test_a_mask_hides_no_change_behind_merged_constants(assay, save_model, data, slope, outcome):
    factor, files = np.float32(0.7312), []
    for merged, alpha in ((False, 0.1), (True, slope)):
        first = [h.make_node("MatMul", ["x", "w"], ["t"])] if merged else [
            h.make_node("MatMul", ["x", "w"], ["s"]), h.make_node("Mul", ["s", "f"], ["t"])]
        nodes = [*first, h.make_node("LeakyRelu", ["t"], ["r"], alpha=alpha), h.make_node("MatMul", ["r", "v"], ["l"]),
                 h.make_node("Add", ["l", "mask"], ["y"])]
        weights = {"w": W * factor if merged else W, "f": factor, "v": V,
                   "mask": np.array([0, -1e6, 0, -1e6], np.float32)}
        files.append(save_model(f"{merged}.onnx", nodes, {"x": (FLOAT, ["N", 16])}, {"y": (FLOAT, ["N", 4])}, weights))
    assert compared(assay, files[0], f"{files[1]}@strict-f32", data)["outcome"] == outcome


def test_where_outputs_are_the_same_what_parts_on_the_way_is_named(assay, save_model, data, tmp_path):
    last = [h.make_node("ArgMax", ["l"], ["y"], axis=1, keepdims=0)]
    model, other = (save_model(f"{e}.onnx", *normalised(last, (TensorProto.INT64, ["N"]), epsilon=e))
                    for e in (1e-5, 2e-5))
    found = compared(assay, model, f"{other}@strict-f32", data)
    assert (found["outcome"], found["first"]["reference"]) == ("same", "n")
    assert "give the same outputs in float64 (2 samples), within 2^-30 of the largest value; on the way there they " \
           "part at 'n': " in found["says"] and "hardware" not in found["says"]
    files = []
    x = np.load(data)["x"]
    for first, part in ((0, x[:1]), (1, x[1:2]), (0, x[:2])):
        np.savez(tmp_path / "part.npz", x=part)
        done = assay("audit", model, "--data", tmp_path / "part.npz", "--decision", "threshold:0.5", "--candidate",
                     f"{other}@strict-f32", "--first-sample", first, "--fail-on", "none", "--json", code=0)
        files.append(tmp_path / f"{len(files)}.json")
        files[-1].write_text(done.out)
    merged = assay("merge", files[1], files[0], "--fail-on", "none", "--json", code=0).result
    assert merged["candidates"][0]["conversion"] == done.result["candidates"][0]["conversion"]


def folding(fold, epsilon=1e-5, half=False):
    """A Conv and a BatchNormalization behind it, as they are or merged to a Conv."""
    rng = np.random.default_rng(0)
    k, s, b = rng.normal(size=(8, 4, 3, 3)), rng.uniform(0.5, 2, 8), rng.normal(size=8)
    m, v, last = rng.normal(size=8), rng.uniform(0.5, 1.5, 8), rng.normal(size=(8, 5))
    scale = s / np.sqrt(v + epsilon)
    merged = {"k": k * scale[:, None, None, None], "b": b - m * scale}
    weights = merged if fold else {"k": k, "s": s, "b": b, "m": m, "v": v}
    kind = TensorProto.FLOAT16 if half else FLOAT
    nodes = [h.make_node("Cast", ["x"], ["z"], to=kind)]
    if fold:
        nodes += [h.make_node("Conv", ["z", "k", "b"], ["n"], pads=[1] * 4)]
    else:
        nodes += [h.make_node("Conv", ["z", "k"], ["c"], pads=[1] * 4),
                  h.make_node("BatchNormalization", ["c", "s", "b", "m", "v"], ["n"], epsilon=epsilon)]
    nodes += [h.make_node("Relu", ["n"], ["r"]), h.make_node("GlobalAveragePool", ["r"], ["g"]),
              h.make_node("Flatten", ["g"], ["f"]), h.make_node("MatMul", ["f", "last"], ["l"]),
              h.make_node("Cast", ["l"], ["y"], to=FLOAT)]
    element = np.float16 if half else np.float32
    return nodes, {"x": (FLOAT, ["N", 4, 6, 6])}, {"y": (FLOAT, ["N", 5])}, {
        name: value.astype(element) for name, value in {**weights, "last": last}.items()}


@pytest.mark.parametrize("half, epsilon, outcome", [
    (False, 1e-5, "narrowed"), (False, 1e-4, "changed"), (True, 1e-5, "narrowed"), (True, 1e-2, "changed")])
def test_merged_constants_are_rounded_and_no_other_mathematics(assay, save_model, save_npz, half, epsilon, outcome):
    data = save_npz("x.npz", x=np.random.default_rng(5).normal(size=(6, 4, 6, 6)).astype(np.float32))
    for of_both in (False, True) if half else (False,):
        model = save_model("a.onnx", *folding(False, half=of_both))
        other = save_model("b.onnx", *folding(True, epsilon, half))
        found = compared(assay, model, f"{other}@strict-f32", data)
        assert (found["outcome"], found["first"]["reference"]) == (outcome, "n"), found
        if outcome == "narrowed":
            assert "by no more than the rounding of constants may explain, first in 'n': " in found["says"]


@pytest.mark.parametrize("factor, outcome", [(1 / 255, "narrowed"), (1 / 254.999, "changed")])
def test_a_product_instead_of_a_division_rounds_its_constant(assay, save_model, data, factor, outcome):
    ports = {"x": (FLOAT, ["N", 16])}, {"y": (FLOAT, ["N", 4])}
    last = h.make_node("MatMul", ["s", "v"], ["y"])
    model = save_model("a.onnx", [h.make_node("Div", ["x", "c"], ["s"]), last], *ports, {"v": V, "c": np.float32(255)})
    other = save_model("b.onnx", [h.make_node("Mul", ["x", "c"], ["s"]), last], *ports,
                       {"v": V, "c": np.float32(factor)})
    assert compared(assay, model, f"{other}@strict-f32", data)["outcome"] == outcome


@pytest.mark.parametrize("bound, outcome", [(6, "same"), (6.000001, "narrowed"), (6.0001, "changed")])
def test_another_bound_is_no_rounding(assay, save_model, data, bound, outcome):
    last = [h.make_node("Clip", ["l", "", "most"], ["y"])]
    nodes, inputs, outputs, weights = normalised(last, (FLOAT, ["N", 4]))
    weights["v"] = 20 * V
    model = save_model("a.onnx", nodes, inputs, outputs, {**weights, "most": np.float32(6)})
    other = save_model("b.onnx", nodes, inputs, outputs, {**weights, "most": np.float32(bound), "unread": S})
    assert compared(assay, model, f"{other}@strict-f32", data)["outcome"] == outcome


def labelled(fold, slope, labels=True, values=False, half=False, seed=0, side=24):
    """Conv, BatchNormalization and LeakyRelu to a map of labels, the values it is made of, or both."""
    rng = np.random.default_rng(seed)
    k, s, b = rng.normal(size=(8, 3, 3, 3)), rng.uniform(0.5, 2, 8), rng.normal(size=8)
    m, v, last = rng.normal(size=8), rng.uniform(0.5, 1.5, 8), rng.normal(size=(6, 8, 1, 1))
    scale = s / np.sqrt(v + 1e-5)
    merged = {"k": k * scale[:, None, None, None], "b": b - m * scale}
    weights = {**(merged if fold else {"k": k, "s": s, "b": b, "m": m, "v": v}), "last": last}
    kind, element = (TensorProto.FLOAT16, np.float16) if half else (FLOAT, np.float32)
    nodes = [h.make_node("Cast", ["x"], ["z"], to=kind)]
    nodes += [h.make_node("Conv", ["z", "k", "b"], ["n"], pads=[1] * 4)] if fold else [
        h.make_node("Conv", ["z", "k"], ["c"], pads=[1] * 4),
        h.make_node("BatchNormalization", ["c", "s", "b", "m", "v"], ["n"])]
    nodes += [h.make_node("LeakyRelu", ["n"], ["r"], alpha=slope), h.make_node("Conv", ["r", "last"], ["l"]),
              h.make_node("Cast", ["l"], ["y"], to=FLOAT), h.make_node("ArgMax", ["l"], ["labels"], axis=1, keepdims=0)]
    outputs = {**({"labels": (TensorProto.INT64, ["N", side, side])} if labels else {}),
               **({"y": (FLOAT, ["N", 6, side, side])} if values else {})}
    return nodes, {"x": (FLOAT, ["N", 3, side, side])}, outputs, {n: w.astype(element) for n, w in weights.items()}


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("values", [False, True])
@pytest.mark.parametrize("slope, outcome", [(0.1, "narrowed"), (0.12, "changed"), (0.5, "changed")])
def test_labels_that_jump_explain_no_other_mathematics(assay, save_model, save_npz, half, values, slope, outcome):
    side = 96
    data = save_npz("x.npz", x=np.random.default_rng(5).normal(size=(2, 3, side, side)).astype(np.float32))
    model = save_model("a.onnx", *labelled(False, 0.1, values=values, side=side))
    other = save_model("b.onnx", *labelled(True, slope, values=values, half=half, side=side))
    found = compared(assay, model, f"{other}@strict-f32", data)
    no_label_differs = outcome == "narrowed" and not values and not half
    assert found["outcome"] == ("same" if no_label_differs else outcome), found


def test_a_label_or_two_of_many_tip_over_by_chance(assay, save_model, save_npz):
    data = save_npz("x.npz", x=np.random.default_rng(123).normal(size=(2, 3, 64, 64)).astype(np.float32))
    model = save_model("a.onnx", *labelled(False, 0.1, values=True, seed=23, side=64))
    other = save_model("b.onnx", *labelled(True, 0.1, values=True, half=True, seed=23, side=64))
    assert compared(assay, model, f"{other}@strict-f32", data)["outcome"] == "narrowed"


def test_a_label_on_the_edge_explains_no_other_mathematics(assay, save_model, save_npz):
    def files(name, factor, slope):
        first = [h.make_node("MatMul", ["x", "w"], ["t"])] if name == "b" else [
            h.make_node("MatMul", ["x", "w"], ["s"]), h.make_node("Mul", ["s", "f"], ["t"])]
        nodes = [*first, h.make_node("LeakyRelu", ["t"], ["r"], alpha=slope), h.make_node("MatMul", ["r", "v"], ["l"]),
                 h.make_node("ArgMax", ["l"], ["y"], axis=1, keepdims=0)]
        return save_model(f"{name}.onnx", nodes, {"x": (FLOAT, ["N", 16])}, {"y": (TensorProto.INT64, ["N"])},
                          {"w": W * factor if name == "b" else W, "v": V, "f": factor})

    def label(x):
        t = x.astype(np.float64) @ W.astype(np.float64) * factor
        return np.argmax(np.where(t > 0, t, 0.1 * t) @ V.astype(np.float64))

    factor = np.float32(0.7312)
    some = np.random.default_rng(8).normal(size=(20, 16)).astype(np.float32)
    ends = [some[0], next(x for x in some if label(x) != label(some[0]))]
    for _ in range(60):
        middle = (ends[0] + ends[1]) / 2
        ends[0 if label(middle) == label(ends[0]) else 1] = middle
    model = files("a", factor, 0.1)
    for slope, outcomes in ((0.1, ["same", "same"]), (0.5, ["changed", "same"])):
        other = files("b", factor, slope)
        found = [compared(assay, model, f"{other}@strict-f32", save_npz("x.npz", x=x[None])) for x in ends]
        assert sorted(one["outcome"] for one in found) == outcomes


@pytest.mark.parametrize("slope, outcome", [(0.1, "narrowed"), (0.9, "changed")])
def test_an_output_that_cancels_explains_no_other(assay, save_model, data, slope, outcome):
    rng = np.random.default_rng(6)
    near, factor = (W + 1e-4 * rng.normal(size=W.shape)).astype(np.float32), np.float32(0.7312)
    files = []
    for name, kind, element, alpha in (("a", FLOAT, np.float32, 0.1), ("b", TensorProto.FLOAT16, np.float16, slope)):
        first = [h.make_node("MatMul", ["z", "w"], ["t"])] if name == "b" else [
            h.make_node("MatMul", ["z", "w"], ["s"]), h.make_node("Mul", ["s", "f"], ["t"])]
        nodes = [h.make_node("Cast", ["x"], ["z"], to=kind), *first,
                 h.make_node("LeakyRelu", ["t"], ["r"], alpha=alpha), h.make_node("MatMul", ["r", "v"], ["l"]),
                 h.make_node("MatMul", ["z", "near"], ["u"]), h.make_node("Mul", ["u", "f"], ["m"]),
                 h.make_node("Sub", ["t", "m"], ["d"]), h.make_node("Cast", ["l"], ["y"], to=FLOAT),
                 h.make_node("Cast", ["d"], ["rest"], to=FLOAT)]
        weights = {"w": W * factor if name == "b" else W, "v": V, "f": factor, "near": near}
        files.append(save_model(f"{name}.onnx", nodes, {"x": (FLOAT, ["N", 16])},
                                {"y": (FLOAT, ["N", 4]), "rest": (FLOAT, ["N", 16])},
                                {key: value.astype(element) for key, value in weights.items()}))
    assert compared(assay, files[0], f"{files[1]}@strict-f32", data)["outcome"] == outcome
