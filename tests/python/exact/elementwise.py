"""Operators of one element (or of elements that stand at one place): steps in the order that their formulas have."""
import math

import numpy as np

from exact.table import Given, row, setting, shape_of, usual, wide, within

MANY = 400  # elements of a unary case: enough to meet results that two roundings would spoil


def one(make=wide, **attributes):
    """Cases of one input; attributes are functions of the generator."""
    return lambda r: Given([make(r, MANY)], {k: f(r) for k, f in attributes.items()})


def two(first=wide, second=wide, **attributes):
    """Two inputs that broadcast."""
    def given(r):
        shape = shape_of(r, 3, 9)
        other = tuple(n if r.random() < 0.7 else 1 for n in shape[r.integers(0, 2):])
        return Given([first(r, *shape), second(r, *other)], {k: f(r) for k, f in attributes.items()})
    return given


def several(r):
    shapes = [(30, 4) if r.random() < 0.7 else (4,) for _ in range(r.integers(1, 4))]
    return Given([wide(r, *shape) for shape in [(30, 4), *shapes]])


# ---- Exact, and one rounding

ABOUT_ONE = one(lambda r, *s: usual(r, *s, scale=4))


@row("Abs", one())
def absolute(m, x):
    return abs(x)


@row("Neg", one())
def negative(m, x):
    return -x


def whole(f):
    return lambda m, x: x.each(f)


row("Ceil", ABOUT_ONE)(whole(np.ceil))
row("Floor", ABOUT_ONE)(whole(np.floor))
row("Round", ABOUT_ONE)(whole(np.rint))
row("Sign", one())(lambda m, x: x.each(np.sign))
row("Add", two())(lambda m, a, b: a + b)
row("Sub", two())(lambda m, a, b: a - b)
row("Mul", two())(lambda m, a, b: a * b)
row("Div", two())(lambda m, a, b: a / b)
row("Sqrt", one(lambda r, *s: np.abs(wide(r, *s))))(lambda m, x: m.sqrt(x))
row("Reciprocal", one())(lambda m, x: 1 / x)


@row("Mod", lambda r: Given([wide(r, MANY), wide(r, MANY)], {"fmod": 1}), label="fmod")
def remainder(m, a, b, fmod):
    with np.errstate(all="ignore"):
        return m.number(np.fmod(a.lo, b.lo))  # exact


@row("Mod", lambda r: Given([usual(r, MANY, scale=50), usual(r, MANY)]))
def modulo(m, a, b):
    rest = remainder(m, a, b, 1)
    zero = m.number(np.copysign(0.0, b.lo))
    other = (rest.lo < 0) != (b.lo < 0)
    return m.where(rest.lo == 0, zero, m.where(other, rest + b, rest))


def total(m, *terms):
    y = terms[0]
    for term in terms[1:]:
        y = y + term
    return y


row("Sum", several)(total)
row("Mean", several)(lambda m, *terms: total(m, *terms) / len(terms))


def extreme(choice):
    def steps(m, *terms):
        y = terms[0]
        for term in terms[1:]:
            y = getattr(m, choice)(y, term)
        return y
    return steps


row("Max", several)(extreme("maximum"))
row("Min", several)(extreme("minimum"))


# ---- Activations

@row("Relu", one())
def relu(m, x):
    return m.where(x.lo < 0, 0.0, x)


@row("Clip", lambda r: Given([wide(r, MANY), usual(r) - 1, usual(r) + 1]))
def clip(m, x, low, high):
    x = m.where(x.lo < low.lo, low, x)
    return m.where(x.lo > high.lo, high, x)


@row("LeakyRelu", one(alpha=setting))
def leaky(m, x, alpha):
    return m.where(x.lo < 0, alpha * x, x)


@row("PRelu", two())
def prelu(m, x, slope):
    return m.where(x.lo < 0, slope * x, x)


@row("ThresholdedRelu", one(alpha=setting))
def thresholded(m, x, alpha):
    return m.where(x.lo > np.float32(alpha), x, 0.0)


@row("Shrink", one(bias=setting, lambd=lambda r: abs(setting(r))))
def shrink(m, x, bias, lambd):
    return m.where(x.lo < -np.float32(lambd), x + bias, m.where(x.lo > np.float32(lambd), x - bias, 0.0))


def hard(m, x, alpha, beta):
    return m.maximum(m.minimum(alpha * x + beta, 1.0), 0.0)


