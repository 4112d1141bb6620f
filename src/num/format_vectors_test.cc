// Formats against ml_dtypes and numpy: the files of tests/data/formats, made by tools/make_format_vectors.py.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "num/format.h"

namespace assay::num {
namespace {

template <class T>
std::vector<T> read(const std::string& name) {
  std::ifstream file(std::string(ASSAY_TEST_DATA) + "/formats/" + name, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_FALSE(bytes.empty()) << name;
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

constexpr FormatId kNarrow[] = {FormatId::float8e4m3fn,   FormatId::float8e4m3fnuz, FormatId::float8e5m2,
                                FormatId::float8e5m2fnuz, FormatId::float8e8m0,     FormatId::float4e2m1};

bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

TEST(FormatVectorsTest, EveryCodeOfNarrowFormatsMeansTheSame) {
  for (FormatId id : kNarrow) {
    const Format& f = format(id);
    const auto values = read<float>(std::string(f.name) + ".values");
    ASSERT_EQ(values.size(), size_t{1} << f.width());
    for (size_t code = 0; code < values.size(); ++code) {
      EXPECT_TRUE(same(decode(code, f), static_cast<double>(values[code]))) << f.name << " " << code;
    }
  }
}

template <class Code>
void check_rounding(const Format& f) {
  const auto inputs = read<float>("inputs.bin");
  const auto codes = read<Code>(std::string(f.name) + ".bin");
  ASSERT_EQ(inputs.size(), codes.size());
  // ml_dtypes has no way out of e2m1's range but to clamp, and makes NaNs of zeros in e8m0, where we take the nearest.
  const Rounding rounding{f, Mode::nearest_even, false,
                          f.specials == Specials::none ? Overflow::clamp : Overflow::infinity};
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto input = static_cast<double>(inputs[i]);
    if (f.specials == Specials::none && std::isnan(input)) continue;
    // (It also takes 1.25 * 2^-127, a float32 subnormal, to 2^-126 rather than to the nearer 2^-127.)
    if (!f.has_subnormals && std::abs(input) < 0x1p-126) continue;
    const double want = decode(codes[i], f), got = round(input, rounding);
    EXPECT_TRUE(same(got, want)) << f.name << " " << std::hexfloat << input << ": " << got << ", not " << want;
    if (!std::isnan(want)) {
      EXPECT_EQ(encode(got, f), codes[i]) << f.name;
    }
  }
}

TEST(FormatVectorsTest, RoundingToNarrowFormatsAgrees) {
  for (FormatId id : kNarrow) check_rounding<uint8_t>(format(id));
}
TEST(FormatVectorsTest, RoundingToSixteenBitsAgrees) {
  for (FormatId id : {FormatId::float16, FormatId::bfloat16}) check_rounding<uint16_t>(format(id));
}

}  // namespace
}  // namespace assay::num
