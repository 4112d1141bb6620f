"""Random cases of integer products and of quantised operators, ONNX's and com.microsoft's."""
import numpy as np

from differential.harness import Case
from differential.sums import window

F16, F32, I8, U8, I32, I64 = np.float16, np.float32, np.int8, np.uint8, np.int32, np.int64
MICROSOFT = "com.microsoft"


def codes(r, shape, dtype, least=None, largest=None):
    """Any code; int8 weights stay small by default: older x86 has ONNX Runtime saturate their sums of pairs."""
    info = np.iinfo(dtype)
    least = info.min if least is None else least
    return r.ints(tuple(shape), dtype, least, (info.max if largest is None else largest) + 1)


def weights(r, shape, dtype):
    return codes(r, shape, dtype, -64, 64) if dtype is I8 else codes(r, shape, dtype, 0, 127)


def scale(r, shape=(), low=0.01, high=0.1):
    return r.floats(tuple(shape), F32, low, high)


def zero(r, dtype, shape=()):
    return codes(r, shape, dtype)


def types(r):
    return r.pick([(U8, U8), (U8, I8), (I8, I8)])


def matrices(r, left, right):
    m, k, n = (r.int(1, 40) for _ in range(3))
    batch = r.shape(r.int(0, 2), largest=3)
    return codes(r, (*batch, m, k), left), weights(r, (k, n) if r.coin() else (*batch, k, n), right)


def constants(r, *inputs):
    """Positions of the weights and what belongs to them, often initializers."""
    return inputs if r.coin(0.7) else ()


def matmul_integer(r, _):
    left, right = types(r)
    a, b = matrices(r, left, right)
    zeros = [zero(r, left), zero(r, right, (b.shape[-1],) if b.ndim == 2 and r.coin() else ())]
    return Case("MatMulInteger", [a, b, *zeros[:r.int(0, 2)]], weights=constants(r, 1))


