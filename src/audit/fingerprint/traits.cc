#include "audit/fingerprint/traits.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <unordered_set>

#include "num/exact.h"
#include "num/lattice.h"

namespace assay::audit {
namespace {

/// Formats that clamp or overflow, widest range last.
constexpr std::array kRanges = {num::FormatId::float8e4m3fn, num::FormatId::float8e5m2, num::FormatId::float16,
                                num::FormatId::bfloat16, num::FormatId::float32};

/// Finite magnitudes, each once.
std::vector<double> magnitudes(const ir::Tensor& values) {
  std::vector<double> all;
  for (int64_t i = 0; i < values.size(); ++i)
    if (const double x = std::abs(values.float_at(i)); std::isfinite(x)) all.push_back(x);
  std::ranges::sort(all);
  const auto rest = std::ranges::unique(all);
  all.erase(rest.begin(), rest.end());
  return all;
}

num::LatticeVerdict verdict_of(const std::vector<double>& magnitudes, ir::ElemType type) {
  num::LatticeCounts counts;
  if (ir::elem_bits(type) > 32) {
    counts.add(magnitudes.data(), magnitudes.size());
  } else {
    const std::vector<float> floats(magnitudes.begin(), magnitudes.end());  // exact: they were no wider
    counts.add(floats.data(), floats.size());
  }
  return counts.verdict();
}

/// Significand bits from the first to the last that is set.
int bits_of(double x) { return 64 - std::countr_zero(num::unpack(x).significand); }

/// Values of 8 bits are too short for the round trip test: thirds and fifths of powers of two, of which these formats
/// are full, are rare elsewhere.
bool lies_on_short(const std::vector<double>& magnitudes, const num::Format& format) {
  constexpr int64_t kEnough = 8;
  const auto odd = [](double x) { return x != std::trunc(x) && bits_of(x) >= 3; };
  return std::ranges::all_of(magnitudes, [&](double x) { return num::representable(x, format); }) &&
         std::ranges::count_if(magnitudes, odd) >= kEnough;
}

/// Whether the values show that they are of the format: what is no float16 neither clamps nor overflows as float16
/// does, wherever its largest value is, and whole numbers lie on formats by nature.
bool shows(const ir::Tensor& values, num::FormatId id) {
  if (ir::elem_format(values.elem()) == id) return true;
  const std::vector<double> all = magnitudes(values);
  const bool candidate = std::ranges::find(num::kLatticeCandidates, id) != num::kLatticeCandidates.end();
  return candidate ? verdict_of(all, values.elem()).format == id : lies_on_short(all, num::format(id));
}

/// Whether some magnitude lies in the upper half of a range, below its end.
bool near_end(const ir::Tensor& values, double most) {
  for (int64_t i = 0; i < values.size(); ++i)
    if (const double x = std::abs(values.float_at(i)); x >= most / 2 && x < most) return true;
  return false;
}

ValueRange range_of(const ir::Tensor& values) {
  ValueRange range;
  for (int64_t i = 0; i < values.size(); ++i) {
    const double x = std::abs(values.float_at(i));
    if (std::isnan(x)) {
      ++range.nan;
    } else if (std::isinf(x)) {
      ++range.infinite;
    } else {
      if (x > range.largest) range.at_largest = 0;
      range.largest = std::max(range.largest, x);
      range.at_largest += x == range.largest && x != 0 ? 1 : 0;
      if (x != 0 && (range.least == 0 || x < range.least)) range.least = x;
    }
  }
  for (const num::FormatId id : kRanges) {
    const double most = num::max_finite(num::format(id));
    const bool clamped =
        range.infinite == 0 && range.largest == most && range.at_largest >= 2 && near_end(values, most);
    const bool overflowed =
        range.infinite > 0 && !range.overflowed && range.largest <= most && range.largest >= most / 2;
    if ((!clamped && !overflowed) || !shows(values, id)) continue;
    if (clamped) range.clamped = id;
    if (overflowed) range.overflowed = id;
  }
  return range;
}

Subnormals subnormals_of(const ir::Tensor& values, num::FormatId id) {
  const double normal = num::min_normal(num::format(id));
  Subnormals one{.format = id};
  std::unordered_set<double> beside;
  std::array<bool, 2> signs{};
  for (int64_t i = 0; i < values.size(); ++i) {
    const double value = values.float_at(i), x = std::abs(value);
    one.zeros += x == 0 ? 1 : 0;
    one.seen += x > 0 && x < normal ? 1 : 0;
    one.spread = one.spread || (x >= 2 * normal && x < 4 * normal);
    if (!(x >= normal && x < 2 * normal)) continue;
    beside.insert(value);
    one.near = one.near || x <= 1.1 * normal;
    signs[value < 0 ? 1 : 0] = true;
  }
  one.beside = beside.size();
  one.spread = one.spread || (signs[0] && signs[1]);
  return one;
}

std::vector<Subnormals> subnormals_of(const ir::Tensor& values) {
  std::vector<Subnormals> all;
  for (const num::FormatId id : {num::FormatId::float16, num::FormatId::float32})
    if (const Subnormals one = subnormals_of(values, id); one.seen + one.beside > 0) all.push_back(one);
  return all;
}

}  // namespace

Traits traits_of(const ir::Tensor& values) {
  Traits traits{.range = range_of(values), .subnormals = subnormals_of(values)};
  if (ir::elem_bits(values.elem()) <= 32) {
    std::vector<float> floats(static_cast<size_t>(values.size()));
    for (int64_t i = 0; i < values.size(); ++i) floats[static_cast<size_t>(i)] = static_cast<float>(values.float_at(i));
    if (values.elem() == ir::ElemType::float32) traits.scaled = scaled_lattice(floats);
  }
  traits.mixed = mixed_slices(values);
  return traits;
}

}  // namespace assay::audit
