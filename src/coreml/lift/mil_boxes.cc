// Non-maximum suppression, in both layouts.
#include "coreml/lift/mil_tables.h"

namespace assay::coreml {
namespace {

/// A threshold as a parameter, which no storage policy rounds.
ValueId threshold(MilLift& c, std::string_view parameter, ValueId like) {
  return c.has(parameter) ? c.number(c.number(parameter, 0), like) : ir::kNoValue;
}

/// Up to iOS 16 boxes are rows; from iOS 17 on they are columns, there is no score threshold, and nobody is told how
/// many there are.
void lift_non_maximum_suppression(MilLift& c) {
  const bool columns = !c.has("score_threshold") && c.version() >= 8;
  const auto turned = [&](ValueId x) { return columns ? c.transpose(x, {0, 2, 1}) : x; };
  const ValueId boxes = turned(c.in("boxes")), scores = turned(c.in("scores"));
  if (!c.has("iou_threshold") || !c.has("max_boxes")) return c.bad("'iou_threshold' or 'max_boxes' is missing");
  const std::vector<ValueId> results =
      c.ops("coreml.NonMaximumSuppression",
            {boxes, scores, c.ints({c.integer("max_boxes", 0)}), threshold(c, "iou_threshold", boxes),
             threshold(c, "score_threshold", scores)},
            4, {{"per_class_suppression", int64_t{c.flag("per_class_suppression", false)}}});
  c.result(turned(results[0]), 0);
  c.result(turned(results[1]), 1);
  c.result(results[2], 2);
  c.result(results[3], 3);
}

constexpr MilRow kRows[] = {{"non_maximum_suppression", lift_non_maximum_suppression}};

}  // namespace

std::span<const MilRow> mil_boxes_rows() { return kRows; }

}  // namespace assay::coreml
