"""Functions of one blob and of several."""
import math

import numpy as np

from .harness import Cases, noise

cases = Cases()
X = noise(3, 2, 4, scale=2)
POS = np.abs(X) + np.float32(0.25)
UNIT = np.tanh(X).astype(np.float32)
erf = np.vectorize(math.erf)


def activation(name, x, expected, params=None, kind=None, **more):
    cases.add(f"activation-{name}", x,
              lambda b: b.add_activation("f", kind or name, "x", "y", params), expected, **more)


activation("RELU", X, np.maximum(X, 0))
activation("LEAKYRELU", X, np.where(X >= 0, X, X * 0.125), [0.125])
T = np.array([[-1, 0.5, 0.5000001, 2, np.nan]], np.float32)
activation("THRESHOLDEDRELU", T, np.where(T < 0.5, 0, T), 0.5)
ALPHA = np.array([0.5, -0.25, 2], np.float32)
BETA = np.array([1.5, 0.5, -1], np.float32)
activation("PRELU", X, np.where(X >= 0, X, X * ALPHA[:, None, None]), ALPHA)
activation("PRELU-one", X, np.where(X >= 0, X, X * 0.5), np.array([0.5]), "PRELU")
activation("TANH", X, np.tanh(X))
activation("SCALED_TANH", X, 1.5 * np.tanh(0.5 * X), [1.5, 0.5])
activation("SIGMOID", X, 1 / (1 + np.exp(-X)))
activation("SIGMOID_HARD", X, np.clip(0.2 * X + 0.5, 0, 1), [0.2, 0.5])
activation("ELU", X, np.where(X >= 0, X, 0.75 * np.expm1(X)), 0.75)
activation("SOFTSIGN", X, X / (1 + np.abs(X)))
activation("SOFTPLUS", X * 60, np.logaddexp(0, X * 60))
activation("PARAMETRICSOFTPLUS", X, ALPHA[:, None, None] * np.logaddexp(0, BETA[:, None, None] * X),
           [ALPHA, BETA])
activation("LINEAR", X, 1.5 * X - 0.25, [1.5, -0.25])
activation("LINEAR-legacy", X, 1.5 * X - 0.25, [1.5, -0.25], "LINEAR", legacy=True)
cases.add("clampedReLU", X, lambda b: b.add_clamped_relu("f", "x", "y", 0.5, 1.25),
          np.minimum(1.25, np.where(X >= 0, X, X * 0.5)))
cases.add("clip", X, lambda b: b.add_clip("f", "x", "y", -0.5, 1.0), np.clip(X, -0.5, 1.0))
cases.add("gelu-exact", X, lambda b: b.add_gelu("f", "x", "y"), 0.5 * X * (1 + erf(X / math.sqrt(2))))
cases.add("gelu-tanh", X, lambda b: b.add_gelu("f", "x", "y", "TANH_APPROXIMATION"),
          0.5 * X * (1 + np.tanh(math.sqrt(2 / math.pi) * (X + 0.044715 * X**3))))
cases.add("gelu-sigmoid", X, lambda b: b.add_gelu("f", "x", "y", "SIGMOID_APPROXIMATION"),
          X / (1 + np.exp(-1.702 * X)))


def unary(mode, x, expected, **params):
    tag = "-".join([mode, *(f"{k}{v}" for k, v in params.items())])
    cases.add(f"unary-{tag}", x, lambda b: b.add_unary("f", "x", "y", mode, **params), expected)


unary("sqrt", POS, np.sqrt(POS))
unary("sqrt", POS, np.sqrt(2 * POS + 0.5), scale=2, shift=0.5)
unary("rsqrt", POS, 1 / np.sqrt(POS + 0.5), epsilon=0.5)
unary("rsqrt", POS * 0, np.full_like(POS, 1e3), epsilon=0)  # 0 is the default, 1e-6
unary("inverse", POS, 1 / (POS + 0.125), epsilon=0.125)
unary("power", POS, POS**1.5, alpha=1.5)
unary("exp", X, np.exp(X))
unary("log", POS, np.log(POS))
unary("abs", X, np.abs(X))
unary("threshold", X, np.maximum(0.25, X), alpha=0.25)
unary("abs", X, np.abs(X), scale=0)  # 0 is the default, 1

for fn, x, expected in [
        ("ceil", X, np.ceil(X)), ("floor", X, np.floor(X)), ("sign", X, np.sign(X)),
        ("round", np.array([0.5, 1.5, -0.5, 2.4]), [0, 2, 0, 2]), ("exp2", X, np.exp2(X)),
        ("sin", X, np.sin(X)), ("cos", X, np.cos(X)), ("tan", UNIT, np.tan(UNIT)), ("asin", UNIT, np.arcsin(UNIT)),
        ("acos", UNIT, np.arccos(UNIT)), ("atan", X, np.arctan(X)), ("sinh", X, np.sinh(X)), ("cosh", X, np.cosh(X)),
        ("tanh", X, np.tanh(X)), ("asinh", X, np.arcsinh(X)), ("acosh", POS + 1, np.arccosh(POS + 1)),
        ("atanh", UNIT * 0.9, np.arctanh(UNIT * np.float32(0.9))), ("erf", X, erf(X))]:
    cases.add(fn, x, lambda b, fn=fn: getattr(b, f"add_{fn}")("f", "x", "y"), np.asarray(expected), rtol=1e-5)

