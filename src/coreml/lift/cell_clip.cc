#include "coreml/lift/cell_clip.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

namespace assay::coreml {
namespace {

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

/// The largest size of an element; infinity where one is no number.
double largest(const ir::Tensor& t) {
  double most = 0;
  for (int64_t i = 0; i < t.size(); ++i) {
    const double size = std::abs(t.float_at(i));
    if (!(size <= std::numeric_limits<double>::max())) return std::numeric_limits<double>::infinity();
    most = std::max(most, size);
  }
  return most;
}

}  // namespace

bool never_clips(const CellGrowth& cell, double limit) {
  if (cell.steps < 0 || cell.functions.size() < 2) return false;
  const bool from_zero = is_one_of(cell.functions[0], {"Sigmoid", "HardSigmoid"});
  const bool bounded_gates = from_zero || (cell.functions[0] == "Tanh" && !cell.coupled);
  if (!bounded_gates || !is_one_of(cell.functions[1], {"Sigmoid", "HardSigmoid", "Tanh"})) return false;
  double most = 0;
  for (const ir::Tensor* initial : cell.initial) {
    if (initial == nullptr) return false;
    most = std::max(most, largest(*initial));
  }
  return 2 * (static_cast<double>(cell.steps) + most) <= limit;
}

}  // namespace assay::coreml
