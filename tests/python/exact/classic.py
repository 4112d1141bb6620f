"""ai.onnx.ml, optimisers, inverses: numbers in attributes are float32 and never rounded."""
import itertools

import numpy as np
from onnx import numpy_helper

from exact.elementwise import exp, sigmoid, tanh
from exact.sums import kept
from exact.table import Given, Typed, row, setting, usual

ML = "ai.onnx.ml"


def learned(kind, given, **more):
    return row(kind, given, domain=ML, declared=False, **more)


def floats(r, count, scale=1.0):
    return [float(x) for x in usual(r, count, scale=scale)]


def array(values):
    return np.array(values, np.float32)


# ---- Linear models

def scores_of(m, x, coefficients, intercepts):
    weights = m.number(array(coefficients)).reshape(len(intercepts), -1)
    return m.dot(x, weights.transpose(1, 0)) + array(intercepts)


def transformed(m, scores, name):
    if name == "LOGISTIC":
        return sigmoid(m, scores)
    if name == "SOFTMAX":
        e = exp(m, scores - kept(m.max(scores, 1), [1], 1))
        return e / kept(m.lanes(e), [1], 1)
    if name == "SOFTMAX_ZERO":
        top = m.max(scores, 1)
        zero = abs(scores.lo) <= np.float32(1e-7)
        e = m.where(zero, scores * kept(exp(m, -top), [1], 1), exp(m, scores - kept(top, [1], 1)))
        return e / kept(m.lanes(m.where(zero, 0.0, e)), [1], 1)
    if name == "PROBIT":
        x = 2.0 * scores - 1.0
        logarithm = m.function(np.log, (1.0 - x) * (1.0 + x))
        a = m.number(0.147)
        v = 2.0 / (3.14159 * a) + 0.5 * logarithm
        root = m.sqrt(m.sqrt(v * v - 1.0 / a * logarithm) - v)
        return m.where(x.lo < 0, -root, root) * 1.41421356
    return scores


@learned("LinearClassifier", lambda r: Given([np.abs(usual(r, 9, 2, scale=0.3))], {
    "coefficients": [0.25, 0.5, 0.125, 0.25, 0.0, 0.0], "intercepts": [0.25, 0.125, 0.0], "classlabels_ints": [4, 5, 6],
    "post_transform": str(r.choice(["SOFTMAX_ZERO", "PROBIT"]))}, outputs=2), rounds=6, label="transforms")
def classifier_of_few(m, x, coefficients, intercepts, classlabels_ints, post_transform):
    scores = scores_of(m, x, coefficients, intercepts)
    return [np.array(classlabels_ints)[scores.lo.argmax(1)], transformed(m, scores, post_transform)]


@learned("LinearRegressor", lambda r: Given([usual(r, 6, 7)], {
    "coefficients": floats(r, 21), "intercepts": floats(r, 3), "targets": 3}))
def linear_regressor(m, x, coefficients, intercepts, targets):
    return scores_of(m, x, coefficients, intercepts)


@learned("LinearClassifier", lambda r: Given([usual(r, 6, 7)], {
    "coefficients": floats(r, 21), "intercepts": floats(r, 3), "classlabels_ints": [4, 5, 6],
    "post_transform": str(r.choice(["NONE", "SOFTMAX", "LOGISTIC"]))}, outputs=2), rounds=4)
def linear_classifier(m, x, coefficients, intercepts, classlabels_ints, post_transform):
    scores = scores_of(m, x, coefficients, intercepts)
    return [np.array(classlabels_ints)[scores.lo.argmax(1)], transformed(m, scores, post_transform)]


@learned("Normalizer", lambda r: Given([usual(r, 6, 20)], {"norm": str(r.choice(["MAX", "L1", "L2"]))}), rounds=6)
def normalizer(m, x, norm):
    if norm == "L2":
        y = m.sqrt(x * x / kept(m.lanes(x, squares=True), [1], 1))
        return m.where(x.lo < 0, -y, y)
    return x / kept(m.max(x, 1) if norm == "MAX" else m.lanes(abs(x)), [1], 1)


