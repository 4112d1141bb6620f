#include "audit/trace/apart.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

namespace assay::audit {
namespace {
using ir::Tensor;

// What float64's rounding leaves of the largest number in the smallest, where sums of both cancel.
constexpr double kNoise = 0x1p-44;
// Numbers of a file that come out on both sides and are so much larger than all others are what a mask fills in; and
// what it adds itself to is so much larger than what it leaves alone.
constexpr double kFill = 0x1p10;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double distance_of(double x, double y) {
  if (x == y || (std::isnan(x) && std::isnan(y))) return 0;
  const double d = std::abs(y - x);
  return std::isnan(d) ? kInfinity : d;
}

double magnitude(double x) { return std::isfinite(x) ? std::abs(x) : 0; }

/// Elements of about one size.
struct Level {
  double smallest = kInfinity, largest = 0, max_abs = 0;
  void merge(const Level& other) {
    smallest = std::min(smallest, other.smallest);
    largest = std::max(largest, other.largest);
    max_abs = std::max(max_abs, other.max_abs);
  }
};

/// Relative to the largest of each level, where levels are `kFill` from one another; to no less than `least`.
double apart_by_level(const Tensor& a, const Tensor& b, double least) {
  std::vector<Level> by_exponent(0x800);
  for (int64_t i = 0; i < a.size(); ++i) {
    const double size = magnitude(a.float_at(i));
    const double smallest = size > 0 ? size : kInfinity;  // zeros are of any size
    by_exponent[std::bit_cast<uint64_t>(size) >> 52].merge({smallest, size, distance_of(a.float_at(i), b.float_at(i))});
  }
  double most = 0;
  Level level;
  const auto close = [&] {
    if (level.max_abs > 0) most = std::max(most, level.max_abs / std::max(level.largest, least));
  };
  for (size_t exponent = by_exponent.size(); exponent-- > 0;) {
    const Level& next = by_exponent[exponent];
    if (next.largest > 0 && level.smallest > kFill * next.largest) close(), level = {};
    level.merge(next);
  }
  close();
  return most;
}

}  // namespace

Apart apart(const Tensor& a, const Tensor& b) {
  Apart out;
  double largest = 0, computed = 0;
  for (int64_t i = 0; i < a.size(); ++i) {
    const double x = a.float_at(i), y = b.float_at(i);
    if (std::isnan(x) && std::isnan(y)) continue;
    out.told = true;
    largest = std::max(largest, magnitude(x));
    const bool may_be_filled_in = x == y && x == static_cast<double>(static_cast<float>(x));
    if (!may_be_filled_in) computed = std::max(computed, magnitude(x));
    out.max_abs = std::max(out.max_abs, distance_of(x, y));
  }
  if (out.max_abs == 0) return out;
  const double scale = computed > 0 && largest > kFill * computed ? computed : largest;
  out.relative = scale > 0 ? out.max_abs / scale : kInfinity;
  if (scale > 0 && out.max_abs > kNoise * computed)
    out.relative = std::max(out.relative, apart_by_level(a, b, kNoise / kSame * computed));
  out.judged = out.relative;
  return out;
}

Apart outputs_apart(const Tensor& a, const Tensor& b) {
  if (a.is_list() || b.is_list() || a.empty_handle() || b.empty_handle()) return {};
  const bool numbers = a.elem() != ir::ElemType::string && b.elem() != ir::ElemType::string;
  if (a.size() != b.size() || ir::is_float(a.elem()) != ir::is_float(b.elem())) return kNothingAlike;
  if (numbers && ir::is_float(a.elem())) return apart(a, b);
  Apart out{0, 0, a.size() > 0, 0};
  int64_t differing = 0;
  for (int64_t i = 0; i < a.size(); ++i) {
    if (numbers ? a.float_at(i) == b.float_at(i) : a.strings()[i] == b.strings()[i]) continue;
    ++differing;
    out.max_abs = std::max(out.max_abs, numbers ? std::abs(b.float_at(i) - a.float_at(i)) : kInfinity);
  }
  if (differing == 0) return out;
  out.relative = kInfinity;
  out.judged = static_cast<double>(differing) / static_cast<double>(a.size());
  return out;
}

}  // namespace assay::audit
