"""Where Assay and ONNX Runtime differ on purpose: the table behind docs/divergences.md.

Each row says which elements of which results are excused, and has a witness: a case in which the two do differ there. A
row whose witness agrees must leave the table.
"""
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from differential.harness import Case
from onnx import TensorProto, numpy_helper


@dataclass(frozen=True)
class Divergence:
    operators: str
    condition: str
    cause: str
    excused: Callable | None  # (case, k, ours, theirs) -> mask of elements of output k; None: random cases avoid it
    witness: Case


def f32(*values):
    return np.array(values, np.float32)


def i64(*values):
    return np.array(values, np.int64)


def _all(case, k, ours, theirs):
    return np.ones(ours.shape, bool)


def _nan(case, k, ours, theirs):
    if ours.dtype.kind != "f":
        return np.zeros(ours.shape, bool)
    return np.isnan(ours) & np.isnan(case.inputs[0]).any()


def _any_nan(case, k, ours, theirs):
    return np.full(ours.shape, np.isnan(case.inputs[0].astype(np.float64)).any())


def _leaked(case, k, ours, theirs):
    """Only theirs is NaN, and an element is special."""
    return np.isnan(theirs) & ~np.isnan(ours) & ~np.isfinite(case.inputs[0]).all()


def _ours_nan(case, k, ours, theirs):
    return np.isnan(ours) & ~np.isfinite(case.inputs[0]).all()


def _scattered(case, k, ours, theirs):
    return np.isnan(ours) & (case.attributes.get("reduction") in ("min", "max"))


def _cubic_border(case, k, ours, theirs):
    border = case.attributes.get("padding_mode") == "border"
    cubic = case.attributes.get("mode") in ("cubic", "bicubic")  # the name in com.microsoft
    return border & (cubic | _ours_nan(case, k, ours, theirs))


def _fraction(case, k, ours, theirs):
    aligned = case.attributes.get("coordinate_transformation_mode") == "align_corners"
    whole = len(case.inputs) != 3 or np.all(np.array(case.inputs[0].shape) * case.inputs[2] % 1 == 0)
    return np.full(ours.shape, aligned and not whole)


def _saturated(case, k, ours, theirs):
    if ours.dtype.kind != "f":
        return np.zeros(ours.shape, bool)
    return np.isinf(ours) & (np.abs(theirs) == np.finfo(theirs.dtype).max)


def _where(case, k, ours, theirs):
    return (ours == 0) & (theirs == 0)


def _softplus(case, k, ours, theirs):
    with np.errstate(all="ignore"):
        x = case.inputs[0].astype(np.float64)
        lost = np.abs(ours - np.logaddexp(0, x)) <= 1.2e-7  # log(1 + e): what 1 + e loses is half an epsilon of 1
        return lost | ((x > 88) & np.isinf(ours))


def _celu(case, k, ours, theirs):
    with np.errstate(all="ignore"):
        return np.isinf(case.inputs[0] / np.float32(case.attributes.get("alpha", 1.0)))


def _stump(*votes, labels=(5, 7), **attributes):
    """A tree of one node on two rows: votes are (node, class, weight); node 1 is up to 0.5, node 2 above."""
    nodes = {"treeids": [0, 0, 0], "nodeids": [0, 1, 2], "featureids": [0, 0, 0], "values": [0.5, 0.0, 0.0],
             "modes": ["BRANCH_LEQ", "LEAF", "LEAF"], "truenodeids": [1, 0, 0], "falsenodeids": [2, 0, 0]}
    return Case("TreeEnsembleClassifier", [f32(0, 1).reshape((2, 1))],
                {**{f"nodes_{k}": v for k, v in nodes.items()}, "class_treeids": [0] * len(votes),
                 "class_nodeids": [v[0] for v in votes], "class_ids": [v[1] for v in votes],
                 "class_weights": [v[2] for v in votes], "classlabels_int64s": list(labels), **attributes},
                domain="ai.onnx.ml", outputs=2)


