// Functions by table are straight between its entries; the functions themselves are not.
#include <algorithm>
#include <cmath>
#include <limits>

#include "audit/metrics/counts.h"
#include "audit/probe/read.h"

namespace assay::audit {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Half a step of the lattice that the values lie on, at y: what rounding moves a value of a table by.
class Tolerance {
 public:
  explicit Tolerance(const ir::Tensor& values) {
    LatticeCounts counts;
    add_lattice(counts, values);
    const num::Format& format = num::format(counts.verdict().format.value_or(num::FormatId::float32));
    bits_ = format.significand_bits;
    least_ = num::min_subnormal(format);
  }
  double at(double y) const {
    const double step = y == 0 ? least_ : std::max(least_, std::ldexp(1.0, std::ilogb(y) - bits_));
    return 0.5000001 * step;
  }

 private:
  int bits_ = 23;
  double least_ = 0;
};

}  // namespace

bool same_everywhere(const ir::Tensor& y) {
  const double first = y.size() > 0 ? y.float_at(0) : 0;
  for (int64_t i = 1; i < y.size(); ++i)
    if (y.float_at(i) != first && !(std::isnan(y.float_at(i)) && std::isnan(first))) return false;
  return true;
}

bool follows(const ir::Tensor& y, const ir::Tensor& function) {
  double low = kInfinity, high = -kInfinity, worst = 0;
  for (int64_t i = 0; i < y.size(); ++i) {
    const double value = y.float_at(i), wanted = function.float_at(i);
    if (std::isfinite(value) != std::isfinite(wanted)) return false;
    if (!std::isfinite(value)) continue;
    low = std::min(low, wanted);
    high = std::max(high, wanted);
    worst = std::max(worst, std::abs(value - wanted));
  }
  return low < high && 8 * worst <= high - low;
}

size_t straight_segments(const ir::Tensor& x, const ir::Tensor& y) {
  const Tolerance tolerance(y);
  size_t segments = 0;
  for (int64_t start = 0; start + 1 < y.size();) {
    if (!std::isfinite(y.float_at(start))) {  // on no line
      ++start;
      continue;
    }
    ++segments;
    double low = -kInfinity, high = kInfinity;  // slopes that all values so far allow
    int64_t at = start + 1;
    for (; at < y.size() && std::isfinite(y.float_at(at)); ++at) {
      const double run = x.float_at(at) - x.float_at(start), rise = y.float_at(at) - y.float_at(start);
      const double slack = tolerance.at(y.float_at(at)) + tolerance.at(y.float_at(start));
      low = std::max(low, (rise - slack) / run);
      high = std::min(high, (rise + slack) / run);
      if (!(low <= high)) break;
    }
    start = std::max(at - 1, start + 1);
  }
  return segments;
}

}  // namespace assay::audit