row("HardSigmoid", one(alpha=setting, beta=setting))(hard)
row("HardSwish", one(lambda r, *s: usual(r, *s, scale=3)))(lambda m, x: x * hard(m, x, float(np.float32(1 / 6)), 0.5))


def exp(m, x):
    return m.function(np.exp, x)


def log(m, x):
    return m.function(np.log, x)


def tanh(m, x):
    return m.function(np.tanh, x)


@np.vectorize
def erf64(x):
    return math.erf(x) if not math.isnan(x) else x


def erf(m, x):
    return m.function(erf64, x)


def elu(m, x, alpha=1.0):
    return m.where(x.lo < 0, (exp(m, x) - 1.0) * alpha, x)


row("Elu", one(alpha=setting))(elu)


@row("Celu", one(alpha=lambda r: setting(r) or 1.0))
def celu(m, x, alpha):
    return elu(m, x / alpha) * alpha


@row("Selu", one(alpha=setting, gamma=lambda r: abs(setting(r))))
def selu(m, x, alpha, gamma):
    return m.where(x.lo < 0, (exp(m, x) * alpha - alpha) * gamma, x * gamma)


def sigmoid(m, x):
    e = exp(m, m.where(x.lo < 0, x, -x))
    return m.where(x.lo < 0, e / (1.0 + e), 1.0 / (1.0 + e))


row("Sigmoid", one())(sigmoid)


def softplus(m, x):
    return log(m, exp(m, x) + 1.0)


row("Softplus", one())(softplus)


@row("Mish", one())
def mish(m, x):
    return x * tanh(m, softplus(m, x))


@row("Softsign", one())
def softsign(m, x):
    return x / (abs(x) + 1.0)


def swish(m, x, alpha):
    return x * sigmoid(m, x * alpha)


row("Swish", one(alpha=setting))(swish)


@row("SwiGLU", lambda r: Given([wide(r, MANY), wide(r, MANY)], {"alpha": setting(r)}), opset=28)
def swiglu(m, a, b, alpha):
    return swish(m, a, alpha) * b


@row("Gelu", one())
def gelu(m, x):
    return (x * 0.5) * (1.0 + erf(m, x * float(np.float32(1 / math.sqrt(2)))))


@row("Gelu", one(approximate=lambda r: "tanh"), label="tanh")
def gelu_tanh(m, x, approximate):
    cube = m.function(np.power, x, m.number(np.full(x.shape, 3.0)))
    factor = m.sqrt(m.number(float(np.float32(2 / math.pi))))
    return (x * 0.5) * (1.0 + tanh(m, factor * (x + cube * 0.044715)))


# ---- Elementary functions

def function(kind, f, make=wide):
    row(kind, one(make))(lambda m, x: m.function(f, x))


UNIT, POSITIVE = within(-1, 1), within(1e-3, 30)
for kind, f, make in [
        ("Acos", np.arccos, UNIT), ("Acosh", np.arccosh, within(1, 40)), ("Asin", np.arcsin, UNIT),
        ("Asinh", np.arcsinh, wide), ("Atan", np.arctan, wide), ("Atanh", np.arctanh, UNIT), ("Cos", np.cos, wide),
        ("Cosh", np.cosh, within(-12, 12)), ("Erf", erf64, wide), ("Exp", np.exp, within(-18, 12)),
        ("Log", np.log, POSITIVE), ("Sin", np.sin, wide), ("Sinh", np.sinh, within(-12, 12)), ("Tan", np.tan, wide),
        ("Tanh", np.tanh, wide)]:
    function(kind, f, make)


@row("Pow", two(lambda r, *s: np.abs(usual(r, *s)), usual), opset=15)
def power(m, x, y):
    return m.function(np.power, x, y)


# ---- Several inputs

@row("BatchNormalization", lambda r: Given(
    [usual(r, 3, 5, 7), usual(r, 5), usual(r, 5), usual(r, 5), np.abs(usual(r, 5))],
    {"epsilon": abs(setting(r, 1e-3))}))
def batch_normalization(m, x, scale, bias, mean, variance, epsilon):
    a = scale / m.sqrt(variance + epsilon)
    b = m.fma(-mean, a, bias)
    return m.fma(x, a[:, None], b[:, None])


@row("Scaler", lambda r: Given([wide(r, 60, 4)], {"offset": [setting(r) for _ in range(4)],
                                                  "scale": [setting(r) for _ in range(4)]}),
     domain="ai.onnx.ml", declared=False)
def scaler(m, x, offset, scale):
    return (x - np.array(offset, np.float32)) * np.array(scale, np.float32)
