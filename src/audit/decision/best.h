// What rules share: differences that are 0 between equal infinities, the best of a row.
#pragma once
#include <algorithm>
#include <limits>
#include <span>

namespace assay::audit {

inline double gap(double above, double below) { return above == below ? 0 : above - below; }

/// The first of the largest.
inline size_t largest(std::span<const double> row) {
  return static_cast<size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

/// The largest of all others; -infinity where there are none.
inline double largest_but(std::span<const double> row, size_t but) {
  double best = -std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < row.size(); ++i)
    if (i != but) best = std::max(best, row[i]);
  return best;
}

}  // namespace assay::audit
