#include "audit/probe/patterns.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/split_mix.h"

namespace assay::audit::patterns {
namespace {

/// splitmix64: the same numbers everywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  /// A multiple of 2^-24 in [0, 1).
  float uniform() {
    state_ += kSplitMixStep;
    return static_cast<float>(split_mix(state_) >> 40) * 0x1p-24F;
  }
  /// Four uniforms less their mean.
  float bell() {
    float sum = -2;
    for (int i = 0; i < 4; ++i) sum += uniform();
    return sum;
  }

 private:
  uint64_t state_;
};

void fill_bell(std::span<float> values, uint64_t seed, float scale) {
  Random random(seed);
  for (float& x : values) x = random.bell() * scale;
}

size_t columns_of(const ir::Dims& dims) { return static_cast<size_t>(dims.back()); }

/// Row `r`, where there is one.
std::span<float> row(std::span<float> values, const ir::Dims& dims, size_t r) {
  const size_t k = columns_of(dims);
  return (r + 1) * k <= values.size() ? values.subspan(r * k, k) : std::span<float>();
}

float power(int exponent) { return std::ldexp(1.0F, exponent); }

}  // namespace

void ones(std::span<float> values, const ir::Dims&) { std::ranges::fill(values, 1.0F); }

void identity(std::span<float> values, const ir::Dims& dims) {
  std::ranges::fill(values, 0.0F);
  for (size_t i = 0; i < values.size(); i += columns_of(dims) + 1) values[i] = 1;
}

void bell(std::span<float> values, const ir::Dims&) { fill_bell(values, 1, 1); }
void small_bell(std::span<float> values, const ir::Dims&) { fill_bell(values, 9, 0x1p-8F); }
void other_bell(std::span<float> values, const ir::Dims&) { fill_bell(values, 2, 1); }
void biases(std::span<float> values, const ir::Dims&) { fill_bell(values, 3, 64); }

void wide_bell(std::span<float> values, const ir::Dims&) {
  Random random(4);
  for (float& x : values) {
    const int exponent = static_cast<int>(random.uniform() * 25) - 12;
    x = random.bell() * power(exponent);
  }
}

void bfloat16_bell(std::span<float> values, const ir::Dims&) {
  fill_bell(values, 5, 1);
  for (float& x : values) x = std::bit_cast<float>(std::bit_cast<uint32_t>(x) & 0xffff0000U);
}

void residues(std::span<float> values, const ir::Dims& dims) {
  bfloat16_bell(values, dims);
  const size_t k = columns_of(dims);
  for (size_t r = 0; r * k < values.size(); ++r) {
    const auto to = row(values, dims, r);
    for (size_t i = 0; i < k / 2; ++i) {
      to[i] *= 64;
      to[k - 1 - i] = -to[i];
    }
  }
}

void mirrored(std::span<float> values, const ir::Dims& dims) {
  bfloat16_bell(values, dims);
  const size_t k = values.size() / columns_of(dims);
  for (size_t r = 0; r < k / 2; ++r) std::ranges::copy(row(values, dims, r), row(values, dims, k - 1 - r).begin());
}

void beside_large(std::span<float> values, const ir::Dims& dims) {
  fill_bell(values, 7, 0x1p-4F);
  for (size_t r = 0; r * columns_of(dims) < values.size(); ++r) row(values, dims, r)[0] = -64;
}

void large_first(std::span<float> values, const ir::Dims& dims) {
  fill_bell(values, 8, 1);
  std::ranges::fill(row(values, dims, 0), 64.0F);
}

void undoing_biases(std::span<float> values, const ir::Dims&) { std::ranges::fill(values, 4096.0F); }

