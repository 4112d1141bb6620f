#include "ops/contraction/wide.h"

#include <cmath>
#include <vector>

#include "num/accumulate.h"
#include "num/format.h"

namespace assay::ops::contraction {
namespace {

/// A float64 sum of products that float64 holds exactly, the sum of its rounding errors, and of their magnitudes.
struct CompensatedSum {
  double high = 0, low = 0, lost = 0;
  void add(double x) {
    const double sum = high + x, other = sum - high;
    const double error = (high - (sum - other)) + (x - other);
    high = sum;
    low += error;
    lost += std::abs(error);
  }
};

/// The sum of all products where its bounds round alike; NaN where they do not.
double by_bounds(const WideTask& task, size_t column, float start, const num::Rounding& rounding) {
  CompensatedSum sum;
  if (task.resume) sum.add(start);
  for (size_t k = 0; k < task.kc; ++k)
    sum.add(static_cast<double>(task.a[k * task.a_stride]) * static_cast<double>(task.b[k * task.columns + column]));
  // The errors' own sum is off by at most one part in 2^52 a term, and so is the final addition.
  double slack = 0;
  if (sum.lost != 0) slack = sum.lost * static_cast<double>(task.kc + 4) * 0x1p-51 + std::abs(sum.high) * 0x1p-51;
  const double below = num::round(sum.high + (sum.low - slack), rounding);
  const double above = num::round(sum.high + (sum.low + slack), rounding);
  return below == above && below != 0 && std::isfinite(sum.high) ? below : std::nan("");
}

}  // namespace

num::Rounding sum_rounding(const num::Policy& policy) {
  num::Rounding rounding =
      policy.accumulator.step.value_or(num::Rounding{.format = num::format(num::FormatId::float32)});
  rounding.flush_subnormals =
      rounding.flush_subnormals || policy.flush_subnormals || policy.accumulator.flush_subnormals;
  return rounding;
}

float decided_by_definition(const WideTask& task, size_t column, float start) {
  num::Accumulator accumulator = task.policy.accumulator;
  accumulator.flush_subnormals = accumulator.flush_subnormals || task.policy.flush_subnormals;
  if (accumulator.kind == num::Accumulator::Kind::exact && !accumulator.flush_subnormals) {
    const double sum = by_bounds(task, column, start, sum_rounding(task.policy));
    if (!std::isnan(sum)) return static_cast<float>(sum);
  }
  thread_local std::vector<double> x, y;
  x.resize(task.kc);
  y.resize(task.kc);
  for (size_t k = 0; k < task.kc; ++k) {
    x[k] = task.a[k * task.a_stride];
    y[k] = task.b[k * task.columns + column];
  }
  return static_cast<float>(
      num::dot_reference(accumulator, num::FormatId::float32, x.data(), y.data(), task.kc, task.resume ? start : 0.0));
}

float overflow_threshold(const num::Accumulator& accumulator) {
  if (!accumulator.step || accumulator.step->limit == 0) return HUGE_VALF;
  const num::Rounding& step = *accumulator.step;
  if (step.mode == num::Mode::toward_zero) return static_cast<float>(step.limit);
  const double spacing = std::ldexp(1.0, std::ilogb(step.limit) - 1 - step.format.significand_bits);
  return static_cast<float>(step.limit - spacing / 2);  // a tie rounds to the limit, which is even
}

}  // namespace assay::ops::contraction
