"""Random cases of ai.onnx.ml: trees, machines and linear models; what looks elements up, replaces or scales them."""
import numpy as np
from onnx import numpy_helper

from differential.harness import Case

ML = "ai.onnx.ml"
NUMBERS = [np.float32, np.float32, np.float64, np.int32, np.int64]
TRANSFORMS = ["NONE", "NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"]
MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]


def case(kind, inputs, attributes=None, **more):
    return Case(kind, inputs, attributes or {}, domain=ML, **more)


def floats(r, n, low=-1.0, high=1.0):
    return [float(x) for x in r.floats((n,), low=low, high=high)]


def features(r, columns, types=NUMBERS):
    rows = r.int(1, 6)
    return r.values(r.pick([(columns,), (rows, columns), (rows, columns)]), r.pick(types))


def labels(r, count, integers="classlabels_ints"):
    if r.coin():
        return {"classlabels_strings": [f"c{k}" for k in range(count)]}
    return {integers: [10 + 3 * k for k in range(count)]}


def array_feature_extractor(r, kind):
    shape = r.shape(least=1, most=3)
    return case(kind, [r.values(shape, r.pick(NUMBERS)), r.ints((r.int(1, 4),), np.int64, 0, shape[-1])])


def binarizer(r, kind):
    return case(kind, [r.values(r.shape(), np.float32)], {"threshold": r.pick([0.0, 0.5, -1.0])})


def imputer(r, kind):
    columns = r.int(1, 4)
    if r.coin():
        x = np.round(features(r, columns, [np.float32])).astype(np.float32)
        return case(kind, [x], {"imputed_value_floats": floats(r, r.pick([1, columns])), "replaced_value_float": 1.0})
    x = r.ints((3, columns), np.int64, 0, 3)
    return case(kind, [x], {"imputed_value_int64s": [r.int(5, 9) for _ in range(r.pick([1, columns]))],
                            "replaced_value_int64": 1})


def scaler(r, kind):
    columns = r.int(1, 4)
    count = r.pick([1, columns])
    return case(kind, [features(r, columns)], {"offset": floats(r, count), "scale": floats(r, count)})


def normalizer(r, kind):
    return case(kind, [features(r, r.int(1, 5), [np.float32, np.int32])], {"norm": r.pick(["MAX", "L1", "L2"])})


def feature_vectorizer(r, kind):
    rows, dtype = r.int(1, 4), r.pick(NUMBERS)
    parts = [r.values((rows, r.int(1, 4)), dtype) for _ in range(r.int(1, 3))]
    return case(kind, parts, {"inputdimensions": [max(1, p.shape[1] + r.int(-1, 1)) for p in parts]})


def one_hot_encoder(r, kind):
    if r.coin():
        return case(kind, [np.array([r.pick("abcd") for _ in range(4)])], {"cats_strings": ["a", "b", "c"]})
    x = r.ints(r.shape(least=1, most=3), r.pick([np.float64, np.int64, np.float32]), -2, 5)
    return case(kind, [x], {"cats_int64s": [int(c) for c in r.rng.permutation(5)[:3]]})


def label_encoder(r, kind):
    stems = {"int64s": [1, 2, 3], "strings": ["a", "b", "ü"], "floats": [0.5, -1.0, 2.0]}
    pairs = [("int64s", "strings"), ("strings", "int64s"), ("floats", "strings"), ("strings", "floats"),
             ("int64s", "floats"), ("floats", "int64s"), ("int64s", "int64s"), ("strings", "strings"),
             ("floats", "floats")]
    keys, values = r.pick(pairs)
    types = {"int64s": np.int64, "strings": str, "floats": np.float32}
    pool = [*stems[keys], {"int64s": 9, "strings": "z", "floats": 7.0}[keys]]
    x = np.array([r.pick(pool) for _ in range(5)], types[keys])
    return case(kind, [x], {f"keys_{keys}": stems[keys], f"values_{values}": stems[values]}, ml=r.pick([2, 4]))


def label_encoder_1(r, kind):
    x = np.array([r.pick("abz") for _ in range(4)]) if r.coin() else r.ints((4,), np.int64, -1, 3)
    return case(kind, [x], {"classes_strings": ["a", "b"]}, ml=1)


def label_encoder_tensor(r, kind):
    dtype = r.pick([np.int64, np.float64])
    attributes = {"keys_tensor": numpy_helper.from_array(np.array([1, 2, 3], dtype)),
                  "values_tensor": numpy_helper.from_array(np.array([7, 8, 9], dtype)),
                  "default_tensor": numpy_helper.from_array(np.array([-5], dtype))}
    return case(kind, [r.ints((5,), dtype, 0, 5)], attributes)


