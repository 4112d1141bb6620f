"""Random cases of element-wise operators."""
import numpy as np

from differential.harness import Case

F32, F64 = np.float32, np.float64
SIGNED = [np.int8, np.int16, np.int32, np.int64]
INTEGERS = [*SIGNED, np.uint8, np.uint16, np.uint32, np.uint64]
FLOATS = [F32, F32, F64]

# operator: (types, range of ordinary values, attributes as (name, low, high))
UNARY = {
    "Abs": ([*FLOATS, *INTEGERS], (-9, 9)), "Acos": ([F32], (-1, 1)), "Acosh": ([F32], (1, 20)),
    "Asin": ([F32], (-1, 1)), "Asinh": ([F32], (-20, 20)), "Atan": ([F32], (-9, 9)), "Atanh": ([F32], (-1, 1)),
    "Ceil": (FLOATS, (-9, 9)), "Celu": ([F32], (-4, 4), ("alpha", 0.3, 2)), "Cos": (FLOATS, (-30, 30)),
    "Cosh": ([F32], (-9, 9)), "Elu": ([F32], (-4, 4), ("alpha", 0.3, 2)), "Erf": ([F32], (-3, 3)),
    "Exp": (FLOATS, (-20, 20)), "Floor": (FLOATS, (-9, 9)), "HardSigmoid": (
        [F32], (-5, 5), ("alpha", 0.1, 0.4), ("beta", 0.2, 0.7)), "HardSwish": ([F32], (-5, 5)),
    "Identity": ([*FLOATS, *INTEGERS, np.bool_], (-9, 9)), "IsInf": (FLOATS, (-9, 9)), "IsNaN": (FLOATS, (-9, 9)),
    "LeakyRelu": ([F32], (-4, 4), ("alpha", 0.01, 0.4)), "Log": (FLOATS, (0, 50)), "Mish": ([F32], (-6, 6)),
    "Neg": ([*FLOATS, *SIGNED], (-9, 9)), "Reciprocal": (FLOATS, (-9, 9)),
    "Relu": ([*FLOATS, np.int32, np.int8], (-4, 4)), "Round": (FLOATS, (-9, 9)),
    "Selu": ([F32], (-4, 4), ("alpha", 1, 2), ("gamma", 0.9, 1.2)),
    "Shrink": ([F32], (-2, 2), ("bias", 0, 0.5), ("lambd", 0.2, 1)), "Sigmoid": (FLOATS, (-20, 20)),
    "Sign": ([*FLOATS, *INTEGERS], (-4, 4)), "Sin": (FLOATS, (-30, 30)), "Sinh": ([F32], (-9, 9)),
    "Softplus": ([F32], (-20, 20)), "Softsign": ([F32], (-9, 9)), "Sqrt": (FLOATS, (0, 50)),
    "Tan": ([F32], (-1.5, 1.5)), "Tanh": (FLOATS, (-5, 5)), "ThresholdedRelu": ([F32], (-3, 3), ("alpha", 0.2, 2)),
    "BitwiseNot": (INTEGERS, (-9, 9)), "Not": ([np.bool_], (0, 1)),
}

BINARY = {
    "Add": [*FLOATS, *INTEGERS], "Sub": [*FLOATS, *INTEGERS], "Mul": [*FLOATS, *INTEGERS], "Div": FLOATS,
    "And": [np.bool_], "Or": [np.bool_], "Xor": [np.bool_], "BitwiseAnd": INTEGERS, "BitwiseOr": INTEGERS,
    "BitwiseXor": INTEGERS, "Equal": [*FLOATS, *INTEGERS, np.bool_], "Greater": [*FLOATS, *INTEGERS],
    "GreaterOrEqual": [*FLOATS, *INTEGERS], "Less": [*FLOATS, *INTEGERS], "LessOrEqual": [*FLOATS, *INTEGERS],
    "PRelu": [F32],
}

VARIADIC = {"Max": [*FLOATS, np.int32, np.int64, np.uint64], "Min": [*FLOATS, np.int32, np.int64, np.uint64],
            "Sum": FLOATS, "Mean": [F32]}


def unary(r, kind):
    types, (low, high), *attributes = UNARY[kind]
    special = r.coin()
    x = r.values(r.shape(empty=0.1), r.pick(types), special, low, high)
    return Case(kind, [x], {name: float(np.float32(r.rng.uniform(a, b))) for name, a, b in attributes if r.coin(0.7)})


