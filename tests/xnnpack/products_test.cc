// Fully connected, convolution, depthwise convolution, transposed convolution.
#include <cmath>

#include "xnnpack/xnnpack.h"

namespace assay::xnnpack {
namespace {

constexpr std::pair<Range, Range> kRanges[] = {{Range::ordinary, Range::ordinary},
                                               {Range::tiny, Range::ordinary},
                                               {Range::ordinary, Range::tiny},
                                               {Range::large, Range::ordinary},
                                               {Range::finite, Range::finite}};

struct Convolution {
  Shape in;
  size_t groups, outputs;  ///< `outputs` channels in each group
  uint32_t height, width, stride = 1, dilation = 1, padding = 0;
  Bits x{}, w{}, bias{};  ///< w: [groups * outputs, height, width, in.channels / groups]

  size_t group_channels() const { return in.channels / groups; }
  size_t taps() const { return size_t{height} * width; }
  Shape out() const {
    const auto size = [&](size_t n, size_t kernel) {
      return (n + 2 * padding - (kernel - 1) * dilation - 1) / stride + 1;
    };
    return {size(in.height, height), size(in.width, width), groups * outputs};
  }
  Convolution with(Range inputs, Range weights, uint32_t seed) const {
    Convolution c = *this;
    c.x = numbers(inputs, in.size(), seed);
    c.w = numbers(weights, groups * outputs * taps() * group_channels(), seed + 1);
    c.bias = numbers(weights, groups * outputs, seed + 2);
    return c;
  }
};

Bits convolution(const Convolution& c) {
  Operator op;
  const Shape out = c.out();
  Bits y(out.size());
  const Bits x = readable(c.x);
  expect_success(xnn_create_convolution2d_nhwc_f16(
      c.padding, c.padding, c.padding, c.padding, c.height, c.width, c.stride, c.stride, c.dilation, c.dilation,
      static_cast<uint32_t>(c.groups), c.group_channels(), c.outputs, c.in.channels, out.channels, c.w.data(),
      c.bias.data(), -kInfinity, kInfinity, 0, op.out()));
  expect_success(xnn_setup_convolution2d_nhwc_f16(op.get(), 1, c.in.height, c.in.width, x.data(), y.data(), nullptr));
  op.run();
  return y;
}

/// [outputs, height, width, channels] as ONNX has it: [outputs, channels, height, width].
Floats weights_first(const Convolution& c) {
  const Floats from = widened(c.w);
  Floats w(from.size());
  const size_t channels = c.group_channels();
  for (size_t o = 0; o < c.groups * c.outputs; ++o)
    for (size_t tap = 0; tap < c.taps(); ++tap)
      for (size_t i = 0; i < channels; ++i)
        w[(o * channels + i) * c.taps() + tap] = from[(o * c.taps() + tap) * channels + i];
  return w;
}

int64_t extent(size_t n) { return static_cast<int64_t>(n); }

/// ONNX's Conv over the same numbers: sums in our order, channels before taps.
Floats conv(const Convolution& c) {
  const std::vector<int64_t> kernel{c.height, c.width}, strides(2, c.stride), dilations(2, c.dilation);
  return run("Conv",
             {{{1, extent(c.in.channels), extent(c.in.height), extent(c.in.width)}, channels_first(c.x, c.in)},
              {{extent(c.groups * c.outputs), extent(c.group_channels()), c.height, c.width}, weights_first(c), true},
              {{extent(c.groups * c.outputs)}, widened(c.bias), true}},
             kProfile, kVariant,
             {{"kernel_shape", kernel},
              {"strides", strides},
              {"dilations", dilations},
              {"group", extent(c.groups)},
              {"pads", std::vector<int64_t>(4, c.padding)}});
}

/// XNNPACK's order of taps: rows, in them columns, then channels; its depthwise kernels, of 3, 4, 9 and 25 taps, take
/// columns first.
std::vector<size_t> tap_order(const Convolution& c) {
  const size_t n = c.taps();
  const bool depthwise = c.group_channels() == 1 && c.outputs == 1 && (n == 3 || n == 4 || n == 9 || n == 25);
  std::vector<size_t> order(c.taps());
  for (size_t i = 0; i < order.size(); ++i) order[i] = depthwise ? i % c.height * c.width + i / c.height : i;
  return order;
}

/// The input number of output position (row, column), tap and channel; 0 in the padding.
uint16_t input_at(const Convolution& c, size_t row, size_t column, size_t tap, size_t channel) {
  const size_t y = row * c.stride + tap / c.width * c.dilation - c.padding;
  const size_t x = column * c.stride + tap % c.width * c.dilation - c.padding;
  return y < c.in.height && x < c.in.width ? c.x[(y * c.in.width + x) * c.in.channels + channel] : uint16_t{0};
}

/// The taps of `order` alone, laid out as channels of a 1 x 1 convolution: the engine then adds in that order.
Floats conv_of_taps(const Convolution& c, const std::vector<size_t>& order, bool with_bias) {
  const Shape out = c.out();
  const size_t channels = c.group_channels(), k = order.size() * channels;
  const Floats from = widened(c.w);
  Convolution unrolled{{out.height, out.width, c.groups * k}, c.groups, c.outputs, 1, 1};
  for (size_t at = 0; at < out.height * out.width; ++at)
    for (size_t g = 0; g < c.groups; ++g)
      for (const size_t tap : order)
        for (size_t i = 0; i < channels; ++i)
          unrolled.x.push_back(input_at(c, at / out.width, at % out.width, tap, g * channels + i));
  for (size_t o = 0; o < c.groups * c.outputs; ++o)
    for (const size_t tap : order)
      for (size_t i = 0; i < channels; ++i) unrolled.w.push_back(c.w[(o * c.taps() + tap) * channels + i]);
  unrolled.bias = with_bias ? c.bias : Bits(c.bias.size(), 0);
  return conv(unrolled);
}

Bits theirs_first(const Convolution& c) { return narrowed(channels_first(convolution(c), c.out())); }

class Products : public Xnnpack {};

/// One multiply-add tells roundings apart, three the accumulators.
TEST_F(Products, TheStepIsRoundedTwice) {
  EXPECT_EQ(fully_connected({1, 1, 1, {0x3b81}, {0x3c52}, {0x056f}}), Bits{0x3c0e});
  EXPECT_EQ(fully_connected({1, 2, 1, narrowed({1, 1}), narrowed({1, 1}), narrowed({2048})}), narrowed({2048}));
  EXPECT_EQ(narrowed(gemm({1, 1, 1, {0x3b81}, {0x3c52}, {0x056f}}, "single-rounding")), Bits{0x3c0d});
  EXPECT_EQ(narrowed(gemm({1, 2, 1, narrowed({1, 1}), narrowed({1, 1}), narrowed({2048})}, "float32-accumulator")),
            narrowed({2050}));
}

TEST_F(Products, FullyConnected) {
  constexpr size_t kSizes[][3] = {{1, 1, 1}, {1, 7, 5}, {4, 64, 16}, {5, 33, 17}, {3, 300, 40}, {9, 1000, 31}};
  for (const auto& [batch, in, out] : kSizes) {
    for (const auto& [inputs, weights] : kRanges) {
      Product p{batch, in, out, numbers(inputs, batch * in, 1), numbers(weights, in * out, 2), {}};
      EXPECT_TRUE(same(fully_connected(p), nan_is(-kInfinity, gemm(p)))) << batch << " x " << in << " x " << out;
      p.bias = numbers(inputs, out, 3);
      EXPECT_TRUE(same(fully_connected(p), nan_is(-kInfinity, gemm(p)))) << "with bias, " << in;
    }
  }
}

/// Where both add in one order: 1 x 1 kernels, one input channel (unless the kernel is a depthwise one), one row or
/// column.
TEST_F(Products, ConvolutionsOfOneOrder) {
  const Convolution all[] = {{{5, 7, 24}, 1, 19, 1, 1},      {{5, 7, 24}, 3, 6, 1, 1},
                             {{9, 8, 1}, 1, 5, 3, 3},        {{9, 8, 1}, 1, 18, 3, 3, 2, 1, 1},
                             {{11, 9, 1}, 1, 3, 3, 2, 1, 2}, {{12, 12, 1}, 1, 4, 5, 5, 2, 1, 2},
                             {{6, 9, 21}, 21, 1, 1, 1},      {{6, 9, 21}, 21, 1, 1, 3, 1, 1, 1},
                             {{6, 9, 21}, 21, 1, 4, 1},      {{9, 8, 6}, 6, 1, 4, 3}};
  for (const Convolution& c : all) {
    for (const auto& [inputs, weights] : kRanges) {
      const Convolution filled = c.with(inputs, weights, 7);
      EXPECT_TRUE(same(theirs_first(filled), nan_is(-kInfinity, conv(filled))))
          << c.height << " x " << c.width << ", channels " << c.in.channels << ", groups " << c.groups;
    }
  }
}

/// Of one channel, where both add in one order.
TEST_F(Products, TransposedConvolutions) {
  for (const auto& [stride, kernel, padding] : {std::tuple(1U, 3U, 1U), {2U, 3U, 0U}, {2U, 2U, 0U}, {3U, 5U, 2U}}) {
    for (const auto& [inputs, weights] : kRanges) {
      const Shape in{5, 6, 1};
      const auto size = [&](size_t n) { return (n - 1) * stride + kernel - 2 * size_t{padding}; };
      const Shape out{size(in.height), size(in.width), 7};
      const Bits x = numbers(inputs, in.size(), 17), w = numbers(weights, out.channels * kernel * kernel, 18);
      const Bits bias = numbers(weights, out.channels, 19);
      Operator op;
      Bits y(out.size());
      const Bits image = readable(x);
      expect_success(xnn_create_deconvolution2d_nhwc_f16(padding, padding, padding, padding, kernel, kernel, stride,
                                                         stride, 1, 1, 1, 1, out.channels, 1, out.channels, w.data(),
                                                         bias.data(), -kInfinity, kInfinity, 0, op.out()));
      expect_success(
          xnn_setup_deconvolution2d_nhwc_f16(op.get(), 1, in.height, in.width, 0, 0, image.data(), y.data(), nullptr));
      op.run();
      const std::vector<int64_t> strides(2, stride), pads(4, padding);
      const Floats ours = run("ConvTranspose",
                              {{{1, 1, extent(in.height), extent(in.width)}, widened(x)},
                               {{1, extent(out.channels), kernel, kernel}, widened(w), true},
                               {{extent(out.channels)}, widened(bias), true}},
                              kProfile, kVariant, {{"strides", strides}, {"pads", pads}});
      EXPECT_TRUE(same(narrowed(channels_first(y, out)), nan_is(-kInfinity, ours))) << kernel << " by " << stride;
    }
  }
}

/// Everywhere else XNNPACK takes the same steps in an order of its own.
TEST_F(Products, ConvolutionsInXnnpacksOrder) {
  const Convolution all[] = {{{7, 9, 13}, 1, 17, 3, 3},
                             {{7, 9, 13}, 1, 17, 3, 3, 2, 1, 1},
                             {{9, 9, 12}, 3, 5, 3, 2, 1, 2, 1},
                             {{6, 6, 8}, 1, 33, 5, 5, 1, 1, 2},
                             {{7, 9, 13}, 13, 1, 3, 3},
                             {{7, 9, 21}, 21, 1, 3, 3, 2, 1, 1},
                             {{8, 6, 5}, 5, 1, 2, 2}};
  for (const Convolution& c : all) {
    for (const auto& [inputs, weights] : kRanges) {
      const Convolution filled = c.with(inputs, weights, 11);
      EXPECT_TRUE(same(theirs_first(filled), nan_is(-kInfinity, conv_of_taps(filled, tap_order(filled), true))))
          << c.height << " x " << c.width << ", channels " << c.in.channels << ", groups " << c.groups;
    }
    const Convolution ordinary = c.with(Range::ordinary, Range::ordinary, 11);
    EXPECT_FALSE(same(theirs_first(ordinary), conv(ordinary))) << "the order no longer matters";
  }
}

/// The depthwise kernel of 25 taps has two sums: of even taps, from the bias on, and of odd ones.
TEST_F(Products, DepthwiseOfTwoSums) {
  const Convolution c{{9, 8, 19}, 19, 1, 5, 5, 1, 1, 2};
  for (const auto& [inputs, weights] : kRanges) {
    const Convolution filled = c.with(inputs, weights, 13);
    std::vector<size_t> halves[2];
    for (const size_t tap : tap_order(filled)) halves[(halves[0].size() + halves[1].size()) % 2].push_back(tap);
    const Floats even = conv_of_taps(filled, halves[0], true), odd = conv_of_taps(filled, halves[1], false);
    const ir::Dims dims{extent(even.size())};
    EXPECT_TRUE(
        same(theirs_first(filled), nan_is(-kInfinity, run("Add", {{dims, even}, {dims, odd}}, kProfile, kVariant))));
  }
  const Convolution ordinary = c.with(Range::ordinary, Range::ordinary, 13);
  EXPECT_FALSE(same(theirs_first(ordinary), conv_of_taps(ordinary, tap_order(ordinary), true)));
}

TEST_F(Products, ANanIsTheLowerBound) {
  const Product nan{1, 2, 1, narrowed({65504, -kInfinity}), narrowed({2, 1}), {}};  // infinity - infinity
  EXPECT_EQ(fully_connected(nan), narrowed({-kInfinity}));
  EXPECT_TRUE(std::isnan(gemm(nan).at(0)));
}

}  // namespace
}  // namespace assay::xnnpack