def category_mapper(r, kind):
    x = np.array([r.pick("abz") for _ in range(4)]) if r.coin() else r.ints((4,), np.int64, 6, 9)
    return case(kind, [x], {"cats_strings": ["a", "b"], "cats_int64s": [7, 8]})


def linear_regressor(r, kind):
    columns, targets = r.int(1, 9), r.int(1, 4)
    attributes = {"coefficients": floats(r, columns * targets), "targets": targets,
                  "post_transform": r.pick(TRANSFORMS)}
    if r.coin():
        attributes["intercepts"] = floats(r, targets)
    return case(kind, [features(r, columns, [np.float32])], attributes)


def linear_classifier(r, kind):
    columns, scores = r.int(1, 9), r.int(1, 4)
    classes = 2 if scores == 1 else scores
    return case(kind, [features(r, columns)],
                {"coefficients": floats(r, columns * scores), "intercepts": floats(r, scores),
                 "post_transform": r.pick(TRANSFORMS), **labels(r, classes)}, outputs=2)


def kernel(r):
    return {"kernel_type": r.pick(["LINEAR", "POLY", "RBF", "SIGMOID"]),
            "kernel_params": [*floats(r, 1, 0.1, 0.6), *floats(r, 1), float(r.int(2, 3))]}


def svm_regressor(r, kind):
    columns, supports = r.int(1, 6), r.int(0, 5)
    attributes = {"rho": floats(r, 1), "n_supports": supports, "coefficients": floats(r, supports or columns),
                  "one_class": r.int(0, 1), **kernel(r)}
    if supports:
        attributes["support_vectors"] = floats(r, columns * supports)
    return case(kind, [features(r, columns, [np.float32])], attributes)


def svm_classifier(r, kind):
    columns, classes = r.int(1, 6), r.int(2, 4)
    per_class = [r.int(1, 3) for _ in range(classes)]
    vectors, pairs = sum(per_class), classes * (classes - 1) // 2
    attributes = {"vectors_per_class": per_class, "support_vectors": floats(r, vectors * columns),
                  "coefficients": floats(r, (classes - 1) * vectors), "rho": floats(r, pairs), **kernel(r),
                  "post_transform": r.pick(TRANSFORMS), **labels(r, classes)}
    if r.coin():
        attributes |= {"prob_a": floats(r, pairs), "prob_b": floats(r, pairs)}
    return case(kind, [features(r, columns)], attributes, outputs=2)


def svm_classifier_linear(r, kind):
    columns, classes = r.int(1, 6), r.int(2, 4)
    return case(kind, [features(r, columns)],
                {"coefficients": floats(r, classes * columns), "rho": floats(r, 1), "kernel_params": [0.0, 0.0, 0.0],
                 "post_transform": r.pick(TRANSFORMS), **labels(r, classes)}, outputs=2)


class Trees:
    """Random trees; leaves are numbered in `leaves` as (tree, node)."""

    def __init__(self, r, columns):
        self.nodes = {name: [] for name in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids",
                                            "falsenodeids", "missing_value_tracks_true")}
        self.leaves = []
        for tree in range(r.int(1, 5)):
            self.grow(r, tree, columns)

    def grow(self, r, tree, columns):
        first, waiting, count = len(self.nodes["nodeids"]), [0], 1
        rows = {}
        while waiting:
            node = waiting.pop(0)
            if count > 12 or (node and r.coin(0.4)):
                rows[node] = ("LEAF", 0, 0.0, 0, 0, 0)
                self.leaves.append((tree, node))
                continue
            waiting += [count, count + 1]
            rows[node] = (r.pick(MODES), r.int(0, columns - 1), float(np.round(r.floats(()), 1)), count, count + 1,
                          r.int(0, 1))
            count += 2
        assert first + len(rows) >= count
        for node in range(count):
            mode, feature, value, yes, no, missing = rows[node]
            for name, x in zip(self.nodes, (tree, node, feature, mode, value, yes, no, missing), strict=True):
                self.nodes[name].append(x)

    def attributes(self, missing=True):
        return {f"nodes_{name}": x for name, x in self.nodes.items() if missing or "missing" not in name}


def votes(r, trees, stem, ids, low):
    rows = [(tree, node, k) for tree, node in trees.leaves for k in ids]
    return {f"{stem}_treeids": [t for t, _, _ in rows], f"{stem}_nodeids": [n for _, n, _ in rows],
            f"{stem}_ids": [k for _, _, k in rows], f"{stem}_weights": floats(r, len(rows), low)}