def is_inf(r, _):
    x = r.floats(r.shape(), r.pick(FLOATS), special=True)
    return Case("IsInf", [x], {"detect_negative": r.int(0, 1), "detect_positive": r.int(0, 1)})


def gelu(r, _):
    x = r.floats(r.shape(), special=r.coin(), low=-6, high=6)
    return Case("Gelu", [x], {"approximate": r.pick(["none", "tanh"])})


def swish(r, _):
    return Case("Swish", [r.floats(r.shape(), special=r.coin(), low=-6, high=6)],
                {"alpha": float(np.float32(r.rng.uniform(0.5, 2)))} if r.coin() else {}, opset=24)


def binary(r, kind):
    dtype, special = r.pick(BINARY[kind]), r.coin()
    a, b = r.broadcast_pair(empty=0.1)
    if kind == "PRelu":
        return Case(kind, [r.floats(np.broadcast_shapes(a, b), special=special), r.floats(b, special=special)])
    x, y = r.values(a, dtype, special), r.values(b, dtype, special)
    if np.dtype(dtype).kind in "iu" and kind not in ("Add", "Sub", "Mul") and r.coin():
        x = np.asarray(x % 3).astype(dtype)  # so that some are equal
        y = np.asarray(y % 3).astype(dtype)
    return Case(kind, [x, y])


def integer_div(r, _):
    a, b = r.broadcast_pair(empty=0.1)
    dtype = r.pick(INTEGERS)
    y = r.ints(b, dtype)
    return Case("Div", [r.ints(a, dtype), np.asarray(np.where(y == 0, 1, y)).astype(dtype)])


def mod(r, _):
    a, b = r.broadcast_pair(empty=0.1)
    if r.coin():
        return Case("Mod", [r.floats(a, special=r.coin()), r.floats(b, special=r.coin())], {"fmod": 1})
    dtype = r.pick(INTEGERS)
    y = r.ints(b, dtype)
    return Case("Mod", [r.ints(a, dtype), np.asarray(np.where(y == 0, 7, y)).astype(dtype)], {"fmod": r.int(0, 1)})


def bit_shift(r, _):
    a, b = r.broadcast_pair(empty=0.1)
    dtype = r.pick([np.uint8, np.uint16, np.uint32, np.uint64])
    return Case("BitShift", [r.ints(a, dtype), r.ints(b, dtype, 0, 7)], {"direction": r.pick(["LEFT", "RIGHT"])})


def power(r, _):
    a, b = r.broadcast_pair(empty=0.1)
    dtype = r.pick(FLOATS)
    if r.coin(0.3):
        y = r.ints(b, r.pick([np.int32, np.int64]), -3, 4)
        return Case("Pow", [r.floats(a, dtype, -3, 3, r.coin()), y])
    if r.coin(0.3):
        return Case("Pow", [r.ints(a, np.int64, -9, 9), r.ints(b, np.int64, 0, 5)])
    return Case("Pow", [r.floats(a, dtype, 0, 5, r.coin()), r.floats(b, dtype, -3, 3, r.coin())])


def variadic(r, kind):
    dtype, special = r.pick(VARIADIC[kind]), r.coin()
    shapes = list(r.broadcast_pair(empty=0.1))[:r.int(1, 2)]
    if len(shapes) == 2 and r.coin():
        shapes.append(np.broadcast_shapes(*shapes))
    return Case(kind, [r.values(s, dtype, special) for s in shapes])


def clip(r, _):
    dtype = r.pick([*FLOATS, np.int32, np.int64, np.uint8])
    x = r.values(r.shape(empty=0.1), dtype, r.coin())
    low, high = sorted([r.values((), dtype), r.values((), dtype)])
    given = [np.asarray(low, dtype) if r.coin(0.8) else None, np.asarray(high, dtype) if r.coin(0.8) else None]
    return Case("Clip", [x, *given], weights=(1, 2) if r.coin() else ())


def where(r, _):
    a, b = r.broadcast_pair(empty=0.1)
    dtype = r.pick([*FLOATS, np.int32, np.int64, np.uint8])
    condition = r.bools(r.pick([a, b, np.broadcast_shapes(a, b)]))
    return Case("Where", [condition, r.values(a, dtype, True), r.values(b, dtype, True)])


CASES = {**dict.fromkeys(UNARY, unary), **dict.fromkeys(BINARY, binary), **dict.fromkeys(VARIADIC, variadic),
         "IsInf": is_inf, "Gelu": gelu, "Swish": swish, "Mod": mod, "BitShift": bit_shift, "Pow": power, "Clip": clip,
         "Where": where, "Div (integers)": integer_div}
