#include "coreml/lift/extents.h"

#include <algorithm>

namespace assay::coreml {

Extent extent(GraphBuilder& b, ValueId x, int64_t axis) {
  const int64_t known = b.dim(x, axis);
  if (known >= 0) return known;
  const int64_t at = axis < 0 ? axis + b.rank(x) : axis;
  return Extent::of(b.op("Shape", {x}, {{"start", at}, {"end", at + 1}}));
}

Extents extents(GraphBuilder& b, ValueId x) {
  Extents out;
  for (int64_t i = 0; i < b.rank(x); ++i) out.push_back(extent(b, x, i));
  return out;
}

Extents elements(GraphBuilder& b, ValueId vector) {
  Extents out;
  const ir::Tensor* known = b.constant(vector);
  for (int64_t i = 0; i < b.dim(vector, 0); ++i) {
    // A negative element has a meaning of its own (-1: what is left): it stays a value.
    const bool plain = known != nullptr && known->int_at(i) >= 0;
    out.push_back(plain ? Extent(known->int_at(i)) : Extent::of(b.op("Slice", {vector, b.ints({i}), b.ints({i + 1})})));
  }
  return out;
}

Extent plus(GraphBuilder& b, const Extent& x, int64_t by) {
  if (by == 0) return x;
  if (x.is_known() && x.known + by >= 0) return x.known + by;
  return Extent::of(b.op("Add", {as_value(b, x), b.ints({by})}));
}

Extent times(GraphBuilder& b, const Extent& x, const Extent& y) {
  if (x.is_known() && y.is_known()) return x.known * y.known;
  if (y.is_known() && y.known == 1) return x;
  if (x.is_known() && x.known == 1) return y;
  return Extent::of(b.op("Mul", {as_value(b, x), as_value(b, y)}));
}

Extent divided(GraphBuilder& b, const Extent& x, int64_t by) {
  if (by == 1) return x;
  if (x.is_known() && by > 0) return x.known / by;
  return Extent::of(b.op("Div", {as_value(b, x), b.ints({by})}));
}

ValueId as_value(GraphBuilder& b, const Extent& x) { return x.is_known() ? b.ints({x.known}) : x.value; }

ValueId as_vector(GraphBuilder& b, const Extents& elements) {
  if (std::ranges::all_of(elements, &Extent::is_known)) {
    ir::Dims dims;
    for (const Extent& e : elements) dims.push_back(e.known);
    return b.ints(dims);
  }
  std::vector<ValueId> parts;
  for (const Extent& e : elements) parts.push_back(as_value(b, e));
  return parts.size() == 1 ? parts[0] : b.op("Concat", std::move(parts), {{"axis", int64_t{0}}});
}

ValueId reshape_to(GraphBuilder& b, ValueId x, const Extents& dims) {
  if (std::ranges::all_of(dims, &Extent::is_known)) {
    ir::Dims known;
    for (const Extent& e : dims) known.push_back(e.known);
    return b.reshape(x, known);
  }
  return b.op("Reshape", {x, as_vector(b, dims)}, {{"allowzero", int64_t{1}}});
}

int64_t checked_axis(GraphBuilder& b, int64_t axis, int64_t rank) {
  if (rank >= 0 && axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
  b.fail(rank < 0 ? Error{Code::op_unsupported, "the rank of its operand is not known", "", "declare its shape"}
                  : Error{Code::model_invalid, "axis " + std::to_string(axis) + " for rank " + std::to_string(rank), "",
                          "check the export"});
  return 0;
}

ValueId as_int64_vector(GraphBuilder& b, ValueId x) {
  x = b.as_int64(x);
  return b.rank(x) == 0 ? b.unsqueeze(x, {0}) : x;
}

}  // namespace assay::coreml
