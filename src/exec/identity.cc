#include "exec/identity.h"

#include <algorithm>

#include "ops/permutation.h"

namespace assay::exec {
namespace {

using Values = std::vector<ir::Value>;

bool same_dims(const ir::Op& op, const Values& values) {
  return values[op.inputs[0]].type.dims() == values[op.outputs[0]].type.dims();
}

/// With an equal shape, steps of 1 leave each axis whole.
bool whole_slice(const ir::Op& op, const Values& values) {
  if (!same_dims(op, values)) return false;
  if (!op.has_input(4)) return true;
  const auto& steps = values[op.inputs[4]].constant;
  return steps && std::ranges::all_of(steps->ints(), [](int64_t step) { return step == 1; });
}

/// Axes of more than one place keep their order.
bool moves_ones(const ir::Op& op, const Values& values) {
  const ir::Dims dims = values[op.inputs[0]].type.dims();
  ir::Dims perm = ops::permutation(op, static_cast<int64_t>(dims.size()));
  if (perm.size() != dims.size()) return false;
  std::erase_if(perm, [&](int64_t axis) { return dims[static_cast<size_t>(axis)] == 1; });
  return std::ranges::is_sorted(perm);
}

/// A type onto itself; the values were rounded when they were stored.
bool same_type(const ir::Op& op, const Values& values) {
  return values[op.inputs[0]].type.elem == values[op.outputs[0]].type.elem && !op.policy.result;
}

struct Row {
  std::string_view type;
  bool (*holds)(const ir::Op&, const Values&);
};
constexpr Row kRows[] = {
    {"Cast", same_type}, {"Expand", same_dims}, {"Slice", whole_slice}, {"Tile", same_dims}, {"Transpose", moves_ones}};

}  // namespace

bool moves_nothing(const ir::Op& op, const Values& values) {
  const auto* row = std::ranges::find(kRows, op.type, &Row::type);
  if (row == std::end(kRows) || !op.domain.empty() || !op.has_input(0) || op.outputs[0] == ir::kNoValue) return false;
  const ir::Type &in = values[op.inputs[0]].type, &out = values[op.outputs[0]].type;
  return in.is_tensor() && out.is_tensor() && in.is_static() && out.is_static() && row->holds(op, values);
}

}  // namespace assay::exec
