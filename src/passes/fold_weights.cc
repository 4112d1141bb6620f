#include "passes/fold_weights.h"

#include <algorithm>
#include <string_view>

#include "ops/def.h"
#include "ops/propagate.h"

namespace assay::passes {
namespace {

constexpr std::string_view kMoves[] = {"Concat", "Flatten", "Gather",  "Identity",  "Reshape",
                                       "Slice",  "Split",   "Squeeze", "Transpose", "Unsqueeze"};
/// What is folded is held in memory; larger weights are rather left to stream from the file.
constexpr int64_t kMostElements = int64_t{1} << 22;

bool is_small(const ir::Type& type) {
  if (!type.is_static()) return false;
  int64_t size = 1;
  for (const ir::Dim& d : *type.shape)
    if (__builtin_mul_overflow(size, d.value, &size) || size > kMostElements) return false;
  return true;
}

bool is_foldable(const ir::Graph& g, const ir::Op& op) {
  if (!op.domain.empty() || op.def == nullptr || std::ranges::find(kMoves, op.type) == std::end(kMoves)) return false;
  const auto known = [&](ir::ValueId v) { return v == ir::kNoValue || g.at(v).constant; };
  const auto fits = [&](ir::ValueId v) {
    if (v == ir::kNoValue) return true;
    return ir::is_float(g.at(v).type.elem) && is_small(g.at(v).type) &&
           std::ranges::find(g.outputs, v) == g.outputs.end();
  };
  return !op.inputs.empty() && std::ranges::all_of(op.inputs, known) && std::ranges::all_of(op.outputs, fits);
}

}  // namespace

Status fold_moved_weights(ir::Graph& g) {
  for (const ir::Op& op : g.ops)
    if (is_foldable(g, op)) ASSAY_CHECK(ops::evaluate(g, op, g.values));
  const size_t folded = std::erase_if(g.ops, [&](const ir::Op& op) {
    return std::ranges::all_of(op.outputs, [&](ir::ValueId v) { return v == ir::kNoValue || g.at(v).constant; });
  });
  if (folded != 0) g.relink();
  return {};
}

}  // namespace assay::passes
