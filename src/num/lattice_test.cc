#include "num/lattice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>
#include <vector>

#include "num/simd.h"

namespace assay::num {
namespace {

std::vector<float> normal_values(size_t n, uint64_t seed, std::optional<FormatId> rounded_to) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> distribution;
  std::vector<float> x(n);
  for (float& v : x) v = distribution(random);
  if (rounded_to) round_in_place(x.data(), n, {format(*rounded_to)});
  return x;
}

LatticeCounts counts_of(const std::vector<float>& x) {
  LatticeCounts counts;
  counts.add(x.data(), x.size());
  return counts;
}

TEST(LatticeTest, NamesTheFormatThatRoundedTheValues) {
  for (FormatId id : {FormatId::bfloat16, FormatId::float16, FormatId::tf32, FormatId::float32}) {
    auto x = normal_values(1000, 1, id);
    if (id == FormatId::tf32) {
      EXPECT_EQ(counts_of(x).verdict().format, FormatId::float16);  // values of ordinary size lie on both
      for (float& v : x) v *= 0x1p-20f;
    }
    const LatticeVerdict verdict = counts_of(x).verdict();
    EXPECT_EQ(verdict.format, id) << format(id).name;
    if (id != FormatId::float32) {
      EXPECT_GT(verdict.evidence_bits, 10000u);
    }
  }
}

TEST(LatticeTest, TheArticlesOutputs) {
  const LatticeVerdict gpu = counts_of({0.6484375f, -0.34033203f, 1.4326172f}).verdict();
  EXPECT_EQ(gpu.format, FormatId::float16);
  EXPECT_EQ(gpu.evidence_bits, 39u);
  EXPECT_EQ(counts_of({0.6480752f, -0.34015813f, 1.4329923f}).verdict().format, FormatId::float32);
}

TEST(LatticeTest, LuckyValuesAreNoEvidence) {
  const LatticeCounts lucky = counts_of({0, -0.0f, 1, -1, 0.5f, 2, 3, 7, 15, 0.875f, INFINITY, NAN, 1024});
  EXPECT_EQ(lucky.counted, 0u);
  EXPECT_EQ(lucky.finite, 11u);
  EXPECT_FALSE(lucky.verdict().format.has_value());
  const LatticeCounts two = counts_of({0.333251953125f, 0.6669921875f, 1, 0});  // two values of float16: 26 bits
  EXPECT_FALSE(two.verdict().format.has_value());
  EXPECT_EQ(two.verdict().evidence_bits, 26u);
  EXPECT_EQ(counts_of({17}).counted, 1u);  // five significand bits
}

TEST(LatticeTest, WholeNumbersSayWhatTheirLastBitsSay) {
  std::vector<float> labels, large;
  for (int i = 0; i < 200; ++i) labels.push_back(static_cast<float>(i));
  const LatticeCounts small = counts_of(labels);  // bfloat16 holds them all, by nature
  EXPECT_TRUE(small.all_whole());
  EXPECT_FALSE(small.verdict().format.has_value());
  EXPECT_EQ(small.verdict().evidence_bits, 0u);
  for (int i = 0; i < 40; ++i) large.push_back(static_cast<float>(4096 + 4 * (8 * i + 33)));  // every fourth
  EXPECT_EQ(counts_of(large).verdict().format, FormatId::float16);
  EXPECT_EQ(counts_of(large).verdict().evidence_bits, 2 * counts_of(large).whole);
  labels.push_back(0.333251953125f);  // what is no whole number counts as before
  EXPECT_EQ(counts_of(labels).evidence_bits(FormatId::float16), 13u);
  EXPECT_FALSE(counts_of(labels).all_whole());
  EXPECT_EQ(counts_of({0x1.08p60f}).evidence_bits(FormatId::tf32), 13u);  // no more than a float32 can say
}

TEST(LatticeTest, RangeExcludesToo) {
  auto x = normal_values(100, 2, FormatId::float16);
  EXPECT_EQ(counts_of(x).verdict().format, FormatId::float16);
  x.push_back(0x1p17f);  // on TF32's lattice, beyond float16's range
  EXPECT_EQ(counts_of(x).verdict().format, FormatId::tf32);
  x.back() = 0x1p-25f;
  EXPECT_EQ(counts_of(x).verdict().format, FormatId::tf32);
  x.back() = 0x1p-24f;
  EXPECT_EQ(counts_of(x).verdict().format, FormatId::float16);
  x.back() = 0x1.0001p-130f;  // subnormal float32, off every narrower lattice
  EXPECT_EQ(counts_of(x).verdict().format, FormatId::float32);
}

TEST(LatticeTest, AgreesWithTheDefinitionOnEveryPathAndMerges) {
  std::mt19937_64 random(3);
  std::vector<float> x;
  for (int i = 0; i < 5003; ++i) {
    auto bits = static_cast<uint32_t>(random());
    if (i % 3 != 0) bits &= 0xffffe000u << (random() % 12);
    if (i % 7 == 0) bits &= 0x807fffffu;  // subnormal
    x.push_back(std::bit_cast<float>(bits));
  }
  LatticeCounts want;
  want.values = x.size();
  for (float v : x) {
    if (!std::isfinite(v)) continue;
    ++want.finite;
    const auto wide = static_cast<double>(v);
    int exponent;
    const double five_bits = std::frexp(wide, &exponent) * 16;
    const bool counted = five_bits != std::trunc(five_bits), whole = counted && wide == std::trunc(wide);
    want.counted += counted ? 1 : 0;
    want.whole += whole ? 1 : 0;
    for (size_t k = 0; whole && k < want.off.size(); ++k)
      want.whole_bits[k] += static_cast<uint64_t>(
          std::max(0, std::min(exponent - 1, 23) - format(kLatticeCandidates[k]).significand_bits));
    for (size_t k = 0; k < want.off.size(); ++k) want.off[k] += !representable(wide, format(kLatticeCandidates[k]));
  }
  for (Isa isa : available_isas()) {
    ASSERT_TRUE(force_isa(isa).ok());
    EXPECT_EQ(counts_of(x), want) << isa_name(isa);
    LatticeCounts merged;
    for (size_t i = 0; i < x.size();) {
      const size_t n = std::min<size_t>(random() % 50, x.size() - i);
      LatticeCounts part;
      part.add(x.data() + i, n);
      part.merge(merged);
      merged = part;
      i += n;
    }
    EXPECT_EQ(merged, want) << isa_name(isa);
  }
  ASSERT_TRUE(force_isa(Isa::best).ok());
}

TEST(LatticeTest, DoublesHaveFloat32AsACandidate) {
  const auto x = normal_values(50, 4, std::nullopt);
  const std::vector<double> wide(x.begin(), x.end());
  LatticeCounts counts;
  counts.add(wide.data(), wide.size());
  EXPECT_EQ(counts.verdict().format, FormatId::float32);
  EXPECT_EQ(counts.verdict().evidence_bits, counts.counted * 29);
  const double third = 1.0 / 3;
  counts.add(&third, 1);
  EXPECT_EQ(counts.verdict().format, FormatId::float64);
}

}  // namespace
}  // namespace assay::num
