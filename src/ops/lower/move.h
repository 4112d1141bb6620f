// What the lowerings of data movement share: element types that an operator does not take, shapes that are known only
// at run time, indices that count from the end.
#pragma once
#include <optional>
#include <vector>

#include "ops/lower/mil.h"

namespace assay::ops {

/// From this specification version on (iOS17) gathers do not take indices that count from the end.
inline constexpr int kCountsFromStart = 8;

/// Element types that an operator of ML Programs takes beside float16, float32 and int32.
enum Takes : unsigned {
  kTakesNumbers = 0,
  kTakesBooleans = 1,
  kTakesSmall = 2,  ///< integers of 8 and 16 bits, from iOS17 on
};

/// Operand `i`, with all that is known of its shape, carried(); an error when it has no type in ML Programs.
Result<MilValue> operand(MilContext& c, size_t i, unsigned takes);
/// `x` in a type that the operator takes: what it does not take becomes int32, which holds it exactly.
MilValue carried(MilContext& c, const MilValue& x, unsigned takes);
/// The last operation, with one output. Its operands were carried as `as`: a cast back follows where that is not the
/// output's type.
Status emit_carried(MilContext& c, std::string_view type, const MilParams& params, mil::DataType as);
/// Output `i`, computed as `value`: cast back where it was carried as another type.
Status result_carried(MilContext& c, const MilValue& value, size_t i = 0);

/// Dimensions of output `i`; those of a scalar when its rank is not known (emit and result then refuse).
template <class Context>
mil::Dims out_dims(const Context& c, size_t i = 0) {
  mil::Dims dims;
  if (!c.out_type(i).ranked()) return dims;
  for (const ir::Dim& d : *c.out_type(i).shape) dims.push_back(d.known() ? d.value : mil::kUnknownDim);
  return dims;
}

/// Extents [begin, end) of x as an int32 vector: a constant where all are known.
MilValue extents_of(MilContext& c, const MilValue& x, int64_t begin, int64_t end);
/// One extent of x as an int32 scalar.
MilValue extent_of(MilContext& c, const MilValue& x, int64_t axis);
/// Vectors one behind the other; constants among them become const operations.
MilValue joined(MilContext& c, const std::vector<MilArg>& parts, int64_t length);
/// The int32 vector with `count` times `value`.
mil::Value repeated(int32_t value, int64_t count);

/// One extent of a shape: a number, or the input's extent along an axis, or (once) whatever remains.
struct Extent {
  int64_t value = -1;
  int64_t axis = -1;
};
/// The shape as a parameter: numbers, or a vector that the program puts together.
MilArg shape_value(MilContext& c, const MilValue& x, const std::vector<Extent>& shape);
/// x under a shape of which at most one extent is unknown, or whose unknown extents are copies of the input's.
Status reshape_known(MilContext& c, const MilValue& x, const std::vector<Extent>& shape);

/// Operand `i`, which holds indices into `x`: none counts from the end, and constants are inside. `axes`: one axis, or
/// with `tuples` those that the last axis of the indices names. With `as_they_are` the operator takes negative ones.
Result<MilValue> indices_of(MilContext& c, size_t i, const MilValue& x, const ir::Dims& axes, bool tuples,
                            bool as_they_are);

/// Whether an operator gives indices or sizes, which are never negative.
bool counts_from_zero(const ir::Graph& graph, ir::ValueId value);
/// Constant indices made non-negative, or why they do not fit: "index 7 is outside of an axis with extent 3". Unknown
/// extents (-1) let only non-negative indices pass; nullopt: one of the others is negative.
Result<std::optional<ir::Tensor>> constant_indices(const ir::Tensor& indices, const ir::Dims& extents);

/// Whether two unknown extents are certainly the same number.
bool same_extent(const ir::Dim& a, const ir::Dim& b);
/// `axis` attribute made non-negative; the rank is known.
int64_t axis_of(const ir::Op& op, int64_t fallback, int64_t rank);
/// Integers of constant operand `i`; nullopt when it is absent or not a constant.
template <class Context>
std::optional<ir::Dims> known_ints(const Context& c, size_t i) {
  const ir::Tensor* t = c.has(i) ? c.constant(i) : nullptr;
  return t ? std::optional(t->ints()) : std::nullopt;
}

}  // namespace assay::ops