A, B = noise(4, 1, 3, seed=1), noise(5, 1, seed=2)
A.flat[0], B.flat[0] = B.flat[0], B.flat[0]
for name, layer, expected in [
        ("add", "add_add_broadcastable", A + B), ("sub", "add_subtract_broadcastable", A - B),
        ("mul", "add_multiply_broadcastable", A * B), ("div", "add_divide_broadcastable", A / B),
        ("max", "add_max_broadcastable", np.maximum(A, B)), ("min", "add_min_broadcastable", np.minimum(A, B)),
        ("floordiv", "add_floor_div_broadcastable", np.floor(A / B)),
        ("mod", "add_mod_broadcastable", np.mod(A, B))]:
    cases.add(f"broadcastable-{name}", [A, B], lambda b, f=layer: getattr(b, f)("f", ["x", "z"], "y"), expected)
cases.add("broadcastable-pow", [np.abs(A), B], lambda b: b.add_pow_broadcastable("f", ["x", "z"], "y"),
          np.abs(A) ** B)

for name, layer, more, test in [
        ("equal", "add_equal", {}, np.equal), ("notEqual", "add_not_equal", {}, np.not_equal),
        ("less", "add_less_than", {}, np.less), ("greater", "add_greater_than", {}, np.greater),
        ("lessEqual", "add_less_than", {"use_less_than_equal": True}, np.less_equal),
        ("greaterEqual", "add_greater_than", {"use_greater_than_equal": True}, np.greater_equal)]:
    cases.add(name, [A, B], lambda b, f=layer, m=more: getattr(b, f)("f", ["x", "z"], "y", **m),
              test(A, B).astype(np.float32))
    cases.add(f"{name}-alpha", A, lambda b, f=layer, m=more: getattr(b, f)("f", ["x"], "y", alpha=0.0, **m),
              test(A, 0).astype(np.float32))
P, Q = np.array([0, 1, 0, -2.5]), np.array([0, 0, 3, 1])
for name, test in [("AND", np.logical_and), ("OR", np.logical_or), ("XOR", np.logical_xor)]:
    cases.add(f"logical-{name}", [P, Q], lambda b, m=name: b.add_logical("f", ["x", "z"], "y", m),
              test(P, Q).astype(np.float32))
cases.add("logical-NOT", P, lambda b: b.add_logical("f", ["x"], "y", "NOT"), (P == 0).astype(np.float32))

# The first layers for several blobs broadcast [B, C, 1, 1] and the like.
C1, C2, C3 = noise(2, 3, 4, seed=3), noise(2, 1, 1, seed=4), noise(1, 3, 4, seed=5)
for mode, fold in [("ADD", lambda a, b, c: a + b + c), ("MULTIPLY", lambda a, b, c: a * b * c),
                   ("AVE", lambda a, b, c: (a + b + c) / 3), ("MAX", lambda a, b, c: np.maximum(np.maximum(a, b), c)),
                   ("MIN", lambda a, b, c: np.minimum(np.minimum(a, b), c))]:
    cases.add(f"elementwise-{mode}", [C1, C2, C3],
              lambda b, m=mode: b.add_elementwise("f", ["x", "z", "u"], "y", m), fold(C1, C2, C3), legacy=True)
cases.add("elementwise-add-alpha", C1, lambda b: b.add_elementwise("f", ["x"], "y", "ADD", 1.5), C1 + 1.5)
cases.add("elementwise-multiply-alpha", C1, lambda b: b.add_elementwise("f", ["x"], "y", "MULTIPLY", 1.5), C1 * 1.5)

for shape in [(1,), (2,), (1, 3, 4), (2, 3, 4)]:
    w, v = noise(*shape, seed=6), noise(*shape, seed=7)
    wide = [a.reshape(-1, 1, 1) if len(shape) == 1 else a for a in (w, v)]
    tag = "x".join(map(str, shape))
    cases.add(f"scale-{tag}", C1, lambda b, w=w, v=v, s=shape: b.add_scale("f", w, v, True, "x", "y", list(s), list(s)),
              C1 * wide[0] + wide[1])
    cases.add(f"bias-{tag}", C1, lambda b, v=v, s=shape: b.add_bias("f", v, "x", "y", list(s)), C1 + wide[1])
cases.add("scale-no-bias", C1, lambda b: b.add_scale("f", np.array([2.0]), None, False, "x", "y"), C1 * 2)
W0 = (noise(2, 3, seed=8) > 0).astype(np.float32)
cases.add("whereBroadcastable", [W0, noise(1, 3, seed=9), noise(2, 1, seed=10)],
          lambda b: b.add_where_broadcastable("f", ["x", "z", "u"], "y"),
          np.where(W0 != 0, noise(1, 3, seed=9), noise(2, 1, seed=10)))
