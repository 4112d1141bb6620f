// The Neural Engine's sums: tiles of a few lanes, added in order by an adder that aligns both operands to the larger
// exponent and keeps few bits; tile results are summed exactly and rounded once. The rule reproduces every published
// sum of the M1 (sbryngelson/ane-guide, part-1-machine/03-numerics.md).
#include <algorithm>

#include "num/accumulate_kinds.h"
#include "num/exact_sum.h"

namespace assay::num {
namespace {

/// `value` as a multiple of 2^unit_exponent. Exact scaling: operands lie far from float64's limits.
double cut(double value, int unit_exponent, Mode mode) {
  if (value == 0) return 0;
  const double units = value * power_of_two(-unit_exponent);
  double whole = std::trunc(units);
  if (mode == Mode::toward_zero || whole == units) return whole * power_of_two(unit_exponent);
  const double rest = std::abs(units - whole);
  const bool odd = std::fmod(whole, 2) != 0;
  const bool up = mode == Mode::nearest_even   ? rest > 0.5 || (rest == 0.5 && odd)
                  : mode == Mode::nearest_away ? rest >= 0.5
                                               : mode == Mode::to_odd && rest != 0 && !odd;
  if (up) whole += std::copysign(1.0, units);
  return whole * power_of_two(unit_exponent);
}

double aligned_add(double x, double y, int bits, Mode mode) {
  if (x == 0 || y == 0 || !std::isfinite(x) || !std::isfinite(y)) return x + y;
  const int unit = std::max(std::ilogb(x), std::ilogb(y)) - (bits - 1);
  return cut(x, unit, mode) + cut(y, unit, mode);
}

}  // namespace

double tiles_dot(const Accumulator& accumulator, FormatId compute, const Terms& terms, double c) {
  const Rounding rounding = accumulator.step.value_or(Rounding{format(compute)});
  const auto flush = [&](double x) { return flushed(x, accumulator.flush_subnormals, rounding.format); };
  // A partial sum at or above a stated limit is infinite already, even if it would be cancelled later.
  const auto limited = [&](double x) {
    return rounding.limit > 0 && std::isinf(round(x, rounding)) ? round(x, rounding) : x;
  };
  const int bits = std::clamp(accumulator.fraction_bits, 2, 40);
  const auto tile = static_cast<size_t>(std::max(accumulator.block, 1));
  ExactSum total;
  double near_total = flush(c);
  total.add(flush(c));
  for (size_t start = 0; start < terms.size; start += tile) {
    double sum = 0;
    for (size_t i = start; i < std::min(start + tile, terms.size); ++i) {
      double product = flush(terms.left(i)) * flush(terms.right(i));
      if (terms.b != nullptr && accumulator.product) product = round(product, *accumulator.product);
      sum = limited(aligned_add(sum, product, bits, accumulator.block_mode));
    }
    total.add(sum);
    near_total += sum;
    if (rounding.limit > 0 && std::abs(near_total) > 0.9 * rounding.limit) {  // rarely: rounding the exact sum is slow
      const double so_far = total.rounded(rounding);
      if (std::isinf(so_far)) total.add(so_far);
    }
  }
  return flush(total.rounded(rounding));
}

}  // namespace assay::num
