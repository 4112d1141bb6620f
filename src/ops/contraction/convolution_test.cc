// Convolutions against the loops of docs/semantics.md as they read, padding skipped, bit for bit.
#include "ops/contraction/run_op_test.h"

namespace assay::ops::contraction {
namespace {

using ir::ElemType;
using ir::Tensor;

struct Case {
  ir::Dims x, w;
  int64_t groups = 1;
  std::vector<int64_t> strides, pads, dilations;  // pads: all in front, then all behind
  bool bias = true;
};

/// acc = +0; over (channel, kernel axes): acc = fma(x, w, acc); positions outside are skipped; then + bias.
template <class T>
Tensor direct(const Case& c, const Tensor& x, const Tensor& w, const Tensor& bias, const Tensor& like) {
  const size_t rank = c.x.size() - 2;
  Tensor y = Tensor::allocate(sizeof(T) == 4 ? ElemType::float32 : ElemType::float64, like.dims());
  const int64_t outputs = c.w[0], channels = c.w[1], taps = w.size() / outputs / channels;
  const int64_t pixels = y.size() / y.dims()[0] / outputs, in_pixels = x.size() / c.x[0] / c.x[1];
  for (int64_t i = 0; i < y.size(); ++i) {
    const int64_t pixel = i % pixels, m = i / pixels % outputs, image = i / pixels / outputs;
    T acc = 0;
    for (int64_t channel = 0; channel < channels; ++channel) {
      for (int64_t tap = 0; tap < taps; ++tap) {
        int64_t at = 0, stride = 1, p = pixel, t = tap;
        bool inside = true;
        for (size_t axis = rank; axis-- > 0;) {
          const int64_t out = y.dims()[axis + 2], kernel = c.w[axis + 2];
          const int64_t position = p % out * c.strides[axis] + t % kernel * c.dilations[axis] - c.pads[axis];
          inside = inside && position >= 0 && position < c.x[axis + 2];
          at += position * stride;
          stride *= c.x[axis + 2];
          p /= out;
          t /= kernel;
        }
        if (!inside) continue;
        const int64_t from = (image * c.x[1] + m / (outputs / c.groups) * channels + channel) * in_pixels + at;
        acc = std::fma(static_cast<T>(x.float_at(from)),
                       static_cast<T>(w.float_at((m * channels + channel) * taps + tap)), acc);
      }
    }
    if (c.bias) acc = acc + static_cast<T>(bias.float_at(m));
    y.mutable_data<T>()[i] = std::isnan(acc) ? std::numeric_limits<T>::quiet_NaN() : acc;
  }
  return y;
}

std::vector<Case> cases() {
  return {
      {{1, 3, 9, 10}, {4, 3, 3, 3}, 1, {1, 1}, {1, 1, 1, 1}, {1, 1}},
      {{2, 5, 7, 7}, {13, 5, 3, 3}, 1, {1, 1}, {1, 1, 1, 1}, {1, 1}},
      {{1, 6, 8, 8}, {7, 6, 1, 1}, 1, {1, 1}, {0, 0, 0, 0}, {1, 1}, false},
      {{2, 6, 9, 8}, {7, 6, 1, 1}, 1, {2, 2}, {0, 0, 0, 0}, {1, 1}},
      {{1, 3, 17, 19}, {8, 3, 7, 7}, 1, {2, 2}, {3, 3, 3, 3}, {1, 1}},
      {{1, 2, 11, 13}, {3, 2, 3, 2}, 1, {3, 2}, {0, 2, 1, 0}, {2, 3}},
      {{1, 6, 9, 9}, {6, 1, 3, 3}, 6, {1, 1}, {1, 1, 1, 1}, {1, 1}},
      {{2, 4, 10, 70}, {8, 1, 3, 5}, 4, {2, 2}, {0, 1, 2, 3}, {1, 1}},
      {{1, 8, 6, 6}, {12, 4, 3, 3}, 2, {1, 1}, {1, 1, 1, 1}, {1, 1}},
      {{1, 4, 31}, {5, 4, 4}, 1, {2}, {3, 1}, {1}},
      {{1, 3, 31}, {3, 1, 7}, 3, {1}, {3, 3}, {2}},
      {{1, 2, 5, 6, 7}, {3, 2, 2, 3, 3}, 1, {1, 2, 1}, {1, 1, 1, 0, 1, 1}, {1, 1, 1}},
      {{1, 2, 6, 6}, {3, 2, 3, 3}, 1, {1, 1}, {-1, -1, 0, -1}, {1, 1}},
      {{1, 1, 1, 1}, {1, 1, 3, 3}, 1, {1, 1}, {1, 1, 1, 1}, {1, 1}},
      // Rows of several widths, cut into two and three phases.
      {{1, 3, 9, 20}, {3, 1, 3, 3}, 3, {1, 1}, {1, 1, 1, 1}, {1, 1}},
      {{1, 2, 7, 75}, {2, 1, 3, 3}, 2, {1, 1}, {1, 1, 1, 1}, {1, 1}},
      {{1, 2, 11, 40}, {3, 2, 3, 2}, 1, {2, 3}, {0, 2, 1, 0}, {1, 2}},
      {{1, 2, 5, 43}, {2, 1, 3, 3}, 2, {1, 2}, {1, 1, 1, 1}, {1, 1}},
      {{1, 2, 4, 9, 10}, {2, 1, 2, 3, 3}, 2, {1, 1, 1}, {0, 1, 1, 0, 1, 1}, {1, 1, 1}},
      // Axes of one place behind the others.
      {{1, 5, 50, 1}, {7, 5, 5, 1}, 1, {1, 1}, {0, 0, 0, 0}, {1, 1}},
      {{2, 3, 21, 1}, {6, 3, 4, 1}, 1, {2, 3}, {1, 0, 2, 0}, {1, 1}},
      {{1, 4, 30, 1, 1}, {4, 1, 3, 1, 1}, 4, {1, 1, 1}, {1, 0, 0, 1, 0, 0}, {2, 1, 1}},
      // Few output pixels.
      {{1, 5, 10}, {67, 5, 3}, 1, {2}, {1, 1}, {1}},
      {{2, 4, 3, 3}, {130, 4, 3, 3}, 1, {1, 1}, {1, 0, 0, 1}, {1, 1}},
      {{2, 6, 1}, {9, 6, 1}, 1, {1}, {0, 0}, {1}},
      {{3, 6, 7}, {66, 3, 1}, 2, {1}, {0, 0}, {1}, false},
      {{1, 2, 3, 3}, {20, 2, 2, 2}, 1, {2, 1}, {-1, 0, 0, 0}, {1, 1}},
      {{1, 33, 7, 7}, {70, 33, 3, 3}, 1, {1, 1}, {1, 1, 1, 1}, {1, 1}},
      {{2, 6, 5, 5}, {131, 6, 1, 1}, 1, {1, 1}, {0, 0, 0, 0}, {1, 1}},
  };
}

OneOp op_of(const Case& c, const Tensor& x, const Tensor& w, const Tensor& bias) {
  OneOp op{.type = "Conv",
           .inputs = {x, w},
           .attrs = {{"group", c.groups}, {"strides", c.strides}, {"pads", c.pads}, {"dilations", c.dilations}}};
  if (c.bias) op.inputs.push_back(bias);
  return op;
}

class ConvolutionTest : public ::testing::Test {
 protected:
  void TearDown() override { ASSERT_TRUE(num::force_isa(num::Isa::best).ok()); }
};

TEST_F(ConvolutionTest, IsTheDirectLoop) {
  std::mt19937 random(11);
  for (const Case& c : cases()) {
    for (const Fill fill : {Fill::normal, Fill::wild}) {
      SCOPED_TRACE(ir::to_string(c.x) + " * " + ir::to_string(c.w) + " fill " + std::to_string(static_cast<int>(fill)));
      const Tensor x = random_tensor(random, c.x, fill), bias = random_tensor(random, {c.w[0]}, fill);
      for (const Fill weights : {fill, Fill::normal}) {
        const Tensor w = random_tensor(random, c.w, weights);
        OneOp op = op_of(c, x, w, bias);
        const Tensor want = direct<float>(c, x, w, bias, op.run());
        on_every_path([&](int threads) {
          op.threads = threads;
          for (const bool prepare : {false, true}) {
            op.prepare = prepare;
            EXPECT_TRUE(same(op.run(), want));
          }
        });
        op.policy.compute = num::FormatId::float64;
        op.storage = ElemType::float64;
        EXPECT_TRUE(same(op.run(), direct<double>(c, x, w, bias, want)));
        if (HasFailure()) return;
      }
    }
  }
}

// Zeros of both signs and products that vanish: skipping shows in the sign of zero alone.
TEST_F(ConvolutionTest, SkippedPaddingLeavesNegativeZero) {
  const Case c{{1, 1, 2, 2}, {1, 1, 3, 3}, 1, {1, 1}, {1, 1, 1, 1}, {1, 1}, false};
  const Tensor x = Tensor::of<float>(ElemType::float32, c.x, std::vector<float>(4, 0x1p-80f));
  const Tensor w = Tensor::of<float>(ElemType::float32, c.w, std::vector<float>(9, -0x1p-80f));
  const Tensor y = op_of(c, x, w, {}).run();
  for (const float v : y.values<float>()) EXPECT_TRUE(v == 0 && std::signbit(v));
}

// A sum that starts at a bias of -0 stays there where all products inside are -0.
TEST_F(ConvolutionTest, SkippedPaddingLeavesABiasOfNegativeZero) {
  const Case c{{1, 1, 1, 1}, {1, 1, 1, 3}, 1, {1, 1}, {0, 1, 0, 1}, {1, 1}};
  const Tensor x = Tensor::of<float>(ElemType::float32, c.x, std::vector<float>{0});
  const Tensor w = Tensor::of<float>(ElemType::float32, c.w, std::vector<float>{1, -1, 1});
  OneOp op = op_of(c, x, w, Tensor::of<float>(ElemType::float32, {1}, std::vector<float>{-0.0f}));
  op.policy.bias = num::Bias::first;
  const Tensor y = op.run();
  EXPECT_TRUE(y.values<float>()[0] == 0 && std::signbit(y.values<float>()[0]));
}

TEST_F(ConvolutionTest, ImagesStandAlone) {
  std::mt19937 random(12);
  const Case c{{5, 3, 12, 12}, {4, 3, 3, 3}, 1, {1, 1}, {1, 1, 1, 1}, {1, 1}};
  const Tensor x = random_tensor(random, c.x, Fill::normal), w = random_tensor(random, c.w, Fill::normal),
               bias = random_tensor(random, {4}, Fill::normal);
  const Tensor all = op_of(c, x, w, bias).run();
  for (int64_t i = 0; i < 5; ++i) {
    Case one = c;
    one.x[0] = 1;
    const Tensor part = Tensor::view(ElemType::float32, one.x, x.bytes() + i * 3 * 144 * 4, nullptr);
    const Tensor want = Tensor::view(ElemType::float32, {1, 4, 12, 12}, all.bytes() + i * 4 * 144 * 4, nullptr);
    EXPECT_TRUE(same(op_of(one, part, w, bias).run(), want));
  }
}

TEST_F(ConvolutionTest, AutoPadding) {
  std::mt19937 random(13);
  const Tensor x = random_tensor(random, {1, 1, 7, 8}, Fill::normal),
               w = random_tensor(random, {1, 1, 4, 4}, Fill::normal);
  const auto run = [&](std::vector<ir::Attr> attrs) {
    return OneOp{.type = "Conv", .inputs = {x, w}, .attrs = std::move(attrs)}.run();
  };
  const std::vector<int64_t> two = {2, 2};
  // 7 -> 4 outputs: 3 of padding, one more behind (upper) or in front (lower); 8 -> 4: 2 of padding.
  EXPECT_TRUE(same(run({{"auto_pad", std::string("SAME_UPPER")}, {"strides", two}}),
                   run({{"pads", std::vector<int64_t>{1, 1, 2, 1}}, {"strides", two}})));
  EXPECT_TRUE(same(run({{"auto_pad", std::string("SAME_LOWER")}, {"strides", two}}),
                   run({{"pads", std::vector<int64_t>{2, 1, 1, 1}}, {"strides", two}})));
  EXPECT_TRUE(same(run({{"auto_pad", std::string("VALID")}}), run({})));
}

/// acc = +0; over (channel, kernel axes) that contribute, ascending: acc = fma(x, w, acc); then + bias.
Tensor direct_transposed(const Case& c, const Tensor& x, const Tensor& w, const Tensor& bias, const ir::Dims& dims) {
  Tensor y = Tensor::allocate(ElemType::float32, dims);
  const int64_t outputs = c.w[1], channels = c.x[1] / c.groups, height = c.x[2], width = c.x[3];
  for (int64_t i = 0; i < y.size(); ++i) {
    const int64_t ox = i % dims[3], oy = i / dims[3] % dims[2], m = i / dims[3] / dims[2] % dims[1];
    const int64_t image = i / dims[3] / dims[2] / dims[1], group = m / outputs;
    float acc = 0;
    for (int64_t channel = group * channels; channel < (group + 1) * channels; ++channel) {
      for (int64_t tap = 0; tap < c.w[2] * c.w[3]; ++tap) {
        const int64_t ny = oy + c.pads[0] - tap / c.w[3] * c.dilations[0];
        const int64_t nx = ox + c.pads[1] - tap % c.w[3] * c.dilations[1];
        if (ny < 0 || nx < 0 || ny % c.strides[0] != 0 || nx % c.strides[1] != 0) continue;
        if (ny / c.strides[0] >= height || nx / c.strides[1] >= width) continue;
        const int64_t from = ((image * c.x[1] + channel) * height + ny / c.strides[0]) * width + nx / c.strides[1];
        const int64_t weight = (channel * outputs + m % outputs) * c.w[2] * c.w[3] + tap;
        acc = std::fma(x.data<float>()[from], w.data<float>()[weight], acc);
      }
    }
    if (c.bias) acc += bias.data<float>()[m];
    y.mutable_data<float>()[i] = acc == acc ? acc : std::numeric_limits<float>::quiet_NaN();
  }
  return y;
}

TEST_F(ConvolutionTest, TransposedIsTheDirectLoop) {
  std::mt19937 random(15);
  const Case all[] = {
      {{1, 3, 5, 6}, {3, 4, 3, 3}, 1, {2, 2}, {1, 1, 1, 1}, {1, 1}},
      {{2, 4, 4, 7}, {4, 3, 2, 2}, 2, {2, 2}, {0, 0, 0, 0}, {1, 1}, false},
      {{1, 2, 5, 5}, {2, 7, 3, 4}, 1, {1, 3}, {0, 2, 1, 0}, {2, 1}},
      {{1, 2, 3, 3}, {2, 2, 2, 2}, 1, {3, 4}, {0, 0, 0, 0}, {1, 1}},  // outputs that no tap reaches
      {{1, 8, 9, 9}, {8, 1, 4, 4}, 8, {2, 2}, {1, 1, 1, 1}, {1, 1}},
  };
  for (const Case& c : all) {
    for (const Fill fill : {Fill::normal, Fill::wild}) {
      SCOPED_TRACE(ir::to_string(c.x) + " * " + ir::to_string(c.w) + " fill " + std::to_string(static_cast<int>(fill)));
      const Tensor x = random_tensor(random, c.x, fill), w = random_tensor(random, c.w, fill),
                   bias = random_tensor(random, {c.w[1] * c.groups}, fill);
      OneOp op = op_of(c, x, w, bias);
      op.type = "ConvTranspose";
      const Tensor want = direct_transposed(c, x, w, bias, op.run().dims());
      for (size_t axis = 0; axis < 2; ++axis) {
        EXPECT_EQ(want.dims()[axis + 2], (c.x[axis + 2] - 1) * c.strides[axis] +
                                             (c.w[axis + 2] - 1) * c.dilations[axis] + 1 - c.pads[axis] -
                                             c.pads[axis + 2]);
      }
      on_every_path([&](int threads) {
        op.threads = threads;
        EXPECT_TRUE(same(op.run(), want));
      });
    }
  }
}

TEST_F(ConvolutionTest, FusedStepsAreTheSeparateOperations) {
  std::mt19937 random(14);
  const Case c{{1, 3, 12, 13}, {6, 3, 3, 3}, 1, {1, 1}, {1, 1, 1, 1}, {1, 1}};
  const Tensor x = random_tensor(random, c.x, Fill::halves), w = random_tensor(random, c.w, Fill::halves),
               bias = random_tensor(random, {6}, Fill::halves);
  const Tensor whole = random_tensor(random, {1, 6, 12, 13}, Fill::halves, ElemType::float16);
  const Tensor channel = random_tensor(random, {6, 1, 1}, Fill::halves, ElemType::float16);
  num::Policy halves;
  halves.result = {.format = num::format(num::FormatId::float16)};
  OneOp conv = op_of(c, x, w, bias);
  conv.policy = halves;
  conv.storage = ElemType::float16;
  const auto step = [&](const char* type) {
    ir::Op op{.domain = "", .type = type, .name = ""};
    op.def = find_op("", type);
    op.policy = halves;
    return op;
  };
  const ir::Op add = step("Add"), mul = step("Mul"), norm = step("BatchNormalization"), relu = step("Relu");
  std::vector<Tensor> norms;
  for (int i = 0; i < 3; ++i) norms.push_back(random_tensor(random, {6}, Fill::halves, ElemType::float16));
  norms.push_back(Tensor::of<float>(ElemType::float32, {6}, std::vector<float>{1, 2, 0.5f, 3, 0.25f, 1}));
  Tensor want = conv.run();
  want = OneOp{.type = "Add", .inputs = {whole, want}, .policy = halves}.run();
  want = OneOp{.type = "Mul", .inputs = {want, channel}, .policy = halves}.run();
  want = OneOp{.type = "BatchNormalization", .inputs = {want, norms[0], norms[1], norms[2], norms[3]}, .policy = halves}
             .run();
  want = OneOp{.type = "Relu", .inputs = {want}, .policy = halves}.run();
  conv.epilogue = {{&add, ElemType::float16, 1, {&whole, nullptr}},
                   {&mul, ElemType::float16, 0, {nullptr, &channel}},
                   {&norm, ElemType::float16, 0, {nullptr, &norms[0], &norms[1], &norms[2], &norms[3]}},
                   {&relu, ElemType::float16, 0, {nullptr}}};
  on_every_path([&](int threads) {
    conv.threads = threads;
    EXPECT_TRUE(same(conv.run(), want));
  });
}

// Runs over several channels at once: operands with an element for each output, for each channel, and alone.
TEST_F(ConvolutionTest, FusedStepsOverFewPixelsAreTheSeparateOperations) {
  std::mt19937 random(16);
  const Case c{{2, 6, 3, 4}, {140, 3, 2, 2}, 2, {1, 2}, {0, 0, 0, 0}, {1, 1}};
  const Tensor x = random_tensor(random, c.x, Fill::normal), w = random_tensor(random, c.w, Fill::normal),
               bias = random_tensor(random, {140}, Fill::normal);
  const Tensor whole = random_tensor(random, {2, 140, 2, 2}, Fill::normal);
  const Tensor channel = random_tensor(random, {140, 1, 1}, Fill::normal);
  const Tensor one = random_tensor(random, {1}, Fill::normal);
  const auto step = [&](const char* type) {
    ir::Op op{.domain = "", .type = type, .name = ""};
    op.def = find_op("", type);
    return op;
  };
  const ir::Op add = step("Add"), mul = step("Mul"), norm = step("BatchNormalization");
  std::vector<Tensor> norms(4);
  for (Tensor& t : norms) t = random_tensor(random, {140}, Fill::normal);
  for (float& variance : std::span(norms[3].mutable_data<float>(), 140)) variance = variance * variance;
  ir::Op relu = step("LeakyRelu");
  relu.attrs = {{"alpha", 0.3F}};
  relu.policy.attribute = {.format = num::format(num::FormatId::float16)};
  OneOp conv = op_of(c, x, w, bias);
  Tensor want = conv.run();
  want = OneOp{.type = "Add", .inputs = {whole, want}}.run();
  want = OneOp{.type = "Mul", .inputs = {want, channel}}.run();
  want = OneOp{.type = "Add", .inputs = {want, one}}.run();
  want = OneOp{.type = "BatchNormalization", .inputs = {want, norms[0], norms[1], norms[2], norms[3]}}.run();
  want = OneOp{.type = "LeakyRelu", .inputs = {want}, .attrs = relu.attrs, .policy = relu.policy}.run();
  conv.prepare = true;
  conv.epilogue = {{&add, ElemType::float32, 1, {&whole, nullptr}},
                   {&mul, ElemType::float32, 0, {nullptr, &channel}},
                   {&add, ElemType::float32, 0, {nullptr, &one}},
                   {&norm, ElemType::float32, 0, {nullptr, &norms[0], &norms[1], &norms[2], &norms[3]}},
                   {&relu, ElemType::float32, 0, {nullptr}}};
  on_every_path([&](int threads) {
    conv.threads = threads;
    EXPECT_TRUE(same(conv.run(), want));
  });
}

}  // namespace
}  // namespace assay::ops::contraction