void counts(std::span<float> values, const ir::Dims& dims) {
  std::ranges::fill(values, 0.0F);
  const auto ones_in = [&](size_t r, size_t first, size_t count) {
    const auto to = row(values, dims, r);
    for (size_t i = first; i < std::min(first + count, to.size()); ++i) to[i] = 1;
  };
  const auto set = [&](size_t r, size_t at, float x) {
    if (const auto to = row(values, dims, r); at < to.size()) to[at] = x;
  };
  size_t r = 0;
  for (const size_t n : {1024, 2048, 2049, 2051, 4095, 4096}) ones_in(r++, 0, n);
  for (const float big : {256.0F, 2048.0F, 4096.0F, 8192.0F, 0x1p24F, 0x1p25F}) {
    ones_in(r, 0, 1024);
    set(r++, 0, big);
  }
  for (const float big : {1024.0F, 3000.0F, 4000.0F, 4090.0F, 4096.0F, 8000.0F, 16000.0F}) {
    for (size_t i = 0; i < 16; ++i) {  // (B, -B, 1) sixteen times
      set(r, 3 * i, big);
      set(r, 3 * i + 1, -big);
      set(r, 3 * i + 2, 1);
    }
    ++r;
  }
}

void positions(std::span<float> values, const ir::Dims& dims) {
  constexpr std::array kExponents = {-8, -10, -11, -12, -13, -22, -23, -24, -25, -26};
  const size_t k = columns_of(dims);
  for (size_t r = 0; r * k < values.size(); ++r) {
    const auto to = row(values, dims, r);
    std::ranges::fill(to, power(kExponents[r / k % kExponents.size()]));
    to[r % k] = 1;
  }
}

void cancelling(std::span<float> values, const ir::Dims& dims) {
  constexpr std::array kLarge = {10, 12, 14};
  constexpr std::array kSmall = {0, -4, -8, -12};
  const size_t k = columns_of(dims);
  std::ranges::fill(values, 0.0F);
  for (size_t r = 0; r * k < values.size(); ++r) {
    const auto to = row(values, dims, r);
    const size_t kind = r / (k - 2);
    to.front() = power(kLarge[kind % kLarge.size()]);
    to.back() = -to.front();
    to[1 + r % (k - 2)] = power(kSmall[kind / kLarge.size() % kSmall.size()]);
  }
}

void ties(std::span<float> values, const ir::Dims& dims) {
  constexpr std::array kExponents = {-8, -9, -10, -11, -12, -13, -22, -23, -24, -25};
  constexpr std::array kParts = {1.0F, 1.5F, 0.75F, 3.0F};
  const size_t k = columns_of(dims);
  std::ranges::fill(values, 0.0F);
  for (size_t r = 0; r * k < values.size(); ++r) {
    const auto to = row(values, dims, r);
    const float sign = r % 2 == 0 ? 1.0F : -1.0F;
    const size_t second = r / 2 % 2 == 0 ? 1 : k / 2 + 1;
    to[0] = sign;
    to[second] = sign * power(kExponents[r / 4 % kExponents.size()]) * kParts[r / 40 % kParts.size()];
  }
}

void significands(std::span<float> values, const ir::Dims&) {
  Random random(6);
  for (size_t i = 0; i < values.size(); ++i) {
    const float sign = i % 3 == 2 ? -1.0F : 1.0F;
    const auto step = static_cast<float>(i % 4096);
    values[i] = sign * (i < 4096 ? 1 + step * 0x1p-13F : 1 + step * 0x1p-16F);
    if (i >= 8192) values[i] = random.bell();
  }
}

void range(std::span<float> values, const ir::Dims& dims) {
  constexpr float kRows[][4] = {
      {60000, 60000, 0, 0},      {60000, 60000, -60000, 0}, {60000, -60000, 60000, 0}, {32752, 0, 0, 0},
      {32000, 752, 0, 0},        {32000, 760, 0, 0},        {32000, 768, 0, 0},        {16384, 16384, 0, 0},
      {16384, 16384, -16384, 0}, {65504, 0, 0, 0},          {65504, 8, 8, 0},          {65504, 15, 0, 0},
      {65504, 16, 0, 0},         {65504, 16, -16, 0},       {-65504, -16, 0, 0},       {-60000, -60000, 0, 0},
      {3e38F, 3e38F, 0, 0},      {3e38F, 3e38F, -3e38F, 0}, {3e38F, -3e38F, 3e38F, 0}, {3.39e38F, 0, 0, 0},
      {1e5F, 0, 0, 0},           {-1e5F, 0, 0, 0},          {1000, 31000, 800, 0},     {448, 449, 0, 0},
  };
  std::ranges::fill(values, 0.0F);
  for (size_t r = 0; r < std::size(kRows); ++r) {
    const auto to = row(values, dims, r);
    for (size_t i = 0; i < std::min<size_t>(to.size(), 4); ++i) to[i] = kRows[r][i];
  }
}

