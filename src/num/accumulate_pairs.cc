// Dot-product instructions of CPUs on bfloat16 pairs (float16 pairs on AMX): float32 accumulators, subnormals flushed.
// Intel SDM, VDPBF16PS and TDPBF16PS; Arm DDI 0602, BFDOT.
#include <algorithm>

#include "num/accumulate_kinds.h"
#include "num/exact_sum.h"

namespace assay::num {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double flush(double x) { return flushed(x, true, format(FormatId::float32)); }

double fused(double a, double b, double c) {
  return flush(fma_round(flush(a), flush(b), flush(c), {format(FormatId::float32)}));
}

/// Rounded to odd; unlike in the IEEE sense, what is beyond the range becomes infinite.
double odd(const ExactSum& sum) {
  const Format& f = format(FormatId::float32);
  const double far = sum.rounded({format(FormatId::float64), Mode::to_odd});
  if (std::abs(far) >= 0x1p128) return std::copysign(kInfinity, far);
  return flush(round(far, {f, Mode::to_odd}));
}

double odd_product(double a, double b) {
  ExactSum sum;
  sum.add_product(flush(a), flush(b));
  return odd(sum);
}

double odd_sum(double a, double b) {
  ExactSum sum;
  sum.add(a);
  sum.add(b);
  return odd(sum);
}

double even_odd_block(const Terms& terms, size_t start, size_t end) {
  double even = 0, odd_chain = 0;
  for (size_t i = start; i < end; i += 2) {
    even = fused(terms.left(i), terms.right(i), even);
    odd_chain = fused(terms.left(i + 1), terms.right(i + 1), odd_chain);
  }
  return fused(even, 1, odd_chain);
}

}  // namespace

double pairs_dot(const Accumulator& accumulator, const Terms& terms, double c) {
  double acc = flush(c);
  switch (accumulator.pairs) {
    case Accumulator::PairRule::odd_then_even:
      for (size_t i = 0; i < terms.size; i += 2) {
        acc = fused(terms.left(i), terms.right(i), fused(terms.left(i + 1), terms.right(i + 1), acc));
      }
      break;
    case Accumulator::PairRule::even_odd_sums: {
      const auto block = static_cast<size_t>(std::max(accumulator.block, 2));
      for (size_t i = 0; i < terms.size; i += block) {
        acc = fused(even_odd_block(terms, i, std::min(i + block, terms.size)), 1, acc);
      }
      break;
    }
    case Accumulator::PairRule::round_to_odd:
      for (size_t i = 0; i < terms.size; i += 2) {
        const double pair =
            odd_sum(odd_product(terms.left(i), terms.right(i)), odd_product(terms.left(i + 1), terms.right(i + 1)));
        acc = odd_sum(acc, pair);
      }
      break;
  }
  return acc;
}

}  // namespace assay::num
