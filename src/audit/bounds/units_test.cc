// Sums of products under every accumulator that a profile states, and in any order, against their bound.
#include "audit/bounds/units.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "num/accumulate.h"
#include "profiles/profile.h"

namespace assay::audit {
namespace {

TEST(SumError, HoldsForEveryAccumulator) {
  std::mt19937 random(5);
  std::normal_distribution<double> normal;
  for (const profiles::Profile& profile : profiles::built_in_profiles()) {
    for (size_t v = 0; v < profile.variants.size(); ++v) {
      num::Policy policy = profiles::policy_for(profile, v, {.domain = "", .op = "MatMul", .numeric = "contraction"});
      policy.operand.reset();
      if (policy.compute == num::FormatId::float64) continue;
      for (const size_t k : {1U, 7U, 64U, 333U}) {
        const SumError bound = product_error(policy, static_cast<int64_t>(k));
        for (int trial = 0; trial < 40; ++trial) {
          std::vector<double> a(k), b(k);
          long double exact = 0, size = 0;
          const int scale = trial % 4 == 1 ? -12 : 0;
          for (size_t i = 0; i < k; ++i) {
            a[i] = num::float16_value(num::float16_bits(std::ldexp(normal(random), scale)));
            b[i] = num::bfloat16_value(num::bfloat16_bits(normal(random)));
            if (trial % 4 == 2 && i % 2 == 1) a[i] = -a[i - 1], b[i] = b[i - 1];  // cancels
            exact += static_cast<long double>(a[i]) * b[i];
            size += (std::abs(static_cast<long double>(a[i])) + bound.tiny) * (std::abs(b[i]) + bound.tiny);
          }
          const double got = num::dot_reference(policy, a.data(), b.data(), k);
          if (!(static_cast<double>(size) < bound.max)) continue;
          EXPECT_LE(std::abs(static_cast<double>(got - exact)), bound.g * static_cast<double>(size) + bound.eta)
              << profile.name << " " << v << " " << k;
        }
      }
    }
  }
}

// A sum in some order: two of the parts that are left, any two, are added until there is one.
float added_somehow(std::vector<float> parts, std::mt19937& random) {
  while (parts.size() > 1) {
    std::swap(parts[random() % parts.size()], parts.back());
    const float last = parts.back();
    parts.pop_back();
    float& other = parts[random() % parts.size()];
    other = other + last;
  }
  return parts[0];
}

TEST(SumError, HoldsForEveryOrder) {
  std::mt19937 random(6);
  std::normal_distribution<float> normal;
  const num::Policy policy;
  for (const size_t n : {2U, 17U, 300U}) {
    const SumError products = product_error(policy, static_cast<int64_t>(n));
    for (int trial = 0; trial < 300; ++trial) {
      std::vector<float> terms(n);
      long double exact = 0, size = 0;
      for (float& t : terms) {
        const float a = normal(random), b = normal(random);
        t = a * b;
        exact += static_cast<long double>(a) * b;
        size += std::abs(static_cast<long double>(a) * b);
      }
      const float got = added_somehow(terms, random);
      EXPECT_LE(std::abs(static_cast<double>(got - exact)), products.g * static_cast<double>(size) + products.eta);
    }
  }
}

}  // namespace
}  // namespace assay::audit
