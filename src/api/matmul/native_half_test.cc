// The processor's float16 multiply-adds against the engine: a second judge of one rounding a step.
#include "api/matmul/native_half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "backends/golden_test.h"
#include "num/half.h"

namespace assay::api {
namespace {

using Bits = std::vector<uint16_t>;

/// Of biased exponents from `least` to `most`; 0: subnormals.
Bits numbers(size_t n, uint32_t least, uint32_t most, uint32_t seed) {
  std::mt19937 random(seed);
  Bits bits(n);
  for (uint16_t& b : bits)
    b = static_cast<uint16_t>((random() & 0x83ffU) | (least + random() % (most - least + 1)) << 10);
  return bits;
}

Floats widened(const Bits& bits) {
  Floats values;
  for (const uint16_t b : bits) values.push_back(num::half::from_float16(b));
  return values;
}

/// Bit for bit; a NaN is any NaN.
size_t differences(const Bits& bits, const Floats& values) {
  size_t different = 0;
  for (size_t i = 0; i < bits.size(); ++i) {
    const bool both_nan = std::isnan(num::half::from_float16(bits[i])) && std::isnan(values[i]);
    different += !both_nan && bits[i] != num::half::to_float16(values[i]);
  }
  return different;
}

TEST(NativeHalf, EveryBitOfFloat16Throughout) {
  if (native_half().empty()) GTEST_SKIP() << "this processor has no float16 multiply-adds that this build knows";
  const Threads threads(1);
  constexpr std::pair<uint32_t, uint32_t> kExponents[] = {{9, 18}, {0, 3}, {20, 30}, {0, 30}};
  for (const int64_t size : {1, 9, 64, 131}) {
    const auto n = static_cast<size_t>(size);
    for (const auto& [least, most] : kExponents) {
      const Bits a = numbers(n * n, least, most, 1), b = numbers(n * n, 9, 18, 2);
      Bits c(n * n);
      NativeHalfProduct(b.data(), n).run(a.data(), c.data(), threads);
      const auto engine = [&](const char* profile, const char* variant) {
        return run("MatMul", {{{size, size}, widened(a)}, {{size, size}, widened(b), true}}, profile, variant);
      };
      EXPECT_EQ(differences(c, engine("f16-throughout", "")), 0U) << size << ", exponents from " << least;
      EXPECT_EQ(differences(c, engine("xnnpack-f16", "single-rounding")), 0U) << size;
    }
  }
}

}  // namespace
}  // namespace assay::api
