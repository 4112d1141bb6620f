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

size_t straight_segments(const ir::Tensor& x, const ir::Tensor& y) {
  const Tolerance tolerance(y);
  size_t segments = 0;
  for (int64_t start = 0; start + 1 < y.size();) {
    ++segments;
    double low = -kInfinity, high = kInfinity;  // slopes that all values so far allow
    int64_t at = start + 1;
    for (; at < y.size(); ++at) {
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