# ---- Machines

def machine_case(r):
    vectors = 5
    return Given([usual(r, 4, 6)], {
        "kernel_type": str(r.choice(["LINEAR", "POLY", "RBF", "SIGMOID"])), "kernel_params": [0.3, 0.5, 2.0],
        "n_supports": vectors, "support_vectors": floats(r, vectors * 6), "coefficients": floats(r, vectors),
        "rho": floats(r, 1)})


def kernels(m, x, vectors, kind, params):
    gamma, coef0, degree = (float(np.float32(p)) for p in params)
    if kind == "RBF":
        differences = x[:, None] - vectors
        return exp(m, m.lanes(differences, squares=True) * -gamma)
    y = m.dot(x, vectors.transpose(1, 0))
    if kind == "LINEAR":
        return y
    y = y * gamma + coef0
    if kind == "SIGMOID":
        return tanh(m, y)
    return m.function(np.square, abs(y)) if degree == 2 else None


@learned("SVMRegressor", machine_case, rounds=8)
def svm_regressor(m, x, kernel_type, kernel_params, n_supports, support_vectors, coefficients, rho):
    vectors = m.number(array(support_vectors)).reshape(n_supports, -1)
    found = kernels(m, x, vectors, kernel_type, kernel_params)
    return m.dot(found, m.number(array(coefficients))[:, None]) + array(rho)


@learned("SVMClassifier", lambda r: Given([usual(r, 4, 6)], {
    "kernel_type": str(r.choice(["LINEAR", "RBF"])), "kernel_params": [0.3, 0.5, 2.0], "vectors_per_class": [2, 2, 1],
    "support_vectors": floats(r, 30), "coefficients": floats(r, 10), "rho": floats(r, 3), "classlabels_ints": [0, 1, 2],
}, outputs=2), rounds=6)
def svm_classifier(m, x, kernel_type, kernel_params, vectors_per_class, support_vectors, coefficients, rho,
                   classlabels_ints):
    found = kernels(m, x, m.number(array(support_vectors)).reshape(5, -1), kernel_type, kernel_params)
    weights, starts = array(coefficients).reshape(2, 5), [0, 2, 4, 5]
    scores = []
    for i, j in itertools.combinations(range(3), 2):
        first, second = range(starts[i], starts[i + 1]), range(starts[j], starts[j + 1])
        of_pair = [weights[j - 1, k] for k in first] + [weights[i, k] for k in second]
        chosen = found[:, [*first, *second]]
        scores.append(m.dot(chosen, m.number(array(of_pair))[:, None])[:, 0] + array(rho)[len(scores)])
    votes = np.zeros((4, 3), int)
    for (i, j), score in zip(itertools.combinations(range(3), 2), scores, strict=True):
        for n in range(4):
            votes[n, i if score.lo[n] > 0 else j] += 1
    return [np.array(classlabels_ints)[votes.argmax(1)], m.stack(scores, 1)]


# ---- Trees: of depth one, each with two leaves that vote for every target

TREES, TARGETS = 7, 2


def stumps(r, stem):
    nodes = {"treeids": [], "nodeids": [], "featureids": [], "values": [], "modes": [], "truenodeids": [],
             "falsenodeids": []}
    for tree in range(TREES):
        for node in range(3):
            parts = (tree, node, int(r.integers(0, 3)), setting(r), "LEAF" if node else "BRANCH_LEQ", 0 if node else 1,
                     0 if node else 2)
            for name, part in zip(nodes, parts, strict=True):
                nodes[name].append(part)
    votes = list(itertools.product(range(TREES), (1, 2), range(TARGETS)))
    return {**{f"nodes_{k}": v for k, v in nodes.items()}, f"{stem}_treeids": [v[0] for v in votes],
            f"{stem}_nodeids": [v[1] for v in votes], f"{stem}_ids": [v[2] for v in votes],
            f"{stem}_weights": floats(r, len(votes), 3), "base_values": floats(r, TARGETS)}


