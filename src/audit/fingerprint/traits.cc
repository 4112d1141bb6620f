#include "audit/fingerprint/traits.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "num/lattice.h"

namespace assay::audit {
namespace {

/// Formats that clamp or overflow, widest range last.
constexpr std::array kRanges = {num::FormatId::float8e4m3fn, num::FormatId::float8e5m2, num::FormatId::float16,
                                num::FormatId::bfloat16, num::FormatId::float32};

/// What is no float16 neither clamps nor overflows as float16 does, wherever its largest value is.
bool lies_on(const ir::Tensor& values, num::FormatId id) {
  for (int64_t i = 0; i < values.size(); ++i) {
    const double x = values.float_at(i);
    if (std::isfinite(x) && !num::representable(x, num::format(id))) return false;
  }
  return true;
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
    const bool clamped = range.infinite == 0 && range.largest == most && range.at_largest >= 2;
    const bool overflowed =
        range.infinite > 0 && !range.overflowed && range.largest <= most && range.largest >= most / 2;
    if ((!clamped && !overflowed) || !lies_on(values, id)) continue;
    if (clamped) range.clamped = id;
    if (overflowed) range.overflowed = id;
  }
  return range;
}

std::vector<Subnormals> subnormals_of(const ir::Tensor& values) {
  std::vector<Subnormals> all;
  for (const num::FormatId id : {num::FormatId::float16, num::FormatId::float32}) {
    const double normal = num::min_normal(num::format(id));
    Subnormals one{.format = id};
    for (int64_t i = 0; i < values.size(); ++i) {
      const double x = std::abs(values.float_at(i));
      one.seen += x > 0 && x < normal ? 1 : 0;
      one.beside += x >= normal && x < 2 * normal ? 1 : 0;
    }
    if (one.seen + one.beside > 0) all.push_back(one);
  }
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
