#include "num/accumulate.h"

#include <algorithm>
#include <vector>

#include "num/accumulate_kinds.h"
#include "num/exact_sum.h"

namespace assay::num {
namespace {

/// The rounded steps of chains and lanes.
class Steps {
 public:
  Steps(const Accumulator& accumulator, FormatId compute)
      : fused_(accumulator.fused),
        via_float32_(accumulator.step_via_float32),
        flush_(accumulator.flush_subnormals),
        step_(accumulator.step.value_or(Rounding{format(compute)})),
        product_(accumulator.product.value_or(step_)) {}

  double add(double acc, double x) const { return rounded(x, 1, flush(acc), step_); }

  double add_term(double acc, const Terms& terms, size_t i) const {
    const double a = flush(terms.left(i)), b = flush(terms.right(i));
    if (terms.b == nullptr) return add(acc, a);
    if (fused_) return rounded(a, b, flush(acc), step_);
    return add(acc, rounded(a, b, -0.0, product_));  // adding -0 changes nothing
  }

  double flush(double x) const { return flushed(x, flush_, step_.format); }

 private:
  double rounded(double a, double b, double c, const Rounding& r) const {
    const double value =
        via_float32_ ? round(fma_round(a, b, c, {format(FormatId::float32)}), r) : fma_round(a, b, c, r);
    return flush(value);
  }

  bool fused_, via_float32_, flush_;
  Rounding step_, product_;
};

double chain_dot(const Accumulator& accumulator, FormatId compute, const Terms& terms, double c) {
  const Steps steps(accumulator, compute);
  double acc = steps.flush(c);
  for (size_t i = 0; i < terms.size; ++i) acc = steps.add_term(acc, terms, i);
  return acc;
}

double lanes_dot(const Accumulator& accumulator, FormatId compute, const Terms& terms, double c) {
  const Steps steps(accumulator, compute);
  const auto count = static_cast<size_t>(std::max(accumulator.lanes, 1));
  std::vector<double> lanes(count, 0.0);
  for (size_t i = 0; i < terms.size; ++i) lanes[i % count] = steps.add_term(lanes[i % count], terms, i);
  for (size_t width = count; width > 1;) {
    const size_t half = (width + 1) / 2;
    for (size_t i = 0; i + half < width; ++i) lanes[i] = steps.add(lanes[i], lanes[i + half]);
    width = half;
  }
  return c == 0 ? lanes[0] : steps.add(lanes[0], steps.flush(c));
}

double exact_dot(const Accumulator& accumulator, FormatId compute, const Terms& terms, double c) {
  const Rounding rounding = accumulator.step.value_or(Rounding{format(compute)});
  const auto flush = [&](double x) { return flushed(x, accumulator.flush_subnormals, rounding.format); };
  ExactSum sum;
  sum.add(flush(c));
  for (size_t i = 0; i < terms.size; ++i) sum.add_product(flush(terms.left(i)), flush(terms.right(i)));
  return flush(sum.rounded(rounding));
}

double one_part(const Accumulator& accumulator, FormatId compute, const Terms& terms, double c) {
  switch (accumulator.kind) {
    case Accumulator::Kind::chain:
      return chain_dot(accumulator, compute, terms, c);
    case Accumulator::Kind::lanes:
      return lanes_dot(accumulator, compute, terms, c);
    case Accumulator::Kind::exact:
      return exact_dot(accumulator, compute, terms, c);
    case Accumulator::Kind::aligned:
      return aligned_dot(accumulator, terms, c);
    case Accumulator::Kind::tiles:
      return tiles_dot(accumulator, compute, terms, c);
    case Accumulator::Kind::pairs:
      return pairs_dot(accumulator, terms, c);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

/// k cut into split_k parts of whole blocks; the first starts at c, the others at 0; partial results added in order.
double all_parts(const Accumulator& accumulator, FormatId compute, const Terms& terms, double c) {
  const auto parts = static_cast<size_t>(std::max(accumulator.split_k, 1));
  const auto block = static_cast<size_t>(std::max(accumulator.block, 1));
  const size_t whole = (terms.size + parts - 1) / parts;
  const size_t length = (whole + block - 1) / block * block;
  double total =
      one_part(accumulator, compute, {terms.a, terms.b, parts == 1 ? terms.size : std::min(length, terms.size)}, c);
  for (size_t start = length; parts > 1 && start < terms.size; start += length) {
    const Terms part{terms.a + start, terms.b == nullptr ? nullptr : terms.b + start,
                     std::min(length, terms.size - start)};
    total = round(total + one_part(accumulator, compute, part, 0), {format(compute)});
  }
  return std::isnan(total) ? std::numeric_limits<double>::quiet_NaN() : total;
}

}  // namespace

double dot_reference(const Accumulator& accumulator, FormatId compute, const double* a, const double* b, size_t k,
                     double c) {
  return all_parts(accumulator, compute, {a, b, k}, c);
}

double dot_reference(const Policy& policy, const double* a, const double* b, size_t k, double c) {
  Accumulator accumulator = policy.accumulator;
  accumulator.flush_subnormals = accumulator.flush_subnormals || policy.flush_subnormals;
  if (!policy.operand) return dot_reference(accumulator, policy.compute, a, b, k, c);
  std::vector<double> left(a, a + k), right(b, b + k);
  round_in_place(left.data(), k, *policy.operand);
  round_in_place(right.data(), k, *policy.operand);
  return dot_reference(accumulator, policy.compute, left.data(), right.data(), k, c);
}

double sum_reference(const Accumulator& accumulator, FormatId compute, const double* terms, size_t n, double c) {
  return all_parts(accumulator, compute, {terms, nullptr, n}, c);
}

}  // namespace assay::num