def tallied(m, x, features, values, weights, base):
    """Weights of the leaves that each row reaches, added up tree by tree, then the base values."""
    total = m.zeros((x.shape[0], TARGETS))
    weights = array(weights).reshape(TREES, 2, TARGETS)
    for tree in range(TREES):
        right = ~(x.lo[:, features[tree]] <= np.float32(values[tree]))
        total = total + weights[tree][right.astype(int)]
    return total + array(base)


def of_stumps(m, x, stated, stem):
    return tallied(m, x, stated["nodes_featureids"][::3], stated["nodes_values"][::3], stated[f"{stem}_weights"],
                   stated["base_values"])


@learned("TreeEnsembleRegressor", lambda r: Given([usual(r, 9, 3)], {"n_targets": TARGETS, **stumps(r, "target")}))
def tree_regressor(m, x, **stated):
    return of_stumps(m, x, stated, "target")


@learned("TreeEnsembleClassifier", lambda r: Given(
    [usual(r, 9, 3)], {"classlabels_int64s": [3, 4], "post_transform": str(r.choice(["NONE", "SOFTMAX"])),
                       **stumps(r, "class")}, outputs=2), rounds=4)
def tree_classifier(m, x, classlabels_int64s, post_transform, **stated):
    scores = of_stumps(m, x, stated, "class")
    return [np.array(classlabels_int64s)[scores.lo.argmax(1)], transformed(m, scores, post_transform)]


def ensemble_case(r):
    values, weights = usual(r, TREES), usual(r, 2 * TREES, scale=3)
    return Given([usual(r, 9, 3)], {
        "n_targets": 1, "tree_roots": list(range(TREES)),
        "nodes_featureids": [int(f) for f in r.integers(0, 3, TREES)],
        "nodes_modes": numpy_helper.from_array(np.zeros(TREES, np.uint8)),
        "nodes_splits": numpy_helper.from_array(values),
        "nodes_truenodeids": list(range(0, 2 * TREES, 2)), "nodes_trueleafs": [1] * TREES,
        "nodes_falsenodeids": list(range(1, 2 * TREES, 2)), "nodes_falseleafs": [1] * TREES,
        "leaf_targetids": [0] * (2 * TREES), "leaf_weights": numpy_helper.from_array(weights)})


def aggregated_case(r):
    given = ensemble_case(r)
    given.attributes["aggregate_function"] = int(r.integers(0, 4))
    return given


@row("TreeEnsemble", aggregated_case, domain=ML, bfloat16=False, rounds=6, label="aggregates")
def aggregates(m, x, nodes_featureids, nodes_splits, leaf_weights, aggregate_function, **_):
    values, weights = (numpy_helper.to_array(t) for t in (nodes_splits, leaf_weights))
    terms = np.stack([weights[2 * tree + (~(x.lo[:, feature] <= values[tree])).astype(int)]
                      for tree, feature in enumerate(nodes_featureids)])
    if aggregate_function > 1:
        return m.number((terms.min if aggregate_function == 2 else terms.max)(0))[:, None]
    total = m.ascending(m.number(terms))
    return (total if aggregate_function == 1 else total / TREES)[:, None]


@row("TreeEnsemble", ensemble_case, domain=ML, bfloat16=False)
def tree_ensemble(m, x, nodes_featureids, nodes_splits, leaf_weights, **_):
    total = m.zeros(x.shape[0])
    values, weights = (numpy_helper.to_array(t) for t in (nodes_splits, leaf_weights))
    for tree, feature in enumerate(nodes_featureids):
        right = ~(x.lo[:, feature] <= values[tree])
        total = total + weights[2 * tree + right.astype(int)]
    return total[:, None]