def tree_input(r, columns, types=NUMBERS):
    x = np.round(r.values((r.int(1, 6), columns), r.pick(types)), 1)
    if x.dtype == np.float32 and r.coin():
        x.reshape(-1)[0] = np.nan
    return x


def tree_regressor(r, kind):
    columns, targets = r.int(1, 4), r.int(1, 3)
    trees = Trees(r, columns)
    attributes = trees.attributes(r.coin()) | votes(r, trees, "target", range(targets), -1.0)
    if r.coin():
        attributes["base_values"] = floats(r, targets)
    return case(kind, [tree_input(r, columns, NUMBERS[:3])],
                {"n_targets": targets, "aggregate_function": r.pick(["SUM", "AVERAGE", "MIN", "MAX"]),
                 "post_transform": r.pick(TRANSFORMS), **attributes}, ml=r.pick([1, 3]))


def tree_classifier(r, kind):
    columns, classes = r.int(1, 4), r.int(2, 4)
    trees = Trees(r, columns)
    ids = range(classes) if classes > 2 else [r.int(0, 1)]  # votes for both of two: docs/divergences.md
    attributes = trees.attributes(r.coin()) | votes(r, trees, "class", ids, r.pick([-1.0, 0.0]))
    if r.coin() and classes > 2:
        attributes["base_values"] = floats(r, classes)
    return case(kind, [tree_input(r, columns)],
                {"post_transform": r.pick(TRANSFORMS), **attributes, **labels(r, classes, "classlabels_int64s")},
                ml=r.pick([1, 3]), outputs=2)


def tree_ensemble(r, kind):
    columns, targets = r.int(1, 4), r.int(1, 3)
    trees = Trees(r, columns)
    nodes = [dict(zip(trees.nodes, row, strict=True)) for row in zip(*trees.nodes.values(), strict=True)]
    inner = {(n["treeids"], n["nodeids"]): i for i, n in enumerate(n for n in nodes if n["modes"] != "LEAF")}
    leaf = {at: i for i, at in enumerate(trees.leaves)}

    def targets_of(name):
        at = [(n["treeids"], n[name]) for n in nodes if n["modes"] != "LEAF"]
        return [leaf.get(a, inner.get(a)) for a in at], [int(a in leaf) for a in at]

    branches = [n for n in nodes if n["modes"] != "LEAF"]
    yes, no = targets_of("truenodeids"), targets_of("falsenodeids")
    dtype = r.pick([np.float32, np.float64])
    attributes = {
        "n_targets": targets, "aggregate_function": r.int(0, 3),
        # ONNX Runtime transforms float64 scores in float32.
        "post_transform": 0 if dtype == np.float64 else r.pick([0, 3]),
        "tree_roots": [inner[t, 0] for t in sorted({t for t, _ in inner})],
        "nodes_modes": numpy_helper.from_array(np.array([MODES.index(n["modes"]) for n in branches], np.uint8)),
        "nodes_splits": numpy_helper.from_array(np.array([n["values"] for n in branches], dtype)),
        "nodes_featureids": [n["featureids"] for n in branches],
        "nodes_truenodeids": yes[0], "nodes_trueleafs": yes[1], "nodes_falsenodeids": no[0],
        "nodes_falseleafs": no[1], "leaf_targetids": [r.int(0, targets - 1) for _ in leaf],
        "leaf_weights": numpy_helper.from_array(np.array(floats(r, len(leaf)), dtype))}
    return case(kind, [np.round(r.values((r.int(1, 5), columns), dtype), 1)], attributes, ml=5)


CASES = {
    "ArrayFeatureExtractor": array_feature_extractor, "Binarizer": binarizer, "CategoryMapper": category_mapper,
    "FeatureVectorizer": feature_vectorizer, "Imputer": imputer, "LabelEncoder": label_encoder,
    "LabelEncoder (1)": label_encoder_1, "LabelEncoder (tensors)": label_encoder_tensor,
    "LinearClassifier": linear_classifier, "LinearRegressor": linear_regressor, "Normalizer": normalizer,
    "OneHotEncoder": one_hot_encoder, "SVMClassifier": svm_classifier, "SVMClassifier (linear)": svm_classifier_linear,
    "SVMRegressor": svm_regressor, "Scaler": scaler, "TreeEnsemble": tree_ensemble,
    "TreeEnsembleClassifier": tree_classifier, "TreeEnsembleRegressor": tree_regressor}
