#!/usr/bin/env python3
"""Synthetic real-size ONNX models with seeded random weights (public architectures written from scratch).

usage: make_models.py OUTDIR [name ...]
names: mlp resnet50 mobilenet bert gemm1024 gemm2048 gemm4096 conv3 big bigext   (default: all but big*)
needs: numpy, onnx
"""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as H
from onnx import numpy_helper as N

OPSET = 17


class B:
    """Small graph builder: unique names, seeded initializers."""

    def __init__(self, seed):
        self.r = np.random.default_rng(seed)
        self.nodes, self.init, self.n = [], [], 0

    def name(self, stem):
        self.n += 1
        return f"{stem}_{self.n}"

    def const(self, a, stem="c"):
        n = self.name(stem)
        self.init.append(N.from_array(np.ascontiguousarray(a), n))
        return n

    def w(self, shape, scale):
        return self.const((self.r.standard_normal(shape, dtype=np.float32) * np.float32(scale)), "w")

    def op(self, kind, ins, outs=1, **attr):
        o = [self.name(kind.lower()) for _ in range(outs)]
        self.nodes.append(H.make_node(kind, ins, o, name=o[0] + "_node", **attr))
        return o[0] if outs == 1 else o

    def save(self, path, x, y, external=None):
        g = H.make_graph(self.nodes, os.path.basename(path)[:-5], [x], [y], self.init)
        m = H.make_model(g, opset_imports=[H.make_opsetid("", OPSET)], ir_version=8, producer_name="make_models")
        if external:
            onnx.save(m, path, save_as_external_data=True, all_tensors_to_one_file=True,
                      location=external, size_threshold=1024)
        else:
            if m.ByteSize() < 1 << 28:
                onnx.checker.check_model(m)
            onnx.save(m, path)


def vi(name, shape, t=T.FLOAT):
    return H.make_tensor_value_info(name, t, shape)


def mlp(path):
    b = B(1)
    h = b.op("Gemm", ["x", b.w((4, 8), .5), b.w((8,), .1)])
    h = b.op("Relu", [h])
    b.nodes.append(H.make_node("Gemm", [h, b.w((8, 3), .5), b.w((3,), .1)], ["y"], name="out"))
    b.save(path, vi("x", [1, 4]), vi("y", [1, 3]))


