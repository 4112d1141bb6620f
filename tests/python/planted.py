"""Small networks in each of which one operation is made harmful in 16 bits. The node is called "planted"; what stands
around it is ordinary. Nothing in Assay knows any of them."""
from dataclasses import dataclass

import numpy as np
from conftest import make_model
from onnx import TensorProto as T
from onnx import helper

SAMPLES, WIDTH, CLASSES = 24, 16, 5


class Net:
    """A network under construction: `h` is the name of what the last node wrote."""

    def __init__(self, seed, shape):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.weights, self.shape, self.h, self.count = [], {}, shape, "x", 0

    def constant(self, value):
        name = f"w{len(self.weights)}"
        self.weights[name] = np.asarray(value, np.float32)
        return name

    def integers(self, *values):
        name = f"i{len(self.weights)}"
        self.weights[name] = np.array(values, np.int64)
        return name

    def add(self, kind, *inputs, name=None, **attributes):
        """One node; without inputs it reads `h`. Returns what it writes."""
        self.count += 1
        self.h, inputs = f"v{self.count}", inputs or (self.h,)
        label = name or f"{kind.lower()}_{self.count}"
        self.nodes.append(helper.make_node(kind, list(inputs), [self.h], name=label, **attributes))
        return self.h

    def plant(self, kind, *inputs, **attributes):
        return self.add(kind, *inputs, name="planted", **attributes)

    def dense(self, width_in, width_out, scale=1.0):
        w = self.rng.normal(size=(width_in, width_out)) * scale / np.sqrt(width_in)
        return self.add("Gemm", self.h, self.constant(w), self.constant(self.rng.normal(size=width_out) * 0.1))

    def conv(self, channels_in, channels_out, scale=1.0):
        w = self.rng.normal(size=(channels_out, channels_in, 3, 3)) * scale / np.sqrt(9 * channels_in)
        return self.add("Conv", self.h, self.constant(w), self.constant(np.zeros(channels_out)), pads=[1, 1, 1, 1])

    def model(self):
        """Behind the plant: a hidden layer and the classes."""
        self.dense(WIDTH, WIDTH)
        self.add("Relu")
        self.dense(WIDTH, CLASSES)
        self.nodes[-1].output[0] = "y"
        return make_model(self.nodes, {"x": (T.FLOAT, ["N", *self.shape])}, {"y": (T.FLOAT, ["N", CLASSES])},
                          self.weights, opset=18)

    def data(self):
        return {"x": self.rng.normal(size=(SAMPLES, *self.shape)).astype(np.float32)}


def perceptron(seed):
    """Two hidden layers; `h` is [N, WIDTH], not negative, of size 1."""
    net = Net(seed, (WIDTH,))
    for _ in range(2):
        net.dense(WIDTH, WIDTH, 1.4)
        net.add("Relu")
    return net


def convolutions(seed):
    """Two convolutions; `h` is [N, 4, 8, 8], not negative, of size 1."""
    net = Net(seed, (3, 8, 8))
    net.conv(3, 4, 1.4)
    net.add("Relu")
    net.conv(4, 4, 1.4)
    net.add("Relu")
    return net


def pooled(net, channels=4):
    net.add("GlobalAveragePool")
    net.add("Flatten")
    net.dense(channels, WIDTH, 2)


@dataclass
class Plant:
    name: str
    build: object
    candidate: str = "f16-storage"
    also: tuple = ()  # nodes that undo it too


PLANTS = []


def plant(candidate="f16-storage", also=()):
    def add(build):
        PLANTS.append(Plant(build.__name__, build, candidate, also))
        return build

    return add


@plant()
def gemm_overflows():
    net = perceptron(1)
    w = net.rng.normal(size=(WIDTH, WIDTH)) * 1e5
    net.plant("Gemm", net.h, net.constant(w))
    net.add("Mul", net.h, net.constant(1e-5))
    return net


@plant()
def convolution_overflows():
    net = convolutions(2)
    w = net.rng.normal(size=(4, 4, 3, 3)) * 3e4
    net.plant("Conv", net.h, net.constant(w), pads=[1, 1, 1, 1])
    net.add("Mul", net.h, net.constant(1e-5))
    pooled(net)
    return net


@plant()
def difference_of_squares():
    net = perceptron(3)
    a = net.add("Add", net.add("Mul", net.h, net.constant(0.1)), net.constant(200))
    squared = net.add("Mul", a, a)
    net.plant("Sub", squared, net.constant(40000))
    net.add("Mul", net.h, net.constant(1 / 40))
    return net


