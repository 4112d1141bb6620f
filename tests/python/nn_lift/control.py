"""Branches and loops."""
import numpy as np
from coremltools.models.neural_network import NeuralNetworkBuilder

from .harness import Cases, noise

cases = Cases()
X = noise(2, 3)


def nested(network):
    return NeuralNetworkBuilder(nn_spec=network)


def linear(b, x, y, scale, shift):
    b.add_activation(f"{x}-{y}-{scale}", "LINEAR", x, y, [scale, shift])


def two_ways(b):
    layer = b.add_branch("b", "z")
    linear(nested(layer.branch.ifBranch), "x", "y", 2, 0)
    linear(nested(layer.branch.elseBranch), "x", "y", 0, 7)


for c, want in ((1, X * 2), (-3, X * 2), (0, X * 0 + 7), (1e-7, X * 0 + 7)):
    cases.add(f"branch-{c}", [X, [c]], two_ways, want)


def overwriting(b):
    """Without an else the blob from before stays."""
    linear(b, "x", "t", 1, 1)
    layer = b.add_branch("b", "z")
    inner = nested(layer.branch.ifBranch)
    linear(inner, "t", "u", 10, 0)
    inner.add_copy("c", "u", "t")
    linear(b, "t", "y", 1, 0.5)


for c in (0, 1):
    cases.add(f"branch-overwrites-{c}", [X, [c]], overwriting, (X + 1) * (10 if c else 1) + 0.5)


def counted(b, iterations=4, input_name=None):
    b.add_copy("start", "x", "v")
    loop = b.add_loop("l", input_name=input_name, max_iterations=iterations)
    body = nested(loop.loop.bodyNetwork)
    linear(body, "v", "next", 0.5, 1)
    body.add_copy("c", "next", "v")
    linear(b, "v", "y", 1, 0)


def repeated(x, n):
    for _ in range(n):
        x = x * 0.5 + 1
    return x


cases.add("loop-count", X, counted, repeated(X, 4))
cases.add("loop-none", X, lambda b: counted(b, 0), X)
cases.add("loop-input", [X, [3]], lambda b: counted(b, 9, "z"), repeated(X, 3))


def new_blob(b):
    """What only the body writes is visible behind the loop."""
    b.add_copy("start", "x", "v")
    body = nested(b.add_loop("l", max_iterations=3).loop.bodyNetwork)
    linear(body, "v", "fresh", 2, 0)
    body.add_copy("c", "fresh", "v")
    linear(b, "fresh", "y", 1, 1)


cases.add("loop-new-blob", X, new_blob, X * 8 + 1)


def while_below(b, most=None, limit=100.0):
    b.add_copy("start", "x", "v")
    loop = b.add_loop("l", condition="go", max_iterations=most)
    condition = nested(loop.loop.conditionNetwork)
    condition.add_reduce_max("m", "v", "top", None, False, True)
    condition.add_less_than("t", ["top"], "go", alpha=limit)
    body = nested(loop.loop.bodyNetwork)
    linear(body, "v", "next", 2, 0)
    body.add_copy("c", "next", "v")
    linear(b, "v", "y", 1, 0)


def doubled(x, most=10**9, limit=100.0):
    n = 0
    while x.max() < limit and n < most:
        x, n = x * 2, n + 1
    return x


cases.add("loop-while", X, while_below, doubled(X))
cases.add("loop-while-most", X, lambda b: while_below(b, 2), doubled(X, 2))
cases.add("loop-while-never", X, lambda b: while_below(b, None, -100.0), X)


def power_iteration(b):
    """As coremltools' own test has it: a break in a branch at the end of the body."""
    b.add_expand_dims("e", "z", "v", [-1])
    b.add_load_constant_nd("n", "n", np.zeros(1), (1,))
    body = nested(b.add_loop("l", max_iterations=200).loop.bodyNetwork)
    body.add_batched_mat_mul("m", ["x", "v"], "next")
    body.add_reduce_l2("r", "next", "length", axes=[0])
    body.add_divide_broadcastable("d", ["next", "length"], "unit")
    body.add_batched_mat_mul("k", ["unit", "v"], "cosine", transpose_a=True)
    body.add_squeeze("s", "cosine", "flat", squeeze_all=True)
    body.add_unary("a", "flat", "size", "abs")
    linear(body, "size", "rest", -1, 1)
    linear(body, "n", "plus", 1, 1)
    body.add_copy("c", "plus", "n")
    body.add_copy("u", "unit", "v")
    body.add_less_than("t", ["rest"], "done", alpha=1e-6)
    branch = body.add_branch("b", "done")
    nested(branch.branch.ifBranch).add_loop_break("break")
    b.add_squeeze("q", "v", "y", squeeze_all=True)
    b.add_copy("i", "n", "i")


