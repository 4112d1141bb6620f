// Dimensions that are known while lifting, or only when the model runs.
#pragma once
#include <vector>

#include "coreml/lift/builder.h"

namespace assay::coreml {

/// One dimension: a number, or a value (int64, rank 1, one element) that holds it.
struct Extent {
  int64_t known = -1;  ///< -1: see `value`
  ValueId value = ir::kNoValue;

  Extent(int64_t n) : known(n) {}  // NOLINT(google-explicit-constructor): numbers stand among extents
  static Extent of(ValueId value) {
    Extent e(-1);
    e.value = value;
    return e;
  }
  bool is_known() const { return known >= 0; }
};
using Extents = std::vector<Extent>;

/// Dimension `axis` of `x`, whose rank is known; negative axes count from the end.
Extent extent(GraphBuilder& b, ValueId x, int64_t axis);
/// All of them.
Extents extents(GraphBuilder& b, ValueId x);
/// An int64 vector's elements one by one; its length is known.
Extents elements(GraphBuilder& b, ValueId vector);

Extent plus(GraphBuilder& b, const Extent& x, int64_t by);
Extent times(GraphBuilder& b, const Extent& x, const Extent& y);
Extent divided(GraphBuilder& b, const Extent& x, int64_t by);  ///< without a remainder, or rounded down

ValueId as_value(GraphBuilder& b, const Extent& x);           ///< int64, rank 1
ValueId as_vector(GraphBuilder& b, const Extents& elements);  ///< int64, rank 1
ValueId reshape_to(GraphBuilder& b, ValueId x, const Extents& dims);

/// `axis` made non-negative; an error is kept when it is out of range or the rank is unknown.
int64_t checked_axis(GraphBuilder& b, int64_t axis, int64_t rank);
/// A scalar or vector of integers as an int64 vector.
ValueId as_int64_vector(GraphBuilder& b, ValueId x);

}  // namespace assay::coreml