@row("TfIdfVectorizer", lambda r: Given([r.integers(0, 6, (5, 12))], {
    "mode": "TFIDF", "min_gram_length": 1, "max_gram_length": 2, "max_skip_count": 0, "ngram_counts": [0, 4],
    "ngram_indexes": [0, 1, 2, 3, 4, 5], "pool_int64s": [2, 3, 5, 4, 1, 2, 3, 3], "weights": floats(r, 6)}),
     declared=False)
def tf_idf(m, x, pool_int64s, weights, **_):
    singles, pairs = pool_int64s[:4], np.reshape(pool_int64s[4:], (2, 2))
    counts = [(x == n).sum(1) for n in singles]
    counts += [((x[:, :-1] == a) & (x[:, 1:] == b)).sum(1) for a, b in pairs]
    counts = np.stack(counts, 1).astype(np.float64)
    return m.where(counts == 0, 0.0, m.number(counts) * array(weights))  # what is not found is not multiplied


# ---- Optimisers: each operation of ONNX's text a step; the factor of R and T comes first

def optimiser(kind, states, **attributes):
    def given(r):
        inputs = [Typed(np.float32(r.uniform(0.01, 0.5))), np.array(r.integers(0, 4)), usual(r, 50), usual(r, 50)]
        return Given(inputs + [np.abs(usual(r, 50)) for _ in range(states)],
                     {k: f(r) for k, f in attributes.items()}, outputs=states + 1)
    return row(kind, given, domain="ai.onnx.preview.training", declared=False, rounds=4)


def small(r):
    return abs(setting(r, 1e-2))


@optimiser("Adagrad", 1, norm_coefficient=small, decay_factor=small, epsilon=small)
def adagrad(m, rate, count, x, g, h, norm_coefficient, decay_factor, epsilon):
    rate = m.stored(rate) / (1.0 + m.number(float(count)) * decay_factor)
    g = x * norm_coefficient + g
    h = h + g * g
    return [x - g * rate / (m.sqrt(h) + epsilon), h]


@optimiser("Momentum", 1, norm_coefficient=small, alpha=small, beta=small, mode=lambda r: str(
    r.choice(["nesterov", "standard"])))
def momentum(m, rate, count, x, g, v, norm_coefficient, alpha, beta, mode):
    g = x * norm_coefficient + g
    v = v * alpha + g * (beta if count > 0 else 1.0)
    direction = g + v * alpha if mode == "nesterov" else v
    return [x - direction * m.stored(rate), v]


@optimiser("Adam", 2, norm_coefficient=small, alpha=lambda r: float(np.float32(0.9)), beta=lambda r: float(
    np.float32(0.99)), epsilon=small, norm_coefficient_post=small)
def adam(m, rate, count, x, g, v, h, norm_coefficient, alpha, beta, epsilon, norm_coefficient_post):
    g, rate = x * norm_coefficient + g, m.stored(rate)
    if count > 0:
        def rest(base):
            return 1.0 - m.function(np.power, m.number(base), m.number(float(count)))
        rate = rate * m.sqrt(rest(beta)) / rest(alpha)
    v = v * alpha + g * (1.0 - m.number(alpha))
    h = h * beta + g * (1.0 - m.number(beta)) * g
    return [(x - v * rate / (m.sqrt(h) + epsilon)) * (1.0 - m.number(norm_coefficient_post)), v, h]


# ---- Inverses

@row("Inverse", lambda r: Given([usual(r, 2, 3, 3)]), domain="com.microsoft")
def inverse(m, x):
    found = []
    for matrix in range(x.shape[0]):
        lines = [m.concat([x[matrix, i], m.number(np.eye(3)[i])]) for i in range(3)]
        for k in range(3):
            best = max(range(k, 3), key=lambda i, k=k: (abs(float(lines[i].lo[k])), -i))
            lines[k], lines[best] = lines[best], lines[k]
            lines[k] = lines[k] / lines[k][k]
            for i in range(3):
                if i != k:
                    lines[i] = m.fma(-lines[i][k], lines[k], lines[i])
        found.append(m.stack([line[3:] for line in lines]))
    return m.stack(found)