@plant()
def a_large_constant_absorbs():
    net = perceptron(4)
    net.add("Add", net.h, net.constant(2048))
    net.plant("Sub", net.h, net.constant(2048))
    return net


@plant()
def softmax_of_huge_logits():
    net = perceptron(5)
    net.add("Mul", net.h, net.constant(3))
    net.add("Add", net.h, net.constant(30000))
    net.plant("Softmax", net.h, axis=-1)
    net.add("Mul", net.h, net.constant(8))
    return net


@plant()
def sum_of_squares_overflows():
    net = perceptron(6)
    scaled = net.add("Mul", net.h, net.constant(90))
    total = net.plant("ReduceSumSquare", scaled, net.integers(1), keepdims=1)
    net.add("Div", scaled, net.add("Sqrt", total))
    return net


@plant()
def exponential_overflows():
    net = perceptron(7)
    kept = net.h
    net.add("Mul", net.h, net.constant(6))
    net.plant("Exp", net.h)
    net.add("Log", net.add("Add", net.h, net.constant(1)))
    net.add("Add", kept, net.add("Mul", net.h, net.constant(0.2)))
    return net


@plant()
def tiny_scale_vanishes():
    net = perceptron(8)
    net.plant("Mul", net.h, net.constant(2.0 ** -14 * 1e-4))
    net.add("Div", net.h, net.constant(2.0 ** -14 * 1e-4))
    return net


@plant()
def division_by_a_tiny_epsilon():
    net = perceptron(9)
    numerator = net.h
    net.add("Add", net.h, net.constant(1e-8))
    net.plant("Div", numerator, net.h)
    return net


@plant()
def layer_norm_of_a_large_offset():
    net = perceptron(10)
    net.add("Add", net.h, net.constant(6000))
    net.plant("LayerNormalization", net.h, net.constant(np.ones(WIDTH)), net.constant(np.zeros(WIDTH)), axis=-1)
    return net


@plant()
def instance_norm_of_a_large_offset():
    net = convolutions(11)
    net.add("Add", net.h, net.constant(6000))
    net.plant("InstanceNormalization", net.h, net.constant(np.ones(4)), net.constant(np.zeros(4)))
    net.add("Relu")
    pooled(net)
    return net


@plant()
def batch_norm_of_a_tiny_variance():
    net = perceptron(12)
    net.add("Mul", net.h, net.constant(2.0 ** -13))
    ones = np.ones(WIDTH)
    net.plant("BatchNormalization", net.h, net.constant(ones), net.constant(0 * ones), net.constant(0 * ones),
              net.constant(2e-8 * ones), epsilon=1e-12)
    return net


@plant()
def logarithm_of_what_vanished():
    net = perceptron(13)
    net.add("Exp", net.add("Mul", net.h, net.constant(-30)))
    net.plant("Log", net.h)
    net.add("Mul", net.h, net.constant(-1 / 30))
    return net


@plant()
def reciprocal_overflows():
    net = perceptron(14)
    kept = net.h
    net.add("Mul", net.add("Add", net.h, net.constant(0.3)), net.constant(2.0 ** -17))
    net.plant("Reciprocal", net.h)
    net.add("Add", kept, net.add("Mul", net.h, net.constant(2.0 ** -17)))
    return net


@plant()
def mean_square_minus_squared_mean():
    net = perceptron(15)
    x = net.add("Add", net.h, net.constant(100))
    mean = net.add("ReduceMean", x, net.integers(1), keepdims=1)
    mean_square = net.add("ReduceMean", net.add("Mul", x, x), net.integers(1), keepdims=1)
    variance = net.plant("Sub", mean_square, net.add("Mul", mean, mean))
    spread = net.add("Sqrt", net.add("Add", net.add("Abs", variance), net.constant(0.01)))
    net.add("Div", net.add("Sub", x, mean), spread)
    net.add("Add", net.h, net.add("Mul", spread, net.constant(net.rng.normal(size=WIDTH))))
    return net


@plant("f16-throughout")
def long_product_in_float16():
    net = perceptron(16)
    net.add("Gemm", net.h, net.constant(np.abs(net.rng.normal(size=(WIDTH, 8192))) * 0.2))
    net.add("Add", net.h, net.constant(1))
    net.plant("MatMul", net.h, net.constant(1 + 0.2 * net.rng.normal(size=(8192, WIDTH))))
    net.add("Mul", net.h, net.constant(1 / 2000))
    mean = net.add("ReduceMean", net.h, net.integers(1), keepdims=1)
    net.add("Mul", net.add("Sub", net.nodes[-2].output[0], mean), net.constant(100))
    return net


