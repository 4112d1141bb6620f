// Axes as layers see them: channels at -3, height at -2, width at -1, and a batch before.
#pragma once
#include "coreml/lift/nn.h"

namespace assay::coreml {

/// The rank of `x`; an error is kept and 0 returned when it is not known or less than `least`.
int64_t rank_of(NnLift& c, ValueId x, int64_t least = 0);
/// A negative axis from the end; an error is kept when it is out of range.
int64_t axis_of(NnLift& c, int64_t axis, int64_t rank);

/// Layers take whatever stands before the last `keep` axes as one batch: `x` with exactly one axis there.
ValueId one_batch_axis(NnLift& c, ValueId x, int64_t keep);
/// The inverse for a result `y` of such a layer: the leading axes that `x` has.
ValueId batch_axes_of(NnLift& c, ValueId y, ValueId x, int64_t keep);

/// Extents [begin, end) of `x` as int64 vector; known ones become constants.
ValueId extents(NnLift& c, ValueId x, int64_t begin, int64_t end);
ValueId extents(NnLift& c, ValueId x);
/// One extent as int64 vector of length 1.
ValueId extent(NnLift& c, ValueId x, int64_t axis);

/// Elements [begin, end) by `step` of one axis.
ValueId slice_axis(NnLift& c, ValueId x, int64_t axis, int64_t begin, int64_t end, int64_t step = 1);
/// The axis backwards.
ValueId backwards(GraphBuilder& c, ValueId x, const ir::Dims& axes);

/// How many elements the weights have; codes may be followed by padding bits.
int64_t element_count(const mil::Weights& weights);
/// Weights of a message inside of the parameters.
ValueId weights_of(NnLift& c, const mil::Message& message, std::string_view field, const ir::Dims& dims);
/// One value, or one for each channel, in a shape that broadcasts over [.., C, H, W].
ValueId per_channel(NnLift& c, const mil::Message& message, std::string_view field);

/// proto3 has no unset numbers: 0 is what a field's documentation says for it.
inline double unless_zero(double value, double otherwise) { return value == 0 ? otherwise : value; }
inline int64_t unless_zero(int64_t value, int64_t otherwise) { return value == 0 ? otherwise : value; }
inline ir::Dims unless_empty(ir::Dims values, ir::Dims otherwise) {
  return values.empty() ? std::move(otherwise) : std::move(values);
}

/// x (+) b and the like with a parameter of rank 0 as the second operand.
ValueId with_number(NnLift& c, std::string_view op, ValueId x, double value);

}  // namespace assay::coreml