def iterated(a, v):
    n = 0
    for _ in range(200):
        u = a @ v
        u = u / np.linalg.norm(u)
        rest, v, n = 1 - abs(u @ v), u, n + 1
        if rest < 1e-6:
            break
    return v, n


A = np.array([[4.0, 1, 0], [1, 3, 1], [0, 1, 2]])
V, N = iterated(A, np.array([1.0, 0, 0]))
cases.add("loop-break", [A, [1.0, 0, 0]], power_iteration, {"y": V, "i": [N]}, rtol=1e-3, atol=1e-3)


def break_in_the_middle(b):
    """What stands behind the break does not run in that iteration; neither does the condition network."""
    b.add_copy("start", "x", "v")
    b.add_copy("other", "z", "w")
    loop = b.add_loop("l", condition="go")
    condition = nested(loop.loop.conditionNetwork)
    linear(condition, "w", "go", 0, 1)
    body = nested(loop.loop.bodyNetwork)
    linear(body, "v", "next", 2, 0)
    body.add_copy("c", "next", "v")
    body.add_reduce_max("m", "v", "top", None, False, True)
    body.add_greater_than("t", ["top"], "big", alpha=10.0)
    nested(body.add_branch("b", "big").branch.ifBranch).add_loop_break("break")
    linear(body, "w", "w2", 1, 1)
    body.add_copy("d", "w2", "w")
    linear(b, "v", "y", 1, 0)
    linear(b, "w", "i", 1, 0)


steps = int(np.ceil(np.log2(10 / X.max())))
cases.add("loop-break-middle", [X, [0.0]], break_in_the_middle, {"y": X * 2**steps, "i": [steps - 1]})


def skipping(b):
    """Every second iteration is left early, from an else two branches deep."""
    b.add_copy("start", "x", "v")
    b.add_load_constant_nd("n", "n", np.zeros(1), (1,))
    b.add_load_constant_nd("two", "two", np.full(1, 2.0), (1,))
    body = nested(b.add_loop("l", max_iterations=5).loop.bodyNetwork)
    linear(body, "n", "plus", 1, 1)
    body.add_copy("c", "plus", "n")
    body.add_mod_broadcastable("m", ["n", "two"], "odd")
    branch = body.add_branch("b", "odd").branch
    linear(nested(branch.ifBranch), "odd", "unused", 1, 0)
    deep = nested(branch.elseBranch).add_branch("d", "two").branch
    nested(deep.ifBranch).add_loop_continue("continue")
    linear(body, "v", "next", 3, 0)
    body.add_copy("e", "next", "v")
    linear(b, "v", "y", 1, 0)


cases.add("loop-continue", X, skipping, X * 27)


def loop_in_loop(b):
    b.add_copy("start", "x", "v")
    outer = nested(b.add_loop("o", max_iterations=3).loop.bodyNetwork)
    linear(outer, "v", "once", 1, 1)
    outer.add_copy("c", "once", "v")
    inner = nested(outer.add_loop("i", max_iterations=2).loop.bodyNetwork)
    linear(inner, "v", "twice", 2, 0)
    inner.add_copy("d", "twice", "v")
    branch = inner.add_branch("b", "z").branch
    nested(branch.ifBranch).add_loop_break("break")
    linear(b, "v", "y", 1, 0)


def nested_loops(x, stop):
    for _ in range(3):
        x = x + 1
        for _ in range(1 if stop else 2):
            x = x * 2
    return x


for stop in (0, 1):
    cases.add(f"loop-in-loop-{stop}", [X, [stop]], loop_in_loop, nested_loops(X, stop))


def growing(b):
    b.add_copy("start", "x", "v")
    body = nested(b.add_loop("l", max_iterations=3).loop.bodyNetwork)
    body.add_concat_nd("j", ["v", "x"], "next", 0)
    body.add_copy("c", "next", "v")
    linear(b, "v", "y", 1, 0)


cases.add("loop-growing", X, growing, np.concatenate([X] * 4))