def conv(b, x, ci, co, k, s=1, p=None, g=1, act="Relu", gain=1.0):
    p = (k - 1) // 2 if p is None else p
    w = b.w((co, ci // g, k, k), gain * (2.0 / (ci // g * k * k)) ** .5)
    y = b.op("Conv", [x, w, b.w((co,), .05)], kernel_shape=[k, k], strides=[s, s], pads=[p] * 4, group=g)
    if act == "Relu":
        y = b.op("Relu", [y])
    elif act == "Relu6":
        y = b.op("Clip", [y, b.zero, b.six])
    return y


def resnet50(path, size=224, blocks=(3, 4, 6, 3), width=64, classes=1000):
    """ResNet-50 v1.5 shape, batch norm already folded: 53 Conv, 49 Relu, 16 Add, 4.1 GMAC, 25.5 M weights."""
    b = B(2)
    x = conv(b, "x", 3, width, 7, 2)
    x = b.op("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    ci = width
    for mid, n, s in zip((width, 2 * width, 4 * width, 8 * width), blocks, (1, 2, 2, 2), strict=False):
        for i in range(n):
            st = s if i == 0 else 1
            y = conv(b, x, ci, mid, 1)
            y = conv(b, y, mid, mid, 3, st)
            y = conv(b, y, mid, mid * 4, 1, act="", gain=.3)
            if i == 0:
                x = conv(b, x, ci, mid * 4, 1, st, act="", gain=.8)
            x = b.op("Relu", [b.op("Add", [x, y])])
            ci = mid * 4
    x = b.op("Flatten", [b.op("GlobalAveragePool", [x])], axis=1)
    b.nodes.append(H.make_node("Gemm", [x, b.w((classes, ci), .02), b.w((classes,), .01)], ["y"], name="fc", transB=1))
    b.save(path, vi("x", [1, 3, size, size]), vi("y", [1, classes]))


MOBILENET = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def mobilenet(path, size=224, stages=MOBILENET, features=1280, classes=1000):
    """MobileNetV2 1.0 shape, batch norm folded: 52 Conv, 35 Clip(0,6), 10 Add, 0.3 GMAC, 3.5 M weights."""
    b = B(3)
    b.zero, b.six = b.const(np.float32(0)), b.const(np.float32(6))
    x = conv(b, "x", 3, 32, 3, 2, act="Relu6")
    ci = 32
    for t, c, n, s in stages:
        for i in range(n):
            st = s if i == 0 else 1
            y = conv(b, x, ci, ci * t, 1, act="Relu6") if t > 1 else x
            y = conv(b, y, ci * t, ci * t, 3, st, g=ci * t, act="Relu6")
            y = conv(b, y, ci * t, c, 1, act="")
            x = b.op("Add", [x, y]) if st == 1 and ci == c else y
            ci = c
    x = conv(b, x, ci, features, 1, act="Relu6")
    x = b.op("Flatten", [b.op("GlobalAveragePool", [x])], axis=1)
    head = [x, b.w((classes, features), .03), b.w((classes,), .01)]
    b.nodes.append(H.make_node("Gemm", head, ["y"], name="fc", transB=1))
    b.save(path, vi("x", [1, 3, size, size]), vi("y", [1, classes]))


def bert(path, layers=12, d=768, heads=12, ff=3072, s=128, vocab=30522):
    """BERT-base shape, decomposed as exporters emit it: Gather embeddings, LayerNormalization, MatMul+Add,
    scaled dot-product attention, Gelu through Erf. About 11.2 GMAC, 108 M weights at sequence 128."""
    b = B(4)

    def i64(*v):
        return b.const(np.array(v, np.int64), "i")

    def lin(x, i, o):
        return b.op("Add", [b.op("MatMul", [x, b.w((i, o), i ** -.5)]), b.w((o,), .02)])

    def ln(x):
        return b.op("LayerNormalization", [x, b.const(np.ones(d, np.float32)), b.w((d,), .02)], axis=-1, epsilon=1e-12)

    e = b.op("Gather", [b.w((vocab, d), .5), "x"], axis=0)
    x = ln(b.op("Add", [e, b.w((1, s, d), .2)]))
    sh, back = i64(1, s, heads, d // heads), i64(1, s, d)
    half, one, rt2 = (b.const(np.float32(v)) for v in (.5, 1., 2 ** .5))
    scale = b.const(np.float32((d // heads) ** .5))
    for _ in range(layers):
        q, k, v = (b.op("Reshape", [lin(x, d, d), sh]) for _ in range(3))
        q = b.op("Transpose", [q], perm=[0, 2, 1, 3])
        k = b.op("Transpose", [k], perm=[0, 2, 3, 1])
        v = b.op("Transpose", [v], perm=[0, 2, 1, 3])
        a = b.op("Softmax", [b.op("Div", [b.op("MatMul", [q, k]), scale])], axis=-1)
        c = b.op("Reshape", [b.op("Transpose", [b.op("MatMul", [a, v])], perm=[0, 2, 1, 3]), back])
        x = ln(b.op("Add", [x, lin(c, d, d)]))
        h = lin(x, d, ff)
        g = b.op("Mul", [b.op("Mul", [h, half]), b.op("Add", [b.op("Erf", [b.op("Div", [h, rt2])]), one])])
        x = ln(b.op("Add", [x, lin(g, ff, d)]))
    b.nodes.append(H.make_node("Identity", [x], ["y"], name="out"))
    b.save(path, vi("x", [1, s], T.INT64), vi("y", [1, s, d]))


def gemm(path, n):
    """One MatMul of a runtime n x n input by an n x n weight."""
    b = B(5)
    b.nodes.append(H.make_node("MatMul", ["x", b.w((n, n), n ** -.5)], ["y"], name="mm"))
    b.save(path, vi("x", [n, n]), vi("y", [n, n]))


def conv3(path, c=128, hw=56):
    """One 3x3 stride-1 Conv (is a fast algorithm used? compare GMAC/s with a GEMM)."""
    b = B(6)
    b.nodes.append(H.make_node("Conv", ["x", b.w((c, c, 3, 3), (c * 9) ** -.5)], ["y"], name="c", kernel_shape=[3, 3],
                               pads=[1] * 4))
    b.save(path, vi("x", [1, c, hw, hw]), vi("y", [1, c, hw, hw]))


def big(path, external=None):
    """1 GiB of float32 weights: 16 square layers of 4096 (64 MiB each), Relu between."""
    b = B(7)
    x = "x"
    for i in range(16):
        y = "y" if i == 15 else b.name("h")
        b.nodes.append(H.make_node("MatMul", [x, b.w((4096, 4096), 1 / 64)], [y], name=f"mm{i}"))
        x = y if i == 15 else b.op("Relu", [y])
    b.save(path, vi("x", [1, 4096]), vi("y", [1, 4096]), external)


MAKERS = {
    "mlp": mlp, "resnet50": resnet50, "mobilenet": mobilenet, "bert": bert, "conv3": conv3, "big": big,
    "gemm1024": lambda path: gemm(path, 1024), "gemm2048": lambda path: gemm(path, 2048),
    "gemm4096": lambda path: gemm(path, 4096), "bigext": lambda path: big(path, external="bigext.data"),
}


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    for name in sys.argv[2:] or [n for n in MAKERS if not n.startswith("big")]:
        MAKERS[name](os.path.join(out, name + ".onnx"))


if __name__ == "__main__":
    main()
