// Windows and planes.
#include <cmath>

#include "xnnpack/xnnpack.h"

namespace assay::xnnpack {
namespace {

struct Window {
  uint32_t height, width, stride, padding;
};

Bits max_pool(const Bits& image, const Shape& in, const Window& w, const Shape& out) {
  Operator op;
  Bits y(out.size());
  const Bits x = readable(image);
  expect_success(xnn_create_max_pooling2d_nhwc_f16(w.padding, w.padding, w.padding, w.padding, w.height, w.width,
                                                   w.stride, w.stride, 1, 1, in.channels, in.channels, in.channels,
                                                   -kInfinity, kInfinity, 0, op.out()));
  expect_success(xnn_setup_max_pooling2d_nhwc_f16(op.get(), 1, in.height, in.width, x.data(), y.data(), nullptr));
  op.run();
  return y;
}

ir::Dims dims(const Shape& s) {
  return {1, static_cast<int64_t>(s.channels), static_cast<int64_t>(s.height), static_cast<int64_t>(s.width)};
}
Floats engine_max_pool(const Bits& image, const Shape& in, const Window& w) {
  const std::vector<int64_t> kernel{w.height, w.width}, strides{w.stride, w.stride};
  return run("MaxPool", {{dims(in), channels_first(image, in)}}, kProfile, kVariant,
             {{"kernel_shape", kernel}, {"strides", strides}, {"pads", std::vector<int64_t>(4, w.padding)}});
}

Bits global_average(const Bits& image, const Shape& in) {
  Operator op;
  Bits y(in.channels);
  const Bits x = readable(image);
  expect_success(xnn_create_global_average_pooling_nwc_f16(in.channels, in.channels, in.channels, -kInfinity, kInfinity,
                                                           0, op.out()));
  expect_success(xnn_setup_global_average_pooling_nwc_f16(op.get(), 1, in.width, x.data(), y.data(), nullptr));
  op.run();
  return y;
}
Floats engine_global_average(const Bits& image, const Shape& in, const std::string& variant = kVariant) {
  return run("GlobalAveragePool", {{dims(in), channels_first(image, in)}}, kProfile, variant);
}

class Pooling : public Xnnpack {};

TEST_F(Pooling, MaxPool) {
  for (const Window& w : {Window{2, 2, 2, 0}, {3, 3, 1, 1}, {3, 3, 2, 1}, {5, 4, 1, 2}}) {
    for (const size_t channels : {1, 8, 19}) {
      const Shape in{9, 11, channels};
      const Shape out{(in.height + 2 * w.padding - w.height) / w.stride + 1,
                      (in.width + 2 * w.padding - w.width) / w.stride + 1, channels};
      for (const Range range : {Range::ordinary, Range::large}) {  // no zeros: see the next test
        const Bits image = numbers(range, in.size(), w.height + w.stride);
        EXPECT_EQ(max_pool(image, in, w, out), channels_last(engine_max_pool(image, in, w), out));
      }
    }
  }
}

/// Of zeros of both signs XNNPACK returns the one that its order of comparisons leaves, here +0. A NaN is lost there,
/// or becomes the upper bound, by its place; here it always comes through.
TEST_F(Pooling, ZerosAndNansByTheirPlace) {
  const Shape in{1, 2, 1}, out{1, 1, 1};
  const Window w{1, 2, 1, 0};
  const auto theirs = [&](const Bits& image) { return max_pool(image, in, w, out); };
  const auto ours = [&](const Bits& image) { return engine_max_pool(image, in, w).at(0); };
  const Bits zeros[] = {{0x0000, 0x8000}, {0x8000, 0x0000}}, nans[] = {{0x7e00, 0x3c00}, {0x3c00, 0x7e00}};
  EXPECT_NE(theirs(zeros[0]), theirs(zeros[1]));
  EXPECT_EQ(theirs(nans[0]), narrowed({kInfinity}));
  EXPECT_EQ(theirs(nans[1]), narrowed({1}));
  for (const Bits& image : zeros) EXPECT_EQ(narrowed({ours(image)}), Bits{0x0000});
  for (const Bits& image : nans) EXPECT_TRUE(std::isnan(ours(image)));
}

TEST_F(Pooling, GlobalAverage) {
  for (const size_t width : {1, 2, 5, 6, 7, 8, 14, 15, 49, 100, 333}) {
    for (const size_t channels : {1, 3, 8, 17}) {
      const Shape in{1, width, channels};
      for (const Range range : {Range::ordinary, Range::tiny, Range::large, Range::finite}) {
        const Bits image = numbers(range, in.size(), static_cast<uint32_t>(width));
        EXPECT_TRUE(same(global_average(image, in), nan_is(-kInfinity, engine_global_average(image, in))))
            << width << " x " << channels;
      }
    }
  }
}

/// 2048 and ones: in float16 the sum stays where it is.
TEST_F(Pooling, GlobalAverageSumsInFloat16) {
  const Shape in{1, 4, 1};
  const Bits image = narrowed({2048, 1, 1, 1});
  EXPECT_EQ(widened(global_average(image, in)).at(0), 512);
  EXPECT_EQ(engine_global_average(image, in, "float32-accumulator").at(0), 513);  // 512.75 rounded: releases since 2024
}

}  // namespace
}  // namespace assay::xnnpack
