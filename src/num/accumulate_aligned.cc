// Tensor cores: products and the accumulator of a block are aligned to the largest exponent, cut to F fractional bits,
// summed exactly and rounded once. After MMA-Sim (microsoft/MMA-Sim, mmasim/simulator/arithmetic.py; arXiv 2511.10909),
// whose model agrees bit for bit with ten GPU architectures.
#include <algorithm>
#include <vector>

#include "num/accumulate_kinds.h"

namespace assay::num {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int kZeroExponent = -126;  // what the model gives a zero factor

/// value = s * 2^exponent with 1 <= |s| < 2, except that subnormals of `f` keep its least exponent.
int exponent_in(double value, const Format& f) {
  if (value == 0) return kZeroExponent;
  return std::max(unpack(value).exponent + 63, min_exponent(f));
}

struct Term {
  double value;  ///< exact: factors have at most 24 significant bits
  int exponent;
};

int largest_exponent(const std::vector<Term>& terms) {
  int largest = terms.front().exponent;
  for (const Term& term : terms) largest = std::max(largest, term.exponent);
  return largest;
}

/// The sum in units of 2^(top - fraction_bits), each term cut toward zero.
int64_t cut_sum(const std::vector<Term>& terms, int top, int fraction_bits) {
  int64_t sum = 0;
  for (const Term& term : terms) sum += static_cast<int64_t>(std::ldexp(term.value, fraction_bits - top));
  return sum;
}

/// floor(value * 2^shift).
int64_t shifted_down(int64_t value, int shift) {
  if (shift >= 0) return value << shift;
  return value >> std::min(-shift, 63);
}

/// units * 2^exponent, rounded. Finite sums beyond the range become infinite in every mode.
double block_result(int64_t units, int exponent, const Accumulator& accumulator) {
  Format f = format(accumulator.block_format);
  f.significand_bits = std::min(f.significand_bits, accumulator.block_result_fraction_bits);
  if (units == 0) return 0;
  const uint64_t size = units < 0 ? ~static_cast<uint64_t>(units) + 1 : static_cast<uint64_t>(units);
  const int zeros = std::countl_zero(size);
  const Exact exact{units < 0, size << zeros, exponent - zeros, false};
  if (exact.exponent + 63 > max_exponent(f)) return units < 0 ? -kInfinity : kInfinity;
  return flushed(round_exact(exact, {f, accumulator.block_mode}), accumulator.flush_subnormals, f);
}

/// CDNA3: the products' sum and the accumulator meet in a second step, both rounded downwards.
double add_apart(const std::vector<Term>& products, Term c, const Accumulator& accumulator) {
  constexpr int kSumBits = 31, kAccumulatorBits = 24;
  const int products_top = largest_exponent(products);
  const int64_t sum = cut_sum(products, products_top, accumulator.fraction_bits);
  const int top = std::max(products_top, c.exponent);
  const int64_t sum_units = shifted_down(sum, products_top - accumulator.fraction_bits - (top - kSumBits));
  const auto acc = static_cast<int64_t>(std::ldexp(c.value, 23 - c.exponent));  // exact: float32
  const int64_t acc_units = shifted_down(acc, c.exponent - 23 - (top - kAccumulatorBits));
  return block_result(sum_units + acc_units * (1 << (kSumBits - kAccumulatorBits)), top - kSumBits, accumulator);
}

double block_dot(const Accumulator& accumulator, const Terms& terms, size_t start, size_t n, double acc) {
  const Format &factors = format(accumulator.factors), &results = format(accumulator.block_format);
  std::vector<Term> all;
  double special = acc;  // decides NaN and infinities
  for (size_t i = start; i < start + n; ++i) {
    const double a = flushed(terms.left(i), accumulator.flush_subnormals, factors);
    const double b = flushed(terms.right(i), accumulator.flush_subnormals, factors);
    const double product = a * b;
    const bool too_large = accumulator.accumulator_apart && std::abs(product) >= 0x1p128;
    special += too_large ? std::copysign(kInfinity, product) : product;
    all.push_back({product, exponent_in(a, factors) + exponent_in(b, factors)});
  }
  if (std::isnan(special)) return kNan;
  if (std::isinf(special)) return special;
  const Term c{acc, exponent_in(acc, results)};
  if (accumulator.accumulator_apart) return add_apart(all, c, accumulator);
  all.push_back(c);
  const int top = largest_exponent(all);
  return block_result(cut_sum(all, top, accumulator.fraction_bits), top - accumulator.fraction_bits, accumulator);
}

}  // namespace

double aligned_dot(const Accumulator& asked, const Terms& terms, double c) {
  Accumulator accumulator = asked;
  accumulator.fraction_bits = std::clamp(asked.fraction_bits, 1, 40);  // so that block sums fit 64 bits
  const auto block = static_cast<size_t>(std::clamp(asked.block, 1, 1 << 20));
  double acc = flushed(c, accumulator.flush_subnormals, format(accumulator.block_format));
  for (size_t start = 0; start < terms.size; start += block) acc = block_dot(accumulator, terms, start, block, acc);
  return acc;
}

}  // namespace assay::num
