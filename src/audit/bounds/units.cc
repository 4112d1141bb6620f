#include "audit/bounds/units.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace assay::audit {
namespace {
using num::Accumulator;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kFloat = 0x1p-24, kFloatTiny = 0x1p-126;  // unit roundoff and least normal of float32

Unit compute_unit(num::FormatId compute, bool flush) {
  return unit_of({.format = num::format(compute), .flush_subnormals = flush});
}

// (1 + u)^n - 1, from above.
double grown(double u, double n) {
  const double nu = n * u;
  return nu < 0.5 ? nu / (1 - nu) * (1 + 0x1p-40) : kInfinity;
}

// One rounding of an accumulator's step.
Unit accumulator_step(const Accumulator& a, const num::Policy& policy) {
  const bool flush = a.flush_subnormals || policy.flush_subnormals;
  Unit unit = compute_unit(policy.compute, flush);
  if (a.step) unit = a.step_via_float32 ? then(unit, unit_of(*a.step)) : unit_of(*a.step);
  if (policy.step) {
    const Unit other = unit_of(*policy.step);
    unit = {std::max(unit.u, other.u), std::max(unit.eta, other.eta), std::min(unit.max, other.max)};
  }
  if (flush) unit.eta = std::max(unit.eta, flushed_below(policy));
  return unit;
}

SumError chain(const Unit& step, const Unit& product, int64_t n, int64_t roundings) {
  const auto count = static_cast<double>(n + kExtra), steps = static_cast<double>(roundings + kExtra);
  const double g = grown(step.u + product.u, steps);
  return {g, count * (step.eta + product.eta) * 2 * (1 + g), 0, std::min(step.max, product.max)};
}

// Blocks of products aligned to the largest exponent and cut to F bits below it, summed exactly, rounded.
SumError aligned(const Accumulator& a, bool flush, int64_t n) {
  const auto block = static_cast<double>(std::max(a.block, 1)), count = static_cast<double>(n + kExtra);
  const double blocks = std::ceil(count / block) + 1 + a.split_k;
  const double result = std::max(unit_of({.format = num::format(a.block_format), .mode = a.block_mode}).u,
                                 std::ldexp(1, -a.block_result_fraction_bits));
  double each = (block + 2) * std::ldexp(1, 1 - a.fraction_bits) + result;
  if (a.accumulator_apart) each += 0x1p-21;
  const Unit unit = unit_of({.format = num::format(a.block_format), .flush_subnormals = flush});
  return {grown(each, blocks) + (a.split_k > 1 ? grown(kFloat, a.split_k) : 0), 2 * blocks * (unit.eta + 0x1p-120),
          num::min_normal(num::format(a.factors)), unit.max};
}

// Tiles whose adders keep F significant bits; tile sums are exact, then one rounding.
SumError tiles(const Accumulator& a, const Unit& step, const Unit& product, int64_t n) {
  const auto block = static_cast<double>(std::max(a.block, 1)), count = static_cast<double>(n + kExtra);
  const double inside = grown(std::ldexp(1, 2 - a.fraction_bits), block + 1);
  const double g = (1 + inside) * (1 + step.u) * (1 + product.u) * (1 + kFloat) - 1;
  return {g * (1 + 0x1p-40) + kCentre, count * (product.eta + 0x1p-140) * 2 + step.eta, 0,
          std::min(step.max, product.max)};
}

SumError pairs(const Accumulator& a, int64_t n) {
  const bool odd = a.pairs == Accumulator::PairRule::round_to_odd;
  const auto count = static_cast<double>(n + kExtra);
  return {grown(odd ? 2 * kFloat : kFloat, (odd ? 3 : 2) * count), 6 * count * kFloatTiny, kFloatTiny,
          num::max_finite(num::format(num::FormatId::float32))};
}

SumError error_of(const Accumulator& a, const num::Policy& policy, int64_t n, bool products) {
  if (n > kMostTerms) return {kInfinity, 0, 0, 0};
  const Unit step = accumulator_step(a, policy);
  Unit product{0, 0, kInfinity};
  const bool apart = !a.fused && (a.kind == Accumulator::Kind::chain || a.kind == Accumulator::Kind::lanes);
  if (products && a.product) product = unit_of(*a.product);
  if (products && apart && !a.product) product = step;
  SumError error;
  switch (a.kind) {
    case Accumulator::Kind::chain:
      error = chain(step, product, n, n);
      break;
    case Accumulator::Kind::lanes:
      error = chain(step, product, n, n + a.lanes);
      break;
    case Accumulator::Kind::exact:
      error = chain({std::max(step.u, kFloat), step.eta, step.max}, product, n, 1);
      break;
    case Accumulator::Kind::aligned:
      error = aligned(a, a.flush_subnormals || policy.flush_subnormals, n);
      break;
    case Accumulator::Kind::tiles:
      error = tiles(a, step, product, n);
      break;
    case Accumulator::Kind::pairs:
      error = pairs(a, n);
      break;
  }
  if (a.split_k > 1) {  // so many sums, and their sum
    error.g += grown(kFloat, a.split_k) * (1 + error.g);
    error.eta *= a.split_k;
  }
  // Steps after the sum (a bias, a scale) are the operation's own, and so are the float64 roundings of the centre.
  const Unit after = step_unit(policy);
  error.g += grown(after.u, kExtra) * (1 + error.g) + static_cast<double>(n + kExtra) * 0x1p-52;
  error.eta += kExtra * after.eta;
  error.max = std::min(error.max, after.max);
  if (a.flush_subnormals || policy.flush_subnormals) error.tiny = std::max(error.tiny, flushed_below(policy));
  return error;
}
}  // namespace

