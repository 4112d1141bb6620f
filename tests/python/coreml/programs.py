"""ML Programs made with coremltools' own builder, by name."""
import coremltools as ct
import numpy as np
from coremltools.converters.mil import Builder as mb  # noqa: N813
from coremltools.converters.mil.mil import types


def random(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype)


def convert(program, target, precision=ct.precision.FLOAT32, **kwargs):
    return ct.convert(program, convert_to="mlprogram", minimum_deployment_target=target, compute_precision=precision,
                      skip_model_load=True, **kwargs)


def spec(*shape, dtype=None):
    return mb.TensorSpec(shape, **({"dtype": dtype} if dtype else {}))


def convolution():
    weight = random(16, 3, 3, 3)

    @mb.program(input_specs=[spec(1, 3, 16, 16)], opset_version=ct.target.iOS15)
    def program(x):
        a = mb.relu(x=mb.conv(x=x, weight=weight, bias=random(16, seed=1), pad_type="same"))
        b = mb.conv(x=x, weight=weight.copy(), pad_type="custom", pad=[1, 1, 1, 1], strides=[1, 1])
        return mb.add(x=a, y=b, name="out")

    return convert(program, ct.target.iOS15)


def half():
    @mb.program(input_specs=[spec(2, 32)], opset_version=ct.target.iOS16)
    def program(x):
        return mb.softmax(x=mb.linear(x=x, weight=random(10, 32), bias=random(10)), axis=-1, name="out")

    return convert(program, ct.target.iOS16, ct.precision.FLOAT16)


def control_flow():
    @mb.program(input_specs=[spec(4), spec(1)], opset_version=ct.target.iOS15)
    def program(x, n):
        picked = mb.cond(pred=mb.squeeze(x=mb.greater(x=n, y=np.float32([1.5]))), _true_fn=lambda: mb.sin(x=x),
                         _false_fn=lambda: mb.add(x=x, y=random(4)))
        i, out = mb.while_loop(_cond=lambda i, v: mb.less(x=mb.reduce_sum(x=v, axes=[0]), y=np.float32(9)),
                               _body=lambda i, v: (mb.add(x=i, y=np.float32(1)),
                                                   mb.add(x=v, y=np.float32([1, 2, 3, 4]))),
                               loop_vars=(np.float32(0), picked))
        return mb.add(x=out, y=i, name="out")

    return convert(program, ct.target.iOS15)


def quantised():
    @mb.program(input_specs=[spec(1, 64)], opset_version=ct.target.iOS16)
    def program(x):
        codes = np.random.default_rng(5).integers(-128, 128, (20, 64), dtype=np.int8)
        weight = mb.constexpr_affine_dequantize(quantized_data=codes, zero_point=np.int8(3), scale=random(20), axis=0)
        return mb.linear(x=x, weight=weight, bias=random(20), name="out")

    return convert(program, ct.target.iOS16)


def sub_byte():
    @mb.program(input_specs=[spec(1, 33)], opset_version=ct.target.iOS18)
    def program(x):
        rng = np.random.default_rng(6)
        lut = random(1, 1, 16, 1, dtype=np.float32)
        indices = types.np_uint4_dtype
        weight = mb.constexpr_lut_to_dense(indices=rng.integers(0, 16, (7, 33)).astype(indices), lut=lut)
        codes = rng.integers(-8, 8, (7, 33)).astype(types.np_int4_dtype)
        more = mb.constexpr_blockwise_shift_scale(data=codes, scale=random(7, 1))
        return mb.linear(x=x, weight=mb.add(x=weight, y=more), bias=random(7), name="out")

    return convert(program, ct.target.iOS18)


def state():
    @mb.program(input_specs=[spec(1, 8, dtype=types.fp16), mb.StateTensorSpec((1, 8), dtype=types.fp16)],
                opset_version=ct.target.iOS18)
    def program(x, memory):
        held = mb.read_state(input=memory)
        total = mb.add(x=held, y=x)
        mb.coreml_update_state(state=memory, value=total)
        return mb.mul(x=total, y=np.float16(2), name="out")

    return convert(program, ct.target.iOS18, ct.precision.FLOAT16)


def classifier():
    @mb.program(input_specs=[spec(1, 12)], opset_version=ct.target.iOS15)
    def program(x):
        return mb.softmax(x=mb.linear(x=x, weight=random(3, 12), bias=random(3)), axis=-1, name="out")

    return convert(program, ct.target.iOS15, classifier_config=ct.ClassifierConfig(["cat", "dog", "bird"]))


def flexible():
    @mb.program(input_specs=[spec(1, 3, 8, 8)], opset_version=ct.target.iOS17)
    def program(x):
        return mb.reduce_mean(x=x, axes=[2, 3], keep_dims=False, name="out")

    shapes = ct.EnumeratedShapes(shapes=[[1, 3, 8, 8], [1, 3, 16, 16]], default=[1, 3, 8, 8])
    return convert(program, ct.target.iOS17, inputs=[ct.TensorType(name="x", shape=shapes)])


def image():
    @mb.program(input_specs=[spec(1, 3, 8, 8)], opset_version=ct.target.iOS16)
    def program(x):
        return mb.relu(x=x, name="out")

    return convert(program, ct.target.iOS16, inputs=[ct.ImageType(name="x", shape=(1, 3, 8, 8), scale=1 / 255)])


def small_types():
    """Constants of many types, small enough to stand in the program, and large enough for the weight file."""
    @mb.program(input_specs=[spec(40, dtype=types.int32)], opset_version=ct.target.iOS18)
    def program(x):
        picked = mb.gather(x=random(100), indices=mb.add(x=x, y=np.arange(40, dtype=np.int32)))
        odd = mb.cast(x=mb.gather(x=np.arange(40, dtype=np.int16), indices=x), dtype="fp32")
        flags = mb.select(cond=np.arange(40) % 3 == 0, a=picked, b=odd)
        return mb.add(x=flags, y=mb.cast(x=mb.gather(x=np.arange(50, dtype=np.uint16), indices=x), dtype="fp32"),
                      name="out")

    return convert(program, ct.target.iOS18)


ALL = {f.__name__: f for f in (convolution, half, control_flow, quantised, sub_byte, state, classifier, flexible, image,
                               small_types)}
