#include "xnnpack/xnnpack.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "num/half.h"

namespace assay::xnnpack {
namespace {

/// Biased exponents, lowest and highest.
struct Exponents {
  uint32_t least, most;
};
Exponents exponents(Range range) {
  switch (range) {
    case Range::ordinary:
      return {9, 18};
    case Range::tiny:
      return {0, 2};
    case Range::large:
      return {24, 30};
    case Range::finite:
      return {0, 30};
  }
  return {};
}

}  // namespace

void Xnnpack::SetUp() {
  if (const xnn_status status = xnn_initialize(nullptr); status == xnn_status_unsupported_hardware)
    GTEST_SKIP() << "XNNPACK does not run on this processor";
  else
    ASSERT_EQ(status, xnn_status_success);
  Operator add;
  const xnn_status status = xnn_create_add_nd_f16(-kInfinity, kInfinity, 0, add.out());
  if (status == xnn_status_unsupported_hardware) {
    ASSERT_FALSE(__builtin_cpu_supports("avx2")) << "XNNPACK has float16 kernels for AVX2";
    GTEST_SKIP() << "this processor has no AVX2: XNNPACK has no float16 kernels for it";
  }
  ASSERT_EQ(status, xnn_status_success);
}

Bits numbers(Range range, size_t n, uint32_t seed) {
  std::mt19937 random(seed);
  const auto [least, most] = exponents(range);
  Bits bits(n);
  for (uint16_t& b : bits) {
    const uint32_t exponent = least + random() % (most - least + 1);
    b = static_cast<uint16_t>((random() & 0x83ffU) | exponent << 10);
    if (range == Range::tiny && random() % 16 == 0) b &= 0x8000U;
  }
  return bits;
}

Bits every_float16() {
  Bits bits(0x10000);
  std::iota(bits.begin(), bits.end(), uint16_t{0});
  return bits;
}

Floats widened(const Bits& bits) {
  Floats values(bits.size());
  std::ranges::transform(bits, values.begin(), num::half::from_float16);
  return values;
}

Bits narrowed(const Floats& values) {
  Bits bits(values.size());
  std::ranges::transform(values, bits.begin(), num::half::to_float16);
  for (size_t i = 0; i < bits.size(); ++i) {
    const float back = num::half::from_float16(bits[i]);
    EXPECT_TRUE(back == values[i] || (std::isnan(back) && std::isnan(values[i]))) << values[i] << " is no float16";
  }
  return bits;
}

Floats nan_is(float bound, Floats values) {
  for (float& value : values)
    if (std::isnan(value)) value = bound;
  return values;
}

testing::AssertionResult same(const Bits& theirs, const Floats& ours) {
  if (theirs.size() != ours.size())
    return testing::AssertionFailure() << theirs.size() << " numbers against " << ours.size();
  const Bits bits = narrowed(ours);
  size_t different = 0, first = 0;
  for (size_t i = bits.size(); i-- > 0;) {
    const bool both_nan = std::isnan(ours[i]) && std::isnan(num::half::from_float16(theirs[i]));
    if (bits[i] == theirs[i] || both_nan) continue;
    ++different;
    first = i;
  }
  if (different == 0) return testing::AssertionSuccess();
  return testing::AssertionFailure() << different << " of " << bits.size() << " differ, the first at " << first
                                     << ": XNNPACK " << num::half::from_float16(theirs[first]) << ", Assay "
                                     << ours[first];
}

Floats channels_first(const Bits& image, const Shape& s) {
  Floats values(s.size());
  for (size_t at = 0; at < s.height * s.width; ++at)
    for (size_t c = 0; c < s.channels; ++c)
      values[c * s.height * s.width + at] = num::half::from_float16(image[at * s.channels + c]);
  return values;
}

Bits channels_last(const Floats& image, const Shape& s) {
  const Bits from = narrowed(image);
  Bits bits(s.size());
  for (size_t at = 0; at < s.height * s.width; ++at)
    for (size_t c = 0; c < s.channels; ++c) bits[at * s.channels + c] = from[c * s.height * s.width + at];
  return bits;
}

void expect_success(xnn_status status) { EXPECT_EQ(status, xnn_status_success); }

void Operator::run() { expect_success(xnn_run_operator(op_, nullptr)); }

Bits readable(Bits bits) {
  bits.resize(bits.size() + XNN_EXTRA_BYTES / sizeof(uint16_t));
  return bits;
}

Bits fully_connected(const Product& p) {
  Operator op;
  Bits y(p.batch * p.out);
  const Bits x = readable(p.x);
  expect_success(xnn_create_fully_connected_nc_f16(p.in, p.out, p.in, p.out, p.w.data(),
                                                   p.bias.empty() ? nullptr : p.bias.data(), -kInfinity, kInfinity, 0,
                                                   op.out()));
  expect_success(xnn_setup_fully_connected_nc_f16(op.get(), p.batch, x.data(), y.data(), nullptr));
  op.run();
  return y;
}

Floats gemm(const Product& p, const std::string& variant) {
  const auto size = [](size_t n) { return static_cast<int64_t>(n); };
  std::vector<Operand> operands{{{size(p.batch), size(p.in)}, widened(p.x)},
                                {{size(p.out), size(p.in)}, widened(p.w), true}};
  if (!p.bias.empty()) operands.push_back({{size(p.out)}, widened(p.bias), true});
  return run("Gemm", operands, kProfile, variant, {{"transB", int64_t{1}}});
}

}  // namespace assay::xnnpack
