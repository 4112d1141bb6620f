"""Random cases of attention and of what stands around it: rotary embeddings, caches, convolutions and recurrences."""
import numpy as np

from differential.harness import Case

F32, F64, F16, I64 = np.float32, np.float64, np.float16, np.int64
ALIGNED = 24  # the operator set from which a mask may be shorter than the keys


def _mask(r, shape, dtype):
    """Of rank 2 to 4; leading dimensions may be 1. ONNX Runtime repeats masks along no other axis."""
    dims = [1 if r.coin(0.3) else d for d in shape[:-2]] + [*shape[-2:]]
    dims = dims[r.int(0, 2):]
    if r.coin():
        mask = r.bools(dims)
        mask[..., 0] = True  # some key is left to every query
        return mask
    return r.floats(dims, dtype)


def attention(r, _):
    dtype = r.pick([F32, F32, F32, F16])
    batch, kv_heads, group = r.int(1, 3), r.int(1, 3), r.int(1, 3)
    queries, keys, past = r.int(1, 6), r.int(1, 8), r.pick([0, 0, r.int(1, 4)])
    width, values = r.int(1, 9), r.int(1, 9)
    heads = kv_heads * group
    attributes = {}

    def operand(count, rows, each):
        shape = (batch, rows, count * each) if packed else (batch, count, rows, each)
        return r.floats(shape, dtype, -1, 1)

    packed = r.coin(0.4)
    if packed:
        attributes |= {"q_num_heads": heads, "kv_num_heads": kv_heads}
    if r.coin(0.3):
        attributes["scale"] = float(F32(r.rng.uniform(0.1, 1)))
    if r.coin(0.3):
        attributes["softcap"] = float(F32(r.rng.uniform(0.5, 4)))
    if past == 0 and r.coin(0.3):
        attributes["is_causal"] = 1
    inputs = [operand(heads, queries, width), operand(kv_heads, keys, width), operand(kv_heads, keys, values)]
    if r.coin(0.6) and "is_causal" not in attributes:
        inputs.append(_mask(r, (batch, heads, queries, past + keys), dtype))
    outputs = 1
    if past:
        inputs += [None] * (4 - len(inputs))
        inputs += [r.floats((batch, kv_heads, past, width), dtype, -1, 1),
                   r.floats((batch, kv_heads, past, values), dtype, -1, 1)]
        outputs = 3
    return Case("Attention", inputs, attributes, outputs=outputs, opset=r.pick([23, ALIGNED]))


def rotary(r, _):
    batch, heads, rows, width = r.int(1, 3), r.int(1, 3), r.int(1, 5), 2 * r.int(1, 5)
    attributes = {"interleaved": r.int(0, 1)}
    turned = width
    if r.coin(0.4) and width > 2:
        turned = attributes["rotary_embedding_dim"] = 2 * r.int(1, width // 2)
    packed = r.coin()
    if packed or "rotary_embedding_dim" in attributes:
        attributes["num_heads"] = heads
    x = r.floats((batch, rows, heads * width) if packed else (batch, heads, rows, width))
    if r.coin():
        cache, positions = (7, turned // 2), r.ints((batch, rows), I64, 0, 7)
    else:
        cache, positions = (batch, rows, turned // 2), None
    return Case("RotaryEmbedding", [x, r.floats(cache, low=-1, high=1), r.floats(cache, low=-1, high=1), positions],
                attributes, opset=23)


def tensor_scatter(r, _):
    dtype = r.pick([F32, F64, F16, np.int32, np.uint8, np.bool_])
    shape = r.shape(least=2)
    axis = r.int(1, len(shape) - 1)
    update = list(shape)
    update[axis] = r.int(1, shape[axis])
    circular = r.coin()
    last = 2 * shape[axis] if circular else shape[axis] - update[axis]
    indices = r.ints((shape[0],), I64, 0, last + 1) if r.coin(0.8) else None
    return Case("TensorScatter", [r.values(shape, dtype), r.values(update, dtype), indices],
                {"axis": r.pick([axis, axis - len(shape)]), "mode": "circular" if circular else "linear"}, opset=24)


def linear_attention(r, _):
    rule = r.pick(["linear", "gated", "delta", "gated_delta"])
    batch, steps, kv_heads, group = r.int(1, 2), r.int(1, 5), r.int(1, 3), r.int(1, 2)
    width, values = r.int(1, 6), r.int(1, 6)
    heads = kv_heads * group
    inputs = [r.floats((batch, steps, heads * width), low=-1, high=1),
              r.floats((batch, steps, kv_heads * width), low=-0.6, high=0.6),
              r.floats((batch, steps, kv_heads * values), low=-1, high=1),
              r.floats((batch, kv_heads, width, values), low=-1, high=1) if r.coin() else None,
              r.floats((batch, steps, kv_heads * r.pick([1, width])), low=-1, high=0) if "gated" in rule else None,
              r.floats((batch, steps, r.pick([1, kv_heads])), low=0, high=1) if "delta" in rule else None]
    attributes = {"update_rule": rule, "q_num_heads": heads, "kv_num_heads": kv_heads}
    if r.coin(0.3):
        attributes["scale"] = 0.25
    return Case("LinearAttention", inputs, attributes, outputs=2, opset=27)


def causal_conv(r, _):
    batch, channels, length, kernel = r.int(1, 3), r.int(1, 5), r.int(1, 9), r.int(1, 4)
    inputs = [r.floats((batch, channels, length)), r.floats((channels, 1, kernel), low=-1, high=1),
              r.floats((channels,)) if r.coin() else None,
              r.floats((batch, channels, kernel - 1)) if r.coin() else None]
    return Case("CausalConvWithState", inputs, {"activation": r.pick(["none", "silu", "swish"])}, outputs=2, opset=27)


CASES = {"Attention": attention, "RotaryEmbedding": rotary, "TensorScatter": tensor_scatter,
         "LinearAttention": linear_attention, "CausalConvWithState": causal_conv}