@plant("f16-throughout")
def long_sum_in_float16():
    net = perceptron(17)
    net.add("Unsqueeze", net.h, net.integers(1))
    net.add("Expand", net.h, net.integers(1, 6000, WIDTH))
    net.add("Mul", net.h, net.constant(1 + 0.5 * net.rng.normal(size=(6000, 1))))
    net.add("Add", net.h, net.constant(1))
    net.plant("ReduceSum", net.h, net.integers(1), keepdims=0)
    net.add("Mul", net.h, net.constant(1 / 6000))
    net.add("Sub", net.h, net.constant(1))
    return net


@plant()
def power_overflows():
    net = perceptron(18)
    net.add("Mul", net.h, net.constant(25))
    net.plant("Pow", net.h, net.constant(4))
    net.add("Pow", net.h, net.constant(0.25))
    net.add("Mul", net.h, net.constant(1 / 25))
    return net


@plant("f16-throughout")
def norm_overflows_inside():
    net = perceptron(19)
    scaled = net.add("Mul", net.h, net.constant(200))
    net.add("Div", scaled, net.plant("ReduceL2", scaled, net.integers(1), keepdims=1))
    return net


@plant("f16-throughout")
def average_overflows_inside():
    net = convolutions(20)
    net.add("Mul", net.h, net.constant(6000))
    net.plant("GlobalAveragePool", net.h)
    net.add("Mul", net.h, net.constant(1 / 6000))
    net.add("Flatten")
    net.dense(4, WIDTH, 2)
    return net


@plant()
def cumulative_sum_overflows():
    net = perceptron(21)
    net.add("Mul", net.h, net.constant(9000))
    net.plant("CumSum", net.h, net.integers(1))
    net.add("Mul", net.h, net.constant(1 / 30000))
    return net


@plant()
def product_overflows():
    net = perceptron(22)
    kept = net.add("Add", net.h, net.constant(1.5))
    net.plant("ReduceProd", kept, net.integers(1), keepdims=1)
    net.add("Mul", kept, net.add("Log", net.h))
    net.add("Mul", net.h, net.constant(0.1))
    return net


@plant()
def attention_without_its_scale():
    net = perceptron(23)
    tokens = net.add("Reshape", net.h, net.integers(-1, 4, 4))
    query = net.add("MatMul", tokens, net.constant(net.rng.normal(size=(4, 4)) * 300))
    key = net.add("MatMul", tokens, net.constant(net.rng.normal(size=(4, 4)) * 300))
    net.plant("MatMul", query, net.add("Transpose", key, perm=[0, 2, 1]))
    weights = net.add("Softmax", net.add("Mul", net.h, net.constant(1e-5)), axis=-1)
    net.add("MatMul", weights, tokens)
    net.add("Reshape", net.h, net.integers(-1, WIDTH))
    return net


@plant(also=("max_6",))
def a_mask_beyond_the_range():
    net = perceptron(24)
    mask = np.where(np.arange(WIDTH) < 3, -1e6, 0)
    net.plant("Add", net.h, net.constant(mask))
    net.add("Max", net.h, net.constant(-1e6))
    net.add("Mul", net.h, net.constant(1 / 1e6))
    net.add("Add", net.h, net.add("Sigmoid", net.nodes[-3].output[0]))
    return net


@plant()
def root_of_what_vanished():
    net = perceptron(25)
    numerator = net.h
    small = net.add("Mul", net.h, net.constant(1e-4))
    net.plant("Mul", small, small)
    root = net.add("Sqrt", net.add("Add", net.h, net.constant(1e-12)))
    net.add("Div", net.add("Mul", numerator, net.constant(1e-4)), root)
    return net


@plant()
def exponential_minus_one():
    net = perceptron(26)
    net.add("Exp", net.add("Mul", net.h, net.constant(1e-3)))
    net.plant("Sub", net.h, net.constant(1))
    net.add("Mul", net.h, net.constant(1000))
    return net


@plant()
def cosine_of_a_large_argument():
    net = perceptron(27)
    net.add("Add", net.h, net.constant(20000))
    net.plant("Cos", net.h)
    return net


@plant()
def naive_log_sum_exp():
    net = perceptron(28)
    kept = net.h
    net.plant("Exp", net.add("Mul", net.h, net.constant(8)))
    net.add("Log", net.add("ReduceSum", net.h, net.integers(1), keepdims=1))
    net.add("Sub", kept, net.add("Mul", net.h, net.constant(0.125)))
    return net


@plant("bf16-storage")
def position_in_bfloat16():
    net = perceptron(29)
    net.add("Add", net.h, net.constant(300 + np.arange(WIDTH)))
    net.plant("Sub", net.h, net.constant(300 + np.arange(WIDTH)))
    return net
