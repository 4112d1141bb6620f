// Conditions on Resize.
#include <algorithm>
#include <cmath>

#include "ops/move.h"
#include "passes/coreml_provider/conditions.h"

namespace assay::passes::provider {
namespace {

bool uses_sizes(const Node& n) { return n.has(3); }

/// The factor by which each axis grows, from the scales or the sizes; nothing where they are not known.
std::optional<std::vector<double>> factors(const Node& n) {
  const size_t rank = n.rank(0);
  ir::Dims axes = n.op().attr_ints("axes");
  if (axes.empty())
    for (size_t k = 0; k < rank; ++k) axes.push_back(static_cast<int64_t>(k));
  const auto scales = uses_sizes(n) ? std::nullopt : n.floats(2);
  const auto sizes = uses_sizes(n) ? n.ints(3) : std::nullopt;
  const size_t given = scales ? scales->size() : sizes ? sizes->size() : 0;
  if (given != axes.size()) return std::nullopt;
  std::vector<double> all(rank, 1.0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t axis = ops::normal_axis(axes[i], static_cast<int64_t>(rank));
    if (axis < 0) return std::nullopt;
    const auto at = static_cast<size_t>(axis);
    if (sizes && n.dim(0, at) <= 0) return std::nullopt;
    all[at] = scales ? (*scales)[i] : static_cast<double>((*sizes)[i]) / static_cast<double>(n.dim(0, at));
  }
  return all;
}

bool places(const Node& n) {
  const auto f = factors(n);
  return f && std::all_of(f->begin(), f->end() - 2, [](double v) { return v == 1; });
}

bool whole(double value) { return std::round(value) == value; }

/// 1 / factor divides the size, as far as float32 scales say.
bool shrinks_evenly(double factor, int64_t size) {
  if (factor <= 0 || size <= 0) return false;
  const double parts = std::round(1 / factor);
  return std::abs(parts * factor - 1) < 1e-6 && size % static_cast<int64_t>(parts) == 0;
}

bool whole_factors(const Node& n) {
  const auto f = factors(n);
  if (!f) return false;
  if (uses_sizes(n) && n.ml_program()) return true;
  const size_t h = n.rank(0) - 2, w = n.rank(0) - 1;
  const double fh = (*f)[h], fw = (*f)[w];
  if (fh >= 1 && fw >= 1) return whole(fh) && whole(fw);
  return n.ml_program() && fh <= 1 && fw <= 1 && shrinks_evenly(fh, n.dim(0, h)) && shrinks_evenly(fw, n.dim(0, w));
}

bool mode(const Node& n) {
  const bool nearest = n.attr_is("mode", "nearest", "nearest");
  return (nearest ? n.attr_is("nearest_mode", "round_prefer_floor", "floor")
                  : n.attr_is("mode", "nearest", "linear")) &&
         n.attr("antialias", 0) == 0 && n.attr("exclude_outside", 0) == 0 &&
         n.attr_is("keep_aspect_ratio_policy", "stretch", "stretch");
}

bool coordinates(const Node& n) {
  const std::string said = n.op().attr_string("coordinate_transformation_mode", "half_pixel");
  if (!n.ml_program() || n.attr_is("mode", "nearest", "nearest")) return said == "asymmetric";
  if (said == "pytorch_half_pixel") {  // half_pixel, unless an axis shrinks to one element
    const ir::Type& out = n.context().graph.at(n.op().outputs[0]).type;
    return out.is_static() && out.dims().end()[-1] > 1 && out.dims().end()[-2] > 1;
  }
  return said == "half_pixel" || said == "align_corners" || (uses_sizes(n) && said == "asymmetric");
}

}  // namespace

const Condition kResizeRank{"for arrays of four axes (an ML Program: three to five)", [](const Node& n) {
                              return n.ml_program() ? n.rank(0) >= 3 && n.rank(0) <= 5 : n.rank(0) == 4;
                            }};
const Condition kResizeMode{"nearest with nearest_mode floor, or linear, plainly stretched", mode};
const Condition kResizePlaces{"with constant scales or sizes that change the last two axes alone", places};
const Condition kResizeFactors{"by whole factors (an ML Program: their inverses and any sizes too)", whole_factors};
const Condition kResizeCoordinates{
    "with coordinates asymmetric (an ML Program, linear: half_pixel or align_corners; "
    "asymmetric with sizes)",
    coordinates};

}  // namespace assay::passes::provider