Unit unit_of(const num::Rounding& r) {
  const bool nearest = r.mode == num::Mode::nearest_even || r.mode == num::Mode::nearest_away;
  const double least = r.flush_subnormals || !r.format.has_subnormals
                           ? num::min_normal(r.format)
                           : num::min_subnormal(r.format) * (nearest ? 0.5 : 1);
  const double u = std::ldexp(1, -r.format.significand_bits - (nearest ? 1 : 0));
  const double most = r.limit > 0 ? std::min(r.limit, num::max_finite(r.format)) : num::max_finite(r.format);
  return {u + kCentre, least, most * (1 - 2 * u)};
}

Unit then(const Unit& first, const Unit& second) {
  return {first.u + second.u + first.u * second.u, first.eta * (1 + second.u) + second.eta,
          std::min(first.max, second.max)};
}

double flushed_below(const num::Policy& policy) {
  double most = kFloatTiny;
  if (policy.step) most = std::max(most, num::min_normal(policy.step->format));
  for (const Accumulator* a : {&policy.accumulator, policy.sum ? &*policy.sum : nullptr}) {
    if (a == nullptr) continue;
    if (a->step) most = std::max(most, num::min_normal(a->step->format));
    if (a->kind == Accumulator::Kind::aligned) most = std::max(most, num::min_normal(num::format(a->block_format)));
  }
  return most;
}

Unit step_unit(const num::Policy& policy) {
  Unit unit = policy.step ? unit_of(*policy.step) : compute_unit(policy.compute, policy.flush_subnormals);
  if (policy.flush_subnormals) unit.eta = std::max(unit.eta, flushed_below(policy));
  return unit;
}

Unit function_unit(const num::Policy& policy) {
  const Unit step = step_unit(policy);
  if (policy.elementary != num::Elementary::correctly_rounded || !policy.result) return step;
  const Unit result = unit_of(*policy.result);
  return {std::max(step.u, result.u), std::max(step.eta, result.eta), std::min(step.max, result.max)};
}

std::optional<num::Rounding> stored_rounding(const num::Policy& policy, ir::ElemType storage) {
  if (policy.result) return policy.result;
  const auto format = ir::elem_format(storage);
  if (!format || *format == policy.compute || *format == num::FormatId::float64) return std::nullopt;
  return num::Rounding{.format = num::format(*format)};
}

SumError product_error(const num::Policy& policy, int64_t n) { return error_of(policy.accumulator, policy, n, true); }

SumError term_error(const num::Policy& policy, int64_t n) {
  Accumulator usual;
  usual.kind = Accumulator::Kind::lanes;
  usual.lanes = 16;
  return error_of(policy.sum ? *policy.sum : usual, policy, n, false);
}

}  // namespace assay::audit
