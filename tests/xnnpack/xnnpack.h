// XNNPACK's float16 operators as functions on bit patterns, and what the tests of this folder share.
#pragma once
#include <gtest/gtest.h>
#include <xnnpack.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "backends/golden_test.h"

namespace assay::xnnpack {

using Bits = std::vector<uint16_t>;  ///< float16 numbers

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// The profile and the variant of it that every test holds XNNPACK against.
constexpr const char* kProfile = "xnnpack-f16";
constexpr const char* kVariant = "avx2";

/// Skips where XNNPACK has no float16 kernels for the processor; that it has some where the instructions are is tested.
class Xnnpack : public testing::Test {
 protected:
  void SetUp() override;
};

/// Which float16 numbers: exponents around 0; subnormal and slightly above, zeros among them; near overflow; every
/// finite one.
enum class Range { ordinary, tiny, large, finite };
Bits numbers(Range range, size_t n, uint32_t seed);
Bits every_float16();

Floats widened(const Bits& bits);
/// Fails the test where a number is no float16.
Bits narrowed(const Floats& values);

/// XNNPACK ends most operators with max(result, min) and min(result, max), in which a NaN loses to the bound: without
/// bounds it is -infinity. This does so to our result, in which NaN stays.
Floats nan_is(float bound, Floats values);

/// Bit for bit; any NaN is any other.
testing::AssertionResult same(const Bits& theirs, const Floats& ours);

/// Images as XNNPACK (height, width, channels) and ONNX (channels, height, width) keep them.
struct Shape {
  size_t height = 1, width = 1, channels = 1;
  size_t size() const { return height * width * channels; }
};
Floats channels_first(const Bits& image, const Shape& shape);
Bits channels_last(const Floats& image, const Shape& shape);

/// An XNNPACK operator and its end.
class Operator {
 public:
  Operator() = default;
  ~Operator() { xnn_delete_operator(op_); }
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;
  xnn_operator_t* out() { return &op_; }
  xnn_operator_t get() const { return op_; }
  void run();

 private:
  xnn_operator_t op_ = nullptr;
};

/// Fails the test unless XNNPACK succeeded.
void expect_success(xnn_status status);
/// With the bytes behind the end that XNNPACK reads and does not use.
Bits readable(Bits bits);

/// inputs [batch, in], weights [out, in], bias [out] or empty.
struct Product {
  size_t batch, in, out;
  Bits x, w, bias;
};
Bits fully_connected(const Product& p);
/// The same in our engine.
Floats gemm(const Product& p, const std::string& variant = kVariant);

}  // namespace assay::xnnpack