void subnormals(std::span<float> values, const ir::Dims& dims) {
  constexpr std::array kExponents = {-14, -15, -20, -24, -25, -100, -125, -126, -127, -130, -133, -140, -149};
  std::ranges::fill(values, 0.0F);
  for (size_t e = 0; e < kExponents.size(); ++e) {
    const float x = power(kExponents[e]);
    const float all[][3] = {{x, 0, 0}, {x, x, 0}, {x, -x / 2, 0}, {x * 1.5F, x, x}};
    for (size_t i = 0; i < std::size(all); ++i) {
      const auto to = row(values, dims, e * std::size(all) + i);
      for (size_t j = 0; j < std::min<size_t>(to.size(), 3); ++j) to[j] = all[i][j];
    }
  }
}

void small_factors(std::span<float> values, const ir::Dims& dims) {
  constexpr std::array kColumns = {0, -20, -26, -30};
  const size_t n = columns_of(dims);
  for (size_t i = 0; i < values.size(); ++i) values[i] = power(kColumns[i % n % kColumns.size()]);
}

void double_roundings(std::span<float> values, const ir::Dims& dims) {
  // float16 factors a and addends c whose fused multiply-add differs from one through float32 (and their like).
  constexpr float kRows[][2] = {{0x1.5bcp-14F, 0x1.e04p-1F}, {0x1.6c4p-14F, 0x1.f04p-1F}, {0x1.504p-14F, 0x1.46p0F}};
  for (size_t r = 0; r < std::size(kRows); ++r) {
    const auto to = row(values, dims, r);
    for (size_t i = 0; i < std::min<size_t>(to.size(), 2); ++i) to[i] = kRows[r][i];
  }
}

void double_factors(std::span<float> values, const ir::Dims& dims) {
  constexpr std::array kFactors = {0x1.148p0F, 0x1.394p1F, 0x1.e64p-1F};
  const size_t n = columns_of(dims);
  for (size_t i = 0; i < n; ++i) {
    values[i] = 1;
    values[n + i] = kFactors[i % kFactors.size()];
  }
}

void specials(std::span<float> values, const ir::Dims&) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kAll[] = {0.0F,      -0.0F,    1.0F,       -1.0F,    kInfinity, -kInfinity, kNan,       65504.0F,
                            65519.0F,  65520.0F, -65520.0F,  32768.0F, 40000.0F,  60000.0F,   0x1p-14F,   0x1p-15F,
                            0x1p-24F,  0x1p-25F, 0x1.8p-25F, 3e38F,    3.4e38F,   0x1p-126F,  0x1p-127F,  0x1p-149F,
                            0x1p-133F, 256.0F,   255.9F,     2049.0F,  2051.0F,   -2049.0F,   0x1.004p0F, 0x1.00cp0F};
  for (size_t i = 0; i < values.size(); ++i) values[i] = kAll[i % std::size(kAll)];
}

void divisors(std::span<float> values, const ir::Dims&) {
  constexpr float kAll[] = {3, 7, 10, 6, 0.1F, 9, 255, 1000};
  for (size_t i = 0; i < values.size(); ++i) values[i] = kAll[i % std::size(kAll)];
}

void ramp(std::span<float> values, const ir::Dims&) {
  const auto n = static_cast<float>(values.size());
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * (24 / n) - 12 + 0x1p-9F;
}

void positive_ramp(std::span<float> values, const ir::Dims&) {
  const size_t each = std::max<size_t>(values.size() / 20, 1);
  for (size_t i = 0; i < values.size(); ++i) {
    const float part = static_cast<float>(i % each) / static_cast<float>(each);
    values[i] = (1 + part) * power(static_cast<int>(i / each) - 10);
  }
}

}  // namespace assay::audit::patterns
