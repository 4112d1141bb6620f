"""Random cases of sequences and optionals, inside a branch because arrays alone travel here, and of Scan."""

import numpy as np
from onnx import TensorProto, helper

from differential.control import constant, typed
from differential.harness import Case

FLOAT, I64 = TensorProto.FLOAT, TensorProto.INT64


def in_branch(nodes, outputs):
    """A case that runs the nodes: in both branches of an If, under names of their own."""

    def branch(side):
        def named(names):
            return [f"{side}_{name}" if name else "" for name in names]

        copies = []
        for node in nodes:
            copy = type(node)()
            copy.CopyFrom(node)
            copy.input[:], copy.output[:] = named(node.input), named(node.output)
            copies.append(copy)
        return helper.make_graph(copies, side, [], [typed(f"{side}_{name}", kind) for name, kind in outputs])

    graphs = {"then_branch": branch("then"), "else_branch": branch("else")}
    return Case("If", [np.array(True)], graphs, outputs=len(outputs))


def doubled(r):
    """The body of a SequenceMap: an item times a number, and the item itself."""
    nodes = [constant("k", np.float32(r.floats(())[()])), helper.make_node("Mul", ["e", "k"], ["m"])]
    return helper.make_graph(nodes, "body", [typed("e", FLOAT)], [typed("m", FLOAT)])


def changed(r, empty):
    """Tensors of one rank put together or none, some put in, taken out, mapped and read again."""
    shape = r.shape(least=1, most=3)
    count = r.int(1, 4)
    nodes = [constant(f"t{k}", r.floats(shape, special=True)) for k in range(count)]
    size = 0 if empty else count
    start = ("SequenceEmpty", []) if empty else ("SequenceConstruct", [f"t{k}" for k in range(count)])
    nodes.append(helper.make_node(*start, ["s0"]))
    nodes += [constant("p", np.array(r.int(-size, size))),
              helper.make_node("SequenceInsert", ["s0", "t0", "p"], ["s1"]),
              helper.make_node("SequenceInsert", ["s1", "t0"], ["s2"]),
              constant("q", np.array(r.int(-size - 2, size + 1))),
              helper.make_node("SequenceErase", ["s2", "q"] if r.coin() else ["s2"], ["s3"]),
              helper.make_node("SequenceMap", ["s3"], ["s4"], body=doubled(r)),
              helper.make_node("SequenceLength", ["s4"], ["n"]), constant("at", np.array(r.int(-size - 1, size))),
              helper.make_node("SequenceAt", ["s4", "at"], ["item"])]  # fmt: skip
    stacks = r.coin()
    axis = r.int(-len(shape) - stacks, len(shape) + stacks - 1)
    nodes.append(helper.make_node("ConcatFromSequence", ["s4"], ["all"], axis=axis, new_axis=int(stacks)))
    return in_branch(nodes, [("n", I64), ("item", FLOAT), ("all", FLOAT)])


def built(r, _):
    return changed(r, empty=False)


def grown(r, _):
    return changed(r, empty=True)


def parted(r, _):
    """A tensor in parts of the same size, of given sizes or of extent 1, put together again."""
    shape = r.shape(least=1, most=3)
    axis = r.int(-len(shape), len(shape) - 1)
    extent = shape[axis]
    nodes = [constant("x", r.floats(shape))]
    form = r.pick(["each", "sizes", "ones"])
    if form == "each":
        nodes.append(constant("split", np.array(r.int(1, extent + 1))))
    if form == "sizes":
        first = r.int(0, extent)
        nodes.append(constant("split", np.array([first, extent - first])))
    inputs = ["x"] if form == "ones" else ["x", "split"]
    nodes += [helper.make_node("SplitToSequence", inputs, ["s"], axis=axis), constant("zero", np.array(0)),
              helper.make_node("SequenceAt", ["s", "zero"], ["part"]),
              helper.make_node("ConcatFromSequence", ["s"], ["all"], axis=axis)]  # fmt: skip
    return in_branch(nodes, [("part", FLOAT), ("all", FLOAT)])


def held(r, _):
    nodes = [constant("x", r.floats(r.shape())), helper.make_node("Optional", ["x"], ["o"]),
             helper.make_node("OptionalHasElement", ["o"], ["has"]),
             helper.make_node("OptionalGetElement", ["o"], ["y"])]  # fmt: skip
    return in_branch(nodes, [("has", TensorProto.BOOL), ("y", FLOAT)])


def scan(r, _):
    """One state, one or two scanned tensors, along any axis in either direction."""
    inner = r.shape(least=1, most=2)
    extent, count = r.int(1, 4), r.int(1, 2)
    axes = [r.int(0, len(inner)) for _ in range(count)]
    nodes = [constant("k", r.floats(inner)), helper.make_node("Mul", ["state", "k"], ["m"]),
             helper.make_node("Sub", ["m", "e0"], ["next"]),
             helper.make_node("Neg", [f"e{count - 1}"], ["made"])]  # fmt: skip
    names = ["state", *(f"e{k}" for k in range(count))]
    body = helper.make_graph(nodes, "body", [typed(name, FLOAT) for name in names],
                             [typed("next", FLOAT), typed("made", FLOAT)])  # fmt: skip
    given = [r.floats([*inner[:axis], extent, *inner[axis:]]) for axis in axes]
    attributes = {"body": body, "num_scan_inputs": count, "scan_input_axes": axes,
                  "scan_input_directions": [r.int(0, 1) for _ in range(count)],
                  "scan_output_axes": [r.int(-len(inner) - 1, len(inner))],
                  "scan_output_directions": [r.int(0, 1)]}  # fmt: skip
    return Case("Scan", [r.floats(inner), *given], attributes, outputs=2)


CASES = {"If built": built, "If grown": grown, "If parted": parted, "If held": held, "Scan": scan}
