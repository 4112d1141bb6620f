"""Random cases of operators that run nested graphs. What the graphs compute is rounded once in each step."""
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from differential.harness import Case

I64, BOOL = TensorProto.INT64, TensorProto.BOOL


def constant(name, array):
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(array), name))


def typed(name, kind):
    return helper.make_tensor_value_info(name, kind, None)


def branch(r, side, dtype):
    """A graph without inputs: values of a random shape, negated or not."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [constant(f"{side}_k", r.values(r.shape(empty=0.1), dtype, special=True)),
             helper.make_node(r.pick(["Neg", "Abs", "Identity"]), [f"{side}_k"], [f"{side}_y"]),
             constant(f"{side}_z", r.ints(r.shape(most=2)))]
    return helper.make_graph(nodes, side, [], [typed(f"{side}_y", kind), typed(f"{side}_z", I64)])


def if_else(r, _):
    dtype = r.pick([np.float32, np.float64, np.int32])
    condition = np.asarray(r.coin()).reshape(r.pick([(), (1,)]))
    return Case("If", [condition], {"then_branch": branch(r, "then", dtype), "else_branch": branch(r, "else", dtype)},
                outputs=2, weights=(0,) if r.coin(0.3) else ())


def carried(r, shape, name):
    """Nodes that make `name`_next of `name`: another value of the same shape, or a longer one."""
    if shape and r.coin(0.3):
        return [helper.make_node("Concat", [name, name], [f"{name}_next"], axis=0)]
    return [constant(f"{name}_k", r.floats(shape)), helper.make_node("Mul", [name, f"{name}_k"], [f"{name}_m"]),
            helper.make_node("Sub", [f"{name}_m", f"{name}_k"], [f"{name}_next"])]


def loop(r, _):
    shapes = [r.shape(most=3) for _ in range(r.int(0, 2))]
    names = [f"v{k}" for k in range(len(shapes))]
    nodes = [node for shape, name in zip(shapes, names, strict=True) for node in carried(r, shape, name)]
    last = r.int(0, 4)
    nodes += [constant("last", np.array(last)), helper.make_node("Less", ["i", "last"], ["more"]),
              helper.make_node("Mul", ["i", "i"], ["square"]), constant("scale", r.floats(r.shape(most=2))),
              helper.make_node("Cast", ["i"], ["real"], to=TensorProto.FLOAT),
              helper.make_node("Mul", ["real", "scale"], ["scaled"])]
    body = helper.make_graph(
        nodes, "body", [helper.make_tensor_value_info("i", I64, []), helper.make_tensor_value_info("c", BOOL, []),
                        *(typed(n, TensorProto.FLOAT) for n in names)],
        [typed("more", BOOL), *(typed(f"{n}_next", TensorProto.FLOAT) for n in names), typed("square", I64),
         typed("scaled", TensorProto.FLOAT)])
    trips = np.array(r.int(0, 6)) if r.coin(0.7) else None
    condition = np.asarray(r.coin(0.9)) if r.coin(0.7) or not shapes else None  # both inputs are listed at least
    return Case("Loop", [trips, condition, *(r.floats(s) for s in shapes)], {"body": body},
                outputs=len(shapes) + 2, weights=(0, 1) if r.coin(0.3) else ())


CASES = {"If": if_else, "Loop": loop}