def conv_operands(r, right, pads=True):
    spatial = r.int(1, 2)
    size = tuple(r.int(3, 9) for _ in range(spatial))
    attributes = window(r, spatial, size)
    if not pads:
        attributes.pop("pads", None)
        attributes.pop("auto_pad", None)
    group = r.pick([1, 1, 2, 3])
    c, m = group * r.int(1, 4), group * r.int(1, 6)
    attributes["group"] = group
    return (r.int(1, 2), c, *size), weights(r, (m, c // group, *attributes["kernel_shape"]), right), attributes


def conv_integer(r, _):
    right = r.pick([U8, I8])
    shape, w, attributes = conv_operands(r, right)
    zeros = [zero(r, U8), zero(r, right)]
    return Case("ConvInteger", [codes(r, shape, U8), w, *zeros[:r.int(0, 2)]], attributes, weights=constants(r, 1))


def qlinear_conv(r, _):
    left, right = types(r)
    shape, w, attributes = conv_operands(r, right)
    m = w.shape[0]
    each = r.coin()
    many = (m,) if each else ()
    w_zero = np.full(many, r.int(-5, 5) if right is I8 else r.int(100, 130), right)
    bias = [r.ints((m,), I32, -2000, 2000)] if r.coin() else []
    return Case("QLinearConv", [codes(r, shape, left), scale(r), zero(r, left), w, scale(r, many), w_zero,
                                scale(r, (), 0.05, 0.3), zero(r, left), *bias], attributes,
                weights=constants(r, 3, 4, 5))


def microsoft_qlinear_conv(r, kind):
    case = qlinear_conv(r, kind)
    case.domain = MICROSOFT
    if len(case.inputs[0].shape) == 4 and r.coin():
        case.inputs[0] = np.ascontiguousarray(np.moveaxis(case.inputs[0], 1, -1))
        case.attributes["channels_last"] = 1
    return case


def qlinear_matmul(r, _):
    left, right = types(r)
    a, b = matrices(r, left, right)
    many = (b.shape[-1],) if b.ndim == 2 and r.coin() else ()
    return Case("QLinearMatMul", [a, scale(r), zero(r, left), b, scale(r, many), zero(r, right, many),
                                  scale(r, (), 0.5, 3), zero(r, left)], weights=constants(r, 3, 4, 5))


def dynamic_quantize_matmul(r, _):
    right = r.pick([U8, I8])
    a, b = matrices(r, U8, right)
    n = b.shape[-1]
    many = (n,) if b.ndim == 2 and r.coin() else ()
    zeros = zero(r, right, many) if r.coin() else None
    return Case("DynamicQuantizeMatMul", [r.floats(a.shape, F32, -2, 3), b, scale(r, many), zeros,
                                          r.floats((n,)) if r.coin() else None], domain=MICROSOFT,
                weights=constants(r, 1))


def matmul_integer_to_float(r, _):
    left, right = types(r)
    a, b = matrices(r, left, right)
    n = b.shape[-1]
    many = (n,) if b.ndim == 2 and r.coin() else ()
    return Case("MatMulIntegerToFloat", [a, b, scale(r), scale(r, many), zero(r, left), zero(r, right, many),
                                         r.floats((n,)) if r.coin() else None], domain=MICROSOFT,
                weights=constants(r, 1))


def qgemm(r, _):
    left, right = types(r)
    m, k, n = (r.int(1, 40) for _ in range(3))
    ta, tb = r.int(0, 1), r.int(0, 1)
    many = (n,) if r.coin() else ()
    c = r.pick([None, (n,), (1, n), (m, 1), (m, n), (1,)])
    inputs = [codes(r, (k, m) if ta else (m, k), left), scale(r), zero(r, left),
              weights(r, (n, k) if tb else (k, n), right), scale(r, many), zero(r, right, many),
              None if c is None else r.ints(c, I32, -2000, 2000)]
    if r.coin():
        inputs += [scale(r, (), 0.5, 3), zero(r, left)]
    return Case("QGemm", inputs, {"transA": ta, "transB": tb, "alpha": r.pick([1.0, 0.5, 1.3])}, domain=MICROSOFT,
                weights=constants(r, 3, 4, 5))


def qlinear_binary(r, kind):
    dtype = r.pick([U8, I8])
    a, b = r.broadcast_pair()
    return Case(kind, [codes(r, a, dtype), scale(r), zero(r, dtype), codes(r, b, dtype), scale(r),
                       zero(r, dtype), scale(r, (), 0.05, 0.5), zero(r, dtype)], domain=MICROSOFT)


def qlinear_unary(r, kind):
    dtype = r.pick([U8, I8])
    y_scale = F32(1 / 256) if kind == "QLinearSigmoid" else scale(r)
    attributes = {"alpha": r.pick([0.01, 0.3, 1.5])} if kind == "QLinearLeakyRelu" else {}
    return Case(kind, [codes(r, r.shape(least=1), dtype), scale(r), zero(r, dtype), y_scale, zero(r, dtype)],
                attributes, domain=MICROSOFT)


def qlinear_softmax(r, kind):
    dtype = r.pick([U8, I8])
    shape = r.shape(least=1, most=3, largest=7)
    x = codes(r, shape, dtype)
    attributes = {"axis": r.axis(len(shape)), "opset": r.pick([11, 13])}
    return Case(kind, [x, scale(r), zero(r, dtype), F32(1 / 256), np.array(0, dtype) if dtype is U8 else
                       np.array(-128, I8)], attributes, domain=MICROSOFT)


def qlinear_concat(r, kind):
    dtype = r.pick([U8, I8])
    shape = list(r.shape(least=1))
    axis = r.axis(len(shape))
    inputs = [scale(r, (), 0.05, 0.2), zero(r, dtype)]
    for _part in range(r.int(2, 4)):
        shape[axis] = r.int(1, 4)
        inputs += [codes(r, shape, dtype), scale(r), zero(r, dtype)]
    return Case(kind, inputs, {"axis": axis}, domain=MICROSOFT)


def qlinear_where(r, kind):
    dtype = r.pick([U8, I8])
    a, b = r.broadcast_pair()
    return Case(kind, [r.bools(a), codes(r, a, dtype), scale(r), zero(r, dtype), codes(r, b, dtype), scale(r),
                       zero(r, dtype), scale(r, (), 0.05, 0.2), zero(r, dtype)], domain=MICROSOFT)


def qlinear_pool(r, kind):
    dtype = r.pick([U8, I8])
    size = tuple(r.int(3, 8) for _ in range(2))
    shape = (r.int(1, 2), r.int(1, 20), *size)
    attributes = {}
    if kind == "QLinearAveragePool":
        attributes = {"kernel_shape": [r.int(1, 3), r.int(1, 3)], "strides": [r.int(1, 2), r.int(1, 2)],
                      "count_include_pad": r.int(0, 1)}
        if r.coin():
            attributes["pads"] = [r.int(0, k - 1) for k in attributes["kernel_shape"]] * 2
    if r.coin(0.4):
        shape = (shape[0], *size, shape[1])
        attributes["channels_last"] = 1
    return Case(kind, [codes(r, shape, dtype), scale(r), zero(r, dtype), scale(r), zero(r, dtype)], attributes,
                domain=MICROSOFT)


def packed_bytes(count, bits):
    return (count * bits + 7) // 8


def matmul_nbits(r, kind):
    bits, block, dtype = r.pick([2, 4, 8]), r.pick([16, 32, 64]), r.pick([F32, F32, F16])
    m, k, n = r.int(1, 5), r.int(1, 150), r.int(1, 20)
    blocks = (k + block - 1) // block
    a = r.floats((*r.shape(r.int(0, 1), largest=2), m, k), dtype, -1, 1)
    inputs = [a, codes(r, (n, blocks, block * bits // 8), U8), scale(r, (n, blocks)).astype(dtype)]
    form = r.int(0, 2 if bits < 8 else 1)
    inputs.append(None if form == 0 else codes(r, (n, packed_bytes(blocks, bits)), U8) if form == 1 else
                  r.floats((n, blocks), dtype, 1, 2))
    groups = bits == 4 and form != 1 and r.coin(0.4)  # with both ONNX Runtime leaves the zero points out
    inputs.append(r.ints((k,), I32, 0, blocks) if groups else None)
    inputs.append(r.floats((n,), dtype) if r.coin() else None)
    return Case(kind, inputs, {"K": k, "N": n, "bits": bits, "block_size": block}, domain=MICROSOFT,
                weights=constants(r, 1, 2, 3))


def gather_block_quantized(r, kind):
    block, bits = r.pick([16, 32]), r.pick([4, 8])
    rows, columns = r.int(1, 6), 2 * r.int(1, 40)
    blocks = (columns + block - 1) // block
    data = codes(r, (rows, packed_bytes(columns, bits)), U8)
    zeros = codes(r, (rows, packed_bytes(blocks, bits)), U8) if r.coin() else None
    picks = r.ints(r.shape(r.int(0, 2), largest=4), r.pick([I32, I64]), -rows, rows)
    return Case(kind, [data, picks, scale(r, (rows, blocks)).astype(r.pick([F32, F16])), zeros],
                {"bits": bits, "block_size": block, "gather_axis": 0, "quantize_axis": 1}, domain=MICROSOFT)


def microsoft_quantize(r, kind):
    dtype = r.pick([U8, I8])
    shape = r.shape(least=1)
    attributes, many = {}, ()
    if r.coin():
        attributes["axis"] = r.int(0, len(shape) - 1)
        many = (shape[attributes["axis"]],)
    wide = r.pick([F32, F16]) if kind == "DequantizeLinear" else F32
    x = codes(r, shape, dtype) if kind == "DequantizeLinear" else r.floats(shape, wide, -5, 5)
    return Case(kind, [x, scale(r, many).astype(wide), zero(r, dtype, many)], attributes, domain=MICROSOFT)


def dynamic_quantize_lstm(r, kind):
    direction = r.pick(["forward", "reverse", "bidirectional"])
    d = 2 if direction == "bidirectional" else 1
    steps, batch, width, hidden = r.int(1, 5), r.int(1, 3), r.int(1, 5), r.int(1, 6)
    dtype = r.pick([U8, I8])
    zeros = np.zeros(d, I8) if dtype is I8 else np.full(d, r.int(20, 100), U8)
    def floats(*shape):
        return r.floats(shape, low=-0.7, high=0.7)
    inputs = [floats(steps, batch, width), weights(r, (d, width, 4 * hidden), dtype),
              weights(r, (d, hidden, 4 * hidden), dtype), floats(d, 8 * hidden) if r.coin() else None, None,
              floats(d, batch, hidden) if r.coin() else None, floats(d, batch, hidden) if r.coin() else None,
              floats(d, 3 * hidden) if r.coin(0.3) else None, scale(r, (d,), 0.005, 0.01), zeros,
              scale(r, (d,), 0.005, 0.01), zeros]
    return Case(kind, inputs, {"hidden_size": hidden, "direction": direction}, outputs=3, domain=MICROSOFT,
                weights=constants(r, 1, 2))


CASES = {
    "MatMulInteger": matmul_integer, "ConvInteger": conv_integer, "QLinearConv": qlinear_conv,
    "QLinearMatMul": qlinear_matmul, "QLinearConv (com.microsoft)": microsoft_qlinear_conv,
    "DynamicQuantizeMatMul": dynamic_quantize_matmul, "MatMulIntegerToFloat": matmul_integer_to_float, "QGemm": qgemm,
    "QLinearAdd": qlinear_binary, "QLinearMul": qlinear_binary, "QLinearSigmoid": qlinear_unary,
    "QLinearLeakyRelu": qlinear_unary, "QLinearSoftmax": qlinear_softmax, "QLinearConcat": qlinear_concat,
    "QLinearWhere": qlinear_where, "QLinearAveragePool": qlinear_pool, "QLinearGlobalAveragePool": qlinear_pool,
    "MatMulNBits": matmul_nbits, "GatherBlockQuantized": gather_block_quantized,
    "QuantizeLinear (com.microsoft)": microsoft_quantize, "DequantizeLinear (com.microsoft)": microsoft_quantize,
    "DynamicQuantizeLSTM": dynamic_quantize_lstm}