DIVERGENCES = [
    Divergence("Clip", "a bound is not given and an operand is infinite",
               "ONNX Runtime takes the largest finite number for a bound that is not given; ONNX says there is none",
               _saturated, Case("Clip", [f32(np.inf, 1), f32(0).reshape(()), None])),
    Divergence("Where", "the chosen operand is -0",
               "ONNX Runtime merges the two sides by adding them up, and -0 + 0 is +0; here Where copies bits",
               _where, Case("Where", [np.array([True, False]), f32(-0.0, 1), f32(2, -0.0)])),
    Divergence("Softplus", "x is far below 0, or above 88",
               "ONNX's function body is log(1 + exp(x)), step by step; ONNX Runtime uses log1p and keeps large x",
               _softplus, Case("Softplus", [f32(-17, 89)])),
    Divergence("Celu", "x / alpha overflows", "the function body multiplies Elu(x / alpha) by alpha; ONNX Runtime "
               "returns x", _celu, Case("Celu", [f32(3e38)], {"alpha": 0.5})),
    Divergence("Cos Sin", "float64", "ONNX Runtime's vector code is wrong by up to 2e-15, many ULP near zeros of the "
               "function; here 1 ULP",
               lambda case, k, ours, theirs: (np.abs(ours - theirs) <= 2e-15) & (ours.dtype == np.float64),
               Case("Cos", [np.full(16, 14.403692255325453)])),
    Divergence("ReduceLogSumExp ReduceMax ReduceMin", "a NaN among the elements",
               "in ONNX Runtime it depends on where the NaN stands; here it always comes through",
               _nan,
               Case("ReduceMin", [f32(*range(20), np.nan, *range(30)), i64(0)], {"keepdims": 0})),
    Divergence("MeanVarianceNormalization", "all elements are equal",
               "the function body divides by the standard deviation + 1e-9 and gives 0; ONNX Runtime divides 0 by 0",
               lambda case, k, ours, theirs: (ours == 0) & np.isnan(theirs),
               Case("MeanVarianceNormalization", [np.full((1, 1, 2, 2), 2.5, np.float32)])),
    Divergence("AveragePool LpPool MaxPool", "auto_pad is SAME_UPPER or SAME_LOWER, and a stride is larger than the "
               "kernel", "the formula gives a negative padding: here it counts as none; ONNX Runtime refuses "
               "it or skips elements at the front", None,
               Case("MaxPool", [f32(*range(18)).reshape((1, 1, 3, 6))],
                    {"kernel_shape": [1, 1], "strides": [3, 3], "auto_pad": "SAME_UPPER"}, outputs=2)),
    Divergence("AveragePool LpPool MaxPool", "auto_pad is SAME_UPPER or SAME_LOWER, and dilations are not 1",
               "the formula with the dilated kernel, as in ONNX's reference: the result has ceil(extent / stride) "
               "elements; ONNX Runtime pads as for the kernel without dilations, and its result may be smaller", None,
               Case("MaxPool", [f32(*range(120)).reshape((1, 1, 15, 8))],
                    {"kernel_shape": [2, 3], "strides": [1, 2], "dilations": [2, 2], "auto_pad": "SAME_UPPER"})),
    Divergence("AveragePool", "count_include_pad is 0, and a window lies wholly in the padding",
               "the mean of nothing is 0 / 0, NaN, as in ONNX's reference; ONNX Runtime gives 0", None,
               Case("AveragePool", [f32(7).reshape((1, 1, 1))],
                    {"kernel_shape": [2], "dilations": [2], "pads": [1, 1]})),
    Divergence("GridSample", "padding_mode is border, a coordinate lies outside, and mode is cubic or the border "
               "infinite",
               "ONNX's reference moves the coordinate to the border first; ONNX Runtime moves each tap", _cubic_border,
               Case("GridSample", [f32(*range(16)).reshape((1, 1, 4, 4)), np.full((1, 1, 1, 2), 1.2, np.float32)],
                    {"mode": "cubic", "padding_mode": "border"})),
    Divergence("Resize", "align_corners, and the extent times the scale is no whole number",
               "ONNX's reference measures the result by the number before it is cut to a whole one, ONNX Runtime after",
               _fraction, Case("Resize", [f32(0, 1, 4, 9, 16).reshape((1, 1, 1, 5)), None, f32(1, 1, 1, 2.5)], {
                   "mode": "linear", "coordinate_transformation_mode": "align_corners"}, weights=(2,))),
    Divergence("ArgMax ArgMin GlobalMaxPool Hardmax MaxPool", "a NaN among the elements",
               "in ONNX Runtime it depends on where the NaN stands; here it is the largest, and the smallest, of all",
               _any_nan, Case("ArgMax", [f32(1, np.nan, 2)], {"axis": 0})),
    Divergence("Resize Upsample", "an infinity or a NaN under a weight of 0",
               "ONNX Runtime multiplies it by 0, which makes a NaN; here what has no weight is not read", _leaked,
               Case("Resize", [f32(1, 2, np.inf, 3).reshape((1, 1, 1, 4)), None, f32(1, 1, 1, 2)], {
                   "mode": "linear", "coordinate_transformation_mode": "asymmetric"}, weights=(2,))),
    Divergence("Resize Upsample", "integers, and mode is linear",
               "ONNX leaves it open: here the nearest integer, ties to even; ONNX Runtime cuts toward zero", None,
               Case("Resize", [np.array([0, 3], np.int32).reshape((1, 1, 1, 2)), None, f32(1, 1, 1, 2)],
                    {"mode": "linear"}, weights=(2,))),
    Divergence("LRN", "an infinity or a NaN in another channel outside the window",
               "ONNX Runtime slides one sum along the channels, and inf - inf is NaN ever after", _leaked,
               Case("LRN", [f32(np.inf, 1, 2).reshape((1, 3, 1, 1))], {"size": 1})),
    Divergence("GRU LSTM RNN", "a gate is NaN, and a bias or clip is given",
               "ONNX Runtime clips where it adds the bias, and loses NaN to a bound; here it stays NaN", _ours_nan,
               Case("LSTM", [np.full((1, 2, 1), np.nan, np.float32), np.ones((1, 20, 1), np.float32),
                             np.ones((1, 20, 5), np.float32), np.zeros((1, 40), np.float32)],
                    {"hidden_size": 5}, outputs=3)),
    Divergence("ScatterElements ScatterND", "reduction is min or max, and an operand is NaN",
               "ONNX Runtime compares, so that the order decides; here NaN wins", _scattered,
               Case("ScatterElements", [f32(np.nan), i64(0), f32(1)], {"reduction": "min"})),
    Divergence("Unique", "a NaN among the elements",
               "one NaN, above every number, as in ONNX's reference; ONNX Runtime takes it for equal to every number, "
               "and other elements are lost", None, Case("Unique", [f32(np.nan, 1, np.nan, 0)], outputs=4)),
    Divergence("Cast CastLike", "a float outside of the integer type's range, or NaN",
               "ONNX leaves it open: here it saturates, and NaN gives 0; ONNX Runtime gives what the processor's "
               "conversion gives", None, Case("Cast", [f32(300, -300, np.nan)], {"to": TensorProto.INT8})),
    Divergence("Pow", "an integer 0 to a negative integer",
               "ONNX leaves it open: here 0; ONNX Runtime converts infinity, which is the smallest integer on x86",
               None, Case("Pow", [i64(0), i64(-1)])),
    Divergence("ReduceL1 ReduceSum ReduceSumSquare", "a sum of integers beyond the type",
               "integers wrap here, as in ONNX's reference; ONNX Runtime's stop at the end of the type", None,
               Case("ReduceSum", [np.array([2**31 - 1, 1], np.int32)])),
    Divergence("Slice", "a negative step with an end of INT32_MAX or INT64_MAX",
               "ONNX Runtime reads it as NumPy's None, before the first element; ONNX clamps it to the last one",
               None, Case("Slice", [f32(1, 2, 3), i64(2), i64(np.iinfo(np.int64).max), i64(0), i64(-1)])),
    Divergence("QuantizeLinear", "x is float16, in operator sets before 23", "the scale's type is the precision "
               "of the division, as in ONNX's reference; ONNX Runtime divides in float32, and in float16 from 23 on",
               None, Case("QuantizeLinear", [np.float16([0.341552734375]), np.float16(0.062103271484375), np.uint8(0)],
                          opset=21)),
    Divergence("MatMulNBits", "g_idx and packed zero points are both given",
               "ONNX Runtime takes the zero points for those that are not given (2^(bits - 1)); here both count", None,
               Case("MatMulNBits", [np.ones((1, 16), np.float32), np.full((1, 1, 8), 0x33, np.uint8), f32(1),
                                    np.array([1], np.uint8), np.zeros(16, np.int32)],
                    {"K": 16, "N": 1, "bits": 4, "block_size": 16}, domain="com.microsoft")),
    Divergence("Bernoulli", "always", "ONNX Runtime runs the function body, which makes 1 of numbers above the "
               "probability, so that 1 comes with 1 - p; the operator's text says p", _all,
               Case("Bernoulli", [f32(0, 1)], opset=15)),
    Divergence("StringSplit", "no delimiter, and whitespace other than spaces",
               "ONNX says whitespace, as its reference; ONNX Runtime splits at spaces alone", None,
               Case("StringSplit", [np.array(["a\tb"])], outputs=2)),
    Divergence("StringSplit", "an empty string and a delimiter",
               "one empty part, as in ONNX's reference; ONNX Runtime counts none", None,
               Case("StringSplit", [np.array([""])], {"delimiter": ","}, outputs=2)),
    Divergence("TreeEnsembleClassifier", "leaves vote for both of two classes, or base_values has two entries or "
               "stands beside votes for the second",
               "ONNX says the top class; ONNX Runtime returns 1 where the second class has a score above 0, else 0, "
               "and leaves scores or base values out", None,
               _stump((1, 0, 0.9), (1, 1, 0.1), (2, 0, 0.2), (2, 1, 0.8))),
    Divergence("TreeEnsembleClassifier", "more than two classes, and the top one is none that a leaf voted for",
               "ONNX says the top class; ONNX Runtime takes the best of those that leaves voted for", None,
               _stump((1, 2, -0.9), (2, 1, 0.3), labels=(5, 6, 7))),
    Divergence("LabelEncoder", "version 2, and a string or integer key is repeated",
               "the last counts, as version 4 says; in ONNX Runtime the first", None,
               Case("LabelEncoder", [np.array(["a"])], {"keys_strings": ["a", "a"], "values_floats": [1.0, 2.0]},
                    domain="ai.onnx.ml", ml=2)),
    Divergence("TreeEnsemble", "post_transform is 1 or 2, and there are several targets",
               "1 is SOFTMAX and 2 LOGISTIC in ONNX; ONNX Runtime has them the other way round", None,
               Case("TreeEnsemble", [f32(0).reshape((1, 1))], {
                   "n_targets": 2, "post_transform": 1, "tree_roots": [0], "nodes_featureids": [0],
                   "nodes_modes": numpy_helper.from_array(np.array([0], np.uint8)),
                   "nodes_splits": numpy_helper.from_array(f32(0.5)), "nodes_truenodeids": [0],
                   "nodes_trueleafs": [1], "nodes_falsenodeids": [0], "nodes_falseleafs": [1],
                   "leaf_targetids": [1], "leaf_weights": numpy_helper.from_array(f32(2))},
                    domain="ai.onnx.ml", ml=5)),
    Divergence("Gather", "strings, along another axis than the last",
               "ONNX Runtime copies the first string of each slice and leaves the others empty", None,
               Case("Gather", [np.array([["a", "b"]]), i64(0)])),
]


def excused(case, k, ours, theirs):
    """Mask of the elements that some row of the table excuses; None when no row is about the operator."""
    masks = [d.excused(case, k, ours, theirs) for d in DIVERGENCES if
             d.excused and case.kind in d.operators.split()]
    return np.logical_or.reduce(np.broadcast_arrays(*masks)) if masks else None


def documentation():
    """The rows as docs/divergences.md has them."""
    return [f"| {d.operators.replace(' ', ', ')} | {d.condition} | {d.cause} |" for d in DIVERGENCES]
