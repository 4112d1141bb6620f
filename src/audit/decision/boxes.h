// Detections of two programs, matched by how much their boxes overlap.
#pragma once
#include <span>
#include <vector>

#include "audit/decision/rule.h"

namespace assay::audit {

inline constexpr size_t kBoxColumns = 6;  ///< four numbers of the box, score, class

/// Reads one row of six numbers; the box as its two corners.
Detection detection_of(std::span<const double> row, BoxFormat format);
/// Intersection over union, 0 to 1; 1 for equal boxes, whatever their area.
double overlap(const Detection& a, const Detection& b);

struct BoxMatch {
  uint64_t lost = 0, found = 0, moved = 0, relabelled = 0;
  bool same() const { return lost + found + moved + relabelled == 0; }
};
/// Pairs detections by descending overlap, each at most once (ties: the first in order): those of one class that
/// overlap by `iou` or more are the same; then those of two classes that do (relabelled); then those of one class that
/// overlap at all (moved). What is left is lost, or found.
BoxMatch match(const std::vector<Detection>& reference, const std::vector<Detection>& other, double iou);

}  // namespace assay::audit
