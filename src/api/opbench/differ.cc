#include "api/opbench/differ.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::api::opbench {
namespace {

bool is_code(ir::ElemType elem) { return elem == ir::ElemType::uint8 || elem == ir::ElemType::int8; }

bool agree(double a, double b, double allowed) {
  return a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= allowed;
}

/// Floats: a share of the largest magnitude. Codes of quantised results: one. All else: nothing.
double allowed_distance(const Case& c, const ir::Tensor& theirs) {
  if (c.check == Check::codes && is_code(theirs.elem())) return 1;
  if (!ir::is_float(theirs.elem())) return 0;
  double largest = 0;
  for (int64_t i = 0; i < theirs.size(); ++i)
    if (const double x = std::abs(theirs.float_at(i)); std::isfinite(x)) largest = std::max(largest, x);
  return c.tolerance * largest;
}

double value_at(const ir::Tensor& t, int64_t i) {
  return ir::is_float(t.elem()) ? t.float_at(i) : static_cast<double>(t.int_at(i));
}

std::string element_difference(const Case& c, const ir::Tensor& ours, const ir::Tensor& theirs) {
  if (ours.elem() == ir::ElemType::string)
    return ours.strings() == theirs.strings() ? "" : std::string("other strings");
  const double allowed = allowed_distance(c, theirs);
  for (int64_t i = 0; i < ours.size(); ++i) {
    const double a = value_at(ours, i), b = value_at(theirs, i);
    if (!agree(a, b, allowed)) return fmt::format("element {} is {:.9g}, not {:.9g}", i, a, b);
  }
  return {};
}

}  // namespace

std::string difference(const Case& c, std::span<const ir::Tensor> ours, std::span<const ir::Tensor> theirs) {
  if (ours.size() != theirs.size()) return fmt::format("{} outputs, not {}", ours.size(), theirs.size());
  for (size_t k = 0; k < ours.size(); ++k) {
    const ir::Type a = ir::Type::of(ours[k].elem(), ours[k].dims());
    const ir::Type b = ir::Type::of(theirs[k].elem(), theirs[k].dims());
    std::string what;
    if (!(a == b))
      what = "is " + ir::to_string(a) + ", not " + ir::to_string(b);
    else if (c.check != Check::type)
      what = element_difference(c, ours[k], theirs[k]);
    if (!what.empty()) return fmt::format("output {}: {}", k, what);
  }
  return {};
}

}  // namespace assay::api::opbench
